/* NEON with smmla: [2 rows][8 k] times [8 k][2 columns] an instruction. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#include <arm_neon.h>

#ifndef __clang__
#pragma GCC target("arch=armv8.2-a+dotprod+i8mm")
#elif !defined(__ARM_FEATURE_MATMUL_INT8)
#error "clang needs -march=armv8.2-a+dotprod+i8mm for this file"
#endif

#include "kernels/arm/lanes4.inc.h"

/* Steps of panels have eight k of a row together: [32 rows][8 k] bytes. */
enum { STEP_BYTES = 32 * 8 };

/* Words of four k, number word of the block, of LANES columns. */
INLINE vi panel_words(const unsigned char *block, int word, int v)
{
    int32x4x2_t both = vld2q_s32((const int32_t *)(const void *)(block + word / 2 * STEP_BYTES + v * LANES * 8));
    return (vi)both.val[word % 2];
}

#define PANEL_WORDS(block, word, v) panel_words(block, word, v)
#define PREFETCH(p) __builtin_prefetch(p)
#define F32_ROWS 4
#include "kernels/templates/gemm_float32.inc.h"

enum { PAIRS = 3, COLUMN_PAIRS = 4 }; /* pairs of rows and of columns computed together: 12 + 12 registers of sums */

/* Whether weights are multiplied as 16 times their value. That saves instructions for NIBBLES. */
INLINE bool is_sixteenfold(struct quern_panel_layout layout)
{
    return layout.kind == QUERN_PANEL_PLAIN_NIBBLES;
}

INLINE int8x16_t weights_of_pair(struct quern_panel_layout layout, const unsigned char *block, int step, int pair)
{
    if (layout.kind == QUERN_PANEL_SIGNED_BYTES)
        return vld1q_s8((const int8_t *)block + step * STEP_BYTES + pair * 16);
    uint8x16_t nibbles = vld1q_u8(block + step % 2 * STEP_BYTES + pair * 16);
    if (is_sixteenfold(layout)) {
        if (step < 2)
            nibbles = vshlq_n_u8(nibbles, 4);
        return vreinterpretq_s8_u8(veorq_u8(vandq_u8(nibbles, vdupq_n_u8(0xf0)), vdupq_n_u8(0x80)));
    }
    nibbles = step < 2 ? vandq_u8(nibbles, vdupq_n_u8(15)) : vshrq_n_u8(nibbles, 4);
    if (layout.kind == QUERN_PANEL_TABLE_NIBBLES)
        return vqtbl1q_s8(vld1q_s8(quern_iq4_nl_values), nibbles);
    if (layout.bits > 4) {
        const uint8x16_t upper = vld1q_u8(block + QUERN_PANEL_UPPER + pair * 16), mask = vdupq_n_u8(0x30);
        const uint8x16_t moved = vshlq_u8(upper, vdupq_n_s8((int8_t)(4 - 2 * step)));
        nibbles = vorrq_u8(nibbles, vandq_u8(moved, mask));
    }
    return vreinterpretq_s8_u8(nibbles);
}

/* A product of pairs has lanes [row 0 column 0, row 0 column 1, row 1 column 0, row 1 column 1]. Puts what belongs to
 * columns there: four of them to two vectors. */
INLINE void spread(vf out[2], vf columns)
{
    out[0] = (vf){columns[0], columns[1], columns[0], columns[1]};
    out[1] = (vf){columns[2], columns[3], columns[2], columns[3]};
}

/* Scales of a group, and minimums in layouts that have them. */
INLINE void column_scales(vf scale[COLUMN_PAIRS], vf minimum[COLUMN_PAIRS], struct quern_panel_layout layout,
                          const unsigned char *block, int group, int v0)
{
    for (int v = 0; v < COLUMN_PAIRS; v += 2) {
        const int four = (v0 + v) / 2;
        const vf scales = scale_at(layout, block, group, four);
        spread(scale + v, is_sixteenfold(layout) ? scales * vf_set(1.0f / 16) : scales);
        if (layout.minimum)
            spread(minimum + v, minimum_at(layout, block, group, four));
    }
}

