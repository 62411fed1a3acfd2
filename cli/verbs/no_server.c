/* Replaces serve_verb.c where there is no server. */
#include "arguments.h"

static int refuse(const void *options, struct quern_cli_arguments arguments)
{
    (void)options;
    (void)arguments;
    quern_cli_say("this quern was built without the server; programs that call it can use 'quern mcp', 'quern pipe' or "
                  "the library");
    return QUERN_CLI_FAILED;
}

static const struct quern_cli_option table[] = {{0}};

const struct quern_cli_verb quern_cli_serve = {
    .name = "serve",
    .summary = "Is not part of this quern: it was built without the server.",
    .table = table,
    .run = refuse,
};
