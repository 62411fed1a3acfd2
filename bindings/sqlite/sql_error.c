#include "sql_error.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

int quern_sql_fail(quern_error *error, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->code = code;
    error->index = -1;
    return code;
}

void quern_sql_refuse(sqlite3_context *context, const char *function, const quern_error *error)
{
    char *message = error->code == QUERN_ENOMEM ? NULL : sqlite3_mprintf("%s: %s", function, error->text);
    if (message == NULL)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_error(context, message, -1);
    sqlite3_free(message);
}

int quern_sql_refuse_table(sqlite3_vtab *table, const char *function, const quern_error *error)
{
    if (error->code == QUERN_ENOMEM)
        return SQLITE_NOMEM;
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = sqlite3_mprintf("%s: %s", function, error->text);
    return table->zErrMsg == NULL ? SQLITE_NOMEM : SQLITE_ERROR;
}

int quern_sql_text(quern_text *text, sqlite3_value *value, const char *what, quern_error *error)
{
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL)
        return quern_sql_fail(error, QUERN_EINVAL, "the %s is NULL", what);
    if (type == SQLITE_BLOB)
        return quern_sql_fail(error, QUERN_EINVAL, "the %s is a blob; CAST(... AS TEXT) makes it text", what);
    text->data = (const char *)sqlite3_value_text(value);
    if (text->data == NULL)
        return quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
    text->length = (size_t)sqlite3_value_bytes(value);
    return QUERN_OK;
}

int quern_sql_whole(int *number, sqlite3_value *value, const char *what, quern_error *error)
{
    *number = 0;
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return QUERN_OK;
    const sqlite3_int64 given = sqlite3_value_int64(value);
    if (sqlite3_value_type(value) != SQLITE_INTEGER || given < 0 || given > INT_MAX)
        return quern_sql_fail(error, QUERN_EINVAL, "%s must be a whole number from 0 on", what);
    *number = (int)given;
    return QUERN_OK;
}
