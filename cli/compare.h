/* Comparing model files or numeric paths, for the verb verify. */
#ifndef QUERN_CLI_COMPARE_H
#define QUERN_CLI_COMPARE_H

#include "cli.h"

/* Embeds the texts of the input with the model, and on the exact path with what options->against names, and prints
 * how far the vectors are from each other. Complains itself; an exit code. */
int quern_cli_compare(const struct quern_cli_options *options);

#endif
