#include "systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The number in a variable, 0 if there is none. */
static int64_t number(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? value : 0;
}

/* A process may inherit variables that are meant for another one. The process id in them tells for which one. */
static bool is_for_us(const char *variable)
{
    return number(variable) == getpid();
}

int quern_systemd_sockets(int *first)
{
    *first = 3;
    const int64_t count = is_for_us("LISTEN_PID") ? number("LISTEN_FDS") : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return count < INT_MAX ? (int)count : INT_MAX;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') /* a name without a file */
        address.sun_path[0] = '\0';
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor >= 0 && connect(descriptor, (const struct sockaddr *)(const void *)&address, size) == 0)
        return descriptor;
    if (descriptor >= 0)
        close(descriptor);
    return -1;
}

struct quern_systemd quern_systemd_open(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct quern_systemd systemd = {.socket = path != NULL ? connect_to(path) : -1};
    if (systemd.socket >= 0 && (getenv("WATCHDOG_PID") == NULL || is_for_us("WATCHDOG_PID")))
        systemd.watchdog_us = number("WATCHDOG_USEC");
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    return systemd;
}

void quern_systemd_tell(const struct quern_systemd *systemd, const char *what)
{
    const ssize_t sent = systemd->socket >= 0 ? send(systemd->socket, what, strlen(what), MSG_NOSIGNAL) : 0;
    (void)sent; /* systemd notices by itself when reports are missing */
}

void quern_systemd_close(struct quern_systemd *systemd)
{
    if (systemd->socket >= 0)
        close(systemd->socket);
    systemd->socket = -1;
}
