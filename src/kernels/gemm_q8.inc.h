/* Products with 8-bit activations. A template; see vector.inc.h.
 *
 *   DOT4(sum, w, a)   sum + the four products of bytes of w and a in each lane; a signed
 *   PANEL_Q8_FLIP     0x80 if DOT4 takes w as unsigned: then weights are w + 128 and sums start at the block's bias;
 *                     0 if as signed: sums start at 0
 *   DOT4_SMALL(sum, w, a)   the same where w is unsigned and below 64, for at most SMALL_STEPS(form) of them, and
 *                     DOT4_SMALL_SUM(sum) what they have summed up from 0 on. May be left to DOT4: then SMALL_STARTS is
 *                     1, as such sums may start at any number
 *   Q8_ROWS           rows of activations computed together, at most 6
 *   Q8_VECTORS        vectors of columns computed together; divides 32 / LANES
 *   PREFETCH(p)       brings the cache line at p into the second-level cache: with two panels the first would overflow
 *
 * For many rows weights are opened once: as bytes and floats they stay in the first-level cache, for one group of
 * columns and OPEN_BLOCKS of the length at a time. Between such chunks sums lie in c. For few rows weights are taken
 * from the panel.
 */

#ifndef DOT4_SMALL
#define DOT4_SMALL(sum, w, a) DOT4(sum, w, a)
#define DOT4_SMALL_SUM(sum) (sum)
#define SMALL_STEPS(form) 8
#define SMALL_STARTS 1
#endif

enum {
    OPEN_BLOCKS = 192 / LANES, /* 18 KB */
    LEAST_ROWS = Q8_ROWS / 2   /* of two tiles or more, see gemm_q8 */
};

/* Whether so many tiles are worth it: one reads weights once anyway, nibbles as they are take little work, and bytes
 * none. */
#define OPENS(form, tiles) ((form) != QUERN_FORM_Q8_0 && (tiles) > ((form) == QUERN_FORM_Q4_0 ? 3 : 1))

/* A block of a group of columns. */
struct opened {
    vi words[8][Q8_VECTORS];   /* four k of each column */
    vf scale[2][Q8_VECTORS];   /* of the groups of the block */
    vf minimum[2][Q8_VECTORS]; /* the same */
};

/* Forms whose weights may take all eight bits, for DOT4. The rest is for DOT4_SMALL. */
#define IS_WIDE(form) ((form) == QUERN_FORM_Q8_0 || (form) == QUERN_FORM_NL)

/* Whether sums start at what makes up for the offset of weights; else it is added at their end. */
#define STARTS(form) (IS_WIDE(form) || SMALL_STARTS)

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

/* What a group's quants are multiplied by. */
INLINE vf open_scale(enum quern_form form, const unsigned char *block, int group, int v)
{
    return QUERN_IS_SMALL(form) ? small_scale(form, block, group, v)
                                : VF_FROM_HALF(block + QUERN_BLOCK_BYTES(form) - 64 + v * LANES * 2);
}

INLINE void open_block(enum quern_form form, struct opened *to, const unsigned char *block, int v0)
{
    for (int v = 0; v < Q8_VECTORS; v++) {
#pragma GCC unroll 8
        for (int word = 0; word < 8; word++)
            to->words[word][v] = open_word(form, block, word, v0 + v);
        for (int g = 0; g < QUERN_GROUPS(form); g++) {
            to->scale[g][v] = open_scale(form, block, g, v0 + v);
            if (QUERN_HAS_MINIMUM(form))
                to->minimum[g][v] = small_minimum(form, block, g, v0 + v);
        }
    }
}

/* The weights of a block that a tile reads: opened, or in the panel's block from vector v0 on. */
struct weights {
    bool open; /* a constant */
    const struct opened *opened;
    const unsigned char *block;
    int v0;
};

INLINE vi word_of(enum quern_form form, const struct weights *w, int word, int v)
{
    return w->open ? w->opened->words[word][v] : open_word(form, w->block, word, w->v0 + v);
}

INLINE vf scale_of(enum quern_form form, const struct weights *w, int group, int v)
{
    return w->open ? w->opened->scale[group][v] : open_scale(form, w->block, group, w->v0 + v);
}

