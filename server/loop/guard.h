/* Who may ask for what. A page of another site can make a browser send requests here, even to a loopback address. The
 * site's name then stands in Origin or, when it was made to point here, in Host. */
#ifndef QUERN_SERVER_GUARD_H
#define QUERN_SERVER_GUARD_H

#include "requests/answer.h"
#include "server_state.h"

/* Checks all that the head of a request tells: Host, Origin, path and method, key, and the body's length and type.
 * status: why the head could not be read, as HTTP has it; 0: it was read. Adds fields for pages of other origins. The
 * question of a page whether it may ask is answered with status 204 and has no route. False: refused. */
bool quern_guard(const struct quern_server *server, struct quern_request *request, struct quern_answer *answer,
                 int status);

#endif
