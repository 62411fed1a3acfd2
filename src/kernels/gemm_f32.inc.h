/* Products with float activations, for weights in any form. A template; see vector.inc.h and weights.inc.h.
 *
 *   F32_ROWS          rows of activations computed together */
#include "kernels/weights.inc.h"

#define F32_VECTORS (32 / LANES < 4 ? 32 / LANES : 4) /* vectors of columns computed together */

/* Byte i of every lane, as a signed number. */
INLINE vf byte_of(vi word, int i)
{
    return vf_from_int((vi)((vu)word << (24 - 8 * i)) >> 24);
}

/* Weights of column vector v at position k of a block, already scaled. */
INLINE vf weights_at(enum quern_form form, const unsigned char *block, int k, int v)
{
    if (form == QUERN_FORM_F32)
        return vf_load((const float *)(const void *)block + k * 32 + v * LANES);
    if (form == QUERN_FORM_F16)
        return VF_FROM_HALF(block + (k * 32 + v * LANES) * 2);
    if (form == QUERN_FORM_BF16)
        return vf_from_bf16(block + (k * 32 + v * LANES) * 2);
    const vi top_bits = vi_set((int32_t)0x80808080u);
    if (form == QUERN_FORM_Q8_0) {
        vi word = PANEL_WORDS(block, k / 4, v);
        if (PANEL_Q8_FLIP)
            word ^= top_bits;
        return byte_of(word, k % 4) * VF_FROM_HALF(block + 1024 + v * LANES * 2);
    }
    if (QUERN_IS_SMALL(form)) {
        const int group = k / (32 / QUERN_GROUPS(form));
        const vf q = byte_of(small_at(form, block, k / 4, v), k % 4) - vf_set(QUERN_OFFSET(form));
        const vf scale = small_scale(form, block, group, v);
        return QUERN_HAS_MINIMUM(form) ? VF_FMA(q, scale, small_minimum(form, block, group, v)) : q * scale;
    }
    if (form == QUERN_FORM_NL)
        return byte_of(LOOKUP(quern_iq4_nl_values, nibbles_at(block, k / 4, v)), k % 4) *
               VF_FROM_HALF(block + 512 + v * LANES * 2);
    /* Nibbles moved to the top of their byte, where flipping the top bit makes them 16 * (nibble - 8). */
    vi word = PANEL_WORDS(block, k % 16 / 4, v);
    word = ((k < 16 ? word << 4 : word) & vi_set((int32_t)0xf0f0f0f0u)) ^ top_bits;
    return byte_of(word, k % 4) * (VF_FROM_HALF(block + 512 + v * LANES * 2) * vf_set(1.0f / 16));
}

INLINE void tile_f32(enum quern_form form, int rows, float *c, size_t c_stride, const float *a, size_t a_stride,
                     const unsigned char *panel, int length)
{
    for (int v0 = 0; v0 < 32 / LANES; v0 += F32_VECTORS) {
        vf sum[F32_ROWS][F32_VECTORS];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < F32_VECTORS; v++)
                sum[r][v] = vf_set(0.0f);
        for (int b = 0; b < length / 32; b++) {
            const unsigned char *block = panel + (size_t)b * (size_t)QUERN_BLOCK_BYTES(form);
            for (int step = 0; step < 32; step += 4)
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++) {
                    vf w[F32_VECTORS];
                    for (int v = 0; v < F32_VECTORS; v++)
                        w[v] = weights_at(form, block, step + i, v0 + v);
                    for (int r = 0; r < rows; r++) {
                        vf x = vf_set(a[(size_t)r * a_stride + (size_t)(b * 32 + step + i)]);
                        for (int v = 0; v < F32_VECTORS; v++)
                            sum[r][v] = VF_FMA(x, w[v], sum[r][v]);
                    }
                }
        }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < F32_VECTORS; v++)
                vf_store(c + (size_t)r * c_stride + (v0 + v) * LANES, sum[r][v]);
    }
}

INLINE void gemm_f32(enum quern_form form, float *c, size_t c_stride, const float *a, size_t a_stride, int count,
                     const unsigned char *panel, int length)
{
    for (; count >= F32_ROWS; count -= F32_ROWS, a += F32_ROWS * a_stride, c += F32_ROWS * c_stride)
        tile_f32(form, F32_ROWS, c, c_stride, a, a_stride, panel, length);
    for (; count > 0; count--, a += a_stride, c += c_stride)
        tile_f32(form, 1, c, c_stride, a, a_stride, panel, length);
}

#define DEFINE_GEMM_F32(name, form)                                                                                    \
    static void name(float *c, size_t c_stride, const void *a, int first, int count, const unsigned char *panel,       \
                     int length, const unsigned char *next)                                                            \
    {                                                                                                                  \
        const float *rows = a;                                                                                         \
        (void)next;                                                                                                    \
        gemm_f32(form, c, c_stride, rows + (size_t)first * (size_t)length, (size_t)length, count, panel, length);      \
    }

DEFINE_GEMM_F32(gemm_f32_q8, QUERN_FORM_Q8_0)
DEFINE_GEMM_F32(gemm_f32_q4, QUERN_FORM_Q4_0)
DEFINE_GEMM_F32(gemm_f32_nl, QUERN_FORM_NL)
DEFINE_GEMM_F32(gemm_f32_u4, QUERN_FORM_U4)
DEFINE_GEMM_F32(gemm_f32_u5, QUERN_FORM_U5)
DEFINE_GEMM_F32(gemm_f32_u2, QUERN_FORM_U2)
DEFINE_GEMM_F32(gemm_f32_s6, QUERN_FORM_S6)
DEFINE_GEMM_F32(gemm_f32_f32, QUERN_FORM_F32)
DEFINE_GEMM_F32(gemm_f32_f16, QUERN_FORM_F16)
DEFINE_GEMM_F32(gemm_f32_bf16, QUERN_FORM_BF16)
