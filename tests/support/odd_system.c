/* Stands between a program and the system, by LD_PRELOAD. The clock of the day jumps by years at every look, back and
 * forth, as it does when somebody sets it. And each second renaming is done, but answered with an error, as a file
 * server does whose first answer was lost. A folder with a file "unreadable" cannot be read behind it. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { YEAR = 365 * 24 * 3600 };

static time_t jump(time_t now)
{
    static int looks;
    return now + (looks++ % 2 == 0 ? 3 : -3) * (time_t)YEAR;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int code = (int)syscall(SYS_clock_gettime, clock, now);
    if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec = jump(now->tv_sec);
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    const int code = (int)syscall(SYS_gettimeofday, now, zone);
    if (code == 0)
        now->tv_sec = jump(now->tv_sec);
    return code;
}

time_t time(time_t *now)
{
    struct timespec clock;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &clock);
    clock.tv_sec = jump(clock.tv_sec);
    if (now != NULL)
        *now = clock.tv_sec;
    return clock.tv_sec;
}

int rename(const char *from, const char *to)
{
    static int renamings;
    const int code = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (code != 0 || renamings++ % 2 == 0)
        return code;
    errno = ENOENT;
    return -1;
}

struct dirent *readdir(DIR *folder)
{
    static bool is_unreadable;
    void *const symbol = dlsym(RTLD_NEXT, "readdir64");
    struct dirent *(*real)(DIR *);
    memcpy(&real, &symbol, sizeof real);
    struct dirent *entry = is_unreadable ? NULL : real(folder);
    if (is_unreadable)
        errno = EIO;
    is_unreadable = entry != NULL && strcmp(entry->d_name, "unreadable") == 0;
    return entry;
}
