#include "gguf/blocks.h"

#include "base/half.h"

#include <math.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF files are read in place: this needs a little-endian machine"
#endif

#define BLOCK 32 /* elements in a block of Q8_0 and Q4_0 */

/* By the GGML project's numbers. Without sizes: types for activations, and those whose layout we do not know. */
static const struct quern_type_info types[] = {
    [QUERN_TYPE_F32] = {"F32", true, 1, 4},
    [QUERN_TYPE_F16] = {"F16", true, 1, 2},
    [QUERN_TYPE_Q4_0] = {"Q4_0", true, BLOCK, 18},
    [3] = {"Q4_1", false, 32, 20},
    [6] = {"Q5_0", false, 32, 22},
    [7] = {"Q5_1", false, 32, 24},
    [QUERN_TYPE_Q8_0] = {"Q8_0", true, BLOCK, 34},
    [9] = {"Q8_1", false, 0, 0},
    [10] = {"Q2_K", false, 256, 84},
    [11] = {"Q3_K", false, 256, 110},
    [12] = {"Q4_K", false, 256, 144},
    [13] = {"Q5_K", false, 256, 176},
    [14] = {"Q6_K", false, 256, 210},
    [15] = {"Q8_K", false, 0, 0},
    [16] = {"IQ2_XXS", false, 0, 0},
    [17] = {"IQ2_XS", false, 0, 0},
    [18] = {"IQ3_XXS", false, 0, 0},
    [19] = {"IQ1_S", false, 0, 0},
    [20] = {"IQ4_NL", false, 32, 18},
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
    return type < sizeof types / sizeof *types && types[type].name ? &types[type] : NULL;
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

/* Block: half scale d; 32 int8 q. Element i is d * q[i]. */
static void dequantize_q8_0(float *dst, const unsigned char *block)
{
    float scale = quern_half_to_float(read_u16(block));
    for (int i = 0; i < BLOCK; i++)
        dst[i] = scale * (float)(int8_t)block[2 + i];
}

/* Block: half scale d; 16 bytes, the low halves elements 0 to 15, the high halves 16 to 31. Each is d * (q - 8). */
static void dequantize_q4_0(float *dst, const unsigned char *block)
{
    float scale = quern_half_to_float(read_u16(block));
    for (int i = 0; i < BLOCK / 2; i++) {
        dst[i] = scale * (float)((block[2 + i] & 15) - 8);
        dst[i + BLOCK / 2] = scale * (float)((block[2 + i] >> 4) - 8);
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
    case QUERN_TYPE_Q8_0:
        for (size_t i = 0; i < count; i += BLOCK, bytes += types[type].block_bytes)
            dequantize_q8_0(dst + i, bytes);
        break;
    case QUERN_TYPE_Q4_0:
        for (size_t i = 0; i < count; i += BLOCK, bytes += types[type].block_bytes)
            dequantize_q4_0(dst + i, bytes);
        break;
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

bool quern_blocks_finite(uint32_t type, const void *src, size_t count)
{
    const struct quern_type_info *info = quern_type_info(type);
    if (type == QUERN_TYPE_F32)
        return finite_32(src, count);
    size_t blocks = count / (size_t)info->block_elements;
    return finite_16(src, blocks, (size_t)info->block_bytes, type == QUERN_TYPE_BF16 ? 0x7F80 : 0x7C00);
}
