/* What is counted, and GET /metrics, which tells it in Prometheus' text format: under the names that
 * text-embeddings-inference has where it has them, so that its dashboards and scaling rules go on working, and under
 * quern_... where it has none.
 *
 * Nothing here locks: the loop counts requests, and steps are counted by the batcher, under its own lock. */
#ifndef QUERN_SERVER_METERS_H
#define QUERN_SERVER_METERS_H

#include "steps/histogram.h"

#include <stddef.h>
#include <stdint.h>

enum quern_time_span { /* of a request's time, in its order */
    QUERN_SPAN_RECEIVE,  /* until its body is whole */
    QUERN_SPAN_TOKENIZE, /* JSON and tokens */
    QUERN_SPAN_QUEUE,    /* until its first text is taken */
    QUERN_SPAN_COMPUTE,  /* until its last vector is there */
    QUERN_SPAN_ENCODE,   /* until the answer is written */
    QUERN_SPAN_SEND,     /* until the system has taken all of it */
    QUERN_SPAN_ALL,
    QUERN_SPANS
};

enum quern_failing { /* as the label err has it */
    QUERN_FAILING_VALIDATION,
    QUERN_FAILING_OVERLOADED,
    QUERN_FAILING_UNHEALTHY,
    QUERN_FAILING_BACKEND,
    QUERN_FAILING_TIMEOUT,
    QUERN_FAILING_CANCELLED,
    QUERN_FAILINGS
};

#define QUERN_METERED_ANSWERS 512 /* routes and statuses that are told apart */

struct quern_meters {
    struct {
        const struct quern_route *route; /* NULL: none */
        int status;
        uint64_t count;
    } answers[QUERN_METERED_ANSWERS];
    size_t answer_kinds;

    /* Requests whose route reads a body, and their texts. */
    uint64_t requests[2], successes[2]; /* with one text, with several */
    uint64_t failures[QUERN_FAILINGS];
    uint64_t texts, texts_answered, texts_without_prompt, texts_truncated, tokens;
    struct quern_histogram spans[QUERN_SPANS], input_tokens;
};

struct quern_request;

/* Counts a request that is over: its status is set, 499 if the client has left. */
void quern_meters_count(struct quern_meters *meters, const struct quern_request *request, int64_t now_ns);

/* Lines of the log that were left out; log.c counts them. */
unsigned long long quern_log_left_out(void);

/* The write of a route. */
void quern_meters_write(struct quern_request *request);

#endif
