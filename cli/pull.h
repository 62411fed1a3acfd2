/* Model files: where they come from, how they get here, and the folder they are kept in. What comes from the network
 * is hostile until its digest is right. */
#ifndef QUERN_CLI_PULL_H
#define QUERN_CLI_PULL_H

#include "cli.h"

#include <sha2.h>
#include <sys/stat.h>

#define QUERN_CLI_PATH 4096  /* sizes of buffers, the end included: of a path, */
#define QUERN_CLI_URL 8192   /* a URL, */
#define QUERN_CLI_FILE 200   /* the name of a model file, */
#define QUERN_CLI_DIGEST 65  /* a SHA-256 in lower-case hexadecimal digits, */
#define QUERN_CLI_ETAG 256   /* a server's mark of a version of a file, */
#define QUERN_CLI_REASON 1024 /* and one line that says what is wrong */

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

/* ---------------------------------------------------------------- source.c */

struct quern_cli_source {
    char url[QUERN_CLI_URL];
    char file[QUERN_CLI_FILE];     /* its name in the cache; ends with .gguf, and has no slash */
    char origin[QUERN_CLI_URL];    /* what the user calls the place: hf:OWNER/REPOSITORY/PATH, or the URL */
    char hub[QUERN_CLI_URL];       /* the hub's URL, which gets the token and is believed about digests; "": none */
    char sha256[QUERN_CLI_DIGEST]; /* "": the hub's is taken */
    uint64_t size;                 /* bytes; 0: unknown */
};

/* Reads what the user asked for: a published name, hf:OWNER/REPOSITORY/PATH.gguf, or a URL with its digest (NULL: not
 * given). hub: its URL. False with a reason. */
bool quern_cli_source_find(struct quern_cli_source *source, const char *name, const char *sha256, const char *hub,
                           char reason[QUERN_CLI_REASON]);

/* Whether to go to a URL: over https, or over http to this machine. from: the URL that leads there, or NULL; one over
 * https leads to https only. */
bool quern_cli_url_allowed(const char *url, const char *from);

/* Whether two URLs have the same scheme, host and port. */
bool quern_cli_url_same_origin(const char *a, const char *b);

/* Whether a name can be that of a model file in the cache. */
bool quern_cli_is_model_file(const char *name);

/* Reads 64 hexadecimal digits of either case; anything else is false. */
bool quern_cli_digest_read(char digest[QUERN_CLI_DIGEST], const char *text, size_t length);

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

void quern_cli_digest_end(SHA2_CTX *context, char digest[QUERN_CLI_DIGEST]);

/* Adds the rest of a file to a digest, with progress from `done` of `total` bytes. False with errno. */
bool quern_cli_digest_file(SHA2_CTX *context, int descriptor, uint64_t *done, uint64_t total);

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

/* ---------------------------------------------------------------- response.c */

/* The fields of an HTTP response that matter. */
struct quern_cli_response {
    bool has_length, has_range, has_linked_size;
    uint64_t length;       /* of the body */
    uint64_t first, total; /* byte the body begins with, and bytes of the whole file */
    uint64_t linked_size;  /* what a hub says of the file it redirects to: size, */
    char linked_sha256[QUERN_CLI_DIGEST]; /* and digest; "": not told */
    char etag[QUERN_CLI_ETAG];            /* a strong one; "": none */
    int retry_after;                      /* seconds; 0: not told */
};

/* Reads a line of a response's head; a status line begins a new response. */
void quern_cli_response_line(struct quern_cli_response *response, const char *line, size_t length);

/* ---------------------------------------------------------------- part.c */

/* A file that is being downloaded: PATH.part, locked, and its record PATH.part.json. */
struct quern_cli_part {
    const char *target; /* PATH */
    char path[QUERN_CLI_PATH + 8], record_path[QUERN_CLI_PATH + 16], target_record_path[QUERN_CLI_PATH + 8];
    int descriptor;
    bool resumed;       /* some of it is from an earlier run or request */
    uint64_t have;      /* bytes */
    SHA2_CTX digest;    /* of these */
    struct quern_cli_record record; /* what it is part of */
};

/* Opens the part of a file and locks it; waits while another process has it. Complains itself; an exit code. */
int quern_cli_part_open(struct quern_cli_part *part, const char *target);

/* Whether another process is downloading the file. */
bool quern_cli_part_is_locked(const char *target);

/* Hashes what is there already; drops it when its record does not fit. Complains itself; an exit code. */
int quern_cli_part_resume(struct quern_cli_part *part);

/* Drops what is there. Complains itself; an exit code. */
int quern_cli_part_restart(struct quern_cli_part *part);

/* Says what the file is part of. Complains itself; an exit code. */
int quern_cli_part_expect(struct quern_cli_part *part, const struct quern_cli_record *record);

/* False with errno. */
bool quern_cli_part_append(struct quern_cli_part *part, const void *data, size_t length);

/* Gives the file its name. The digest must have been compared. Complains itself; an exit code. */
int quern_cli_part_finish(struct quern_cli_part *part);

/* Closes and unlocks; with remove, or when it is empty, removes the part and its record. */
void quern_cli_part_close(struct quern_cli_part *part, bool remove);

/* ---------------------------------------------------------------- transfer.c, or no_transfer.c without libcurl */

enum quern_cli_outcome {
    QUERN_CLI_GOT,   /* all of it */
    QUERN_CLI_AGAIN, /* it may work another time */
    QUERN_CLI_STOP   /* it will not */
};

/* One HTTP request, without redirection. */
struct quern_cli_request {
    const char *url;
    const char *token;    /* NULL: none */
    const char *if_range; /* etag for from; "": none */
    uint64_t from;        /* the first byte wanted */
    int stall;            /* seconds without a byte before giving up */
    void *context;
    void (*line)(void *context, const char *line, size_t length);        /* a line of the head */
    bool (*body)(void *context, int status, const void *data, size_t length); /* false: stop */
    int status;                   /* of the response; 0: there was none */
    char redirect[QUERN_CLI_URL]; /* where it leads; "": nowhere */
};

/* GOT says that a response came whole, whatever its status. Else the reason says why not; it is left alone when body
 * stopped. */
enum quern_cli_outcome quern_cli_transfer(struct quern_cli_request *request, char reason[QUERN_CLI_REASON]);

/* Whether this program can; false with a reason. */
bool quern_cli_transfer_ready(char reason[QUERN_CLI_REASON]);

/* ---------------------------------------------------------------- download.c */

struct quern_cli_download_options {
    const char *token; /* of the hub; NULL: none */
    int retries;       /* after failures in a row */
    int stall;         /* seconds without a byte before trying again */
};

/* Sees to it that a file is at path, in the folder of the cache, with the right content. Does not touch the network
 * when it is there. Complains itself; an exit code. */
int quern_cli_download(const struct quern_cli_source *source, const char *path,
                       const struct quern_cli_download_options *options, struct quern_cli_record *record);

#endif
