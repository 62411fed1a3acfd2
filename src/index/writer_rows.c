/* The rows of a writer: finding, adding and removing them. */
#include "index/index_writer.h"

#include "base/error.h"
#include "index/index_file.h"
#include "index/rounding.h"

#include <stdlib.h>

#define MOST_HALF 65504.0f /* the largest half float */

/* The id of a row that was written already. The texts are malloc'd into *memory. */
static int read_id(const struct quern_index_writer *writer, uint64_t place, quern_index_row *id, char **memory,
                   quern_error *error)
{
    const struct quern_catalogue *catalogue = &writer->catalogue;
    const size_t b = quern_catalogue_block(catalogue, place);
    const struct quern_index_block *block = &catalogue->blocks[b];
    const uint32_t row = (uint32_t)(place - catalogue->first[b]);
    const uint64_t ids = block->offset + quern_index_parts(&catalogue->shape, block).ids;
    uint32_t ends[2] = {0};
    if (!catalogue->shape.named)
        return quern_writer_read_at(writer, &id->number, sizeof id->number, ids + row * sizeof id->number, error);
    if (row == 0)
        QUERN_TRY(quern_writer_read_at(writer, &ends[1], sizeof ends[1], ids, error));
    else
        QUERN_TRY(quern_writer_read_at(writer, ends, sizeof ends, ids + (row - 1) * sizeof ends[0], error));
    if (ends[0] > ends[1] || ends[1] > block->id_bytes)
        return quern_fail(error, QUERN_EFORMAT, "%s is damaged: the name of the row at place %llu cannot be",
                          writer->path, (unsigned long long)place);
    const size_t length = ends[1] - ends[0];
    *memory = malloc(length + 1);
    if (*memory == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the name of a row");
    id->name = (quern_text){*memory, length};
    return quern_writer_read_at(writer, *memory, length, ids + block->rows * sizeof ends[0] + ends[0], error);
}

/* Whether the row at a place has this id. */
static int has_id(const struct quern_index_writer *writer, uint64_t place, const quern_index_row *id, bool *same,
                  quern_error *error)
{
    const struct quern_catalogue *catalogue = &writer->catalogue;
    quern_index_row found = {0};
    char *memory = NULL;
    if (quern_writer_block(writer) != NULL && place >= catalogue->first[catalogue->count - 1]) {
        found = quern_block_builder_id(&writer->builder, (uint32_t)(place - catalogue->first[catalogue->count - 1]));
    } else {
        const int code = read_id(writer, place, &found, &memory, error);
        if (code != QUERN_OK) {
            free(memory);
            return code;
        }
    }
    *same = quern_ids_compare(&catalogue->shape, &found, id) == 0;
    free(memory);
    return QUERN_OK;
}

/* Finds the row with an id: its place, or QUERN_NO_PLACE. The probe stands at its entry of the table. */
static int find(const struct quern_index_writer *writer, const quern_index_row *id, struct quern_id_probe *probe,
                uint64_t *place, quern_error *error)
{
    *probe = quern_id_probe(&writer->table, id);
    while (quern_id_next(&writer->table, probe, place)) {
        bool same = false;
        if (*place == QUERN_NO_PLACE)
            continue;
        QUERN_TRY(has_id(writer, *place, id, &same, error));
        if (same)
            return QUERN_OK;
    }
    *place = QUERN_NO_PLACE;
    return QUERN_OK;
}

static int mark_removed(struct quern_index_writer *writer, uint64_t place, quern_error *error)
{
    struct quern_catalogue *catalogue = &writer->catalogue;
    const size_t block = quern_catalogue_block(catalogue, place);
    const uint64_t row = place - catalogue->first[block];
    QUERN_TRY(quern_catalogue_bitmap(catalogue, block, error));
    catalogue->removed[block][row / 64] |= UINT64_C(1) << row % 64;
    catalogue->blocks[block].removed++;
    writer->changed = true;
    return QUERN_OK;
}

static int add(struct quern_index_writer *writer, const quern_index_row *row, const float *vector, quern_error *error)
{
    struct quern_catalogue *catalogue = &writer->catalogue;
    struct quern_id_probe probe;
    uint64_t before;
    QUERN_TRY(quern_writer_make_room(writer, row, error));
    QUERN_TRY(find(writer, row, &probe, &before, error));
    QUERN_TRY(quern_block_put(&writer->builder, quern_writer_block(writer), row, vector, error));
    const uint64_t place = catalogue->first[catalogue->count]++;
    writer->changed = true;
    if (before == QUERN_NO_PLACE)
        return quern_id_put(&writer->table, row, place, error);
    quern_id_replace(&writer->table, &probe, place);
    return mark_removed(writer, before, error);
}

/* ---------------------------------------------------------------- checks */

static int check_id(const struct quern_index_writer *writer, const quern_index_row *row, quern_error *error)
{
    if (writer->catalogue.shape.named &&
        (row->name.data == NULL || row->name.length < 1 || row->name.length > QUERN_INDEX_MOST_NAME))
        return quern_fail(error, QUERN_EINVAL, "the name of a row has 1 to %d bytes, not %zu", QUERN_INDEX_MOST_NAME,
                          row->name.length);
    return QUERN_OK;
}

static int check_row(const struct quern_index_writer *writer, const quern_index_row *row, const float *vector,
                     quern_error *error)
{
    const uint32_t dimensions = writer->catalogue.shape.dimensions;
    QUERN_TRY(check_id(writer, row, error));
    if (row->payload.length > QUERN_INDEX_MOST_PAYLOAD || (row->payload.data == NULL && row->payload.length > 0))
        return quern_fail(error, QUERN_EINVAL, "the payload of a row has at most %u bytes, not %zu",
                          QUERN_INDEX_MOST_PAYLOAD, row->payload.length);
    if (!(quern_vector_length(vector, dimensions) <= QUERN_INDEX_LONGEST))
        return quern_fail(error, QUERN_EINVAL, "the vector has a number that is not finite, or is longer than 1e18");
    for (uint32_t k = 0; k < dimensions && writer->catalogue.shape.half; k++)
        if (vector[k] > MOST_HALF || vector[k] < -MOST_HALF)
            return quern_fail(error, QUERN_EINVAL, "the vector has the number %g, which is too large for f16",
                              (double)vector[k]);
    return QUERN_OK;
}

static int at_row(quern_error *error, int code, size_t row)
{
    if (error != NULL)
        error->index = (int64_t)row;
    return code;
}

/* ---------------------------------------------------------------- interface */

int quern_index_add(quern_index_writer *writer, const quern_index_row *rows, const float *vectors, size_t count,
                    quern_error *error)
{
    QUERN_TRY(quern_writer_check(writer, error));
    const size_t dimensions = writer->catalogue.shape.dimensions;
    if (count > 0 && (rows == NULL || vectors == NULL))
        return quern_fail(error, QUERN_EINVAL, "rows or vectors is NULL");
    for (size_t i = 0; i < count; i++) {
        const int code = check_row(writer, &rows[i], vectors + i * dimensions, error);
        if (code != QUERN_OK)
            return at_row(error, code, i);
    }
    for (size_t i = 0; i < count && writer->broken == QUERN_OK; i++)
        writer->broken = add(writer, &rows[i], vectors + i * dimensions, error);
    return writer->broken;
}

int quern_index_remove(quern_index_writer *writer, const quern_index_row *rows, size_t count, size_t *removed,
                       quern_error *error)
{
    size_t found = 0;
    QUERN_TRY(quern_writer_check(writer, error));
    if (count > 0 && rows == NULL)
        return quern_fail(error, QUERN_EINVAL, "rows is NULL");
    for (size_t i = 0; i < count; i++) {
        const int code = check_id(writer, &rows[i], error);
        if (code != QUERN_OK)
            return at_row(error, code, i);
    }
    for (size_t i = 0; i < count && writer->broken == QUERN_OK; i++) {
        struct quern_id_probe probe;
        uint64_t place;
        writer->broken = find(writer, &rows[i], &probe, &place, error);
        if (writer->broken != QUERN_OK || place == QUERN_NO_PLACE)
            continue;
        writer->broken = mark_removed(writer, place, error);
        quern_id_replace(&writer->table, &probe, QUERN_NO_PLACE);
        found++;
    }
    if (removed != NULL && writer->broken == QUERN_OK)
        *removed = found;
    return writer->broken;
}
