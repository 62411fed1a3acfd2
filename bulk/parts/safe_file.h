/* Files that are whole under their name, or not there. */
#ifndef QUERN_BULK_SAFE_FILE_H
#define QUERN_BULK_SAFE_FILE_H

#include "quern.h"

#include <stdbool.h>
#include <stdio.h>

struct quern_safe_file {
    FILE *file;
    char *path, *temporary;
    char buffer[1 << 16]; /* of file: fewer and larger writes than stdio's own */
};

/* Opens a file for writing under another name in the same folder: PATH.new, which a killed process may have left, or
 * PATH.PID.new if is_shared, because other processes may write the same file at the same time. QUERN_EIO. */
int quern_safe_file_open(struct quern_safe_file *file, const char *path, bool is_shared, quern_error *error);

/* Syncs it to the disk and gives it its name. QUERN_EIO. */
int quern_safe_file_finish(struct quern_safe_file *file, quern_error *error);

/* The same, but a file that has the name already stays. *was_there: whether there was one. */
int quern_safe_file_finish_first(struct quern_safe_file *file, bool *was_there, quern_error *error);

/* Closes and removes what is not finished. A finished file, and zeros, are allowed. */
void quern_safe_file_discard(struct quern_safe_file *file);

/* Syncs the names in a folder to the disk. QUERN_EIO. */
int quern_folder_sync(const char *path, quern_error *error);

#endif
