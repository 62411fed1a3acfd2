/* The residual stream: its rows between two products. */
#include "base/pool.h"
#include "engine/engine.h"

#include <string.h>

/* Rows of a tile: about two microseconds of work. */
enum { TILE_ROWS = 4 };

/* A pass over all rows. */
struct row_pass {
    const struct quern_engine *engine;
    struct quern_addition addition; /* of y to x */
    struct quern_input next;
    void (*run)(const struct row_pass *pass, int row, float *x, float *scratch); /* x: the row; scratch: [width] */
};

void quern_engine_norm_row(const struct quern_engine *e, float *dst, const float *x, const struct quern_norm *norm)
{
    const struct quern_kernels *k = e->network->kernels;
    const struct quern_shape *s = &e->network->shape;
    switch (e->network->arch->norm) {
    case QUERN_NORM_RMS: k->rms_norm(dst, x, norm->weight, s->width, s->epsilon); break;
    case QUERN_NORM_LAYER: k->layer_norm(dst, x, norm->weight, norm->bias, s->width, s->epsilon); break;
    }
}

/* Writes the row as the next product reads it. An RMS norm is computed and written in one go. */
static void write_input(const struct row_pass *pass, int row, const float *x, float *scratch)
{
    const struct quern_engine *e = pass->engine;
    const struct quern_input *next = &pass->next;
    const struct quern_activation *format = quern_engine_format(e, next->matrix);
    const struct quern_shape *s = &e->network->shape;
    const bool split = next->rest != NULL && format->split != NULL, normed = next->norm->weight != NULL;
    if (normed && !split && e->network->arch->norm == QUERN_NORM_RMS) {
        format->rms_norm(e->input, row, x, next->norm->weight, s->width, s->epsilon);
        return;
    }
    if (normed)
        quern_engine_norm_row(e, scratch, x, next->norm);
    else
        memcpy(scratch, x, (size_t)s->width * sizeof *x);
    if (split)
        format->split(e->input, next->rest, row, scratch, s->width);
    else
        format->write(e->input, row, s->width, 0, scratch, s->width);
}

static void embed_row(const struct row_pass *pass, int row, float *x, float *scratch)
{
    const struct quern_engine *e = pass->engine;
    const struct quern_network *network = e->network;
    quern_network_embed(network, e->ids[row], e->position[row], x);
    if (network->embedding_norm.weight != NULL)
        quern_engine_norm_row(e, x, x, &network->embedding_norm);
    if (e->embedded != NULL)
        quern_engine_format(e, &network->layers[0].layer_input[e->path])
            ->write(e->embedded, row, network->shape.width, 0, x, network->shape.width);
    write_input(pass, row, x, scratch);
}

static void add_row(const struct row_pass *pass, int row, float *x, float *scratch)
{
    const struct quern_engine *e = pass->engine;
    const struct quern_kernels *k = e->network->kernels;
    const struct quern_shape *s = &e->network->shape;
    const float *y = e->y + (size_t)row * (size_t)s->width;
    (void)scratch;
    switch (e->network->arch->sum) {
    case QUERN_SUM_OF_NORM: k->add_norm(x, y, pass->addition.norm->weight, s->width, s->epsilon); break;
    case QUERN_NORM_OF_SUM:
        k->add(x, y, s->width);
        quern_engine_norm_row(e, x, x, pass->addition.norm);
        break;
    case QUERN_PLAIN_SUM: k->add(x, y, s->width); break;
    }
    for (int i = 0; pass->addition.scale != 1 && i < s->width; i++)
        x[i] *= pass->addition.scale;
}

static void add_and_norm_row(const struct row_pass *pass, int row, float *x, float *scratch)
{
    add_row(pass, row, x, scratch);
    write_input(pass, row, x, scratch);
}

/* The norm of p / sqrt(width), where p is the product with the embedding: an epsilon that is width times as large does
 * the same to p itself. */
static void add_before_input_row(const struct row_pass *pass, int row, float *x, float *scratch)
{
    const struct quern_engine *e = pass->engine;
    const struct quern_shape *s = &e->network->shape;
    float *input = e->layer_input + (size_t)row * (size_t)s->layer_input;
    e->network->kernels->rms_norm(input, input, e->network->layer_input_norm, s->layer_input,
                                  s->epsilon * (float)s->width);
    add_and_norm_row(pass, row, x, scratch);
}

static void row_tile(void *argument, int tile, int thread)
{
    const struct row_pass *pass = argument;
    const struct quern_engine *e = pass->engine;
    const int end = (tile + 1) * TILE_ROWS < e->rows ? (tile + 1) * TILE_ROWS : e->rows;
    float *scratch = (float *)(void *)(e->scratch + (size_t)thread * e->scratch_bytes);
    for (int row = tile * TILE_ROWS; row < end; row++)
        pass->run(pass, row, e->x + (size_t)row * (size_t)e->network->shape.width, scratch);
}

static void run_rows(struct row_pass *pass)
{
    quern_pool_run(pass->engine->pool, row_tile, pass, (pass->engine->rows + TILE_ROWS - 1) / TILE_ROWS);
}

void quern_engine_embed(struct quern_engine *engine, struct quern_input next)
{
    struct row_pass pass = {.engine = engine, .next = next, .run = embed_row};
    run_rows(&pass);
    quern_engine_lap(engine, QUERN_PASS_EMBED);
}

void quern_engine_add_and_norm(struct quern_engine *engine, struct quern_addition addition, struct quern_input next)
{
    struct row_pass pass = {.engine = engine, .addition = addition, .next = next, .run = add_and_norm_row};
    run_rows(&pass);
    quern_engine_lap(engine, QUERN_PASS_ADD);
}

void quern_engine_add_last(struct quern_engine *engine, struct quern_addition addition)
{
    struct row_pass pass = {.engine = engine, .addition = addition, .run = add_row};
    run_rows(&pass);
    quern_engine_lap(engine, QUERN_PASS_ADD);
}

void quern_engine_add_before_input(struct quern_engine *engine, struct quern_addition addition,
                                   const struct quern_layer *layer)
{
    static const struct quern_norm none = {NULL, NULL};
    struct row_pass pass = {.engine = engine, .addition = addition, .next = {&none, &layer->input_gate, NULL},
                            .run = add_before_input_row};
    run_rows(&pass);
    quern_engine_lap(engine, QUERN_PASS_ADD);
}
