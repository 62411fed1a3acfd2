/* Products with int8 activations. A template; see vector.inc.h and weights.inc.h. A table's source file defines
 *
 *   DOT4(sum, w, a)   in each lane sum + the four products of bytes of w and a. a is signed. If PANEL_FLIP is 0, w is
 *                     signed too. If it is 0x80, w is unsigned, the weight + 128, and sums start at the bias of the
 *                     activations
 *   INT8_ROWS         rows of activations computed together, at most 6
 *   INT8_VECTORS      vectors of columns computed together; divides 32 / LANES
 *   PREFETCH(p)       brings the cache line at p into the second-level cache: two panels do not fit into the first
 *
 * and may define, where weights that are unsigned and below 64 allow something faster than DOT4,
 *
 *   DOT4_NARROW(sum, w, a)   the same for such w, at most NARROW_STEPS(bits) times for weights below 2^bits
 *   DOT4_NARROW_SUM(sum)     the sum of each lane, made of what DOT4_NARROW has added up. NARROW_FROM_ZERO is 1 where
 *                            DOT4_NARROW must start at 0
 *
 * For many rows weights are unpacked once, to bytes and floats that stay in the first-level cache: one group of columns
 * and UNPACKED_BLOCKS blocks of the length at a time. Between these parts of the length, the sums are kept in c. For
 * few rows weights are unpacked in registers each time they are read. */
#include "kernels/templates/weights.inc.h"

#ifndef DOT4_NARROW
#define DOT4_NARROW(sum, w, a) DOT4(sum, w, a)
#define DOT4_NARROW_SUM(sum) (sum)
#define NARROW_STEPS(bits) 8
#define NARROW_FROM_ZERO 0
#endif

enum {
    UNPACKED_BLOCKS = 192 / LANES, /* 18 KB */
    LEAST_ROWS = INT8_ROWS / 2     /* of each tile where there are two tiles or more: see gemm_int8 */
};

/* ---------------------------------------------------------------- weights */

/* Whether it is worth it to unpack weights first, for so many tiles of rows. A single tile reads weights once anyway;
 * bytes need no unpacking, and nibbles little. */
INLINE bool unpacks_first(struct quern_panel_layout layout, int tiles)
{
    return layout.kind != QUERN_PANEL_SIGNED_BYTES && tiles > (layout.kind == QUERN_PANEL_PLAIN_NIBBLES ? 3 : 1);
}

/* Whether stored numbers are unsigned and below 64, for DOT4_NARROW. The others take all eight bits, for DOT4. */
INLINE bool is_narrow(struct quern_panel_layout layout)
{
    return layout.kind == QUERN_PANEL_PLAIN_NIBBLES || layout.kind == QUERN_PANEL_SUB_BYTE;
}

/* Whether sums of products start at the correction for the offset of weights. Else it is added at the end. */
INLINE bool starts_at_offset(struct quern_panel_layout layout)
{
    return !is_narrow(layout) || !NARROW_FROM_ZERO;
}

/* Four k of each column, as bytes for DOT4 or DOT4_NARROW. */
INLINE vi unpack_word(struct quern_panel_layout layout, const unsigned char *block, int word, int v)
{
    if (layout.kind == QUERN_PANEL_SIGNED_BYTES)
        return PANEL_WORDS(block, word, v);
    if (layout.kind == QUERN_PANEL_TABLE_NIBBLES) {
        const vi w = LOOKUP(quern_iq4_nl_values, nibbles_at(block, word, v));
        return PANEL_FLIP ? w ^ vi_set((int32_t)0x80808080u) : w;
    }
    return sub_bytes_at(layout, block, word, v);
}

/* A block of a group of columns, unpacked. */
struct unpacked_block {
    vi words[8][INT8_VECTORS];   /* four k of each column */
    vf scale[2][INT8_VECTORS];   /* of the groups of the block */
    vf minimum[2][INT8_VECTORS]; /* the same */
};

INLINE void unpack_block(struct quern_panel_layout layout, struct unpacked_block *to, const unsigned char *block,
                         int v0)
{
    for (int v = 0; v < INT8_VECTORS; v++) {
#pragma GCC unroll 8
        for (int word = 0; word < 8; word++)
            to->words[word][v] = unpack_word(layout, block, word, v0 + v);
        for (int g = 0; g < layout.groups; g++) {
            to->scale[g][v] = scale_at(layout, block, g, v0 + v);
            if (layout.minimum)
                to->minimum[g][v] = minimum_at(layout, block, g, v0 + v);
        }
    }
}

/* The weights of a block that a tile reads: unpacked before, or the panel's block from vector v0 on. */
struct weights {
    bool is_unpacked; /* a constant */
    const struct unpacked_block *unpacked;
    const unsigned char *block;
    int v0;
};

INLINE vi word_of(struct quern_panel_layout layout, const struct weights *w, int word, int v)
{
    return w->is_unpacked ? w->unpacked->words[word][v] : unpack_word(layout, w->block, word, w->v0 + v);
}

