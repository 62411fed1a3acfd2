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
 */

#ifndef DOT4_SMALL
#define DOT4_SMALL(sum, w, a) DOT4(sum, w, a)
#define DOT4_SMALL_SUM(sum) (sum)
#define SMALL_STEPS(form) 8
#endif

/* The weights of a column vector at a step of a block: signed or w + 128, as DOT4 wants them; Q4_0's 16 times too large,
 * because a nibble moved to the top of its byte needs no more than its top bit flipped to be signed. */
INLINE vi step_weights(enum quern_form form, const unsigned char *at, int step)
{
    if (form == QUERN_FORM_Q8_0)
        return vi_load(at + step * 128);
    const vi top_bits = vi_set((int32_t)0x80808080u);
    if (form == QUERN_FORM_NL) {
        const vi w = LOOKUP(quern_iq4_nl_values, nibbles_at(at, step, 0));
        return PANEL_Q8_FLIP ? w ^ top_bits : w;
    }
    vi word = vi_load(at + step % 4 * 128);
    word = (step < 4 ? word << 4 : word) & vi_set((int32_t)0xf0f0f0f0u);
    return PANEL_Q8_FLIP ? word : word ^ top_bits;
}

/* With every block of the panel, a share of the next panel is prefetched: ahead_bytes, on from ahead. */
INLINE void tile_q8(enum quern_form form, int rows, float *c, size_t c_stride, const struct quern_q8 *a,
                    const unsigned char *panel, int length, const unsigned char *ahead, size_t ahead_bytes)
{
    const int blocks = length / 32;
    const size_t block_bytes = QUERN_BLOCK_BYTES(form);
    for (int v0 = 0; v0 < 32 / LANES; v0 += Q8_VECTORS) {
        vf sum[Q8_ROWS][Q8_VECTORS];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < Q8_VECTORS; v++)
                sum[r][v] = vf_set(0.0f);
        const unsigned char *block = panel;
        for (int b = 0; b < blocks; b++, block += block_bytes) {
            const struct quern_q8 *x = a + b;
            const unsigned char *w_at = block + v0 * LANES * 4;
            vi dot[Q8_ROWS][Q8_VECTORS];
            for (size_t i = 0; i < ahead_bytes; i += 64)
                PREFETCH(ahead + i);
            ahead += ahead_bytes;
            for (int r = 0; r < rows; r++)
                for (int v = 0; v < Q8_VECTORS; v++)
                    dot[r][v] = PANEL_Q8_FLIP ? vi_set(x[r * blocks].bias) : vi_set(0);
#pragma GCC unroll 8
            for (int step = 0; step < 8; step++) {
                vi w[Q8_VECTORS];
                for (int v = 0; v < Q8_VECTORS; v++)
                    w[v] = step_weights(form, w_at + v * LANES * 4, step);
                for (int r = 0; r < rows; r++) {
                    vi q = vi_repeat(x[r * blocks].q + step * 4);
                    for (int v = 0; v < Q8_VECTORS; v++)
                        dot[r][v] = DOT4(dot[r][v], w[v], q);
                }
            }
            vf scale[Q8_VECTORS];
            for (int v = 0; v < Q8_VECTORS; v++) {
                scale[v] = VF_FROM_HALF(block + block_bytes - 64 + (v0 + v) * LANES * 2);
                if (form == QUERN_FORM_Q4_0)
                    scale[v] *= vf_set(1.0f / 16);
            }
            for (int r = 0; r < rows; r++) {
                vf s = vf_set(x[r * blocks].scale);
                for (int v = 0; v < Q8_VECTORS; v++)
                    sum[r][v] = VF_FMA(vf_from_int(dot[r][v]), scale[v] * s, sum[r][v]);
            }
        }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < Q8_VECTORS; v++)
                vf_store(c + (size_t)r * c_stride + (v0 + v) * LANES, sum[r][v]);
    }
}

/* Sum over the activations of a group of a block, one of groups. The block's bias has the sum over it all; half's is a
 * dot product with ones. */
INLINE vi activation_sum(const struct quern_q8 *x, vi half, int group, int groups)
{
    const vi whole = vi_set(-(x->bias >> 7));
    return groups == 1 ? whole : group == 0 ? half : whole - half;
}

INLINE vi half_sum(const struct quern_q8 *x)
{
    vi sum = vi_set(0);
#pragma GCC unroll 4
    for (int step = 0; step < 4; step++)
        sum = DOT4_SMALL(sum, vi_set(0x01010101), vi_repeat(x->q + step * 4));
    return DOT4_SMALL_SUM(sum);
}

/* Adds what a group of a block contributes: dot products of its quants, completed by the sum of its activations times the
 * offset or the minimum. Begins the next group's. */
