/* Counts the allocations of a test program and lets one of them fail. Needs allocation_link_args of
 * tests/meson.build. One thread. */
#ifndef QUERN_TESTS_ALLOCATIONS_H
#define QUERN_TESTS_ALLOCATIONS_H

#include <stddef.h>

extern size_t quern_allocations;       /* so far: malloc, calloc and realloc */
extern size_t quern_allocation_failed; /* the allocation with this number fails, counted from 1; 0: none */

#endif
