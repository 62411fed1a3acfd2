/* quern in SQL: an extension of SQLite, with functions that turn text into vectors. docs/howto/sqlite.md is the manual.
 *
 * As a shared library it is loaded by `.load`, load_extension() or sqlite3_load_extension. This header is for programs
 * that link libquern0.a instead, with libquern.a and libsqlite3: they call, once, before they open a database,
 *
 *     sqlite3_auto_extension((void (*)(void))sqlite3_quern_init);
 *
 * or sqlite3_quern_init(db, NULL, NULL) for one connection. */
#ifndef QUERN_SQLITE_H
#define QUERN_SQLITE_H

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
struct sqlite3_api_routines;

/* Adds the functions to a connection. Returns SQLITE_OK, in the shared library SQLITE_OK_LOAD_PERMANENTLY, or the code
 * of a failure, with a message in *message (if message is not NULL) that the caller frees with sqlite3_free. Needs
 * SQLite 3.31 or later. */
int sqlite3_quern_init(struct sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

#ifdef __cplusplus
}
#endif

#endif
