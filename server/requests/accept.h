/* The field Accept of a request (RFC 9110, 12.5.1): which of several types of an answer the client likes best. */
#ifndef QUERN_SERVER_ACCEPT_H
#define QUERN_SERVER_ACCEPT_H

#include "http/http.h"

/* The number of the best of these types, or -1 when the client takes none. Each is "type/subtype" in lower case, and
 * the one that the server likes best comes first. Of types with the same quality the one wins that is named more
 * exactly, then the one that is named first. Without Accept it is 0. */
int quern_accept_best(const struct quern_head *head, const char *const *types, int count);

#endif
