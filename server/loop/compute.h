/* What computes: the contexts, the cache with its file, the queue and the worker. */
#ifndef QUERN_SERVER_COMPUTE_H
#define QUERN_SERVER_COMPUTE_H

#include "server_state.h"

/* Opens all of it. The cache's file is open already, as server->cache_file (NULL: none), and the cache is filled from
 * it. */
int quern_compute_open(struct quern_server *server, quern_error *error);

/* Starts the worker's thread. */
int quern_compute_start(struct quern_server *server, quern_error *error);

/* Looks whether the model's file is still what it was when it was opened. The first time that it is not, the log says
 * so, and the server is broken. False: it is. */
bool quern_compute_examine(struct quern_server *server);

/* Ends the worker, after the step that runs. Its job comes back by quern_exchange_collect. */
void quern_compute_stop(struct quern_server *server);

/* Writes the cache's file and frees everything; also after a failure to open. No exchange is left. */
void quern_compute_close(struct quern_server *server);

#endif
