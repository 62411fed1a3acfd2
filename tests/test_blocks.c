#include "formats/conversion.h"

#include "base/count.h"
#include "formats/half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

/* Types that the library writes come first. */
static const uint32_t supported[] = {
    QUERN_TYPE_F32,  QUERN_TYPE_F16,  QUERN_TYPE_BF16, QUERN_TYPE_Q8_0, QUERN_TYPE_Q4_0,
    QUERN_TYPE_Q4_1, QUERN_TYPE_Q5_0, QUERN_TYPE_Q5_1, QUERN_TYPE_IQ4_NL,
    QUERN_TYPE_Q2_K, QUERN_TYPE_Q3_K, QUERN_TYPE_Q4_K, QUERN_TYPE_Q5_K,  QUERN_TYPE_Q6_K};
#define SUPPORTED QUERN_COUNT(supported)
#define WRITTEN 5

static size_t bytes_of(uint32_t type, size_t count)
{
    const struct quern_type_info *info = quern_type_info(type);
    return count / (size_t)info->block_elements * (size_t)info->block_bytes;
}

static void test_type_table(void **state)
{
    static const uint32_t holes[] = {4, 5, 31, 32, 33, 36, 37, 38, 41, 1000, UINT32_MAX};
    (void)state;
    int computable = 0, named = 0;
    for (uint32_t type = 0; type < 64; type++) {
        const struct quern_type_info *info = quern_type_info(type);
        named += info != NULL;
        computable += info && info->supported;
        if (info)
            assert_int_equal(info->block_elements == 0, info->block_bytes == 0);
    }
    assert_int_equal(computable, SUPPORTED);
    assert_int_equal(named, 33);
    for (size_t i = 0; i < QUERN_COUNT(holes); i++)
        assert_null(quern_type_info(holes[i]));
    for (size_t i = 0; i < SUPPORTED; i++)
        assert_true(quern_type_info(supported[i])->supported);
    assert_string_equal(quern_type_info(12)->name, "Q4_K");
    assert_int_equal(quern_type_info(12)->block_bytes, 144);
    assert_string_equal(quern_type_info(21)->name, "IQ3_S");
    assert_int_equal(quern_type_info(9)->block_elements, 0);
}

static void test_known_blocks(void **state)
{
    (void)state;
    float values[32];
    unsigned char block[34];
    for (int i = 0; i < 32; i++)
        values[i] = (float)(i * 37 % 64 - 31) / 8;
    values[5] = -4; /* as large as values[19], which is +4: the first one gives the scale its sign */
    quern_quantize(QUERN_TYPE_Q8_0, block, values, 32);
    assert_memory_equal(block,
                        "\x08\x28\x85\x18\xad\x40\xd4\x81\xfc\x91\x24\xb9\x4b\xe0\x73\x08\x9d\x30\xc4\x57\xec\x7f\x14"
                        "\xa9\x3c\xd0\x63\xf8\x8d\x20\xb5\x47\xdc\x6f", 34);
    quern_quantize(QUERN_TYPE_Q4_0, block, values, 32);
    assert_memory_equal(block, "\x00\x38\x40\xea\x73\xfc\x95\x30\xc8\x51\xea\x84\x1d\xa6\x3f\xd9\x62\xfb", 18);
    quern_dequantize(QUERN_TYPE_Q4_0, values, block, 32);
    assert_true(values[0] == -4 && values[5] == -4 && values[16] == -2 && values[19] == 3.5f);

    static const float few[] = {1.0f, -2.5f, 65504.0f};
    quern_quantize(QUERN_TYPE_F16, block, few, 3);
    assert_memory_equal(block, "\x00\x3C\x00\xC1\xFF\x7B", 6);
    quern_quantize(QUERN_TYPE_BF16, block, few, 3);
    assert_memory_equal(block, "\x80\x3F\x20\xC0\x80\x47", 6);
}

static void test_ties(void **state)
{
    (void)state;
    float values[32] = {127, 2.5f, -2.5f, 0.5f, -0.5f, 0.49999997f, 3.5f};
    unsigned char block[34];
    quern_quantize(QUERN_TYPE_Q8_0, block, values, 32); /* scale 1; ties go away from zero */
    assert_memory_equal(block + 2, "\x7F\x03\xFD\x01\xFF\x00\x04\x00", 8);
    float more[32] = {-8, 0.5f, -0.5f, -7.5f, 7, 7.5f, 8};
    quern_quantize(QUERN_TYPE_Q4_0, block, more, 32); /* scale 1; ties go up, and 15 stands for 16 */
    static const int expected[] = {0, 9, 8, 1, 15, 15, 15, 8};
    for (int i = 0; i < 8; i++)
        assert_int_equal(block[2 + i] & 15, expected[i]);
}

