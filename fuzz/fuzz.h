/* What fuzz targets share: their entry, and how they tell that a promise was broken. */
#ifndef QUERN_FUZZ_FUZZ_H
#define QUERN_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void expect(bool holds, const char *rule)
{
    if (!holds) {
        fprintf(stderr, "broken: %s\n", rule);
        abort();
    }
}

#define REQUIRE(condition) expect(condition, #condition)

#endif
