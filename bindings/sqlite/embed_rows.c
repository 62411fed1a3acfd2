/* embed_rows(query[, options]): a table of id, embedding and tokens. It reads rows of the query and embeds many at a
 * time, which is much faster than one by one. */
#include "functions.h"
#include "table_function.h"

#include <string.h>

enum { ID, EMBEDDING, TOKENS, QUERY, OPTIONS };
enum { ROWS_ARGUMENTS = 2 };

/* A batch ends when it has one of these. sqlite3_interrupt is noticed between two batches. */
enum { ROWS_AT_ONCE = 128, BYTES_AT_ONCE = 32 * 1024 };

enum { MOST_DEPTH = 8 }; /* of queries within queries */

struct rows_cursor {
    sqlite3_vtab_cursor base;
    sqlite3_value *arguments[ROWS_ARGUMENTS];
    struct quern_sql_options options;
    sqlite3_stmt *query;  /* NULL: all its rows were read */
    sqlite3_int64 before; /* rows before this batch */
    size_t count, at;     /* rows of this batch, and the current one */
    sqlite3_value *ids[ROWS_AT_ONCE];
    char *bytes;          /* [capacity]: the texts of this batch, one after the other */
    size_t used, capacity;
    quern_text texts[ROWS_AT_ONCE];
    quern_result results[ROWS_AT_ONCE];
    struct quern_sql_vectors vectors;
};

static struct quern_sql_connection *connection_of(const struct rows_cursor *cursor)
{
    return ((struct quern_sql_table *)cursor->base.pVtab)->connection;
}

static int fail(struct rows_cursor *cursor, const quern_error *error)
{
    return quern_sql_refuse_table(cursor->base.pVtab, "embed_rows", error);
}

/* Fails with the message of SQLite for what went wrong in the query. */
static int fail_query(struct rows_cursor *cursor, int code)
{
    sqlite3_vtab *table = cursor->base.pVtab;
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = sqlite3_mprintf("embed_rows: in the query: %s", sqlite3_errmsg(connection_of(cursor)->db));
    return code;
}

static int rows_connect(sqlite3 *db, void *connection, int count, const char *const *values, sqlite3_vtab **table,
                        char **message)
{
    (void)count, (void)values, (void)message;
    return quern_sql_connect(db, connection, "CREATE TABLE x(id, embedding, tokens, query HIDDEN, options HIDDEN)", 1,
                             table);
}

static int rows_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    return quern_sql_best_index(table, info, "embed_rows", QUERY, ROWS_ARGUMENTS);
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct rows_cursor *made = sqlite3_malloc(sizeof *made);
    if (made == NULL)
        return SQLITE_NOMEM;
    memset(made, 0, sizeof *made);
    ((struct quern_sql_table *)table)->connection->cursors++;
    *cursor = &made->base;
    return SQLITE_OK;
}

/* ---------------------------------------------------------------- a batch */

static void drop_batch(struct rows_cursor *cursor)
{
    for (size_t i = 0; i < cursor->count; i++)
        sqlite3_value_free(cursor->ids[i]);
    cursor->before += (sqlite3_int64)cursor->count;
    cursor->count = 0;
    cursor->at = 0;
    cursor->used = 0;
}

/* Adds bytes to those of the batch. The texts are made views of them when all are there. */
static int keep_bytes(struct rows_cursor *cursor, quern_text text, quern_error *error)
{
    if (text.length > cursor->capacity - cursor->used) {
        const size_t capacity = cursor->used + text.length + BYTES_AT_ONCE;
        char *bytes = sqlite3_realloc64(cursor->bytes, capacity);
        if (bytes == NULL)
            return quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
        cursor->bytes = bytes;
        cursor->capacity = capacity;
    }
    if (text.length > 0)
        memcpy(cursor->bytes + cursor->used, text.data, text.length);
    cursor->used += text.length;
    return QUERN_OK;
}

