/* The layers of an encoder, from token ids to the residual stream after the last one. */
#include "base/clock.h"
#include "engine/engine.h"

static struct quern_input attention_input(const struct quern_engine *e, const struct quern_layer *layer)
{
    return (struct quern_input){&layer->attention_norm, &layer->qkv, e->rest};
}

static struct quern_input ffn_input(const struct quern_layer *layer)
{
    return (struct quern_input){&layer->ffn_norm, &layer->up, NULL};
}

/* y = the product of all rows with a matrix. */
static void product(struct quern_engine *e, const struct quern_matrix *matrix, const unsigned char *a, float *c)
{
    quern_engine_product(e, matrix, matrix->rows, a, e->rows, c, (size_t)matrix->rows);
}

/* Queries, keys and values. Without the rest, half of the error of the fast path comes from rounding the input of this
 * product, because scores are sensitive to it. Keys have few columns, so what rounding left over of the input is
 * multiplied for the keys too. */
static void project(struct quern_engine *e, const struct quern_layer *layer)
{
    const struct quern_matrix keys = {.rows = layer->kv_heads * layer->head, .length = layer->qkv.length,
                                      .fast = layer->qkv.fast,
                                      .panels = layer->qkv.panels + layer->heads * layer->head / QUERN_PANEL_COLUMNS};
    product(e, &layer->qkv, e->input, e->qkv);
    if (quern_engine_format(e, &layer->qkv)->split != NULL)
        product(e, &keys, e->rest, e->key_rest);
    quern_engine_lap(e, QUERN_PASS_PROJECT);
}

static void output(struct quern_engine *e, const struct quern_layer *layer)
{
    product(e, &layer->output, e->input, e->y);
    quern_engine_lap(e, QUERN_PASS_OUTPUT);
}

static void down(struct quern_engine *e, const struct quern_layer *layer)
{
    product(e, &layer->down, e->hidden, e->y);
    quern_engine_lap(e, QUERN_PASS_DOWN);
}

/* Adds the result of the feed-forward block, and computes what the layer's own input adds. */
static void take_input(struct quern_engine *e, const struct quern_layer *layer)
{
    product(e, &layer->layer_input[e->path], e->embedded, e->layer_input);
    quern_engine_lap(e, QUERN_PASS_INPUT);
    quern_engine_add_before_input(e, (struct quern_addition){&layer->ffn_sum_norm, 1}, layer);
    quern_engine_gate_input(e, layer);
    product(e, &layer->input_output, e->hidden, e->y);
    quern_engine_lap(e, QUERN_PASS_INPUT);
}

/* One layer: attention, the feed-forward block, and where there is one the layer's own input, each added to the
 * residual stream. The input of the first product is ready; the layer prepares that of the next layer, which the last
 * layer does not have. */
static void run_layer(struct quern_engine *e, const struct quern_layer *layer, const struct quern_layer *next)
{
    struct quern_addition last = {&layer->ffn_sum_norm, layer->scale};
    project(e, layer);
    quern_engine_attend(e, layer);
    output(e, layer);
    quern_engine_add_and_norm(e, (struct quern_addition){&layer->attention_sum_norm, 1}, ffn_input(layer));
    quern_engine_ffn(e, layer);
    down(e, layer);
    if (layer->layer_input[e->path].rows != 0) {
        take_input(e, layer);
        last.norm = &layer->input_sum_norm;
    }
    if (next != NULL)
        quern_engine_add_and_norm(e, last, attention_input(e, next));
    else
        quern_engine_add_last(e, last);
}

/* Lets the caller of the step do something else. The pool has no job between two layers, and all that the step needs is
 * in the engine's memory. */
static void pause_between_layers(struct quern_engine *e)
{
    if (e->pause == NULL)
        return;
    quern_kernels_end(e->network->kernels);
    e->is_paused = true;
    e->pause(e->pause_argument);
    e->is_paused = false;
    quern_kernels_begin(e->network->kernels);
}

void quern_engine_layers(struct quern_engine *e)
{
    const struct quern_layer *layers = e->network->layers;
    const int count = e->network->shape.layers;
    e->lap_ns = e->part_ns != NULL ? (uint64_t)quern_now_ns() : 0;
    quern_engine_embed(e, attention_input(e, &layers[0]));
    for (int l = 0; l < count; l++) {
        if (l > 0)
            pause_between_layers(e);
        run_layer(e, &layers[l], l + 1 < count ? &layers[l + 1] : NULL);
    }
}
