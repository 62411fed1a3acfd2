/* Writes Arrow's file format: a record batch for each group, not compressed, every buffer at a multiple of 64 bytes, so
 * that a program that maps the file uses the vectors where they lie. */
#ifndef QUERN_BULK_ARROW_WRITER_H
#define QUERN_BULK_ARROW_WRITER_H

#include "column_group.h"
#include "summed_file.h"

struct quern_arrow_block; /* where a record batch lies */

struct quern_arrow_writer {
    struct quern_arrow_block *blocks; /* [block_count] */
    size_t block_count, block_capacity;
};

/* Begin with a writer of zeros. QUERN_ENOMEM; failures of writing are left to ferror. The group has the same columns at
 * each call. */
int quern_arrow_begin(struct quern_arrow_writer *writer, struct quern_summed_file *file,
                      const struct quern_column_group *group, quern_error *error);
int quern_arrow_write(struct quern_arrow_writer *writer, struct quern_summed_file *file,
                      const struct quern_column_group *group, quern_error *error);
int quern_arrow_end(struct quern_arrow_writer *writer, struct quern_summed_file *file,
                    const struct quern_column_group *group, quern_error *error);
void quern_arrow_writer_close(struct quern_arrow_writer *writer);

/* The message of the schema, which a Parquet file has, too. The caller frees *message. QUERN_ENOMEM. */
int quern_arrow_schema_message(const struct quern_column_group *group, unsigned char **message, size_t *length,
                               quern_error *error);

#endif
