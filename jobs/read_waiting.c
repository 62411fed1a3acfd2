#include "read_waiting.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

ssize_t quern_read_waiting(int descriptor, void *room, size_t size)
{
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    ssize_t got;
    do
        got = read(descriptor, room, size);
    while (got < 0 && (errno == EINTR || (errno == EAGAIN && (poll(&wait, 1, -1) > 0 || errno == EINTR))));
    return got;
}
