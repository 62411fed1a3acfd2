#include "arrow_cursor.h"

#include "jobs_error.h"

#include <stdlib.h>

static const char too_short[] = "a record batch does not have the bytes that its columns need";

int quern_arrow_batch_read(struct quern_arrow_record_batch *batch, const struct quern_flat_table *table,
                           const struct quern_seen_file *file, quern_error *error)
{
    const int64_t rows = quern_flat_number(table, QUERN_ARROW_BATCH_LENGTH, 8, 0);
    const struct quern_flat_table packing = quern_flat_inner(table, QUERN_ARROW_BATCH_COMPRESSION);
    batch->codec = -1;
    if (packing.buffer != NULL) {
        batch->codec = quern_flat_number(&packing, QUERN_ARROW_COMPRESSION_CODEC, 1, QUERN_ARROW_LZ4_FRAME);
        if (batch->codec < 0 || batch->codec > QUERN_ARROW_ZSTD ||
            quern_flat_number(&packing, QUERN_ARROW_COMPRESSION_METHOD, 1, 0) != 0)
            return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s has buffers that are packed in a way that is not "
                                   "known: write it with LZ4, with Zstandard or without compression", file->path);
    }
    if (table->buffer == NULL || rows < 0)
        return quern_arrow_damaged(file, "a record batch has no rows", error);
    batch->nodes = quern_flat_vector(table, QUERN_ARROW_BATCH_NODES, 16);
    batch->buffers = quern_flat_vector(table, QUERN_ARROW_BATCH_BUFFERS, 16);
    batch->views = quern_flat_vector(table, QUERN_ARROW_BATCH_VIEWS, 8);
    batch->rows = (uint64_t)rows;
    return QUERN_OK;
}

/* Finds a buffer of at least `wanted` bytes. */
static int find_buffer(struct quern_seen_file *file, const struct quern_arrow_record_batch *batch, size_t number,
                       uint64_t wanted, struct quern_arrow_buffer *span, quern_error *error)
{
    const int64_t offset = quern_flat_item_number(&batch->buffers, number, 16, 0, 8);
    const int64_t length = quern_flat_item_number(&batch->buffers, number, 16, 8, 8);
    const uint64_t body = batch->body_length;
    int code = QUERN_OK;
    quern_arrow_buffer_release(span);
    if (number >= batch->buffers.count || offset < 0 || length < 0 || (uint64_t)offset > body ||
        (uint64_t)length > body - (uint64_t)offset)
        return quern_arrow_damaged(file, too_short, error);
    *span = (struct quern_arrow_buffer){.offset = batch->body + (uint64_t)offset, .length = (uint64_t)length};
    if (batch->codec >= 0 && length > 0)
        code = quern_arrow_buffer_unpack(span, file, batch->codec, batch->packed, error);
    return code == QUERN_OK && span->length < wanted ? quern_arrow_damaged(file, too_short, error) : code;
}

/* Finds the bits that say which values are there. */
static int find_validity(struct quern_seen_file *file, const struct quern_arrow_record_batch *batch, size_t node,
                         size_t buffer, struct quern_arrow_buffer *span, quern_error *error)
{
    const int64_t rows = quern_flat_item_number(&batch->nodes, node, 16, 0, 8);
    const int64_t nulls = quern_flat_item_number(&batch->nodes, node, 16, 8, 8);
    if (rows < 0 || (uint64_t)rows != batch->rows)
        return quern_arrow_damaged(file, "a column has another number of rows than its record batch", error);
    if (nulls != 0)
        return find_buffer(file, batch, buffer, batch->rows / 8 + (batch->rows % 8 > 0), span, error);
    quern_arrow_buffer_release(span);
    return QUERN_OK;
}

/* count * width, or more than any file has. */
static uint64_t bytes_of(uint64_t count, uint64_t width)
{
    return count < UINT64_MAX / 2 / width ? count * width : UINT64_MAX / 2;
}

static int find_texts(struct quern_seen_file *file, const struct quern_arrow_record_batch *batch, size_t buffer,
                      unsigned width, struct quern_arrow_texts *texts, quern_error *error)
{
    const uint64_t offsets = batch->rows > 0 ? bytes_of(batch->rows + 1, width) : 0;
    texts->width = width;
    texts->count = batch->rows;
    const int code = find_buffer(file, batch, buffer, offsets, &texts->offsets, error);
    return code == QUERN_OK ? find_buffer(file, batch, buffer + 1, 0, &texts->bytes, error) : code;
}