INLINE vf minimum_of(enum quern_form form, const struct weights *w, int group, int v)
{
    if (!QUERN_HAS_MINIMUM(form))
        return vf_set(0.0f);
    return w->open ? w->opened->minimum[group][v] : small_minimum(form, w->block, group, w->v0 + v);
}

/* -128 times the sum over the activations of a group of a block. */
INLINE vi group_bias(enum quern_form form, const struct quern_int8_block *x, int group)
{
    if (QUERN_GROUPS(form) == 1)
        return vi_set(x->bias);
    return group == 0 ? vi_set(x->half_block_bias) : vi_set(x->bias) - vi_set(x->half_block_bias);
}

/* What makes up for the offset of a group's weights in the sum of its products: minus offset times the activations. */
INLINE vi offset_sum(enum quern_form form, const struct quern_int8_block *x, int group)
{
    if (IS_WIDE(form))
        return vi_set(PANEL_Q8_FLIP != 0 ? x->bias : 0);
    return QUERN_OFFSET(form) == 0 ? vi_set(0) : group_bias(form, x, group) >> (QUERN_OFFSET(form) == 8 ? 4 : 2);
}

/* dot = products of a group's bytes with those of rows of activations; they started at offset_sum if STARTS. */
INLINE void group_dots(enum quern_form form, int rows, vi dot[Q8_ROWS][Q8_VECTORS], const struct quern_int8_block *x,
                       size_t stride, const struct weights *w, int group)
{
    const int steps = 8 / QUERN_GROUPS(form);
    const int chunk = IS_WIDE(form) || SMALL_STEPS(form) > steps ? steps : SMALL_STEPS(form);
    for (int first = group * steps; first < (group + 1) * steps; first += chunk) {
        vi part[Q8_ROWS][Q8_VECTORS];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < Q8_VECTORS; v++)
                part[r][v] = STARTS(form) ? offset_sum(form, x + (size_t)r * stride, group) : vi_set(0);
#pragma GCC unroll 8
        for (int step = first; step < first + chunk; step++) {
            vi words[Q8_VECTORS];
            for (int v = 0; v < Q8_VECTORS; v++)
                words[v] = word_of(form, w, step, v);
            for (int r = 0; r < rows; r++) {
                const vi q = vi_repeat(x[(size_t)r * stride].q + step * 4);
                for (int v = 0; v < Q8_VECTORS; v++)
                    part[r][v] = IS_WIDE(form) ? DOT4(part[r][v], words[v], q) : DOT4_SMALL(part[r][v], words[v], q);
            }
        }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < Q8_VECTORS; v++) {
                const vi d = IS_WIDE(form) ? part[r][v] : DOT4_SMALL_SUM(part[r][v]);
                dot[r][v] = first == group * steps ? d : dot[r][v] + d;
            }
    }
}

/* Adds what a group of a block contributes: its products, and the sum of its activations times the minimum. */
INLINE void add_group(enum quern_form form, int rows, vf sum[Q8_ROWS][Q8_VECTORS], const struct quern_int8_block *x,
                      size_t stride, const struct weights *w, int group)
{
    vi dot[Q8_ROWS][Q8_VECTORS];
    vf scale[Q8_VECTORS], minimum[Q8_VECTORS];
    group_dots(form, rows, dot, x, stride, w, group);
    for (int v = 0; v < Q8_VECTORS; v++) {
        scale[v] = scale_of(form, w, group, v);
        minimum[v] = minimum_of(form, w, group, v);
    }
    for (int r = 0; r < rows; r++, x += stride) {
        const vf s = vf_set(x->scale);
        const vf total =
            QUERN_GROUPS(form) == 1 ? vf_set(x->sum) : vf_from_int(group_bias(form, x, group) >> 7) * -s;
        for (int v = 0; v < Q8_VECTORS; v++) {
            const vi d = STARTS(form) ? dot[r][v] : dot[r][v] + offset_sum(form, x, group);
            sum[r][v] = VF_FMA(vf_from_int(d), scale[v] * s, sum[r][v]);
            if (QUERN_HAS_MINIMUM(form))
                sum[r][v] = VF_FMA(total, minimum[v], sum[r][v]);
        }
    }
}

