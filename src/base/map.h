/* A file mapped read-only, safe against the file shrinking or its disk failing while it is mapped.
 *
 * The kernel answers a read beyond a shrunken file, or of a page it cannot load, with SIGBUS. While any file is
 * mapped, a process-wide SIGBUS handler is in place: a fault inside one of our maps gets a page of zeros under it and
 * marks the map as lost, so that the reading code runs on; whoever read from the map asks quern_map_check before
 * using what it computed. A fault anywhere else goes to the handler that was there before. */
#ifndef QUERN_BASE_MAP_H
#define QUERN_BASE_MAP_H

#include "quern.h"

#include <stdbool.h>

struct quern_map {
    const unsigned char *data;
    size_t size; /* in bytes; at least 1 */
    int slot;    /* in the table that the SIGBUS handler reads; -1: not open, or memory of another kind */
};

/* Maps a regular file. QUERN_EIO with the path and the reason when it cannot be opened, is not a regular file, is
 * empty, or too many maps are open. */
int quern_map_open(struct quern_map *map, const char *path, quern_error *error);

/* QUERN_EIO if a part of the file was lost since it was opened. Any thread. */
int quern_map_check(const struct quern_map *map, quern_error *error);

/* Says that data[offset .. offset + length) will not be read again soon, so its pages need not stay resident. */
void quern_map_forget(const struct quern_map *map, size_t offset, size_t length);

void quern_map_close(struct quern_map *map); /* a closed or zeroed one is allowed */

#endif
