/* The SQL of the queue: a schema "quern" with the tables that are set up, what waits, and what failed. */
#ifndef QUERN_CLI_PG_STATEMENTS_H
#define QUERN_CLI_PG_STATEMENTS_H

/* ---------------------------------------------------------------- setting up */

/* Makes the schema, where it is not there. */
extern const char quern_pg_schema[];

/* $1: the name of a table. $2, $3, $4: its columns for the key, the text and the vector; $2 NULL: its primary key.
 * Gives no row; or whether it is a table, whether it is a partition, and the names of the columns that are there. */
extern const char quern_pg_find[];

/* The same parameters. Gives the statements that make its triggers, note it, and queue rows without a vector; and those
 * that forget the space of its vectors, and queue all rows. */
extern const char quern_pg_watch[];

/* $1: the name of a table; NULL: all. Gives its name, rows that wait, rows that failed, and the space. */
extern const char quern_pg_status[];

/* ---------------------------------------------------------------- working */

/* Settings of a connection. A commit does not wait for the disk: a change that is lost when the server crashes is
 * still in the queue. */
extern const char quern_pg_session[];

/* $1: the name of a table. Gives no row when it is not set up, else: its number; the type of the column for vectors, by
 * name; its dimensions, -1 for any; the space; and the statements for a worker: to make the tables of the connection;
 * to take at most $1 lines of the queue, which gives for each row its place, the bytes of its text, and the text if it
 * has not more than $2; to store; and to put back. */
extern const char quern_pg_describe[];

/* Claims a table that nobody has claimed for a space. $1: its number; $2: the space. */
extern const char quern_pg_claim[];

/* Gives the space of a table, and keeps it until the end of the transaction. $1: its number. */
extern const char quern_pg_space[];

/* Takes a row as failed that the database refuses to change. $1: the table; $2: its place; $3: why. */
extern const char quern_pg_mark[];

#endif
