/* The field keep_alive of Ollama's clients: after how long without a request a model's memory is given back. */
#ifndef QUERN_SERVER_KEEP_ALIVE_H
#define QUERN_SERVER_KEEP_ALIVE_H

#include "request.h"

/* Reads the field, if the body has it, into the request's options: a whole number of seconds, or a duration as Go
 * writes it ("5m", "1h30m", "1.5s"), also in seconds without a unit. 0 is at once, and what is negative is never.
 * False: refused. */
bool quern_keep_alive_read(struct quern_request *request);

#endif
