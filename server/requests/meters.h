/* What is counted. Nothing here locks: the loop counts requests, and steps are counted by the batcher, under its own
 * lock. */
#ifndef QUERN_SERVER_METERS_H
#define QUERN_SERVER_METERS_H

#include "steps/histogram.h"

#include <stddef.h>
#include <stdint.h>

enum quern_request_time { /* the parts of a request's time, in their order */
    QUERN_TIME_RECEIVE,   /* until its body is whole */
    QUERN_TIME_TOKENIZE,  /* JSON and tokens */
    QUERN_TIME_QUEUE,     /* until its first text is taken into a step */
    QUERN_TIME_COMPUTE,   /* until its last vector is computed */
    QUERN_TIME_ENCODE,    /* until the answer is written */
    QUERN_TIME_SEND,      /* until the system has taken all of the answer */
    QUERN_TIME_TOTAL,
    QUERN_TIMES
};

enum quern_failing { /* as the label err of /metrics names it */
    QUERN_FAILING_VALIDATION,
    QUERN_FAILING_OVERLOADED,
    QUERN_FAILING_UNHEALTHY,
    QUERN_FAILING_BACKEND,
    QUERN_FAILING_TIMEOUT,
    QUERN_FAILING_CANCELLED,
    QUERN_FAILINGS
};

#define QUERN_METERED_ANSWERS 512 /* pairs of a route and a status that are counted apart */

struct quern_meters {
    struct {
        const struct quern_route *route; /* NULL: none */
        int status;
        uint64_t count;
    } answers[QUERN_METERED_ANSWERS];
    size_t answer_kinds;

    /* Requests for vectors, and their texts. */
    uint64_t requests[2], successes[2]; /* [0]: with one text, [1]: with several */
    uint64_t failures[QUERN_FAILINGS];
    uint64_t texts, texts_answered, texts_without_prompt, texts_truncated, tokens;
    struct quern_histogram times[QUERN_TIMES], input_tokens;

    struct quern_histogram searches, changes; /* seconds of searches in indexes and of changes, without waiting */
};

struct quern_request;
struct quern_answer;
struct quern_job;

/* Counts a request that is finished. Its answer has a status, 499 if the client has left. job NULL: nothing was
 * computed, or it was given up. */
void quern_meters_count(struct quern_meters *meters, const struct quern_request *request, const struct quern_job *job,
                        const struct quern_answer *answer, int64_t now_ns);

#endif
