#include "worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Asks for whole vectors as the model gives them, so that texts with any options go through one step. Vectors are cut
 * and normalised when the answer is written. */
void quern_worker_embed(void *context, const quern_tokens *texts, size_t count, float *vectors, size_t capacity,
                        quern_result *results)
{
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_NORMALIZE};
    quern_embed_tokens(context, texts, count, &options, vectors, capacity, results, NULL); /* results tell it all */
}

/* vectors: [capacity texts][width] */
static void compute(struct quern_worker *worker, const struct quern_step *step, void *engine, float *vectors,
                    size_t capacity)
{
    const size_t width = worker->width;
    quern_tokens texts[QUERN_STEP_TEXTS];
    quern_result results[QUERN_STEP_TEXTS];
    for (size_t i = 0; i < step->count; i++)
        texts[i] = step->jobs[i]->texts[step->texts[i]];
    worker->embed(engine, texts, step->count, vectors, capacity * width, results);
    for (size_t i = 0; i < step->count; i++)
        if (results[i].code == QUERN_OK)
            memcpy(step->jobs[i]->vectors + step->texts[i] * width, vectors + i * width, width * sizeof *vectors);
    if (quern_batcher_finish(worker->batcher, step, results)) {
        const uint64_t one = 1;
        ssize_t written = write(worker->finished, &one, sizeof one); /* fails only when it can be read already */
        (void)written;
    }
}

void quern_worker_step(struct quern_worker *worker, const struct quern_step *step)
{
    if (atomic_exchange(&worker->must_renew, false) && worker->renew != NULL)
        worker->renew(worker);
    compute(worker, step, worker->engine, worker->vectors, QUERN_STEP_TEXTS);
}

void quern_worker_pause(void *argument)
{
    struct quern_worker *worker = argument;
    struct quern_step step;
    if (quern_batcher_take_urgent(worker->batcher, &step))
        compute(worker, &step, worker->urgent, worker->vectors + QUERN_STEP_TEXTS * worker->width,
                QUERN_URGENT_TOKENS);
}

static void *run(void *argument)
{
    struct quern_worker *worker = argument;
    struct quern_step step;
    while (quern_batcher_take(worker->batcher, &step))
        quern_worker_step(worker, &step);
    return NULL;
}

int quern_worker_start(struct quern_worker *worker)
{
    sigset_t all, before;
    worker->vectors = malloc((QUERN_STEP_TEXTS + QUERN_URGENT_TOKENS) * worker->width * sizeof *worker->vectors);
    if (worker->vectors == NULL)
        return QUERN_ENOMEM;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return QUERN_OK;
    free(worker->vectors);
    worker->vectors = NULL;
    return QUERN_ENOMEM;
}

void quern_worker_stop(struct quern_worker *worker)
{
    if (worker->vectors == NULL)
        return;
    quern_batcher_end(worker->batcher);
    pthread_join(worker->thread, NULL);
    free(worker->vectors);
    worker->vectors = NULL;
}
