#include "base/arena.h"

#include "base/error.h"
#include "base/system/system.h"

void *quern_arena_take(struct quern_arena *arena, size_t count, size_t item_size)
{
    size_t limit = arena->base != NULL ? arena->size : SIZE_MAX - QUERN_ALIGN;
    size_t bytes;
    if (arena->used > limit || __builtin_mul_overflow(count, item_size, &bytes) || bytes > limit - arena->used) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    void *part = arena->base != NULL ? arena->base + arena->used : NULL;
    arena->used += (bytes + QUERN_ALIGN - 1) / QUERN_ALIGN * QUERN_ALIGN;
    return part;
}

int quern_arena_reserve(struct quern_arena *arena, quern_error *error)
{
    if (arena->used == SIZE_MAX)
        return quern_fail(error, QUERN_ENOMEM, "the memory asked for is more than can be addressed");
    size_t size = arena->used > 0 ? arena->used : QUERN_ALIGN;
    void *base = quern_system_take(size);
    if (base == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory: %zu bytes of working memory are needed", size);
    *arena = (struct quern_arena){.base = base, .size = size};
    return QUERN_OK;
}

void quern_arena_release(struct quern_arena *arena)
{
    if (arena->base != NULL)
        quern_system_release(arena->base, arena->size);
    *arena = (struct quern_arena){0};
}
