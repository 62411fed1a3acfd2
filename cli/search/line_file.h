/* A file in memory, and its lines. */
#ifndef QUERN_CLI_LINE_FILE_H
#define QUERN_CLI_LINE_FILE_H

#include "cli.h"

struct quern_cli_lines {
    char *data;
    quern_text *lines; /* [count], without their ends */
    size_t count;
};

/* Reads a file whose lines end with a newline, or with NUL. Reports failures itself; returns an exit code. */
int quern_cli_lines_read(struct quern_cli_lines *file, const char *path, bool null);
void quern_cli_lines_free(struct quern_cli_lines *file); /* zeros are allowed */

#endif
