#include "tree_walk.h"

#include "ignore_rules.h"
#include "jobs_error.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder with rules, or with .git. */
struct folder {
    struct folder *above;
    size_t length; /* bytes of its path without a slash at the end */
    long level;    /* as fts(3) counts it; below FTS_ROOTLEVEL: above a root */
    bool is_top;   /* it has .git */
    struct quern_ignore_rules rules;
};

struct tree {
    const struct quern_tree_walk *walk;
    FTS *fts;
    struct folder *folders; /* the one that is walked, or the next one above it; then those above that */
    quern_error *error;
};

static int no_memory(quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to look at the folders");
}

/* ---------------------------------------------------------------- rules */

/* Reads a file of rules, as git does only if it is no link; one that is not there has no rules. Returns 0, a code, or
 * -1 with errno. */
static int read_rules(struct quern_ignore_rules *rules, const char *path, quern_error *error)
{
    struct stat status;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO ? 0 : -1;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        close(file);
        return 0;
    }
    char *data = malloc(QUERN_IGNORE_MOST_BYTES + 1);
    size_t length = 0;
    ssize_t got = 1;
    while (data != NULL && got > 0 && length <= QUERN_IGNORE_MOST_BYTES) {
        got = read(file, data + length, QUERN_IGNORE_MOST_BYTES + 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    int code = data == NULL ? no_memory(error) : got < 0 ? -1 : 0;
    const int problem = length > QUERN_IGNORE_MOST_BYTES ? EFBIG : errno;
    if (code == 0)
        code = problem == EFBIG ? -1 : quern_ignore_rules_read(rules, (quern_text){data, length}, error);
    free(data);
    close(file);
    errno = problem;
    return code;
}

/* The path of a file in a folder, whose path has `length` bytes. The caller frees it. */
static char *path_in(const char *folder, size_t length, const char *name)
{
    char *path;
    return asprintf(&path, "%.*s/%s", (int)length, folder, name) < 0 ? NULL : path;
}

static int tell_unread(const struct tree *tree, const char *path, const char *reason)
{
    const struct quern_tree_entry entry = {.path = path, .kind = QUERN_TREE_UNREAD, .reason = reason};
    return tree->walk->take(tree->walk->user, &entry, tree->error);
}

/* Puts a folder on the stack, if it has rules or .git. When its rules cannot be read, says that what is walked cannot,
 * and *is_readable becomes false. */
static int enter(struct tree *tree, struct folder found, const char *walked, bool *is_readable)
{
    char *file = path_in(walked, found.length, ".gitignore"), *git = path_in(walked, found.length, ".git");
    int code = file != NULL && git != NULL ? read_rules(&found.rules, file, tree->error) : no_memory(tree->error);
    if (code == -1) {
        char reason[512];
        snprintf(reason, sizeof reason, "its rules cannot be read: %.400s: %s", file, strerror(errno));
        *is_readable = false;
        code = tell_unread(tree, walked, reason);
    }
    found.is_top = git != NULL && access(git, F_OK) == 0;
    struct folder *folder = NULL;
    if (code == QUERN_OK && (found.is_top || found.rules.count > 0)) {
        folder = malloc(sizeof *folder);
        code = folder != NULL ? QUERN_OK : no_memory(tree->error);
    }
    if (folder != NULL) {
        *folder = found;
        folder->above = tree->folders;
        tree->folders = folder;
    } else {
        quern_ignore_rules_free(&found.rules);
    }
    free(file);
    free(git);
    return code;
}

/* Takes the folders from a level on off the stack. */
static void leave(struct tree *tree, long level)
{
    while (tree->folders != NULL && tree->folders->level >= level) {
        struct folder *folder = tree->folders;
        tree->folders = folder->above;
        quern_ignore_rules_free(&folder->rules);
        free(folder);
    }
}

/* The bytes of a path that are the path of a folder so many levels above. */
static size_t length_above(const char *path, size_t length, long levels)
{
    for (; levels > 0; levels--) {
        while (length > 0 && path[length - 1] != '/')
            length--;
        length -= length > 0;
    }
    return length;
}

/* Enters the folders above a root, from the one that has .git on. */
static int enter_above(struct tree *tree, const char *root, size_t length, bool *is_readable)
{
    long levels = 0;
    for (bool is_top = false; !is_top; levels += !is_top) {
        const size_t at = length_above(root, length, levels);
        char *git = path_in(root, at, ".git");
        if (git == NULL)
            return no_memory(tree->error);
        is_top = access(git, F_OK) == 0;
        free(git);
        if (at == 0 && !is_top)
            return QUERN_OK;
    }
    int code = QUERN_OK;
    for (; code == QUERN_OK && *is_readable && levels > 0; levels--) {
        const struct folder folder = {.length = length_above(root, length, levels), .level = FTS_ROOTLEVEL - levels};
        code = enter(tree, folder, root, is_readable);
    }
    return code;
}

static bool is_left_out(const struct tree *tree, const char *path, bool is_folder)
{
    for (const struct folder *folder = tree->folders; folder != NULL; folder = folder->is_top ? NULL : folder->above) {
        const enum quern_ignore_verdict verdict =
            quern_ignore_rules_verdict(&folder->rules, path + folder->length + 1, is_folder);
        if (verdict != QUERN_IGNORE_SILENT)
            return verdict == QUERN_IGNORE_LEFT_OUT;
    }
    return false;
}

/* ---------------------------------------------------------------- what fts(3) finds */

static int take_folder(struct tree *tree, FTSENT *found)
{
    const struct quern_tree_entry entry = {.path = found->fts_path, .kind = QUERN_TREE_FOLDER,
                                           .status = found->fts_statp};
    size_t length = strlen(found->fts_path);
    length -= found->fts_path[length - 1] == '/'; /* of a root */
    bool is_readable = true;
    int code = QUERN_OK;
    if (found->fts_level == FTS_ROOTLEVEL && !tree->walk->takes_ignored)
        code = enter_above(tree, found->fts_path, length, &is_readable);
    if (code == QUERN_OK && is_readable && !tree->walk->takes_ignored)
        code = enter(tree, (struct folder){.length = length, .level = found->fts_level}, found->fts_path,
                     &is_readable);
    if (!is_readable)
        fts_set(tree->fts, found, FTS_SKIP);
    return code == QUERN_OK && is_readable ? tree->walk->take(tree->walk->user, &entry, tree->error) : code;
}

static int take_file(const struct tree *tree, const FTSENT *found)
{
    struct stat status = *found->fts_statp;
    const struct quern_tree_entry entry = {.path = found->fts_path, .kind = QUERN_TREE_FILE, .status = &status,
                                           .is_link = found->fts_info == FTS_SL};
    if (entry.is_link && (stat(found->fts_path, &status) != 0 || !S_ISREG(status.st_mode)))
        return QUERN_OK; /* a link to something that is no file is no error */
    return tree->walk->take(tree->walk->user, &entry, tree->error);
}

static int take(struct tree *tree, FTSENT *found)
{
    const bool is_root = found->fts_level == FTS_ROOTLEVEL, is_folder = found->fts_info == FTS_D;
    leave(tree, is_root ? LONG_MIN : found->fts_level);
    if (found->fts_info == FTS_DP) /* all that is in a folder was seen */
        return QUERN_OK;
    if (!is_root && (found->fts_name[0] == '.' || is_left_out(tree, found->fts_path, is_folder))) {
        fts_set(tree->fts, found, FTS_SKIP);
        return QUERN_OK;
    }
    switch (found->fts_info) {
    case FTS_D:
        return take_folder(tree, found);
    case FTS_F:
    case FTS_SL:
        return take_file(tree, found);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        if (found->fts_errno == ENOENT && !is_root) /* removed while we look */
            return QUERN_OK;
        return tell_unread(tree, found->fts_path, strerror(found->fts_errno));
    default:
        return QUERN_OK;
    }
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

int quern_tree_walk(const struct quern_tree_walk *walk, char *const *roots, size_t count, quern_error *error)
{
    struct tree tree = {.walk = walk, .error = error};
    if (count == 0)
        return QUERN_OK;
    char **list = calloc(count + 1, sizeof *list);
    if (list == NULL)
        return no_memory(error);
    memcpy(list, roots, count * sizeof *list);
    tree.fts = fts_open(list, FTS_PHYSICAL | FTS_NOCHDIR, compare_names);
    int code = tree.fts != NULL ? QUERN_OK : no_memory(error);
    errno = 0;
    for (FTSENT *found; code == QUERN_OK && (found = fts_read(tree.fts)) != NULL; errno = 0)
        code = take(&tree, found);
    if (code == QUERN_OK && errno != 0)
        code = quern_jobs_fail(error, QUERN_EIO, "cannot read the folders: %s", strerror(errno));
    leave(&tree, LONG_MIN);
    if (tree.fts != NULL)
        fts_close(tree.fts);
    free(list);
    return code;
}
