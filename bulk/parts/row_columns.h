/* The rows of a part as columns: id, the place of a chunk, tokens, truncated, the kept columns, embedding. */
#ifndef QUERN_BULK_ROW_COLUMNS_H
#define QUERN_BULK_ROW_COLUMNS_H

#include "columns/column_file.h"
#include "columns/column_group.h"
#include "vector_file.h"

/* Adds the columns of a shape to a group of zeros. The shape's strings must outlive the group. */
void quern_row_columns_add(struct quern_column_group *group, const struct quern_vector_shape *shape);

/* Appends a row: its members, in the order of the columns, and its vector. A kept value that is no string is stored as
 * its JSON text. Returns false when the members are not those of the columns. */
bool quern_row_columns_put(struct quern_column_group *group, quern_text members, const void *vector);

/* A row of a file of such columns. */
struct quern_row_reader {
    struct quern_column_file *file;
    struct quern_column_group columns; /* without rows: what the file must have */
    struct quern_cell cells[QUERN_COLUMNS_MOST];
    char *line;                        /* the members */
    size_t length, capacity;
};

/* Opens a file. QUERN_EFORMAT when it does not have the columns of the shape. The reader may be closed even after a
 * failure. */
int quern_row_reader_open(struct quern_row_reader *reader, const char *path, const struct quern_vector_shape *shape,
                          quern_error *error);

/* Gives the next row, as part_reader.h says. */
int quern_row_reader_next(struct quern_row_reader *reader, const void **row, quern_text *members, quern_error *error);
void quern_row_reader_close(struct quern_row_reader *reader); /* zeros are allowed */

#endif
