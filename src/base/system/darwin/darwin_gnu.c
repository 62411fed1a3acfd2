#include <errno.h>
#include <string.h>

void *quern_darwin_reallocarray(void *memory, size_t count, size_t size)
{
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        return realloc(memory, bytes);
    errno = ENOMEM;
    return NULL;
}

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
