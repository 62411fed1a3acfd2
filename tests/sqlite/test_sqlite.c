/* The extension of SQLite, linked statically: its vectors, what each argument may be, and what happens when memory ends
 * or a query is interrupted. */
#include "allocations.h"
#include "base/count.h"
#include "formats/formats.h"
#include "quern_sqlite.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static char paths[2][TRIAL_PATH]; /* two files of the same model */
static sqlite3 *db;

/* ---------------------------------------------------------------- memory of SQLite, which can be made to fail */

enum { HEAD = 16 }; /* bytes before a block, which hold its size */

static void *take(int size)
{
    char *block = malloc((size_t)size + HEAD);
    if (block == NULL)
        return NULL;
    memcpy(block, &size, sizeof size);
    return block + HEAD;
}

static void give(void *memory)
{
    if (memory != NULL)
        free((char *)memory - HEAD);
}

static int size_of(void *memory)
{
    int size = 0;
    if (memory != NULL)
        memcpy(&size, (char *)memory - HEAD, sizeof size);
    return size;
}

static void *take_again(void *memory, int size)
{
    char *block = realloc((char *)memory - HEAD, (size_t)size + HEAD);
    if (block == NULL)
        return NULL;
    memcpy(block, &size, sizeof size);
    return block + HEAD;
}

static int round_up(int size)
{
    return (size + 7) & ~7;
}

static int begin(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void end(void *unused)
{
    (void)unused;
}

static int make(void **state)
{
    static const sqlite3_mem_methods methods = {take, give, take_again, size_of, round_up, begin, end, NULL};
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q4_0, true);
    (void)state;
    for (int i = 0; i < 2; i++)
        trial_make(paths[i], &recipe);
    setenv("QUERN_MODEL", paths[0], 1);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK); /* every request becomes a malloc */
    return sqlite3_auto_extension((void (*)(void))sqlite3_quern_init);
}

static int clean(void **state)
{
    (void)state;
    return unlink(paths[0]) + unlink(paths[1]);
}

static int open_database(void **state)
{
    (void)state;
    return sqlite3_open(":memory:", &db);
}

