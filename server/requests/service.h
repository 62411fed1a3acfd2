/* What requests are answered with: the models, the queue, counters. The loop's thread owns it. */
#ifndef QUERN_SERVER_SERVICE_H
#define QUERN_SERVER_SERVICE_H

#include "meters.h"
#include "served.h"
#include "server.h"
#include "steps/batcher.h"
#include "steps/index_job.h"

#include <stdatomic.h>

/* What the server holds at the moment. */
struct quern_load {
    int connections;
    size_t requests; /* begun and not yet finished */
    size_t bytes;    /* of requests, bodies and answers */
    size_t released; /* bytes that were freed since the last quern_waste_trim */
    struct quern_request *oldest, *newest; /* of those whose bodies are being worked on (quern_request_join) */
};

struct quern_service {
    struct quern_served *models; /* [model_count]; the first is the usual one */
    size_t model_count;
    struct quern_served_index *indexes; /* [index_count] */
    size_t index_count;
    const struct quern_server_options *options;
    struct quern_batcher *batcher;
    struct quern_meters meters;
    struct quern_load load;
    atomic_ullong lost_log_lines; /* lines of the log that were left out; counted by all threads */
    int64_t shortage_ns;          /* when the log last said that something has run out; 0: never */
    unsigned long shortages;      /* since then */
    int64_t created;              /* seconds since 1970 */
    bool draining;                /* the server is ending */
};

#endif
