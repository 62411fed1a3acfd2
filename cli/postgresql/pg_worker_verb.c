#include "arguments.h"
#include "pg_worker.h"

#include <string.h>

static int check_options(const struct quern_pg_worker_options *given, struct quern_cli_arguments arguments,
                         bool sets_up, bool shows)
{
    const char *use = sets_up ? "'quern pg-worker setup'" : "'quern pg-worker status'";
    const char *names = sets_up ? "database|id|text|vector|again|json" : "database|json";
    const int code = sets_up || shows ? quern_cli_allow(&quern_cli_pg_worker, arguments, names, use) : QUERN_CLI_DONE;
    if (code != QUERN_CLI_DONE)
        return code;
    if (sets_up && (given->text == NULL || given->vector == NULL))
        return quern_cli_misuse("pg-worker", "name the columns of the text and the vector with --text and --vector");
    if (!sets_up && (given->text != NULL || given->vector != NULL || given->id != NULL || given->again))
        return quern_cli_misuse("pg-worker", "--id, --text, --vector and --again go with 'quern pg-worker setup'");
    return QUERN_CLI_DONE;
}

static int pg_worker(const void *options, struct quern_cli_arguments arguments)
{
    const struct quern_pg_worker_options *given = options;
    const char *word = arguments.count > 0 ? arguments.texts[0] : "";
    const bool sets_up = strcmp(word, "setup") == 0, shows = strcmp(word, "status") == 0;
    const int words = sets_up || shows ? 1 : 0;
    const char *table = arguments.count > words ? arguments.texts[words] : NULL;
    if (arguments.count > words + 1)
        return quern_cli_misuse("pg-worker", "it takes one table, and '%s' is another one",
                                arguments.texts[words + 1]);
    if (table == NULL && !shows)
        return quern_cli_misuse("pg-worker", "name the table");
    const int code = check_options(given, arguments, sets_up, shows);
    if (code != QUERN_CLI_DONE)
        return code;
    return sets_up ? quern_pg_set_up(given, table)
           : shows ? quern_pg_show_status(given, table)
                   : quern_pg_work(given, table);
}

static struct quern_pg_worker_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct quern_pg_worker_options),
    QUERN_CLI_AS_OPTION(struct quern_pg_worker_options),
    QUERN_CLI_TASK_OPTION(struct quern_pg_worker_options, embed.task),
    QUERN_CLI_PROMPT_OPTION(struct quern_pg_worker_options),
    QUERN_CLI_DIMENSIONS_OPTION(struct quern_pg_worker_options),
    {"database", '\0', "PLACE", "postgresql://... or 'dbname=...'; default: as psql finds it",
     QUERN_CLI_TEXT(struct quern_pg_worker_options, place)},
    {"text", '\0', "COL", "of setup: the column of the text", QUERN_CLI_TEXT(struct quern_pg_worker_options, text)},
    {"vector", '\0', "COL", "of setup: the column of the vector: real[], bytea, or vector or halfvec of pgvector",
     QUERN_CLI_TEXT(struct quern_pg_worker_options, vector)},
    {"id", '\0', "COL", "of setup: the column that names a row; default: the primary key",
     QUERN_CLI_TEXT(struct quern_pg_worker_options, id)},
    {"again", '\0', NULL, "of setup: all rows get new vectors, perhaps of another model",
     QUERN_CLI_SWITCH(struct quern_pg_worker_options, again)},
    {"once", '\0', NULL, "end when nothing waits", QUERN_CLI_SWITCH(struct quern_pg_worker_options, once)},
    QUERN_CLI_TRUNCATE_OPTION(struct quern_pg_worker_options),
    QUERN_CLI_THREADS_OPTION(struct quern_pg_worker_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct quern_pg_worker_options),
    QUERN_CLI_CONTEXT_OPTION(struct quern_pg_worker_options),
    QUERN_CLI_PARSE_SPECIAL_OPTION(struct quern_pg_worker_options),
    QUERN_CLI_JSON_OPTION(struct quern_pg_worker_options),
    {0},
};

const struct quern_cli_verb quern_cli_pg_worker = {
    .name = "pg-worker",
    .arguments = "setup TABLE | TABLE | status [TABLE]",
    .summary = "Gives the rows of a PostgreSQL table their vectors, as they come and change.",
    .table = table,
    .more = "setup makes a queue of rows that need a vector, in the schema quern, and triggers that add rows to it.\n"
            "A worker embeds what waits, and then stays until SIGTERM. Any number of workers may run. status tells\n"
            "how many rows wait, and how many have no vector; the table quern.errors says why.\n\n"
            "exit codes: 0 done, or ended by a signal; 1 failed; 2 wrong usage; 75 --once was stopped, or lost the\n"
            "database: start it again\n\n"
            "example:\n"
            "  psql -c 'ALTER TABLE notes ADD COLUMN vector real[]'\n"
            "  quern pg-worker setup notes --text body --vector vector\n"
            "  quern pg-worker notes -t document\n",
    .takes_names = true,
    .options = &defaults,
    .run = pg_worker,
};
