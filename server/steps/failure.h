/* Errors of the server's own, in the library's form. */
#ifndef QUERN_SERVER_FAILURE_H
#define QUERN_SERVER_FAILURE_H

#include "quern.h"

/* Fills error, with a code of quern.h and a message, and returns the code. */
int quern_server_fail(quern_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
