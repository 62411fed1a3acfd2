/* Memory of an engine, and the filling of steps. */
#include "base/error.h"
#include "base/pool.h"
#include "engine/engine.h"

#include <math.h>
#include <string.h>

/* Enough rows to keep the multipliers busy between two barriers, few enough that a layer's buffers stay in the caches:
 * see bench/RESULTS.md. */
enum { GOOD_FILL = 512 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t round_up(size_t n)
{
    return (n + QUERN_ALIGN - 1) / QUERN_ALIGN * QUERN_ALIGN;
}

/* Bytes of the longest row of activations that goes into one of these matrices. */
static size_t row_bytes(const struct quern_engine *e, const struct quern_matrix *const *matrices, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes = larger(bytes, quern_activation_row_bytes(quern_engine_format(e, matrices[i]), matrices[i]->length));
    return bytes;
}

/* Rows of a buffer of activations, whatever path takes them. */
static size_t buffer_rows(const struct quern_engine *e, size_t rows)
{
    const struct quern_activation *const *formats = e->network->kernels->activation;
    return larger(quern_activation_rows(formats[QUERN_PATH_FAST], rows),
                  quern_activation_rows(formats[QUERN_PATH_EXACT], rows));
}

static void plan(struct quern_engine *e)
{
    const struct quern_activation *format = e->network->kernels->activation[e->path];
    const struct quern_shape *s = &e->network->shape;
    const size_t rows = (size_t)e->row_capacity, spans = (size_t)e->span_capacity, inputs = buffer_rows(e, rows);
    const size_t head_rows = 2 * buffer_rows(e, spans);
    const size_t qkv_bytes = (size_t)(s->heads + 2 * s->kv_heads) * (size_t)s->head * sizeof(float);
    const size_t y_bytes = (size_t)s->width * sizeof(float);
    struct quern_arena *arena = &e->arena;
    size_t input_bytes = 0, hidden_bytes = 0;
    for (int l = 0; l < s->layers; l++) {
        const struct quern_layer *layer = e->network->layers + l;
        const struct quern_matrix *readers[] = {&layer->qkv, &layer->output, &layer->gate_up}, *down = &layer->down;
        input_bytes = larger(input_bytes, row_bytes(e, readers, 3));
        hidden_bytes = larger(hidden_bytes, row_bytes(e, &down, 1));
    }

    e->ids = quern_arena_take(arena, rows, sizeof *e->ids);
    e->span = quern_arena_take(arena, spans, sizeof *e->span);
    e->block_span = quern_arena_take(arena, spans, sizeof *e->block_span);
    e->x = quern_arena_take(arena, rows, (size_t)s->width * sizeof *e->x);
    e->input = quern_arena_take(arena, inputs, input_bytes);
    if (format->split != NULL) {
        e->rest = quern_arena_take(arena, inputs, quern_activation_row_bytes(format, s->width));
        e->key_rest = quern_arena_take(arena, rows, (size_t)(s->kv_heads * s->head) * sizeof *e->key_rest);
    }
    /* qkv is dead once attention has run; then y and, behind it, hidden live in its place. */
    unsigned char *shared = quern_arena_take(arena, inputs, larger(qkv_bytes, y_bytes + hidden_bytes));
    e->qkv = (float *)(void *)shared;
    e->y = (float *)(void *)shared;
    e->hidden = shared != NULL ? shared + inputs * y_bytes : NULL;
    e->packed = quern_arena_take(arena, (size_t)s->kv_heads, e->packed_bytes);
    e->mean = quern_arena_take(arena, head_rows, y_bytes);
    e->head_hidden = quern_arena_take(arena, head_rows, (size_t)s->head_hidden * sizeof *e->head_hidden);
    const struct quern_matrix *dense[] = {&e->network->dense_2, &e->network->dense_3};
    e->head_input = quern_arena_take(arena, head_rows, row_bytes(e, dense, 2));
    e->scratch = quern_arena_take(arena, (size_t)quern_pool_threads(e->pool), e->scratch_bytes);
}

/* A thread's scratch memory: for attention with a tile of its results, for gate and up, or for a normed row. */
static size_t scratch_bytes(const struct quern_engine *e)
{
    const struct quern_shape *s = &e->network->shape;
    const size_t ffn_rows = (size_t)e->network->kernels->ffn_rows;
    const size_t gate_up = ffn_rows * 2 * QUERN_PANEL_COLUMNS * sizeof(float);
    const size_t row = round_up((size_t)s->width * sizeof(float));
    return larger(e->result_bytes + round_up(e->attention->scratch_bytes(s->context, s->head)), larger(gate_up, row));
}

int quern_engine_new(struct quern_engine *e, const struct quern_network *network, struct quern_pool *pool,
                     enum quern_path path, int fill, quern_error *error)
{
    const struct quern_shape *s = &network->shape;
    const struct quern_kernels *k = network->kernels;
    *e = (struct quern_engine){.network = network, .pool = pool, .path = path, .fill = fill > 0 ? fill : GOOD_FILL};
    e->attention = k->attention[path];
    e->row_capacity = ((s->context > e->fill ? s->context : e->fill) + QUERN_KEY_BLOCK - 1) / QUERN_KEY_BLOCK * QUERN_KEY_BLOCK;
    e->span_capacity = e->row_capacity / QUERN_KEY_BLOCK;
    /* Texts are packed in whole blocks, so a step of many takes no more than one as long as all of them. */
    e->packed_bytes = e->attention->packed_bytes(e->row_capacity, s->head);
    e->result_bytes = round_up((size_t)e->attention->rows * (size_t)s->head * sizeof(float));
    e->scratch_bytes = scratch_bytes(e);
    e->score_scale = (float)(1 / sqrt(s->head));
    plan(e);
    QUERN_TRY(quern_arena_reserve(&e->arena, error));
    plan(e);
    return QUERN_OK;
}

void quern_engine_free(struct quern_engine *engine)
{
    quern_arena_release(&engine->arena);
}

static int blocks_of(int count)
{
    return (count + QUERN_KEY_BLOCK - 1) / QUERN_KEY_BLOCK;
}

bool quern_engine_fits(const struct quern_engine *engine, int count)
{
    return engine->spans == 0 || (engine->blocks + blocks_of(count)) * QUERN_KEY_BLOCK <= engine->fill;
}

void quern_engine_add(struct quern_engine *e, const int32_t *ids, int count, const struct quern_target *target)
{
    memcpy(e->ids + e->rows, ids, (size_t)count * sizeof *ids);
    e->span[e->spans] = (struct quern_span){
        .first = e->rows, .count = count, .block = e->blocks, .target = *target,
        .packed = e->attention->packed_bytes(e->blocks * QUERN_KEY_BLOCK, e->network->shape.head)};
    for (int b = 0; b < blocks_of(count); b++)
        e->block_span[e->blocks++] = e->spans;
    e->rows += count;
    e->spans++;
}

void quern_engine_clear(struct quern_engine *engine)
{
    engine->rows = engine->spans = engine->blocks = 0;
}
