/* What quern asks of the operating system beyond what POSIX has. One file for each system answers: linux.c, darwin.c,
 * windows.c; posix.c is what Linux and macOS answer alike. No code outside this folder asks which system it runs on. */
#ifndef QUERN_BASE_SYSTEM_H
#define QUERN_BASE_SYSTEM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* ---------------------------------------------------------------- the CPU */

/* Of x86-64: the bits of XCR0, which say whose registers the system saves; and whether this process may use the tile
 * registers, for which this call asks. */
uint32_t quern_system_saved_registers(void);
bool quern_system_grants_tiles(void);

/* Of AArch64: whether the CPU has the instructions for dot products, and for products of 8-bit matrices. */
bool quern_system_has_dotprod(void);
bool quern_system_has_i8mm(void);

/* ---------------------------------------------------------------- memory */

size_t quern_system_page_size(void);

/* Zeroed memory, aligned to a page; a page takes memory when it is first written. bytes > 0. NULL: there is none. */
void *quern_system_take(size_t bytes);

/* The same, in huge pages where the system has them; then 2 MiB or more are aligned to 2 MiB. */
void *quern_system_take_large(size_t bytes);

/* Frees memory of so many bytes. */
void quern_system_release(void *memory, size_t bytes);

/* ---------------------------------------------------------------- mapped files */

/* The first bytes of an open file, mapped for reading. NULL with errno when this fails. */
void *quern_system_map(int file, size_t bytes);
void quern_system_unmap(void *map, size_t bytes);

/* Says that these pages of a map will not be read again soon. begin and end lie between pages. */
void quern_system_forget(void *begin, size_t bytes);

/* While a handler is set, it is called when reading an address fails, because the file has become shorter or its disk
 * fails. It returns whether it has put memory there, so that the read can go on; else the fault goes to whoever would
 * have got it. The handler may run inside any code of any thread: it uses atomics and quern_system_blank only. */
void quern_system_catch_faults(bool (*handler)(uintptr_t address));
void quern_system_leave_faults(void);

/* Puts zeros in place of a map's page at an address; a system that cannot change a part of a map puts them in place of
 * the whole map. *from: the first address that is lost now. */
bool quern_system_blank(uintptr_t address, uintptr_t begin, uintptr_t end, uintptr_t *from);

/* ---------------------------------------------------------------- files and threads */

/* The bytes of an open file, and when it was last written to; as cheap as it can be, as each text asks. 0, or -1 with
 * errno. */
int quern_system_look_at_file(int file, uint64_t *bytes, struct timespec *modified);

/* Brings what was written to a file to the disk, 0; or to a folder, as far as its file system can do this. -1 with
 * errno. */
int quern_system_sync(int file);
void quern_system_sync_folder(const char *path);

/* Where the name of a file begins in its path: behind the folder, which may be "". And whether a path begins at the
 * root of the file system, or of a drive. */
const char *quern_system_file_name(const char *path);
bool quern_system_is_absolute(const char *path);

/* The absolute path of what need not be there, with '/' between folders; malloc'd. NULL with errno. */
char *quern_system_absolute_path(const char *path);

/* Writes the path of the running program to path[size], with '/' between folders; false: it is not known. */
bool quern_system_program(char *path, size_t size);

/* Starts a thread which no signal of the program reaches, except faults, which must reach the thread that made them.
 * 0, or the number of an error. */
int quern_system_start_thread(pthread_t *thread, void *(*run)(void *), void *argument);

#endif
