/* Products with float32 activations, for weights in any layout. A template; see vector.inc.h and weights.inc.h. A
 * table's source file defines
 *
 *   F32_ROWS          rows of activations computed together */
#include "kernels/templates/weights.inc.h"

#define F32_VECTORS (32 / LANES < 4 ? 32 / LANES : 4) /* vectors of columns computed together */

/* Byte i of every lane, as a signed number. */
INLINE vf byte_of(vi word, int i)
{
    return vf_from_int((vi)((vu)word << (24 - 8 * i)) >> 24);
}

/* The numbers of column vector v at position k of a block of whole numbers, as they are before they are scaled. */
INLINE vf numbers_at(struct quern_panel_layout layout, const unsigned char *block, int k, int v)
{
    const vi top_bits = vi_set((int32_t)0x80808080u);
    if (layout.kind == QUERN_PANEL_SIGNED_BYTES) {
        const vi word = PANEL_WORDS(block, k / 4, v);
        return byte_of(PANEL_FLIP ? word ^ top_bits : word, k % 4);
    }
    if (layout.kind == QUERN_PANEL_TABLE_NIBBLES)
        return byte_of(LOOKUP(quern_iq4_nl_values, nibbles_at(block, k / 4, v)), k % 4);
    return byte_of(sub_bytes_at(layout, block, k / 4, v), k % 4) - vf_set(layout.offset);
}

/* Weights of column vector v at position k of a block. */
INLINE vf weights_at(struct quern_panel_layout layout, const unsigned char *block, int k, int v)
{
    if (layout.kind == QUERN_PANEL_FLOATS_32)
        return vf_load((const float *)(const void *)block + k * 32 + v * LANES);
    if (layout.kind == QUERN_PANEL_FLOATS_16)
        return VF_FROM_HALF(block + (k * 32 + v * LANES) * 2);
    if (layout.kind == QUERN_PANEL_BFLOATS_16)
        return vf_from_bf16(block + (k * 32 + v * LANES) * 2);
    const int group = k / (32 / layout.groups);
    if (layout.kind == QUERN_PANEL_PLAIN_NIBBLES) {
        /* Flipping the top bit of 16 times a nibble makes it 16 * (nibble - 8). */
        const vi word = upper_nibbles_at(block, k / 4, v) ^ vi_set((int32_t)0x80808080u);
        return byte_of(word, k % 4) * (scale_at(layout, block, group, v) * vf_set(1.0f / 16));
    }
    const vf q = numbers_at(layout, block, k, v), scale = scale_at(layout, block, group, v);
    return layout.minimum ? VF_FMA(q, scale, minimum_at(layout, block, group, v)) : q * scale;
}

INLINE void tile_float32(struct quern_panel_layout layout, int rows, float *c, size_t c_stride, const float *a,
                         size_t a_stride, const unsigned char *panel, int length)
{
    for (int v0 = 0; v0 < 32 / LANES; v0 += F32_VECTORS) {
        vf sum[F32_ROWS][F32_VECTORS];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < F32_VECTORS; v++)
                sum[r][v] = vf_set(0.0f);
        for (int b = 0; b < length / 32; b++) {
            const unsigned char *block = panel + (size_t)b * (size_t)layout.block_bytes;
            for (int step = 0; step < 32; step += 4)
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++) {
                    vf w[F32_VECTORS];
                    for (int v = 0; v < F32_VECTORS; v++)
                        w[v] = weights_at(layout, block, step + i, v0 + v);
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

INLINE void gemm_float32(struct quern_panel_layout layout, float *c, size_t c_stride, const float *a, size_t a_stride,
                         int count, const unsigned char *panel, int length)
{
    for (; count >= F32_ROWS; count -= F32_ROWS, a += F32_ROWS * a_stride, c += F32_ROWS * c_stride)
        tile_float32(layout, F32_ROWS, c, c_stride, a, a_stride, panel, length);
    for (; F32_ROWS > 4 && count >= 4; count -= 4, a += 4 * a_stride, c += 4 * c_stride)
        tile_float32(layout, 4, c, c_stride, a, a_stride, panel, length);
    for (; count > 0; count--, a += a_stride, c += c_stride)
        tile_float32(layout, 1, c, c_stride, a, a_stride, panel, length);
}

#define DEFINE_GEMM_FLOAT32(name, ...)                                                                                 \
    static void gemm_float32_##name(float *c, size_t c_stride, const void *a, int first, int count,                    \
                                    const unsigned char *panel, int length, const unsigned char *next)                 \
    {                                                                                                                  \
        const float *rows = a;                                                                                         \
        (void)next;                                                                                                    \
        gemm_float32(quern_panel_##name, c, c_stride, rows + (size_t)first * (size_t)length, (size_t)length, count,    \
                     panel, length);                                                                                   \
    }
QUERN_PANEL_LAYOUTS(DEFINE_GEMM_FLOAT32)
