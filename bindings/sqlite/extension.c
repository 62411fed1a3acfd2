#include "functions.h"
#include "open_models.h"
#include "quern_sqlite.h"

SQLITE_EXTENSION_INIT1

#define OLDEST 3031000 /* the first version that knows all flags in use here */

#ifdef SQLITE_CORE
#define LOADED SQLITE_OK
#else
/* The library stays when the connection is closed: others share its models, whose threads run its code. */
#define LOADED SQLITE_OK_LOAD_PERMANENTLY
#endif

#if defined(__GNUC__)
#define EXPORTED __attribute__((visibility("default")))
#else
#define EXPORTED
#endif

static int add_module(sqlite3 *db, const char *name, const sqlite3_module *module,
                      struct quern_sql_connection *connection)
{
    connection->references++;
    return sqlite3_create_module_v2(db, name, module, connection, quern_sql_connection_release);
}

static int add_all(sqlite3 *db, struct quern_sql_connection *connection)
{
    int code = SQLITE_OK;
    for (const struct quern_sql_function *f = quern_sql_functions; code == SQLITE_OK && f->name != NULL; f++) {
        connection->references++; /* which SQLite gives back, even when it fails */
        code = sqlite3_create_function_v2(db, f->name, f->arguments, SQLITE_UTF8 | f->flags, connection, f->call, NULL,
                                          NULL, quern_sql_connection_release);
    }
    if (code == SQLITE_OK)
        code = add_module(db, "embed_rows", &quern_sql_embed_rows, connection);
    if (code == SQLITE_OK)
        code = add_module(db, "embed_chunks", &quern_sql_embed_chunks, connection);
    return code;
}

EXPORTED int sqlite3_quern_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    (void)api; /* with SQLITE_CORE there is no use for it */
    SQLITE_EXTENSION_INIT2(api)
    if (sqlite3_libversion_number() < OLDEST) {
        if (message != NULL)
            *message = sqlite3_mprintf("quern needs SQLite 3.31 or later; this is %s", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    quern_sql_note_place();
    struct quern_sql_connection *connection = quern_sql_connection_new(db);
    if (connection == NULL)
        return SQLITE_NOMEM;
    const int code = add_all(db, connection);
    quern_sql_connection_release(connection);
    return code == SQLITE_OK ? LOADED : code;
}