/* Values at several magnitudes, unaligned blocks. What comes back is within half a step, and with a step rounded to
 * half precision; a second round changes nothing for the types without a scale. */
static void test_round_trip(void **state)
{
    enum { COUNT = 4096 };
    static float values[COUNT], back[COUNT], again[COUNT];
    static unsigned char memory[COUNT * 4 + 1], *blocks = memory + 1;
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < COUNT; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = ldexpf((float)(int32_t)seed / 2147483648.0f, (int)(i / 512) - 4);
    }
    for (size_t t = 0; t < WRITTEN; t++) {
        uint32_t type = supported[t];
        quern_quantize(type, blocks, values, COUNT);
        assert_true(quern_blocks_finite(type, blocks, COUNT));
        quern_dequantize(type, back, blocks, COUNT);
        for (int i = 0; i < COUNT; i++) {
            float largest = 0;
            for (int k = i / 32 * 32; k < i / 32 * 32 + 32; k++)
                largest = fmaxf(largest, fabsf(values[k]));
            float allowed = type == QUERN_TYPE_Q8_0   ? largest * (0.5f / 127 + 0x1p-11f)
                            : type == QUERN_TYPE_Q4_0 ? largest * (1.0f / 8 + 0x1p-11f)
                            : type == QUERN_TYPE_F16  ? fmaxf(fabsf(values[i]) * 0x1p-11f, 0x1p-25f)
                            : type == QUERN_TYPE_BF16 ? fabsf(values[i]) * 0x1p-8f
                                                      : 0;
            assert_true(fabsf(back[i] - values[i]) <= allowed * 1.0001f);
        }
        if (quern_type_info(type)->block_elements == 1) {
            quern_quantize(type, blocks, back, COUNT);
            quern_dequantize(type, again, blocks, COUNT);
            assert_memory_equal(again, back, sizeof back);
        }
    }
}

static void test_tiny_blocks_become_zero(void **state)
{
    static const float sizes[] = {0, -0.0f, FLT_TRUE_MIN, 1e-40f, FLT_MIN, 1e-12f};
    static const uint32_t types[] = {QUERN_TYPE_Q8_0, QUERN_TYPE_Q4_0};
    (void)state;
    for (size_t s = 0; s < QUERN_COUNT(sizes); s++)
        for (int t = 0; t < 2; t++) {
            float values[32], back[32];
            unsigned char block[34];
            for (int i = 0; i < 32; i++)
                values[i] = i % 3 == 0 ? sizes[s] : i % 3 == 1 ? -sizes[s] : sizes[s] / 2;
            quern_quantize(types[t], block, values, 32);
            quern_dequantize(types[t], back, block, 32);
            for (int i = 0; i < 32; i++)
                assert_true(back[i] == 0);
        }
}

static void put_16(unsigned char *at, uint16_t bits)
{
    memcpy(at, &bits, sizeof bits);
}

/* Blocks of bytes 7 i + 3 with half scales 1 and 1/2, and what some elements are by the layouts' definitions: the first
 * and the last of a block, and either side of the bounds of its parts. */