static int close_database(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

/* ---------------------------------------------------------------- asking */

/* Runs statements; the first column of the last row is written to out, as text. Returns a code of SQLite. */
static int ask(const char *sql, char out[256])
{
    int code = SQLITE_OK;
    out[0] = '\0';
    while (code == SQLITE_OK && *sql != '\0') {
        sqlite3_stmt *statement;
        code = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
        if (code != SQLITE_OK || statement == NULL)
            break;
        while (sqlite3_step(statement) == SQLITE_ROW)
            if (sqlite3_column_type(statement, 0) != SQLITE_BLOB && sqlite3_column_text(statement, 0) != NULL)
                snprintf(out, 256, "%s", (const char *)sqlite3_column_text(statement, 0));
        code = sqlite3_finalize(statement);
    }
    return code;
}

static void expect(const char *sql, const char *expected)
{
    char out[256];
    if (ask(sql, out) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_string_equal(out, expected);
}

/* The statement must fail with a message that begins with the function's name, and says so. */
static void refuse(const char *sql, const char *fragment)
{
    char out[256];
    if (ask(sql, out) != SQLITE_ERROR || strstr(sqlite3_errmsg(db), fragment) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", sql, sqlite3_errmsg(db), fragment);
}

/* ---------------------------------------------------------------- vectors */

/* What the library makes of a text, stored as dtype. */
static void library_vector(const char *text, const quern_embed_options *options, quern_dtype dtype, void *out)
{
    quern_error error;
    quern_model *model = trial_open(paths[0], NULL);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    float vector[TRIAL_WIDTH];
    const quern_text view = {text, strlen(text)};
    const int dimensions = options->dimensions > 0 ? options->dimensions : TRIAL_WIDTH;
    assert_int_equal(quern_embed(context, &view, 1, options, vector, TRIAL_WIDTH, NULL, &error), QUERN_OK);
    assert_int_equal(quern_encode(dtype, vector, 1, dimensions, out, TRIAL_WIDTH * sizeof(float), &error), QUERN_OK);
    quern_context_free(context);
    quern_model_close(model);
}

/* The expression, with what may stand behind it in SELECT, must give that vector, with that subtype of sqlite-vec. */
static void expect_vector(const char *expression, const char *rest, const char *text,
                          const quern_embed_options *options, quern_dtype dtype)
{
    static const int subtypes[] = {[QUERN_DTYPE_F32] = 223, [QUERN_DTYPE_INT8] = 225, [QUERN_DTYPE_BINARY_LOW] = 224};
    float expected[TRIAL_WIDTH];
    sqlite3_stmt *statement;
    char *sql = sqlite3_mprintf("SELECT %s, subtype_of(%s) %s", expression, expression, rest);
    const int dimensions = options->dimensions > 0 ? options->dimensions : TRIAL_WIDTH;
    library_vector(text, options, dtype, expected);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(statement, 0), SQLITE_BLOB);
    assert_int_equal((size_t)sqlite3_column_bytes(statement, 0), quern_encoded_bytes(dtype, dimensions));
    assert_memory_equal(sqlite3_column_blob(statement, 0), expected, quern_encoded_bytes(dtype, dimensions));
    assert_int_equal(sqlite3_column_int(statement, 1), subtypes[dtype]);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    sqlite3_free(sql);
}

static void subtype_of(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int(context, (int)sqlite3_value_subtype(values[0]));
}

static void test_vectors(void **state)
{
    static const quern_embed_options plain = {.size = sizeof plain},
        query = {.size = sizeof query, .task = QUERN_TASK_QUERY},
        short_one = {.size = sizeof short_one, .task = QUERN_TASK_CLUSTERING, .dimensions = 24},
        titled = {.size = sizeof titled, .task = QUERN_TASK_DOCUMENT, .title = {"A \"fox\"", 7}},
        prompted = {.size = sizeof prompted, .prompt = {"find: ", 6}},
        raw = {.size = sizeof raw, .flags = QUERN_NO_NORMALIZE};
    (void)state;
    assert_int_equal(sqlite3_create_function(db, "subtype_of", 1, SQLITE_UTF8 | SQLITE_SUBTYPE, NULL, subtype_of, NULL,
                                             NULL), SQLITE_OK);
    expect_vector("embed('the fox')", "", "the fox", &plain, QUERN_DTYPE_F32);
    expect_vector("embed('')", "", "", &plain, QUERN_DTYPE_F32);
    expect_vector("embed(17)", "", "17", &plain, QUERN_DTYPE_F32);
    expect_vector("lembed('the fox')", "", "the fox", &plain, QUERN_DTYPE_F32);
    expect_vector("embed('the fox', 'query')", "", "the fox", &query, QUERN_DTYPE_F32);
    expect_vector("embed('the fox', NULL, '{\"task\": \"search_query\"}')", "", "the fox", &query, QUERN_DTYPE_F32);
    expect_vector("embed('the fox', 'query', '{\"dtype\": \"float\", \"normalize\": true}')", "", "the fox", &query,
                  QUERN_DTYPE_F32);
    expect_vector("embed('the fox', NULL, '{\"normalize\": false}')", "", "the fox", &raw, QUERN_DTYPE_F32);
    expect_vector("embed('the fox', 'document', '{\"title\": \"A \\\"fox\\\"\"}')", "", "the fox", &titled,
                  QUERN_DTYPE_F32);
    expect_vector("embed('the fox', NULL, '{\"prompt\": \"find: \"}')", "", "the fox", &prompted, QUERN_DTYPE_F32);
    expect_vector("embed('the fox', 'clustering', '{\"dimensions\": 24}')", "", "the fox", &short_one, QUERN_DTYPE_F32);
    expect_vector("embed('the fox', 'clustering', '{\"dimensions\": 24, \"dtype\": \"int8\"}')", "", "the fox",
                  &short_one, QUERN_DTYPE_INT8);
    expect_vector("embed('the fox', 'clustering', '{\"dimensions\": 24, \"dtype\": \"bit\"}')", "", "the fox",
                  &short_one, QUERN_DTYPE_BINARY_LOW);
    expect_vector("embedding", "FROM embed_rows('SELECT 1, ''the fox''', '{\"task\": \"query\"}')", "the fox", &query,
                  QUERN_DTYPE_F32);
    expect_vector("embedding", "FROM embed_rows('SELECT 1, ''the fox''', "
                  "'{\"task\": \"clustering\", \"dimensions\": 24, \"dtype\": \"bit\"}')", "the fox", &short_one,
                  QUERN_DTYPE_BINARY_LOW);
}

static void test_truncation(void **state)
{
    (void)state;
    refuse("SELECT embed(replace(hex(zeroblob(500)), '0', 'fox '))", "embed: the text has ");
    expect("SELECT length(embed(replace(hex(zeroblob(500)), '0', 'fox '), 'none', '{\"truncate\": true}'))", "256");
    expect("SELECT embed(replace(hex(zeroblob(500)), '0', 'fox ') || 'zebra', 'none', '{\"truncate\": \"start\"}') = "
           "embed(replace(hex(zeroblob(500)), '0', 'fox ') || 'zebra', 'none', '{\"truncate\": \"end\"}')", "0");
}

static void test_facts(void **state)
{
    char out[256], space[QUERN_SPACE_SIZE];
    const quern_embed_options query = {.size = sizeof query, .task = QUERN_TASK_QUERY, .dimensions = 32};
    quern_model *model = trial_open(paths[0], NULL);
    (void)state;
    assert_int_equal(quern_space(model, &query, space, NULL), QUERN_OK);
    expect("SELECT embed_space('query', '{\"dimensions\": 32}')", space);
    assert_int_equal(quern_space(model, NULL, space, NULL), QUERN_OK);
    expect("SELECT embed_space()", space);
    quern_model_close(model);
    expect("SELECT embed_tokens('the fox', 'query') > embed_tokens('the fox') AND embed_tokens('the fox') > 2", "1");
    expect("SELECT embed_tokens('the fox') = tokens FROM embed_rows('SELECT 1, ''the fox''')", "1");
    expect("SELECT embed_tokens(replace(hex(zeroblob(500)), '0', 'fox ')) > 1000", "1");
    assert_int_equal(ask("SELECT embed_model()", out), SQLITE_OK);
    assert_string_equal(out, paths[0]);
    expect("SELECT round(embed_similarity(x'0000803F00000000', x'0000004000000040'), 6)", "0.707107");
    expect("SELECT embed_similarity(embed('fox'), embed('fox', NULL, '{\"normalize\": false}')) > 0.999999", "1");
}

/* ---------------------------------------------------------------- refusals */

static void test_refused_arguments(void **state)
{
    (void)state;
    refuse("SELECT embed(NULL)", "embed: the text is NULL");
    refuse("SELECT embed(x'00')", "embed: the text is a blob");
    refuse("SELECT lembed(NULL)", "lembed: the text is NULL");
    refuse("SELECT lembed('other', 'x')", "lembed: the model must be 'default'");
    refuse("SELECT lembed(NULL, 'x')", "lembed: the model is NULL");
    refuse("SELECT embed_tokens(NULL)", "embed_tokens: the text is NULL");
    refuse("SELECT embed_similarity(embed('x'), NULL)", "embed_similarity: both arguments must be vectors of floats");
    refuse("SELECT embed_similarity('abcd', 'abcd')", "embed_similarity: both arguments must be vectors of floats");
    refuse("SELECT embed_similarity(x'', x'')", "embed_similarity: both arguments must be vectors of floats");
    refuse("SELECT embed_similarity(x'010203', x'010203')", "both arguments must be vectors of floats");
    refuse("SELECT embed_similarity(x'01020304', x'0102030405060708')", "both arguments must be vectors of floats");
    refuse("SELECT embed('x', 'qery')", "embed: there is no task 'qery' (did you mean 'query'?)");
    refuse("SELECT embed('x', 'rhubarb')", "tasks are none, query");
    refuse("SELECT embed('x', x'00')", "the task is a blob");
    refuse("SELECT embed_space('rhubarb')", "embed_space: there is no task");
    refuse("SELECT embed_model(x'00')", "embed_model: the model is a blob");
    refuse("SELECT embed_model('/nowhere')", "embed_model: there is no file or model '/nowhere'");
    refuse("SELECT embed_model('minilm')", "'quern pull minilm' downloads it");
    refuse("SELECT embed_model('/')", "embed_model: cannot read /");
    refuse("SELECT embed_model(NULL, 1.5)", "threads must be a whole number");
    refuse("SELECT embed_model(NULL, -1)", "threads must be a whole number");
    refuse("SELECT embed_model(NULL, 1000)", "embed_model: ");
}

static void test_refused_options(void **state)
{
    static const char *const wrong[][2] = {
        {"{", "the options are not JSON: line 1, column 2"},
        {"", "the options are not JSON"},
        {"[]", "must be a JSON object"},
        {"7", "must be a JSON object"},
        {"{\"dims\": 3}", "there is no option 'dims'"},
        {"{\"dimensions\": 0}", "dimensions must be a whole number"},
        {"{\"dimensions\": \"8\"}", "dimensions must be a whole number"},
        {"{\"dimensions\": 65}", "dimensions must be 1 to 64"},
        {"{\"dimensions\": 9, \"dtype\": \"bit\"}", "must be a multiple of 8"},
        {"{\"dtype\": \"f16\"}", "dtype must be"},
        {"{\"dtype\": 8}", "dtype must be"},
        {"{\"truncate\": 1}", "truncate must be"},
        {"{\"truncate\": \"middle\"}", "truncate must be"},
        {"{\"normalize\": 1}", "normalize must be"},
        {"{\"title\": 1}", "title must be"},
        {"{\"prompt\": 1}", "prompt must be"},
        {"{\"title\": \"a\"}", "title"},
        {"{\"task\": null}", "task must be a string"},
        {"{\"task\": \"rhubarb\"}", "there is no task"},
    };
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(wrong); i++) {
        char *sql = sqlite3_mprintf("SELECT embed('x', NULL, %Q)", wrong[i][0]);
        refuse(sql, wrong[i][1]);
        sqlite3_free(sql);
        sql = sqlite3_mprintf("SELECT count(*) FROM embed_rows('SELECT 1, 2', %Q)", wrong[i][0]);
        refuse(sql, wrong[i][1]);
        sqlite3_free(sql);
    }
    refuse("SELECT embed('x', 'query', '{\"task\": \"query\"}')", "the task is given twice");
    refuse("SELECT embed('x', NULL, x'00')", "options is a blob");
}

static void test_refused_queries(void **state)
{
    (void)state;
    expect("CREATE TABLE t(a, b)", "");
    refuse("SELECT * FROM embed_rows", "embed_rows needs an argument");
    refuse("SELECT * FROM embed_rows(NULL)", "embed_rows: the query is NULL");
    refuse("SELECT * FROM embed_rows('')", "must give two columns");
    refuse("SELECT * FROM embed_rows('SELECT 1')", "must give two columns");
    refuse("SELECT * FROM embed_rows('SELECT 1, 2, 3')", "must give two columns");
    refuse("SELECT * FROM embed_rows('SELECT 1, 2; SELECT 3, 4')", "must be one statement");
    refuse("SELECT * FROM embed_rows('SELECT 1, 2; SELECT')", "embed_rows: in the query: ");
    refuse("SELECT * FROM embed_rows('SELECT a, c FROM t')", "embed_rows: in the query: no such column: c");
    refuse("SELECT * FROM embed_rows('INSERT INTO t VALUES (1, 2) RETURNING a, b')", "must not write");
    refuse("SELECT * FROM embed_rows('SELECT 1, ?')", "cannot have parameters");
    refuse("SELECT * FROM embed_rows('SELECT 1, abs(-9223372036854775808)')", "in the query: integer overflow");
    refuse("SELECT * FROM embed_rows('SELECT 7, NULL')", "row 1 of the query (id 7): the text is NULL");
    refuse("SELECT * FROM embed_rows('SELECT 7, x''00''')", "row 1 of the query (id 7): the text is a blob");
    refuse("SELECT * FROM embed_rows('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
           "SELECT ''n'' || i, CASE i WHEN 290 THEN replace(hex(zeroblob(500)), ''0'', ''fox '') ELSE i END FROM n')",
           "row 290 of the query (id n290): the text has ");
    refuse("SELECT * FROM embed_chunks", "embed_chunks needs an argument");
    refuse("SELECT * FROM embed_chunks(NULL)", "embed_chunks: the text is NULL");
    refuse("SELECT * FROM embed_chunks('x', 'y')", "the number of tokens must be a whole number");
    refuse("SELECT * FROM embed_chunks('x', 20, -1)", "the overlap must be a whole number");
    refuse("SELECT * FROM embed_chunks('x', 1)", "embed_chunks: ");
    refuse("SELECT * FROM embed_chunks('x', 20, 1, '{\"dims\": 1}')", "there is no option 'dims'");
    refuse("SELECT embed_model(id) FROM embed_rows('SELECT ''x'', 2')", "cannot be changed while a table function");
    expect("SELECT count(*) FROM embed_rows('SELECT 1, 2; -- a comment')", "1");
}

/* A query may use embed_rows, but not without end. */
static void test_nested_queries(void **state)
{
    (void)state;
    expect("SELECT id FROM embed_rows('SELECT id, tokens FROM embed_rows(''SELECT 7, 2'')')", "7");
    expect("CREATE TABLE t(q); INSERT INTO t VALUES ('SELECT id, tokens FROM embed_rows((SELECT q FROM t))')", "");
    refuse("SELECT * FROM embed_rows((SELECT q FROM t))", "nested deeper than 8");
    expect("SELECT count(*) FROM embed_rows('SELECT 1, 2')", "1");
}

/* What a database file contains may embed, but not read other tables or open files. */
static void test_schema(void **state)
{
    (void)state;
    expect("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'fox'); CREATE VIEW good AS SELECT length(embed(b)) FROM t;"
           "CREATE VIEW bad AS SELECT * FROM embed_rows('SELECT a, b FROM t');"
           "CREATE VIEW worse AS SELECT embed_model('/etc/passwd'); SELECT * FROM good", "256");
    refuse("SELECT * FROM bad", "unsafe use of virtual table");
    refuse("SELECT * FROM worse", "unsafe use of embed_model");
    expect("CREATE TABLE v(a, e); CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO v VALUES (new.a, embed(new.b, "
           "'document')); END; INSERT INTO t VALUES (2, 'dog'); SELECT e = embed('dog', 'document') FROM v", "1");
}

/* ---------------------------------------------------------------- many rows */

#define ROWS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "

static void test_rows(void **state)
{
    (void)state;
    expect("CREATE TABLE t(a INTEGER PRIMARY KEY, b, e); " ROWS "INSERT INTO t SELECT i, 'text ' || i % 7, NULL FROM n",
           "");
    expect("SELECT count(*) || ' ' || sum(r.embedding = embed(t.b)) || ' ' || sum(r.tokens = embed_tokens(t.b)) "
           "FROM t JOIN embed_rows('SELECT a, b FROM t') r ON r.id = t.a", "300 300 300");
    expect("UPDATE t SET e = r.embedding FROM embed_rows('SELECT a, b FROM t') r WHERE r.id = t.a;"
           "SELECT count(*) FROM t WHERE e = embed(b)", "300");
    expect("SELECT max(rowid) FROM embed_rows('SELECT a, b FROM t')", "300");
    expect("SELECT count(*) FROM embed_rows('SELECT a, b FROM t WHERE 0')", "0");
    /* The arguments come from a table that stands behind, or from a subquery; the hidden columns can be read. */
    expect("CREATE TABLE q(s); INSERT INTO q VALUES ('SELECT 1, 2'), ('SELECT 3, 4 UNION ALL SELECT 5, 6')", "");
    expect("SELECT sum(id) || ' ' || count(DISTINCT query) FROM embed_rows(q.s) r, q", "9 2");
    expect("SELECT options FROM embed_rows((SELECT s FROM q LIMIT 1), '{\"truncate\": true}')",
           "{\"truncate\": true}");
    expect("SELECT count(*) FROM embed_rows('SELECT 1, 2') WHERE query = 'SELECT 3, 4'", "0");
    expect("SELECT typeof(id) FROM embed_rows('SELECT x''00'', 2')", "blob");
    expect("SELECT count(*) FROM embed_rows('SELECT NULL, '''' UNION ALL SELECT NULL, ''''')", "2");
    /* Batches of two cursors and of a function do not touch each other. */
    expect("SELECT sum(p.embedding = r.embedding) || ' ' || sum(embed('else') = p.embedding) "
           "FROM embed_rows('SELECT 1, ''fox''') p, "
           "embed_rows('SELECT 1, ''dog'' UNION ALL SELECT 2, ''fox''') r", "1 0");
}

static void test_chunks(void **state)
{
    (void)state;
    expect("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, ' \n One fox. Zwölf Füchse! Трое лис. 四只狐狸。 The end of "
           "it.'), (2, ''), (3, 'short')", "");
    expect("SELECT count(*) > 3 AND sum(chunk = substr(b, start, length)) = count(*) AND max(tokens) <= 12 AND "
           "sum(tokens = embed_tokens(chunk)) = count(*) FROM t, embed_chunks(b, 12)", "1");
    expect("SELECT group_concat(a) FROM t, embed_chunks(b)", "1,3");
    expect("SELECT (SELECT count(*) FROM embed_chunks(b, 12, 4)) > (SELECT count(*) FROM embed_chunks(b, 12, 0)) "
           "FROM t WHERE a = 1", "1");
    expect("SELECT max(tokens) <= 40 AND sum(tokens = embed_tokens(chunk, 'query')) = count(*) FROM t, "
           "embed_chunks(b, 40, 0, '{\"task\": \"query\", \"dimensions\": 8, \"truncate\": true}')", "1");
    expect("SELECT count(*) > 30 FROM embed_chunks(replace(hex(zeroblob(200)), '0', 'fox '), 12)", "1");
    expect("SELECT (SELECT count(*) FROM embed_rows('SELECT a, chunk FROM t, embed_chunks(b, 12)')) = "
           "(SELECT count(*) FROM t, embed_chunks(b, 12))", "1");
}

/* ---------------------------------------------------------------- models and connections */

static void test_models(void **state)
{
    char out[256], sql[128];
    sqlite3 *first = db, *second;
    (void)state;
    snprintf(sql, sizeof sql, "SELECT embed_model('%s', 2)", paths[1]);
    expect(sql, paths[1]);
    snprintf(sql, sizeof sql, "SELECT length(lembed('%s', 'x'))", paths[1]);
    expect(sql, "256");
    refuse("SELECT embed_model('/nowhere')", "there is no file");
    expect("SELECT embed_model()", paths[1]); /* after a failure the model is still there */
    assert_int_equal(sqlite3_open(":memory:", &second), SQLITE_OK);
    db = second;
    expect("SELECT embed_model()", paths[0]); /* of another connection */
    db = first;
    expect("SELECT embed_model()", paths[1]);
    assert_int_equal(sqlite3_close(second), SQLITE_OK);
    setenv("QUERN_MODEL", "/nowhere", 1);
    assert_int_equal(ask("SELECT embed_model(NULL)", out), SQLITE_ERROR);
    assert_non_null(strstr(sqlite3_errmsg(db), "$QUERN_MODEL: there is no file or model"));
    setenv("QUERN_MODEL", paths[0], 1);
    expect("SELECT embed_model(NULL)", paths[0]);
}

/* ---------------------------------------------------------------- interruption */

static int calls;

/* Interrupts the connection when it is called for the 150th time. */
static void stop(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    if (++calls == 150)
        sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_value(context, values[0]);
}

static void test_interrupt(void **state)
{
    char out[256];
    (void)state;
    assert_int_equal(sqlite3_create_function(db, "stop", 1, SQLITE_UTF8, NULL, stop, NULL, NULL), SQLITE_OK);
    calls = 0;
    assert_int_equal(ask("SELECT count(*) FROM embed_rows('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                         "FROM n LIMIT 100000) SELECT i, stop(i) FROM n')", out), SQLITE_INTERRUPT);
    assert_true(calls < 300);
    expect("SELECT count(*) FROM embed_rows('SELECT 1, 2')", "1");
}

/* ---------------------------------------------------------------- memory ends */

/* Uses everything, in a connection of its own. */
static int use_all(char out[256])
{
    char sql[2000];
    snprintf(sql, sizeof sql,
             "SELECT embed_model('%s', 1); SELECT embed_model('%s', 1); SELECT embed_space('query');"
             "SELECT embed('fox', 'document', '{\"title\": \"a\", \"dtype\": \"int8\"}'), lembed('default', 'fox'), "
             "embed_similarity(embed('fox'), embed('dog'));"
             "SELECT count(*) FROM embed_chunks(replace(hex(zeroblob(100)), '0', 'fox '), 12);"
             "SELECT sum(length(embedding)) FROM embed_rows('SELECT 1, ''fox'' UNION ALL SELECT 2, ''dog''', "
             "'{\"task\": \"query\"}')", paths[0], paths[1]);
    int code = sqlite3_open(":memory:", &db);
    if (code == SQLITE_OK)
        code = ask(sql, out);
    sqlite3_close(db);
    db = NULL;
    return code;
}

static void test_out_of_memory(void **state)
{
    char out[256];
    size_t failures = 0;
    (void)state;
    assert_int_equal(use_all(out), SQLITE_OK);
    quern_allocations = 0;
    assert_int_equal(use_all(out), SQLITE_OK);
    const size_t total = quern_allocations, held = quern_memory_held;
    for (size_t i = 1; i <= total; i++) {
        quern_allocations = 0;
        quern_allocation_failed = i;
        const int code = use_all(out);
        quern_allocation_failed = 0;
        if (code != SQLITE_OK && code != SQLITE_NOMEM)
            fail_msg("request %zu of %zu: code %d", i, total, code);
        failures += code != SQLITE_OK;
        if (code == SQLITE_OK)
            assert_string_equal(out, "512");
        if (quern_memory_held != held)
            fail_msg("request %zu of %zu: %zu blocks are held, not %zu", i, total, quern_memory_held, held);
    }
    print_message("%zu of %zu requests that are refused make the statements fail\n", failures, total);
    assert_true(failures > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vectors, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_truncation, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_facts, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_refused_arguments, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_refused_options, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_refused_queries, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_nested_queries, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_schema, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_rows, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_chunks, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_models, open_database, close_database),
        cmocka_unit_test_setup_teardown(test_interrupt, open_database, close_database),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
