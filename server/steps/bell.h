/* A bell: any thread rings it, and the loop hears it. Two sockets of libevent, which are alike on every system. */
#ifndef QUERN_SERVER_BELL_H
#define QUERN_SERVER_BELL_H

#include <event2/util.h>
#include <stdbool.h>

struct quern_bell {
    bool is_open;
    evutil_socket_t heard; /* can be read from a ring on, until quern_bell_quiet */
    evutil_socket_t rung;
};

/* False with errno: there is no descriptor or memory left. */
bool quern_bell_open(struct quern_bell *bell);
void quern_bell_close(struct quern_bell *bell); /* one that was never opened is allowed */

/* Called by any thread. Never waits. */
void quern_bell_ring(const struct quern_bell *bell);

/* Takes the rings so far. Never waits. */
void quern_bell_quiet(const struct quern_bell *bell);

#endif
