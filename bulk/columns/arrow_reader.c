/* Arrow's file and stream formats. A file holds a stream, and its batches are read as those of one; only its schema is
 * taken from its footer. */
#include "arrow_buffer.h"
#include "arrow_schema.h"
#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

/* Texts: where they end, and their bytes. */
struct texts {
    unsigned width; /* of an offset */
    uint64_t count;
    struct quern_arrow_buffer offsets, bytes;
    struct quern_file_window offset_window, byte_window;
};

/* A chosen column in the batch at hand. */
struct cursor {
    const struct quern_arrow_column *column;
    struct quern_arrow_buffer validity; /* length 0: all are there */
    struct quern_arrow_buffer values;   /* of numbers, vectors, indexes and views */
    struct quern_file_window validity_window, value_window;
    struct texts texts;   /* of the batch, or of the dictionary */
    struct quern_arrow_buffer *view_buffers; /* [view_count] */
    size_t view_count;
};

struct arrow_reader {
    struct quern_column_file base;
    struct quern_arrow_column *columns;
    struct cursor *cursors; /* [cursor_count] */
    int cursor_count;
    bool is_file;           /* has the magic at its beginning, and an end that is marked */
    struct quern_file_window metadata, packed;
    uint64_t next_message;  /* its offset */
    uint64_t rows, row;     /* of the batch at hand, and of them those that were given */
    bool is_at_end;
};

/* A message of the stream. */
struct message {
    struct quern_flat_table table;
    int64_t kind;      /* an enum quern_arrow_header */
    uint64_t body, body_length; /* where it is in the file */
};

static const char too_short[] = "a record batch does not have the bytes that its columns need";

static int damaged(const struct arrow_reader *arrow, const char *what, quern_error *error)
{
    return quern_arrow_damaged(&arrow->base.file, what, error);
}

/* ---------------------------------------------------------------- messages */

/* Reads the prefix of a message. *length: of its metadata; 0: the stream ends. */
static int read_prefix(struct arrow_reader *arrow, uint32_t *length, quern_error *error)
{
    struct quern_seen_file *file = &arrow->base.file;
    const unsigned char *bytes;
    uint32_t prefix[2];
    *length = 0;
    if (!arrow->is_file && arrow->next_message == file->size)
        return QUERN_OK;
    const int code = quern_file_window_get(&arrow->metadata, file, arrow->next_message, sizeof prefix, &bytes, error);
    if (code != QUERN_OK)
        return code;
    memcpy(prefix, bytes, sizeof prefix);
    if (prefix[0] != UINT32_MAX)
        return damaged(arrow, "a message does not begin as it should", error);
    *length = prefix[1];
    return QUERN_OK;
}

/* Reads the next message. Returns 1; 0 at the end; a negative code. */
static int next_message(struct arrow_reader *arrow, struct message *message, quern_error *error)
{
    struct quern_seen_file *file = &arrow->base.file;
    const unsigned char *bytes;
    uint32_t length;
    int code = read_prefix(arrow, &length, error);
    if (code != QUERN_OK || length == 0)
        return code;
    const uint64_t at = arrow->next_message + QUERN_ARROW_PREFIX_BYTES;
    code = quern_file_window_get(&arrow->metadata, file, at, length, &bytes, error);
    if (code != QUERN_OK)
        return code;
    message->table = quern_flat_root(bytes, length);
    message->kind = quern_flat_number(&message->table, QUERN_ARROW_MESSAGE_KIND, 1, 0);
    const int64_t body = quern_flat_number(&message->table, QUERN_ARROW_MESSAGE_BODY, 8, 0);
    if (quern_flat_number(&message->table, QUERN_ARROW_MESSAGE_VERSION, 2, 0) != QUERN_ARROW_VERSION)
        return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s was written by a version of Arrow before 1.0: write it "
                               "again with a newer one", file->path);
    if (body < 0 || (uint64_t)body > file->size - at - length)
        return damaged(arrow, "it ends too early", error);
    message->body = at + length;
    message->body_length = (uint64_t)body;
    arrow->next_message = at + length + (uint64_t)body;
    return 1;
}

