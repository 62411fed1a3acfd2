/* From the residual stream to vectors: final norm, pooling, dense head. */
#include "base/centre.h"
#include "base/pool.h"
#include "engine/engine.h"

#include <string.h>

/* A row of the stream under the final norm, if there is one. */
static const float *final_row(const struct quern_engine *e, int row)
{
    float *x = e->x + (size_t)row * (size_t)e->network->shape.width;
    if (e->network->final_norm.weight != NULL)
        quern_engine_norm_row(e, x, x, &e->network->final_norm);
    return x;
}

static void pool_mean(const struct quern_engine *e, const struct quern_text_span *span, float *mean)
{
    const size_t width = (size_t)e->network->shape.width;
    memset(mean, 0, width * sizeof *mean);
    for (int i = 0; i < span->count; i++) {
        const float *x = final_row(e, span->first + i);
        for (size_t j = 0; j < width; j++)
            mean[j] += x[j];
    }
    for (size_t j = 0; j < width; j++)
        mean[j] /= (float)span->count;
}

/* One row for every text. */
static void pool_tile(void *argument, int tile, int thread)
{
    const struct quern_engine *e = argument;
    const struct quern_text_span *span = e->span + tile;
    const size_t width = (size_t)e->network->shape.width;
    float *pooled = e->pooled + (size_t)tile * width;
    (void)thread;
    switch (e->network->shape.pooling) {
    case QUERN_POOLING_MEAN: pool_mean(e, span, pooled); break;
    case QUERN_POOLING_CLS: memcpy(pooled, final_row(e, span->first), width * sizeof *pooled); break;
    case QUERN_POOLING_LAST:
        memcpy(pooled, final_row(e, span->first + span->count - 1), width * sizeof *pooled);
        break;
    case QUERN_POOLING_NONE:
    case QUERN_POOLING_RANK: break; /* refused when the model was opened */
    }
}

/* out[i] = W in[i] for every text; in is overwritten. The last steps of a vector should add no error of their own. So
 * where the activation format has a split, what rounding left over of the rows is multiplied too, as rows behind
 * them. */
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

/* The most dimensions that a text of the step wants. */
static int most_dimensions(const struct quern_engine *e)
{
    int most = 0;
    for (int i = 0; i < e->spans; i++)
        most = e->span[i].target.dimensions > most ? e->span[i].target.dimensions : most;
    return most;
}

/* One matrix behind the other, in turn from one buffer to the other. Of the last one only the dimensions that are
 * wanted are computed. Returns the buffer with the results. */
static const float *dense_head(struct quern_engine *e)
{
    const struct quern_matrix *matrices = e->network->dense;
    float *in = e->pooled, *out = e->head_hidden;
    for (int i = 0; i < QUERN_MOST_DENSE && matrices[i].rows != 0; i++) {
        const bool last = i + 1 == QUERN_MOST_DENSE || matrices[i + 1].rows == 0;
        float *from = in;
        dense(e, &matrices[i], last ? most_dimensions(e) : matrices[i].rows, in, out);
        in = out;
        out = from;
    }
    return in;
}

void quern_engine_head(struct quern_engine *e)
{
    const size_t dimensions = (size_t)e->network->shape.dimensions;
    quern_pool_run(e->pool, pool_tile, e, e->spans);
    const float *rows = dense_head(e);
    for (int i = 0; i < e->spans; i++) {
        const struct quern_target *target = &e->span[i].target;
        const float *row = rows + (size_t)i * dimensions;
        if (target->centred)
            quern_centre_row(row, (int)dimensions, target->dimensions, target->vector);
        else
            memcpy(target->vector, row, (size_t)target->dimensions * sizeof *rows);
    }
    quern_engine_lap(e, QUERN_PASS_POOL);
}

int quern_engine_run(struct quern_engine *engine, quern_error *error)
{
    if (engine->spans == 0)
        return QUERN_OK;
    quern_kernels_begin(engine->network->kernels);
    quern_engine_layers(engine);
    quern_engine_head(engine);
    quern_kernels_end(engine->network->kernels);
    return quern_map_check(&engine->network->gguf->map, error);
}
