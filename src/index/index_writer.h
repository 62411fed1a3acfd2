/* A writer of an index file, and what its files share: making it (index_writer.c), its blocks (writer_blocks.c), its
 * rows (writer_rows.c) and its commits (writer_commit.c). */
#ifndef QUERN_INDEX_INDEX_WRITER_H
#define QUERN_INDEX_INDEX_WRITER_H

#include "base/new_file.h"
#include "index/block_builder.h"
#include "index/catalogue.h"
#include "index/id_table.h"

#define QUERN_NO_PLACE UINT64_MAX /* the place of a row that is not there */

struct quern_index_writer {
    struct quern_new_file fresh; /* a new file, until its first commit; then its file only */
    int file;                    /* descriptor of the file that is written */
    bool owns_file;              /* else it is that of fresh */
    char *path;                  /* for messages */
    bool is_new;                 /* nothing was committed yet */
    struct quern_catalogue catalogue;
    struct quern_id_table table; /* of all rows, by place; of rows that were removed: QUERN_NO_PLACE */
    struct quern_block_builder builder;
    uint64_t end;                /* where the next block goes */
    uint64_t committed;          /* where what was committed ends; the file is cut there if more is not */
    bool changed;                /* since the last commit */
    bool rests;                  /* it has no file */
    int broken;                  /* the code of the failure after which nothing can be done; 0: none */
};

/* QUERN_EINVAL for NULL and one that rests; the code of the failure that broke the writer. */
int quern_writer_check(const struct quern_index_writer *writer, quern_error *error);

/* Closes the file, which releases its lock. What was not committed is cut off; a new file that was not is gone. */
void quern_writer_close_file(struct quern_index_writer *writer);

/* ---------------------------------------------------------------- writer_blocks.c */

/* The block that is being filled: the last one of the catalogue, which has no offset yet. NULL: there is none. */
struct quern_index_block *quern_writer_block(const struct quern_index_writer *writer);

/* Begins a block if there is none, or if the one there is has no room for the row. QUERN_EINVAL: the index is full;
 * QUERN_EIO, QUERN_ENOMEM. */
int quern_writer_make_room(struct quern_index_writer *writer, const quern_index_row *row, quern_error *error);

/* Writes the block that is being filled, if there is one. QUERN_EIO, QUERN_ENOMEM. */
int quern_writer_flush(struct quern_index_writer *writer, quern_error *error);

/* Writes bytes at an offset of the file. QUERN_EIO. */
int quern_writer_write_at(const struct quern_index_writer *writer, const void *data, size_t bytes, uint64_t offset,
                          quern_error *error);

/* Reads bytes at an offset of the file. QUERN_EIO, also when the file ends before. */
int quern_writer_read_at(const struct quern_index_writer *writer, void *data, size_t bytes, uint64_t offset,
                         quern_error *error);

/* QUERN_EIO, with a message of errno. */
int quern_writer_fail_io(const struct quern_index_writer *writer, quern_error *error);

/* The offset of the next page of the file. */
uint64_t quern_writer_next_page(const struct quern_index_writer *writer);

#endif
