/* Attention of one layer: head norms and rotation, packing of keys and values, then every query against the keys of its
 * own text that it attends to. */
#include "base/pool.h"
#include "engine/engine.h"

struct attend {
    struct quern_engine *engine;
    const struct quern_layer *layer;
};

/* Floats from one row of queries, keys and values to the next. */
static size_t qkv_stride(const struct quern_layer *layer)
{
    return (size_t)layer->qkv.rows;
}

/* Head h of a row; keys come behind queries, and values behind keys. */
static float *head_of(const struct attend *a, int row, int h)
{
    return a->engine->qkv + (size_t)row * qkv_stride(a->layer) + (size_t)h * (size_t)a->layer->head;
}

/* Where the packed keys and values of a text lie. */
static unsigned char *packed_of(const struct attend *a, const struct quern_text_span *span, int kv_head)
{
    const struct quern_engine *e = a->engine;
    const size_t head_bytes = e->attention->packed_bytes(e->row_capacity, a->layer->head);
    return e->packed + (size_t)kv_head * head_bytes +
           e->attention->packed_bytes(span->block * QUERN_KEY_BLOCK, a->layer->head);
}

/* The text that a block of keys belongs to, and the block's first token in it. */
static const struct quern_text_span *block_of(const struct quern_engine *e, int block, int *first)
{
    const struct quern_text_span *span = e->span + e->block_span[block];
    *first = (block - span->block) * QUERN_KEY_BLOCK;
    return span;
}

static int at_most(int count, int limit)
{
    return count < limit ? count : limit;
}

/* Norms and rotates heads [begin, end) of count tokens of a text, beginning with token first. norm NULL: only
 * rotates. */
static void rotate_heads(const struct attend *a, const struct quern_text_span *span, int first, int count, int begin,
                         int end, const float *norm)
{
    const struct quern_network *network = a->engine->network;
    const struct quern_kernels *k = network->kernels;
    const struct quern_layer *layer = a->layer;
    if (layer->cosine == NULL)
        return;
    for (int i = first; i < first + count; i++) {
        const float *cosine = layer->cosine + (size_t)i * (size_t)layer->head / 2;
        const float *sine = layer->sine + (size_t)i * (size_t)layer->head / 2;
        for (int h = begin; h < end; h++) {
            float *head = head_of(a, span->first + i, h);
            if (norm != NULL)
                k->norm_rope(head, norm, cosine, sine, layer->head, network->shape.epsilon);
            else
                k->rope(head, cosine, sine, layer->head);
        }
    }
}

/* Completes the keys of count rows with what rounding had left over of their input. */
static void add_key_rest(const struct attend *a, int row, int count)
{
    const int length = a->layer->kv_heads * a->layer->head;
    for (int i = row; i < row + count; i++)
        a->engine->network->kernels->add(head_of(a, i, a->layer->heads),
                                         a->engine->key_rest + (size_t)i * (size_t)length, length);
}

/* Norms the values of count rows. */
static void norm_values(const struct attend *a, int row, int count)
{
    const struct quern_network *network = a->engine->network;
    const struct quern_layer *layer = a->layer;
    const int first = layer->heads + layer->kv_heads;
    for (int i = row; layer->value_norm != NULL && i < row + count; i++)
        for (int h = first; h < first + layer->kv_heads; h++)
            network->kernels->rms_norm(head_of(a, i, h), head_of(a, i, h), layer->value_norm, layer->head,
                                       network->shape.epsilon);
}

static void prepare_queries(const struct attend *a, const struct quern_text_span *span, int first, int count)
{
    rotate_heads(a, span, first, count, 0, a->layer->heads, a->layer->query_norm);
}