static void test_layouts(void **state)
{
    static const struct {
        uint32_t type;
        int scale, minimum; /* where they lie; minimum < 0: there is none */
        struct {
            int index;
            float value;
        } elements[8];
    } cases[] = {
        {QUERN_TYPE_Q4_1, 0, 2,
         {{0, 15.5f}, {1, 6.5f}, {7, 0.5f}, {15, 8.5f}, {16, 1.5f}, {17, 2.5f}, {30, 8.5f}, {31, 8.5f}}},
        {QUERN_TYPE_Q5_0, 0, -1,
         {{0, 13}, {1, -12}, {7, -2}, {15, -10}, {16, 2}, {17, 3}, {30, -8}, {31, -7}}},
        {QUERN_TYPE_Q5_1, 0, 2,
         {{0, 27.5f}, {1, 18.5f}, {7, 12.5f}, {15, 4.5f}, {16, 19.5f}, {17, 4.5f}, {30, 9.5f}, {31, 10.5f}}},
        {QUERN_TYPE_Q2_K, 80, 82,
         {{0, 9}, {15, 0}, {31, 0}, {64, 44.5f}, {127, 2.5f}, {128, 31.5f}, {200, -2.5f}, {255, -3}}},
        {QUERN_TYPE_Q3_K, 108, -1,
         {{0, 57}, {15, -76}, {31, -40}, {64, -30}, {127, -56}, {128, 6}, {200, -27}, {255, 58}}},
        {QUERN_TYPE_Q4_K, 0, 2,
         {{0, 63.5f}, {15, 342.5f}, {31, 342.5f}, {64, 130.5f}, {127, 96}, {128, 18.5f}, {200, 44}, {255, 157}}},
        {QUERN_TYPE_Q5_K, 0, 2,
         {{0, 559.5f}, {15, 342.5f}, {31, 342.5f}, {64, 130.5f}, {127, 824}, {128, 130.5f}, {200, 44}, {255, 133}}},
        {QUERN_TYPE_Q6_K, 208, -1,
         {{0, 1273}, {15, -1340}, {31, -1480}, {64, -3040}, {127, -580}, {128, 2337}, {200, 105}, {255, 2100}}},
        {QUERN_TYPE_IQ4_NL, 0, -1,
         {{0, -104}, {1, 1}, {7, -83}, {15, 25}, {16, -104}, {17, -104}, {30, -10}, {31, -10}}},
    };
    (void)state;
    for (size_t c = 0; c < QUERN_COUNT(cases); c++) {
        unsigned char block[256];
        float values[256];
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = (unsigned char)(7 * i + 3);
        put_16(block + cases[c].scale, 0x3C00);
        if (cases[c].minimum >= 0)
            put_16(block + cases[c].minimum, 0x3800);
        quern_dequantize(cases[c].type, values, block, (size_t)quern_type_info(cases[c].type)->block_elements);
        for (int i = 0; i < 8; i++)
            assert_true(values[cases[c].elements[i].index] == cases[c].elements[i].value);
    }
}

/* Where the last half float of the type's block lies, which is a scale or a minimum. */
static size_t last_half(uint32_t type)
{
    switch (type) {
    case QUERN_TYPE_F32:
    case QUERN_TYPE_Q4_1:
    case QUERN_TYPE_Q5_1:
    case QUERN_TYPE_Q4_K:
    case QUERN_TYPE_Q5_K: return 2;
    case QUERN_TYPE_Q2_K: return 82;
    case QUERN_TYPE_Q3_K: return 108;
    case QUERN_TYPE_Q6_K: return 208;
    default: return 0;
    }
}

static void test_not_finite(void **state)
{
    enum { COUNT = 512 };
    static const size_t places[] = {0, COUNT / 2, COUNT - 1}; /* elements: first, middle and last */
    (void)state;
    for (size_t t = 0; t < SUPPORTED; t++) {
        const uint32_t type = supported[t];
        const size_t size = (size_t)quern_type_info(type)->block_bytes;
        for (size_t p = 0; p < 3; p++)
            for (unsigned sign = 0; sign < 2; sign++)
                for (unsigned nan = 0; nan < 2; nan++) {
                    unsigned char blocks[COUNT * 4] = {0};
                    const size_t block = places[p] / (size_t)quern_type_info(type)->block_elements;
                    const unsigned exponent = type == QUERN_TYPE_BF16 || type == QUERN_TYPE_F32 ? 0x7F80 : 0x7C00;
                    put_16(blocks + block * size + last_half(type), (uint16_t)(sign << 15 | exponent | nan));
                    assert_false(quern_blocks_finite(type, blocks, COUNT));
                    assert_true(quern_blocks_finite(type, blocks, block == 0 ? 0 : COUNT / 2));
                }
        unsigned char same[COUNT * 4]; /* whole numbers of any value are finite */
        memset(same, 0x7B, sizeof same);
        assert_true(bytes_of(type, COUNT) <= sizeof same);
        assert_true(quern_blocks_finite(type, same, COUNT));
    }
}

/* Both halves of a block with a minimum count. */
static void test_first_half_not_finite(void **state)
{
    static const struct {
        uint32_t type;
        int scale;
    } cases[] = {{QUERN_TYPE_Q4_1, 0}, {QUERN_TYPE_Q5_1, 0}, {QUERN_TYPE_Q4_K, 0}, {QUERN_TYPE_Q5_K, 0},
                 {QUERN_TYPE_Q2_K, 80}};
    (void)state;
    for (size_t c = 0; c < QUERN_COUNT(cases); c++) {
        unsigned char block[256] = {0};
        const size_t count = (size_t)quern_type_info(cases[c].type)->block_elements;
        assert_true(quern_blocks_finite(cases[c].type, block, count));
        put_16(block + cases[c].scale, 0x7C00);
        assert_false(quern_blocks_finite(cases[c].type, block, count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_type_table),   cmocka_unit_test(test_known_blocks),
        cmocka_unit_test(test_ties),         cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_tiny_blocks_become_zero), cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_not_finite),   cmocka_unit_test(test_first_half_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
