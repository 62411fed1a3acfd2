/* Reads the rows of a part that is done, from its final files. */
#ifndef QUERN_BULK_PART_READER_H
#define QUERN_BULK_PART_READER_H

#include "part.h"
#include "row_columns.h"

struct quern_part_reader {
    enum quern_vector_format format;
    size_t row_bytes;
    uint64_t count;      /* rows of the part */
    uint64_t given;      /* rows */
    FILE *rows, *ids;    /* of formats without columns; ids: NULL where they are in the file of the rows */
    struct quern_row_reader columns; /* of formats with columns */
    unsigned char *row;
    char *line;
    size_t line_capacity;
    char path[QUERN_PART_PATH];
};

/* Opens a part of so many rows, as its .done tells. The reader may be closed even after a failure. QUERN_EIO,
 * QUERN_ENOMEM, QUERN_EFORMAT. */
int quern_part_reader_open(struct quern_part_reader *reader, const char *folder, uint64_t number, uint64_t rows,
                           enum quern_vector_format format, const struct quern_vector_shape *shape,
                           quern_error *error);

/* Gives the next row, as quern_encode made it, and its members, a JSON object in one line; both live until the next
 * call. Returns 1, 0 behind the last row, or a code. */
int quern_part_reader_next(struct quern_part_reader *reader, const void **row, quern_text *members,
                           quern_error *error);

void quern_part_reader_close(struct quern_part_reader *reader);

#endif
