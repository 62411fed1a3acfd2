/* Values of a GGUF file, read by key as what a caller wants. */
#include "base/count.h"
#include "gguf/gguf.h"
#include "gguf_bytes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_integers(void **state)
{
    static struct trial_bytes file;
    static const struct {
        const char *key;
        uint32_t kind;
        size_t size;
        int64_t value;
    } cases[] = {
        {"u8", QUERN_GGUF_U8, 1, 255},          {"i8", QUERN_GGUF_I8, 1, -128},
        {"u16", QUERN_GGUF_U16, 2, 65535},      {"i16", QUERN_GGUF_I16, 2, -32768},
        {"u32", QUERN_GGUF_U32, 4, UINT32_MAX}, {"i32", QUERN_GGUF_I32, 4, INT32_MIN},
        {"u64", QUERN_GGUF_U64, 8, INT64_MAX},  {"i64", QUERN_GGUF_I64, 8, INT64_MIN},
    };
    enum { CASES = QUERN_COUNT(cases) };
    (void)state;
    struct quern_gguf gguf;
    quern_error error;
    trial_put_header(&file, 0, CASES + 2);
    for (size_t i = 0; i < CASES; i++) {
        trial_put_key(&file, cases[i].key, cases[i].kind);
        trial_put(&file, &cases[i].value, cases[i].size);
    }
    trial_put_key(&file, "large", QUERN_GGUF_U64);
    trial_put_u64(&file, (uint64_t)1 << 63);
    trial_put_key(&file, "float", QUERN_GGUF_F32);
    trial_put_u32(&file, 0);
    assert_int_equal(quern_gguf_parse(&gguf, file.data, file.size, NULL), QUERN_OK);
    for (size_t i = 0; i < CASES; i++) {
        int64_t value = 7, expected = cases[i].value;
        assert_int_equal(quern_gguf_integer(&gguf, cases[i].key, expected, expected, &value, NULL), QUERN_OK);
        assert_true(value == expected);
        if (expected > INT64_MIN)
            assert_int_equal(quern_gguf_integer(&gguf, cases[i].key, INT64_MIN, expected - 1, &value, NULL),
                             QUERN_EFORMAT);
        if (expected < INT64_MAX)
            assert_int_equal(quern_gguf_integer(&gguf, cases[i].key, expected + 1, INT64_MAX, &value, NULL),
                             QUERN_EFORMAT);
        assert_true(value == expected);
    }
    int64_t value = 7;
    assert_int_equal(quern_gguf_integer(&gguf, "large", INT64_MIN, INT64_MAX, &value, &error), QUERN_EFORMAT);
    assert_non_null(strstr(error.text, "key 'large' is 9223372036854775808, but must be from"));
    assert_int_equal(quern_gguf_integer(&gguf, "float", 0, 1, &value, &error), QUERN_EFORMAT);
    assert_string_equal(error.text, "key 'float' has value type f32, but must be an integer");
    assert_int_equal(quern_gguf_integer(&gguf, "absent", 0, 1, &value, NULL), QUERN_OK);
    assert_int_equal(value, 7);
    quern_gguf_close(&gguf);
}

