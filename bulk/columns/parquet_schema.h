/* The columns of a Parquet file, from its metadata. */
#ifndef QUERN_BULK_PARQUET_SCHEMA_H
#define QUERN_BULK_PARQUET_SCHEMA_H

#include "column_file.h"
#include "parquet_format.h"
#include "thrift_reader.h"

/* A column that is read. */
struct quern_parquet_column {
    enum quern_parquet_type type;
    enum quern_cell_kind kind; /* of its values */
    unsigned width;            /* bytes of a value as it is stored; of texts and truth values 0 */
    unsigned kept;             /* bytes of a number of a vector that count: of a byte 1 */
    bool is_optional;          /* values may be missing */
    bool is_list;              /* of numbers, all of which are there */
    size_t leaf;               /* its place among all columns of values */
};

/* What the metadata say of the whole file. */
struct quern_parquet_metadata {
    struct quern_file_column *columns;     /* [count], as is readable; the caller frees them and their names */
    struct quern_parquet_column *readable;
    int count;
    struct quern_thrift_reader groups;     /* at the first of the row groups */
    size_t group_count;
};

/* Reads data[length], which must outlive metadata->groups. Frees nothing after a failure. QUERN_EFORMAT,
 * QUERN_ENOMEM. */
int quern_parquet_metadata_read(struct quern_parquet_metadata *metadata, const unsigned char *data, size_t length,
                                const char *path, quern_error *error);

#endif
