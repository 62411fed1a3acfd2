#include "index/index_file.h"

#include "base/error.h"
#include "base/fold.h"
#include "base/sized.h"
#include "formats/half.h"
#include "index/id_table.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- opening */

#define MOST_READINGS 100 /* of a file that is written to meanwhile */

static void release(struct quern_index *index)
{
    quern_catalogue_free(&index->catalogue);
    quern_map_close(&index->map);
}

/* Maps the file and reads its catalogue. *is_late: while it did, a writer has made another one, which lies behind what
 * was mapped; so the newest one may be missed, or, after two of them, both that the header names. */
static int read_file(struct quern_index *index, const char *path, bool *is_late, quern_error *error)
{
    *is_late = false;
    QUERN_TRY(quern_map_open(&index->map, path, error));
    int code = quern_catalogue_read(&index->catalogue, index->map.data, index->map.size, error);
    if (code != QUERN_OK)
        quern_fail_in(error, code, path);
    else
        index->map.kept = (size_t)quern_catalogue_end(&index->catalogue);
    if (index->catalogue.in_doubt)
        *is_late = quern_map_check(&index->map, NULL) != QUERN_OK &&
                   quern_map_check_kept(&index->map, NULL) == QUERN_OK;
    return code == QUERN_OK ? quern_map_check_kept(&index->map, error) : code;
}

int quern_index_open(quern_index **index, const char *path, quern_error *error)
{
    if (index == NULL || path == NULL)
        return quern_fail(error, QUERN_EINVAL, "index or path is NULL");
    quern_index *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to open %s", path);
    bool is_late;
    int code = read_file(opened, path, &is_late, error);
    for (int i = 1; is_late && i < MOST_READINGS; i++) {
        release(opened);
        code = read_file(opened, path, &is_late, error);
    }
    if (code != QUERN_OK) {
        quern_index_close(opened);
        return code;
    }
    *index = opened;
    return QUERN_OK;
}

void quern_index_close(quern_index *index)
{
    if (index == NULL)
        return;
    release(index);
    free(index);
}

uint64_t quern_index_places(const struct quern_index *index)
{
    return index->catalogue.count == 0 ? 0 : index->catalogue.first[index->catalogue.count];
}

int quern_index_describe(const quern_index *index, quern_index_info *info, quern_error *error)
{
    if (index == NULL)
        return quern_fail(error, QUERN_EINVAL, "index is NULL");
    const struct quern_catalogue *catalogue = &index->catalogue;
    const quern_index_info found = {
        .dimensions = (int)catalogue->shape.dimensions,
        .ids = catalogue->shape.named ? QUERN_INDEX_NAMES : QUERN_INDEX_NUMBERS,
        .space = catalogue->space,
        .rows = catalogue->shape.half ? QUERN_DTYPE_F16 : QUERN_DTYPE_F32,
        .bits = catalogue->shape.has_bits,
        .places = quern_index_places(index),
        .count = quern_catalogue_rows(catalogue),
        .blocks = catalogue->count,
        .bytes = index->map.size,
        .note = {(const char *)catalogue->note, catalogue->note_bytes},
    };
    return quern_info_write(info, &found, sizeof found, error);
}

/* ---------------------------------------------------------------- rows */

struct quern_block_view quern_block_at(const struct quern_index *index, size_t block)
{
    const struct quern_catalogue *catalogue = &index->catalogue;
    const struct quern_index_block *at = &catalogue->blocks[block];
    const struct quern_block_parts parts = quern_index_parts(&catalogue->shape, at);
    const unsigned char *data = index->map.data + at->offset;
    return (struct quern_block_view){
        .block = at,
        .bytes = data,
        .scales = (const float *)(data + parts.scales),
        .rests = (const float *)(data + parts.rests),
        .bits = catalogue->shape.has_bits ? (const uint64_t *)(data + parts.bits) : NULL,
        .vectors = data + parts.vectors,
        .ids = data + parts.ids,
        .payloads = data + parts.payloads,
    };
}

int quern_block_text(const unsigned char *list, uint32_t rows, uint64_t total, uint32_t row, quern_text *out,
                     quern_error *error)
{
    uint32_t begin = 0, end;
    if (row > 0)
        memcpy(&begin, list + (size_t)(row - 1) * sizeof begin, sizeof begin);
    memcpy(&end, list + (size_t)row * sizeof end, sizeof end);
    if (begin > end || end > total)
        return quern_fail(error, QUERN_EFORMAT, "the index is damaged: a text of row %u of a block cannot be", row);
    *out = (quern_text){(const char *)list + (size_t)rows * sizeof begin + begin, end - begin};
    return QUERN_OK;
}

int quern_block_id(const struct quern_index *index, const struct quern_block_view *view, uint32_t row,
                   quern_index_row *out, quern_error *error)
{
    if (index->catalogue.shape.named)
        return quern_block_text(view->ids, view->block->rows, view->block->id_bytes, row, &out->name, error);
    memcpy(&out->number, view->ids + row * sizeof out->number, sizeof out->number);
    return QUERN_OK;
}

void quern_block_vector(const struct quern_index *index, const struct quern_block_view *view, uint32_t row,
                        float *vector)
{
    const size_t dimensions = index->catalogue.shape.dimensions;
    if (!index->catalogue.shape.half) {
        memcpy(vector, view->vectors + row * dimensions * sizeof *vector, dimensions * sizeof *vector);
        return;
    }
    const uint16_t *halves = (const uint16_t *)view->vectors + row * dimensions;
    for (size_t k = 0; k < dimensions; k++)
        vector[k] = quern_half_to_float(halves[k]);
}

