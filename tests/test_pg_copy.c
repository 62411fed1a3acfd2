/* Rows as COPY BINARY of PostgreSQL reads them. tests/postgresql/ shows that it does. */
#include "pg_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Compares what a call writes to `file` with the bytes that follow. */
#define EXPECT(call, ...) \
    do { \
        static const unsigned char expected_[] = {__VA_ARGS__}; \
        char *data_ = NULL; \
        size_t length_ = 0; \
        FILE *file = open_memstream(&data_, &length_); \
        assert_non_null(file); \
        call; \
        assert_int_equal(fclose(file), 0); \
        assert_int_equal(length_, sizeof expected_); \
        assert_memory_equal(data_, expected_, sizeof expected_); \
        free(data_); \
    } while (0)

static const float vector[2] = {1.0f, -0.5f};

static void test_vectors(void **state)
{
    (void)state;
    EXPECT(quern_pg_put_vector(file, QUERN_PG_VECTOR, vector, 2), 0, 0, 0, 12, 0, 2, 0, 0, 0x3f, 0x80, 0, 0, 0xbf, 0,
           0, 0);
    EXPECT(quern_pg_put_vector(file, QUERN_PG_HALFVEC, vector, 2), 0, 0, 0, 8, 0, 2, 0, 0, 0x3c, 0, 0xb8, 0);
    EXPECT(quern_pg_put_vector(file, QUERN_PG_BYTES, vector, 2), 0, 0, 0, 8, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf);
    EXPECT(quern_pg_put_vector(file, QUERN_PG_REALS, vector, 2), 0, 0, 0, 36, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0xbc, 0,
           0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0x3f, 0x80, 0, 0, 0, 0, 0, 4, 0xbf, 0, 0, 0);
}

static void test_texts(void **state)
{
    static const char bad[] = "a\0b\xff\xc3\xa9";
    (void)state;
    EXPECT(quern_pg_put_text(file, (quern_text){bad, sizeof bad - 1}), 0, 0, 0, 10, 'a', 0xef, 0xbf, 0xbd, 'b', 0xef,
           0xbf, 0xbd, 0xc3, 0xa9);
    EXPECT(quern_pg_put_text(file, (quern_text){NULL, 0}), 0, 0, 0, 0);
    EXPECT(quern_pg_put_null(file), 0xff, 0xff, 0xff, 0xff);
}

static void test_frame(void **state)
{
    (void)state;
    EXPECT(quern_pg_put_header(file), 'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0);
    EXPECT(quern_pg_put_end(file), 0xff, 0xff);
    EXPECT(quern_pg_put_number(file, 0x0102030405060708, 8), 1, 2, 3, 4, 5, 6, 7, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
