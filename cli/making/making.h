/* What the verbs that make model files share: convert, quantize and attach-head. */
#ifndef QUERN_CLI_MAKING_H
#define QUERN_CLI_MAKING_H

#include "cli.h"
#include "convert.h"

/* What a verb does, given its job. */
typedef int quern_cli_make_fn(const struct quern_cli_options *options, const struct quern_convert_job *job,
                              struct quern_convert_result *result, quern_error *error);

/* Does it for a verb, with progress, and tells what was written to path. A signal that ends the process ends it when
 * what was begun is removed. type: NULL, or one that the user named. An exit code. */
int quern_cli_make(const char *verb, quern_cli_make_fn *make, const struct quern_cli_options *options,
                   const char *type, const char *path);

#endif
