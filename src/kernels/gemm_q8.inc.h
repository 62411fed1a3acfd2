/* Products with 8-bit activations. A template; see vector.inc.h.
 *
 *   DOT4(sum, w, a)   sum + the four products of bytes of w and a in each lane; a signed
 *   PANEL_Q8_FLIP     0x80 if DOT4 takes w as unsigned: then weights are w + 128 and sums start at the block's bias;
 *                     0 if as signed: sums start at 0
 *   DOT4_SMALL(sum, w, a)   the same where w is unsigned and below 64, for at most SMALL_STEPS(form) of them, and
 *                     DOT4_SMALL_SUM(sum) what they have summed up; may be left to DOT4
 *   Q8_ROWS           rows of activations computed together, at most 6
 *   Q8_VECTORS        vectors of columns computed together; divides 32 / LANES
 *   PREFETCH(p)       brings the cache line at p into the second-level cache: with two panels the first would overflow
 *
 * Weights are opened once for all rows: as bytes and floats they stay in the first-level cache, for one group of columns
 * and OPEN_BLOCKS of the length at a time. Between such chunks sums lie in c.
 */

#ifndef DOT4_SMALL
#define DOT4_SMALL(sum, w, a) DOT4(sum, w, a)
#define DOT4_SMALL_SUM(sum) (sum)
#define SMALL_STEPS(form) 8
#endif

enum {
    OPEN_BLOCKS = 24,
    FEW_ROWS = Q8_ROWS > 2 ? 2 : 1 /* tiles of so many or fewer take no weights that are opened */
};

/* A block of a group of columns. */
struct opened {
    vi words[8][Q8_VECTORS];       /* four k of each column */
    vf scale[2][Q8_VECTORS];       /* of the groups of the block */
    vf minimum[2][Q8_VECTORS];
};

/* Forms whose weights may take all eight bits, for DOT4. The rest is for DOT4_SMALL. */
#define IS_WIDE(form) ((form) == QUERN_FORM_Q8_0 || (form) == QUERN_FORM_NL)

INLINE vi open_word(enum quern_form form, const unsigned char *block, int word, int v)
{
    if (form == QUERN_FORM_Q8_0)
        return PANEL_WORDS(block, word, v);
    if (form == QUERN_FORM_NL) {
        const vi w = LOOKUP(quern_iq4_nl_values, nibbles_at(block, word, v));
        return PANEL_Q8_FLIP ? w ^ vi_set((int32_t)0x80808080u) : w;
    }
    return form == QUERN_FORM_Q4_0 ? nibbles_at(block, word, v) : small_at(form, block, word, v);
}

INLINE void open_block(enum quern_form form, struct opened *to, const unsigned char *block, int v0)
{
    for (int v = 0; v < Q8_VECTORS; v++) {
#pragma GCC unroll 8
        for (int word = 0; word < 8; word++)
            to->words[word][v] = open_word(form, block, word, v0 + v);
        for (int g = 0; g < QUERN_GROUPS(form); g++) {
            to->scale[g][v] = QUERN_IS_SMALL(form)
                                  ? small_scale(form, block, g, v0 + v)
                                  : VF_FROM_HALF(block + QUERN_BLOCK_BYTES(form) - 64 + (v0 + v) * LANES * 2);
            if (QUERN_HAS_MINIMUM(form))
                to->minimum[g][v] = small_minimum(form, block, g, v0 + v);
        }
    }
}

/* Sum over the activations of a group of a block. The block's bias has the sum over it all; half's is a dot product with
 * ones. */
INLINE vi activation_sum(enum quern_form form, const struct quern_q8 *x, vi half, int group)
{
    const vi whole = vi_set(-(x->bias >> 7));
    return QUERN_GROUPS(form) == 1 ? whole : group == 0 ? half : whole - half;
}

INLINE vi half_sum(const struct quern_q8 *x)
{
    vi sum = vi_set(0);
#pragma GCC unroll 4
    for (int step = 0; step < 4; step++)
        sum = DOT4_SMALL(sum, vi_set(0x01010101), vi_repeat(x->q + step * 4));
    return DOT4_SMALL_SUM(sum);
}

