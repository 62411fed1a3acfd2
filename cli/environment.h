/* Options that come from the environment: QUERN_STEP_TOKENS=1024 for --step-tokens 1024. */
#ifndef QUERN_CLI_ENVIRONMENT_H
#define QUERN_CLI_ENVIRONMENT_H

#include "arguments.h"

/* Takes the options of a verb that the command line does not have: given[i] says whether it has option i of the table,
 * or --quiet behind the last one, and then its variable is not read. An empty variable is the same as none. Says in a
 * notice which variables do nothing. Returns -1, or an exit code after a message. */
int quern_cli_take_environment(const struct quern_cli_verb *verb, const bool *given);

#define QUERN_CLI_LABEL 72

/* Writes what a message calls an option: "$QUERN_STEP_TOKENS" if it came from there, else "--step-tokens". */
const char *quern_cli_label(const char *option, char label[QUERN_CLI_LABEL]);

#endif
