#include "block_maker.h"

#include "formats/half.h"
#include "formats/formats.h"

#include <string.h>

/* Facts about blocks of random bits: where the float16 scale and the float16 minimum lie; the standard deviation of
 * weights when the scale is 1; and the minimum, as a multiple of the scale, that makes the mean nearly zero. */
static const struct {
    int scale, minimum;
    float deviation, shift;
} formats[QUERN_TYPES] = {
    [QUERN_TYPE_Q4_1] = {0, 2, 4.61f, -7.5f}, [QUERN_TYPE_Q5_0] = {0, 0, 9.23f, 0},
    [QUERN_TYPE_Q5_1] = {0, 2, 9.23f, -15.5f}, [QUERN_TYPE_Q2_K] = {80, 82, 13.9f, 1.5f},
    [QUERN_TYPE_Q3_K] = {108, 108, 43.3f, 0}, [QUERN_TYPE_Q4_K] = {0, 2, 259, 7.5f},
    [QUERN_TYPE_Q5_K] = {0, 2, 528, 15.5f},   [QUERN_TYPE_Q6_K] = {208, 208, 1366, 0},
    [QUERN_TYPE_IQ4_NL] = {0, 0, 67.2f, 0},
};

bool quern_blocks_makeable(uint32_t type)
{
    return type < QUERN_TYPES && formats[type].deviation > 0;
}

uint64_t quern_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static void put_half(unsigned char *at, float value)
{
    const uint16_t half = quern_float_to_half(value);
    memcpy(at, &half, sizeof half);
}

void quern_blocks_make(uint32_t type, unsigned char *dst, size_t count, float deviation, uint64_t stream,
                       uint64_t first)
{
    const struct quern_type_info *info = quern_type_info(type);
    const size_t elements = (size_t)info->block_elements, bytes = (size_t)info->block_bytes;
    for (size_t done = 0; done < count; done += elements, dst += bytes) {
        uint64_t word = stream + (first + done) * 0x9E3779B97F4A7C15u;
        const uint64_t noise = quern_mix(word);
        float scale = deviation / formats[type].deviation * (0.75f + (float)(noise & 255) / 512);
        if (formats[type].shift == 0 && noise & 256) /* whole numbers need not be negative as often as positive */
            scale = -scale;
        for (size_t i = 0; i < bytes; i++) {
            if (i % 8 == 0)
                word = quern_mix(word + 1);
            dst[i] = (unsigned char)(word >> i % 8 * 8);
        }
        put_half(dst + formats[type].scale, scale);
        if (formats[type].shift != 0)
            put_half(dst + formats[type].minimum, scale * formats[type].shift);
    }
}
