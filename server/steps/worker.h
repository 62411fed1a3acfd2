/* The thread that computes vectors, of all models: one step at a time. So no more threads compute than one engine has,
 * however many models there are. */
#ifndef QUERN_SERVER_WORKER_H
#define QUERN_SERVER_WORKER_H

#include "batcher.h"
#include "bell.h"

#include <stdatomic.h>

/* Writes the vectors of count texts to vectors[capacity], one after the other, whole and not normalised. results[count]
 * says of each text whether it has a vector, as quern_embed_tokens does. */
typedef void (*quern_embed_function)(void *context, const quern_tokens *texts, size_t count, float *vectors,
                                     size_t capacity, quern_result *results);

/* Leaves the contexts of an engine as they are, or frees them and puts new ones in their places. */
typedef void (*quern_renew_function)(struct quern_step_engine *engine);

/* What computes the texts of one model. While a job refers to it, it is the worker's. */
struct quern_step_engine {
    quern_embed_function embed;
    void *context, *urgent;     /* urgent: for urgent steps between two layers of a step */
    size_t width;               /* of a vector */
    float *vectors;             /* [QUERN_STEP_TEXTS + QUERN_URGENT_TOKENS][width]: those of the step that runs, then
                                   those of an urgent step */
    quern_renew_function renew; /* NULL: the contexts stay */
    atomic_bool must_renew;     /* set by any thread; renew is called before the next step, and this is cleared */
    void *owner;                /* for renew */
};

/* Makes room for vectors of engine->width. QUERN_ENOMEM. */
int quern_step_engine_reserve(struct quern_step_engine *engine);
void quern_step_engine_release(struct quern_step_engine *engine); /* an engine without room is allowed */

struct quern_worker {
    struct quern_batcher *batcher;
    const struct quern_bell *finished; /* rung when there is something to collect */
    bool is_running;
    pthread_t thread; /* the worker's */
};

/* Starts the thread, as quern_system_start_thread does. The caller sets batcher and finished. QUERN_ENOMEM. */
int quern_worker_start(struct quern_worker *worker);

/* Ends the batcher, and waits for the step that runs. A worker that never started is allowed. */
void quern_worker_stop(struct quern_worker *worker);

/* Computes one step that was taken: for the thread, and for tests without one. */
void quern_worker_step(struct quern_worker *worker, const struct quern_step *step);

/* Computes an urgent step if one must run; contexts call this between two layers. */
void quern_worker_pause(void *worker);

/* The function of a real engine, whose contexts are of the type quern_context. */
void quern_worker_embed(void *context, const quern_tokens *texts, size_t count, float *vectors, size_t capacity,
                        quern_result *results);

#endif
