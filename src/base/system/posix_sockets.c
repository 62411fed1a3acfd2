#include "base/system/sockets.h"

#include <poll.h>

bool quern_system_start_sockets(void)
{
    return true;
}

bool quern_system_has_left(intptr_t socket)
{
    struct pollfd polled = {.fd = (int)socket};
    return poll(&polled, 1, 0) == 1 && (polled.revents & (POLLERR | POLLHUP)) != 0;
}