/* "row 7 of the query (id 42): " before the message of an error. */
static int fail_row(struct rows_cursor *cursor, size_t i, quern_error *error)
{
    const quern_error cause = *error;
    const unsigned char *id = sqlite3_value_type(cursor->ids[i]) == SQLITE_BLOB ? NULL
                                                                                 : sqlite3_value_text(cursor->ids[i]);
    if (cause.code != QUERN_ENOMEM)
        quern_sql_fail(error, cause.code, "row %lld of the query (id %.40s): %s",
                       (long long)(cursor->before + (sqlite3_int64)i + 1), id == NULL ? "NULL" : (const char *)id,
                       cause.text);
    return fail(cursor, error);
}

/* Takes the row that the query stands at. */
static int take_row(struct rows_cursor *cursor)
{
    const size_t i = cursor->count;
    quern_error error;
    quern_text text;
    cursor->ids[i] = sqlite3_value_dup(sqlite3_column_value(cursor->query, 0));
    if (cursor->ids[i] == NULL)
        return SQLITE_NOMEM;
    cursor->count++;
    if (quern_sql_text(&text, sqlite3_column_value(cursor->query, 1), "text", &error) != QUERN_OK ||
        keep_bytes(cursor, text, &error) != QUERN_OK)
        return fail_row(cursor, i, &error);
    cursor->texts[i].length = text.length;
    return SQLITE_OK;
}

static void end_query(struct rows_cursor *cursor)
{
    sqlite3_finalize(cursor->query);
    cursor->query = NULL;
}