static void release_views(struct quern_arrow_cursor *cursor)
{
    for (size_t i = 0; i < cursor->view_count; i++)
        quern_arrow_buffer_release(&cursor->view_buffers[i]);
    free(cursor->view_buffers);
    cursor->view_buffers = NULL;
    cursor->view_count = 0;
}

/* The buffers of long texts, which the views refer to. */
static int find_view_buffers(struct quern_arrow_cursor *cursor, const struct quern_arrow_record_batch *batch,
                             size_t buffer, quern_error *error)
{
    const int64_t count = quern_flat_item_number(&batch->views, cursor->column->views_before, 8, 0, 8);
    release_views(cursor);
    if (count < 0 || (uint64_t)count > batch->buffers.count)
        return quern_arrow_damaged(cursor->file, too_short, error);
    cursor->view_buffers = calloc((size_t)count + 1, sizeof *cursor->view_buffers);
    if (cursor->view_buffers == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %lld buffers", (long long)count);
    while (cursor->view_count < (size_t)count) {
        const size_t i = cursor->view_count++;
        const int code = find_buffer(cursor->file, batch, buffer + i, 0, &cursor->view_buffers[i], error);
        if (code != QUERN_OK)
            return code;
    }
    return QUERN_OK;
}

int quern_arrow_cursor_place(struct quern_arrow_cursor *cursor, const struct quern_arrow_record_batch *batch,
                             quern_error *error)
{
    struct quern_seen_file *file = cursor->file;
    const struct quern_arrow_column *column = cursor->column;
    size_t buffer = column->buffer;
    for (size_t i = 0; i < column->views_before; i++) {
        const int64_t more = quern_flat_item_number(&batch->views, i, 8, 0, 8);
        if (more < 0 || (uint64_t)more > batch->buffers.count)
            return quern_arrow_damaged(file, too_short, error);
        buffer += (size_t)more;
    }
    int code = find_validity(file, batch, column->node, buffer, &cursor->validity, error);
    if (code != QUERN_OK)
        return code;
    if (!column->has_dictionary && (column->type == QUERN_ARROW_UTF8 || column->type == QUERN_ARROW_LARGE_UTF8))
        return find_texts(file, batch, buffer + 1, column->width, &cursor->texts, error);
    if (column->type == QUERN_ARROW_BOOL)
        return find_buffer(file, batch, buffer + 1, batch->rows / 8 + (batch->rows % 8 > 0), &cursor->values, error);
    if (column->type == QUERN_ARROW_FIXED_LIST)
        return find_buffer(file, batch, buffer + 2, bytes_of(batch->rows, (uint64_t)column->width * column->numbers),
                           &cursor->values, error);
    code = find_buffer(file, batch, buffer + 1, bytes_of(batch->rows, column->width), &cursor->values, error);
    if (code == QUERN_OK && column->type == QUERN_ARROW_UTF8_VIEW)
        code = find_view_buffers(cursor, batch, buffer + 2, error);
    return code;
}

int quern_arrow_cursor_take_texts(struct quern_arrow_cursor *cursor, const struct quern_arrow_record_batch *batch,
                                  quern_error *error)
{
    const int code = find_validity(cursor->file, batch, 0, 0, &cursor->texts.validity, error);
    if (code != QUERN_OK)
        return code;
    return find_texts(cursor->file, batch, 1, cursor->column->text_width, &cursor->texts, error);
}

void quern_arrow_cursor_free(struct quern_arrow_cursor *cursor)
{
    quern_file_window_free(&cursor->validity_window);
    quern_file_window_free(&cursor->value_window);
    quern_file_window_free(&cursor->texts.validity_window);
    quern_file_window_free(&cursor->texts.offset_window);
    quern_file_window_free(&cursor->texts.byte_window);
    quern_arrow_buffer_release(&cursor->validity);
    quern_arrow_buffer_release(&cursor->values);
    quern_arrow_buffer_release(&cursor->texts.validity);
    quern_arrow_buffer_release(&cursor->texts.offsets);
    quern_arrow_buffer_release(&cursor->texts.bytes);
    release_views(cursor);
}
