/* What the files of the extension share: SQLite, errors, and values of SQL as texts and numbers. */
#ifndef QUERN_SQLITE_ERROR_H
#define QUERN_SQLITE_ERROR_H

#include "quern.h"

#include <stdbool.h>

/* In the shared library each function of SQLite is called through a table, which the program hands over when it loads
 * the library: so it works with the SQLite that the program has. With SQLITE_CORE the functions are linked. */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

#define QUERN_SQL_NO_MEMORY "there is no memory left"

/* Fills *error, which is not NULL, and returns the code. */
int quern_sql_fail(quern_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Makes "FUNCTION: what" the error of a function or of a table function. The second returns a code of SQLite. */
void quern_sql_refuse(sqlite3_context *context, const char *function, const quern_error *error);
int quern_sql_refuse_table(sqlite3_vtab *table, const char *function, const quern_error *error);

/* The text of a value, which lives as long as the value. Numbers become text as SQLite writes them. what: the name of
 * the argument, for the message. Fails with QUERN_EINVAL for NULL and a blob; QUERN_ENOMEM. */
int quern_sql_text(quern_text *text, sqlite3_value *value, const char *what, quern_error *error);

/* A whole number from 0 on, which NULL stands for. Fails with QUERN_EINVAL. */
int quern_sql_whole(int *number, sqlite3_value *value, const char *what, quern_error *error);

#endif
