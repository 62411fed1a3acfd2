/* The fast path on tiles of bfloat16: the activation format bfloat16, and products with weights of every layout. A
 * template; see vector.inc.h, weights.inc.h and rows.inc.h. LANES is 16.
 *
 * A tile has 16 lines of 64 bytes. A table's source file defines, for tiles with the constant numbers 0 to 7,
 *
 *   TILE_ZERO(t)              all numbers of tile t become 0
 *   TILE_LOAD(t, p, stride)   line i of tile t = the 64 bytes at p + i * stride
 *   TILE_STORE(t, p, stride)  the reverse
 *   TILE_DOT(t, a, b)         tile t, [16][16] floats, += the product of tile a, [16 rows][32 k] of bfloat16, and tile
 *                             b, [16 pairs of k][16 columns][2] of bfloat16
 *   PREFETCH(p)               brings the cache line at p into the second-level cache
 *
 * Weights are multiplied by their scale before they are rounded to bfloat16. So there is no scale in the inner loop,
 * and sums stay in float32 over the whole length. Rounding the weights makes an error of 1.7e-3 of a product's norm,
 * and rounding the activations the same. For comparison: int8 activations make an error of 6e-3. */
#include "kernels/templates/weights.inc.h"

enum {
    TILE_LINES = 16,      /* rows of activations, or pairs of k, in a tile */
    TILE_LINE_BYTES = 64, /* 32 k of a row, or 16 columns of a pair */
    TILE_BYTES = TILE_LINES * TILE_LINE_BYTES,
    TILED_BLOCKS = 48     /* blocks of a panel that are unpacked to tiles at once: 96 KB of the second-level cache */
};
static_assert(LANES == TILE_LINES, "a vector holds a line of floats");

/* ---------------------------------------------------------------- rounding */

/* bfloat16 is the upper 16 bits of a float. Adding 0x8000 before the lower bits are cut off rounds to nearest, ties
 * away from zero. A NaN that arithmetic makes has zeros in its lower 16 bits, so it stays a NaN. */
INLINE vu bfloat16_rounded(vf x)
{
    return (vu)x + 0x8000;
}

/* Sixteen numbers to 32 bytes. */
INLINE void bfloat16_store(unsigned char *to, vf x)
{
    const vh h = __builtin_convertvector(bfloat16_rounded(x) >> 16, vh);
    memcpy(to, &h, sizeof h);
}

/* A line of pairs: in each lane the number of the even k, then that of the odd k. */
INLINE void bfloat16_store_pairs(unsigned char *line, vf even, vf odd)
{
    const vu pairs = bfloat16_rounded(even) >> 16 | (bfloat16_rounded(odd) & 0xffff0000u);
    memcpy(line, &pairs, sizeof pairs);
}

/* ---------------------------------------------------------------- activations
 *
 * 16 rows lie together as tiles, one for each 32 k: [length / 32][16 rows][32 k]. */

/* The line that holds numbers `first` to `first` + 31 of a row. first is a multiple of 32. */
INLINE unsigned char *bfloat16_line(void *buffer, int row, int length, int first)
{
    const size_t tile = (size_t)(row / TILE_LINES) * (size_t)(length / 32) + (size_t)(first / 32);
    return (unsigned char *)buffer + tile * TILE_BYTES + (size_t)(row % TILE_LINES) * TILE_LINE_BYTES;
}

static void bfloat16_write(void *dst, int row, int length, int first, const float *x, int count)
{
    unsigned char *to = bfloat16_line(dst, row, length, first);
    for (int i = 0; i < count; i += 32, to += TILE_BYTES) {
        bfloat16_store(to, vf_load(x + i));
        bfloat16_store(to + 32, vf_load(x + i + 16));
    }
}

static void bfloat16_rms_norm(void *dst, int row, const float *x, const float *weight, int length, float epsilon)
{
    const vf factor = norm_factor(x, length, epsilon);
    unsigned char *to = bfloat16_line(dst, row, length, 0);
    for (int i = 0; i < length; i += 32, to += TILE_BYTES) {
        bfloat16_store(to, vf_load(x + i) * factor * vf_load(weight + i));
        bfloat16_store(to + 32, vf_load(x + i + 16) * factor * vf_load(weight + i + 16));
    }
}

INLINE void bfloat16_ffn(enum quern_ffn_kind kind, unsigned char *to, const float *gate, const float *up, int count)
{
    for (int i = 0; i < count; i += 32, to += TILE_BYTES) {
        bfloat16_store(to, ffn_at(kind, gate, up, i));
        bfloat16_store(to + 32, ffn_at(kind, gate, up, i + 16));
    }
}

