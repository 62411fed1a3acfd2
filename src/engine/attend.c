/* Attention of one layer: head norms and rotation, packing of keys and values, then every query against what it may see
 * of its own text. */
#include "base/pool.h"
#include "engine/engine.h"

/* Tokens of a tile of attention: few enough for every thread to find work in a short text. They divide QUERN_KEY_BLOCK, and
 * with three query heads that share keys they fill the rows that kernels compute together. */
enum { TILE_TOKENS = 4 };
static_assert(QUERN_KEY_BLOCK % TILE_TOKENS == 0, "a block of keys is a whole number of tiles");

struct attend {
    struct quern_engine *engine;
    const struct quern_layer *layer;
};

static size_t qkv_stride(const struct quern_shape *s)
{
    return (size_t)(s->heads + 2 * s->kv_heads) * (size_t)s->head;
}

/* The text that a block of keys belongs to, and the block's first token in it. */
static const struct quern_span *block_of(const struct quern_engine *e, int block, int *first)
{
    const struct quern_span *span = e->span + e->block_span[block];
    *first = (block - span->block) * QUERN_KEY_BLOCK;
    return span;
}

static int at_most(int count, int limit)
{
    return count < limit ? count : limit;
}

/* Norms and rotates heads [begin, end) of count tokens, on from the span's token first. */
static void turn_heads(const struct attend *a, const struct quern_span *span, int first, int count, int begin, int end)
{
    const struct quern_network *network = a->engine->network;
    const struct quern_shape *s = &network->shape;
    const size_t stride = qkv_stride(s), head = (size_t)s->head;
    const float *cosine = network->cosine[a->layer->local], *sine = network->sine[a->layer->local];
    for (int i = first; i < first + count; i++)
        for (int h = begin; h < end; h++)
            network->kernels->norm_rope(a->engine->qkv + (size_t)(span->first + i) * stride + (size_t)h * head,
                                        h < s->heads ? a->layer->query_norm : a->layer->key_norm,
                                        cosine + (size_t)i * head / 2, sine + (size_t)i * head / 2, s->head,
                                        s->epsilon);
}

/* Completes the keys of count rows with what rounding had left over of their input. */
static void add_key_rest(const struct quern_engine *e, int row, int count)
{
    const struct quern_shape *s = &e->network->shape;
    const size_t length = (size_t)(s->kv_heads * s->head);
    for (size_t i = (size_t)row; i < (size_t)(row + count); i++) {
        float *keys = e->qkv + i * qkv_stride(s) + (size_t)(s->heads * s->head);
        for (size_t j = 0; j < length; j++)
            keys[j] += e->key_rest[i * length + j];
    }
}

/* Tile = (block, 0: its queries, 1: its keys and values). */
static void prepare_tile(void *argument, int tile, int thread)
{
    const struct attend *a = argument;
    const struct quern_engine *e = a->engine;
    const struct quern_shape *s = &e->network->shape;
    const size_t stride = qkv_stride(s), head = (size_t)s->head;
    int first;
    const struct quern_span *span = block_of(e, tile / 2, &first);
    const int count = at_most(span->count - first, QUERN_KEY_BLOCK);
    (void)thread;
    if (tile % 2 == 0) {
        turn_heads(a, span, first, count, 0, s->heads);
        return;
    }
    if (quern_engine_format(e, &a->layer->qkv)->split != NULL)
        add_key_rest(e, span->first + first, count);
    turn_heads(a, span, first, count, s->heads, s->heads + s->kv_heads);
    for (int h = 0; h < s->kv_heads; h++) {
        const float *keys = e->qkv + (size_t)(span->first + first) * stride + (size_t)(s->heads + h) * head;
        e->attention->pack(e->packed + (size_t)h * e->packed_bytes + span->packed, keys,
                           keys + (size_t)s->kv_heads * head, stride, first, count, s->head);
    }
}

/* Puts the result of query row `row` (token row / group of its text) where the output product reads it. */
static void put_result(const struct attend *a, const struct quern_span *span, int kv_head, int row, const float *result)
{
    const struct quern_engine *e = a->engine;
    const struct quern_shape *s = &e->network->shape;
    const int group = s->heads / s->kv_heads, head = kv_head * group + row % group;
    quern_engine_format(e, &a->layer->output)->write(e->input, span->first + row / group, a->layer->output.length,
                                                     head * s->head, result, s->head);
}

/* Tile = (block, TILE_TOKENS of it, key and value head). */
static void attend_tile(void *argument, int tile, int thread)
{
    const struct attend *a = argument;
    const struct quern_engine *e = a->engine;
    const struct quern_shape *s = &e->network->shape;
    const int parts = QUERN_KEY_BLOCK / TILE_TOKENS, kv_head = tile % s->kv_heads, part = tile / s->kv_heads;
    const int group = s->heads / s->kv_heads;
    int first;
    const struct quern_span *span = block_of(e, part / parts, &first);
    first += part % parts * TILE_TOKENS;
    const int end = at_most(span->count, first + TILE_TOKENS) * group;
    const struct quern_attention_job job = {
        .packed = e->packed + (size_t)kv_head * e->packed_bytes + span->packed,
        .queries = e->qkv + (size_t)span->first * qkv_stride(s) + (size_t)(kv_head * group) * (size_t)s->head,
        .token_stride = qkv_stride(s), .group = group, .dimensions = s->head, .tokens = span->count,
        .window = a->layer->local ? s->window : span->count, .scale = e->score_scale};
    float *result = (float *)(void *)(e->scratch + (size_t)thread * e->scratch_bytes);
    unsigned char *scratch = (unsigned char *)result + e->result_bytes;

    for (int row = first * group; row < end; row += e->attention->rows) {
        const int count = at_most(end - row, e->attention->rows);
        e->attention->run(result, &job, row, count, scratch);
        for (int i = 0; i < count; i++)
            put_result(a, span, kv_head, row + i, result + (size_t)i * (size_t)s->head);
    }
}

void quern_engine_attend(struct quern_engine *engine, const struct quern_layer *layer)
{
    struct attend a = {engine, layer};
    quern_pool_run(engine->pool, prepare_tile, &a, 2 * engine->blocks);
    quern_engine_lap(engine, QUERN_STAGE_ROPE);
    quern_pool_run(engine->pool, attend_tile, &a,
                   engine->blocks * (QUERN_KEY_BLOCK / TILE_TOKENS) * engine->network->shape.kv_heads);
}
