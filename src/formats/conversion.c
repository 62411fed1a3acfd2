#include "formats/conversion.h"

#include "formats/half.h"
#include "formats/unpack.h"

#include <math.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF files are read in place: this needs a little-endian machine"
#endif

enum { BLOCK = QUERN_TYPE_BLOCK };

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

/* The two products are exact; their sum is rounded once. */
static void dequantize_blocks(uint32_t type, float *dst, const unsigned char *src, size_t count)
{
    struct quern_unpacked unpacked[QUERN_UNPACKED_MOST];
    for (size_t done = 0; done < count;) {
        const int groups = quern_unpack(type, unpacked, &src);
        for (const struct quern_unpacked *g = unpacked; g < unpacked + groups; g++, done += BLOCK) {
            const float scale = quern_half_to_float(g->scale), base = quern_half_to_float(g->base);
            for (int half = 0; half < BLOCK; half += BLOCK / 2) { /* compilers make vectors of it */
                const float factor = scale * g->factor[half / 16], shift = base * g->shift[half / 16];
                for (int i = half; i < half + BLOCK / 2; i++)
                    dst[done + (size_t)i] = factor * g->q[i] + shift;
            }
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

/* Writes the scale, and returns the factor for the elements: 1 / scale, before the scale is rounded to a half float. If
 * that overflows, the scale is 0 as a half float, and so is the factor. */
static float put_scale(unsigned char *block, float scale)
{
    float inverse = 1.0f / scale;
    quantize_16(block, &scale, 1, quern_float_to_half);
    return isfinite(inverse) ? inverse : 0.0f;
}

/* The largest magnitude becomes 127 or -127. Ties are rounded away from zero. */
static void quantize_q8_0(unsigned char *block, const float *src)
{
    float largest = 0;
    for (int i = 0; i < BLOCK; i++)
        largest = fmaxf(largest, fabsf(src[i]));
    float inverse = put_scale(block, largest / 127.0f);
    for (int i = 0; i < BLOCK; i++)
        block[2 + i] = (unsigned char)(int8_t)roundf(src[i] * inverse);
}

/* An element as a number from 0 to 15. Ties are rounded up. */
static unsigned quantize_nibble(float value, float inverse)
{
    float scaled = value * inverse;
    int q = (int)(scaled + 8.5f);
    return (unsigned)(q < 15 ? q : 15);
}

/* The element of the largest magnitude, or the first of several, becomes -8; its sign goes into the scale. */
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
        for (size_t i = 0; i < count; i += BLOCK, bytes += quern_type_info(type)->block_bytes)
            quantize_q8_0(bytes, src + i);
        break;
    case QUERN_TYPE_Q4_0:
        for (size_t i = 0; i < count; i += BLOCK, bytes += quern_type_info(type)->block_bytes)
            quantize_q4_0(bytes, src + i);
        break;
    }
}

/* ---------------------------------------------------------------- checks */

/* Whether all of count 16-bit floats, stride bytes apart, are finite. exponent: the bits that are all set if not. */
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

/* At which byte a block has its half floats, scale and base; the same place twice where there is only one. */
static const struct {
    size_t scale, base;
} half_floats[QUERN_TYPES] = {
#define BLOCK_TYPE(NAME, name, number, file_type, elements, bytes, scale, base, panel) [number] = {scale, base},
#include "formats/formats.def"
};

bool quern_blocks_finite(uint32_t type, const void *src, size_t count)
{
    const struct quern_type_info *info = quern_type_info(type);
    if (type == QUERN_TYPE_F32)
        return finite_32(src, count);
    const size_t blocks = count / (size_t)info->block_elements, stride = (size_t)info->block_bytes;
    const uint16_t exponent = type == QUERN_TYPE_BF16 ? 0x7F80 : 0x7C00;
    const unsigned char *bytes = src;
    const size_t scale = half_floats[type].scale, base = half_floats[type].base;
    return finite_16(bytes + scale, blocks, stride, exponent) &&
           (base == scale || finite_16(bytes + base, blocks, stride, exponent));
}
