/* The formats of activations, written down once more by hand. */
#include "kcheck.h"

#include "base/count.h"
#include "formats/half.h"
#include "kernels/spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- float32 */

static void float32_fill(struct kcheck *k, void *buffer, int rows, int length, enum kcheck_kind kind)
{
    kcheck_fill_floats(k, buffer, (size_t)rows * (size_t)length, kind);
}

static double float32_get(const void *buffer, int row, int length, int i)
{
    return ((const float *)buffer)[(size_t)row * (size_t)length + (size_t)i];
}

static void float32_compare(struct kcheck *k, const void *buffer, int row, int length, const double *want,
                            const double *bound)
{
    for (int i = 0; i < length; i++)
        kcheck_near(k, (size_t)i, float32_get(buffer, row, length, i), want[i], bound[i]);
}

/* Every term is rounded at most three times (two scales, the product) and each sum once. */
static double float32_product(const void *buffer, int row, const struct kcheck_weights *w, double *magnitude,
                              double *bound)
{
    const float *a = (const float *)buffer + (size_t)row * (size_t)w->length;
    const double want = quern_spec_product_f32(a, w->values, w->length, magnitude);
    *bound = (w->length + 3) * (KCHECK_UNIT * *magnitude + KCHECK_SMALLEST);
    return want;
}

/* ---------------------------------------------------------------- int8 */

static const struct quern_int8_block *int8_blocks(const void *buffer, int row, int length)
{
    return (const struct quern_int8_block *)buffer + (size_t)row * (size_t)(length / 32);
}

static void int8_fill(struct kcheck *k, void *buffer, int rows, int length, enum kcheck_kind kind)
{
    static const double scales[KCHECK_KINDS] = {0.02, 1, 0, 1e15, 1, 1e-36, 1e20};
    struct quern_int8_block *block = buffer, *end = block + (size_t)rows * (size_t)(length / 32);
    for (size_t b = 0; block < end; block++, b++) {
        const bool zero = kind == KCHECK_ZEROS && b % 2;
        const uint32_t pattern = kcheck_random(k);
        int sum = 0, first_half = 0;
        block->scale = zero ? 0 : kind == KCHECK_WHOLE ? 1 : (float)(scales[kind] * (1.5 + kcheck_uniform(k)));
        for (int i = 0; i < 32; i++) {
            block->q[i] = (int8_t)(zero ? 0 : kcheck_byte(k, kind, -127, pattern));
            sum += block->q[i];
            first_half += i < 16 ? block->q[i] : 0;
        }
        block->sum = (float)sum * block->scale;
        block->bias = -128 * sum;
        block->half_block_bias = -128 * first_half;
    }
}

static double int8_get(const void *buffer, int row, int length, int i)
{
    const struct quern_int8_block *block = int8_blocks(buffer, row, length) + i / 32;
    return (double)block->scale * block->q[i % 32];
}

/* A block against unquantised values: the scale is as exact as the largest of them, and whole numbers are the nearest
 * ones, unless the error of a value decides a near tie. */
static void compare_block(struct kcheck *k, size_t index, const struct quern_int8_block *block, const double *want,
                          const double *bound)
{
    double q[32], largest = 0, off = 0;
    const double scale = quern_spec_quantize(q, want);
    int sum = 0, first_half = 0;
    for (int i = 0; i < 32; i++) {
        largest = fmax(largest, fabs(want[i]));
        off = fmax(off, bound[i]);
    }
    if (fabs(largest - 1e-30) < off + 1e-36) /* may count as zeros or not */
        return;
    const double slack = scale > 0 ? 0.5 + 2 * off / scale + 400 * KCHECK_UNIT : 0;
    kcheck_near(k, index, block->scale, scale, scale > 0 ? 2 * KCHECK_UNIT * scale + off / 127 : 0);
    for (int i = 0; i < 32; i++) {
        kcheck_near(k, index * 32 + (size_t)i, block->q[i], q[i], slack);
        kcheck_true(k, "-127 <= q", block->q[i] >= -127);
        sum += block->q[i];
        first_half += i < 16 ? block->q[i] : 0;
    }
    kcheck_true(k, "sum = scale * sum(q)", block->sum == block->scale * (float)sum);
    kcheck_true(k, "bias = -128 * sum(q)", block->bias == -128 * sum);
    kcheck_true(k, "half_block_bias = -128 * sum(q[0 .. 15])", block->half_block_bias == -128 * first_half);
}

static void int8_compare(struct kcheck *k, const void *buffer, int row, int length, const double *want,
                         const double *bound)
{
    for (int b = 0; b < length / 32; b++)
        compare_block(k, (size_t)b, int8_blocks(buffer, row, length) + b, want + 32 * b, bound + 32 * b);
}