/* ---------------------------------------------------------------- batches */

/* A record batch: the table, with its lists of nodes and buffers. */
struct batch {
    struct quern_flat_vector nodes, buffers, views;
    const struct message *message;
    int64_t codec; /* an enum quern_arrow_codec of the buffers; -1: they are not packed */
    uint64_t rows;
};

/* table: of the batch; of a dictionary it is not that of the message. */
static int read_batch(const struct arrow_reader *arrow, const struct quern_flat_table *table,
                      const struct message *message, struct batch *batch, quern_error *error)
{
    const int64_t rows = quern_flat_number(table, QUERN_ARROW_BATCH_LENGTH, 8, 0);
    const struct quern_flat_table packing = quern_flat_inner(table, QUERN_ARROW_BATCH_COMPRESSION);
    batch->codec = -1;
    if (packing.buffer != NULL)
        batch->codec = quern_flat_number(&packing, QUERN_ARROW_COMPRESSION_CODEC, 1, QUERN_ARROW_LZ4_FRAME);
    if (batch->codec > QUERN_ARROW_ZSTD || quern_flat_number(&packing, QUERN_ARROW_COMPRESSION_METHOD, 1, 0) != 0)
        return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s has buffers that are packed in a way that is not known: "
                               "write it with LZ4, with Zstandard or without compression", arrow->base.file.path);
    if (table->buffer == NULL || rows < 0)
        return damaged(arrow, "a record batch has no rows", error);
    batch->nodes = quern_flat_vector(table, QUERN_ARROW_BATCH_NODES, 16);
    batch->buffers = quern_flat_vector(table, QUERN_ARROW_BATCH_BUFFERS, 16);
    batch->views = quern_flat_vector(table, QUERN_ARROW_BATCH_VIEWS, 8);
    batch->message = message;
    batch->rows = (uint64_t)rows;
    return QUERN_OK;
}

/* Finds a buffer of at least `wanted` bytes. */
static int find_buffer(struct arrow_reader *arrow, const struct batch *batch, size_t number, uint64_t wanted,
                       struct quern_arrow_buffer *span, quern_error *error)
{
    const int64_t offset = quern_flat_item_number(&batch->buffers, number, 16, 0, 8);
    const int64_t length = quern_flat_item_number(&batch->buffers, number, 16, 8, 8);
    const uint64_t body = batch->message->body_length;
    int code = QUERN_OK;
    quern_arrow_buffer_release(span);
    if (number >= batch->buffers.count || offset < 0 || length < 0 || (uint64_t)offset > body ||
        (uint64_t)length > body - (uint64_t)offset)
        return damaged(arrow, too_short, error);
    *span = (struct quern_arrow_buffer){.offset = batch->message->body + (uint64_t)offset,
                                        .length = (uint64_t)length};
    if (batch->codec >= 0 && length > 0)
        code = quern_arrow_buffer_unpack(span, &arrow->base.file, batch->codec, &arrow->packed, error);
    return code == QUERN_OK && span->length < wanted ? damaged(arrow, too_short, error) : code;
}

/* Finds the bits that say which values are there. */
static int find_validity(struct arrow_reader *arrow, const struct batch *batch, size_t node, size_t buffer,
                         struct quern_arrow_buffer *span, quern_error *error)
{
    const int64_t rows = quern_flat_item_number(&batch->nodes, node, 16, 0, 8);
    const int64_t nulls = quern_flat_item_number(&batch->nodes, node, 16, 8, 8);
    if (rows < 0 || (uint64_t)rows != batch->rows)
        return damaged(arrow, "a column has another number of rows than its record batch", error);
    if (nulls != 0)
        return find_buffer(arrow, batch, buffer, batch->rows / 8 + (batch->rows % 8 > 0), span, error);
    quern_arrow_buffer_release(span);
    return QUERN_OK;
}