/* Arrays of a value for each layer: the first elements count. */
static void test_integer_arrays(void **state)
{
    static struct trial_bytes file;
    (void)state;
    static const int32_t numbers[3] = {2, -1, 9};
    static const unsigned char bools[3] = {1, 0, 2};
    struct quern_gguf gguf;
    quern_error error;
    int64_t values[4] = {5, 5, 5, 5};
    trial_put_header(&file, 0, 4);
    trial_put_key(&file, "numbers", QUERN_GGUF_ARRAY);
    trial_put_u32(&file, QUERN_GGUF_I32);
    trial_put_u64(&file, 3);
    trial_put(&file, numbers, sizeof numbers);
    trial_put_key(&file, "bools", QUERN_GGUF_ARRAY);
    trial_put_u32(&file, QUERN_GGUF_BOOL);
    trial_put_u64(&file, 3);
    trial_put(&file, bools, sizeof bools);
    trial_put_key(&file, "floats", QUERN_GGUF_ARRAY);
    trial_put_u32(&file, QUERN_GGUF_F32);
    trial_put_u64(&file, 1);
    trial_put_u32(&file, 0);
    trial_put_key(&file, "one", QUERN_GGUF_U32);
    trial_put_u32(&file, 1);
    assert_int_equal(quern_gguf_parse(&gguf, file.data, file.size, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_integers(&gguf, "numbers", -1, 9, values, 3, NULL), QUERN_OK);
    assert_true(values[0] == 2 && values[1] == -1 && values[2] == 9 && values[3] == 5);
    assert_int_equal(quern_gguf_integers(&gguf, "bools", 0, 1, values, 2, NULL), QUERN_OK);
    assert_true(values[0] == 1 && values[1] == 0 && values[2] == 9);
    assert_int_equal(quern_gguf_integers(&gguf, "absent", 0, 1, values, 2, NULL), QUERN_OK);
    static const struct {
        const char *key;
        int64_t low, high;
        size_t count;
        const char *message;
    } cases[] = {
        {"numbers", 0, 9, 3, "key 'numbers': element 1 is -1, but must be from 0 to 9"},
        {"numbers", -1, 9, 4, "key 'numbers' has 3 elements, but must have 4"},
        {"bools", 0, 1, 3, "key 'bools': element 2 is 2, but must be from 0 to 1"},
        {"bools", 0, 9, 1, "key 'bools' is an array, but not of integers"},
        {"floats", 0, 1, 1, "key 'floats' is an array, but not of integers or bools"},
        {"one", 0, 1, 1, "key 'one' has value type u32, but must be an array"},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        assert_int_equal(quern_gguf_integers(&gguf, cases[i].key, cases[i].low, cases[i].high, values, cases[i].count,
                                             &error), QUERN_EFORMAT);
        assert_string_equal(error.text, cases[i].message);
    }
    quern_gguf_close(&gguf);
}

static void test_other_kinds(void **state)
{
    static struct trial_bytes file;
    (void)state;
    struct quern_gguf gguf;
    quern_error error;
    float quarter = 0.25f, nan = NAN;
    double third = 1.0 / 3;
    trial_put_header(&file, 0, 5);
    trial_put_key(&file, "f32", QUERN_GGUF_F32);
    trial_put(&file, &quarter, sizeof quarter);
    trial_put_key(&file, "f64", QUERN_GGUF_F64);
    trial_put(&file, &third, sizeof third);
    trial_put_key(&file, "nan", QUERN_GGUF_F32);
    trial_put(&file, &nan, sizeof nan);
    trial_put_key(&file, "bool", QUERN_GGUF_BOOL);
    trial_put(&file, "\1", 1);
    trial_put_key(&file, "string", QUERN_GGUF_STRING);
    trial_put_text(&file, "text");
    assert_int_equal(quern_gguf_parse(&gguf, file.data, file.size, NULL), QUERN_OK);

    double number = 7;
    assert_int_equal(quern_gguf_float(&gguf, "f32", 0.25, 0.25, &number, NULL), QUERN_OK);
    assert_true(number == 0.25);
    assert_int_equal(quern_gguf_float(&gguf, "f64", 0, 1, &number, NULL), QUERN_OK);
    assert_true(number == third);
    assert_int_equal(quern_gguf_float(&gguf, "f64", 0, 0.3, &number, &error), QUERN_EFORMAT);
    assert_int_equal(quern_gguf_float(&gguf, "nan", -INFINITY, INFINITY, &number, &error), QUERN_EFORMAT);
    assert_int_equal(quern_gguf_float(&gguf, "bool", 0, 1, &number, &error), QUERN_EFORMAT);
    assert_int_equal(quern_gguf_float(&gguf, "absent", 0, 1, &number, NULL), QUERN_OK);
    assert_true(number == third);

    bool flag = false;
    assert_int_equal(quern_gguf_bool(&gguf, "bool", &flag, NULL), QUERN_OK);
    assert_true(flag);
    assert_int_equal(quern_gguf_bool(&gguf, "string", &flag, &error), QUERN_EFORMAT);
    assert_string_equal(error.text, "key 'string' has value type string, but must be bool");
    assert_int_equal(quern_gguf_bool(&gguf, "absent", &flag, NULL), QUERN_OK);
    assert_true(flag);

    quern_text text = {"preset", 6};
    assert_int_equal(quern_gguf_string(&gguf, "absent", &text, NULL), QUERN_OK);
    assert_int_equal(text.length, 6);
    assert_int_equal(quern_gguf_string(&gguf, "string", &text, NULL), QUERN_OK);
    assert_int_equal(text.length, 4);
    assert_memory_equal(text.data, "text", 4);
    assert_int_equal(quern_gguf_string(&gguf, "f32", &text, &error), QUERN_EFORMAT);
    quern_gguf_close(&gguf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_integer_arrays),
        cmocka_unit_test(test_other_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
