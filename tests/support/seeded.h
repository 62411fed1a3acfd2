/* Random numbers for tests of cmocka, from a seed that is printed. QUERN_TEST_SEED=N repeats a run. */
#ifndef QUERN_TESTS_SEEDED_H
#define QUERN_TESTS_SEEDED_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

/* Set-up of a group of tests. */
static int set_seed(void **state)
{
    const char *given = getenv("QUERN_TEST_SEED");
    const unsigned long long seed = given != NULL ? strtoull(given, NULL, 10) : (unsigned long long)time(NULL);
    (void)state;
    print_message("QUERN_TEST_SEED=%llu\n", seed);
    random_state = seed * 0x9e3779b97f4a7c15u | 1;
    return 0;
}

static unsigned below(unsigned limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % limit;
}

#endif
