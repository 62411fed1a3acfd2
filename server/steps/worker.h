/* The thread that embeds. */
#ifndef QUERN_SERVER_WORKER_H
#define QUERN_SERVER_WORKER_H

#include "batcher.h"

#include <stdatomic.h>

/* Writes the vectors of count texts one behind the other, whole and not normalised, as quern_embed_tokens does. */
typedef int (*quern_embed_function)(void *engine, const quern_tokens *texts, size_t count, float *vectors);

/* Gives the engine to go on with: the one it has, or another, and then that one is gone. */
typedef void *(*quern_renew_function)(void *owner, void *engine);

struct quern_worker {
    struct quern_batcher *batcher;
    quern_embed_function embed;
    quern_renew_function renew;
    void *owner;
    atomic_bool must_renew; /* before the next step, which clears it; whoever sets it */
    void *engine;           /* the thread's, while it runs */
    size_t width;   /* of a vector */
    int finished;   /* an eventfd, written to when there is something to collect */
    float *vectors; /* [QUERN_STEP_TEXTS][width] */
    pthread_t thread;
};

/* Starts the thread, which takes no signals. The structure is filled in but for vectors and thread; renew may be NULL.
 * QUERN_ENOMEM. */
int quern_worker_start(struct quern_worker *worker);

/* Ends the batcher and waits for the step that runs. */
void quern_worker_stop(struct quern_worker *worker);

/* Computes one step that was taken: for the thread, and for tests without one. */
void quern_worker_step(struct quern_worker *worker, const struct quern_step *step);

/* The function of a real engine, a quern_context. */
int quern_worker_embed(void *context, const quern_tokens *texts, size_t count, float *vectors);

#endif
