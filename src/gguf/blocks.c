#include "gguf/blocks.h"

#include "base/count.h"
#include "base/half.h"

#include <math.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF files are read in place: this needs a little-endian machine"
#endif

enum { BLOCK = 32, SUPER_BLOCK = 256 }; /* elements in a block: of the K types the latter */

/* By the GGML project's numbers. Without sizes: types for activations, and those whose layout we do not know. */
static const struct quern_type_info types[] = {
    [QUERN_TYPE_F32] = {"F32", true, 1, 4},
    [QUERN_TYPE_F16] = {"F16", true, 1, 2},
    [QUERN_TYPE_Q4_0] = {"Q4_0", true, BLOCK, 18},
    [QUERN_TYPE_Q4_1] = {"Q4_1", true, BLOCK, 20},
    [QUERN_TYPE_Q5_0] = {"Q5_0", true, BLOCK, 22},
    [QUERN_TYPE_Q5_1] = {"Q5_1", true, BLOCK, 24},
    [QUERN_TYPE_Q8_0] = {"Q8_0", true, BLOCK, 34},
    [9] = {"Q8_1", false, 0, 0},
    [QUERN_TYPE_Q2_K] = {"Q2_K", true, SUPER_BLOCK, 84},
    [QUERN_TYPE_Q3_K] = {"Q3_K", true, SUPER_BLOCK, 110},
    [QUERN_TYPE_Q4_K] = {"Q4_K", true, SUPER_BLOCK, 144},
    [QUERN_TYPE_Q5_K] = {"Q5_K", true, SUPER_BLOCK, 176},
    [QUERN_TYPE_Q6_K] = {"Q6_K", true, SUPER_BLOCK, 210},
    [15] = {"Q8_K", false, 0, 0},
    [16] = {"IQ2_XXS", false, 0, 0},
    [17] = {"IQ2_XS", false, 0, 0},
    [18] = {"IQ3_XXS", false, 0, 0},
    [19] = {"IQ1_S", false, 0, 0},
    [QUERN_TYPE_IQ4_NL] = {"IQ4_NL", true, BLOCK, 18},
    [21] = {"IQ3_S", false, 0, 0},
    [22] = {"IQ2_S", false, 0, 0},
    [23] = {"IQ4_XS", false, 0, 0},
    [24] = {"I8", false, 1, 1},
    [25] = {"I16", false, 1, 2},
    [26] = {"I32", false, 1, 4},
    [27] = {"I64", false, 1, 8},
    [28] = {"F64", false, 1, 8},
    [29] = {"IQ1_M", false, 0, 0},
    [QUERN_TYPE_BF16] = {"BF16", true, 1, 2},
    [34] = {"TQ1_0", false, 0, 0},
    [35] = {"TQ2_0", false, 0, 0},
    [39] = {"MXFP4", false, 0, 0},
    [40] = {"NVFP4", false, 0, 0},
};

const struct quern_type_info *quern_type_info(uint32_t type)
{
    return type < QUERN_COUNT(types) && types[type].name ? &types[type] : NULL;
}

