/* Numbers and strings in JSON. */
#include "json_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[256];

static const char *write_float(float value)
{
    FILE *file = fmemopen(text, sizeof text, "w");
    quern_json_put_float(file, value);
    fclose(file);
    return text;
}

static const char *write_string(const char *data, size_t length)
{
    FILE *file = fmemopen(text, sizeof text, "w");
    quern_json_put_string(file, (quern_text){data, length});
    fclose(file);
    return text;
}

/* Whether a number is one in JSON's grammar, which has no leading zeros, plus signs or bare points. */
static bool is_json_number(const char *at)
{
    at += *at == '-';
    if (*at == '0')
        at++;
    else if (*at >= '1' && *at <= '9')
        at += strspn(at, "0123456789");
    else
        return false;
    if (*at == '.') {
        size_t digits = strspn(++at, "0123456789");
        at += digits;
        if (digits == 0)
            return false;
    }
    if (*at == 'e') {
        at++;
        at += *at == '-' || *at == '+';
        size_t digits = strspn(at, "0123456789");
        at += digits;
        if (digits == 0)
            return false;
    }
    return *at == '\0';
}

static void check_float(float value)
{
    write_float(value);
    if (!is_json_number(text))
        fail_msg("%a is written as %s", (double)value, text);
    float back = strtof(text, NULL);
    if (memcmp(&back, &value, sizeof value) != 0)
        fail_msg("%a is written as %s, which is %a", (double)value, text, (double)back);
}

static void test_floats_read_back(void **state)
{
    (void)state;
    uint32_t bits = 1;
    for (int i = 0; i < 100000; i++) {
        float value;
        bits = bits * 1664525u + 1013904223u;
        const uint32_t exponent = 104u + (bits >> 8) % 30u; /* 2^-23 to 2^6 */
        const uint32_t pattern = i % 2 == 0 ? bits : (bits & 0x807fffffu) | exponent << 23;
        memcpy(&value, &pattern, sizeof value);
        if (isfinite(value))
            check_float(value);
    }
}

static void test_floats_at_the_edges(void **state)
{
    (void)state;
    for (double power = 1e-12; power < 1e12; power *= 10)
        for (int step = -3; step <= 3; step++) {
            float value = (float)power;
            for (int i = 0; i < abs(step); i++)
                value = nextafterf(value, step < 0 ? 0 : 1e30f);
            check_float(value);
            check_float(-value);
        }
    check_float(0);
    check_float(-0.0f);
    check_float(3.4028235e38f);
    check_float(1e-45f);
    assert_string_equal(write_float(1), "1");
    assert_string_equal(write_float(0), "0");
    assert_string_equal(write_float(-0.5f), "-0.5");
    assert_string_equal(write_float(100), "100");
    assert_string_equal(write_float(0.0625f), "0.0625");
    assert_string_equal(write_float(1234.5f), "1234.5");
}

static void test_strings_are_json(void **state)
{
    (void)state;
#define CHECK(data, expected) assert_string_equal(write_string(data, sizeof data - 1), expected)
    CHECK("", "\"\"");
    CHECK("a b", "\"a b\"");
    CHECK("\"\\\n\t\x01\x7f", "\"\\u0022\\u005c\\u000a\\u0009\\u0001\\u007f\"");
    CHECK("x\0y", "\"x\\u0000y\"");
    CHECK("\xe2\x96\x81hi \xf0\x9f\x98\x80 \xc3\xa9", "\"\xe2\x96\x81hi \xf0\x9f\x98\x80 \xc3\xa9\"");
#define BAD "\xef\xbf\xbd"
    CHECK("\xff", "\"" BAD "\"");
    CHECK("\x80""a", "\"" BAD "a\"");
    CHECK("\xc3", "\"" BAD "\"");
    CHECK("\xc0\x80", "\"" BAD BAD "\"");
    CHECK("\xe0\x80\x80", "\"" BAD BAD BAD "\"");
    CHECK("\xed\xa0\x80", "\"" BAD BAD BAD "\""); /* a surrogate */
    CHECK("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"");
    CHECK("\xf5\x80\x80\x80", "\"" BAD BAD BAD BAD "\"");
    CHECK("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats_read_back),
        cmocka_unit_test(test_floats_at_the_edges),
        cmocka_unit_test(test_strings_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
