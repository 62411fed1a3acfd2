/* A group of rows in memory, column by column, on its way to a file of columns. */
#ifndef QUERN_BULK_COLUMN_GROUP_H
#define QUERN_BULK_COLUMN_GROUP_H

#include "quern.h"

#include <stdbool.h>

enum quern_column_type {
    QUERN_COLUMN_INTEGER, /* of 64 bits, signed */
    QUERN_COLUMN_TEXT,    /* UTF-8 */
    QUERN_COLUMN_VECTOR   /* a fixed number of numbers, or of bytes with 8 bits each */
};

struct quern_column {
    const char *name;
    enum quern_column_type type;
    bool has_nulls;      /* of texts: some may be missing */
    quern_dtype dtype;   /* of vectors */
    uint32_t numbers;    /* of a vector; of bits: their bytes */
    uint32_t row_bytes;  /* of a vector */

    unsigned char *data; /* the values of the rows, one behind the other; texts without anything between them */
    size_t used, capacity;
    uint32_t *ends;      /* [rows + 1] of texts: where each ends in data; the first one is 0 */
    unsigned char *is_there; /* [rows] of texts: 0 or 1 */
    uint32_t nulls;      /* texts that are missing */
};

#define QUERN_COLUMNS_MOST 80 /* of a group */

struct quern_column_group {
    struct quern_column columns[QUERN_COLUMNS_MOST];
    int count;
    uint32_t rows, most_rows;
    size_t text_bytes;   /* of all columns */
    bool has_failed;     /* there was no memory for a value: nothing of the group counts */
};

/* Appends a column to a group without rows. The name must outlive the group. numbers: of vectors. */
void quern_column_add(struct quern_column_group *group, const char *name, enum quern_column_type type, bool has_nulls);
void quern_column_add_vector(struct quern_column_group *group, const char *name, quern_dtype dtype, int dimensions);

/* Takes memory when all columns are added. How many rows a group has depends on its columns alone, so that the bytes of
 * a file depend only on its rows. QUERN_ENOMEM; the group may be closed even after a failure. */
int quern_column_group_open(struct quern_column_group *group, quern_error *error);

/* Appends the value of the next row to a column: every column gets one, and then the row is ended. text.data NULL: it
 * is missing. */
void quern_column_put_integer(struct quern_column_group *group, int column, int64_t value);
void quern_column_put_text(struct quern_column_group *group, int column, quern_text text);
void quern_column_put_vector(struct quern_column_group *group, int column, const void *row);
void quern_column_group_end_row(struct quern_column_group *group);

/* Whether the group is to be written: it has all its rows, or more bytes of text than are kept in memory. */
bool quern_column_group_is_full(const struct quern_column_group *group);

/* Removes the rows. */
void quern_column_group_clear(struct quern_column_group *group);
void quern_column_group_close(struct quern_column_group *group); /* zeros are allowed */

#endif
