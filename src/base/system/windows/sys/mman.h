/* Memory with rights, for tests and measurements. No files: those are mapped by base/map.h. */
#ifndef QUERN_WINDOWS_MMAN_H
#define QUERN_WINDOWS_MMAN_H

#include <stddef.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define MAP_FAILED ((void *)-1)

#define mmap quern_windows_mmap
#define mprotect quern_windows_mprotect
#define munmap quern_windows_munmap
void *quern_windows_mmap(void *address, size_t bytes, int rights, int flags, int file, long long offset);
int quern_windows_mprotect(void *memory, size_t bytes, int rights);
int quern_windows_munmap(void *memory, size_t bytes); /* all of what mmap gave */

#define MADV_DONTNEED 4
#define madvise(memory, bytes, advice) ((void)(memory), (void)(bytes)) /* what is freed goes back whole */

#endif
