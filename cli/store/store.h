/* The model files of this machine: the published models, by name; the cache folder; and a record of each file. */
#ifndef QUERN_CLI_STORE_H
#define QUERN_CLI_STORE_H

#include "cli.h"

#include <sha2.h>
#include <sys/stat.h>

/* Sizes of buffers, with the terminator. */
#define QUERN_CLI_PATH 4096 /* of a path */
#define QUERN_CLI_URL 8192  /* of a URL */
#define QUERN_CLI_FILE 200  /* of the name of a model file */
#define QUERN_CLI_DIGEST 65 /* of a SHA-256 in lower-case hexadecimal digits */
#define QUERN_CLI_ETAG 256  /* of a server's mark of a version of a file */

/* ---------------------------------------------------------------- catalog.c */

/* A published model file, which has a name. */
struct quern_cli_published {
    const char *name; /* that of a known model (quern_known_info), and perhaps ':' and the type of its weights */
    const char *repository, *revision, *path; /* where the hub has it; revision NULL: the newest one */
    const char *sha256; /* NULL: not known here, so the hub's is taken at the first download, and recorded */
    uint64_t size;      /* bytes; 0: not known here, so the hub's is taken */
    bool lacks_head;    /* its vectors are not the official ones */
    bool is_inferred;   /* the path was not seen at the hub; it follows from how the owner names other files */
    const char *terms;  /* URL of the terms of use; NULL: the license says all */
};

/* Ends with an empty one. The first is the default. */
extern const struct quern_cli_published quern_cli_catalog[];

/* The one with that name, or NULL. */
const struct quern_cli_published *quern_cli_published_find(const char *name);

/* Describes the known model that it is a file of. */
quern_known_info quern_cli_published_known(const struct quern_cli_published *published);

/* The name that its file has in the cache. */
const char *quern_cli_published_file(const struct quern_cli_published *published);

/* ---------------------------------------------------------------- cache.c */

/* $XDG_CACHE_HOME/quern or ~/.cache/quern, whether it exists or not; false: there is no home. */
bool quern_cli_cache_folder(char folder[QUERN_CLI_PATH]);

/* Makes a folder, and those it lies in. False with errno. */
bool quern_cli_make_folder(const char *folder);

/* Opens a file of the cache folder that the command makes itself, which must be a regular file: anything may lie there.
 * A link is not followed, because what it leads to is somebody else's, and neither is a file that has another name
 * written to; a pipe is not waited for. -1 with errno, for which quern_cli_own_reason has words. */
int quern_cli_open_own(const char *path, int flags);
const char *quern_cli_own_reason(void);

/* The path of a file in the cache; file: its name or a published one. False: none can be. */
bool quern_cli_cache_path(char path[QUERN_CLI_PATH], const char *file);

/* Whether a path leads to a regular file. */
bool quern_cli_is_file(const char *path);

/* The model of the cache that is used when no model is given: the default published one, else the first by name. Only
 * regular files that begin as GGUF files do count. */
bool quern_cli_cache_default(char path[QUERN_CLI_PATH]);

/* The names of the files of a folder that have this ending, sorted. The caller frees each name and the array. *count is
 * 0 without such a folder. */
char **quern_cli_cache_list(const char *folder, const char *ending, int *count);

/* ---------------------------------------------------------------- digest.c */

/* Reads 64 hexadecimal digits of either case; anything else is false. */
bool quern_cli_digest_read(char digest[QUERN_CLI_DIGEST], const char *text, size_t length);

void quern_cli_digest_end(SHA2_CTX *context, char digest[QUERN_CLI_DIGEST]);

/* Adds the rest of a file to a digest, with progress from `done` of `total` bytes. False with errno. */
bool quern_cli_digest_file(SHA2_CTX *context, int descriptor, uint64_t *done, uint64_t total);

/* ---------------------------------------------------------------- record.c */

/* Facts about a file that are kept in a file beside it, NAME.json. */
struct quern_cli_record {
    char origin[QUERN_CLI_URL]; /* "": unknown */
    char sha256[QUERN_CLI_DIGEST];
    char etag[QUERN_CLI_ETAG];  /* ""; or of the version that an unfinished file is part of */
    uint64_t size;              /* of the whole file */
    int64_t modified_ns;        /* of the file with that digest; 0: it is not finished */
};

/* False when the text is not a record; it may be anything. */
bool quern_cli_record_parse(struct quern_cli_record *record, const char *text, size_t length);

/* False when there is none, or a damaged one. */
bool quern_cli_record_read(struct quern_cli_record *record, const char *path);

/* Reports failures itself; returns an exit code. Not atomic, because a damaged record is treated like a missing one. */
int quern_cli_record_write(const struct quern_cli_record *record, const char *path);

/* The record of a finished file. If the file was changed after its record was written, a new one has only the size; or,
 * if the digest is wanted, the file is hashed, which takes seconds for each GB, and the new record is written if it can
 * be. Reports failures itself; returns an exit code. */
int quern_cli_record_of(struct quern_cli_record *record, const char *path, bool wants_digest);

/* When a file was changed last. */
int64_t quern_cli_modified_ns(const struct stat *status);

#endif
