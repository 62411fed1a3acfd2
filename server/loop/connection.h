/* A connection: bytes in, bytes out, and the time that a client may take for them. It has one exchange at a time. */
#ifndef QUERN_SERVER_CONNECTION_H
#define QUERN_SERVER_CONNECTION_H

#include "server_state.h"

struct quern_connection;

#define QUERN_SURPLUS 32 /* connections that may be open beyond the limit, to be told that it is reached */

/* Takes a socket over. Closes it when there is no memory. is_surplus: it is beyond the limit, and what it asks for is
 * refused. */
void quern_connection_open(struct quern_server *server, evutil_socket_t descriptor, bool is_surplus);
void quern_connection_close(struct quern_connection *connection);

/* Closes the connection that has been without a request for the longest time. False: all have one, or are so new that
 * their first one may still be on its way. */
bool quern_connections_close_idle(struct quern_server *server);

/* Whether there is such a connection. */
bool quern_connections_have_idle(const struct quern_server *server);

/* Closes all connections that have no request. True: no client waits for an answer or reads one any more. Requests
 * whose head has arrived in part do not count, nor do clients that have connected since the server must end: one that
 * asks again and again would keep it from ending. Those whose body has arrived in part are refused after a second. */
bool quern_connections_drain(struct quern_server *server);

#endif
