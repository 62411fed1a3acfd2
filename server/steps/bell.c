#include "bell.h"

#include <sys/socket.h>
#include <sys/types.h>

bool quern_bell_open(struct quern_bell *bell)
{
    evutil_socket_t ends[2];
    if (evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return false;
    *bell = (struct quern_bell){.is_open = true, .heard = ends[0], .rung = ends[1]};
    for (int i = 0; i < 2; i++) {
        evutil_make_socket_nonblocking(ends[i]);
        evutil_make_socket_closeonexec(ends[i]);
    }
    return true;
}

void quern_bell_close(struct quern_bell *bell)
{
    if (!bell->is_open)
        return;
    evutil_closesocket(bell->heard);
    evutil_closesocket(bell->rung);
    bell->is_open = false;
}

void quern_bell_ring(const struct quern_bell *bell)
{
    const ssize_t sent = send(bell->rung, "", 1, 0);
    (void)sent; /* it fails only when so many rings wait that there is no room for one more */
}

void quern_bell_quiet(const struct quern_bell *bell)
{
    char rings[256];
    const ssize_t taken = recv(bell->heard, rings, sizeof rings, 0);
    (void)taken; /* what is left is heard again */
}
