/* A job: the texts of one request as tokens, and the vectors that are computed from them. A job owns all its memory, so
 * that it can outlive its request while the worker still computes one of its texts. */
#ifndef QUERN_SERVER_JOB_H
#define QUERN_SERVER_JOB_H

#include "quern.h"

#include <stdbool.h>

struct quern_step_engine;

struct quern_job {
    struct quern_step_engine *engine; /* computes the vectors; see worker.h */

    /* The job's memory. From quern_batcher_submit until the job comes back it may be read, but not changed. */
    int32_t *ids;        /* of all texts, one after the other */
    quern_tokens *texts; /* [count], views of ids; each has at least one id */
    float *vectors;      /* [count][width], whole and not normalised */
    size_t count;
    size_t *wanted;      /* [wanted_count]: numbers of the texts to compute, in this order */
    size_t wanted_count;

    void *owner;    /* who waits for the job; NULL: nobody, and the job is freed when it comes back. Set by the loop */
    int code;       /* QUERN_OK, or why there are no vectors: a code of quern.h */
    size_t failed;  /* then: the number of the text at fault */
    int64_t submitted_ns, started_ns, finished_ns; /* by server_clock.h; valid when the job has come back */

    /* The batcher's own. */
    uint64_t tokens;        /* of all wanted texts */
    size_t taken, computed; /* of the wanted texts */
    uint64_t mark;          /* of the next text */
    struct quern_job *before, *after;
};

/* Makes a job of count texts, 1 or more. The texts are still empty, and all of them are wanted. NULL: no memory. */
struct quern_job *quern_job_new(size_t count, size_t width);

/* NULL is allowed. */
void quern_job_free(struct quern_job *job);

/* The memory that a job takes, without its ids. */
size_t quern_job_bytes(size_t count, size_t width);

#endif
