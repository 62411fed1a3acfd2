/* API keys. */
#ifndef QUERN_SERVER_KEYS_H
#define QUERN_SERVER_KEYS_H

#include "quern.h"

#include <stdbool.h>

#define QUERN_KEY_BYTES 256 /* of a key at most */

struct quern_keys {
    char (*keys)[QUERN_KEY_BYTES]; /* [count], each padded with zeros */
    size_t count;
};

/* Reads the keys of a file, one on each line, and those of $QUERN_API_KEY, with commas or spaces between them. Empty
 * lines and lines that begin with '#' are skipped. path NULL: no file. On failure keys stays as it was, so that a
 * server whose file was damaged goes on with the old keys. */
int quern_keys_load(struct quern_keys *keys, const char *path, quern_error *error);
void quern_keys_free(struct quern_keys *keys);

/* Whether a key is one of them; NULL is none. The time this takes depends on the number of keys only. */
bool quern_keys_have(const struct quern_keys *keys, const char *key);

#endif