static void prepare_keys_and_values(const struct attend *a, const struct quern_text_span *span, int first, int count)
{
    const struct quern_engine *e = a->engine;
    const struct quern_layer *layer = a->layer;
    const int row = span->first + first;
    if (quern_engine_format(e, &layer->qkv)->split != NULL)
        add_key_rest(a, row, count);
    rotate_heads(a, span, first, count, layer->heads, layer->heads + layer->kv_heads, layer->key_norm);
    norm_values(a, row, count);
    for (int h = layer->heads; h < layer->heads + layer->kv_heads; h++)
        e->attention->pack(packed_of(a, span, h - layer->heads), head_of(a, row, h),
                           head_of(a, row, h + layer->kv_heads), qkv_stride(layer), first, count, layer->head);
}

/* Tile = (block, 0: its queries, 1: its keys and values). */
static void prepare_tile(void *argument, int tile, int thread)
{
    const struct attend *a = argument;
    int first;
    const struct quern_text_span *span = block_of(a->engine, tile / 2, &first);
    const int count = at_most(span->count - first, QUERN_KEY_BLOCK);
    (void)thread;
    if (tile % 2 == 0)
        prepare_queries(a, span, first, count);
    else
        prepare_keys_and_values(a, span, first, count);
}

/* Puts the result of query row `row` (token row / group of its text) where the output product reads it. */
static void put_result(const struct attend *a, const struct quern_text_span *span, int kv_head, int row,
                       const float *result)
{
    const struct quern_layer *layer = a->layer;
    const int group = layer->heads / layer->kv_heads, h = kv_head * group + row % group;
    quern_engine_format(a->engine, &layer->output)->write(a->engine->input, span->first + row / group,
                                                          layer->output.length, h * layer->head, result, layer->head);
}

/* Tokens whose queries a thread takes at a time: the fewest from tile_tokens on whose rows are at least three quarters
 * of those that are computed for them. */
static int tile_tokens(const struct quern_engine *e, const struct quern_layer *layer)
{
    const int group = layer->heads / layer->kv_heads, rows = e->attention->rows;
    int tokens = e->attention->tile_tokens;
    while (tokens < QUERN_KEY_BLOCK && 4 * tokens * group < 3 * ((tokens * group + rows - 1) / rows * rows))
        tokens *= 2;
    return tokens;
}

/* Tile = (block, tile_tokens of it, key and value head). */
static void attend_tile(void *argument, int tile, int thread)
{
    const struct attend *a = argument;
    const struct quern_engine *e = a->engine;
    const struct quern_layer *layer = a->layer;
    const int tokens = tile_tokens(e, layer), parts = QUERN_KEY_BLOCK / tokens;
    const int kv_head = tile % layer->kv_heads, part = tile / layer->kv_heads;
    const int group = layer->heads / layer->kv_heads;
    int first;
    const struct quern_text_span *span = block_of(e, part / parts, &first);
    first += part % parts * tokens;
    const int end = at_most(span->count, first + tokens) * group;
    const struct quern_attention_job job = {
        .packed = packed_of(a, span, kv_head), .queries = head_of(a, span->first, kv_head * group),
        .token_stride = qkv_stride(layer), .group = group, .dimensions = layer->head, .tokens = span->count,
        .before = layer->window, .after = a->engine->network->causal ? 0 : layer->window, .scale = layer->score_scale};
    float *result = (float *)(void *)(e->scratch + (size_t)thread * e->scratch_bytes);
    unsigned char *scratch = (unsigned char *)result + e->result_bytes;

    for (int row = first * group; row < end; row += e->attention->rows) {
        const int count = at_most(end - row, e->attention->rows);
        e->attention->run(result, &job, row, count, scratch);
        for (int i = 0; i < count; i++)
            put_result(a, span, kv_head, row + i, result + (size_t)i * (size_t)layer->head);
    }
}

void quern_engine_attend(struct quern_engine *engine, const struct quern_layer *layer)
{
    struct attend a = {engine, layer};
    quern_pool_run(engine->pool, prepare_tile, &a, 2 * engine->blocks);
    quern_engine_lap(engine, QUERN_PASS_HEADS);
    quern_pool_run(engine->pool, attend_tile, &a,
                   engine->blocks * (QUERN_KEY_BLOCK / tile_tokens(engine, layer)) * layer->kv_heads);
    quern_engine_lap(engine, QUERN_PASS_ATTEND);
}
