/* NEON with smmla: [2 rows][8 k] times [8 k][2 columns] an instruction. */
#include "kernels/pack.h"
#include "kernels/tables.h"

#include <arm_neon.h>

#ifndef __clang__
#pragma GCC target("arch=armv8.2-a+dotprod+i8mm")
#elif !defined(__ARM_FEATURE_MATMUL_INT8)
#error "clang needs -march=armv8.2-a+dotprod+i8mm for this file"
#endif

#include "kernels/arm/lanes4.inc.h"

/* Panels have blocks as in pack.h, but in eights: Q8_0 is 4 steps of [32 columns][8 k] bytes, Q4_0 2 steps, whose low
 * nibbles are k = 8 s + i and the high ones k = 16 + 8 s + i. */
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
#include "kernels/gemm_f32.inc.h"

/* raw blocks are a half scale and then their bytes */
INLINE void pack_eights(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int blocks, int steps)
{
    const size_t raw_bytes = 2 + (size_t)steps * 8;
    for (int b = 0; b < blocks; b++, panel += steps * STEP_BYTES + 64)
        for (int r = 0; r < 32; r++) {
            const unsigned char *raw = rows + (size_t)r * row_bytes + (size_t)b * raw_bytes;
            for (int step = 0; step < steps; step++)
                memcpy(panel + step * STEP_BYTES + r * 8, raw + 2 + 8 * step, 8);
            memcpy(panel + steps * STEP_BYTES + r * 2, raw, 2);
        }
}

static void pack_q8_eights(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    pack_eights(panel, rows, row_bytes, length / 32, 4);
}

static void pack_q4_eights(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    pack_eights(panel, rows, row_bytes, length / 32, 2);
}

#define PACK_Q8 pack_q8_eights
#define PACK_Q4 pack_q4_eights

enum { PAIRS = 3, COLUMN_PAIRS = 4 }; /* rows and columns computed together, in pairs: 12 + 12 registers of sums */

INLINE int8x16_t weights_of_pair(enum quern_form form, const unsigned char *block, int step, int pair)
{
    if (form == QUERN_FORM_Q8_0)
        return vld1q_s8((const int8_t *)block + step * STEP_BYTES + pair * 16);
    uint8x16_t nibbles = vld1q_u8(block + step % 2 * STEP_BYTES + pair * 16);
    if (form != QUERN_FORM_Q4_0)
        nibbles = step < 2 ? vandq_u8(nibbles, vdupq_n_u8(15)) : vshrq_n_u8(nibbles, 4);
    if (form == QUERN_FORM_NL)
        return vqtbl1q_s8(vld1q_s8(quern_iq4_nl_values), nibbles);
    if (QUERN_IS_SMALL(form) && QUERN_SMALL_SIX_BITS(form)) {
        const uint8x16_t upper = vld1q_u8(block + QUERN_SMALL_UPPER + pair * 16), mask = vdupq_n_u8(0x30);
        const uint8x16_t moved = vshlq_u8(upper, vdupq_n_s8((int8_t)(4 - 2 * step)));
        nibbles = vorrq_u8(nibbles, vandq_u8(moved, mask));
    }
    if (QUERN_IS_SMALL(form))
        return vreinterpretq_s8_u8(nibbles);
    if (step < 2) /* 16 times the signed weight */
        nibbles = vshlq_n_u8(nibbles, 4);
    return vreinterpretq_s8_u8(veorq_u8(vandq_u8(nibbles, vdupq_n_u8(0xf0)), vdupq_n_u8(0x80)));
}

/* A product of pairs has lanes [row 0 column 0, row 0 column 1, row 1 column 0, row 1 column 1]. Puts what belongs to
 * columns there: four of them to two vectors. */
INLINE void spread(vf out[2], vf columns)
{
    out[0] = (vf){columns[0], columns[1], columns[0], columns[1]};
    out[1] = (vf){columns[2], columns[3], columns[2], columns[3]};
}

/* Scales of a group, and what small forms add. */
INLINE void column_scales(vf scale[COLUMN_PAIRS], vf minimum[COLUMN_PAIRS], enum quern_form form,
                          const unsigned char *block, int group, int v0)
{
    for (int v = 0; v < COLUMN_PAIRS; v += 2) {
        const int four = (v0 + v) / 2;
        if (QUERN_IS_SMALL(form)) {
            spread(scale + v, small_scale(form, block, group, four));
            if (QUERN_HAS_MINIMUM(form))
                spread(minimum + v, small_minimum(form, block, group, four));
            continue;
        }
        const vf halves = VF_FROM_HALF(block + QUERN_BLOCK_BYTES(form) - 64 + four * 8);
        spread(scale + v, form == QUERN_FORM_Q4_0 ? halves * vf_set(1.0f / 16) : halves);
    }
}

