#include "grow.h"

#include <stdint.h>
#include <stdlib.h>

void *quern_eval_grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    const size_t larger = *room == 0 ? 256 : 2 * *room;
    void *grown = larger <= SIZE_MAX / 2 / size ? realloc(array, larger * size) : NULL;
    if (grown != NULL)
        *room = larger;
    return grown;
}
