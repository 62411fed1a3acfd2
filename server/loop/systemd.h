/* The manners of a service of systemd: sockets that it hands over, and what it wants to hear. Each is a few variables
 * of the environment and a datagram, so no library is needed. Without systemd all of it does nothing. */
#ifndef QUERN_SERVER_SYSTEMD_H
#define QUERN_SERVER_SYSTEMD_H

#include <stdint.h>

#define QUERN_SYSTEMD_SOCKET 3 /* the first descriptor that is handed over */

/* How many sockets were handed over to this process. Takes the variables out of the environment. */
int quern_systemd_sockets(void);

struct quern_systemd {
    int socket;          /* -1: nobody listens */
    int64_t watchdog_us; /* how often it wants to hear WATCHDOG=1; 0: not at all */
};

/* Finds out who listens. Takes the variables out of the environment. */
struct quern_systemd quern_systemd_open(void);
void quern_systemd_close(struct quern_systemd *systemd);

/* Tells it: "READY=1". */
void quern_systemd_tell(const struct quern_systemd *systemd, const char *what);

#endif
