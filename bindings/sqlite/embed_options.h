/* The options of the SQL functions: a task, and a JSON object. */
#ifndef QUERN_SQLITE_EMBED_OPTIONS_H
#define QUERN_SQLITE_EMBED_OPTIONS_H

#include "sql_error.h"

struct quern_sql_options {
    quern_embed_options embed;
    quern_dtype dtype;
    char *memory; /* that the title and the prompt lie in; NULL: there are none */
};

/* Reads {"task": "query", "prompt": "...", "title": "...", "dimensions": 256, "dtype": "int8", "truncate": true,
 * "normalize": true}, every member of which may be missing. task, json: NULL, or a value, which may be NULL in SQL. A
 * task that both name is an error. The caller frees the options with quern_sql_options_free, also after a failure.
 * Fails with QUERN_EINVAL; QUERN_ENOMEM. */
int quern_sql_options_read(struct quern_sql_options *options, sqlite3_value *task, sqlite3_value *json,
                           quern_error *error);

void quern_sql_options_free(struct quern_sql_options *options); /* options of zeros are allowed */

#endif
