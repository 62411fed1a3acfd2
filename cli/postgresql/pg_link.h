/* A connection to PostgreSQL, through libpq, which is loaded when the first one is opened. */
#ifndef QUERN_CLI_PG_LINK_H
#define QUERN_CLI_PG_LINK_H

#include "cli.h"

/* How a statement ended. */
enum quern_pg_outcome {
    QUERN_PG_DONE,
    QUERN_PG_REFUSED, /* what it says is wrong, or not allowed: it would be refused again */
    QUERN_PG_ROW,     /* what a row holds, or what a trigger or a rule of the table says of it */
    QUERN_PG_AGAIN    /* the connection is lost, or the server is busy or ends: later it may be done */
};

enum { QUERN_PG_PROBLEM = 512 };

struct quern_pg_link {
    struct pg_conn *connection;     /* NULL: not open */
    char problem[QUERN_PG_PROBLEM]; /* why the last statement was not done: one line */
};

/* Whether libpq is there; else says what to install. */
bool quern_pg_ready(void);

/* Connects. place: "postgresql://..." or "dbname=... host=..."; what it leaves open, and all for NULL, is as psql finds
 * it: $PGHOST, $PGDATABASE and so on. The link is to be closed in any case. */
enum quern_pg_outcome quern_pg_open(struct quern_pg_link *link, const char *place);
void quern_pg_close(struct quern_pg_link *link); /* one of zeros is allowed */

/* Runs statements that give no rows. */
enum quern_pg_outcome quern_pg_run(struct quern_pg_link *link, const char *statements);

/* What a statement gave, or changed. */
struct quern_pg_rows {
    struct pg_result *result; /* NULL: nothing */
    int count;                /* of the rows that it gave */
};

/* Runs one statement with values[count] for its parameters; NULL is NULL. rows: to be freed in any case; NULL: it gives
 * none. */
enum quern_pg_outcome quern_pg_ask(struct quern_pg_link *link, const char *statement, int count,
                                   const char *const *values, struct quern_pg_rows *rows);

/* A value as text, with a NUL behind it; data is NULL when it is NULL. Lives as long as the rows. */
quern_text quern_pg_value(const struct quern_pg_rows *rows, int row, int column);
void quern_pg_free(struct quern_pg_rows *rows);

/* Runs a COPY FROM STDIN, and hands it the data. */
enum quern_pg_outcome quern_pg_copy(struct quern_pg_link *link, const char *statement, const char *data, size_t length);

/* Waits until another program notifies, a signal asks the command to stop, or the time is over. A link that is not open
 * waits for the signal and the time. AGAIN: the connection is lost. */
enum quern_pg_outcome quern_pg_wait(struct quern_pg_link *link, int milliseconds);

#endif
