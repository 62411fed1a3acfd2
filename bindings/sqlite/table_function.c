#include "table_function.h"

int quern_sql_connect(sqlite3 *db, void *connection, const char *columns, int reads, sqlite3_vtab **table)
{
    int code = sqlite3_declare_vtab(db, columns);
    if (code == SQLITE_OK && reads)
        code = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (code != SQLITE_OK)
        return code;
    struct quern_sql_table *made = sqlite3_malloc(sizeof *made);
    if (made == NULL)
        return SQLITE_NOMEM;
    *made = (struct quern_sql_table){.connection = connection};
    *table = &made->base;
    return SQLITE_OK;
}

int quern_sql_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

int quern_sql_best_index(sqlite3_vtab *table, sqlite3_index_info *info, const char *function, int first, int count)
{
    int at[QUERN_SQL_ARGUMENTS], given = 0, unusable = 0, place = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        const int argument = info->aConstraint[i].iColumn - first;
        if (argument < 0 || argument >= count || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable) {
            unusable |= 1 << argument;
        } else {
            given |= 1 << argument;
            at[argument] = i;
        }
    }
    if ((unusable & ~given) != 0) /* SQLite tries another order of the tables, in which the value is known */
        return SQLITE_CONSTRAINT;
    if ((given & 1) == 0) {
        sqlite3_free(table->zErrMsg);
        table->zErrMsg = sqlite3_mprintf("%s needs an argument", function);
        return SQLITE_ERROR;
    }
    for (int argument = 0; argument < count; argument++)
        if ((given & 1 << argument) != 0) {
            info->aConstraintUsage[at[argument]].argvIndex = ++place;
            info->aConstraintUsage[at[argument]].omit = 1;
        }
    info->idxNum = given;
    info->estimatedCost = 1e6; /* far more than reading a table */
    info->estimatedRows = 1000;
    return SQLITE_OK;
}

int quern_sql_take_arguments(sqlite3_value **arguments, int count, int given, sqlite3_value **values)
{
    int place = 0;
    quern_sql_free_arguments(arguments, count);
    for (int i = 0; i < count; i++)
        if ((given & 1 << i) != 0) {
            arguments[i] = sqlite3_value_dup(values[place++]);
            if (arguments[i] == NULL)
                return SQLITE_NOMEM;
        }
    return SQLITE_OK;
}

void quern_sql_free_arguments(sqlite3_value **arguments, int count)
{
    for (int i = 0; i < count; i++) {
        sqlite3_value_free(arguments[i]);
        arguments[i] = NULL;
    }
}

void quern_sql_put_argument(sqlite3_context *context, sqlite3_value *argument)
{
    if (argument == NULL)
        sqlite3_result_null(context);
    else
        sqlite3_result_value(context, argument);
}
