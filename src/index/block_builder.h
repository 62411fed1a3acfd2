/* The block that a writer fills: its rows are collected in memory, and then rounded by all threads.
 *
 * How many rows and texts are in it, the block itself says, whose fields these functions change. */
#ifndef QUERN_INDEX_BLOCK_BUILDER_H
#define QUERN_INDEX_BLOCK_BUILDER_H

#include "base/pool.h"
#include "index/block_layout.h"

/* Texts as a block keeps them. */
struct quern_block_texts {
    uint32_t *ends; /* [block_rows] */
    char *bytes;
    size_t capacity;
};

struct quern_block_builder {
    struct quern_index_shape shape;
    struct quern_pool *pool;
    float *vectors;      /* [block_rows][dimensions] */
    uint64_t *numbers;   /* [block_rows] ids */
    struct quern_block_texts names, payloads;
    float *lengths;      /* [block_rows] of the rounded vectors */
    unsigned char *data; /* [data_capacity] a block as it is written */
    size_t data_capacity;
};

/* Makes room for a block. builder is zeros; it is freed in any case. threads 0: as many as the process may use.
 * QUERN_EINVAL for a number of threads that cannot be, QUERN_ENOMEM. */
int quern_block_builder_open(struct quern_block_builder *builder, const struct quern_index_shape *shape, int threads,
                             quern_error *error);
void quern_block_builder_free(struct quern_block_builder *builder); /* zeros are allowed */

/* Whether the block has no room for a row. */
bool quern_block_is_full(const struct quern_block_builder *builder, const struct quern_index_block *block,
                         const quern_index_row *row);

/* Appends a row, for which there is room. QUERN_ENOMEM; the block is as before then. */
int quern_block_put(struct quern_block_builder *builder, struct quern_index_block *block, const quern_index_row *row,
                    const float *vector, quern_error *error);

/* The id of a row; its name is valid until the next row. */
quern_index_row quern_block_builder_id(const struct quern_block_builder *builder, uint32_t row);

/* Makes the bytes of the block in data, *bytes of them, and fills all fields of the block but the offset.
 * QUERN_ENOMEM. */
int quern_block_finish(struct quern_block_builder *builder, struct quern_index_block *block, size_t *bytes,
                       quern_error *error);

#endif
