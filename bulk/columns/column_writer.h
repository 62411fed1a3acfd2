/* Writes a file of columns, group by group. */
#ifndef QUERN_BULK_COLUMN_WRITER_H
#define QUERN_BULK_COLUMN_WRITER_H

#include "column_group.h"
#include "summed_file.h"

/* A writer of a format is a structure that begins with this one. Failures of writing are left to ferror. */
struct quern_column_writer {
    struct quern_summed_file *file;
    const struct quern_column_group *group; /* whose rows are written; its columns stay as they are */

    /* Writes the rows of the group, of which there is one at least. QUERN_ENOMEM. */
    int (*write)(struct quern_column_writer *writer, quern_error *error);

    /* Writes what stands behind the last group. QUERN_ENOMEM. */
    int (*end)(struct quern_column_writer *writer, quern_error *error);
    void (*close)(struct quern_column_writer *writer); /* and frees it */
};

/* The formats: each makes a writer, and writes what stands before the first group. file and group must outlive the
 * writer. QUERN_ENOMEM; then *writer is NULL.
 *
 * Arrow's file format: a record batch for each group, not compressed, every buffer at a multiple of 64 bytes, so that a
 * program that maps the file uses the vectors where they lie.
 *
 * Parquet: a row group for each group, with a page for each column, not compressed. Vectors are lists of three levels;
 * the schema of Arrow that is kept with the file says that they have a fixed length. Numbers of a byte are stored as
 * such, with a dictionary of all 256, as Parquet has no type of less than four bytes. */
int quern_arrow_writer_open(struct quern_column_writer **writer, struct quern_summed_file *file,
                            const struct quern_column_group *group, quern_error *error);
int quern_parquet_writer_open(struct quern_column_writer **writer, struct quern_summed_file *file,
                              const struct quern_column_group *group, quern_error *error);

#endif
