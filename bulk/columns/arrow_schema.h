/* The columns of an Arrow file, from its schema. */
#ifndef QUERN_BULK_ARROW_SCHEMA_H
#define QUERN_BULK_ARROW_SCHEMA_H

#include "arrow_format.h"
#include "column_file.h"
#include "flat_reader.h"

/* A column that is read, and where it stands in a record batch. */
struct quern_arrow_column {
    enum quern_arrow_type type;
    unsigned width;        /* bytes of a value; of texts: of their offsets; of truth values 0 */
    bool is_signed;
    bool has_dictionary;   /* the batch has indexes of texts: width and is_signed are theirs */
    int64_t dictionary;    /* its number */
    unsigned text_width;   /* of the offsets in the dictionary */
    uint32_t numbers;      /* of a vector, whose numbers have width bytes */
    size_t node, buffer;   /* its first ones, but for the buffers of views */
    size_t views_before;   /* columns of views before it, each with some buffers more */
};

/* Reads the table Schema. *columns and what is in *readable: [*count], which the caller frees. QUERN_EUNSUPPORTED,
 * QUERN_EFORMAT, QUERN_ENOMEM. */
int quern_arrow_schema_read(const struct quern_flat_table *schema, const char *path, struct quern_file_column **columns,
                            struct quern_arrow_column **readable, int *count, quern_error *error);

#endif