/* The same for a whole block. */
INLINE void add_block(enum quern_form form, int rows, vf sum[Q8_ROWS][Q8_VECTORS], const struct quern_int8_block *x,
                      size_t stride, const struct weights *w)
{
    add_group(form, rows, sum, x, stride, w, 0);
    if (QUERN_GROUPS(form) == 2)
        add_group(form, rows, sum, x, stride, w, 1);
}

/* The weights that a tile reads: a group of columns from vector v0 on, in blocks of the panel or opened. */
struct source {
    const struct opened *opened;
    const unsigned char *panel;
    int v0, blocks;
    bool first;                 /* c is taken as zeros */
    const unsigned char *ahead; /* with every block, */
    size_t ahead_bytes;         /* so much of the next panel is prefetched */
};

/* c of some rows and a group of columns, plus products. stride: from one row of a to the next. */
INLINE void tile_q8(enum quern_form form, bool open, int rows, float *c, size_t c_stride, const struct quern_int8_block *a,
                    size_t stride, const struct source *from)
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
        const struct weights w = {open, from->opened + b, from->panel + (size_t)b * QUERN_BLOCK_BYTES(form),
                                  from->v0};
        add_block(form, rows, sum, a + b, stride, &w);
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < Q8_VECTORS; v++)
            vf_store(c + (size_t)r * c_stride + v * LANES, sum[r][v]);
}

INLINE void rows_q8(enum quern_form form, bool open, int rows, float *c, size_t c_stride, const struct quern_int8_block *a,
                    size_t stride, const struct source *from)
{
    switch (rows) {
#define TILE(n) case n: if (!open || n >= LEAST_ROWS) tile_q8(form, open, n, c, c_stride, a, stride, from); break;
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
INLINE void gemm_q8(enum quern_form form, float *c, size_t c_stride, const struct quern_int8_block *a, int count,
                    const unsigned char *panel, int length, const unsigned char *next)
{
    struct opened opened[OPEN_BLOCKS];
    const int blocks = length / 32, tiles = (count + Q8_ROWS - 1) / Q8_ROWS;
    const bool open = OPENS(form, tiles);
    const int chunks = open ? (blocks + OPEN_BLOCKS - 1) / OPEN_BLOCKS : 1, most = (blocks + chunks - 1) / chunks;
    const size_t lines = QUERN_BLOCK_BYTES(form) / 64, passes = (size_t)tiles * (32 / LANES / Q8_VECTORS);
    struct source from = {.opened = opened, .panel = panel, .ahead = next != NULL ? next : panel};
    if (next != NULL)
        from.ahead_bytes = (lines + passes - 1) / passes * 64;
    for (int done = 0; done < blocks; done += most, from.panel += (size_t)most * QUERN_BLOCK_BYTES(form)) {
        from.first = done == 0;
        from.blocks = blocks - done < most ? blocks - done : most;
        for (from.v0 = 0; from.v0 < 32 / LANES; from.v0 += Q8_VECTORS) {
            for (int b = 0; b < from.blocks && open; b++)
                open_block(form, &opened[b], from.panel + (size_t)b * QUERN_BLOCK_BYTES(form), from.v0);
            for (int row = 0, left = tiles, rows; left > 0; left--, row += rows) {
                float *out = c + (size_t)row * c_stride + from.v0 * LANES;
                const struct quern_int8_block *in = a + (size_t)(row * blocks + done);
                rows = (count - row + left - 1) / left;
                if (open)
                    rows_q8(form, true, rows, out, c_stride, in, (size_t)blocks, &from);
                else
                    rows_q8(form, false, rows, out, c_stride, in, (size_t)blocks, &from);
                from.ahead += from.ahead_bytes * (size_t)from.blocks;
            }
        }
    }
}

#define DEFINE_GEMM_Q8(name, form)                                                                                     \
    static void name(float *c, size_t c_stride, const void *a, int first, int count, const unsigned char *panel,       \
                     int length, const unsigned char *next)                                                            \
    {                                                                                                                  \
        const struct quern_int8_block *blocks = a;                                                                     \
        gemm_q8(form, c, c_stride, blocks + (size_t)first * (size_t)(length / 32), count, panel, length, next);        \
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
