/* embed_chunks(text[, tokens[, overlap[, options]]]): a table of the chunks of a text, with the number of their tokens,
 * and where they lie in the text. */
#include "functions.h"
#include "table_function.h"

#include <string.h>

enum { CHUNK, TOKENS, START, LENGTH, TEXT, MOST_TOKENS, OVERLAP, OPTIONS };
enum { CHUNKS_ARGUMENTS = 4 };

struct chunks_cursor {
    sqlite3_vtab_cursor base;
    sqlite3_value *arguments[CHUNKS_ARGUMENTS];
    quern_text text;     /* of the first argument */
    quern_chunk *chunks; /* [count] */
    size_t count, at;
    sqlite3_int64 start; /* characters before the current chunk */
};

static int fail(struct chunks_cursor *cursor, const quern_error *error)
{
    return quern_sql_refuse_table(cursor->base.pVtab, "embed_chunks", error);
}

static int chunks_connect(sqlite3 *db, void *connection, int count, const char *const *values, sqlite3_vtab **table,
                          char **message)
{
    (void)count, (void)values, (void)message;
    return quern_sql_connect(db, connection,
                             "CREATE TABLE x(chunk, tokens, start, length, text HIDDEN, most_tokens HIDDEN, "
                             "overlap HIDDEN, options HIDDEN)", 0, table);
}

static int chunks_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    return quern_sql_best_index(table, info, "embed_chunks", TEXT, CHUNKS_ARGUMENTS);
}

static int chunks_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct chunks_cursor *made = sqlite3_malloc(sizeof *made);
    if (made == NULL)
        return SQLITE_NOMEM;
    memset(made, 0, sizeof *made);
    ((struct quern_sql_table *)table)->connection->cursors++;
    *cursor = &made->base;
    return SQLITE_OK;
}

static int chunks_close(sqlite3_vtab_cursor *base)
{
    struct chunks_cursor *cursor = (struct chunks_cursor *)base;
    ((struct quern_sql_table *)base->pVtab)->connection->cursors--;
    quern_sql_free_arguments(cursor->arguments, CHUNKS_ARGUMENTS);
    sqlite3_free(cursor->chunks);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

/* ---------------------------------------------------------------- chunking */

/* Cuts the text. The first try has room for a few chunks, and says how many there are. */
static int cut(struct chunks_cursor *cursor, quern_context *context, const quern_embed_options *options,
               const quern_chunk_options *chunk_options, quern_error *error)
{
    size_t capacity = 16;
    for (;;) {
        sqlite3_free(cursor->chunks);
        cursor->chunks = sqlite3_malloc64(capacity * sizeof *cursor->chunks);
        if (cursor->chunks == NULL)
            return quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
        const int code = quern_chunk_text(context, cursor->text, options, chunk_options, cursor->chunks, capacity,
                                          &cursor->count, error);
        if (code != QUERN_ETOOLONG || cursor->count <= capacity)
            return code;
        capacity = cursor->count;
    }
}

static int read_and_cut(struct chunks_cursor *cursor, const struct quern_sql_options *options, quern_error *error)
{
    struct quern_sql_connection *connection = ((struct quern_sql_table *)cursor->base.pVtab)->connection;
    quern_chunk_options chunk_options = {.size = sizeof chunk_options};
    quern_embed_options embed = options->embed;
    int code, tokens = 0, overlap = 0;
    embed.dimensions = 0; /* options of vectors, which the caller may give because the chunks will be embedded with
                             them, do not matter here */
    embed.flags = 0;
    if ((code = quern_sql_text(&cursor->text, cursor->arguments[0], "text", error)) != QUERN_OK ||
        (cursor->arguments[1] != NULL &&
         (code = quern_sql_whole(&tokens, cursor->arguments[1], "the number of tokens", error)) != QUERN_OK) ||
        (cursor->arguments[2] != NULL &&
         (code = quern_sql_whole(&overlap, cursor->arguments[2], "the overlap", error)) != QUERN_OK) ||
        (code = quern_sql_need_model(connection, error)) != QUERN_OK)
        return code;
    chunk_options.tokens = (size_t)tokens;
    chunk_options.overlap = (size_t)overlap;
    return cut(cursor, connection->context, &embed, &chunk_options, error);
}

/* Characters of a part of the text, as SQLite counts them in substr and length. */
static sqlite3_int64 count_characters(const struct chunks_cursor *cursor, size_t begin, size_t end)
{
    sqlite3_int64 count = 0;
    for (size_t i = begin; i < end; i++)
        count += (cursor->text.data[i] & 0xC0) != 0x80;
    return count;
}

static int chunks_filter(sqlite3_vtab_cursor *base, int given, const char *unused, int count, sqlite3_value **values)
{
    struct chunks_cursor *cursor = (struct chunks_cursor *)base;
    struct quern_sql_options options;
    quern_error error;
    (void)unused, (void)count;
    cursor->count = 0;
    cursor->at = 0;
    int code = quern_sql_take_arguments(cursor->arguments, CHUNKS_ARGUMENTS, given, values);
    if (code != SQLITE_OK)
        return code;
    code = quern_sql_options_read(&options, NULL, cursor->arguments[3], &error);
    if (code == QUERN_OK)
        code = read_and_cut(cursor, &options, &error);
    quern_sql_options_free(&options);
    if (code != QUERN_OK) {
        cursor->count = 0;
        return fail(cursor, &error);
    }
    cursor->start = cursor->count > 0 ? count_characters(cursor, 0, cursor->chunks[0].begin) : 0;
    return SQLITE_OK;
}

/* ---------------------------------------------------------------- rows */

static int chunks_next(sqlite3_vtab_cursor *base)
{
    struct chunks_cursor *cursor = (struct chunks_cursor *)base;
    if (++cursor->at < cursor->count) /* chunks may overlap, but each begins behind the one before */
        cursor->start += count_characters(cursor, cursor->chunks[cursor->at - 1].begin,
                                          cursor->chunks[cursor->at].begin);
    return SQLITE_OK;
}

static int chunks_eof(sqlite3_vtab_cursor *base)
{
    const struct chunks_cursor *cursor = (const struct chunks_cursor *)base;
    return cursor->at >= cursor->count;
}

static int chunks_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct chunks_cursor *cursor = (const struct chunks_cursor *)base;
    const quern_chunk *chunk = &cursor->chunks[cursor->at];
    if (column == CHUNK)
        sqlite3_result_text64(context, cursor->text.data + chunk->begin, chunk->end - chunk->begin, SQLITE_TRANSIENT,
                              SQLITE_UTF8);
    else if (column == TOKENS)
        sqlite3_result_int64(context, chunk->tokens);
    else if (column == START)
        sqlite3_result_int64(context, cursor->start + 1);
    else if (column == LENGTH)
        sqlite3_result_int64(context, count_characters(cursor, chunk->begin, chunk->end));
    else
        quern_sql_put_argument(context, cursor->arguments[column - TEXT]);
    return SQLITE_OK;
}

static int chunks_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((const struct chunks_cursor *)base)->at + 1;
    return SQLITE_OK;
}

const sqlite3_module quern_sql_embed_chunks = {
    .xConnect = chunks_connect,
    .xBestIndex = chunks_best_index,
    .xDisconnect = quern_sql_disconnect,
    .xOpen = chunks_open,
    .xClose = chunks_close,
    .xFilter = chunks_filter,
    .xNext = chunks_next,
    .xEof = chunks_eof,
    .xColumn = chunks_column,
    .xRowid = chunks_rowid,
};
