#include "base/system/reallocarray.h"

#include <errno.h>
#include <stdlib.h>

void *quern_system_reallocarray(void *memory, size_t count, size_t size)
{
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        return realloc(memory, bytes);
    errno = ENOMEM;
    return NULL;
}