INLINE vf scale_of(struct quern_panel_layout layout, const struct weights *w, int group, int v)
{
    return w->is_unpacked ? w->unpacked->scale[group][v] : scale_at(layout, w->block, group, w->v0 + v);
}

INLINE vf minimum_of(struct quern_panel_layout layout, const struct weights *w, int group, int v)
{
    if (!layout.minimum)
        return vf_set(0.0f);
    return w->is_unpacked ? w->unpacked->minimum[group][v] : minimum_at(layout, w->block, group, w->v0 + v);
}

/* ---------------------------------------------------------------- a block of rows and columns */

/* -128 times the sum over the activations of a group of a block. */
INLINE vi group_bias(struct quern_panel_layout layout, const struct quern_int8_block *x, int group)
{
    if (layout.groups == 1)
        return vi_set(x->bias);
    return group == 0 ? vi_set(x->half_block_bias) : vi_set(x->bias) - vi_set(x->half_block_bias);
}

/* The correction of a group's sum of products for the offset of its weights: minus the offset times the sum of the
 * activations. Offsets are 8 and 32, which divide 128. */
INLINE vi offset_sum(struct quern_panel_layout layout, const struct quern_int8_block *x, int group)
{
    if (!is_narrow(layout))
        return vi_set(PANEL_FLIP != 0 ? x->bias : 0);
    return layout.offset == 0 ? vi_set(0) : group_bias(layout, x, group) >> (layout.offset == 8 ? 4 : 2);
}

/* dot = the sums of products of a group's bytes with the bytes of each row of activations. They start at offset_sum if
 * starts_at_offset says so, else at 0. */
INLINE void group_dots(struct quern_panel_layout layout, int rows, vi dot[INT8_ROWS][INT8_VECTORS],
                       const struct quern_int8_block *x, size_t stride, const struct weights *w, int group)
{
    const bool narrow = is_narrow(layout);
    const int steps = 8 / layout.groups;
    const int chunk = !narrow || NARROW_STEPS(layout.bits) > steps ? steps : NARROW_STEPS(layout.bits);
    for (int first = group * steps; first < (group + 1) * steps; first += chunk) {
        vi part[INT8_ROWS][INT8_VECTORS];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < INT8_VECTORS; v++)
                part[r][v] = starts_at_offset(layout) ? offset_sum(layout, x + (size_t)r * stride, group) : vi_set(0);
#pragma GCC unroll 8
        for (int step = first; step < first + chunk; step++) {
            vi words[INT8_VECTORS];
            for (int v = 0; v < INT8_VECTORS; v++)
                words[v] = word_of(layout, w, step, v);
            for (int r = 0; r < rows; r++) {
                const vi q = vi_repeat(x[(size_t)r * stride].q + step * 4);
                for (int v = 0; v < INT8_VECTORS; v++)
                    part[r][v] = narrow ? DOT4_NARROW(part[r][v], words[v], q) : DOT4(part[r][v], words[v], q);
            }
        }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < INT8_VECTORS; v++) {
                const vi d = narrow ? DOT4_NARROW_SUM(part[r][v]) : part[r][v];
                dot[r][v] = first == group * steps ? d : dot[r][v] + d;
            }
    }
}

/* Adds what a group of a block contributes: its products, and the sum of its activations times the minimum. */
INLINE void add_group(struct quern_panel_layout layout, int rows, vf sum[INT8_ROWS][INT8_VECTORS],
                      const struct quern_int8_block *x, size_t stride, const struct weights *w, int group)
{
    vi dot[INT8_ROWS][INT8_VECTORS];
    vf scale[INT8_VECTORS], minimum[INT8_VECTORS];
    group_dots(layout, rows, dot, x, stride, w, group);
    for (int v = 0; v < INT8_VECTORS; v++) {
        scale[v] = scale_of(layout, w, group, v);
        minimum[v] = minimum_of(layout, w, group, v);
    }
    for (int r = 0; r < rows; r++, x += stride) {
        const vf s = vf_set(x->scale);
        const vf total = layout.groups == 1 ? vf_set(x->sum) : vf_from_int(group_bias(layout, x, group) >> 7) * -s;
        for (int v = 0; v < INT8_VECTORS; v++) {
            const vi d = starts_at_offset(layout) ? dot[r][v] : dot[r][v] + offset_sum(layout, x, group);
            sum[r][v] = VF_FMA(vf_from_int(d), scale[v] * s, sum[r][v]);
            if (layout.minimum)
                sum[r][v] = VF_FMA(total, minimum[v], sum[r][v]);
        }
    }
}

/* ---------------------------------------------------------------- tiles */

/* The weights that a tile reads: a group of columns from vector v0 on, in blocks of the panel or unpacked. */
struct source {
    const struct unpacked_block *unpacked;
    const unsigned char *panel;
    int v0, blocks;
    bool first;                 /* c is taken as zeros */
    const unsigned char *ahead; /* the part of the next panel that is prefetched next */
    size_t ahead_bytes;         /* of it that are prefetched with every block */
};

