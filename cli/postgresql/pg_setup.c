#include "json_text.h"
#include "pg_link.h"
#include "pg_statements.h"
#include "pg_worker.h"

#include <string.h>

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int fail(const struct quern_pg_link *link)
{
    quern_cli_say("PostgreSQL: %s", link->problem);
    return QUERN_CLI_FAILED;
}

/* Whether a table can be set up; says why not. facts: of quern_pg_find. */
static bool is_fit(const struct quern_pg_worker_options *given, const char *table, const struct quern_pg_rows *facts)
{
    if (facts->count == 0 || quern_pg_value(facts, 0, 0).data[0] != 't')
        quern_cli_say("there is no table '%s' in this database%s", table, strpbrk(table, CAPITALS) == NULL ? ""
                      : "; a name with capitals needs double quotes: '\"Notes\"'");
    else if (quern_pg_value(facts, 0, 1).data[0] == 't')
        quern_cli_say("the table '%s' is a partition; give the table that it is a part of", table);
    else if (quern_pg_value(facts, 0, 2).data == NULL && given->id == NULL)
        quern_cli_say("the table '%s' has no primary key of one column; name a column that is unique with --id", table);
    else if (quern_pg_value(facts, 0, 2).data == NULL)
        quern_cli_say("the table '%s' has no column '%s' for --id", table, given->id);
    else if (quern_pg_value(facts, 0, 3).data == NULL)
        quern_cli_say("the table '%s' has no column '%s' for --text", table, given->text);
    else if (quern_pg_value(facts, 0, 4).data == NULL)
        quern_cli_say("the table '%s' has no column '%s' for --vector; make one: ALTER TABLE ... ADD COLUMN ... real[]",
                      table, given->vector);
    else if (strcmp(given->text, given->vector) == 0 ||
             strcmp(quern_pg_value(facts, 0, 2).data, given->vector) == 0)
        quern_cli_say("the vector would take the place of the %s; give a column of its own with --vector",
                      strcmp(given->text, given->vector) == 0 ? "text" : "key");
    else
        return true;
    return false;
}

/* Runs what quern_pg_watch gives. */
static bool watch(struct quern_pg_link *link, const struct quern_pg_worker_options *given, const char *const values[4])
{
    struct quern_pg_rows statements = {0};
    bool good = quern_pg_run(link, quern_pg_schema) == QUERN_PG_DONE &&
                quern_pg_ask(link, quern_pg_watch, 4, values, &statements) == QUERN_PG_DONE;
    good = good && quern_pg_run(link, quern_pg_value(&statements, 0, 0).data) == QUERN_PG_DONE &&
           (!given->again || quern_pg_run(link, quern_pg_value(&statements, 0, 1).data) == QUERN_PG_DONE);
    quern_pg_free(&statements);
    return good;
}

static int set_up(struct quern_pg_link *link, const struct quern_pg_worker_options *given, const char *table)
{
    const char *const values[] = {table, given->id, given->text, given->vector};
    struct quern_pg_rows facts = {0};
    bool good = quern_pg_ask(link, quern_pg_find, 4, values, &facts) == QUERN_PG_DONE;
    const bool fits = good && is_fit(given, table, &facts);
    quern_pg_free(&facts);
    if (good && !fits)
        return QUERN_CLI_FAILED;
    good = good && quern_pg_run(link, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") == QUERN_PG_DONE &&
           watch(link, given, values) && quern_pg_run(link, "COMMIT") == QUERN_PG_DONE;
    return good ? QUERN_CLI_DONE : fail(link);
}

/* ---------------------------------------------------------------- status */

static void print_status(const struct quern_pg_rows *rows, int row, bool json)
{
    const quern_text table = quern_pg_value(rows, row, 0), space = quern_pg_value(rows, row, 3);
    const char *waiting = quern_pg_value(rows, row, 1).data, *failed = quern_pg_value(rows, row, 2).data;
    if (!json) {
        printf("%s: %s wait, %s failed, space %s\n", table.data, waiting, failed,
               space.data != NULL ? space.data : "not known yet");
        return;
    }
    fputs("{\"table\":", stdout);
    quern_json_put_string(stdout, table);
    printf(",\"waiting\":%s,\"failed\":%s,\"space\":", waiting, failed);
    if (space.data != NULL)
        quern_json_put_string(stdout, space);
    else
        fputs("null", stdout);
    puts("}");
}

static int show(struct quern_pg_link *link, const char *table, bool json)
{
    struct quern_pg_rows rows = {0};
    const enum quern_pg_outcome outcome = quern_pg_ask(link, quern_pg_status, 1, &table, &rows);
    const bool has_none = outcome == QUERN_PG_DONE ? rows.count == 0 : strstr(link->problem, "quern.sources") != NULL;
    for (int i = 0; i < rows.count; i++)
        print_status(&rows, i, json);
    quern_pg_free(&rows);
    if (outcome != QUERN_PG_DONE && !has_none)
        return fail(link);
    if (has_none)
        quern_cli_say("%s%s is %sset up in this database; see 'quern pg-worker --help'",
                      table != NULL ? "the table " : "no table", table != NULL ? table : "",
                      table != NULL ? "not " : "");
    return has_none && table != NULL ? QUERN_CLI_FAILED : QUERN_CLI_DONE;
}

/* ---------------------------------------------------------------- both */

int quern_pg_set_up(const struct quern_pg_worker_options *options, const char *table)
{
    struct quern_pg_link link = {0};
    if (!quern_pg_ready())
        return QUERN_CLI_FAILED;
    int code = quern_pg_open(&link, options->place) == QUERN_PG_DONE ? set_up(&link, options, table) : fail(&link);
    if (code == QUERN_CLI_DONE)
        code = show(&link, table, options->json);
    quern_pg_close(&link);
    return code;
}

int quern_pg_show_status(const struct quern_pg_worker_options *options, const char *table)
{
    struct quern_pg_link link = {0};
    if (!quern_pg_ready())
        return QUERN_CLI_FAILED;
    const int code = quern_pg_open(&link, options->place) == QUERN_PG_DONE ? show(&link, table, options->json)
                                                                           : fail(&link);
    quern_pg_close(&link);
    return code;
}
