/* A file mapped read-only, safe against the file shrinking, its disk failing, or others writing to it while it is
 * mapped.
 *
 * When a program reads behind the end of a file that became shorter, or a page that cannot be loaded, the kernel sends
 * SIGBUS. While any file is mapped, the process has a handler for SIGBUS. For a fault inside one of our maps, it puts a
 * page of zeros there and marks the map as lost, and the code that reads goes on. So code that has read from a map must
 * call quern_map_check before it uses its results. A fault anywhere else goes to the handler that was there before.
 *
 * Pages that were not read yet show what is in the file now. So a file that was written to since it was opened, as its
 * size or its time of modification tells, is as good as lost. Another file that takes its name (`mv`) does no harm,
 * because the map keeps the old one. */
#ifndef QUERN_BASE_MAP_H
#define QUERN_BASE_MAP_H

#include "quern.h"

#include <stdbool.h>
#include <time.h>

struct quern_map {
    const unsigned char *data;
    size_t size;              /* in bytes; at least 1 */
    size_t kept;              /* bytes that quern_map_check_kept wants to be there; all, unless the owner sets fewer */
    int slot;                 /* in the table that the SIGBUS handler reads; -1: not open, or memory of another kind */
    int file;                 /* descriptor */
    char *path;               /* malloc'd; for messages */
    struct timespec modified; /* when the file was opened */
};

/* Maps a regular file. QUERN_EIO with the path and the reason when it cannot be opened, is not a regular file, is
 * empty, or too many maps are open. */
int quern_map_open(struct quern_map *map, const char *path, quern_error *error);

/* QUERN_EIO, with the path, if a part of the file was lost or changed since it was opened. Any thread. */
int quern_map_check(const struct quern_map *map, quern_error *error);

/* The same for a file that others may append to: QUERN_EIO only if a page of the map was lost, or the file has no
 * longer its first map->kept bytes. */
int quern_map_check_kept(const struct quern_map *map, quern_error *error);

/* Only whether a page of the map could not be read until now: QUERN_EIO. For small reads, as it asks the system
 * nothing. Behind the end of a file that was cut off, the rest of its last page is read as zeros. */
int quern_map_check_pages(const struct quern_map *map, quern_error *error);

/* Says that data[offset .. offset + length) will not be read again soon, so its pages need not stay resident. */
void quern_map_forget(const struct quern_map *map, size_t offset, size_t length);

void quern_map_close(struct quern_map *map); /* a closed or zeroed one is allowed */

#endif
