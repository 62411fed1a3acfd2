/* What the two table functions share. The arguments of a table function are hidden columns, which SQLite offers as
 * constraints. */
#ifndef QUERN_SQLITE_TABLE_FUNCTION_H
#define QUERN_SQLITE_TABLE_FUNCTION_H

#include "sql_connection.h"

#define QUERN_SQL_ARGUMENTS 4 /* of a table function at most */

struct quern_sql_table {
    sqlite3_vtab base;
    struct quern_sql_connection *connection;
};

/* Makes the table, with columns as in CREATE TABLE. reads: 1, if it runs queries, which nothing in a database file may
 * make it do. Returns a code of SQLite. */
int quern_sql_connect(sqlite3 *db, void *connection, const char *columns, int reads, sqlite3_vtab **table);
int quern_sql_disconnect(sqlite3_vtab *table);

/* xBestIndex: hands over the arguments, which are the hidden columns first to first + count - 1, in order; idxNum has a
 * bit for each that is given. The first one must be. */
int quern_sql_best_index(sqlite3_vtab *table, sqlite3_index_info *info, const char *function, int first, int count);

/* Copies the values of xFilter to arguments[count], NULL for one that is not given, and frees what was there before.
 * Returns a code of SQLite. */
int quern_sql_take_arguments(sqlite3_value **arguments, int count, int given, sqlite3_value **values);
void quern_sql_free_arguments(sqlite3_value **arguments, int count);

/* Makes an argument, or NULL, the value of a column. */
void quern_sql_put_argument(sqlite3_context *context, sqlite3_value *argument);

#endif
