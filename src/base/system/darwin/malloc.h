/* Functions of the GNU C library that control its heap, for macOS. */
#ifndef QUERN_DARWIN_MALLOC_H
#define QUERN_DARWIN_MALLOC_H

#include <stddef.h>

/* Large blocks go back to the system when they are freed, without being asked. */
#define M_MMAP_THRESHOLD 0
#define mallopt(what, value) ((void)(what), (void)(value))

/* Gives free memory of the heap back to the system. */
#define malloc_trim quern_darwin_malloc_trim
int quern_darwin_malloc_trim(size_t kept);

#endif
