#include "index/block_builder.h"

#include "base/error.h"
#include "base/fold.h"
#include "base/pages.h"
#include "base/system/budget.h"
#include "formats/half.h"
#include "index/rounding.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BLOCK_TEXT ((size_t)16 << 20) /* bytes of payloads after which a block is written */

int quern_block_builder_open(struct quern_block_builder *builder, const struct quern_index_shape *shape, int threads,
                             quern_error *error)
{
    if (threads < 0 || threads > QUERN_MOST_THREADS)
        return quern_fail(error, QUERN_EINVAL, "options: a writer has 1 to %d threads, not %d", QUERN_MOST_THREADS,
                          threads);
    if (threads == 0)
        threads = quern_cpu_budget(NULL, 0);
    builder->shape = *shape;
    builder->vectors = malloc((size_t)shape->block_rows * shape->dimensions * sizeof *builder->vectors);
    builder->numbers = malloc(shape->block_rows * sizeof *builder->numbers);
    builder->names.ends = malloc(shape->block_rows * sizeof *builder->names.ends);
    builder->payloads.ends = malloc(shape->block_rows * sizeof *builder->payloads.ends);
    builder->lengths = malloc(shape->block_rows * sizeof *builder->lengths);
    if (builder->vectors == NULL || builder->numbers == NULL || builder->names.ends == NULL ||
        builder->payloads.ends == NULL || builder->lengths == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a block of an index");
    return quern_pool_new(&builder->pool, threads, NULL, NULL, error);
}

void quern_block_builder_free(struct quern_block_builder *builder)
{
    quern_pool_free(builder->pool);
    free(builder->vectors);
    free(builder->numbers);
    free(builder->names.ends);
    free(builder->names.bytes);
    free(builder->payloads.ends);
    free(builder->payloads.bytes);
    free(builder->lengths);
    quern_pages_release(builder->data, builder->data_capacity);
}

/* ---------------------------------------------------------------- rows */

bool quern_block_is_full(const struct quern_block_builder *builder, const struct quern_index_block *block,
                         const quern_index_row *row)
{
    return block->rows == builder->shape.block_rows ||
           (block->rows > 0 && block->payload_bytes + row->payload.length > MOST_BLOCK_TEXT) ||
           block->id_bytes > MOST_BLOCK_TEXT;
}

/* Makes room for `more` bytes behind those that are used. */
static int reserve_text(struct quern_block_texts *texts, size_t used, size_t more, quern_error *error)
{
    if (more <= texts->capacity - used)
        return QUERN_OK;
    const size_t capacity = 2 * texts->capacity + more + 4096;
    char *bytes = realloc(texts->bytes, capacity);
    if (bytes == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the texts of an index");
    texts->bytes = bytes;
    texts->capacity = capacity;
    return QUERN_OK;
}

/* Appends the text of a row, for which there is room, to those that are used. Returns how many bytes there are now. */
static uint64_t append_text(struct quern_block_texts *texts, uint64_t used, uint32_t row, quern_text text)
{
    if (text.length > 0)
        memcpy(texts->bytes + used, text.data, text.length);
    texts->ends[row] = (uint32_t)(used + text.length);
    return used + text.length;
}

int quern_block_put(struct quern_block_builder *builder, struct quern_index_block *block, const quern_index_row *row,
                    const float *vector, quern_error *error)
{
    const uint32_t dimensions = builder->shape.dimensions;
    const quern_text name = builder->shape.named ? row->name : (quern_text){NULL, 0};
    QUERN_TRY(reserve_text(&builder->names, block->id_bytes, name.length, error));
    QUERN_TRY(reserve_text(&builder->payloads, block->payload_bytes, row->payload.length, error));
    float *copy = builder->vectors + (size_t)block->rows * dimensions;
    memcpy(copy, vector, dimensions * sizeof *copy);
    for (uint32_t k = 0; k < dimensions && builder->shape.half; k++) /* as the index keeps it */
        copy[k] = quern_half_to_float(quern_float_to_half(vector[k]));
    builder->numbers[block->rows] = row->number;
    block->id_bytes = append_text(&builder->names, block->id_bytes, block->rows, name);
    block->payload_bytes = append_text(&builder->payloads, block->payload_bytes, block->rows, row->payload);
    block->rows++;
    return QUERN_OK;
}

quern_index_row quern_block_builder_id(const struct quern_block_builder *builder, uint32_t row)
{
    const struct quern_block_texts *names = &builder->names;
    const uint32_t begin = row == 0 ? 0 : names->ends[row - 1];
    quern_index_row id = {.number = builder->numbers[row]};
    if (builder->shape.named)
        id.name = (quern_text){names->bytes + begin, names->ends[row] - begin};
    return id;
}

/* ---------------------------------------------------------------- the block as it is written */

/* What the threads that round a block share. */
struct rounding {
    const struct quern_block_builder *builder;
    uint32_t count; /* rows */
    struct quern_rounded_rows rows;
    unsigned char *vectors;
};

/* A tile of the pool: a group of rows. Groups are padded with rows of zeros. */
static void round_group(void *argument, int tile, int thread)
{
    const struct rounding *job = argument;
    const struct quern_block_builder *builder = job->builder;
    const size_t dimensions = builder->shape.dimensions;
    (void)thread;
    for (size_t row = (size_t)tile * QUERN_SCAN_ROWS; row < ((size_t)tile + 1) * QUERN_SCAN_ROWS; row++) {
        const float *vector = builder->vectors + row * dimensions;
        if (row >= job->count)
            continue;
        builder->lengths[row] = quern_round_row(&job->rows, row, vector, (uint32_t)dimensions);
        if (!builder->shape.half) {
            memcpy(job->vectors + row * dimensions * sizeof(float), vector, dimensions * sizeof(float));
            continue;
        }
        uint16_t *halves = (uint16_t *)job->vectors + row * dimensions;
        for (size_t k = 0; k < dimensions; k++)
            halves[k] = quern_float_to_half(vector[k]);
    }
}

static void put_texts(unsigned char *at, const struct quern_block_texts *texts, uint32_t rows, uint64_t used)
{
    memcpy(at, texts->ends, rows * sizeof *texts->ends);
    if (used > 0)
        memcpy(at + rows * sizeof *texts->ends, texts->bytes, used);
}

/* Makes the bytes of a block in data, of which there are parts.end. */
static void fill(struct quern_block_builder *builder, const struct quern_index_block *block,
                 const struct quern_block_parts *parts)
{
    const struct quern_index_shape *shape = &builder->shape;
    unsigned char *data = builder->data;
    memset(data, 128, parts->scales); /* the byte that stands for zero, for rows and numbers that only pad */
    memset(data + parts->scales, 0, parts->end - parts->scales);
    struct rounding job = {builder, block->rows,
                           {data, (float *)(data + parts->scales), (float *)(data + parts->rests),
                            shape->has_bits ? (uint64_t *)(data + parts->bits) : NULL}, data + parts->vectors};
    quern_pool_run(builder->pool, round_group, &job, (int)quern_index_groups(block->rows));
    if (shape->named)
        put_texts(data + parts->ids, &builder->names, block->rows, block->id_bytes);
    else
        memcpy(data + parts->ids, builder->numbers, block->rows * sizeof *builder->numbers);
    put_texts(data + parts->payloads, &builder->payloads, block->rows, block->payload_bytes);
}

static int reserve_data(struct quern_block_builder *builder, size_t bytes, quern_error *error)
{
    if (bytes <= builder->data_capacity)
        return QUERN_OK;
    quern_pages_release(builder->data, builder->data_capacity);
    builder->data_capacity = 0;
    builder->data = quern_pages_take(bytes, error);
    if (builder->data == NULL)
        return QUERN_ENOMEM;
    builder->data_capacity = bytes;
    return QUERN_OK;
}

int quern_block_finish(struct quern_block_builder *builder, struct quern_index_block *block, size_t *bytes,
                       quern_error *error)
{
    const struct quern_block_parts parts = quern_index_parts(&builder->shape, block);
    QUERN_TRY(reserve_data(builder, parts.end, error));
    fill(builder, block, &parts);
    for (uint32_t row = 0; row < block->rows; row++)
        block->longest = builder->lengths[row] > block->longest ? builder->lengths[row] : block->longest;
    block->digest = quern_digest_bytes(0, builder->data, parts.end);
    *bytes = parts.end;
    return QUERN_OK;
}
