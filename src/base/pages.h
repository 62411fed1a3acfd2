/* Large blocks of memory that are written once and then read often, such as packed weights. They consist of whole
 * pages, and of huge pages where the system allows them: then the CPU needs fewer address translations to read a
 * block. */
#ifndef QUERN_BASE_PAGES_H
#define QUERN_BASE_PAGES_H

#include "quern.h"

/* Zeroed memory, aligned to a page; 2 MiB or more are aligned to 2 MiB where the system has huge pages. NULL:
 * QUERN_ENOMEM, and error names the size. */
void *quern_pages_take(size_t bytes, quern_error *error);

/* Frees memory of so many bytes; NULL is allowed. */
void quern_pages_release(void *pages, size_t bytes);

#endif
