#include "folder_watch.h"

#include "jobs_error.h"
#include "tree_walk.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETTLE_MS = 200, MOST_SETTLES = 10 };

int quern_folder_watch_open(struct quern_folder_watch *watch, quern_error *error)
{
    watch->descriptor = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->descriptor < 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot watch folders: %s", strerror(errno));
    return QUERN_OK;
}

/* Watches one folder. One that is not there any more, or cannot be read, is passed over. */
static int add_folder(struct quern_folder_watch *watch, const char *path, quern_error *error)
{
    const uint32_t events = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                            IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    if (inotify_add_watch(watch->descriptor, path, events) >= 0 || (errno != ENOSPC && errno != ENOMEM))
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EIO, "the system watches no more folders: raise "
                           "/proc/sys/fs/inotify/max_user_watches, or run 'quern index' from time to time");
}

static int take(void *user, const struct quern_tree_entry *entry, quern_error *error)
{
    return entry->kind == QUERN_TREE_FOLDER ? add_folder(user, entry->path, error) : QUERN_OK;
}

/* Watches the folder that a path lies in: a file may be replaced by another one of its name. */
static int add_parent(struct quern_folder_watch *watch, const char *path, quern_error *error)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
    if (folder == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to watch %s", path);
    const int code = add_folder(watch, folder, error);
    free(folder);
    return code;
}

int quern_folder_watch_add(struct quern_folder_watch *watch, char *const *roots, size_t count, bool takes_ignored,
                           quern_error *error)
{
    const struct quern_tree_walk tree = {.takes_ignored = takes_ignored, .take = take, .user = watch};
    int code = QUERN_OK;
    for (size_t i = 0; code == QUERN_OK && i < count; i++) {
        struct stat status;
        if (stat(roots[i], &status) == 0 && S_ISDIR(status.st_mode))
            code = quern_tree_walk(&tree, &roots[i], 1, error);
        else
            code = add_parent(watch, roots[i], error);
    }
    return code;
}

/* Whether events have come within a time; they are read. *signal: a signal has come. */
static bool has_events(struct quern_folder_watch *watch, int milliseconds, bool *signal)
{
    char events[4096];
    struct pollfd waiting = {.fd = watch->descriptor, .events = POLLIN};
    const int ready = poll(&waiting, 1, milliseconds);
    *signal = ready < 0;
    while (ready > 0 && read(watch->descriptor, events, sizeof events) > 0)
        ;
    return ready > 0;
}

enum quern_folder_event quern_folder_watch_wait(struct quern_folder_watch *watch, int seconds)
{
    bool signal;
    if (!has_events(watch, seconds * 1000, &signal))
        return signal ? QUERN_FOLDER_SIGNAL : QUERN_FOLDER_QUIET;
    for (int i = 0; i < MOST_SETTLES && has_events(watch, SETTLE_MS, &signal); i++)
        ;
    return signal ? QUERN_FOLDER_SIGNAL : QUERN_FOLDER_CHANGED;
}

void quern_folder_watch_close(struct quern_folder_watch *watch)
{
    if (watch->descriptor >= 0)
        close(watch->descriptor);
    watch->descriptor = -1;
}