/* count * width, or more than any file has. */
static uint64_t bytes_of(uint64_t count, uint64_t width)
{
    return count < UINT64_MAX / 2 / width ? count * width : UINT64_MAX / 2;
}

static int find_texts(struct arrow_reader *arrow, const struct batch *batch, size_t buffer, unsigned width,
                      struct texts *texts, quern_error *error)
{
    const uint64_t offsets = batch->rows > 0 ? bytes_of(batch->rows + 1, width) : 0;
    texts->width = width;
    texts->count = batch->rows;
    const int code = find_buffer(arrow, batch, buffer, offsets, &texts->offsets, error);
    return code == QUERN_OK ? find_buffer(arrow, batch, buffer + 1, 0, &texts->bytes, error) : code;
}

static void release_views(struct cursor *cursor)
{
    for (size_t i = 0; i < cursor->view_count; i++)
        quern_arrow_buffer_release(&cursor->view_buffers[i]);
    free(cursor->view_buffers);
    cursor->view_buffers = NULL;
    cursor->view_count = 0;
}

/* The buffers of long texts, which the views refer to. */
static int find_view_buffers(struct arrow_reader *arrow, const struct batch *batch, struct cursor *cursor,
                             size_t buffer, quern_error *error)
{
    const int64_t count = quern_flat_item_number(&batch->views, cursor->column->views_before, 8, 0, 8);
    release_views(cursor);
    if (count < 0 || (uint64_t)count > batch->buffers.count)
        return damaged(arrow, too_short, error);
    cursor->view_buffers = calloc((size_t)count + 1, sizeof *cursor->view_buffers);
    if (cursor->view_buffers == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %lld buffers", (long long)count);
    while (cursor->view_count < (size_t)count) {
        const size_t i = cursor->view_count++;
        const int code = find_buffer(arrow, batch, buffer + i, 0, &cursor->view_buffers[i], error);
        if (code != QUERN_OK)
            return code;
    }
    return QUERN_OK;
}

/* Sets a cursor to the beginning of a batch. */
static int place_cursor(struct arrow_reader *arrow, const struct batch *batch, struct cursor *cursor,
                        quern_error *error)
{
    const struct quern_arrow_column *column = cursor->column;
    size_t buffer = column->buffer;
    for (size_t i = 0; i < column->views_before; i++) {
        const int64_t more = quern_flat_item_number(&batch->views, i, 8, 0, 8);
        if (more < 0 || (uint64_t)more > batch->buffers.count)
            return damaged(arrow, too_short, error);
        buffer += (size_t)more;
    }
    int code = find_validity(arrow, batch, column->node, buffer, &cursor->validity, error);
    if (code != QUERN_OK)
        return code;
    if (!column->has_dictionary && (column->type == QUERN_ARROW_UTF8 || column->type == QUERN_ARROW_LARGE_UTF8))
        return find_texts(arrow, batch, buffer + 1, column->width, &cursor->texts, error);
    if (column->type == QUERN_ARROW_BOOL)
        return find_buffer(arrow, batch, buffer + 1, batch->rows / 8 + (batch->rows % 8 > 0), &cursor->values, error);
    if (column->type == QUERN_ARROW_FIXED_LIST)
        return find_buffer(arrow, batch, buffer + 2, bytes_of(batch->rows, (uint64_t)column->width * column->numbers),
                           &cursor->values, error);
    code = find_buffer(arrow, batch, buffer + 1, bytes_of(batch->rows, column->width), &cursor->values, error);
    if (code == QUERN_OK && column->type == QUERN_ARROW_UTF8_VIEW)
        code = find_view_buffers(arrow, batch, cursor, buffer + 2, error);
    return code;
}

static int begin_batch(struct arrow_reader *arrow, const struct message *message, quern_error *error)
{
    const struct quern_flat_table table = quern_flat_inner(&message->table, QUERN_ARROW_MESSAGE_HEADER);
    struct batch batch;
    int code = read_batch(arrow, &table, message, &batch, error);
    for (int i = 0; code == QUERN_OK && i < arrow->cursor_count; i++)
        code = place_cursor(arrow, &batch, &arrow->cursors[i], error);
    if (code != QUERN_OK)
        return code;
    arrow->rows = batch.rows;
    arrow->row = 0;
    return QUERN_OK;
}

/* Takes note of a dictionary for the columns that use it. */
static int begin_dictionary(struct arrow_reader *arrow, const struct message *message, quern_error *error)
{
    const struct quern_flat_table dictionary = quern_flat_inner(&message->table, QUERN_ARROW_MESSAGE_HEADER);
    const struct quern_flat_table table = quern_flat_inner(&dictionary, QUERN_ARROW_DICTIONARY_DATA);
    const int64_t number = quern_flat_number(&dictionary, QUERN_ARROW_DICTIONARY_ID, 8, 0);
    struct batch batch;
    for (int i = 0; i < arrow->cursor_count; i++) {
        struct cursor *cursor = &arrow->cursors[i];
        if (!cursor->column->has_dictionary || cursor->column->dictionary != number)
            continue;
        if (quern_flat_number(&dictionary, QUERN_ARROW_DICTIONARY_DELTA, 1, 0) != 0)
            return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s has a dictionary in several pieces: write its texts "
                                   "without a dictionary", arrow->base.file.path);
        int code = read_batch(arrow, &table, message, &batch, error);
        if (code == QUERN_OK)
            code = find_texts(arrow, &batch, 1, cursor->column->text_width, &cursor->texts, error);
        if (code != QUERN_OK)
            return code;
    }
    return QUERN_OK;
}