static int read_rows(struct rows_cursor *cursor)
{
    while (cursor->query != NULL && cursor->count < ROWS_AT_ONCE && cursor->used < BYTES_AT_ONCE) {
        int code = sqlite3_step(cursor->query);
        if (code == SQLITE_DONE)
            end_query(cursor); /* another step would begin again */
        else if (code != SQLITE_ROW)
            return fail_query(cursor, code);
        else if ((code = take_row(cursor)) != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

/* Reads rows. The query may use embed_rows itself, and one that it reads from a table may even be itself: without a
 * bound on the depth this would use up the stack. */
static int read_batch(struct rows_cursor *cursor)
{
    struct quern_sql_connection *connection = connection_of(cursor);
    quern_error error;
    if (connection->depth == MOST_DEPTH) {
        quern_sql_fail(&error, QUERN_EINVAL, "queries that use embed_rows are nested deeper than %d", MOST_DEPTH);
        return fail(cursor, &error);
    }
    connection->depth++;
    const int code = read_rows(cursor);
    connection->depth--;
    return code;
}

static int next_batch(struct rows_cursor *cursor)
{
    quern_error error;
    drop_batch(cursor);
    const int code = read_batch(cursor);
    if (code != SQLITE_OK || cursor->count == 0)
        return code;
    for (size_t i = 0, begin = 0; i < cursor->count; begin += cursor->texts[i++].length)
        cursor->texts[i].data = cursor->bytes == NULL ? "" : cursor->bytes + begin;
    if (quern_sql_embed(connection_of(cursor), cursor->texts, cursor->count, &cursor->options, &cursor->vectors,
                        cursor->results, &error) == QUERN_OK)
        return SQLITE_OK;
    return error.index >= 0 ? fail_row(cursor, (size_t)error.index, &error) : fail(cursor, &error);
}

/* ---------------------------------------------------------------- the query */

/* Whether nothing but space and comments follows a statement. */
static int check_rest(struct rows_cursor *cursor, const char *rest)
{
    sqlite3_stmt *second = NULL;
    quern_error error;
    const int code = sqlite3_prepare_v2(connection_of(cursor)->db, rest, -1, &second, NULL);
    if (code != SQLITE_OK)
        return fail_query(cursor, code);
    if (second == NULL)
        return SQLITE_OK;
    sqlite3_finalize(second);
    quern_sql_fail(&error, QUERN_EINVAL, "the query must be one statement");
    return fail(cursor, &error);
}

static int check_query(struct rows_cursor *cursor)
{
    quern_error error;
    int code = QUERN_OK;
    if (cursor->query == NULL || sqlite3_column_count(cursor->query) != 2)
        code = quern_sql_fail(&error, QUERN_EINVAL, "the query must give two columns: an id and a text");
    else if (!sqlite3_stmt_readonly(cursor->query))
        code = quern_sql_fail(&error, QUERN_EINVAL, "the query must not write");
    else if (sqlite3_bind_parameter_count(cursor->query) > 0)
        code = quern_sql_fail(&error, QUERN_EINVAL, "the query cannot have parameters, such as ? and :name");
    return code == QUERN_OK ? SQLITE_OK : fail(cursor, &error);
}

static int begin_query(struct rows_cursor *cursor)
{
    quern_error error;
    quern_text text;
    const char *rest;
    if (quern_sql_text(&text, cursor->arguments[0], "query", &error) != QUERN_OK)
        return fail(cursor, &error);
    int code = sqlite3_prepare_v2(connection_of(cursor)->db, text.data, -1, &cursor->query, &rest);
    if (code != SQLITE_OK)
        return fail_query(cursor, code);
    code = check_rest(cursor, rest);
    return code == SQLITE_OK ? check_query(cursor) : code;
}

static int rows_filter(sqlite3_vtab_cursor *base, int given, const char *unused, int count, sqlite3_value **values)
{
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    quern_error error;
    (void)unused, (void)count;
    end_query(cursor);
    drop_batch(cursor);
    cursor->before = 0;
    quern_sql_options_free(&cursor->options);
    int code = quern_sql_take_arguments(cursor->arguments, ROWS_ARGUMENTS, given, values);
    if (code != SQLITE_OK)
        return code;
    if (quern_sql_options_read(&cursor->options, NULL, cursor->arguments[1], &error) != QUERN_OK)
        return fail(cursor, &error);
    code = begin_query(cursor);
    return code == SQLITE_OK ? next_batch(cursor) : code;
}

/* ---------------------------------------------------------------- rows */

static int rows_close(sqlite3_vtab_cursor *base)
{
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    connection_of(cursor)->cursors--;
    end_query(cursor);
    drop_batch(cursor);
    quern_sql_free_arguments(cursor->arguments, ROWS_ARGUMENTS);
    quern_sql_options_free(&cursor->options);
    sqlite3_free(cursor->bytes);
    sqlite3_free(cursor->vectors.memory);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    return ++cursor->at < cursor->count ? SQLITE_OK : next_batch(cursor);
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
    const struct rows_cursor *cursor = (const struct rows_cursor *)base;
    return cursor->at >= cursor->count;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct rows_cursor *cursor = (const struct rows_cursor *)base;
    const size_t bytes = cursor->vectors.row_bytes;
    if (column == ID)
        sqlite3_result_value(context, cursor->ids[cursor->at]);
    else if (column == EMBEDDING)
        quern_sql_result(context, (const char *)cursor->vectors.memory + cursor->at * bytes, bytes,
                         cursor->options.dtype, SQLITE_TRANSIENT);
    else if (column == TOKENS)
        sqlite3_result_int64(context, cursor->results[cursor->at].tokens);
    else
        quern_sql_put_argument(context, cursor->arguments[column - QUERY]);
    return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    const struct rows_cursor *cursor = (const struct rows_cursor *)base;
    *rowid = cursor->before + (sqlite3_int64)cursor->at + 1;
    return SQLITE_OK;
}

/* Without xCreate it can be used without CREATE VIRTUAL TABLE only. */
const sqlite3_module quern_sql_embed_rows = {
    .xConnect = rows_connect,
    .xBestIndex = rows_best_index,
    .xDisconnect = quern_sql_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};
