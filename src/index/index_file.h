/* An index file that is open for reading. */
#ifndef QUERN_INDEX_INDEX_FILE_H
#define QUERN_INDEX_INDEX_FILE_H

#include "base/map.h"
#include "index/catalogue.h"

struct quern_index {
    struct quern_map map;
    struct quern_catalogue catalogue;
};

/* A block in memory. */
struct quern_block_view {
    const struct quern_index_block *block;
    const uint8_t *bytes;
    const float *scales, *rests;
    const uint64_t *bits; /* NULL: the index has none */
    const unsigned char *vectors, *ids, *payloads;
};

struct quern_block_view quern_block_at(const struct quern_index *index, size_t block);

/* Places of the index, those of removed rows too. */
uint64_t quern_index_places(const struct quern_index *index);

/* The id of a row of a block. QUERN_EFORMAT when the block is damaged there. */
int quern_block_id(const struct quern_index *index, const struct quern_block_view *view, uint32_t row,
                   quern_index_row *out, quern_error *error);

/* A row's part of a list of texts, as blocks keep them: uint32 ends[rows], then total bytes. QUERN_EFORMAT. */
int quern_block_text(const unsigned char *list, uint32_t rows, uint64_t total, uint32_t row, quern_text *out,
                     quern_error *error);

/* Copies the vector of a row to vector[dimensions]. */
void quern_block_vector(const struct quern_index *index, const struct quern_block_view *view, uint32_t row,
                        float *vector);

/* Below zero, zero or above zero, as the id of a comes before, is, or comes after that of b. */
int quern_ids_compare(const struct quern_index_shape *shape, const quern_index_row *a, const quern_index_row *b);

#endif
