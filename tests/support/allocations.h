/* Counts the requests of a test program to the system, and lets one of them fail. The program must be linked with
 * allocation_link_args of tests/meson.build. Only one thread may make requests. */
#ifndef QUERN_TESTS_ALLOCATIONS_H
#define QUERN_TESTS_ALLOCATIONS_H

#include <stddef.h>

extern size_t quern_allocations;       /* so far: malloc, calloc, realloc, aligned_alloc and mmap without a file */
extern size_t quern_allocation_failed; /* the allocation with this number fails, counted from 1; 0: none */

extern size_t quern_system_calls;       /* so far: open, fopen, fstat, mmap of a file and pthread_create */
extern size_t quern_system_call_failed; /* likewise */

extern size_t quern_memory_held; /* blocks of memory, and mapped pages, that were not given back yet */

#endif
