/* How model files get here. What comes from the network is hostile until its digest is right. */
#ifndef QUERN_CLI_PULL_H
#define QUERN_CLI_PULL_H

#include "store/store.h"

#define QUERN_CLI_REASON 1024 /* size of a buffer for one line that says what is wrong */

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
