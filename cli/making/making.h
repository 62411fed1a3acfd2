/* What the verbs that make model files share: convert, quantize and attach-head. */
#ifndef QUERN_CLI_MAKING_H
#define QUERN_CLI_MAKING_H

#include "arguments.h"
#include "convert.h"

/* The options of all three verbs; each verb's table has those it takes. */
struct quern_cli_making_options {
    const char *output, *type, *dense[2]; /* NULL: not given */
    int threads;                          /* 0: not given */
    bool json;
};

/* What a verb does with its job: makes a model file at path from the input, a file or a folder. */
typedef int quern_cli_make_fn(const struct quern_cli_making_options *options, const char *input, const char *path,
                              const struct quern_convert_job *job, struct quern_convert_result *result,
                              quern_error *error);

/* Finds what is given as input; NULL after a message. */
typedef const char *quern_cli_find_fn(const char *given);

/* Calls make for a verb with the input, and the path or, if that is a link, the file that it leads to. Shows progress,
 * and prints what was written. A signal that ends the process takes effect when the unfinished file has been removed.
 * type: NULL, or the one that the user named. An exit code. */
int quern_cli_make(const char *verb, quern_cli_find_fn *find, quern_cli_make_fn *make,
                   const struct quern_cli_making_options *options, const char *given, const char *type,
                   const char *path);

#endif
