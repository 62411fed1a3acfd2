/* What a service of systemd does: it takes sockets that systemd has opened, and reports its state. This needs only a
 * few variables of the environment and datagrams, so no library. Without systemd all functions do nothing. On macOS
 * launchd hands over sockets (launchd.c). */
#ifndef QUERN_SERVER_SYSTEMD_H
#define QUERN_SERVER_SYSTEMD_H

#include <stdint.h>

/* How many sockets systemd hands over to this process; *first: the descriptor of the first. Removes the variables from
 * the environment. */
int quern_systemd_sockets(int *first);

struct quern_systemd {
    int socket;          /* -1: there is no systemd */
    int64_t watchdog_us; /* the longest time between two WATCHDOG=1; 0: none is expected */
};

/* Opens the socket for reports. Removes the variables from the environment. */
struct quern_systemd quern_systemd_open(void);
void quern_systemd_close(struct quern_systemd *systemd);

/* Reports a state, such as "READY=1". */
void quern_systemd_tell(const struct quern_systemd *systemd, const char *what);

#endif
