/* Products with 8-bit activations. A template; see vector.inc.h.
 *
 *   DOT4(sum, w, a)   sum + the four products of bytes of w and a in each lane; a signed
 *   PANEL_Q8_FLIP     0x80 if DOT4 takes w as unsigned: then weights are w + 128 and sums start at the block's bias;
 *                     0 if as signed: sums start at 0
 *   Q8_ROWS           rows of activations computed together, at most 6
 *   Q8_VECTORS        vectors of columns computed together; divides 32 / LANES
 *   PREFETCH(p)       brings the cache line at p into the second-level cache: with two panels the first would overflow
 */

/* The weights of a column vector at a step of a block: signed or w + 128, as DOT4 wants them; Q4_0's 16 times too large,
 * because a nibble moved to the top of its byte needs no more than its top bit flipped to be signed. */
INLINE vi step_weights(enum quern_form form, const unsigned char *at, int step)
{
    if (form == QUERN_FORM_Q8_0)
        return vi_load(at + step * 128);
    vi word = vi_load(at + step % 4 * 128);
    word = (step < 4 ? word << 4 : word) & vi_set((int32_t)0xf0f0f0f0u);
    return PANEL_Q8_FLIP ? word : word ^ vi_set((int32_t)0x80808080u);
}

/* With every block of the panel, a share of the next panel is prefetched: ahead_bytes, on from ahead. */
INLINE void tile_q8(enum quern_form form, int rows, float *c, size_t c_stride, const struct quern_q8 *a,
                    const unsigned char *panel, int length, const unsigned char *ahead, size_t ahead_bytes)
{
    const int blocks = length / 32;
    const size_t block_bytes = form == QUERN_FORM_Q8_0 ? QUERN_Q8_BLOCK_BYTES : QUERN_Q4_BLOCK_BYTES;
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

/* Cuts the rows into tiles of nearly equal height, since a low tile keeps the multipliers less busy than a high one. */
INLINE void gemm_q8(enum quern_form form, float *c, size_t c_stride, const struct quern_q8 *a, int count,
                    const unsigned char *panel, int length, const unsigned char *next)
{
    const size_t blocks = (size_t)(length / 32);
    const size_t lines = (form == QUERN_FORM_Q8_0 ? QUERN_Q8_BLOCK_BYTES : QUERN_Q4_BLOCK_BYTES) / 64;
    int tiles = (count + Q8_ROWS - 1) / Q8_ROWS;
    /* Every tile goes over the panel once for each group of columns. */
    const size_t groups = 32 / LANES / Q8_VECTORS, passes = (size_t)tiles * groups;
    const size_t ahead_bytes = next != NULL ? (lines + passes - 1) / passes * 64 : 0;
    if (next == NULL)
        next = panel; /* nothing of which is fetched */
    for (; tiles > 0; tiles--) {
        const int rows = (count + tiles - 1) / tiles;
        switch (rows) {
#define TILE(n) case n: tile_q8(form, n, c, c_stride, a, panel, length, next, ahead_bytes); break;
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

static void gemm_q8_q8(float *c, size_t c_stride, const struct quern_q8 *a, int count, const unsigned char *panel,
                       int length, const unsigned char *next)
{
    gemm_q8(QUERN_FORM_Q8_0, c, c_stride, a, count, panel, length, next);
}

static void gemm_q8_q4(float *c, size_t c_stride, const struct quern_q8 *a, int count, const unsigned char *panel,
                       int length, const unsigned char *next)
{
    gemm_q8(QUERN_FORM_Q4_0, c, c_stride, a, count, panel, length, next);
}

#define PACK_Q8 (PANEL_Q8_FLIP ? quern_pack_q8_unsigned : quern_pack_q8_signed)
#define PACK_Q4 quern_pack_q4
