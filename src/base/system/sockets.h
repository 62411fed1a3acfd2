/* What the server asks of the system about sockets, where POSIX and Windows differ. posix_sockets.c and
 * windows/windows_sockets.c answer; they are part of the server. */
#ifndef QUERN_BASE_SOCKETS_H
#define QUERN_BASE_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

/* Must be called before the first socket is made. False: there are none. */
bool quern_system_start_sockets(void);

/* Whether the other side of a connection has closed both directions, as far as the system knows. Does not wait. */
bool quern_system_has_left(intptr_t socket);

#endif
