#include "base/count.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_code_and_text(void **state)
{
    (void)state;
    quern_error error = {0};
    assert_int_equal(quern_fail(&error, QUERN_EIO, "cannot open %s: %d", "a\u00E9b", 7), QUERN_EIO);
    assert_int_equal(error.code, QUERN_EIO);
    assert_string_equal(error.text, "cannot open a\u00E9b: 7");
    assert_int_equal(quern_fail(NULL, QUERN_EFORMAT, "%s", "nobody listens"), QUERN_EFORMAT);
}

static void test_long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    quern_error error;
    char text[601];
    for (size_t lead = 0; lead < 4; lead++) { /* every position of the cut inside a character of 4 bytes */
        memset(text, 'x', lead);
        for (size_t i = lead; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\U0001F600", 5);
        quern_fail(&error, QUERN_EIO, "%s", text);
        size_t length = strlen(error.text);
        assert_in_range(length, sizeof error.text - 4, sizeof error.text - 1);
        assert_int_equal((length - lead) % 4, 0);
        assert_memory_equal(error.text, text, length);
    }
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    quern_fail(&error, QUERN_EIO, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void test_hostile_bytes_are_replaced(void **state)
{
    static const char *const cases[][2] = {
        {"a\nb\tc\x1B[31m\x7F", "a?b?c?[31m?"},
        {"\xC2\x85|\xC2\xA0", "??|\xC2\xA0"},                 /* U+0085 is a control, U+00A0 is none */
        {"\x80\xBF\xFF\xFE", "????"},                         /* no lead byte */
        {"\xC0\x80\xC1\xBF", "????"},                         /* not the shortest form */
        {"\xE0\x9F\xBF|\xE0\xA0\x80", "???|\xE0\xA0\x80"},    /* not the shortest form; U+0800 */
        {"\xED\xA0\x80|\xED\x9F\xBF", "???|\xED\x9F\xBF"},    /* a surrogate; U+D7FF */
        {"\xF0\x8F\xBF\xBF|\xF0\x90\x80\x80", "????|\xF0\x90\x80\x80"},
        {"\xF4\x90\x80\x80|\xF4\x8F\xBF\xBF", "????|\xF4\x8F\xBF\xBF"}, /* beyond U+10FFFF; U+10FFFF */
        {"\xE2\x82", "??"},                                   /* cut off */
        {"\xE2\x82x", "??x"},
    };
    (void)state;
    quern_error error;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        quern_fail(&error, QUERN_EIO, "%s", cases[i][0]);
        assert_string_equal(error.text, cases[i][1]);
    }
}

static void test_a_file_is_named(void **state)
{
    (void)state;
    quern_error error;
    char path[4096];
    quern_fail(&error, QUERN_EFORMAT, "it is damaged");
    assert_int_equal(quern_fail_in(&error, QUERN_EFORMAT, "folder/model.gguf"), QUERN_EFORMAT);
    assert_int_equal(error.code, QUERN_EFORMAT);
    assert_string_equal(error.text, "folder/model.gguf: it is damaged");
    memset(path, 'x', sizeof path);
    strcpy(path + sizeof path - 12, "/model.gguf");
    quern_fail(&error, QUERN_EFORMAT, "it is damaged");
    quern_fail_in(&error, QUERN_EFORMAT, path);
    assert_string_equal(error.text + strlen(error.text) - 26, "/model.gguf: it is damaged");
    assert_int_equal(quern_fail_in(NULL, QUERN_EIO, path), QUERN_EIO);
}

static int try_it(int code, int *reached)
{
    QUERN_TRY(code);
    *reached = 1;
    return QUERN_OK;
}

static void test_try_returns_the_code(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(try_it(QUERN_ENUMERIC, &reached), QUERN_ENUMERIC);
    assert_int_equal(reached, 0);
    assert_int_equal(try_it(QUERN_OK, &reached), QUERN_OK);
    assert_int_equal(reached, 1);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(quern_error_name(QUERN_OK), "ok");
    assert_string_equal(quern_error_name(QUERN_EFORMAT), "format");
    assert_string_equal(quern_error_name(1), "unknown");
    assert_string_equal(quern_error_name(QUERN_ENUMERIC - 1), "unknown");
    for (int a = QUERN_OK; a > QUERN_ENUMERIC; a--)
        for (int b = a - 1; b >= QUERN_ENUMERIC; b--)
            assert_string_not_equal(quern_error_name(a), quern_error_name(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_and_text),
        cmocka_unit_test(test_long_text_is_cut_at_a_character),
        cmocka_unit_test(test_hostile_bytes_are_replaced),
        cmocka_unit_test(test_a_file_is_named),
        cmocka_unit_test(test_try_returns_the_code),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