static void bfloat16_geglu_tanh(void *dst, int row, int length, int first, const float *gate, const float *up,
                                int count)
{
    bfloat16_ffn(QUERN_FFN_GEGLU_TANH, bfloat16_line(dst, row, length, first), gate, up, count);
}

static void bfloat16_gelu_erf(void *dst, int row, int length, int first, const float *gate, const float *up, int count)
{
    bfloat16_ffn(QUERN_FFN_GELU_ERF, bfloat16_line(dst, row, length, first), gate, up, count);
}

/* There is no split: keys from bfloat16 rows alone are more exact than keys from int8 rows with their rest. */
static const struct quern_activation bfloat16 = {
    .name = "bfloat16", .rows_together = TILE_LINES, .block_bytes = TILE_LINE_BYTES, .write = bfloat16_write,
    .rms_norm = bfloat16_rms_norm,
    .ffn = {[QUERN_FFN_GEGLU_TANH] = bfloat16_geglu_tanh, [QUERN_FFN_GELU_ERF] = bfloat16_gelu_erf}};

/* ---------------------------------------------------------------- weights
 *
 * A block of a panel, 32 k of 32 columns, becomes two tiles of [16 pairs of k][16 columns][2]. Meanwhile a block of the
 * panel at `ahead` is prefetched: one cache line with each word. A CPU has room for a few such requests only, and when
 * they come one at a time, there is always room for the next one. */

/* In each lane the float 2^15 + q, where q is byte number i of the lane: it becomes the upper bits of the fraction. */
INLINE vf float_of_byte(vi word, int i)
{
    const vu moved = i == 0 ? (vu)word << 8 : (vu)word >> (8 * (i - 1));
    return (vf)((moved & 0xff00) | 0x47000000);
}

/* Four k of 16 columns as bytes without sign: the stored numbers, or w + 128. */
INLINE vi unsigned_word(struct quern_panel_layout layout, const unsigned char *block, int word, int v)
{
    if (layout.kind == QUERN_PANEL_SIGNED_BYTES)
        return PANEL_WORDS(block, word, v);
    if (layout.kind == QUERN_PANEL_TABLE_NIBBLES)
        return LOOKUP(quern_iq4_nl_values, nibbles_at(block, word, v)) ^ vi_set((int32_t)0x80808080u);
    return sub_bytes_at(layout, block, word, v);
}

INLINE int unsigned_offset(struct quern_panel_layout layout)
{
    return layout.kind == QUERN_PANEL_SIGNED_BYTES || layout.kind == QUERN_PANEL_TABLE_NIBBLES ? 128 : layout.offset;
}

/* Byte i of each lane as a weight. When the scale is a half float, (2^15 + offset) * scale is exact. So one fused
 * multiply-add multiplies by the scale and subtracts this number. The scales of sub-byte numbers have more digits, so
 * there 2^15 + offset is subtracted first. */
INLINE vf scaled_byte(struct quern_panel_layout layout, vi word, int i, vf scale, vf added)
{
    const vf q = float_of_byte(word, i), high = vf_set(32768.0f + (float)unsigned_offset(layout));
    return layout.kind == QUERN_PANEL_SUB_BYTE ? VF_FMA(q - high, scale, added) : VF_FMA(q, scale, added);
}

/* Unpacks all k of 16 columns, vector v of the block, to a tile. Everything is read before anything is written, because
 * a compiler cannot know that the tile and the block do not overlap. */
INLINE void unpack_whole_numbers(struct quern_panel_layout layout, unsigned char *tile, const unsigned char *block,
                                 int v, const unsigned char *ahead)
{
    vf scale[2], added[2];
    vi words[8];
    for (int g = 0; g < layout.groups; g++) {
        scale[g] = scale_at(layout, block, g, v);
        added[g] = layout.kind != QUERN_PANEL_SUB_BYTE ? scale[g] * vf_set(-32768.0f - (float)unsigned_offset(layout))
                   : layout.minimum                    ? minimum_at(layout, block, g, v)
                                                       : vf_set(0.0f);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        words[i] = unsigned_word(layout, block, i, v);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        const int g = i * layout.groups / 8;
        vf w[4];
        if ((v * 8 + i) * 64 < layout.block_bytes)
            PREFETCH(ahead + (v * 8 + i) * 64);
        for (int k = 0; k < 4; k++)
            w[k] = scaled_byte(layout, words[i], k, scale[g], added[g]);
        bfloat16_store_pairs(tile + 2 * i * TILE_LINE_BYTES, w[0], w[1]);
        bfloat16_store_pairs(tile + (2 * i + 1) * TILE_LINE_BYTES, w[2], w[3]);
    }
}

