/* quern serve: models behind HTTP. The only header of this folder that others include.
 *
 * One thread, the loop, does everything but computing: sockets, HTTP, JSON, tokens of short texts. A second thread
 * tokenises long texts, and cuts those that are added to indexes. A third one, the worker, embeds. Between them the
 * batcher decides what is computed next. A fourth one loads and frees models, a fifth one searches in indexes, and a
 * sixth one changes them. Three structures carry the work, each with one owner: a request is what a client asked for, a
 * job is what is computed, an answer is what is written. */
#ifndef QUERN_SERVER_H
#define QUERN_SERVER_H

#include "quern.h"

#include <stdbool.h>

/* A model that the server has. */
struct quern_server_model {
    const char *name;  /* what clients call it */
    const char *alias; /* what they may call it, too; NULL: nothing */
    const char *path;  /* of its file */
    const char *known; /* as in quern_model_options */
    bool is_optional;  /* a file that cannot be served is left out, with a warning */
};

/* An index file (quern_index.h) that the server searches. */
struct quern_server_index {
    const char *name; /* what clients call it */
    const char *path;
};

/* Strings must live as long as the server. Zero and NULL mean what is said here; they do not stand for defaults. */
struct quern_server_options {
    const struct quern_server_model *models; /* [model_count]; the first is for requests that name none */
    size_t model_count;        /* 1 or more */
    const struct quern_server_index *indexes; /* [index_count]; the first is for searches that name none */
    size_t index_count;
    bool index_writable;       /* clients may change them; one that is not there is made, for the first model */
    size_t models_memory;      /* most bytes of the models in memory together; 0: half of the machine's */
    double unload_after;       /* seconds without a request after which a model's memory is given back; 0: never */
    const char *host;          /* an address, a name, or "unix:" and a path */
    int port;                  /* 0: any free port */
    int threads, path;         /* of the context, as quern.h takes them */
    int context_length;        /* of each model; 0: the usual one */
    int step_tokens;           /* most tokens of a step, unless one text has more; 0: a good size */
    int default_task;          /* for texts that have none; -1: none */
    bool allow_token_ids;      /* accept inputs that are token ids */
    bool strict_model;         /* refuse requests for a model with another name */
    bool insecure;             /* allow other machines to use the server without a key */
    bool no_sandbox;           /* do not enter the sandbox */
    bool log_json;             /* log lines are JSON */
    const char *api_key_file;  /* a file with a key on each line; NULL: none */
    const char *cors_origins;  /* origins of web pages that may use the server, with commas; NULL: none */
    const char *allowed_hosts; /* names of this server that Host may have, with commas; NULL: none */
    int max_connections;       /* open at once; further ones wait, or are refused when that takes long */
    int max_body;              /* most bytes of a request's body */
    int queue_tokens;          /* most tokens that wait, and most tokens of one request */
    int queue_bytes;           /* most bytes that requests and answers may take together */
    size_t cache_bytes;        /* most bytes of vectors that are kept; 0: none are */
    const char *cache_file;    /* keeps them from one run to the next; NULL: none */
    double timeout;            /* seconds that a request may wait for its vectors; 0: no limit */
    double read_timeout;       /* seconds for a request's head, and between signs of progress of a body */
    double idle_timeout;       /* seconds that a connection may stay open without a request */
    double drain_timeout;      /* seconds to finish accepted requests when the server must end */
};

/* Checks what can be checked of the options without opening a model: the names of models, the lists of origins and
 * hosts. QUERN_EINVAL says what is wrong; the text begins with the option, as "--NAME:". */
int quern_server_check(const struct quern_server_options *options, quern_error *error);

/* Serves until SIGTERM or SIGINT, then finishes what it has accepted. Logs to standard error. SIGHUP makes it read the
 * keys again and, unless the number of threads was given, the CPU budget. Returns QUERN_OK after it has served, or why
 * it cannot start: QUERN_EINVAL (options, keys, address), QUERN_EIO (files, sockets), QUERN_ENOMEM, or why a model
 * cannot be opened. */
int quern_server_run(const struct quern_server_options *options, quern_error *error);

#endif
