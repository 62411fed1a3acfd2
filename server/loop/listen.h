/* The socket that clients connect to. */
#ifndef QUERN_SERVER_LISTEN_H
#define QUERN_SERVER_LISTEN_H

#include "server_state.h"

/* Opens the socket, or takes the one that systemd opened. */
int quern_listen(struct quern_server *server, quern_error *error);

/* The address that clients use: "http://127.0.0.1:8080", "unix:/path". */
void quern_listen_name(const struct quern_server *server, char name[static 128]);
void quern_listen_end(struct quern_server *server);

#endif
