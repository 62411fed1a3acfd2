/* From the residual stream to vectors: final norm, mean over all tokens, dense head, cut, normalisation. */
#include "base/error.h"
#include "base/pool.h"
#include "engine/engine.h"

#include <math.h>
#include <string.h>

/* The mean of a text's normed rows. */
static void mean_tile(void *argument, int tile, int thread)
{
    const struct quern_engine *e = argument;
    const struct quern_shape *s = &e->network->shape;
    const struct quern_span *span = e->span + tile;
    const size_t width = (size_t)s->width;
    float *mean = e->mean + (size_t)tile * width;
    (void)thread;
    memset(mean, 0, width * sizeof *mean);
    for (int i = 0; i < span->count; i++) {
        float *x = e->x + (size_t)(span->first + i) * width;
        e->network->kernels->norm_f32(x, x, e->network->output_norm, s->width, s->epsilon);
        for (size_t j = 0; j < width; j++)
            mean[j] += x[j];
    }
    for (size_t j = 0; j < width; j++)
        mean[j] /= (float)span->count;
}

/* Cuts and normalises a finished row in place, and hands it over. */
static void deliver(const struct quern_target *target, const float *row)
{
    double squares = 0;
    for (int j = 0; j < target->dimensions; j++)
        squares += (double)row[j] * row[j];
    const double norm = sqrt(squares), factor = target->normalize ? 1 / (norm > 1e-12 ? norm : 1e-12) : 1;
    for (int j = 0; j < target->dimensions; j++)
        target->vector[j] = (float)(row[j] * factor);
}

void quern_engine_head(struct quern_engine *e)
{
    const struct quern_network *network = e->network;
    const int width = network->shape.width, hidden = network->shape.head_hidden;
    quern_pool_run(e->pool, mean_tile, e, e->spans);
    if (hidden != 0) {
        int longest = 0;
        for (int i = 0; i < e->spans; i++)
            longest = e->span[i].target.dimensions > longest ? e->span[i].target.dimensions : longest;
        quern_engine_product(e, &network->dense_2, hidden, false, (const unsigned char *)e->mean, e->spans,
                             e->head_hidden, (size_t)hidden);
        quern_engine_product(e, &network->dense_3, longest, false, (const unsigned char *)e->head_hidden, e->spans,
                             e->mean, (size_t)width);
    }
    for (int i = 0; i < e->spans; i++)
        deliver(&e->span[i].target, e->mean + (size_t)i * (size_t)width);
}

static int check_finite(const struct quern_engine *e, quern_error *error)
{
    for (int i = 0; i < e->spans; i++) {
        const struct quern_target *target = &e->span[i].target;
        for (int j = 0; j < target->dimensions; j++)
            if (!isfinite(target->vector[j]))
                return quern_fail(error, QUERN_ENUMERIC,
                                  "text %zu: the model gives a vector that is not finite; the file may be damaged",
                                  target->index);
    }
    return QUERN_OK;
}

int quern_engine_run(struct quern_engine *engine, quern_error *error)
{
    int code = QUERN_OK;
    if (engine->spans > 0) {
        quern_engine_layers(engine);
        quern_engine_head(engine);
        quern_engine_lap(engine, QUERN_STAGE_HEAD);
        code = quern_map_check(&engine->network->gguf->map, error);
        if (code == QUERN_OK)
            code = check_finite(engine, error);
    }
    quern_engine_clear(engine);
    return code;
}
