/* The indexes that the server has. */
#ifndef QUERN_SERVER_INDEXES_H
#define QUERN_SERVER_INDEXES_H

#include "server_state.h"

/* Checks that each can be opened, and remembers its dimensions. They are opened by the thread that searches. */
int quern_indexes_check(struct quern_server *server, quern_error *error);

/* Starts that thread, if there are indexes. */
int quern_indexes_start(struct quern_server *server, quern_error *error);

/* Counts a job that is back, and tells what went wrong. */
void quern_indexes_note(struct quern_server *server, const struct quern_index_job *job);

/* Ends the thread. */
void quern_indexes_stop(struct quern_server *server);

/* Closes all. No job is left. */
void quern_indexes_close(struct quern_server *server);

#endif