/* rows is 2 * pairs or one less; then the last row is computed twice. */
INLINE void tile_smmla(enum quern_form form, int pairs, int rows, float *c, size_t c_stride, const struct quern_int8_block *a,
                       const unsigned char *panel, int length)
{
    const int blocks = length / 32, groups = QUERN_IS_SMALL(form) ? QUERN_GROUPS(form) : 1, steps = 4 / groups;
    for (int v0 = 0; v0 < 16; v0 += COLUMN_PAIRS) {
        const unsigned char *block = panel;
        vf sum[PAIRS][COLUMN_PAIRS];
        for (int p = 0; p < pairs; p++)
            for (int v = 0; v < COLUMN_PAIRS; v++)
                sum[p][v] = vf_set(0.0f);
        for (int b = 0; b < blocks; b++, block += QUERN_BLOCK_BYTES(form))
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
                        w[v] = weights_of_pair(form, block, step, v0 + v);
                    for (int p = 0; p < pairs; p++) {
                        const struct quern_int8_block *x = a + 2 * p * blocks + b;
                        int8x16_t q = vcombine_s8(vld1_s8(x->q + step * 8),
                                                  vld1_s8((2 * p + 1 < rows ? x + blocks : x)->q + step * 8));
                        for (int v = 0; v < COLUMN_PAIRS; v++)
                            dot[p][v] = (vi)vmmlaq_s32((int32x4_t)dot[p][v], q, w[v]);
                        if (QUERN_IS_SMALL(form))
                            ones[p] = (vi)vmmlaq_s32((int32x4_t)ones[p], q, vdupq_n_s8(1));
                    }
                }
                vf scale[COLUMN_PAIRS], minimum[COLUMN_PAIRS];
                column_scales(scale, minimum, form, block, g, v0);
                for (int p = 0; p < pairs; p++) {
                    const struct quern_int8_block *x = a + 2 * p * blocks + b;
                    const float s = x->scale, t = (2 * p + 1 < rows ? x + blocks : x)->scale;
                    const vf row_scales = {s, s, t, t};
                    for (int v = 0; v < COLUMN_PAIRS; v++) {
                        if (QUERN_IS_SMALL(form))
                            dot[p][v] -= QUERN_OFFSET(form) * ones[p];
                        sum[p][v] = VF_FMA(vf_from_int(dot[p][v]), scale[v] * row_scales, sum[p][v]);
                        if (QUERN_IS_SMALL(form) && QUERN_HAS_MINIMUM(form))
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
INLINE void gemm_smmla(enum quern_form form, float *c, size_t c_stride, const struct quern_int8_block *a, int count,
                       const unsigned char *panel, int length)
{
    for (int tiles = (count + 2 * PAIRS - 1) / (2 * PAIRS); tiles > 0; tiles--) {
        int rows = (count + tiles - 1) / tiles;
        rows += rows % 2 != 0 && rows < count;
        switch (rows) {
        case 1: tile_smmla(form, 1, 1, c, c_stride, a, panel, length); break;
        case 2: tile_smmla(form, 1, 2, c, c_stride, a, panel, length); break;
        case 3: tile_smmla(form, 2, 3, c, c_stride, a, panel, length); break;
        case 4: tile_smmla(form, 2, 4, c, c_stride, a, panel, length); break;
        case 5: tile_smmla(form, 3, 5, c, c_stride, a, panel, length); break;
        case 6: tile_smmla(form, 3, 6, c, c_stride, a, panel, length); break;
        }
        count -= rows;
        a += (size_t)rows * (size_t)(length / 32);
        c += (size_t)rows * c_stride;
    }
}

#define DEFINE_GEMM_SMMLA(name, form)                                                                                  \
    static void name(float *c, size_t c_stride, const void *a, int first, int count, const unsigned char *panel,       \
                     int length, const unsigned char *next)                                                            \
    {                                                                                                                  \
        const struct quern_int8_block *blocks = a;                                                                     \
        (void)next;                                                                                                    \
        gemm_smmla(form, c, c_stride, blocks + (size_t)first * (size_t)(length / 32), count, panel, length);           \
    }

DEFINE_GEMM_SMMLA(gemm_q8_q8, QUERN_FORM_Q8_0)
DEFINE_GEMM_SMMLA(gemm_q8_q4, QUERN_FORM_Q4_0)
DEFINE_GEMM_SMMLA(gemm_q8_nl, QUERN_FORM_NL)
DEFINE_GEMM_SMMLA(gemm_q8_u4, QUERN_FORM_U4)
DEFINE_GEMM_SMMLA(gemm_q8_u5, QUERN_FORM_U5)
DEFINE_GEMM_SMMLA(gemm_q8_u2, QUERN_FORM_U2)
DEFINE_GEMM_SMMLA(gemm_q8_s6, QUERN_FORM_S6)

#include "kernels/rows.inc.h"
#include "kernels/attention.inc.h"
#include "kernels/attention_f32.inc.h"
#include "kernels/table.inc.h"

const struct quern_kernels quern_kernels_i8mm =
    QUERN_TABLE("i8mm", QUERN_CPU_NEON | QUERN_CPU_DOTPROD | QUERN_CPU_I8MM, attention_f32);