INLINE void finish_group(enum quern_form form, int rows, vf sum[Q8_ROWS][Q8_VECTORS], vi dot[Q8_ROWS][Q8_VECTORS],
                         const struct quern_q8 *x, int blocks, const vi half[Q8_ROWS], const unsigned char *block,
                         int group, int v0)
{
    vf scale[Q8_VECTORS], minimum[Q8_VECTORS];
    for (int v = 0; v < Q8_VECTORS; v++) {
        scale[v] = small_scale(form, block, group, v0 + v);
        minimum[v] = QUERN_SMALL_MINIMUM(form) ? small_minimum(form, block, group, v0 + v) : vf_set(0.0f);
    }
    for (int r = 0; r < rows; r++, x += blocks) {
        const vf s = vf_set(x->scale);
        const vi inputs = activation_sum(x, half[r], group, QUERN_SMALL_GROUPS(form));
        for (int v = 0; v < Q8_VECTORS; v++) {
            const vi d = dot[r][v] - QUERN_SMALL_OFFSET(form) * inputs;
            sum[r][v] = VF_FMA(vf_from_int(d), scale[v] * s, sum[r][v]);
            if (QUERN_SMALL_MINIMUM(form))
                sum[r][v] = VF_FMA(vf_from_int(inputs) * s, minimum[v], sum[r][v]);
            dot[r][v] = vi_set(0);
        }
    }
}

/* The same as tile_q8 for small forms. */
INLINE void tile_small(enum quern_form form, int rows, float *c, size_t c_stride, const struct quern_q8 *a,
                       const unsigned char *panel, int length, const unsigned char *ahead, size_t ahead_bytes)
{
    const int blocks = length / 32, groups = QUERN_SMALL_GROUPS(form), steps = 8 / groups;
    const int chunk = SMALL_STEPS(form) < steps ? SMALL_STEPS(form) : steps;
    for (int v0 = 0; v0 < 32 / LANES; v0 += Q8_VECTORS) {
        vf sum[Q8_ROWS][Q8_VECTORS];
        vi dot[Q8_ROWS][Q8_VECTORS], part[Q8_ROWS][Q8_VECTORS], half[Q8_ROWS];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < Q8_VECTORS; v++) {
                sum[r][v] = vf_set(0.0f);
                dot[r][v] = part[r][v] = vi_set(0);
            }
        const unsigned char *block = panel;
        for (int b = 0; b < blocks; b++, block += QUERN_BLOCK_BYTES(form)) {
            const struct quern_q8 *x = a + b;
            for (size_t i = 0; i < ahead_bytes; i += 64)
                PREFETCH(ahead + i);
            ahead += ahead_bytes;
            for (int r = 0; r < rows; r++)
                half[r] = groups == 2 ? half_sum(x + r * blocks) : vi_set(0);
#pragma GCC unroll 8
            for (int step = 0; step < 8; step++) {
                vi w[Q8_VECTORS];
                for (int v = 0; v < Q8_VECTORS; v++)
                    w[v] = small_at(form, block, step, v0 + v);
                for (int r = 0; r < rows; r++) {
                    vi q = vi_repeat(x[r * blocks].q + step * 4);
                    for (int v = 0; v < Q8_VECTORS; v++) {
                        part[r][v] = DOT4_SMALL(part[r][v], w[v], q);
                        if ((step + 1) % chunk != 0)
                            continue;
                        dot[r][v] += DOT4_SMALL_SUM(part[r][v]);
                        part[r][v] = vi_set(0);
                    }
                }
                if ((step + 1) % steps == 0)
                    finish_group(form, rows, sum, dot, x, blocks, half, block, step / steps, v0);
            }
        }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < Q8_VECTORS; v++)
                vf_store(c + (size_t)r * c_stride + (v0 + v) * LANES, sum[r][v]);
    }
}

INLINE void tile(enum quern_form form, int rows, float *c, size_t c_stride, const struct quern_q8 *a,
                 const unsigned char *panel, int length, const unsigned char *ahead, size_t ahead_bytes)
{
    if (QUERN_IS_SMALL(form))
        tile_small(form, rows, c, c_stride, a, panel, length, ahead, ahead_bytes);
    else
        tile_q8(form, rows, c, c_stride, a, panel, length, ahead, ahead_bytes);
}

/* Cuts the rows into tiles of nearly equal height, since a low tile keeps the multipliers less busy than a high one. */
INLINE void gemm_q8(enum quern_form form, float *c, size_t c_stride, const struct quern_q8 *a, int count,
                    const unsigned char *panel, int length, const unsigned char *next)
{
    const size_t blocks = (size_t)(length / 32);
    const size_t lines = QUERN_BLOCK_BYTES(form) / 64;
    int tiles = (count + Q8_ROWS - 1) / Q8_ROWS;
    /* Every tile goes over the panel once for each group of columns. */
    const size_t groups = 32 / LANES / Q8_VECTORS, passes = (size_t)tiles * groups;
    const size_t ahead_bytes = next != NULL ? (lines + passes - 1) / passes * 64 : 0;
    if (next == NULL)
        next = panel; /* nothing of which is fetched */
    for (; tiles > 0; tiles--) {
        const int rows = (count + tiles - 1) / tiles;
        switch (rows) {
#define TILE(n) case n: tile(form, n, c, c_stride, a, panel, length, next, ahead_bytes); break;
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
        count -= rows;
        a += (size_t)rows * blocks;
        c += (size_t)rows * c_stride;
        next += ahead_bytes * blocks * groups;
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
