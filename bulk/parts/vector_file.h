/* Files of vectors with their ids, in several formats. */
#ifndef QUERN_BULK_VECTOR_FILE_H
#define QUERN_BULK_VECTOR_FILE_H

#include "columns/column_writer.h"
#include "records/record.h"

#include <stdbool.h>
#include <stdio.h>

/* The formats, by their places in QUERN_VECTOR_FORMATS. */
#define QUERN_VECTOR_FORMATS "npy|jsonl|arrow|parquet"
enum quern_vector_format {
    QUERN_VECTORS_NPY,  /* a NumPy array; the ids are in a file of their own */
    QUERN_VECTORS_JSONL, /* a line of JSON for each vector, with its id */
    QUERN_VECTORS_ARROW, /* columns: the members of a row, and its vector */
    QUERN_VECTORS_PARQUET, /* the same */
    QUERN_VECTOR_FORMAT_COUNT
};

/* What all rows of a file have in common. */
struct quern_vector_shape {
    quern_dtype dtype;
    int dimensions;
    uint64_t rows;

    /* Their members, in this order: */
    bool has_ids;    /* "id": the user's, strings or numbers; else the number of the record */
    bool is_chunked; /* "chunk", "begin", "end" */
    bool is_cut;     /* "truncated", behind "tokens", which all have */
    const char *keep[QUERN_RECORD_COLUMNS]; /* [keep_count]: the kept columns; names as the user gave them */
    int keep_count;
};

/* Whether files of the format can have these rows: a file of columns has no two columns of one name. QUERN_EINVAL. */
int quern_vector_shape_check(const struct quern_vector_shape *shape, enum quern_vector_format format,
                             quern_error *error);

/* Bytes of a row. */
size_t quern_vector_row_bytes(const struct quern_vector_shape *shape);

/* The name of a format, from QUERN_VECTOR_FORMATS; and the format with a name, or -1. name may be NULL. */
const char *quern_vector_format_name(enum quern_vector_format format);
int quern_vector_format_find(const char *name);

/* The end of the file's name, with its dot. */
const char *quern_vector_format_ending(enum quern_vector_format format);

/* Whether the rows' members are in the file, too. */
bool quern_vector_format_has_members(enum quern_vector_format format);

/* Whether it is a format of columns. */
bool quern_vector_format_has_columns(enum quern_vector_format format);

/* A file that is written. */
struct quern_vector_file {
    enum quern_vector_format format;
    struct quern_vector_shape shape;
    struct quern_summed_file out;
    struct quern_column_group columns; /* the rows that are not written yet, of a format of columns */
    struct quern_column_writer *writer; /* of such a format */
    int code;                          /* QUERN_OK, or the first failure */
    quern_error error;                 /* which is described here */
};

/* Begins a file; `file` is empty. Failures are told by quern_vector_file_end. The strings of the shape must outlive the
 * file. */
void quern_vector_file_begin(struct quern_vector_file *vectors, enum quern_vector_format format,
                             const struct quern_vector_shape *shape, FILE *file);

/* Writes the next row, as quern_encode gives it. members: what belongs to it, a JSON object in one line. */
void quern_vector_file_put(struct quern_vector_file *vectors, const void *row, quern_text members);

/* After shape.rows rows. Returns the first failure: QUERN_EIO, QUERN_ENOMEM. name: of the file, for the message. */
int quern_vector_file_end(struct quern_vector_file *vectors, const char *name, quern_error *error);

/* Gives the memory back, whether the file was ended or not; zeros are allowed. */
void quern_vector_file_close(struct quern_vector_file *vectors);

#endif
