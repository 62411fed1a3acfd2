/* A bell wakes the loop: any thread rings it by writing a byte to one of two connected sockets, and the loop waits for
 * the other one. libevent makes such sockets on every system. */
#ifndef QUERN_SERVER_BELL_H
#define QUERN_SERVER_BELL_H

#include <event2/util.h>
#include <stdbool.h>

struct quern_bell {
    bool is_open;
    evutil_socket_t heard; /* has bytes to read after a ring, until quern_bell_quiet */
    evutil_socket_t rung; /* gets the bytes */
};

/* False with errno: there is no descriptor or memory left. */
bool quern_bell_open(struct quern_bell *bell);
void quern_bell_close(struct quern_bell *bell); /* one that was never opened is allowed */

/* Called by any thread. Never waits. */
void quern_bell_ring(const struct quern_bell *bell);

/* Takes the rings so far. Never waits. */
void quern_bell_quiet(const struct quern_bell *bell);

#endif
