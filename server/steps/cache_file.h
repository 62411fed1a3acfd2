/* The cache's vectors in a file, from one run of the server to the next.
 *
 * The file is read when the server starts and written when it has ended its work; a server that is killed leaves it
 * as it was. It holds a head (a mark, the key, a length and a checksum), then for each text, the one used longest ago
 * first: the number of its ids (32 bits), the ids, the vector. All numbers are little-endian. The head is written last,
 * so that a file whose writing was cut off is recognised, and what is behind the length does not count: the file never
 * has to be cut, which the sandbox forbids. */
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

/* The checksum of some bytes and length more: Fowler, Noll and Vo's hash, 1a. It finds damage, not malice: who may
 * write the file is trusted with its vectors. */
uint64_t quern_cache_sum(uint64_t sum, const void *data, size_t length);

/* Opens a file, or makes an empty one for this user alone, and locks it until it is closed. NULL: it cannot be used,
 * another process does, or it is no cache and would be lost; error tells. */
FILE *quern_cache_file_open(const char *path, quern_error *error);

/* Puts the vectors of a file that was written under the same key into a cache that is empty. Returns how many; -1: the
 * file is damaged, or of another key, and the cache stays empty. An empty file has none. */
long quern_cache_file_read(struct quern_cache *cache, FILE *file, const char *key);

/* Writes all vectors. The key names what decides their bits. False: the file could not be written, errno tells. */
bool quern_cache_file_write(const struct quern_cache *cache, FILE *file, const char *key);

#endif
