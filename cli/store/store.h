/* The model files of this machine: those that were published, by name; the folder they are kept in; and what is
 * remembered of each. */
#ifndef QUERN_CLI_STORE_H
#define QUERN_CLI_STORE_H

#include "cli.h"

#include <sha2.h>
#include <sys/stat.h>

#define QUERN_CLI_PATH 4096 /* sizes of buffers, the end included: of a path, */
#define QUERN_CLI_URL 8192  /* a URL, */
#define QUERN_CLI_FILE 200  /* the name of a model file, */
#define QUERN_CLI_DIGEST 65 /* a SHA-256 in lower-case hexadecimal digits, */
#define QUERN_CLI_ETAG 256  /* and a server's mark of a version of a file */

/* ---------------------------------------------------------------- catalog.c */

/* A published model file that has a name here. */
struct quern_cli_published {
    const char *name;
    const char *repository, *revision, *path; /* where the hub has it */
    const char *sha256;
    uint64_t size; /* bytes; 0: not known here, so the hub's is taken */
    bool has_head; /* its vectors are the official ones */
};

/* Ends with an empty one. The first is the default. */
extern const struct quern_cli_published quern_cli_catalog[];

/* The one with that name, or NULL. */
const struct quern_cli_published *quern_cli_published_find(const char *name);

/* The name that its file has in the cache. */
const char *quern_cli_published_file(const struct quern_cli_published *published);

/* ---------------------------------------------------------------- cache.c */

/* $XDG_CACHE_HOME/quern or ~/.cache/quern, whether it exists or not; false: there is no home. */
bool quern_cli_cache_folder(char folder[QUERN_CLI_PATH]);

/* Makes a folder, and those it lies in. False with errno. */
bool quern_cli_make_folder(const char *folder);

/* The path of a file in the cache; file: its name or a published one. False: none can be. */
bool quern_cli_cache_path(char path[QUERN_CLI_PATH], const char *file);

/* The model of the cache that is used when none is named: the default published one, else the first by name. */
bool quern_cli_cache_default(char path[QUERN_CLI_PATH]);

/* The names of model files in a folder whose names end so, sorted, to be freed one by one; *count 0 without it. */
char **quern_cli_cache_list(const char *folder, const char *ending, int *count);

/* ---------------------------------------------------------------- digest.c */

/* Reads 64 hexadecimal digits of either case; anything else is false. */
bool quern_cli_digest_read(char digest[QUERN_CLI_DIGEST], const char *text, size_t length);

void quern_cli_digest_end(SHA2_CTX *context, char digest[QUERN_CLI_DIGEST]);

/* Adds the rest of a file to a digest, with progress from `done` of `total` bytes. False with errno. */
bool quern_cli_digest_file(SHA2_CTX *context, int descriptor, uint64_t *done, uint64_t total);

/* ---------------------------------------------------------------- record.c */

/* What is remembered of a file, in a file beside it, NAME.json. */
struct quern_cli_record {
    char origin[QUERN_CLI_URL]; /* "": unknown */
    char sha256[QUERN_CLI_DIGEST];
    char etag[QUERN_CLI_ETAG];  /* ""; or of the version that an unfinished file is part of */
    uint64_t size;              /* of the whole file */
    int64_t modified_ns;        /* of the file with that digest; 0: it is not finished */
};

/* False when the text is no record, whatever it is. */
bool quern_cli_record_parse(struct quern_cli_record *record, const char *text, size_t length);

/* False when there is none, or a damaged one. */
bool quern_cli_record_read(struct quern_cli_record *record, const char *path);

/* Complains itself; an exit code. Not atomic: a damaged record is as good as none. */
int quern_cli_record_write(const struct quern_cli_record *record, const char *path);

/* The record of a finished file. Hashes the file unless it is as it was when its record was written. A digest that was
 * computed is remembered where that is possible. Complains itself; an exit code. */
int quern_cli_record_of(struct quern_cli_record *record, const char *path);

/* When a file was changed last. */
int64_t quern_cli_modified_ns(const struct stat *status);

#endif
