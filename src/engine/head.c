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
        e->network->kernels->norm_f32(x, x, e->network->output_norm, s->width, s->epsilon);
        for (size_t j = 0; j < width; j++)
            mean[j] += x[j];
    }
    for (size_t j = 0; j < width; j++)
        mean[j] /= (float)span->count;
}

void quern_engine_split(const struct quern_kernels *kernels, struct quern_q8 *q, struct quern_q8 *rest, float *x,
                        int length)
{
    kernels->quantize(q, x, length);
    for (int b = 0; b < length / QUERN_BLOCK; b++)
        for (int i = 0; i < QUERN_BLOCK; i++)
            x[b * QUERN_BLOCK + i] -= q[b].scale * q[b].q[i];
    kernels->quantize(rest, x, length);
}

/* out[i] = W in[i] for every text; in is used up. The vector's last steps should add no error of their own, so where
 * activations are 8-bit each row goes in twice, the second time as what the first rounding left over. */
static void dense(struct quern_engine *e, const struct quern_matrix *matrix, int rows, float *in, float *out)
{
    const size_t length = (size_t)matrix->length, blocks = length / QUERN_BLOCK, stride = (size_t)matrix->rows;
    if (!quern_engine_uses_q8(e, matrix)) {
        quern_engine_product(e, matrix, rows, false, (const unsigned char *)in, e->spans, out, stride);
        return;
    }
    for (size_t i = 0; i < (size_t)e->spans; i++) {
        struct quern_q8 *q = e->head_q8 + 2 * i * blocks;
        quern_engine_split(e->network->kernels, q, q + blocks, in + i * length, matrix->length);
    }
    quern_engine_product(e, matrix, rows, true, (const unsigned char *)e->head_q8, 2 * e->spans, out, stride);
    for (size_t i = 0; i < (size_t)e->spans; i++) /* rows 2 i and 2 i + 1 into row i */
        for (size_t j = 0; j < (size_t)rows; j++)
            out[i * stride + j] = out[2 * i * stride + j] + out[(2 * i + 1) * stride + j];
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
    if (engine->spans == 0)
        return QUERN_OK;
    quern_engine_layers(engine);
    quern_engine_head(engine);
    quern_engine_lap(engine, QUERN_STAGE_HEAD);
    return quern_map_check(&engine->network->gguf->map, error);
}
