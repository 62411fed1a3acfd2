/* What requests are answered with: the model, the queue, the cache, counters. The loop's thread owns it. */
#ifndef QUERN_SERVER_SERVICE_H
#define QUERN_SERVER_SERVICE_H

#include "meters.h"
#include "server.h"
#include "steps/batcher.h"
#include "steps/vector_cache.h"

#include <stdatomic.h>

/* Why requests are refused when the model's file was lost. */
#define QUERN_LOST_MODEL "the model's file was cut off or written to while it was served; the server must be restarted"

/* What the server holds at the moment. */
struct quern_load {
    int connections;
    size_t requests; /* begun and not yet finished */
    size_t bytes;    /* of requests, bodies and answers */
    size_t released; /* bytes that were freed since the last quern_waste_trim */
    struct quern_request *oldest, *newest; /* of those whose bodies are being worked on (quern_request_join) */
};

struct quern_service {
    quern_model *model;
    quern_model_info info;
    const struct quern_server_options *options;
    quern_context *tokenizer; /* a context of the loop's own, with one thread */
    struct quern_batcher *batcher;
    struct quern_cache cache;
    struct quern_meters meters;
    struct quern_load load;
    atomic_ullong lost_log_lines; /* lines of the log that were left out; counted by all threads */
    int64_t shortage_ns;          /* when the log last said that something has run out; 0: never */
    unsigned long shortages;      /* since then */
    int64_t created;              /* seconds since 1970 */
    bool told_of_tasks;           /* the log says that the model ignores tasks */
    bool draining;                /* the server is ending */
    bool broken;                  /* the model's file was lost: not ready, until the server is started again */
};

#endif
