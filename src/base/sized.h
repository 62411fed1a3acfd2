/* Structures of the interface that begin with their own size, so that old programs work with a new library. */
#ifndef QUERN_BASE_SIZED_H
#define QUERN_BASE_SIZED_H

#include "quern.h"

/* Copies a caller's structure, whose first field is its size, to dst, which holds the defaults before. src may be NULL.
 * A newer caller's structure may be longer; the fields that this version does not know must be zero. */
int quern_options_read(void *dst, size_t dst_size, const void *src, quern_error *error);

/* Copies src to a caller's structure, as much as it has room for. The first field is the size, and stays. */
int quern_info_write(void *dst, const void *src, size_t src_size, quern_error *error);

#endif
