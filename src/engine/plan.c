/* Memory of an engine, and the filling of steps. */
#include "base/error.h"
#include "base/pool.h"
#include "engine/engine.h"

#include <string.h>

/* Enough rows to keep the multipliers busy between two barriers, few enough that a layer's buffers stay in the caches:
 * see bench/LOG.md. */
enum { GOOD_FILL = 512 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t round_up(size_t n)
{
    return (n + QUERN_ALIGN - 1) / QUERN_ALIGN * QUERN_ALIGN;
}

/* Bytes that the layers ask for at most. Of a row: */
struct needs {
    size_t input, hidden, qkv, key_rest, embedded;
    size_t packed;          /* of keys and values of a full step */
    size_t result, attends; /* of a thread: a tile of attention's results, and its scratch memory */
};

/* Bytes of a row that enters a product with this matrix. */
static size_t input_bytes(const struct quern_engine *e, const struct quern_matrix *matrix)
{
    return quern_activation_row_bytes(quern_engine_format(e, matrix), matrix->length);
}

static struct needs measure(const struct quern_engine *e)
{
    struct needs n = {0};
    for (int l = 0; l < e->network->shape.layers; l++) {
        const struct quern_layer *layer = &e->network->layers[l];
        const size_t kv_heads = (size_t)layer->kv_heads, head_bytes = (size_t)layer->head * sizeof(float);
        n.input = larger(n.input, input_bytes(e, &layer->qkv));
        n.input = larger(n.input, input_bytes(e, &layer->output));
        n.input = larger(n.input, input_bytes(e, &layer->up));
        n.hidden = larger(n.hidden, input_bytes(e, &layer->down));
        if (layer->layer_input[e->path].rows != 0) {
            n.embedded = larger(n.embedded, input_bytes(e, &layer->layer_input[e->path]));
            n.input = larger(n.input, input_bytes(e, &layer->input_gate));
            n.hidden = larger(n.hidden, input_bytes(e, &layer->input_output));
        }
        n.qkv = larger(n.qkv, (size_t)layer->qkv.rows * sizeof(float));
        n.key_rest = larger(n.key_rest, kv_heads * head_bytes);
        /* Texts are packed in whole blocks, so a step of many takes no more than one as long as all of them. */
        n.packed = larger(n.packed, kv_heads * e->attention->packed_bytes(e->row_capacity, layer->head));
        n.result = larger(n.result, round_up((size_t)e->attention->rows * head_bytes));
        n.attends = larger(n.attends, e->attention->scratch_bytes(e->network->shape.context, layer->head));
    }
    return n;
}

/* Rows of a buffer of activations, whatever path takes them. */
static size_t buffer_rows(const struct quern_engine *e, size_t rows)
{
    const struct quern_activation *const *formats = e->network->kernels->activation;
    return larger(quern_activation_rows(formats[QUERN_PATH_FAST], rows),
                  quern_activation_rows(formats[QUERN_PATH_EXACT], rows));
}

static void plan_head(struct quern_engine *e)
{
    const struct quern_network *network = e->network;
    const size_t rows = 2 * buffer_rows(e, (size_t)e->span_capacity);
    size_t most[2] = {(size_t)network->shape.width, 0}, input = 0; /* elements of a row in the two buffers */
    for (int i = 0; i < QUERN_MOST_DENSE && network->dense[i].rows != 0; i++) {
        most[(i + 1) % 2] = larger(most[(i + 1) % 2], (size_t)network->dense[i].rows);
        input = larger(input, input_bytes(e, &network->dense[i]));
    }
    e->pooled = quern_arena_take(&e->arena, rows, most[0] * sizeof *e->pooled);
    e->head_hidden = quern_arena_take(&e->arena, rows, most[1] * sizeof *e->head_hidden);
    e->head_input = quern_arena_take(&e->arena, rows, input);
}

static void plan(struct quern_engine *e, const struct needs *n)
{
    const struct quern_activation *format = e->network->kernels->activation[e->path];
    const size_t rows = (size_t)e->row_capacity, spans = (size_t)e->span_capacity, inputs = buffer_rows(e, rows);
    const size_t width = (size_t)e->network->shape.width, y_bytes = width * sizeof *e->y;
    struct quern_arena *arena = &e->arena;

    e->ids = quern_arena_take(arena, rows, sizeof *e->ids);
    e->position = quern_arena_take(arena, rows, sizeof *e->position);
    e->span = quern_arena_take(arena, spans, sizeof *e->span);
    e->block_span = quern_arena_take(arena, spans, sizeof *e->block_span);
    e->x = quern_arena_take(arena, rows, width * sizeof *e->x);
    e->input = quern_arena_take(arena, inputs, n->input);
    if (format->split != NULL) {
        e->rest = quern_arena_take(arena, inputs, quern_activation_row_bytes(format, (int)width));
        e->key_rest = quern_arena_take(arena, rows, n->key_rest);
    }
    /* qkv is not used after attention. Then y and, behind it, hidden take its memory. */
    unsigned char *shared = quern_arena_take(arena, inputs, larger(n->qkv, y_bytes + n->hidden));
    e->qkv = (float *)(void *)shared;
    e->y = (float *)(void *)shared;
    e->hidden = shared != NULL ? shared + inputs * y_bytes : NULL;
    e->packed = quern_arena_take(arena, 1, n->packed);
    if (n->embedded > 0) {
        e->embedded = quern_arena_take(arena, inputs, n->embedded);
        e->layer_input = quern_arena_take(arena, rows, (size_t)e->network->shape.layer_input * sizeof *e->layer_input);
    }
    plan_head(e);
    e->scratch = quern_arena_take(arena, (size_t)quern_pool_threads(e->pool), e->scratch_bytes);
}

/* A thread's scratch memory: for attention with a tile of its results, for gate and up, or for a normed row. */
static size_t scratch_bytes(const struct quern_engine *e, const struct needs *n)
{
    const size_t gate_up = (size_t)e->network->kernels->ffn_rows * 2 * QUERN_PANEL_COLUMNS * sizeof(float);
    const size_t row = round_up((size_t)e->network->shape.width * sizeof(float));
    return larger(n->result + round_up(n->attends), larger(gate_up, row));
}

static int blocks_of(int count)
{
    return (count + QUERN_KEY_BLOCK - 1) / QUERN_KEY_BLOCK;
}

int quern_engine_new(struct quern_engine *e, const struct quern_network *network, struct quern_pool *pool,
                     enum quern_path path, int fill, quern_error *error)
{
    *e = (struct quern_engine){.network = network, .pool = pool, .path = path, .fill = fill > 0 ? fill : GOOD_FILL};
    e->attention = network->kernels->attention[path];
    e->span_capacity = blocks_of(network->shape.context > e->fill ? network->shape.context : e->fill);
    e->row_capacity = e->span_capacity * QUERN_KEY_BLOCK;
    const struct needs needs = measure(e);
    e->result_bytes = needs.result;
    e->scratch_bytes = scratch_bytes(e, &needs);
    plan(e, &needs);
    QUERN_TRY(quern_arena_reserve(&e->arena, error));
    plan(e, &needs);
    return QUERN_OK;
}

void quern_engine_free(struct quern_engine *engine)
{
    quern_arena_release(&engine->arena);
}

bool quern_engine_fits(const struct quern_engine *engine, int count)
{
    return engine->spans == 0 || (engine->blocks + blocks_of(count)) * QUERN_KEY_BLOCK <= engine->fill;
}

void quern_engine_add(struct quern_engine *e, const int32_t *ids, int count, const struct quern_target *target)
{
    memcpy(e->ids + e->rows, ids, (size_t)count * sizeof *ids);
    for (int i = 0; i < count; i++)
        e->position[e->rows + i] = i;
    e->span[e->spans] =
        (struct quern_text_span){.first = e->rows, .count = count, .block = e->blocks, .target = *target};
    for (int b = 0; b < blocks_of(count); b++)
        e->block_span[e->blocks++] = e->spans;
    e->rows += count;
    e->spans++;
}

void quern_engine_clear(struct quern_engine *engine)
{
    engine->rows = engine->spans = engine->blocks = 0;
}
