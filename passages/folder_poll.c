/* Replaces folder_watch.c where the system has no inotify: it asks for a look at all files every five seconds. */
#include "folder_watch.h"

#include <time.h>

enum { SECONDS_BETWEEN_LOOKS = 5 };

/* The descriptor counts the seconds since the last look. */
int quern_folder_watch_open(struct quern_folder_watch *watch, quern_error *error)
{
    (void)error;
    watch->descriptor = 0;
    return QUERN_OK;
}

int quern_folder_watch_add(struct quern_folder_watch *watch, char *const *roots, size_t count, bool takes_ignored,
                           quern_error *error)
{
    (void)watch;
    (void)roots;
    (void)count;
    (void)takes_ignored;
    (void)error;
    return QUERN_OK;
}

enum quern_folder_event quern_folder_watch_wait(struct quern_folder_watch *watch, int seconds)
{
    (void)seconds;
    if (nanosleep(&(struct timespec){.tv_sec = 1}, NULL) != 0)
        return QUERN_FOLDER_SIGNAL;
    if (++watch->descriptor < SECONDS_BETWEEN_LOOKS)
        return QUERN_FOLDER_QUIET;
    watch->descriptor = 0;
    return QUERN_FOLDER_CHANGED;
}

void quern_folder_watch_close(struct quern_folder_watch *watch)
{
    watch->descriptor = 0;
}
