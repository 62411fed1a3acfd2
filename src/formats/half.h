/* The 16-bit floats of tensors, as bit patterns: IEEE 754 half and bfloat16, to and from float32. Conversion to float32
 * is exact. Conversion from float32 rounds to nearest, ties to even; every NaN becomes a quiet NaN that
 * keeps the upper bits of its payload. */
#ifndef QUERN_FORMATS_HALF_H
#define QUERN_FORMATS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float quern_bits_to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t quern_float_to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float quern_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t magnitude = half & 0x7FFFu;
    if (magnitude >= 0x7C00u) /* infinity, NaN */
        return quern_bits_to_float(sign | 0x7F800000u | (magnitude & 0x3FFu) << 13);
    if (magnitude < 0x0400u) { /* zero, subnormal: a multiple of 2^-24 */
        float value = (float)magnitude * 0x1p-24f;
        return sign ? -value : value;
    }
    return quern_bits_to_float(sign | (magnitude + ((127u - 15u) << 10)) << 13);
}

static inline uint16_t quern_float_to_half(float value)
{
    uint32_t bits = quern_float_to_bits(value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u)
        return (uint16_t)(sign | 0x7E00u | (magnitude >> 13 & 0x3FFu));
    if (magnitude >= 0x47800000u) /* 65536 and more; the carry below rounds numbers between 65504 and 65536 */
        return (uint16_t)(sign | 0x7C00u);
    if (magnitude < 0x38800000u) { /* under 2^-14: adding 1/2, whose last bit is 2^-24, rounds to the subnormals */
        float rounded = quern_bits_to_float(magnitude) + 0.5f;
        return (uint16_t)(sign | (quern_float_to_bits(rounded) - 0x3F000000u));
    }
    magnitude += 0x0FFFu + (magnitude >> 13 & 1u);
    return (uint16_t)(sign | ((magnitude >> 13) - ((127u - 15u) << 10)));
}

static inline float quern_bf16_to_float(uint16_t bf16)
{
    return quern_bits_to_float((uint32_t)bf16 << 16);
}

static inline uint16_t quern_float_to_bf16(float value)
{
    uint32_t bits = quern_float_to_bits(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

#endif
