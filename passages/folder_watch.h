/* Waits until something changes in folders: inotify tells, or all files are looked at every five seconds where the
 * system has none (folder_poll.c). */
#ifndef QUERN_FOLDER_WATCH_H
#define QUERN_FOLDER_WATCH_H

#include "quern.h"

#include <stdbool.h>

struct quern_folder_watch {
    int descriptor; /* -1: none */
};

/* QUERN_EIO when the system has no more. */
int quern_folder_watch_open(struct quern_folder_watch *watch, quern_error *error);

/* Watches folders and the folders in them that tree_walk.h finds, and the folders of files. roots[count]: absolute
 * paths. What is watched already stays so, so this finds new folders. QUERN_EIO when the system allows no more. */
int quern_folder_watch_add(struct quern_folder_watch *watch, char *const *roots, size_t count, bool takes_ignored,
                           quern_error *error);

enum quern_folder_event { QUERN_FOLDER_CHANGED, QUERN_FOLDER_QUIET, QUERN_FOLDER_SIGNAL };

/* Waits until something has changed, and then nothing for a fifth of a second, or for two seconds altogether; or until
 * the seconds are over; or until a signal comes. */
enum quern_folder_event quern_folder_watch_wait(struct quern_folder_watch *watch, int seconds);

void quern_folder_watch_close(struct quern_folder_watch *watch);

#endif
