/* quern serve: a model behind HTTP. The only header of this folder that others include.
 *
 * One thread, the loop, does all that waits: sockets, HTTP, JSON, tokens. One thread, the worker, owns the context that
 * embeds. Between them stands the batcher, which decides what is computed next. A request is one structure, struct
 * quern_request: read by a dialect, queued, batched, answered by the same dialect. */
#ifndef QUERN_SERVER_H
#define QUERN_SERVER_H

#include "quern.h"

#include <stdbool.h>

/* Strings live as long as the server. Zero or NULL is no default here: the caller fills in everything it does not
 * mark. */
struct quern_server_options {
    const char *model_name;    /* what clients see */
    const char *host;          /* an address, a name, or "unix:" and a path */
    int port;                  /* 0: any that is free */
    int threads, path;         /* of the context, as quern.h takes them */
    int step_tokens;           /* tokens a step takes at most, unless one text has more; 0: what the context likes */
    int default_task;          /* for texts that come without; -1: none */
    bool allow_token_ids;      /* accept inputs that are token ids */
    bool strict_model;         /* refuse models of another name */
    bool insecure;             /* listen on any address without a key */
    bool no_sandbox;           /* keep the rights that the server does not need */
    bool log_json;             /* log lines are JSON */
    const char *api_key_file;  /* a key on each line; NULL: none */
    const char *cors_origins;  /* origins of web pages that may ask, with commas, or "*"; NULL: none */
    const char *allowed_hosts; /* names in Host that are ours too, with commas; NULL: none */
    int max_connections;       /* open at once; more wait to be accepted */
    int max_body;              /* bytes of a request's body */
    int queue_tokens;          /* tokens that wait, and tokens of one request */
    int queue_bytes;           /* memory of all requests and answers */
    size_t cache_bytes;        /* memory of vectors that are kept; 0: none are */
    const char *cache_file;    /* keeps them from one run to the next; NULL: none does */
    double timeout;            /* seconds a request may wait for its vectors; 0: any time */
    double read_timeout;       /* seconds for a request's head, and between signs of progress */
    double idle_timeout;       /* seconds a connection may stay without a request */
    double drain_timeout;      /* seconds for what runs when the server is told to end */
};

/* Serves until SIGTERM or SIGINT, then finishes what it has accepted. Logs to standard error. Returns QUERN_OK, or a
 * failure to start. SIGHUP reads the keys again and, unless the
 * number of threads was given, the CPU budget. */
int quern_server_run(quern_model *model, const struct quern_server_options *options, quern_error *error);

#endif