/* Goes to the next batch that has rows. Returns 1; 0 at the end; a negative code. */
static int next_batch(struct arrow_reader *arrow, quern_error *error)
{
    struct message message;
    while (arrow->row == arrow->rows && !arrow->is_at_end) {
        int code = next_message(arrow, &message, error);
        arrow->is_at_end = code == 0;
        if (code == 1 && message.kind == QUERN_ARROW_BATCH)
            code = begin_batch(arrow, &message, error);
        else if (code == 1 && message.kind == QUERN_ARROW_DICTIONARY)
            code = begin_dictionary(arrow, &message, error);
        if (code < 0)
            return code;
    }
    return !arrow->is_at_end;
}

/* ---------------------------------------------------------------- values */

/* Gives bytes of a buffer. */
static int get(struct arrow_reader *arrow, struct quern_file_window *window, const struct quern_arrow_buffer *span,
               uint64_t offset, uint64_t length, const unsigned char **bytes, quern_error *error)
{
    return quern_arrow_buffer_get(span, &arrow->base.file, window, offset, length, bytes, error);
}

/* Reads whole number `at` of a buffer. */
static int read_integer(struct arrow_reader *arrow, struct quern_file_window *window,
                        const struct quern_arrow_buffer *span, uint64_t at, unsigned width, bool is_signed,
                        int64_t *value, quern_error *error)
{
    const unsigned char *bytes;
    uint64_t number = 0;
    const int code = get(arrow, window, span, at * width, width, &bytes, error);
    if (code != QUERN_OK)
        return code;
    memcpy(&number, bytes, width);
    const uint64_t sign = is_signed ? (uint64_t)1 << (8 * width - 1) : 0;
    *value = (int64_t)((number ^ sign) - sign);
    return QUERN_OK;
}

static int read_bit(struct arrow_reader *arrow, struct quern_file_window *window,
                    const struct quern_arrow_buffer *span, bool *bit, quern_error *error)
{
    const unsigned char *byte;
    const int code = get(arrow, window, span, arrow->row / 8, 1, &byte, error);
    *bit = code == QUERN_OK && (*byte >> arrow->row % 8 & 1);
    return code;
}

