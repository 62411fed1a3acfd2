/* Replaces what needs libpq where it is not there. */
#include "pg_worker.h"

static int say_without(void)
{
    quern_cli_say("this quern was built without libpq, and cannot speak to PostgreSQL");
    return QUERN_CLI_FAILED;
}

int quern_pg_set_up(const struct quern_pg_worker_options *options, const char *table)
{
    (void)options;
    (void)table;
    return say_without();
}

int quern_pg_show_status(const struct quern_pg_worker_options *options, const char *table)
{
    return quern_pg_set_up(options, table);
}

int quern_pg_work(const struct quern_pg_worker_options *options, const char *table)
{
    return quern_pg_set_up(options, table);
}
