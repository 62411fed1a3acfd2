/* The indexes that the server has. */
#ifndef QUERN_SERVER_INDEXES_H
#define QUERN_SERVER_INDEXES_H

#include "server_state.h"

/* Checks that each can be opened, and remembers what does not change. One that is not there is noted, if it may be
 * made. They are opened again by the threads that work with them. */
int quern_indexes_check(struct quern_server *server, quern_error *error);

/* Makes those that are not there, for the first model, which is loaded. Starts the threads, if there are indexes. */
int quern_indexes_start(struct quern_server *server, quern_error *error);

/* Has a job done by the thread that it is for. It comes back with this owner. */
void quern_indexes_submit(struct quern_server *server, struct quern_index_job *job, void *owner);

/* Counts a job that is back, and tells what went wrong. */
void quern_indexes_note(struct quern_server *server, const struct quern_index_job *job);

/* Ends the threads. */
void quern_indexes_stop(struct quern_server *server);

/* Closes all. No job is left. */
void quern_indexes_close(struct quern_server *server);

#endif