INLINE void unpack_floats(struct quern_panel_layout layout, unsigned char *tile, const unsigned char *block, int v,
                          const unsigned char *ahead)
{
    for (int pair = 0; pair < TILE_LINES; pair++) {
        for (int at = pair * 64; at < layout.block_bytes / 2; at += 1024)
            PREFETCH(ahead + v * layout.block_bytes / 2 + at);
        bfloat16_store_pairs(tile + pair * TILE_LINE_BYTES, weights_at(layout, block, 2 * pair, v),
                             weights_at(layout, block, 2 * pair + 1, v));
    }
}

INLINE void unpack_to_tiles(struct quern_panel_layout layout, unsigned char *tiles, const unsigned char *block,
                            const unsigned char *ahead)
{
    for (int v = 0; v < 2; v++)
        if (layout.bits <= 8)
            unpack_whole_numbers(layout, tiles + v * TILE_BYTES, block, v, ahead);
        else
            unpack_floats(layout, tiles + v * TILE_BYTES, block, v, ahead);
    if (layout.bits == 8) /* a block has one cache line more than it has words */
        PREFETCH(ahead + 1024);
}

/* This is all that products know of a layout. A call of a function for each block costs little time, and products
 * compiled for each layout would be much code. */
struct tile_unpacker {
    void (*unpack)(unsigned char *tiles, const unsigned char *block, const unsigned char *ahead);
    size_t block_bytes;
};

