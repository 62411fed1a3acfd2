#include "base/system/sockets.h"

#include "sys/random.h"
#include "sys/socket.h"

bool quern_system_start_sockets(void)
{
    WSADATA data;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

bool quern_system_has_left(intptr_t socket)
{
    WSAPOLLFD polled = {.fd = (SOCKET)socket};
    return WSAPoll(&polled, 1, 0) == 1 && (polled.revents & (POLLERR | POLLHUP)) != 0;
}

ssize_t quern_windows_getrandom(void *memory, size_t bytes, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < bytes; i++) {
        unsigned number;
        if (rand_s(&number) != 0)
            return -1;
        ((unsigned char *)memory)[i] = (unsigned char)number;
    }
    return (ssize_t)bytes;
}
