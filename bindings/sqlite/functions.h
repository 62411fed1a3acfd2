/* The functions and table functions of the extension, as they are registered. */
#ifndef QUERN_SQLITE_FUNCTIONS_H
#define QUERN_SQLITE_FUNCTIONS_H

#include "sql_connection.h"

struct quern_sql_function {
    const char *name;
    int arguments;
    int flags; /* beside SQLITE_UTF8 */
    void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
};

/* Ends with an empty one. */
extern const struct quern_sql_function quern_sql_functions[];

extern const sqlite3_module quern_sql_embed_rows, quern_sql_embed_chunks;

#endif