static uint16_t read_u16(const unsigned char *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* ---------------------------------------------------------------- to float32 */

static void dequantize_16(float *dst, const unsigned char *src, size_t count, float convert(uint16_t))
{
    for (size_t i = 0; i < count; i++)
        dst[i] = convert(read_u16(src + 2 * i));
}

/* Exact but for the sum, which is rounded once. */
static void dequantize_blocks(uint32_t type, float *dst, const unsigned char *src, size_t count)
{
    struct quern_quants opened[SUPER_BLOCK / BLOCK];
    for (size_t done = 0; done < count;) {
        const int groups = quern_quants_open(type, opened, &src);
        for (const struct quern_quants *g = opened; g < opened + groups; g++, done += BLOCK) {
            const float scale = quern_half_to_float(g->scale), base = quern_half_to_float(g->base);
            for (int i = 0; i < BLOCK; i++)
                dst[done + (size_t)i] = scale * g->factor[i / 16] * g->q[i] + base * g->shift[i / 16];
        }
    }
}

void quern_dequantize(uint32_t type, float *dst, const void *src, size_t count)
{
    const unsigned char *bytes = src;
    switch (type) {
    case QUERN_TYPE_F32:
        memcpy(dst, src, count * sizeof *dst);
        break;
    case QUERN_TYPE_F16:
        dequantize_16(dst, bytes, count, quern_half_to_float);
        break;
    case QUERN_TYPE_BF16:
        dequantize_16(dst, bytes, count, quern_bf16_to_float);
        break;
    default:
        dequantize_blocks(type, dst, bytes, count);
    }
}

/* ---------------------------------------------------------------- from float32 */

static void quantize_16(unsigned char *dst, const float *src, size_t count, uint16_t convert(float))
{
    for (size_t i = 0; i < count; i++) {
        uint16_t value = convert(src[i]);
        memcpy(dst + 2 * i, &value, sizeof value);
    }
}

/* Writes the scale, and returns what to multiply the elements by: 1 / scale before its rounding to half. A block too
 * small for that is all zeros in half precision anyway. */
static float put_scale(unsigned char *block, float scale)
{
    float inverse = 1.0f / scale;
    quantize_16(block, &scale, 1, quern_float_to_half);
    return isfinite(inverse) ? inverse : 0.0f;
}

/* The largest magnitude becomes +-127; ties are rounded away from zero. */
static void quantize_q8_0(unsigned char *block, const float *src)
{
    float largest = 0;
    for (int i = 0; i < BLOCK; i++)
        largest = fmaxf(largest, fabsf(src[i]));
    float inverse = put_scale(block, largest / 127.0f);
    for (int i = 0; i < BLOCK; i++)
        block[2 + i] = (unsigned char)(int8_t)roundf(src[i] * inverse);
}

/* q = 0 .. 15 of one element; ties go up. */
static unsigned quantize_nibble(float value, float inverse)
{
    float scaled = value * inverse;
    int q = (int)(scaled + 8.5f);
    return (unsigned)(q < 15 ? q : 15);
}

/* The element of largest magnitude, the first of equal ones, becomes -8 with its sign in the scale. */
static void quantize_q4_0(unsigned char *block, const float *src)
{
    float largest = 0;
    for (int i = 0; i < BLOCK; i++)
        if (fabsf(src[i]) > fabsf(largest))
            largest = src[i];
    float inverse = put_scale(block, largest / -8.0f);
    for (int i = 0; i < BLOCK / 2; i++)
        block[2 + i] = (unsigned char)(quantize_nibble(src[i], inverse) |
                                       quantize_nibble(src[i + BLOCK / 2], inverse) << 4);
}

void quern_quantize(uint32_t type, void *dst, const float *src, size_t count)
{
    unsigned char *bytes = dst;
    switch (type) {
    case QUERN_TYPE_F32:
        memcpy(dst, src, count * sizeof *src);
        break;
    case QUERN_TYPE_F16:
        quantize_16(bytes, src, count, quern_float_to_half);
        break;
    case QUERN_TYPE_BF16:
        quantize_16(bytes, src, count, quern_float_to_bf16);
        break;
    case QUERN_TYPE_Q8_0:
        for (size_t i = 0; i < count; i += BLOCK, bytes += types[type].block_bytes)
            quantize_q8_0(bytes, src + i);
        break;
    case QUERN_TYPE_Q4_0:
        for (size_t i = 0; i < count; i += BLOCK, bytes += types[type].block_bytes)
            quantize_q4_0(bytes, src + i);
        break;
    }
}

/* ---------------------------------------------------------------- checks */

/* Whether, of count 16-bit floats, one every stride bytes, none has all the bits of exponent set. */
static bool finite_16(const unsigned char *bytes, size_t count, size_t stride, uint16_t exponent)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++)
        finite &= (read_u16(bytes + i * stride) & exponent) != exponent;
    return finite;
}

static bool finite_32(const unsigned char *bytes, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, bytes + 4 * i, sizeof bits);
        finite &= (bits & 0x7F800000u) != 0x7F800000u;
    }
    return finite;
}

/* Where a block has its half floats, scale and base; the same place twice where it has but one. */
static void find_halves(uint32_t type, size_t at[2])
{
    at[0] = at[1] = 0;
    switch (type) {
    case QUERN_TYPE_Q4_1:
    case QUERN_TYPE_Q5_1:
    case QUERN_TYPE_Q4_K:
    case QUERN_TYPE_Q5_K: at[1] = 2; break;
    case QUERN_TYPE_Q2_K: at[0] = 80, at[1] = 82; break;
    case QUERN_TYPE_Q3_K: at[0] = at[1] = 108; break;
    case QUERN_TYPE_Q6_K: at[0] = at[1] = 208; break;
    }
}

bool quern_blocks_finite(uint32_t type, const void *src, size_t count)
{
    const struct quern_type_info *info = quern_type_info(type);
    if (type == QUERN_TYPE_F32)
        return finite_32(src, count);
    const size_t blocks = count / (size_t)info->block_elements, stride = (size_t)info->block_bytes;
    const uint16_t exponent = type == QUERN_TYPE_BF16 ? 0x7F80 : 0x7C00;
    size_t at[2];
    find_halves(type, at);
    return finite_16((const unsigned char *)src + at[0], blocks, stride, exponent) &&
           (at[1] == at[0] || finite_16((const unsigned char *)src + at[1], blocks, stride, exponent));
}
