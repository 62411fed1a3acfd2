/* Record batches of an Arrow file, and the values of their columns. */
#ifndef QUERN_BULK_ARROW_CURSOR_H
#define QUERN_BULK_ARROW_CURSOR_H

#include "arrow_buffer.h"
#include "arrow_schema.h"

/* A record batch, or that of a dictionary: the lists of its nodes and buffers, and where its body is in the file. */
struct quern_arrow_record_batch {
    struct quern_flat_vector nodes, buffers, views;
    uint64_t body, body_length;
    int64_t codec; /* an enum quern_arrow_codec of the buffers; -1: they are not packed */
    uint64_t rows;
    struct quern_file_window *packed; /* for buffers that are packed */
};

/* Reads the table of a batch whose body and window are set. file: for messages. QUERN_EFORMAT, QUERN_EUNSUPPORTED. */
int quern_arrow_batch_read(struct quern_arrow_record_batch *batch, const struct quern_flat_table *table,
                           const struct quern_seen_file *file, quern_error *error);

/* Texts: where they end, and their bytes. Of a dictionary, some may be missing. */
struct quern_arrow_texts {
    unsigned width; /* of an offset */
    uint64_t count;
    struct quern_arrow_buffer validity; /* of a dictionary; length 0: all are there */
    struct quern_arrow_buffer offsets, bytes;
    struct quern_file_window validity_window, offset_window, byte_window;
};

/* A column in the batch at hand. Begins as zeros with file and column. */
struct quern_arrow_cursor {
    struct quern_seen_file *file;
    const struct quern_arrow_column *column;
    struct quern_arrow_buffer validity; /* length 0: all are there */
    struct quern_arrow_buffer values;   /* of numbers, vectors, indexes and views */
    struct quern_file_window validity_window, value_window;
    struct quern_arrow_texts texts;     /* of the batch, or of the dictionary */
    struct quern_arrow_buffer *view_buffers; /* [view_count] */
    size_t view_count;
};

/* Goes to a batch. Errors: those of arrow_buffer.h. */
int quern_arrow_cursor_place(struct quern_arrow_cursor *cursor, const struct quern_arrow_record_batch *batch,
                             quern_error *error);

/* Takes the texts of the column's dictionary from their batch. Errors as above. */
int quern_arrow_cursor_take_texts(struct quern_arrow_cursor *cursor, const struct quern_arrow_record_batch *batch,
                                  quern_error *error);

/* Reads the value of a row, which the batch must have. It lives until the next one is read. Errors as above. */
int quern_arrow_cursor_read(struct quern_arrow_cursor *cursor, uint64_t row, struct quern_cell *cell,
                            quern_error *error);

void quern_arrow_cursor_free(struct quern_arrow_cursor *cursor);

#endif