static int read_bytes(struct arrow_reader *arrow, struct quern_file_window *window,
                      const struct quern_arrow_buffer *within, uint64_t offset, uint64_t length, quern_text *text,
                      quern_error *error)
{
    const unsigned char *bytes;
    const int code = get(arrow, window, within, offset, length, &bytes, error);
    if (code == QUERN_OK)
        *text = (quern_text){(const char *)bytes, (size_t)length};
    return code;
}

static int read_text(struct arrow_reader *arrow, struct texts *texts, uint64_t number, quern_text *text,
                     quern_error *error)
{
    int64_t begin, end;
    if (number >= texts->count)
        return damaged(arrow, "an index lies outside of its dictionary", error);
    int code = read_integer(arrow, &texts->offset_window, &texts->offsets, number, texts->width, true, &begin, error);
    if (code == QUERN_OK)
        code = read_integer(arrow, &texts->offset_window, &texts->offsets, number + 1, texts->width, true, &end, error);
    if (code != QUERN_OK)
        return code;
    if (begin < 0 || end < begin)
        return damaged(arrow, "a text ends before its beginning", error);
    return read_bytes(arrow, &texts->byte_window, &texts->bytes, (uint64_t)begin, (uint64_t)(end - begin), text, error);
}

/* A view has the length of a text, and the text itself if that is short; else its first bytes, the number of a buffer
 * and an offset. */
static int read_view(struct arrow_reader *arrow, struct cursor *cursor, quern_text *text, quern_error *error)
{
    enum { VIEW = 16, SHORT = 12 };
    const unsigned char *bytes;
    uint32_t view[4]; /* length, first bytes, buffer, offset */
    const int code = get(arrow, &cursor->value_window, &cursor->values, arrow->row * VIEW, VIEW, &bytes, error);
    if (code != QUERN_OK)
        return code;
    memcpy(view, bytes, sizeof view);
    if (view[0] <= SHORT) {
        *text = (quern_text){(const char *)bytes + 4, view[0]};
        return QUERN_OK;
    }
    if (view[2] >= cursor->view_count)
        return damaged(arrow, "a text lies outside of its record batch", error);
    return read_bytes(arrow, &cursor->texts.byte_window, &cursor->view_buffers[view[2]], view[3], view[0], text, error);
}

static int read_number(struct arrow_reader *arrow, struct cursor *cursor, struct quern_cell *cell, quern_error *error)
{
    const struct quern_arrow_column *column = cursor->column;
    const int code = read_integer(arrow, &cursor->value_window, &cursor->values, arrow->row, column->width,
                                  column->is_signed, &cell->integer, error);
    if (code != QUERN_OK || column->has_dictionary)
        return code;
    cell->kind = column->is_signed ? QUERN_CELL_INTEGER : QUERN_CELL_UNSIGNED;
    if (column->type == QUERN_ARROW_FLOAT && column->width == 4) {
        float number;
        memcpy(&number, &cell->integer, sizeof number);
        cell->kind = QUERN_CELL_SINGLE;
        cell->number = (double)number;
    } else if (column->type == QUERN_ARROW_FLOAT) {
        cell->kind = QUERN_CELL_DOUBLE;
        memcpy(&cell->number, &cell->integer, sizeof cell->number);
    }
    return QUERN_OK;
}

