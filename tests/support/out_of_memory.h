/* What a program does when memory ends, for tests with cmocka, which stands before this file. The program needs
 * allocations.c, too. */
#ifndef QUERN_TESTS_OUT_OF_MEMORY_H
#define QUERN_TESTS_OUT_OF_MEMORY_H

#include "allocations.h"
#include "quern.h"

/* Calls run once for each of its allocations, and lets this one fail. Each call must end with QUERN_ENOMEM and a
 * message, except for `spared` of them, which do without the memory. run(argument, NULL) must end well. */
static inline void quern_fail_each_allocation(int (*run)(void *argument, quern_error *error), void *argument,
                                              size_t spared)
{
    const size_t before = quern_allocations;
    size_t failures = 0;
    assert_int_equal(run(argument, NULL), QUERN_OK);
    const size_t allocations = quern_allocations - before;
    for (size_t i = 1; i <= allocations; i++) {
        quern_error error = {0};
        quern_allocations = 0;
        quern_allocation_failed = i;
        const int code = run(argument, &error);
        quern_allocation_failed = 0;
        if (code != QUERN_OK) {
            failures++;
            assert_int_equal(code, QUERN_ENOMEM);
            assert_int_equal(error.code, QUERN_ENOMEM);
            assert_string_not_equal(error.text, "");
        }
    }
    assert_int_equal(failures, allocations - spared);
}

#endif
