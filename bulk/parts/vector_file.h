/* Files of vectors with their ids, in several formats. */
#ifndef QUERN_BULK_VECTOR_FILE_H
#define QUERN_BULK_VECTOR_FILE_H

#include "quern.h"

#include <stdbool.h>
#include <stdio.h>

/* The formats, by their places in QUERN_VECTOR_FORMATS. */
#define QUERN_VECTOR_FORMATS "npy|jsonl"
enum quern_vector_format {
    QUERN_VECTORS_NPY,  /* a NumPy array; the ids are in a file of their own */
    QUERN_VECTORS_JSONL, /* a line of JSON for each vector, with its id */
    QUERN_VECTOR_FORMAT_COUNT
};

/* What all rows of a file have in common. */
struct quern_vector_shape {
    quern_dtype dtype;
    int dimensions;
    uint64_t rows;
};

/* Bytes of a row. */
size_t quern_vector_row_bytes(const struct quern_vector_shape *shape);

/* The name of a format, from QUERN_VECTOR_FORMATS; and the format with a name, or -1. name may be NULL. */
const char *quern_vector_format_name(enum quern_vector_format format);
int quern_vector_format_find(const char *name);

/* The end of the file's name, with its dot. */
const char *quern_vector_format_ending(enum quern_vector_format format);

/* Whether the rows' members are in the file, too. */
bool quern_vector_format_has_members(enum quern_vector_format format);

/* A file that is written. Failures of writing are left to ferror, until quern_vector_file_end. */
struct quern_vector_file {
    enum quern_vector_format format;
    struct quern_vector_shape shape;
    FILE *file;         /* the caller's, empty */
    uint64_t bytes;     /* that were written */
    uint64_t crc;       /* of all bytes, CRC-32 as zlib computes it */
};

/* The caller has set format, shape and file. */
void quern_vector_file_begin(struct quern_vector_file *file);

/* Writes the next row, as quern_encode gives it. members: what belongs to it, a JSON object in one line. */
void quern_vector_file_put(struct quern_vector_file *file, const void *row, quern_text members);

/* After shape.rows rows. QUERN_EIO. name: of the file, for the message. */
int quern_vector_file_end(struct quern_vector_file *file, const char *name, quern_error *error);

#endif
