/* From the residual stream to vectors: final norm, mean over all tokens, dense head. */
#include "base/pool.h"
#include "engine/engine.h"

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
        e->network->kernels->rms_norm(x, x, e->network->output_norm, s->width, s->epsilon);
        for (size_t j = 0; j < width; j++)
            mean[j] += x[j];
    }
    for (size_t j = 0; j < width; j++)
        mean[j] /= (float)span->count;
}

/* out[i] = W in[i] for every text; in is used up. A vector's last steps should add no error of their own. So where the
 * activation format has a split, what rounding left over of the rows goes in as well, as rows behind them. */
static void dense(struct quern_engine *e, const struct quern_matrix *matrix, int rows, float *in, float *out)
{
    const struct quern_activation *format = quern_engine_format(e, matrix);
    const size_t length = (size_t)matrix->length, stride = (size_t)matrix->rows, spans = (size_t)e->spans;
    if (format->split == NULL) {
        for (size_t i = 0; i < spans; i++)
            format->write(e->head_input, (int)i, matrix->length, 0, in + i * length, matrix->length);
        quern_engine_product(e, matrix, rows, e->head_input, e->spans, out, stride);
        return;
    }
    const size_t rest = quern_activation_rows(format, spans); /* the first row of what was left over */
    for (size_t i = 0; i < spans; i++)
        format->split(e->head_input, e->head_input + rest * quern_activation_row_bytes(format, matrix->length), (int)i,
                      in + i * length, matrix->length);
    quern_engine_product(e, matrix, rows, e->head_input, (int)(rest + spans), out, stride);
    for (size_t i = 0; i < spans; i++)
        for (size_t j = 0; j < (size_t)rows; j++)
            out[i * stride + j] += out[(rest + i) * stride + j];
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
        dense(e, &network->dense_2, hidden, e->mean, e->head_hidden);
        dense(e, &network->dense_3, longest, e->head_hidden, e->mean);
    }
    for (int i = 0; i < e->spans; i++)
        memcpy(e->span[i].target.vector, e->mean + (size_t)i * (size_t)width,
               (size_t)e->span[i].target.dimensions * sizeof *e->mean);
}

int quern_engine_run(struct quern_engine *engine, quern_error *error)
{
    const struct quern_kernels *kernels = engine->network->kernels;
    if (engine->spans == 0)
        return QUERN_OK;
    if (kernels->thread_begin != NULL)
        kernels->thread_begin();
    quern_engine_layers(engine);
    quern_engine_head(engine);
    if (kernels->thread_end != NULL)
        kernels->thread_end();
    quern_engine_lap(engine, QUERN_STAGE_HEAD);
    return quern_map_check(&engine->network->gguf->map, error);
}
