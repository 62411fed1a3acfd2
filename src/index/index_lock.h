/* The lock that an index file has while it is changed. */
#ifndef QUERN_INDEX_INDEX_LOCK_H
#define QUERN_INDEX_INDEX_LOCK_H

#include "quern.h"

/* Opens a file for reading and writing, and locks it. It still has its name then: a file that another one replaced
 * meanwhile is not taken. Writes the descriptor to *file; closing it ends the lock. QUERN_EIO, also when another
 * process is changing the file. */
int quern_index_lock(int *file, const char *path, quern_error *error);

#endif
