/* What computes, for all models: the queue, the worker, and the thread that tokenises long texts. */
#ifndef QUERN_SERVER_COMPUTE_H
#define QUERN_SERVER_COMPUTE_H

#include "server_state.h"

/* Opens the queue. The default model is loaded already: its steps have as many tokens as the queue's. */
int quern_compute_open(struct quern_server *server, quern_error *error);

/* Starts the threads. */
int quern_compute_start(struct quern_server *server, quern_error *error);

/* Ends the threads, after the step that runs. Its job comes back by quern_exchange_collect. */
void quern_compute_stop(struct quern_server *server);

/* Frees the queue; also after a failure to open. No exchange is left. */
void quern_compute_close(struct quern_server *server);

#endif
