/* Writing an index anew, without the rows that were removed. */
#include "base/error.h"
#include "index/index_file.h"
#include "index/index_lock.h"

#include <stdlib.h>
#include <unistd.h>

#define BATCH 256 /* rows that are copied together */

/* Copies the rows that are there. vectors: memory for BATCH of them. */
static int copy_rows(const struct quern_index *from, quern_index_writer *to, float *vectors, quern_error *error)
{
    const struct quern_catalogue *catalogue = &from->catalogue;
    quern_index_row rows[BATCH];
    size_t count = 0;
    for (size_t b = 0; b < catalogue->count; b++) {
        const struct quern_block_view view = quern_block_at(from, b);
        for (uint32_t row = 0; row < view.block->rows; row++) {
            if (quern_catalogue_removed(catalogue, b, row))
                continue;
            QUERN_TRY(quern_index_get(from, catalogue->first[b] + row, &rows[count], error));
            quern_block_vector(from, &view, row, vectors + count * catalogue->shape.dimensions);
            if (++count == BATCH) {
                QUERN_TRY(quern_index_add(to, rows, vectors, count, error));
                count = 0;
            }
        }
    }
    QUERN_TRY(quern_map_check_kept(&from->map, error));
    return quern_index_add(to, rows, vectors, count, error);
}

/* Makes a writer that has all of an index. */
static int copy(const struct quern_index *from, const char *path, quern_index_writer **writer, quern_error *error)
{
    const struct quern_index_shape *shape = &from->catalogue.shape;
    const quern_index_options options = {.size = sizeof options, .dimensions = (int)shape->dimensions,
                                         .ids = shape->named ? QUERN_INDEX_NAMES : QUERN_INDEX_NUMBERS,
                                         .space = from->catalogue.space, .bits = shape->has_bits,
                                         .rows = shape->half ? QUERN_DTYPE_F16 : QUERN_DTYPE_F32};
    const quern_text note = {(const char *)from->catalogue.note, from->catalogue.note_bytes};
    float *vectors = malloc((size_t)BATCH * shape->dimensions * sizeof *vectors);
    int code = vectors != NULL ? quern_index_create(writer, path, &options, error)
                               : quern_fail(error, QUERN_ENOMEM, "no memory to compact %s", path);
    if (code == QUERN_OK)
        code = copy_rows(from, *writer, vectors, error);
    if (code == QUERN_OK)
        code = quern_index_set_note(*writer, note, error);
    free(vectors);
    return code;
}

int quern_index_compact(const char *path, quern_error *error)
{
    int lock = -1; /* nobody may change the file meanwhile */
    quern_index *index = NULL;
    quern_index_writer *writer = NULL;
    if (path == NULL)
        return quern_fail(error, QUERN_EINVAL, "path is NULL");
    QUERN_TRY(quern_index_lock(&lock, path, error));
    int code = quern_index_open(&index, path, error);
    if (code == QUERN_OK)
        code = quern_index_check(index, error);
    if (code == QUERN_OK)
        code = copy(index, path, &writer, error);
    quern_index_close(index); /* now, because some systems keep a file that is mapped from being replaced */
    if (code == QUERN_OK)
        code = quern_index_commit(writer, error);
    quern_index_writer_free(writer);
    close(lock);
    return code;
}
