/* A place for a file that a verb writes only for itself. */
#ifndef QUERN_CLI_TEMPORARY_FILE_H
#define QUERN_CLI_TEMPORARY_FILE_H

struct quern_cli_temporary {
    char folder[256];/* of its own; "": not made yet */
    char file[280];  /* the path of a file in it, which is not there yet */
};

/* Makes the folder in $TMPDIR or, where that is not set, in memory or, where memory has less than a GiB for files, in
 * /tmp. Reports failures itself; returns an exit code. */
int quern_cli_temporary_make(struct quern_cli_temporary *temporary);

/* Removes the file, if it is there, and the folder; zeros are allowed. */
void quern_cli_temporary_remove(struct quern_cli_temporary *temporary);

#endif
