#include "malloc.h"

#include <fcntl.h>
#include <malloc/malloc.h>

const char *quern_darwin_sigabbrev(int number)
{
    switch (number) {
    case SIGINT:
        return "INT";
    case SIGTERM:
        return "TERM";
    case SIGHUP:
        return "HUP";
    case SIGUSR1:
        return "USR1";
    default:
        return "?";
    }
}

#undef fsync
int quern_darwin_fsync(int file)
{
    return fcntl(file, F_FULLFSYNC) == 0 ? 0 : fsync(file);
}

ssize_t quern_darwin_getrandom(void *memory, size_t bytes, unsigned flags)
{
    (void)flags; /* it never waits */
    arc4random_buf(memory, bytes);
    return (ssize_t)bytes;
}

int quern_darwin_malloc_trim(size_t kept)
{
    (void)kept;
    return malloc_zone_pressure_relief(NULL, 0) > 0;
}

#undef socket
int quern_darwin_socket(int family, int type, int protocol)
{
    const int descriptor = socket(family, type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), protocol);
    if (descriptor >= 0 && (type & SOCK_CLOEXEC) != 0)
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    if (descriptor >= 0 && (type & SOCK_NONBLOCK) != 0)
        fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

#undef pthread_create
int quern_darwin_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                                void *argument)
{
    enum { STACK = 8 << 20 };
    pthread_attr_t own;
    if (attributes != NULL)
        return pthread_create(thread, attributes, run, argument);
    int code = pthread_attr_init(&own);
    if (code != 0)
        return code;
    code = pthread_attr_setstacksize(&own, STACK);
    if (code == 0)
        code = pthread_attr_set_qos_class_np(&own, QOS_CLASS_USER_INITIATED, 0);
    if (code == 0)
        code = pthread_create(thread, &own, run, argument);
    pthread_attr_destroy(&own);
    return code;
}
