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
 * and may define
 *
 *   JOIN_UPPER_HALVES(low, high)   in each lane the upper 16 bits of low, and above them those of high
 *
 * Weights are multiplied by their scale before they are rounded to bfloat16. So there is no scale in the inner loop,
 * and sums stay in float32 over the whole length. Shortening the weights makes an error of 1.7e-3 of a product's norm,
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

#ifndef JOIN_UPPER_HALVES
#define JOIN_UPPER_HALVES(low, high) ((vu)(low) >> 16 | ((vu)(high) & 0xffff0000u))
#endif

/* A line of pairs: in each lane the number of the even k, then that of the odd k, without their lower 16 bits. */
INLINE void bfloat16_store_cut_pairs(unsigned char *line, vu even, vu odd)
{
    const vu pairs = JOIN_UPPER_HALVES(even, odd);
    memcpy(line, &pairs, sizeof pairs);
}

INLINE void bfloat16_store_pairs(unsigned char *line, vf even, vf odd)
{
    bfloat16_store_cut_pairs(line, bfloat16_rounded(even), bfloat16_rounded(odd));
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

INLINE void bfloat16_ffn(enum quern_ffn_kind kind, void *dst, int row, int length, int first, const float *gate,
                         const float *up, int count)
{
    unsigned char *to = bfloat16_line(dst, row, length, first);
    for (int i = 0; i < count; i += 32, to += TILE_BYTES) {
        bfloat16_store(to, ffn_at(true, kind, gate, up, i));
        bfloat16_store(to + 32, ffn_at(true, kind, gate, up, i + 16));
    }
}

DEFINE_FFN_KINDS(bfloat16)

/* There is no split: keys from bfloat16 rows alone are more exact than keys from int8 rows with their rest. */
static const struct quern_activation bfloat16 = {
    .name = "bfloat16", .rows_together = TILE_LINES, .block_bytes = TILE_LINE_BYTES, .write = bfloat16_write,
    .rms_norm = bfloat16_rms_norm, .ffn = FFN_KINDS(bfloat16)};

/* ---------------------------------------------------------------- weights
 *
 * A block of a panel, 32 k of 32 columns, becomes two tiles of [16 pairs of k][16 columns][2]. Meanwhile a block of the
 * panel at `ahead` is prefetched: one cache line with each word. A CPU has room for a few such requests only, and when
 * they come one at a time, there is always room for the next one. */

#define BYTE_BASE 0x1p15f /* a byte is added to it to become a float */

/* In each lane BYTE_BASE + q, where q is byte number i of the lane: it becomes the upper bits of the fraction. */
INLINE vf float_of_byte(vi word, int i)
{
    const vu moved = i == 0 ? (vu)word << 8 : (vu)word >> (8 * (i - 1));
    return (vf)((moved & 0xff00) | 0x47000000);
}

/* Four k of 16 columns as bytes without sign. The weight is scale * (byte - 128); of plain nibbles, which are moved to
 * the upper half of their byte, it is scale / 16 * (byte - 128). Sub-byte numbers stay what they are. */
INLINE vi unsigned_word(struct quern_panel_layout layout, const unsigned char *block, int word, int v)
{
    if (layout.kind == QUERN_PANEL_SIGNED_BYTES)
        return PANEL_WORDS(block, word, v);
    if (layout.kind == QUERN_PANEL_PLAIN_NIBBLES)
        return upper_nibbles_at(block, word, v);
    if (layout.kind == QUERN_PANEL_TABLE_NIBBLES)
        return LOOKUP(quern_iq4_nl_values, nibbles_at(block, word, v)) ^ vi_set((int32_t)0x80808080u);
    return sub_bytes_at(layout, block, word, v);
}

/* Cutting the lower bits off makes a number smaller by half a step of bfloat16 on average: by 2^-8 / m of itself when
 * its mantissa is m, 1 <= m < 2. So weights are made larger by a factor before. The mean square of the error is
 * smallest with 1 + 2^-8 E[m] / E[m^2], which is 1 + 2^-8 * 2 / 3 when m has a logarithmic distribution. The error is
 * then 5 % larger than that of rounding. Numbers that bfloat16 has exactly stay what they are, because the factor moves
 * them by less than a step. */
#define CUT_FACTOR (1.0f + 0x1p-8f * 2 / 3)

/* What bytes are multiplied by, for group g: the scale times that factor. It has 15 bits unless they are sub-byte. */
INLINE vf byte_scale(struct quern_panel_layout layout, const unsigned char *block, int g, int v)
{
    const vf scale = scale_at(layout, block, g, v) * vf_set(CUT_FACTOR);
    if (layout.kind == QUERN_PANEL_SUB_BYTE)
        return scale;
    const vf shortened = (vf)(((vu)scale + 0x100) & 0xfffffe00u);
    return layout.kind == QUERN_PANEL_PLAIN_NIBBLES ? shortened * vf_set(1.0f / 16) : shortened;
}

/* What is added to that product. */
INLINE vf byte_minimum(struct quern_panel_layout layout, const unsigned char *block, int g, int v, vf scale)
{
    if (layout.kind != QUERN_PANEL_SUB_BYTE)
        return scale * vf_set(-BYTE_BASE - 128);
    return layout.minimum ? minimum_at(layout, block, g, v) * vf_set(CUT_FACTOR) : vf_set(0.0f);
}

/* Byte i of each lane as a weight. (2^15 + 128) * scale is exact, because the factors have 9 and 15 bits. So one fused
 * multiply-add multiplies by the scale and subtracts this number. Sub-byte numbers have a minimum instead, so there
 * 2^15 + offset is subtracted first. */
INLINE vf scaled_byte(struct quern_panel_layout layout, vi word, int i, vf scale, vf minimum)
{
    const vf q = float_of_byte(word, i);
    return VF_FMA(layout.kind == QUERN_PANEL_SUB_BYTE ? q - vf_set(BYTE_BASE + layout.offset) : q, scale, minimum);
}

/* Unpacks all k of 16 columns, vector v of the block, to a tile. Everything is read before anything is written, because
 * a compiler cannot know that the tile and the block do not overlap. */
INLINE void unpack_whole_numbers(struct quern_panel_layout layout, unsigned char *tile, const unsigned char *block,
                                 int v, const unsigned char *ahead)
{
    vf scale[2], minimum[2];
    vi words[8];
    for (int g = 0; g < layout.groups; g++) {
        scale[g] = byte_scale(layout, block, g, v);
        minimum[g] = byte_minimum(layout, block, g, v, scale[g]);
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
            w[k] = scaled_byte(layout, words[i], k, scale[g], minimum[g]);
        bfloat16_store_cut_pairs(tile + 2 * i * TILE_LINE_BYTES, (vu)w[0], (vu)w[1]);
        bfloat16_store_cut_pairs(tile + (2 * i + 1) * TILE_LINE_BYTES, (vu)w[2], (vu)w[3]);
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

INLINE void unpack_to_tile(struct quern_panel_layout layout, unsigned char *tile, const unsigned char *block, int v,
                           const unsigned char *ahead)
{
    if (layout.bits <= 8)
        unpack_whole_numbers(layout, tile, block, v, ahead);
    else
        unpack_floats(layout, tile, block, v, ahead);
    if (layout.bits == 8 && v == 1) /* a block has one cache line more than it has words */
        PREFETCH(ahead + 1024);
}

/* This is all that products know of a layout. A call of a function for each block costs little time, and products
 * compiled for each layout would be much code. unpack[v] unpacks the columns of vector v to a tile. */
struct tile_unpacker {
    void (*unpack[2])(unsigned char *tile, const unsigned char *block, const unsigned char *ahead);
    size_t block_bytes;
};

#define DEFINE_UNPACKER(name, v)                                                                                       \
    static void unpack_##name##_##v(unsigned char *tile, const unsigned char *block, const unsigned char *ahead)       \
    {                                                                                                                  \
        unpack_to_tile(quern_panel_##name, tile, block, v, ahead);                                                     \
    }
#define DEFINE_UNPACKERS(name, ...)                                                                                    \
    DEFINE_UNPACKER(name, 0)                                                                                           \
    DEFINE_UNPACKER(name, 1)
QUERN_PANEL_LAYOUTS(DEFINE_UNPACKERS)

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

/* What is multiplied: tiles of 32 k of 16 rows, and of the next 16 rows; of 16 columns, and of the next 16. */
struct factors {
    const unsigned char *rows, *next_rows, *columns, *next_columns;
};

/* Three steps that add these products. There may be other work between them, which the CPU then does while it loads and
 * multiplies tiles. both: also the products of the next 16 rows. */
INLINE void load_first_tiles(struct factors f)
{
    TILE_LOAD(6, f.columns, TILE_LINE_BYTES);
    TILE_LOAD(4, f.rows, TILE_LINE_BYTES);
}

INLINE void add_first_columns(bool both, struct factors f)
{
    TILE_DOT(0, 4, 6);
    TILE_LOAD(7, f.next_columns, TILE_LINE_BYTES);
    if (both) {
        TILE_LOAD(5, f.next_rows, TILE_LINE_BYTES);
        TILE_DOT(2, 5, 6);
    }
}

INLINE void add_next_columns(bool both)
{
    TILE_DOT(1, 4, 7);
    if (both)
        TILE_DOT(3, 5, 7);
}

INLINE void add_products(bool both, struct factors f)
{
    load_first_tiles(f);
    add_first_columns(both, f);
    add_next_columns(both);
}

/* Copies rows[count][32] of floats; strides are in floats. */
INLINE void copy_results(float *to, size_t to_stride, const float *from, size_t from_stride, int count)
{
    for (int r = 0; r < count; r++)
        for (int i = 0; i < 32; i += LANES)
            vf_store(to + (size_t)r * to_stride + i, vf_load(from + (size_t)r * from_stride + i));
}

/* Blocks of a panel, at most TILED_BLOCKS. */
struct panel_part {
    struct tile_unpacker layout;
    const unsigned char *blocks, *ahead; /* ahead: as many blocks of the next panel */
    int count;
    bool is_start; /* of the panel: results start at 0, not at c */

    /* Block b as tiles is at tiles + (b & slots) * 2 * TILE_BYTES. */
    unsigned char *tiles;
    size_t slots;
};

/* Block b of the part with rows a. */
INLINE struct factors factors_at(const struct panel_part *part, const unsigned char *a, size_t group_bytes, size_t b)
{
    const unsigned char *rows = a + b * TILE_BYTES, *columns = part->tiles + (b & part->slots) * 2 * TILE_BYTES;
    return (struct factors){rows, rows + group_bytes, columns, columns + TILE_BYTES};
}

/* Unpacks each block while the CPU multiplies the block before it: some vector instructions, some tile instructions,
 * in turn. */
INLINE void unpack_and_multiply(bool both, const unsigned char *a, size_t group_bytes, const struct panel_part *part)
{
    const size_t count = (size_t)part->count;
    for (size_t b = 0; b <= count; b++) {
        const struct factors before = factors_at(part, a, group_bytes, b - (b > 0));
        const size_t at = (b < count ? b : 0) * part->layout.block_bytes;
        unsigned char *tile = part->tiles + (b & part->slots) * 2 * TILE_BYTES;
        if (b > 0)
            load_first_tiles(before);
        if (b < count)
            part->layout.unpack[0](tile, part->blocks + at, part->ahead + at);
        if (b > 0)
            add_first_columns(both, before);
        if (b < count)
            part->layout.unpack[1](tile + TILE_BYTES, part->blocks + at, part->ahead + at);
        if (b > 0)
            add_next_columns(both);
    }
}

/* c += products, for count rows, 1 to 32. unpacking: the blocks are unpacked on the way. Tiles are always stored whole.
 * So when the rows do not fill their tiles, the results are stored in a copy first. What the buffer has behind the rows
 * is computed too, and not used. */
INLINE void multiply_rows(bool both, bool unpacking, float *c, size_t c_stride, const unsigned char *a,
                          size_t group_bytes, int count, const struct panel_part *part)
{
    float copy[32 * 32] __attribute__((aligned(64)));
    const bool whole = count % TILE_LINES == 0;
    float *results = whole ? c : copy;
    const size_t stride = whole ? c_stride : 32;
    if (!whole && !part->is_start)
        copy_results(copy, 32, c, c_stride, count);
    if (part->is_start)
        zero_results(both);
    else
        load_results(both, results, stride);
    if (unpacking)
        unpack_and_multiply(both, a, group_bytes, part);
    else
        for (size_t b = 0; b < (size_t)part->count; b++)
            add_products(both, factors_at(part, a, group_bytes, b));
    store_results(both, results, stride);
    if (!whole)
        copy_results(c, c_stride, copy, 32, count);
}

/* The first 32 rows unpack the part. When there are no others, two slots are enough, and they stay in the first-level
 * cache. */
INLINE void multiply_part(float *c, size_t c_stride, const unsigned char *a, size_t group_bytes, int count,
                          const struct panel_part *part)
{
    if (count > TILE_LINES)
        multiply_rows(true, true, c, c_stride, a, group_bytes, count < 32 ? count : 32, part);
    else
        multiply_rows(false, true, c, c_stride, a, group_bytes, count, part);
    for (int r = 32; r < count; r += 32) {
        const unsigned char *rows = a + (size_t)(r / TILE_LINES) * group_bytes;
        float *results = c + (size_t)r * c_stride;
        if (count - r > TILE_LINES)
            multiply_rows(true, false, results, c_stride, rows, group_bytes, count - r < 32 ? count - r : 32, part);
        else
            multiply_rows(false, false, results, c_stride, rows, group_bytes, count - r, part);
    }
}

static void gemm_bfloat16(struct tile_unpacker layout, float *c, size_t c_stride, const void *a, int first, int count,
                          const unsigned char *panel, int length, const unsigned char *next)
{
    unsigned char tiles[TILED_BLOCKS * 2 * TILE_BYTES] __attribute__((aligned(64)));
    const int blocks = length / 32, parts = (blocks + TILED_BLOCKS - 1) / TILED_BLOCKS;
    const int most = (blocks + parts - 1) / parts;
    const size_t group_bytes = (size_t)blocks * TILE_BYTES;
    const unsigned char *rows = (const unsigned char *)a + (size_t)(first / TILE_LINES) * group_bytes;
    for (int done = 0; done < blocks; done += most) {
        const size_t at = (size_t)done * layout.block_bytes;
        const struct panel_part part = {layout, panel + at, (next != NULL ? next : panel) + at,
                                        blocks - done < most ? blocks - done : most, done == 0,
                                        tiles, count > 32 ? SIZE_MAX : 1};
        multiply_part(c, c_stride, rows + (size_t)done * TILE_BYTES, group_bytes, count, &part);
    }
}

#define DEFINE_GEMM_BFLOAT16(name, ...)                                                                                \
    static void gemm_bfloat16_##name(float *c, size_t c_stride, const void *a, int first, int count,                   \
                                     const unsigned char *panel, int length, const unsigned char *next)                \
    {                                                                                                                  \
        const struct tile_unpacker layout = {{unpack_##name##_0, unpack_##name##_1}, QUERN_PANEL_##name##_BYTES};      \
        gemm_bfloat16(layout, c, c_stride, a, first, count, panel, length, next);                                      \
    }
QUERN_PANEL_LAYOUTS(DEFINE_GEMM_BFLOAT16)
