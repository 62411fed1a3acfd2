/* One block of memory, cut into aligned parts by a plan that runs twice: once over an arena without memory, to
 * measure, and once over the real one, to assign.
 *
 *     struct quern_arena arena = {0};
 *     plan(&arena, ...);                       measures: every take returns NULL
 *     quern_arena_reserve(&arena, error);      one allocation of what was measured
 *     plan(&arena, ...);                       the same calls again, now with addresses
 *
 * Not for several threads at once. */
#ifndef QUERN_BASE_ARENA_H
#define QUERN_BASE_ARENA_H

#include "quern.h"

#define QUERN_ALIGN 64 /* of every part: a cache line, and the widest vector register */

struct quern_arena {
    unsigned char *base; /* NULL while measuring */
    size_t used;         /* bytes given out; SIZE_MAX after an overflow */
    size_t size;         /* bytes reserved */
};

/* The next part, count * item_size bytes, aligned to QUERN_ALIGN, contents undefined (zero pages when fresh). While
 * measuring: NULL. An overflow sticks, and makes quern_arena_reserve fail. More than was reserved: NULL. */
void *quern_arena_take(struct quern_arena *arena, size_t count, size_t item_size);

/* Allocates what was measured (address space; pages become resident when touched), and rewinds, so that the plan can
 * run again. QUERN_ENOMEM names the size. */
int quern_arena_reserve(struct quern_arena *arena, quern_error *error);

/* Gives the memory back. The arena is as new. */
void quern_arena_release(struct quern_arena *arena);

#endif
