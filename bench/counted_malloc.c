/* Counts allocations. The linker replaces the calls of malloc, calloc and realloc in the command and the library by
 * these functions (--wrap in bench/meson.build). Calls inside libc are not counted. */
#include "bench.h"

#include <stdatomic.h>

static atomic_uint_fast64_t allocations, allocated;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static void count_one(size_t bytes)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&allocated, bytes, memory_order_relaxed);
}

void *__wrap_malloc(size_t size)
{
    count_one(size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    count_one(count * size);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    count_one(size);
    return __real_realloc(memory, size);
}

struct quern_bench_count quern_bench_counted(void)
{
    return (struct quern_bench_count){.allocations = allocations, .bytes = allocated};
}
