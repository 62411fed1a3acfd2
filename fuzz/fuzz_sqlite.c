/* Any values as arguments of the functions of the extension of SQLite must give a result or one clear error, and the
 * connection must stay usable.
 *
 * Input: one byte: the statement, modulo their number. Then up to four arguments, with a byte 0x1E between them. The
 * first byte of an argument is its type: 'n' NULL, 'b' a blob, 'i' a whole number of one signed byte, anything else a
 * text, which it belongs to. */
#include "fuzz.h"
#include "model_maker.h"

#include "base/count.h"
#include "formats/formats.h"
#include "quern_sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS = 4, CONTEXT = 48, SEPARATOR = 0x1E };

static const char *const statements[] = {
    "SELECT embed(?1, ?2, ?3)",
    "SELECT embed_tokens(?1, ?2, ?3)",
    "SELECT embed_space(?1, ?2)",
    "SELECT embed_similarity(?1, ?2)",
    "SELECT lembed(?1, ?2)",
    "SELECT id, embedding, tokens FROM embed_rows('SELECT 1, ''a fox'' UNION ALL SELECT 2, ''a dog''', ?1)",
    "SELECT chunk, tokens, start, length FROM embed_chunks(?1, ?2, ?3, ?4)",
    "SELECT min(chunk = substr(?1, start, length)) FROM embed_chunks(?1, 20, 2)",
};

static sqlite3 *db;
static sqlite3_stmt *prepared[QUERN_COUNT(statements)];

/* Opens a connection with a model, once for all inputs. */
static void open_database(void)
{
    char path[] = "/tmp/quern-fuzz-XXXXXX", sql[128];
    const int file = mkstemp(path);
    struct quern_recipe recipe = quern_recipe_tiny();
    recipe.type = QUERN_TYPE_Q4_0;
    recipe.head = true;
    recipe.context = CONTEXT; /* short, so that some texts are too long */
    expect(file >= 0 && close(file) == 0 && quern_model_make(path, &recipe, NULL) == QUERN_OK, "a model can be made");
    expect(sqlite3_open(":memory:", &db) == SQLITE_OK && sqlite3_quern_init(db, NULL, NULL) == SQLITE_OK, "opening");
    snprintf(sql, sizeof sql, "SELECT embed_model('%s', 1)", path);
    expect(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "the model can be opened");
    for (size_t i = 0; i < QUERN_COUNT(statements); i++)
        expect(sqlite3_prepare_v2(db, statements[i], -1, &prepared[i], NULL) == SQLITE_OK, "the statement is sound");
    unlink(path);
}

/* An argument, as its first byte says. */
static void bind(sqlite3_stmt *statement, int place, const char *data, size_t size)
{
    if (size > 0 && data[0] == 'n')
        sqlite3_bind_null(statement, place);
    else if (size > 0 && data[0] == 'b')
        sqlite3_bind_blob64(statement, place, data + 1, size - 1, SQLITE_STATIC);
    else if (size > 1 && data[0] == 'i')
        sqlite3_bind_int(statement, place, (signed char)data[1]);
    else
        sqlite3_bind_text64(statement, place, data, size, SQLITE_STATIC, SQLITE_UTF8);
}

static void check_row(sqlite3_stmt *statement)
{
    if (statement == prepared[0])
        expect(sqlite3_column_type(statement, 0) == SQLITE_BLOB && sqlite3_column_bytes(statement, 0) > 0,
               "embed gives a vector");
    if (statement == prepared[5])
        expect(sqlite3_column_type(statement, 1) == SQLITE_BLOB && sqlite3_column_int(statement, 2) > 0,
               "embed_rows gives vectors");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (db == NULL)
        open_database();
    if (size == 0)
        return 0;
    sqlite3_stmt *statement = prepared[data[0] % QUERN_COUNT(statements)];
    const char *at = (const char *)data + 1, *end = (const char *)data + size;
    for (int place = 1; place <= ARGUMENTS && at <= end; place++) {
        const char *next = at == end ? NULL : memchr(at, SEPARATOR, (size_t)(end - at));
        next = next == NULL ? end : next;
        bind(statement, place, at, (size_t)(next - at));
        at = next + 1;
    }
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        check_row(statement);
    expect(code == SQLITE_DONE || code == SQLITE_ERROR, "a statement succeeds, or has an error");
    expect(code == SQLITE_DONE || strstr(sqlite3_errmsg(db), "embed") != NULL, "the message names the function");
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return 0;
}
