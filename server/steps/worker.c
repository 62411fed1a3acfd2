#include "worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Full vectors as the model gives them, so that texts of any options go through one step: cutting and normalising are
 * done when the answer is written. */
int quern_worker_embed(void *context, const quern_tokens *texts, size_t count, float *vectors)
{
    quern_context *engine = context;
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_NORMALIZE};
    return quern_embed_tokens(engine, texts, count, &options, vectors, SIZE_MAX, NULL, NULL);
}

void quern_worker_step(struct quern_worker *worker, const struct quern_step *step)
{
    quern_tokens texts[QUERN_STEP_TEXTS];
    int codes[QUERN_STEP_TEXTS];
    for (size_t i = 0; i < step->count; i++)
        texts[i] = step->jobs[i]->texts[step->indices[i]];
    if (atomic_exchange(&worker->must_renew, false) && worker->renew != NULL)
        worker->engine = worker->renew(worker->owner, worker->engine);
    const int code = worker->embed(worker->engine, texts, step->count, worker->vectors);
    for (size_t i = 0; i < step->count; i++) {
        const struct quern_job *job = step->jobs[i];
        float *vector = worker->vectors + i * worker->width;
        /* One text's failure is not its company's: each is tried by itself. */
        codes[i] = code == QUERN_OK || step->count == 1 ? code : worker->embed(worker->engine, &texts[i], 1, vector);
        const size_t slot = job->slots != NULL ? job->slots[step->indices[i]] : step->indices[i];
        if (codes[i] == QUERN_OK)
            memcpy(job->vectors + slot * worker->width, vector, worker->width * sizeof *vector);
    }
    if (quern_batcher_finish(worker->batcher, step, codes)) {
        const uint64_t one = 1;
        ssize_t written = write(worker->finished, &one, sizeof one); /* fails only when it is readable already */
        (void)written;
    }
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
    worker->vectors = malloc(QUERN_STEP_TEXTS * worker->width * sizeof *worker->vectors);
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
