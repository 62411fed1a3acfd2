/* reallocarray of the GNU C library, for the systems that lack it. */
#ifndef QUERN_BASE_REALLOCARRAY_H
#define QUERN_BASE_REALLOCARRAY_H

#include <stddef.h>

/* Memory for count * size bytes, as realloc; NULL with ENOMEM when there is none, or so many cannot be counted. */
#define reallocarray quern_system_reallocarray
void *quern_system_reallocarray(void *memory, size_t count, size_t size);

#endif
