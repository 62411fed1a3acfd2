/* Walks through folders.
 *
 * Left out: hidden files and folders (names that begin with a dot), links to folders, what is no regular file, and what
 * the rules of .gitignore leave out (ignore_rules.h): those of the folders that are walked, and of the folders above
 * them up to the one that has .git. A folder that has .git does not heed the rules above it. */
#ifndef QUERN_TREE_WALK_H
#define QUERN_TREE_WALK_H

#include "quern.h"

#include <stdbool.h>
#include <sys/stat.h>

struct quern_tree_entry {
    const char *path;
    const struct stat *status; /* of a file or folder; of a link, that of the file */
    enum { QUERN_TREE_FILE, QUERN_TREE_FOLDER, QUERN_TREE_UNREAD } kind;
    bool is_link;
    const char *reason; /* why it cannot be read */
};

struct quern_tree_walk {
    bool takes_ignored; /* rules are not heeded */
    /* Takes a file, a folder (before what is in it), or what cannot be read, or whose rules cannot: what is in it is
     * not known, and not taken. The walk ends when it returns a failure. */
    int (*take)(void *user, const struct quern_tree_entry *entry, quern_error *error);
    void *user;
};

/* Walks through roots[count]: absolute paths without links of files and folders, which are taken in any case. Names of
 * a folder come in the order of their bytes. Returns QUERN_OK, what take returned, QUERN_ENOMEM or QUERN_EIO. */
int quern_tree_walk(const struct quern_tree_walk *walk, char *const *roots, size_t count, quern_error *error);

#endif
