/* A heap of numbers: the smallest one comes out first. Each node has 4 children. For pairs of symbols that wait to be
 * merged. */
#ifndef QUERN_TEXT_HEAP_H
#define QUERN_TEXT_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct quern_heap {
    uint64_t *keys; /* the owner makes room for them */
    size_t count;
};

static inline void quern_heap_push(struct quern_heap *heap, uint64_t key)
{
    size_t i = heap->count++;

    while (i > 0) {
        size_t parent = (i - 1) / 4;
        if (heap->keys[parent] <= key)
            break;
        heap->keys[i] = heap->keys[parent];
        i = parent;
    }
    heap->keys[i] = key;
}

/* The heap must not be empty. */
static inline uint64_t quern_heap_pop(struct quern_heap *heap)
{
    uint64_t top = heap->keys[0], key = heap->keys[--heap->count];
    size_t i = 0, count = heap->count;

    for (;;) {
        size_t child = 4 * i + 1, best = child;
        if (child >= count)
            break;
        size_t end = child + 4 < count ? child + 4 : count;
        while (++child < end)
            if (heap->keys[child] < heap->keys[best])
                best = child;
        if (key <= heap->keys[best])
            break;
        heap->keys[i] = heap->keys[best];
        i = best;
    }
    heap->keys[i] = key;
    return top;
}

#endif
