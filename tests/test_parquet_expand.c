/* Encodings of Parquet pages: what comes out of sound bytes. Bytes that are cut off or disagree are refused. */
#include "columns/parquet_expand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct quern_parquet_expanded out;

/* Expands a copy of exactly this size, so that a sanitizer sees a read beyond it. */
static int expand(int64_t encoding, unsigned width, const void *data, size_t length, uint64_t most)
{
    unsigned char *copy = malloc(length + (length == 0));
    assert_non_null(copy);
    memcpy(copy, data, length);
    const int code = quern_parquet_expand(&out, encoding, width, copy, length, most);
    free(copy);
    return code;
}

static void assert_out(const void *expected, size_t length)
{
    assert_int_equal(out.length, length);
    assert_memory_equal(out.data, expected, length);
}

/* Blocks of 128 numbers in 4 small ones; 8 numbers from 7 on. The least difference is -2, and what is above it has two
 * bits in the first small block. */
static void test_integers(void **state)
{
    (void)state;
    static const unsigned char data[] = {0x80, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0};
    static const uint32_t narrow[] = {7, 5, 3, 1, 2, 3, 4, 5};
    static const uint64_t wide[] = {7, 5, 3, 1, 2, 3, 4, 5};
    enum { NEEDED = 12 };
    assert_int_equal(expand(QUERN_PARQUET_DELTA_INTEGERS, 4, data, sizeof data, 8), QUERN_OK);
    assert_out(narrow, sizeof narrow);
    assert_int_equal(expand(QUERN_PARQUET_DELTA_INTEGERS, 8, data, sizeof data, 100), QUERN_OK);
    assert_out(wide, sizeof wide);
    assert_int_equal(expand(QUERN_PARQUET_DELTA_INTEGERS, 4, data, sizeof data, 7), QUERN_EFORMAT); /* too many */
    assert_int_equal(expand(QUERN_PARQUET_DELTA_INTEGERS, 12, data, sizeof data, 8), QUERN_EFORMAT);
    assert_int_equal(expand(QUERN_PARQUET_DELTA_INTEGERS, 0, data, sizeof data, 8), QUERN_EFORMAT);
    for (size_t cut = 1; cut < NEEDED; cut++)
        assert_int_equal(expand(QUERN_PARQUET_DELTA_INTEGERS, 4, data, cut, 8), QUERN_EFORMAT);
    assert_int_equal(expand(QUERN_PARQUET_DELTA_INTEGERS, 4, data, 0, 8), QUERN_OK); /* a page of nulls */
    assert_int_equal(out.length, 0);
    assert_non_null(out.data);
}

/* Two lengths, 5 and 5, then the texts. */
static void test_lengths(void **state)
{
    (void)state;
    static const unsigned char data[] = "\x80\1\4\2\12\0\0\0\0\0HelloWorld";
    const size_t length = sizeof data - 1;
    assert_int_equal(expand(QUERN_PARQUET_DELTA_LENGTHS, 0, data, length, 2), QUERN_OK);
    assert_out("\5\0\0\0Hello\5\0\0\0World", 18);
    for (size_t cut = 1; cut < length; cut++)
        assert_int_equal(expand(QUERN_PARQUET_DELTA_LENGTHS, 0, data, cut, 2), QUERN_EFORMAT);
    assert_int_equal(expand(QUERN_PARQUET_DELTA_LENGTHS, 4, data, length, 2), QUERN_EFORMAT);
}

/* The second text has 3 bytes of the first one, and two of its own. */
static void test_shared_beginnings(void **state)
{
    (void)state;
    unsigned char data[] = "\x80\1\4\2\0\6\0\0\0\0" "\x80\1\4\2\12\5\0\0\0\0" "Hellop!";
    enum { SHARED = 5 };
    const size_t length = sizeof data - 1;
    assert_int_equal(expand(QUERN_PARQUET_DELTA_TEXTS, 0, data, length, 2), QUERN_OK);
    assert_out("\5\0\0\0Hello\5\0\0\0Help!", 18);
    for (size_t cut = 1; cut < length; cut++)
        assert_int_equal(expand(QUERN_PARQUET_DELTA_TEXTS, 0, data, cut, 2), QUERN_EFORMAT);
    data[SHARED] = 12; /* 6 bytes of a text of 5 */
    assert_int_equal(expand(QUERN_PARQUET_DELTA_TEXTS, 0, data, length, 2), QUERN_EFORMAT);
    data[SHARED] = 1; /* -1 */
    assert_int_equal(expand(QUERN_PARQUET_DELTA_TEXTS, 0, data, length, 2), QUERN_EFORMAT);
}

static void test_split_bytes(void **state)
{
    (void)state;
    assert_int_equal(expand(QUERN_PARQUET_STREAM_SPLIT, 4, "aAbBcCdD", 8, 2), QUERN_OK);
    assert_out("abcdABCD", 8);
    assert_int_equal(expand(QUERN_PARQUET_STREAM_SPLIT, 4, "aAbBcCd", 7, 2), QUERN_EFORMAT);
    assert_int_equal(expand(QUERN_PARQUET_STREAM_SPLIT, 0, "aAbBcCdD", 8, 2), QUERN_EFORMAT);
}

static int free_out(void **state)
{
    (void)state;
    free(out.data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_shared_beginnings),
        cmocka_unit_test(test_split_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, free_out);
}