/* dot = products of a group's bytes with those of rows of activations. */
INLINE void group_dots(enum quern_form form, int rows, vi dot[Q8_ROWS][Q8_VECTORS], const struct quern_q8 *x,
                       size_t stride, const struct opened *w, int group)
{
    const int steps = 8 / QUERN_GROUPS(form);
    const int chunk = IS_WIDE(form) || SMALL_STEPS(form) > steps ? steps : SMALL_STEPS(form);
    for (int first = group * steps; first < (group + 1) * steps; first += chunk) {
        vi part[Q8_ROWS][Q8_VECTORS];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < Q8_VECTORS; v++)
                part[r][v] = IS_WIDE(form) && PANEL_Q8_FLIP != 0 ? vi_set(x[(size_t)r * stride].bias) : vi_set(0);
#pragma GCC unroll 8
        for (int step = first; step < first + chunk; step++)
            for (int r = 0; r < rows; r++) {
                const vi q = vi_repeat(x[(size_t)r * stride].q + step * 4);
                for (int v = 0; v < Q8_VECTORS; v++)
                    part[r][v] = IS_WIDE(form) ? DOT4(part[r][v], w->words[step][v], q)
                                               : DOT4_SMALL(part[r][v], w->words[step][v], q);
            }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < Q8_VECTORS; v++) {
                const vi d = IS_WIDE(form) ? part[r][v] : DOT4_SMALL_SUM(part[r][v]);
                dot[r][v] = first == group * steps ? d : dot[r][v] + d;
            }
    }
}

/* Adds what a group of a block contributes: its products, completed by the sum of its activations times the offset or
 * the minimum. */
INLINE void add_group(enum quern_form form, int rows, vf sum[Q8_ROWS][Q8_VECTORS], const struct quern_q8 *x,
                      size_t stride, const struct opened *w, int group, const vi half[Q8_ROWS])
{
    vi dot[Q8_ROWS][Q8_VECTORS];
    group_dots(form, rows, dot, x, stride, w, group);
    for (int r = 0; r < rows; r++, x += stride) {
        const vf s = vf_set(x->scale);
        const vi inputs = activation_sum(form, x, half[r], group);
        const vf total = QUERN_GROUPS(form) == 1 ? vf_set(x->sum) : vf_from_int(inputs) * s;
        for (int v = 0; v < Q8_VECTORS; v++) {
            const vi d = dot[r][v] - QUERN_OFFSET(form) * inputs;
            sum[r][v] = VF_FMA(vf_from_int(d), w->scale[group][v] * s, sum[r][v]);
            if (QUERN_HAS_MINIMUM(form))
                sum[r][v] = VF_FMA(total, w->minimum[group][v], sum[r][v]);
        }
    }
}

/* The same for a whole block. */
INLINE void add_block(enum quern_form form, int rows, vf sum[Q8_ROWS][Q8_VECTORS], const struct quern_q8 *x,
                      size_t stride, const struct opened *w)
{
    vi half[Q8_ROWS];
    for (int r = 0; r < rows; r++)
        half[r] = QUERN_GROUPS(form) == 2 ? half_sum(x + (size_t)r * stride) : vi_set(0);
    add_group(form, rows, sum, x, stride, w, 0, half);
    if (QUERN_GROUPS(form) == 2)
        add_group(form, rows, sum, x, stride, w, 1, half);
}

/* The weights that a tile reads, and where from: opened, or if that is NULL the panel's blocks as they are. */
struct source {
    const struct opened *opened;
    const unsigned char *panel;
    int v0, blocks;
    bool first; /* c is taken as zeros */
    const unsigned char *ahead; /* with every block, */
    size_t ahead_bytes;         /* so much of the next panel is prefetched */
};

