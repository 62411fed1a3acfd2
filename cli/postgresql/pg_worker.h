/* The verb pg-worker: what is done with a connection to PostgreSQL. */
#ifndef QUERN_CLI_PG_WORKER_H
#define QUERN_CLI_PG_WORKER_H

#include "store/session.h"

struct quern_pg_worker_options {
    struct quern_cli_session_options session;
    quern_embed_options embed;
    const char *place;               /* of the database; NULL: as psql finds it */
    const char *id, *text, *vector;  /* columns; NULL: not given */
    bool again, once, json;
};

/* Each reports what it has done, and failures; returns an exit code. Built without libpq, they say so. */

/* Makes the queue of a table, and queues rows without a vector, or all rows. */
int quern_pg_set_up(const struct quern_pg_worker_options *options, const char *table);

/* Prints what waits and what failed. table: NULL: all tables that are set up. */
int quern_pg_show_status(const struct quern_pg_worker_options *options, const char *table);

/* Works until a signal comes or, with `once`, until nothing waits. */
int quern_pg_work(const struct quern_pg_worker_options *options, const char *table);

#endif
