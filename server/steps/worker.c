#include "worker.h"

#include "base/system/system.h"

#include <stdlib.h>
#include <string.h>

/* Asks for whole vectors as the model gives them, so that texts with any options go through one step. Vectors are cut
 * and normalised when the answer is written. */
void quern_worker_embed(void *context, const quern_tokens *texts, size_t count, float *vectors, size_t capacity,
                        quern_result *results)
{
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_NORMALIZE};
    quern_embed_tokens(context, texts, count, &options, vectors, capacity, results, NULL); /* results tell it all */
}

int quern_step_engine_reserve(struct quern_step_engine *engine)
{
    engine->vectors =
        malloc((QUERN_STEP_TEXTS + QUERN_URGENT_TOKENS) * engine->width * sizeof *engine->vectors);
    return engine->vectors != NULL ? QUERN_OK : QUERN_ENOMEM;
}

void quern_step_engine_release(struct quern_step_engine *engine)
{
    free(engine->vectors);
    engine->vectors = NULL;
}

/* vectors: [capacity texts][width] */
static void compute(struct quern_worker *worker, const struct quern_step *step, void *context, float *vectors,
                    size_t capacity)
{
    const size_t width = step->engine->width;
    quern_tokens texts[QUERN_STEP_TEXTS];
    quern_result results[QUERN_STEP_TEXTS];
    for (size_t i = 0; i < step->count; i++)
        texts[i] = step->jobs[i]->texts[step->texts[i]];
    step->engine->embed(context, texts, step->count, vectors, capacity * width, results);
    for (size_t i = 0; i < step->count; i++)
        if (results[i].code == QUERN_OK)
            memcpy(step->jobs[i]->vectors + step->texts[i] * width, vectors + i * width, width * sizeof *vectors);
    if (quern_batcher_finish(worker->batcher, step, results))
        quern_bell_ring(worker->finished);
}

void quern_worker_step(struct quern_worker *worker, const struct quern_step *step)
{
    struct quern_step_engine *engine = step->engine;
    if (atomic_exchange(&engine->must_renew, false) && engine->renew != NULL)
        engine->renew(engine);
    compute(worker, step, engine->context, engine->vectors, QUERN_STEP_TEXTS);
}

void quern_worker_pause(void *argument)
{
    struct quern_worker *worker = argument;
    struct quern_step step;
    if (quern_batcher_take_urgent(worker->batcher, &step))
        compute(worker, &step, step.engine->urgent, step.engine->vectors + QUERN_STEP_TEXTS * step.engine->width,
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
    worker->is_running = quern_system_start_thread(&worker->thread, run, worker) == 0;
    return worker->is_running ? QUERN_OK : QUERN_ENOMEM;
}

void quern_worker_stop(struct quern_worker *worker)
{
    if (!worker->is_running)
        return;
    quern_batcher_end(worker->batcher);
    pthread_join(worker->thread, NULL);
    worker->is_running = false;
}
