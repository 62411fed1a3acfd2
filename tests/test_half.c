#include "formats/half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

/* A half by its definition. */
static double half_value(unsigned half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

static void test_every_half(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 65536; half++) {
        float value = quern_half_to_float((uint16_t)half);
        int sign = half >> 15;
        assert_int_equal(signbit(value) != 0, sign);
        if ((half & 0x7FFF) > 0x7C00) {
            assert_true(isnan(value));
            assert_int_equal(quern_float_to_half(value), half | 0x200);
            continue;
        }
        if ((half & 0x7FFF) == 0x7C00)
            assert_true(isinf(value));
        else
            assert_true((double)value == half_value(half));
        assert_int_equal(quern_float_to_half(value), half);
    }
}

static void test_rounding_to_half(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x7BFF; half++) { /* between each positive half and the next one */
        float middle = (float)((half_value(half) + half_value(half + 1)) / 2); /* exact: one bit more */
        for (unsigned sign = 0; sign < 2; sign++) {
            float f = sign ? -middle : middle;
            assert_int_equal(quern_float_to_half(f), (half + (half & 1)) | sign << 15);
            assert_int_equal(quern_float_to_half(nextafterf(f, 0)), half | sign << 15);
            assert_int_equal(quern_float_to_half(nextafterf(f, f * 2)), (half + 1) | sign << 15);
        }
    }
}

static void test_ends_of_half(void **state)
{
    (void)state;
    assert_int_equal(quern_float_to_half(65504.0f), 0x7BFF);
    assert_int_equal(quern_float_to_half(nextafterf(65520.0f, 0)), 0x7BFF);
    assert_int_equal(quern_float_to_half(65520.0f), 0x7C00); /* a tie of 65504 and 65536: to even, infinity */
    assert_int_equal(quern_float_to_half(-3e38f), 0xFC00);
    assert_int_equal(quern_float_to_half(0x1p-25f), 0);
    assert_int_equal(quern_float_to_half(nextafterf(0x1p-25f, 1)), 1);
    assert_int_equal(quern_float_to_half(-0x1p-149f), 0x8000);
    assert_int_equal(quern_float_to_half(quern_bits_to_float(0x7F800001)), 0x7E00); /* a NaN stays one */
    assert_int_equal(quern_float_to_half(quern_bits_to_float(0xFFFFFFFF)), 0xFFFF);
}

static void test_every_bf16(void **state)
{
    (void)state;
    for (unsigned bf16 = 0; bf16 < 65536; bf16++) {
        float value = quern_bf16_to_float((uint16_t)bf16);
        assert_int_equal(quern_float_to_bits(value), bf16 << 16);
        unsigned expected = (bf16 & 0x7FFF) > 0x7F80 ? bf16 | 0x40 : bf16;
        assert_int_equal(quern_float_to_bf16(value), expected);
        if ((bf16 & 0x7FFF) >= 0x7F80)
            continue;
        assert_int_equal(quern_float_to_bf16(quern_bits_to_float(bf16 << 16 | 0x7FFF)), bf16);
        assert_int_equal(quern_float_to_bf16(quern_bits_to_float(bf16 << 16 | 0x8000)), bf16 + (bf16 & 1));
        assert_int_equal(quern_float_to_bf16(quern_bits_to_float(bf16 << 16 | 0x8001)), bf16 + 1);
    }
    assert_int_equal(quern_float_to_bf16(quern_bits_to_float(0x7F800001)), 0x7FC0); /* a NaN stays one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half),
        cmocka_unit_test(test_rounding_to_half),
        cmocka_unit_test(test_ends_of_half),
        cmocka_unit_test(test_every_bf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