/* c of some rows and a group of columns, plus products. stride: from one row of a to the next. */
INLINE void tile_q8(enum quern_form form, int rows, float *c, size_t c_stride, const struct quern_q8 *a, size_t stride,
                    const struct source *from)
{
    const unsigned char *ahead = from->ahead;
    vf sum[Q8_ROWS][Q8_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < Q8_VECTORS; v++)
            sum[r][v] = from->first ? vf_set(0.0f) : vf_load(c + (size_t)r * c_stride + v * LANES);
    for (int b = 0; b < from->blocks; b++) {
        for (size_t i = 0; i < from->ahead_bytes; i += 64)
            PREFETCH(ahead + i);
        ahead += from->ahead_bytes;
        if (rows > FEW_ROWS) {
            add_block(form, rows, sum, a + b, stride, from->opened + b);
        } else {
            struct opened w;
            open_block(form, &w, from->panel + (size_t)b * QUERN_BLOCK_BYTES(form), from->v0);
            add_block(form, rows, sum, a + b, stride, &w);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < Q8_VECTORS; v++)
            vf_store(c + (size_t)r * c_stride + v * LANES, sum[r][v]);
}

INLINE void rows_q8(enum quern_form form, int rows, float *c, size_t c_stride, const struct quern_q8 *a, size_t stride,
                    const struct source *from)
{
    switch (rows) {
#define TILE(n) case n: tile_q8(form, n, c, c_stride, a, stride, from); break;
    TILE(1)
#if Q8_ROWS >= 2
    TILE(2)
#endif
#if Q8_ROWS >= 3
    TILE(3)
#endif
#if Q8_ROWS >= 4
    TILE(4)
#endif
#if Q8_ROWS >= 5
    TILE(5)
#endif
#if Q8_ROWS >= 6
    TILE(6)
#endif
#undef TILE
    }
}

/* Cuts the rows into tiles of nearly equal height, since a low tile keeps the multipliers less busy than a high one. */
INLINE void gemm_q8(enum quern_form form, float *c, size_t c_stride, const struct quern_q8 *a, int count,
                    const unsigned char *panel, int length, const unsigned char *next)
{
    struct opened opened[OPEN_BLOCKS];
    const int blocks = length / 32, tiles = (count + Q8_ROWS - 1) / Q8_ROWS;
    const int chunks = (blocks + OPEN_BLOCKS - 1) / OPEN_BLOCKS, most = (blocks + chunks - 1) / chunks;
    const size_t lines = QUERN_BLOCK_BYTES(form) / 64, passes = (size_t)tiles * (32 / LANES / Q8_VECTORS);
    struct source from = {.opened = opened, .panel = panel, .ahead = next != NULL ? next : panel};
    if (next != NULL)
        from.ahead_bytes = (lines + passes - 1) / passes * 64;
    for (int done = 0; done < blocks; done += most, from.panel += (size_t)most * QUERN_BLOCK_BYTES(form)) {
        from.first = done == 0;
        from.blocks = blocks - done < most ? blocks - done : most;
        for (from.v0 = 0; from.v0 < 32 / LANES; from.v0 += Q8_VECTORS) {
            for (int b = 0; b < from.blocks && count > FEW_ROWS; b++)
                open_block(form, &opened[b], from.panel + (size_t)b * QUERN_BLOCK_BYTES(form), from.v0);
            for (int row = 0, left = tiles, rows; left > 0; left--, row += rows) {
                rows = (count - row + left - 1) / left;
                rows_q8(form, rows, c + (size_t)row * c_stride + from.v0 * LANES, c_stride,
                        a + (size_t)(row * blocks + done), (size_t)blocks, &from);
                from.ahead += from.ahead_bytes * (size_t)from.blocks;
            }
        }
    }
}

#define DEFINE_GEMM_Q8(name, form)                                                                                     \
    static void name(float *c, size_t c_stride, const struct quern_q8 *a, int count, const unsigned char *panel,       \
                     int length, const unsigned char *next)                                                            \
    {                                                                                                                  \
        gemm_q8(form, c, c_stride, a, count, panel, length, next);                                                     \
    }

DEFINE_GEMM_Q8(gemm_q8_q8, QUERN_FORM_Q8_0)
DEFINE_GEMM_Q8(gemm_q8_q4, QUERN_FORM_Q4_0)
DEFINE_GEMM_Q8(gemm_q8_nl, QUERN_FORM_NL)
DEFINE_GEMM_Q8(gemm_q8_u4, QUERN_FORM_U4)
DEFINE_GEMM_Q8(gemm_q8_u5, QUERN_FORM_U5)
DEFINE_GEMM_Q8(gemm_q8_u2, QUERN_FORM_U2)
DEFINE_GEMM_Q8(gemm_q8_s6, QUERN_FORM_S6)

#define PACK_Q8 (PANEL_Q8_FLIP ? quern_pack_q8_unsigned : quern_pack_q8_signed)
#define PACK_Q4 quern_pack_q4
