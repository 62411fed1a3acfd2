/* Stands in for cmocka where a test is built for another architecture, for which cmocka is not installed: the few words
 * of it that these tests use (test_embed.c with support/trial.c). */
#ifndef PLAIN_CMOCKA_H
#define PLAIN_CMOCKA_H

#include "base/count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(function) {#function, function}
#define cmocka_run_group_tests(tests, setup, teardown) plain_run(tests, QUERN_COUNT(tests))
#define fail_msg(...) (fprintf(stderr, __VA_ARGS__), plain_fail(__FILE__, __LINE__, "fail_msg"))
#define skip() plain_fail(__FILE__, __LINE__, "this test cannot be skipped here")
#define assert_true(x) ((x) ? (void)0 : plain_fail(__FILE__, __LINE__, #x))
#define assert_int_equal(a, b) \
    ((long long)(a) == (long long)(b) ? (void)0 : plain_fail(__FILE__, __LINE__, #a " == " #b))
#define assert_memory_equal(a, b, size) \
    (memcmp(a, b, size) == 0 ? (void)0 : plain_fail(__FILE__, __LINE__, #a " is " #b))

static inline void plain_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "\n%s:%d: %s\n", file, line, what);
    exit(1);
}

static inline int plain_run(const struct CMUnitTest *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *state = NULL;
        tests[i].run(&state);
        printf("%s: right\n", tests[i].name);
    }
    return 0;
}

#endif