static int read_value(struct arrow_reader *arrow, struct cursor *cursor, struct quern_cell *cell, quern_error *error)
{
    const struct quern_arrow_column *column = cursor->column;
    const uint64_t bytes = (uint64_t)column->width * column->numbers;
    bool bit;
    int code;
    if (column->has_dictionary) {
        cell->kind = QUERN_CELL_TEXT;
        code = read_number(arrow, cursor, cell, error);
        return code == QUERN_OK ? read_text(arrow, &cursor->texts, (uint64_t)cell->integer, &cell->text, error) : code;
    }
    switch ((int)column->type) {
    case QUERN_ARROW_BOOL:
        cell->kind = QUERN_CELL_BOOLEAN;
        code = read_bit(arrow, &cursor->value_window, &cursor->values, &bit, error);
        cell->integer = bit;
        return code;
    case QUERN_ARROW_FIXED_LIST:
        cell->kind = QUERN_CELL_VECTOR;
        return read_bytes(arrow, &cursor->value_window, &cursor->values, arrow->row * bytes, bytes, &cell->text, error);
    case QUERN_ARROW_UTF8_VIEW:
        cell->kind = QUERN_CELL_TEXT;
        return read_view(arrow, cursor, &cell->text, error);
    case QUERN_ARROW_INT:
    case QUERN_ARROW_FLOAT: return read_number(arrow, cursor, cell, error);
    default:
        cell->kind = QUERN_CELL_TEXT;
        return read_text(arrow, &cursor->texts, arrow->row, &cell->text, error);
    }
}

static int read_cell(struct arrow_reader *arrow, struct cursor *cursor, struct quern_cell *cell, quern_error *error)
{
    bool is_there = true;
    *cell = (struct quern_cell){.kind = QUERN_CELL_NULL};
    if (cursor->validity.length > 0) {
        const int code = read_bit(arrow, &cursor->validity_window, &cursor->validity, &is_there, error);
        if (code != QUERN_OK)
            return code;
    }
    return is_there ? read_value(arrow, cursor, cell, error) : QUERN_OK;
}

/* ---------------------------------------------------------------- the interface */

static int next(struct quern_column_file *reader, struct quern_cell *cells, quern_error *error)
{
    struct arrow_reader *arrow = (struct arrow_reader *)reader;
    int code = next_batch(arrow, error);
    if (code != 1)
        return code;
    code = QUERN_OK;
    for (int i = 0; code == QUERN_OK && i < arrow->cursor_count; i++)
        code = read_cell(arrow, &arrow->cursors[i], &cells[i], error);
    if (code != QUERN_OK)
        return code;
    arrow->row++;
    return 1;
}

static int skip(struct quern_column_file *reader, uint64_t count, uint64_t *skipped, quern_error *error)
{
    struct arrow_reader *arrow = (struct arrow_reader *)reader;
    for (*skipped = 0; *skipped < count;) {
        const int code = next_batch(arrow, error);
        if (code != 1)
            return code;
        const uint64_t left = arrow->rows - arrow->row, wanted = count - *skipped;
        const uint64_t some = left < wanted ? left : wanted;
        arrow->row += some;
        *skipped += some;
    }
    return QUERN_OK;
}

