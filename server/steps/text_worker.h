/* The thread that tokenises long texts, which would hold the loop for too long. Short ones are done by the loop itself,
 * by the same function. */
#ifndef QUERN_SERVER_TEXT_WORKER_H
#define QUERN_SERVER_TEXT_WORKER_H

#include "quern.h"

#include <pthread.h>
#include <stdbool.h>

enum quern_text_work {
    QUERN_TEXT_PREPARE,  /* quern_prepare */
    QUERN_TEXT_TOKENIZE, /* quern_tokenize */
    QUERN_TEXT_PLACES    /* quern_token_spans */
};

/* What is to be done with one text. From quern_text_worker_submit until the job comes back, it and all that it refers
 * to must stay. */
struct quern_text_job {
    enum quern_text_work work;
    quern_text text;
    quern_embed_options options;
    int32_t *ids;             /* [capacity]: written, or read for the places */
    size_t capacity;
    quern_token_span *places; /* [capacity], for the places */
    void *owner;

    /* Set when it is done. */
    bool is_done;
    int code;            /* of quern.h */
    quern_result result; /* of quern_prepare; of quern_tokenize: how many tokens the text has */

    struct quern_text_job *after; /* the thread's own */
};

struct quern_text_worker {
    quern_context *context; /* the thread's, while it runs */
    int finished;           /* an eventfd, written to when a job is back */
    bool is_running, is_ending;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct quern_text_job *first, *last; /* to be done, in order of arrival */
    struct quern_text_job *done;
    pthread_t thread;
};

/* Does a job, in the caller's thread. */
void quern_text_job_run(struct quern_text_job *job, quern_context *context);

/* Starts the thread, which receives no signals. The caller has set context and finished; the rest is zero.
 * QUERN_ENOMEM. */
int quern_text_worker_start(struct quern_text_worker *worker);

/* Ends the thread after the job that it does. The jobs that are not done come back, too. A worker that never started is
 * allowed. */
void quern_text_worker_stop(struct quern_text_worker *worker);

void quern_text_worker_submit(struct quern_text_worker *worker, struct quern_text_job *job);

/* Returns all jobs that are back, linked by `after`. */
struct quern_text_job *quern_text_worker_collect(struct quern_text_worker *worker);

#endif