int quern_ids_compare(const struct quern_index_shape *shape, const quern_index_row *a, const quern_index_row *b)
{
    if (!shape->named)
        return (a->number > b->number) - (a->number < b->number);
    const size_t common = a->name.length < b->name.length ? a->name.length : b->name.length;
    const int order = memcmp(a->name.data, b->name.data, common);
    return order != 0 ? order : (a->name.length > b->name.length) - (a->name.length < b->name.length);
}

/* Finds a row that is there. */
static int find(const quern_index *index, uint64_t place, struct quern_block_view *view, uint32_t *row,
                quern_error *error)
{
    if (index == NULL)
        return quern_fail(error, QUERN_EINVAL, "index is NULL");
    if (place >= quern_index_places(index))
        return quern_fail(error, QUERN_EINVAL, "the index has no row at place %llu", (unsigned long long)place);
    const size_t block = quern_catalogue_block(&index->catalogue, place);
    *row = (uint32_t)(place - index->catalogue.first[block]);
    if (quern_catalogue_removed(&index->catalogue, block, *row))
        return quern_fail(error, QUERN_EINVAL, "the row at place %llu was removed", (unsigned long long)place);
    *view = quern_block_at(index, block);
    return QUERN_OK;
}

int quern_index_get(const quern_index *index, uint64_t place, quern_index_row *out, quern_error *error)
{
    struct quern_block_view view = {0};
    uint32_t row = 0;
    quern_index_row found = {0};
    if (out == NULL)
        return quern_fail(error, QUERN_EINVAL, "row is NULL");
    QUERN_TRY(find(index, place, &view, &row, error));
    QUERN_TRY(quern_block_id(index, &view, row, &found, error));
    QUERN_TRY(quern_block_text(view.payloads, view.block->rows, view.block->payload_bytes, row, &found.payload,
                               error));
    QUERN_TRY(quern_map_check_pages(&index->map, error)); /* a search by words gets every row */
    *out = found;
    return QUERN_OK;
}

int quern_index_vector(const quern_index *index, uint64_t place, float *vector, quern_error *error)
{
    struct quern_block_view view = {0};
    uint32_t row = 0;
    if (vector == NULL)
        return quern_fail(error, QUERN_EINVAL, "vector is NULL");
    QUERN_TRY(find(index, place, &view, &row, error));
    quern_block_vector(index, &view, row, vector);
    return quern_map_check_pages(&index->map, error);
}

/* ---------------------------------------------------------------- choosing rows by their ids */

/* Sets the bits of a block's rows whose ids are in the table, which holds numbers of `rows`. */
static int select_in(const quern_index *index, size_t block, const struct quern_id_table *table,
                     const quern_index_row *rows, uint64_t *bitmap, quern_error *error)
{
    const struct quern_block_view view = quern_block_at(index, block);
    for (uint32_t row = 0; row < view.block->rows; row++) {
        quern_index_row id = {0};
        if (quern_catalogue_removed(&index->catalogue, block, row))
            continue;
        QUERN_TRY(quern_block_id(index, &view, row, &id, error));
        struct quern_id_probe probe = quern_id_probe(table, &id);
        for (uint64_t number; quern_id_next(table, &probe, &number);)
            if (quern_ids_compare(&index->catalogue.shape, &rows[number], &id) == 0) {
                const uint64_t place = index->catalogue.first[block] + row;
                bitmap[place / 64] |= UINT64_C(1) << place % 64;
                break;
            }
    }
    return QUERN_OK;
}

int quern_index_select(const quern_index *index, const quern_index_row *rows, size_t count, uint64_t *bitmap,
                       quern_error *error)
{
    struct quern_id_table table = {0};
    int code = QUERN_OK;
    if (index == NULL || bitmap == NULL || (rows == NULL && count > 0))
        return quern_fail(error, QUERN_EINVAL, "index, rows or bitmap is NULL");
    memset(bitmap, 0, quern_bitmap_words(quern_index_places(index)) * sizeof *bitmap);
    table.named = index->catalogue.shape.named;
    for (size_t i = 0; i < count && code == QUERN_OK; i++)
        code = quern_id_put(&table, &rows[i], i, error);
    for (size_t b = 0; b < index->catalogue.count && count > 0 && code == QUERN_OK; b++)
        code = select_in(index, b, &table, rows, bitmap, error);
    quern_id_table_free(&table);
    return code == QUERN_OK ? quern_map_check_kept(&index->map, error) : code;
}

/* ---------------------------------------------------------------- checksums */

int quern_index_check(const quern_index *index, quern_error *error)
{
    if (index == NULL)
        return quern_fail(error, QUERN_EINVAL, "index is NULL");
    for (size_t b = 0; b < index->catalogue.count; b++) {
        const struct quern_index_block *block = &index->catalogue.blocks[b];
        const size_t bytes = quern_index_parts(&index->catalogue.shape, block).end;
        const bool same = quern_digest_bytes(0, index->map.data + block->offset, bytes) == block->digest;
        QUERN_TRY(quern_map_check_kept(&index->map, error));
        if (!same) {
            quern_fail(error, QUERN_EFORMAT, "the index is damaged: block %zu, with the rows %llu to %llu, has another "
                       "checksum: make the index again", b, (unsigned long long)index->catalogue.first[b],
                       (unsigned long long)index->catalogue.first[b + 1] - 1);
            return quern_fail_in(error, QUERN_EFORMAT, index->map.path);
        }
        quern_map_forget(&index->map, (size_t)block->offset, bytes);
    }
    return QUERN_OK;
}