static int choose(struct quern_column_file *reader, const int *columns, int count, quern_error *error)
{
    struct arrow_reader *arrow = (struct arrow_reader *)reader;
    arrow->cursors = calloc((size_t)count + 1, sizeof *arrow->cursors);
    if (arrow->cursors == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read %s", reader->file.path);
    arrow->cursor_count = count;
    for (int i = 0; i < count; i++)
        arrow->cursors[i].column = &arrow->columns[columns[i]];
    return QUERN_OK;
}

static void close_arrow(struct quern_column_file *reader)
{
    struct arrow_reader *arrow = (struct arrow_reader *)reader;
    for (int i = 0; i < arrow->cursor_count; i++) {
        struct cursor *cursor = &arrow->cursors[i];
        quern_file_window_free(&cursor->validity_window);
        quern_file_window_free(&cursor->value_window);
        quern_file_window_free(&cursor->texts.offset_window);
        quern_file_window_free(&cursor->texts.byte_window);
        quern_arrow_buffer_release(&cursor->validity);
        quern_arrow_buffer_release(&cursor->values);
        quern_arrow_buffer_release(&cursor->texts.offsets);
        quern_arrow_buffer_release(&cursor->texts.bytes);
        release_views(cursor);
    }
    for (int i = 0; i < reader->count; i++)
        free(reader->columns[i].name);
    quern_seen_file_close(&reader->file);
    quern_file_window_free(&arrow->metadata);
    quern_file_window_free(&arrow->packed);
    free(reader->columns);
    free(arrow->columns);
    free(arrow->cursors);
    free(arrow);
}

/* Reads the table Schema from the end of a file: some programs write it nowhere else. */
static int read_footer(struct arrow_reader *arrow, struct quern_flat_table *schema, quern_error *error)
{
    enum { END = 4 + QUERN_ARROW_MAGIC_BYTES }; /* the length of the footer, and the magic */
    struct quern_seen_file *file = &arrow->base.file;
    const unsigned char *bytes;
    uint32_t length;
    if (file->size < END)
        return damaged(arrow, "it ends too early", error);
    int code = quern_file_window_get(&arrow->metadata, file, file->size - END, END, &bytes, error);
    if (code != QUERN_OK)
        return code;
    memcpy(&length, bytes, sizeof length);
    if (memcmp(bytes + sizeof length, QUERN_ARROW_MAGIC, QUERN_ARROW_MAGIC_BYTES) != 0 || length > file->size - END)
        return damaged(arrow, "it ends too early", error);
    code = quern_file_window_get(&arrow->metadata, file, file->size - END - length, length, &bytes, error);
    if (code != QUERN_OK)
        return code;
    const struct quern_flat_table footer = quern_flat_root(bytes, length);
    *schema = quern_flat_inner(&footer, QUERN_ARROW_FOOTER_SCHEMA);
    return QUERN_OK;
}

/* Reads the schema of a stream: its first message. */
static int read_first(struct arrow_reader *arrow, struct quern_flat_table *schema, quern_error *error)
{
    struct message message;
    const int code = next_message(arrow, &message, error);
    if (code < 0)
        return code;
    if (code == 0 || message.kind != QUERN_ARROW_SCHEMA)
        return damaged(arrow, "it does not begin with a schema", error);
    *schema = quern_flat_inner(&message.table, QUERN_ARROW_MESSAGE_HEADER);
    return QUERN_OK;
}

/* Reads the magic, if there is one, and the schema. */
static int begin(struct arrow_reader *arrow, quern_error *error)
{
    struct quern_seen_file *file = &arrow->base.file;
    struct quern_flat_table schema;
    const unsigned char *bytes;
    int code = quern_file_window_get(&arrow->metadata, file, 0, 8, &bytes, error);
    if (code != QUERN_OK)
        return code;
    arrow->is_file = memcmp(bytes, QUERN_ARROW_MAGIC, QUERN_ARROW_MAGIC_BYTES) == 0;
    arrow->next_message = arrow->is_file ? 8 : 0;
    code = arrow->is_file ? read_footer(arrow, &schema, error) : read_first(arrow, &schema, error);
    if (code != QUERN_OK)
        return code;
    return quern_arrow_schema_read(&schema, file->path, &arrow->base.columns, &arrow->columns, &arrow->base.count,
                                   error);
}

int quern_arrow_open(struct quern_column_file **reader, const char *path, quern_error *error)
{
    struct arrow_reader *arrow = calloc(1, sizeof *arrow);
    *reader = NULL;
    if (arrow == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read %s", path);
    arrow->base.choose = choose;
    arrow->base.next = next;
    arrow->base.skip = skip;
    arrow->base.close = close_arrow;
    int code = quern_seen_file_open(&arrow->base.file, path, error);
    if (code == QUERN_OK)
        code = begin(arrow, error);
    if (code == QUERN_OK)
        *reader = &arrow->base;
    else
        close_arrow(&arrow->base);
    return code;
}