/* Sums in a row of products: one for each group, and one for its minimum if it has one. */
static int int8_sums(enum quern_type type, int length)
{
    switch (type) {
    case QUERN_TYPE_Q8_0:
    case QUERN_TYPE_Q4_0:
    case QUERN_TYPE_IQ4_NL: return length / 32;
    case QUERN_TYPE_Q2_K: return length / 8;
    default: return length / 16;
    }
}

/* Roundings as in float32_product; whole numbers are not rounded at all. Below the normal numbers a scale may be off by
 * KCHECK_SMALLEST / 2, times a block's 32 * 127 * 128. */
static double int8_product(const void *buffer, int row, const struct kcheck_weights *w, double *magnitude,
                           double *bound)
{
    const double want =
        quern_spec_product_int8(int8_blocks(buffer, row, w->length), w->type, w->raw, w->length, magnitude);
    *bound = (int8_sums(w->type, w->length) + 3) * (KCHECK_UNIT * *magnitude + 0x1p18 * KCHECK_SMALLEST);
    return want;
}

/* ---------------------------------------------------------------- bfloat16
 *
 * 16 rows lie together, in tiles of [16 rows][32 elements]. */

/* Rounding to 8 bits, and what arithmetic that takes subnormal numbers for zeros may lose of a number. */
#define BFLOAT16_UNIT 0x1p-8
#define SMALLEST_NORMAL 0x1p-126

static size_t bfloat16_at(int row, int length, int i)
{
    return ((size_t)(row / 16) * (size_t)(length / 32) + (size_t)(i / 32)) * 512 + (size_t)(row % 16 * 32 + i % 32);
}

static double bfloat16_get(const void *buffer, int row, int length, int i)
{
    return quern_bits_to_float((uint32_t)((const uint16_t *)buffer)[bfloat16_at(row, length, i)] << 16);
}

static void bfloat16_fill(struct kcheck *k, void *buffer, int rows, int length, enum kcheck_kind kind)
{
    float *x = malloc((size_t)length * sizeof *x);
    for (int row = 0; row < rows; row++) {
        kcheck_fill_floats(k, x, (size_t)length, kind);
        for (int i = 0; i < length; i++)
            ((uint16_t *)buffer)[bfloat16_at(row, length, i)] = (uint16_t)(quern_float_to_bits(x[i]) >> 16);
    }
    free(x);
}

/* Activation functions are computed within 2^-12 of themselves before they are rounded. */
static void bfloat16_compare(struct kcheck *k, const void *buffer, int row, int length, const double *want,
                             const double *bound)
{
    for (int i = 0; i < length; i++)
        kcheck_near(k, (size_t)i, bfloat16_get(buffer, row, length, i), want[i],
                    bound[i] + (BFLOAT16_UNIT + 0x1p-12) * (fabs(want[i]) + bound[i]) + 0x1p-133);
}

/* Weights become bfloat16, which is exact for whole numbers of up to 8 bits; sums are rounded to float32. Floats are
 * rounded. Other weights are multiplied by 1 + 2^-8 * 2 / 3, which is rounded to 15 bits, and then cut to 8 bits, by
 * which they lose less than 2^-7 of themselves. */
static double bfloat16_product(const void *buffer, int row, const struct kcheck_weights *w, double *magnitude,
                               double *bound)
{
    const bool is_float = w->type == QUERN_TYPE_F32 || w->type == QUERN_TYPE_F16 || w->type == QUERN_TYPE_BF16;
    const double unit = is_float ? BFLOAT16_UNIT : 0x1p-8 * 4 / 3 + 0x1p-15;
    double want = 0, rounding = 0, lost = 0;
    *magnitude = 0;
    for (int i = 0; i < w->length; i++) {
        const double a = bfloat16_get(buffer, row, w->length, i), b = w->values[i];
        want += a * b;
        *magnitude += fabs(a * b);
        lost += SMALLEST_NORMAL * (fabs(a) + fabs(b) + 2);
        if (fabs(b) > 256 || b != floor(b))
            rounding += unit * fabs(a * b);
    }
    *bound = rounding + (w->length + 3) * KCHECK_UNIT * *magnitude + lost;
    return want;
}

/* ---------------------------------------------------------------- all */

static const struct kcheck_format formats[] = {
    {"float32", false, float32_fill, float32_get, float32_compare, float32_product},
    {"int8", false, int8_fill, int8_get, int8_compare, int8_product},
    {"bfloat16", true, bfloat16_fill, bfloat16_get, bfloat16_compare, bfloat16_product},
};

const struct kcheck_format *kcheck_format_of(const struct quern_activation *activation)
{
    for (size_t i = 0; i < QUERN_COUNT(formats); i++)
        if (strcmp(formats[i].name, activation->name) == 0)
            return &formats[i];
    return NULL; /* a table with a format that kcheck does not know fails */
}
