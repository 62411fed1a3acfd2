/* A file that keeps the cache's vectors from one run of the server to the next.
 *
 * The file is read when the server starts and written when it has ended its work; a server that is killed leaves it as
 * it was. It begins with a head (a magic, the key, a length and a checksum). The texts follow, the least recently used
 * one first. Each has the number of its ids (32 bits), the ids, and the vector. All numbers are little-endian. The head
 * is written last, so a file that was not written to its end is recognised. Bytes behind the length do not count. So
 * the file is never truncated, which the sandbox forbids. */
#ifndef QUERN_SERVER_CACHE_FILE_H
#define QUERN_SERVER_CACHE_FILE_H

#include "vector_cache.h"

#include <stdio.h>

#define QUERN_CACHE_KEY 112 /* bytes of a key, its NUL included */

struct quern_cache_head {
    char magic[8], key[QUERN_CACHE_KEY];
    uint64_t bytes, checksum; /* of what follows */
};

#define QUERN_CACHE_SUM UINT64_C(0xcbf29ce484222325) /* of no bytes */

/* Adds length bytes to a checksum: the hash FNV-1a of Fowler, Noll and Vo. It finds damage, not forgery: whoever may
 * write the file may choose its vectors. */
uint64_t quern_cache_sum(uint64_t sum, const void *data, size_t length);

/* Opens a file, or creates an empty one that only this user can read, and locks it until it is closed. NULL: it cannot
 * be used, another process uses it, or it is not a cache and would be lost; error tells which. */
FILE *quern_cache_file_open(const char *path, quern_error *error);

/* Puts the vectors of a file that was written with the same key into an empty cache. Returns how many; 0 for an empty
 * file; -1: the file is damaged, or has another key, and the cache stays empty. */
long quern_cache_file_read(struct quern_cache *cache, FILE *file, const char *key);

/* Writes all vectors. The key names everything that decides their bits. False: it could not be written; see errno. */
bool quern_cache_file_write(const struct quern_cache *cache, FILE *file, const char *key);

#endif
