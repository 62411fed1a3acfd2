/* Downloads of model files. Nothing from the network is trusted until its digest was compared. */
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
    const struct quern_cli_published *published; /* NULL: it is not a published model */
};

/* Reads what the user asked for: a published name, hf:OWNER/REPOSITORY/PATH.gguf, or a URL with its digest (NULL: not
 * given). hub: its URL. False with a reason. */
bool quern_cli_source_find(struct quern_cli_source *source, const char *name, const char *sha256, const char *hub,
                           char reason[QUERN_CLI_REASON]);

/* Whether a URL may be requested: https, or http to this machine. from: the URL that redirects to it, or NULL; https
 * may redirect to https only. */
bool quern_cli_url_allowed(const char *url, const char *from);

/* Whether two URLs have the same scheme, host and port. */
bool quern_cli_url_same_origin(const char *a, const char *b);

/* Whether a name can be that of a model file in the cache. */
bool quern_cli_is_model_file(const char *name);

/* ---------------------------------------------------------------- response.c */

/* The fields of an HTTP response that are used. */
struct quern_cli_response {
    bool has_length, has_range, has_linked_size;
    uint64_t length;       /* of the body */
    uint64_t first, total; /* byte the body begins with, and bytes of the whole file */
    uint64_t linked_size;  /* size of the file that the hub redirects to */
    char linked_sha256[QUERN_CLI_DIGEST]; /* and its digest; "": not told */
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
    uint64_t have;      /* bytes that are there */
    SHA2_CTX digest;    /* of these bytes */
    struct quern_cli_record record; /* of the whole file */
};

/* Opens the part of a file and locks it; waits while another process has the lock. Reports failures itself; returns an
 * exit code. */
int quern_cli_part_open(struct quern_cli_part *part, const char *target);

/* Whether another process is downloading the file. */
bool quern_cli_part_is_locked(const char *target);

/* Hashes the bytes that are there; removes them when their record does not fit. Reports failures itself; returns an
 * exit code. */
int quern_cli_part_resume(struct quern_cli_part *part);

/* Removes the bytes that are there. Reports failures itself; returns an exit code. */
int quern_cli_part_restart(struct quern_cli_part *part);

/* Writes the record of the whole file. Reports failures itself; returns an exit code. */
int quern_cli_part_expect(struct quern_cli_part *part, const struct quern_cli_record *record);

/* False with errno. */
bool quern_cli_part_append(struct quern_cli_part *part, const void *data, size_t length);

/* Gives the finished file its name, after the caller has compared its digest. Reports failures itself; returns an exit
 * code. */
int quern_cli_part_finish(struct quern_cli_part *part);

/* Closes and unlocks; with remove, or when it is empty, removes the part and its record. */
void quern_cli_part_close(struct quern_cli_part *part, bool remove);

/* ---------------------------------------------------------------- transfer.c, or no_transfer.c without libcurl */

#define QUERN_CLI_LEAST_RATE 1024 /* bytes a second; a response that brings less is given up */

enum quern_cli_outcome {
    QUERN_CLI_GOT,   /* the whole response was received */
    QUERN_CLI_AGAIN, /* it failed, but may work another time */
    QUERN_CLI_STOP   /* it failed, and trying again is useless */
};

/* One HTTP request, without redirection. */
struct quern_cli_request {
    const char *url;
    const char *token;    /* NULL: none */
    const char *if_range; /* etag for from; "": none */
    uint64_t from;        /* the first byte wanted */
    int stall;            /* seconds below QUERN_CLI_LEAST_RATE before giving up */
    void *context;
    void (*line)(void *context, const char *line, size_t length);        /* a line of the head */
    bool (*body)(void *context, int status, const void *data, size_t length); /* false: stop */
    int status;                   /* of the response; 0: there was none */
    size_t redirect_length;       /* of the URL where it leads; 0: nowhere */
    char redirect[QUERN_CLI_URL]; /* this URL; "" when it is too long */
};

/* QUERN_CLI_GOT: a whole response was received, with any status, or as much of it as matters, which of an error is its
 * status. Otherwise reason says what failed; it is left alone when body returned false. */
enum quern_cli_outcome quern_cli_transfer(struct quern_cli_request *request, char reason[QUERN_CLI_REASON]);

/* Whether this program can download; false with a reason. */
bool quern_cli_transfer_ready(char reason[QUERN_CLI_REASON]);

/* ---------------------------------------------------------------- download.c */

struct quern_cli_download_options {
    const char *token; /* of the hub; NULL: none */
    int retries;       /* after failures in a row */
    int stall;         /* seconds below QUERN_CLI_LEAST_RATE before trying again */
    int wait;          /* seconds to wait in all because servers ask for it */
};

/* Makes sure that the file is at path, in the cache folder, with the right content. Does not use the network when it is
 * there already. Reports failures itself; returns an exit code. */
int quern_cli_download(const struct quern_cli_source *source, const char *path,
                       const struct quern_cli_download_options *options, struct quern_cli_record *record);

/* ---------------------------------------------------------------- known_list.c */

/* Prints the models that the library knows. */
void quern_cli_list_known(bool json);

#endif
