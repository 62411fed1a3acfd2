/* The table of all routes. */
#ifndef QUERN_SERVER_ROUTES_H
#define QUERN_SERVER_ROUTES_H

#include "dialect.h"

/* Sets request->route, dialect and rest by method and path. False: refused. */
bool quern_route_find(struct quern_request *request);

/* Passes a body that is not for this route on to the next dialect that has the same method and path: request->route is
 * that one then. False: there is none. */
bool quern_route_pass(struct quern_request *request);

/* Route i of all, or NULL. */
const struct quern_route *quern_route_at(size_t i);

/* The dialect that an answer is written in: the route's, or the one that fits the path best. */
const struct quern_dialect *quern_route_dialect(const struct quern_request *request);

#endif
