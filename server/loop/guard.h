/* Who may ask for what. A web page of another site can make a browser send requests to this server, even to a loopback
 * address. Then the field Origin has the site's name. If the site has made its own name point to this server, the field
 * Host has it. */
#ifndef QUERN_SERVER_GUARD_H
#define QUERN_SERVER_GUARD_H

#include "requests/answer.h"
#include "server_state.h"

/* Checks the head of a request: Host, Origin, path and method, key, and the body's length and type. status: the status
 * of HTTP that says why the head could not be read; 0: it was read. Adds fields for pages of other origins. A browser's
 * question whether a page may send a request (preflight) is answered with status 204 and has no route. False:
 * refused. */
bool quern_guard(struct quern_server *server, struct quern_request *request, struct quern_answer *answer, int status);

#endif
