/* Vectors that a verb works on: those of an index, or of the lines of a file. */
#ifndef QUERN_CLI_ROW_SOURCE_H
#define QUERN_CLI_ROW_SOURCE_H

#include "temporary_file.h"
#include "search.h"

struct quern_cli_row_source {
    quern_index *index;
    quern_index_info info;
    bool is_index; /* not lines of a file */
    bool named; /* ids are names; of lines, they are the numbers of the lines */
    struct quern_cli_temporary temporary; /* for a file that is written meanwhile */
};

/* Opens an index; or embeds the lines of a file, which are not empty, for a task. Reports failures itself; returns an
 * exit code. */
int quern_cli_row_source_open(struct quern_cli_row_source *source, const char *path,
                              const struct quern_cli_session_options *options, int task);

/* Closes it and removes its files; zeros are allowed. */
void quern_cli_row_source_close(struct quern_cli_row_source *source);

/* Prints where the row at a place is, and the beginning of its text. Returns an exit code. */
int quern_cli_row_source_show(const struct quern_cli_row_source *source, uint64_t place);

/* Prints the id of the row as JSON. Returns an exit code. */
int quern_cli_row_source_put_id(const struct quern_cli_row_source *source, uint64_t place);

#endif
