/* A file of columns that is read row by row: the chosen columns only, and only the bytes around the row. */
#ifndef QUERN_BULK_COLUMN_FILE_H
#define QUERN_BULK_COLUMN_FILE_H

#include "file_window.h"

#include <stdbool.h>

enum quern_cell_kind {
    QUERN_CELL_NULL,
    QUERN_CELL_BOOLEAN,  /* integer: 0 or 1 */
    QUERN_CELL_INTEGER,
    QUERN_CELL_UNSIGNED, /* integer, without its sign */
    QUERN_CELL_SINGLE,   /* number, which is a float32 */
    QUERN_CELL_DOUBLE,   /* number */
    QUERN_CELL_TEXT,     /* text: bytes that should be UTF-8 */
    QUERN_CELL_VECTOR    /* text: the bytes of a vector, as quern_encode writes them */
};

struct quern_cell {
    enum quern_cell_kind kind;
    int64_t integer;
    double number;
    quern_text text; /* lives until the next row is read */
};

struct quern_file_column {
    char *name;
    const char *unreadable; /* what it holds that is not read, in words: "lists"; NULL: it is read */
    enum quern_cell_kind kind; /* of its values, unless they are missing */
};

/* A reader of a format is a structure that begins with this one. */
struct quern_column_file {
    struct quern_seen_file file;
    struct quern_file_column *columns; /* [count] */
    int count;

    /* Says which columns are read; each is readable. Called once, before the first row. count: at most
     * QUERN_COLUMNS_CHOSEN. QUERN_ENOMEM. */
    int (*choose)(struct quern_column_file *reader, const int *columns, int count, quern_error *error);

    /* Reads a row of the chosen columns to cells[]. Returns 1; 0 when there is none; a negative code. */
    int (*next)(struct quern_column_file *reader, struct quern_cell *cells, quern_error *error);

    /* Skips at most count rows. *skipped: how many these were, fewer only at the end. */
    int (*skip)(struct quern_column_file *reader, uint64_t count, uint64_t *skipped, quern_error *error);
    void (*close)(struct quern_column_file *reader); /* and frees it */
};

#define QUERN_FILE_COLUMNS_MOST 4096
#define QUERN_COLUMNS_CHOSEN 80

/* Opens a file of one of the formats, which its first bytes tell. path must outlive the reader. QUERN_EIO,
 * QUERN_ENOMEM, QUERN_EFORMAT, QUERN_EINVAL for another file, QUERN_EUNSUPPORTED. *reader is NULL after a failure. */
int quern_column_file_open(struct quern_column_file **reader, const char *path, quern_error *error);

/* Whether the first bytes of a file are those of one of the formats. A file that cannot be read is none. */
bool quern_column_file_is(const char *path);

/* For the formats. */
int quern_arrow_open(struct quern_column_file **reader, const char *path, quern_error *error);
int quern_parquet_open(struct quern_column_file **reader, const char *path, quern_error *error);

/* The number of the column with a name; -1: there is none, -2: there are several. */
int quern_column_file_find(const struct quern_column_file *reader, const char *name);

#endif