#define DEFINE_UNPACKER(name, ...)                                                                                     \
    static void unpack_tiles_##name(unsigned char *tiles, const unsigned char *block, const unsigned char *ahead)      \
    {                                                                                                                  \
        unpack_to_tiles(quern_panel_##name, tiles, block, ahead);                                                      \
    }
QUERN_PANEL_LAYOUTS(DEFINE_UNPACKER)

/* ---------------------------------------------------------------- products
 *
 * Results are [16 or 32 rows][32 columns], in tiles 0 and 1 for the first 16 rows, 2 and 3 for the others. With 32 rows
 * each tile that is loaded is used twice. The order of sums is the same for any number of rows. */

INLINE void zero_results(bool both)
{
    TILE_ZERO(0);
    TILE_ZERO(1);
    if (both) {
        TILE_ZERO(2);
        TILE_ZERO(3);
    }
}

/* rows are stride floats apart. */
INLINE void load_results(bool both, const float *rows, size_t stride)
{
    TILE_LOAD(0, rows, stride * sizeof *rows);
    TILE_LOAD(1, rows + 16, stride * sizeof *rows);
    if (both) {
        TILE_LOAD(2, rows + 16 * stride, stride * sizeof *rows);
        TILE_LOAD(3, rows + 16 * stride + 16, stride * sizeof *rows);
    }
}

INLINE void store_results(bool both, float *rows, size_t stride)
{
    TILE_STORE(0, rows, stride * sizeof *rows);
    TILE_STORE(1, rows + 16, stride * sizeof *rows);
    if (both) {
        TILE_STORE(2, rows + 16 * stride, stride * sizeof *rows);
        TILE_STORE(3, rows + 16 * stride + 16, stride * sizeof *rows);
    }
}

/* Adds the products of a tile of 16 rows with two tiles of 16 columns. both: also those of the next 16 rows. */
INLINE void add_products(bool both, const unsigned char *rows, const unsigned char *next_rows,
                         const unsigned char *columns, const unsigned char *next_columns)
{
    TILE_LOAD(6, columns, TILE_LINE_BYTES);
    TILE_LOAD(4, rows, TILE_LINE_BYTES);
    TILE_DOT(0, 4, 6);
    TILE_LOAD(7, next_columns, TILE_LINE_BYTES);
    TILE_DOT(1, 4, 7);
    if (both) {
        TILE_LOAD(5, next_rows, TILE_LINE_BYTES);
        TILE_DOT(2, 5, 6);
        TILE_DOT(3, 5, 7);
    }
}

/* Copies rows[count][32] of floats; strides are in floats. */
INLINE void copy_results(float *to, size_t to_stride, const float *from, size_t from_stride, int count)
{
    for (int r = 0; r < count; r++)
        for (int i = 0; i < 32; i += LANES)
            vf_store(to + (size_t)r * to_stride + i, vf_load(from + (size_t)r * from_stride + i));
}

/* For at most 32 rows. Weights are read once, and most of the time is spent waiting for them. So each block is unpacked
 * while the CPU still multiplies the tiles of the block before it. */
INLINE void gemm_few_rows(struct tile_unpacker layout, bool both, float *c, size_t c_stride, const unsigned char *a,
                          size_t group_bytes, int count, const unsigned char *panel, int blocks,
                          const unsigned char *ahead)
{
    unsigned char tiles[2][2 * TILE_BYTES] __attribute__((aligned(64)));
    float results[32 * 32] __attribute__((aligned(64)));
    zero_results(both);
    for (int b = 0; b <= blocks; b++) {
        if (b < blocks)
            layout.unpack(tiles[b % 2], panel + (size_t)b * layout.block_bytes, ahead + (size_t)b * layout.block_bytes);
        if (b > 0) {
            const unsigned char *rows = a + (size_t)(b - 1) * TILE_BYTES, *columns = tiles[(b - 1) % 2];
            add_products(both, rows, rows + group_bytes, columns, columns + TILE_BYTES);
        }
    }
    store_results(both, results, 32);
    copy_results(c, c_stride, results, 32, count);
}

/* Blocks of a panel as tiles, for many rows. */
struct tiled_blocks {
    const unsigned char *tiles; /* [count][2 * TILE_BYTES] */
    int count;
    bool first; /* of the panel: results start at 0, not at c */
};

/* c += products, for count rows, 1 to 32. Tiles are always stored whole. So when the rows do not fill their tiles, the
 * results are stored in a copy first. What the buffer has behind the rows is computed too, and not used. */
INLINE void multiply_rows(bool both, float *c, size_t c_stride, const unsigned char *a, size_t group_bytes, int count,
                          const struct tiled_blocks *blocks)
{
    float copy[32 * 32] __attribute__((aligned(64)));
    const bool whole = count % TILE_LINES == 0;
    float *results = whole ? c : copy;
    const size_t stride = whole ? c_stride : 32;
    if (!whole && !blocks->first)
        copy_results(copy, 32, c, c_stride, count);
    if (blocks->first)
        zero_results(both);
    else
        load_results(both, results, stride);
    for (size_t b = 0; b < (size_t)blocks->count; b++) {
        const unsigned char *rows = a + b * TILE_BYTES, *columns = blocks->tiles + b * 2 * TILE_BYTES;
        add_products(both, rows, rows + group_bytes, columns, columns + TILE_BYTES);
    }
    store_results(both, results, stride);
    if (!whole)
        copy_results(c, c_stride, copy, 32, count);
}

INLINE void gemm_many_rows(struct tile_unpacker layout, float *c, size_t c_stride, const unsigned char *a,
                           size_t group_bytes, int count, const unsigned char *panel, int blocks,
                           const unsigned char *ahead)
{
    unsigned char tiles[TILED_BLOCKS * 2 * TILE_BYTES] __attribute__((aligned(64)));
    const int chunks = (blocks + TILED_BLOCKS - 1) / TILED_BLOCKS, most = (blocks + chunks - 1) / chunks;
    for (int done = 0; done < blocks; done += most, a += (size_t)most * TILE_BYTES) {
        const struct tiled_blocks part = {tiles, blocks - done < most ? blocks - done : most, done == 0};
        for (int b = 0; b < part.count; b++, panel += layout.block_bytes, ahead += layout.block_bytes)
            layout.unpack(tiles + (size_t)b * 2 * TILE_BYTES, panel, ahead);
        for (int r = 0; r < count; r += 32) {
            const unsigned char *rows = a + (size_t)(r / TILE_LINES) * group_bytes;
            float *results = c + (size_t)r * c_stride;
            if (count - r > TILE_LINES)
                multiply_rows(true, results, c_stride, rows, group_bytes, count - r < 32 ? count - r : 32, &part);
            else
                multiply_rows(false, results, c_stride, rows, group_bytes, count - r, &part);
        }
    }
}

static void gemm_bfloat16(struct tile_unpacker layout, float *c, size_t c_stride, const void *a, int first, int count,
                          const unsigned char *panel, int length, const unsigned char *next)
{
    const int blocks = length / 32;
    const size_t group_bytes = (size_t)blocks * TILE_BYTES;
    const unsigned char *rows = (const unsigned char *)a + (size_t)(first / TILE_LINES) * group_bytes;
    const unsigned char *ahead = next != NULL ? next : panel;
    if (count > 32)
        gemm_many_rows(layout, c, c_stride, rows, group_bytes, count, panel, blocks, ahead);
    else if (count > TILE_LINES)
        gemm_few_rows(layout, true, c, c_stride, rows, group_bytes, count, panel, blocks, ahead);
    else
        gemm_few_rows(layout, false, c, c_stride, rows, group_bytes, count, panel, blocks, ahead);
}

#define DEFINE_GEMM_BFLOAT16(name, ...)                                                                                \
    static void gemm_bfloat16_##name(float *c, size_t c_stride, const void *a, int first, int count,                   \
                                     const unsigned char *panel, int length, const unsigned char *next)                \
    {                                                                                                                  \
        const struct tile_unpacker layout = {unpack_tiles_##name, QUERN_PANEL_##name##_BYTES};                         \
        gemm_bfloat16(layout, c, c_stride, a, first, count, panel, length, next);                                      \
    }
QUERN_PANEL_LAYOUTS(DEFINE_GEMM_BFLOAT16)
