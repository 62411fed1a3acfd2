/* Arrays that grow by one element at a time. */
#ifndef QUERN_EVAL_GROW_H
#define QUERN_EVAL_GROW_H

#include <stddef.h>

/* The array with room for one more element; NULL: no memory, and array is unchanged. room counts elements. */
void *quern_eval_grow(void *array, size_t count, size_t *room, size_t size);

#endif