/* c += products, for some rows and a group of columns. stride: blocks from one row of a to the next. */
INLINE void tile_int8(struct quern_panel_layout layout, bool is_unpacked, int rows, float *c, size_t c_stride,
                      const struct quern_int8_block *a, size_t stride, const struct source *from)
{
    const unsigned char *ahead = from->ahead;
    vf sum[INT8_ROWS][INT8_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < INT8_VECTORS; v++)
            sum[r][v] = from->first ? vf_set(0.0f) : vf_load(c + (size_t)r * c_stride + v * LANES);
    for (int b = 0; b < from->blocks; b++) {
        for (size_t i = 0; i < from->ahead_bytes; i += 64)
            PREFETCH(ahead + i);
        ahead += from->ahead_bytes;
        const struct weights w = {is_unpacked, from->unpacked + b,
                                  from->panel + (size_t)b * (size_t)layout.block_bytes, from->v0};
        add_group(layout, rows, sum, a + b, stride, &w, 0);
        if (layout.groups == 2)
            add_group(layout, rows, sum, a + b, stride, &w, 1);
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < INT8_VECTORS; v++)
            vf_store(c + (size_t)r * c_stride + v * LANES, sum[r][v]);
}

/* The same, compiled for every number of rows. */
INLINE void rows_int8(struct quern_panel_layout layout, bool is_unpacked, int rows, float *c, size_t c_stride,
                      const struct quern_int8_block *a, size_t stride, const struct source *from)
{
    switch (rows) {
#define TILE(n)                                                                                                        \
    case n:                                                                                                            \
        if (!is_unpacked || n >= LEAST_ROWS)                                                                           \
            tile_int8(layout, is_unpacked, n, c, c_stride, a, stride, from);                                           \
        break;
    TILE(1)
#if INT8_ROWS >= 2
    TILE(2)
#endif
#if INT8_ROWS >= 3
    TILE(3)
#endif
#if INT8_ROWS >= 4
    TILE(4)
#endif
#if INT8_ROWS >= 5
    TILE(5)
#endif
#if INT8_ROWS >= 6
    TILE(6)
#endif
#undef TILE
    }
}

/* Cuts the rows into tiles of nearly equal height, since a low tile keeps the multipliers less busy than a high one. */
INLINE void gemm_int8(struct quern_panel_layout layout, float *c, size_t c_stride, const struct quern_int8_block *a,
                      int count, const unsigned char *panel, int length, const unsigned char *next)
{
    struct unpacked_block unpacked[UNPACKED_BLOCKS];
    const size_t block_bytes = (size_t)layout.block_bytes;
    const int blocks = length / 32, tiles = (count + INT8_ROWS - 1) / INT8_ROWS;
    const bool unpack = unpacks_first(layout, tiles);
    const int chunks = unpack ? (blocks + UNPACKED_BLOCKS - 1) / UNPACKED_BLOCKS : 1;
    const int most = (blocks + chunks - 1) / chunks; /* blocks of a chunk */
    const size_t lines = block_bytes / 64, passes = (size_t)tiles * (32 / LANES / INT8_VECTORS);
    struct source from = {.unpacked = unpacked, .panel = panel, .ahead = next != NULL ? next : panel};
    if (next != NULL)
        from.ahead_bytes = (lines + passes - 1) / passes * 64;
    for (int done = 0; done < blocks; done += most, from.panel += (size_t)most * block_bytes) {
        from.first = done == 0;
        from.blocks = blocks - done < most ? blocks - done : most;
        for (from.v0 = 0; from.v0 < 32 / LANES; from.v0 += INT8_VECTORS) {
            for (int b = 0; b < from.blocks && unpack; b++)
                unpack_block(layout, &unpacked[b], from.panel + (size_t)b * block_bytes, from.v0);
            for (int row = 0, left = tiles, rows; left > 0; left--, row += rows) {
                float *out = c + (size_t)row * c_stride + from.v0 * LANES;
                const struct quern_int8_block *in = a + (size_t)(row * blocks + done);
                rows = (count - row + left - 1) / left;
                if (unpack)
                    rows_int8(layout, true, rows, out, c_stride, in, (size_t)blocks, &from);
                else
                    rows_int8(layout, false, rows, out, c_stride, in, (size_t)blocks, &from);
                from.ahead += from.ahead_bytes * (size_t)from.blocks;
            }
        }
    }
}

#define DEFINE_GEMM_INT8(name, ...)                                                                                    \
    static void gemm_int8_##name(float *c, size_t c_stride, const void *a, int first, int count,                       \
                                 const unsigned char *panel, int length, const unsigned char *next)                    \
    {                                                                                                                  \
        const struct quern_int8_block *blocks = a;                                                                     \
        gemm_int8(quern_panel_##name, c, c_stride, blocks + (size_t)first * (size_t)(length / 32), count, panel,       \
                  length, next);                                                                                       \
    }
QUERN_PANEL_INTEGER_LAYOUTS(DEFINE_GEMM_INT8)
