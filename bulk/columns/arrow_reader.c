/* Arrow's file and stream formats. A file holds a stream, and its batches are read as those of one; only its schema is
 * taken from its footer. */
#include "arrow_cursor.h"
#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

struct arrow_reader {
    struct quern_column_file base;
    struct quern_arrow_column *columns;
    struct quern_arrow_cursor *cursors; /* [cursor_count] */
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

/* Reads the table of a batch. table: of a dictionary it is not that of the message. */
static int read_batch(struct arrow_reader *arrow, const struct quern_flat_table *table, const struct message *message,
                      struct quern_arrow_record_batch *batch, quern_error *error)
{
    *batch = (struct quern_arrow_record_batch){.body = message->body, .body_length = message->body_length,
                                        .packed = &arrow->packed};
    return quern_arrow_batch_read(batch, table, &arrow->base.file, error);
}

static int begin_batch(struct arrow_reader *arrow, const struct message *message, quern_error *error)
{
    const struct quern_flat_table table = quern_flat_inner(&message->table, QUERN_ARROW_MESSAGE_HEADER);
    struct quern_arrow_record_batch batch;
    int code = read_batch(arrow, &table, message, &batch, error);
    for (int i = 0; code == QUERN_OK && i < arrow->cursor_count; i++)
        code = quern_arrow_cursor_place(&arrow->cursors[i], &batch, error);
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
    struct quern_arrow_record_batch batch;
    for (int i = 0; i < arrow->cursor_count; i++) {
        struct quern_arrow_cursor *cursor = &arrow->cursors[i];
        if (!cursor->column->has_dictionary || cursor->column->dictionary != number)
            continue;
        if (quern_flat_number(&dictionary, QUERN_ARROW_DICTIONARY_DELTA, 1, 0) != 0)
            return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s has a dictionary in several pieces: write its texts "
                                   "without a dictionary", arrow->base.file.path);
        int code = read_batch(arrow, &table, message, &batch, error);
        if (code == QUERN_OK)
            code = quern_arrow_cursor_take_texts(cursor, &batch, error);
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

/* ---------------------------------------------------------------- the interface */

static int next(struct quern_column_file *reader, struct quern_cell *cells, quern_error *error)
{
    struct arrow_reader *arrow = (struct arrow_reader *)reader;
    int code = next_batch(arrow, error);
    if (code != 1)
        return code;
    code = QUERN_OK;
    for (int i = 0; code == QUERN_OK && i < arrow->cursor_count; i++)
        code = quern_arrow_cursor_read(&arrow->cursors[i], arrow->row, &cells[i], error);
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
        arrow->cursors[i] = (struct quern_arrow_cursor){.file = &reader->file,
                                                        .column = &arrow->columns[columns[i]]};
    return QUERN_OK;
}

static void close_arrow(struct quern_column_file *reader)
{
    struct arrow_reader *arrow = (struct arrow_reader *)reader;
    for (int i = 0; i < arrow->cursor_count; i++)
        quern_arrow_cursor_free(&arrow->cursors[i]);
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
