/* The thread that computes vectors. */
#ifndef QUERN_SERVER_WORKER_H
#define QUERN_SERVER_WORKER_H

#include "batcher.h"

#include <stdatomic.h>

/* Writes the vectors of count texts to vectors[capacity], one after the other, whole and not normalised. results[count]
 * says of each text whether it has a vector, as quern_embed_tokens does. */
typedef void (*quern_embed_function)(void *engine, const quern_tokens *texts, size_t count, float *vectors,
                                     size_t capacity, quern_result *results);

struct quern_worker;

/* Leaves the engines of the worker as they are, or frees them and puts new ones in their places. */
typedef void (*quern_renew_function)(struct quern_worker *worker);

struct quern_worker {
    struct quern_batcher *batcher;
    quern_embed_function embed;
    quern_renew_function renew; /* NULL: the engine stays */
    void *owner;                /* for renew */
    atomic_bool must_renew;     /* set by any thread; renew is called before the next step, and this is cleared */
    void *engine, *urgent;      /* the thread's, while it runs; urgent: for urgent steps between two layers of engine */
    size_t width;               /* of a vector */
    int finished;               /* an eventfd, written to when there is something to collect */
    float *vectors;             /* [QUERN_STEP_TEXTS + QUERN_URGENT_TOKENS][width]: those of the step that runs, then
                                   those of an urgent step; the worker's */
    pthread_t thread;           /* the worker's */
};

/* Starts the thread, which receives no signals. The caller fills in everything but vectors and thread. QUERN_ENOMEM. */
int quern_worker_start(struct quern_worker *worker);

/* Ends the batcher, and waits for the step that runs. */
void quern_worker_stop(struct quern_worker *worker);

/* Computes one step that was taken: for the thread, and for tests without one. */
void quern_worker_step(struct quern_worker *worker, const struct quern_step *step);

/* Computes an urgent step if one must run; the engine calls this between two layers. */
void quern_worker_pause(void *worker);

/* The function of a real engine, a quern_context. */
void quern_worker_embed(void *context, const quern_tokens *texts, size_t count, float *vectors, size_t capacity,
                        quern_result *results);

#endif
