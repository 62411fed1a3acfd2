/* Finds the files of folders: those that tree_walk.h finds, but for links to a file that is found anyway or was linked
 * before. */
#ifndef QUERN_SOURCE_WALK_H
#define QUERN_SOURCE_WALK_H

#include "quern.h"

#include <stdbool.h>
#include <sys/types.h>

struct quern_found_file {
    char *path; /* absolute */
    uint64_t size;
    int64_t mtime; /* in nanoseconds since 1970 */
    dev_t device;
    ino_t inode;
    bool is_link;
};

struct quern_found {
    struct quern_found_file *files; /* [count], sorted by path */
    size_t count, room;
    char **unread; /* [unread_count]: folders and files that could not be read; what is in them is not known */
    size_t unread_count;
};

/* Finds the files that are named, or lie in folders that are named. roots[count]: absolute paths without links.
 * takes_ignored: rules of .gitignore are not heeded. is_confined: links that lead out of the roots cannot be read.
 * index: the path of the index, which is left out, and so is the file that becomes it. notice(user, line) is told of
 * what cannot be read. QUERN_ENOMEM, QUERN_EIO. The caller frees *found, also after a failure. */
int quern_source_walk(struct quern_found *found, char *const *roots, size_t count, bool takes_ignored,
                      bool is_confined, const char *index, void (*notice)(void *user, const char *line), void *user,
                      quern_error *error);

/* Notes a file as one that cannot be read. QUERN_ENOMEM. */
int quern_found_add_unread(struct quern_found *found, const char *path, quern_error *error);

/* Whether a path lies in what could not be read. */
bool quern_found_is_unread(const struct quern_found *found, const char *path);

void quern_found_free(struct quern_found *found); /* zeros are allowed */

#endif
