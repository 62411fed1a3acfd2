/* The layers, from token ids to the residual stream after the last one. */
#include "base/clock.h"
#include "base/pool.h"
#include "engine/engine.h"

/* Rows of a tile: about two microseconds of work. */
enum { TILE_ROWS = 4 };

/* One pass over the rows between two products. */
struct pass {
    struct quern_engine *engine;
    const float *add;  /* weight of the norm under which y is added to x; NULL: x is the tokens' embedding instead */
    const float *next; /* weight of the norm of x that is the input of the next product; NULL: none follows */
    const struct quern_activation *format; /* of that input */
    bool rest;                             /* what rounding left over of it is wanted, too */
};

static void pass_tile(void *argument, int tile, int thread)
{
    const struct pass *p = argument;
    const struct quern_engine *e = p->engine;
    const struct quern_kernels *k = e->network->kernels;
    const struct quern_shape *s = &e->network->shape;
    const int end = (tile + 1) * TILE_ROWS < e->rows ? (tile + 1) * TILE_ROWS : e->rows;
    float *row = (float *)(void *)(e->scratch + (size_t)thread * e->scratch_bytes);
    for (int i = tile * TILE_ROWS; i < end; i++) {
        float *x = e->x + (size_t)i * (size_t)s->width;
        if (p->add == NULL)
            quern_network_embedding(e->network, e->ids[i], x);
        else
            k->add_norm(x, e->y + (size_t)i * (size_t)s->width, p->add, s->width, s->epsilon);
        if (p->next != NULL && p->rest) {
            k->rms_norm(row, x, p->next, s->width, s->epsilon);
            p->format->split(e->input, e->rest, i, row, s->width);
        } else if (p->next != NULL)
            p->format->rms_norm(e->input, i, x, p->next, s->width, s->epsilon);
    }
}

static void pass(struct quern_engine *engine, const float *add, const float *next, const struct quern_matrix *matrix,
                 bool rest)
{
    const struct quern_activation *format = matrix != NULL ? quern_engine_format(engine, matrix) : NULL;
    struct pass p = {engine, add, next, format, rest && format != NULL && format->split != NULL};
    quern_pool_run(engine->pool, pass_tile, &p, (engine->rows + TILE_ROWS - 1) / TILE_ROWS);
}

/* A product of the rows, into qkv or y. */
static void product(struct quern_engine *engine, const struct quern_matrix *matrix, const unsigned char *a, float *c)
{
    quern_engine_product(engine, matrix, matrix->rows, a, engine->rows, c, (size_t)matrix->rows);
}

void quern_engine_lap(struct quern_engine *engine, enum quern_stage stage)
{
    if (engine->stage_ns == NULL)
        return;
    const uint64_t now = (uint64_t)quern_now_ns();
    engine->stage_ns[stage] += now - engine->lap_ns;
    engine->lap_ns = now;
}

/* Queries, keys and values. Half of all error of the fast path came from rounding the input of this product, because
 * scores are sensitive to it. Keys are few columns, so they are computed from what rounding left over as well. */
static void project(struct quern_engine *e, const struct quern_layer *layer)
{
    const struct quern_shape *s = &e->network->shape;
    const struct quern_matrix keys = {.rows = s->kv_heads * s->head, .length = s->width,
                                      .fast = layer->qkv.fast,
                                      .panels = layer->qkv.panels + s->heads * s->head / QUERN_PANEL_COLUMNS};
    product(e, &layer->qkv, e->input, e->qkv);
    if (quern_engine_format(e, &layer->qkv)->split != NULL)
        product(e, &keys, e->rest, e->key_rest);
}

void quern_engine_layers(struct quern_engine *e)
{
    const struct quern_layer *layers = e->network->layers, *end = layers + e->network->shape.layers;
    e->lap_ns = e->stage_ns != NULL ? (uint64_t)quern_now_ns() : 0;
    pass(e, NULL, layers->attention_norm, &layers->qkv, true);
    quern_engine_lap(e, QUERN_STAGE_EMBED);
    for (const struct quern_layer *layer = layers; layer < end; layer++) {
        const struct quern_layer *next = layer + 1 < end ? layer + 1 : NULL;
        project(e, layer);
        quern_engine_lap(e, QUERN_STAGE_QKV);
        quern_engine_attend(e, layer);
        quern_engine_lap(e, QUERN_STAGE_ATTENTION);
        product(e, &layer->output, e->input, e->y);
        quern_engine_lap(e, QUERN_STAGE_OUTPUT);
        pass(e, layer->post_attention_norm, layer->ffn_norm, &layer->gate_up, false);
        quern_engine_lap(e, QUERN_STAGE_NORM);
        quern_engine_geglu(e, layer);
        quern_engine_lap(e, QUERN_STAGE_GATE_UP);
        product(e, &layer->down, e->hidden, e->y);
        quern_engine_lap(e, QUERN_STAGE_DOWN);
        pass(e, layer->post_ffn_norm, next ? next->attention_norm : NULL, next ? &next->qkv : NULL, true);
        quern_engine_lap(e, QUERN_STAGE_NORM);
    }
}
