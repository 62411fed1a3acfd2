/* Making writers of index files. */
#include "index/index_writer.h"

#include "base/error.h"
#include "base/sized.h"
#include "base/system/system.h"
#include "index/index_file.h"
#include "index/index_lock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_options(const quern_index_options *options, quern_error *error)
{
    if (options->dimensions < 1 || options->dimensions > QUERN_INDEX_MOST_DIMENSIONS)
        return quern_fail(error, QUERN_EINVAL, "options: an index has vectors of 1 to %d dimensions, not of %d",
                          QUERN_INDEX_MOST_DIMENSIONS, options->dimensions);
    if ((unsigned)options->ids > QUERN_INDEX_NAMES)
        return quern_fail(error, QUERN_EINVAL, "options: there is no kind %d of ids", options->ids);
    if (options->rows != QUERN_DTYPE_F32 && options->rows != QUERN_DTYPE_F16)
        return quern_fail(error, QUERN_EINVAL, "options: an index keeps vectors as f32 or f16");
    if (options->space != NULL && strlen(options->space) >= QUERN_SPACE_SIZE)
        return quern_fail(error, QUERN_EINVAL, "options: the name of the space has more than %d bytes",
                          QUERN_SPACE_SIZE - 1);
    return QUERN_OK;
}

static struct quern_index_writer *new_writer(const char *path, quern_error *error)
{
    struct quern_index_writer *writer = calloc(1, sizeof *writer);
    if (writer != NULL) {
        writer->file = writer->fresh.file = -1;
        writer->path = strdup(path);
    }
    if (writer == NULL || writer->path == NULL) {
        quern_fail(error, QUERN_ENOMEM, "no memory to write %s", path);
        free(writer);
        return NULL;
    }
    return writer;
}

int quern_index_create(quern_index_writer **writer, const char *path, const quern_index_options *options,
                       quern_error *error)
{
    quern_index_options read = {0};
    if (writer == NULL || path == NULL)
        return quern_fail(error, QUERN_EINVAL, "writer or path is NULL");
    QUERN_TRY(quern_options_read(&read, sizeof read, options, error));
    QUERN_TRY(check_options(&read, error));
    struct quern_index_writer *made = new_writer(path, error);
    if (made == NULL)
        return QUERN_ENOMEM;
    made->catalogue.shape = (struct quern_index_shape){
        .dimensions = (uint32_t)read.dimensions, .block_rows = quern_index_block_rows((uint32_t)read.dimensions),
        .named = read.ids == QUERN_INDEX_NAMES, .half = read.rows == QUERN_DTYPE_F16, .has_bits = read.bits != 0};
    if (read.space != NULL)
        memcpy(made->catalogue.space, read.space, strlen(read.space));
    made->table.named = made->catalogue.shape.named;
    made->is_new = made->changed = true;
    made->end = QUERN_INDEX_HEADER;
    int code = quern_new_file_begin(&made->fresh, path, NULL, error);
    made->file = made->fresh.file;
    if (code == QUERN_OK)
        code = quern_block_builder_open(&made->builder, &made->catalogue.shape, read.threads, error);
    if (code != QUERN_OK) {
        quern_index_writer_free(made);
        return code;
    }
    *writer = made;
    return QUERN_OK;
}

/* Enters the ids of all rows that are there. */
static int read_ids(struct quern_index_writer *writer, const struct quern_index *index, quern_error *error)
{
    const struct quern_catalogue *catalogue = &index->catalogue;
    for (size_t b = 0; b < catalogue->count; b++) {
        const struct quern_block_view view = quern_block_at(index, b);
        for (uint32_t row = 0; row < view.block->rows; row++) {
            quern_index_row id = {0};
            if (quern_catalogue_removed(catalogue, b, row))
                continue;
            QUERN_TRY(quern_block_id(index, &view, row, &id, error));
            QUERN_TRY(quern_id_put(&writer->table, &id, catalogue->first[b] + row, error));
        }
    }
    return quern_map_check_kept(&index->map, error);
}

