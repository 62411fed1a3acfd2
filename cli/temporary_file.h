/* A place for a file that a verb writes only for itself. */
#ifndef QUERN_CLI_TEMPORARY_FILE_H
#define QUERN_CLI_TEMPORARY_FILE_H

#include <stdbool.h>

struct quern_cli_temporary {
    char folder[256]; /* of its own; "": not made yet */
    char file[280];   /* the path of a file in it, which is not there yet */
    char part[288];   /* where the writers of the library begin this file */
};

/* Makes the folder in $TMPDIR or, where that is not set, in memory, if it may lie there and memory has a GiB for files,
 * else in /tmp. A signal that ends the process removes file and folder. name: of the file, at most 20 bytes. Reports
 * failures itself; returns an exit code. */
int quern_cli_temporary_make(struct quern_cli_temporary *temporary, const char *name, bool in_memory);

/* Removes the file, if it is there, and the folder; zeros are allowed. The structure must not be moved before. */
void quern_cli_temporary_remove(struct quern_cli_temporary *temporary);

#endif
