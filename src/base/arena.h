/* One block of memory that is cut into aligned parts. A function, the plan, takes the parts. It runs twice: first with
 * an arena that has no memory, to measure the size of the block; then with the memory, to get the addresses of the
 * parts.
 *
 *     struct quern_arena arena = {0};
 *     plan(&arena, ...);                       measures: every take returns NULL
 *     quern_arena_reserve(&arena, error);      one allocation of what was measured
 *     plan(&arena, ...);                       the same calls again, now with addresses
 *
 * Only one thread at a time may use an arena. */
#ifndef QUERN_BASE_ARENA_H
#define QUERN_BASE_ARENA_H

#include "quern.h"

#define QUERN_ALIGN 64 /* alignment of all parts, in bytes: a cache line, and the widest vector register */

struct quern_arena {
    unsigned char *base; /* NULL while measuring */
    size_t used;         /* bytes of the parts taken so far; SIZE_MAX after an overflow */
    size_t size;         /* bytes of the block */
};

/* Returns the next part, of count * item_size bytes. Its contents are undefined. Returns NULL while measuring, and
 * when the block is too small. After an overflow of the sizes, quern_arena_reserve fails. */
void *quern_arena_take(struct quern_arena *arena, size_t count, size_t item_size);

/* Allocates the block that was measured, so that the plan can run again. This takes address space only; a page takes
 * memory when it is first written. Error: QUERN_ENOMEM, with the size in the text. */
int quern_arena_reserve(struct quern_arena *arena, quern_error *error);

/* Frees the block. The arena is as in the beginning. */
void quern_arena_release(struct quern_arena *arena);

#endif