static int take_over(struct quern_index_writer *writer, struct quern_index *index, int threads, quern_error *error)
{
    /* What comes next goes behind all that is in use. What a writer that was killed has left there is written over. */
    writer->end = index->catalogue.in_doubt ? index->map.size : quern_catalogue_end(&index->catalogue);
    writer->committed = writer->end;
    writer->table.named = index->catalogue.shape.named;
    QUERN_TRY(read_ids(writer, index, error));
    writer->catalogue = index->catalogue;
    index->catalogue = (struct quern_catalogue){0};
    return quern_block_builder_open(&writer->builder, &writer->catalogue.shape, threads, error);
}

/* A program that has looked at a file before it changes it says what it saw: another one may have replaced the file. */
static int check_expected(const quern_index_options *options, const quern_index *index, const char *path,
                          quern_error *error)
{
    quern_index_info info = {.size = sizeof info};
    QUERN_TRY(quern_index_describe(index, &info, error));
    if (options->dimensions != 0 && (options->dimensions != info.dimensions || options->ids != info.ids))
        return quern_fail(error, QUERN_EINVAL, "%s has vectors of %d dimensions with %s as ids, not of %d with %s",
                          path, info.dimensions, info.ids == QUERN_INDEX_NAMES ? "names" : "numbers",
                          options->dimensions, options->ids == QUERN_INDEX_NAMES ? "names" : "numbers");
    return QUERN_OK;
}

int quern_index_change(quern_index_writer **writer, const char *path, const quern_index_options *options,
                       quern_error *error)
{
    quern_index_options read = {0};
    quern_index *index = NULL;
    if (writer == NULL || path == NULL)
        return quern_fail(error, QUERN_EINVAL, "writer or path is NULL");
    QUERN_TRY(quern_options_read(&read, sizeof read, options, error));
    struct quern_index_writer *made = new_writer(path, error);
    if (made == NULL)
        return QUERN_ENOMEM;
    int code = quern_index_lock(&made->file, path, error);
    made->owns_file = code == QUERN_OK;
    if (code == QUERN_OK)
        code = quern_index_open(&index, path, error);
    if (code == QUERN_OK)
        code = check_expected(&read, index, path, error);
    if (code == QUERN_OK)
        code = take_over(made, index, read.threads, error);
    quern_index_close(index);
    if (code != QUERN_OK) {
        quern_index_writer_free(made);
        return code;
    }
    *writer = made;
    return QUERN_OK;
}

/* Gives back the room of what was written and not committed: on a full disk it would stay full. Where the system does
 * not cut a file that others have mapped, the next writer writes over it. */
static void cut_off(const struct quern_index_writer *writer)
{
    uint64_t bytes;
    struct timespec modified;
    if (writer->file < 0 || writer->is_new || writer->committed == 0 ||
        quern_system_look_at_file(writer->file, &bytes, &modified) != 0 || bytes <= writer->committed)
        return;
    const int code = ftruncate(writer->file, (off_t)writer->committed);
    (void)code;
}

void quern_writer_close_file(struct quern_index_writer *writer)
{
    cut_off(writer);
    quern_new_file_end(&writer->fresh);
    if (writer->owns_file)
        close(writer->file);
    writer->fresh = (struct quern_new_file){.file = -1};
    writer->file = -1;
    writer->owns_file = false;
}

void quern_index_writer_free(quern_index_writer *writer)
{
    if (writer == NULL)
        return;
    quern_catalogue_free(&writer->catalogue);
    quern_id_table_free(&writer->table);
    quern_writer_close_file(writer);
    free(writer->path);
    quern_block_builder_free(&writer->builder);
    free(writer);
}

int quern_writer_check(const struct quern_index_writer *writer, quern_error *error)
{
    if (writer == NULL)
        return quern_fail(error, QUERN_EINVAL, "writer is NULL");
    if (writer->broken != QUERN_OK)
        return quern_fail(error, writer->broken, "cannot write %s: a call before failed; make another writer",
                          writer->path);
    if (writer->rests)
        return quern_fail(error, QUERN_EINVAL, "the writer of %s rests: call quern_index_resume first", writer->path);
    return QUERN_OK;
}