/* rows is 2 * pairs, or one less: then the last row is computed twice. */
INLINE void tile_smmla(struct quern_panel_layout layout, int pairs, int rows, float *c, size_t c_stride,
                       const struct quern_int8_block *a, const unsigned char *panel, int length)
{
    const bool sub_byte = layout.kind == QUERN_PANEL_SUB_BYTE;
    const int blocks = length / 32, groups = layout.groups, steps = 4 / groups;
    for (int v0 = 0; v0 < 16; v0 += COLUMN_PAIRS) {
        const unsigned char *block = panel;
        vf sum[PAIRS][COLUMN_PAIRS];
        for (int p = 0; p < pairs; p++)
            for (int v = 0; v < COLUMN_PAIRS; v++)
                sum[p][v] = vf_set(0.0f);
        for (int b = 0; b < blocks; b++, block += layout.block_bytes)
#pragma GCC unroll 2
            for (int g = 0; g < groups; g++) {
                vi dot[PAIRS][COLUMN_PAIRS], ones[PAIRS];
                for (int p = 0; p < pairs; p++) {
                    ones[p] = vi_set(0);
                    for (int v = 0; v < COLUMN_PAIRS; v++)
                        dot[p][v] = vi_set(0);
                }
#pragma GCC unroll 4
                for (int step = g * steps; step < (g + 1) * steps; step++) {
                    int8x16_t w[COLUMN_PAIRS];
                    for (int v = 0; v < COLUMN_PAIRS; v++)
                        w[v] = weights_of_pair(layout, block, step, v0 + v);
                    for (int p = 0; p < pairs; p++) {
                        const struct quern_int8_block *x = a + 2 * p * blocks + b;
                        int8x16_t q = vcombine_s8(vld1_s8(x->q + step * 8),
                                                  vld1_s8((2 * p + 1 < rows ? x + blocks : x)->q + step * 8));
                        for (int v = 0; v < COLUMN_PAIRS; v++)
                            dot[p][v] = (vi)vmmlaq_s32((int32x4_t)dot[p][v], q, w[v]);
                        if (sub_byte)
                            ones[p] = (vi)vmmlaq_s32((int32x4_t)ones[p], q, vdupq_n_s8(1));
                    }
                }
                vf scale[COLUMN_PAIRS], minimum[COLUMN_PAIRS];
                column_scales(scale, minimum, layout, block, g, v0);
                for (int p = 0; p < pairs; p++) {
                    const struct quern_int8_block *x = a + 2 * p * blocks + b;
                    const float s = x->scale, t = (2 * p + 1 < rows ? x + blocks : x)->scale;
                    const vf row_scales = {s, s, t, t};
                    for (int v = 0; v < COLUMN_PAIRS; v++) {
                        if (sub_byte)
                            dot[p][v] -= layout.offset * ones[p];
                        sum[p][v] = VF_FMA(vf_from_int(dot[p][v]), scale[v] * row_scales, sum[p][v]);
                        if (layout.minimum)
                            sum[p][v] = VF_FMA(vf_from_int(ones[p]) * row_scales, minimum[v], sum[p][v]);
                    }
                }
            }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < COLUMN_PAIRS; v++)
                memcpy(c + (size_t)r * c_stride + 2 * (v0 + v), (const char *)&sum[r / 2][v] + r % 2 * 8, 8);
    }
}

/* Cuts the rows into tiles of nearly equal height. */
INLINE void gemm_smmla(struct quern_panel_layout layout, float *c, size_t c_stride, const struct quern_int8_block *a,
                       int count, const unsigned char *panel, int length)
{
    for (int tiles = (count + 2 * PAIRS - 1) / (2 * PAIRS); tiles > 0; tiles--) {
        int rows = (count + tiles - 1) / tiles;
        rows += rows % 2 != 0 && rows < count;
        switch (rows) {
        case 1: tile_smmla(layout, 1, 1, c, c_stride, a, panel, length); break;
        case 2: tile_smmla(layout, 1, 2, c, c_stride, a, panel, length); break;
        case 3: tile_smmla(layout, 2, 3, c, c_stride, a, panel, length); break;
        case 4: tile_smmla(layout, 2, 4, c, c_stride, a, panel, length); break;
        case 5: tile_smmla(layout, 3, 5, c, c_stride, a, panel, length); break;
        case 6: tile_smmla(layout, 3, 6, c, c_stride, a, panel, length); break;
        }
        count -= rows;
        a += (size_t)rows * (size_t)(length / 32);
        c += (size_t)rows * c_stride;
    }
}

#define DEFINE_GEMM_SMMLA(name, ...)                                                                                   \
    static void gemm_smmla_##name(float *c, size_t c_stride, const void *a, int first, int count,                      \
                                  const unsigned char *panel, int length, const unsigned char *next)                   \
    {                                                                                                                  \
        const struct quern_int8_block *blocks = a;                                                                     \
        (void)next;                                                                                                    \
        gemm_smmla(quern_panel_##name, c, c_stride, blocks + (size_t)first * (size_t)(length / 32), count, panel,      \
                   length);                                                                                            \
    }
QUERN_PANEL_INTEGER_LAYOUTS(DEFINE_GEMM_SMMLA)

#define FAST_GEMM(layout) gemm_smmla_##layout
#include "kernels/templates/rows.inc.h"
#include "kernels/templates/activation_int8.inc.h"
#include "kernels/templates/attention_float32.inc.h"

/* Groups of rows have four bytes of a row together, as sdot takes them. */
#define DOT4(sum, w, a) ((vi)vdotq_s32((int32x4_t)(sum), (int8x16_t)(w), (int8x16_t)(a)))
#include "kernels/templates/scan.inc.h"
#include "kernels/templates/table.inc.h"

const struct quern_kernels quern_kernels_i8mm =
    QUERN_TABLE("i8mm", QUERN_CPU_NEON | QUERN_CPU_DOTPROD | QUERN_CPU_I8MM, attention_float32);
