/* A new file that takes the place of another when it is complete.
 *
 * The file is written as PATH.part beside the target, so nobody opens an incomplete file. PATH.part is locked while it
 * is written, and a second writer of the same path is refused. A PATH.part that a killed process left is overwritten; a
 * link, a pipe or a file with a second name is left alone. When PATH is a symbolic link, it is kept, and its target is
 * replaced. */
#ifndef QUERN_BASE_NEW_FILE_H
#define QUERN_BASE_NEW_FILE_H

#include "quern.h"

#include <stdio.h>

struct quern_new_file {
    char *path, *name, *temporary; /* one allocation each; name: for messages */
    int file;                      /* descriptor, open for writing and reading; -1: none */
};

/* Creates PATH.part. name: what messages call the file; NULL: path. QUERN_EIO, QUERN_ENOMEM. Call quern_new_file_end
 * in any case. */
int quern_new_file_begin(struct quern_new_file *target, const char *path, const char *name, quern_error *error);

/* A stream that writes to the file; the caller closes it. NULL with errno when this fails. */
FILE *quern_new_file_stream(const struct quern_new_file *target);

/* Renames the file to its path; what was written is on the disk already (fsync). QUERN_EIO. */
int quern_new_file_complete(struct quern_new_file *target, quern_error *error);

/* Closes the file, which releases its lock, and removes it if it was not completed. */
void quern_new_file_end(struct quern_new_file *target);

#endif
