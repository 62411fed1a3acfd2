#include "source_walk.h"

#include "jobs_error.h"
#include "passage.h"
#include "source_table.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    struct quern_found *found;
    const char *but_not;
    void (*notice)(void *user, const char *line);
    void *user;
    quern_error *error;
};

static int no_memory(quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the list of files");
}

int quern_found_add_unread(struct quern_found *found, const char *path, quern_error *error)
{
    char **more = realloc(found->unread, (found->unread_count + 1) * sizeof *more);
    if (more == NULL)
        return no_memory(error);
    found->unread = more;
    more[found->unread_count] = strdup(path);
    if (more[found->unread_count] == NULL)
        return no_memory(error);
    found->unread_count++;
    return QUERN_OK;
}

bool quern_found_is_unread(const struct quern_found *found, const char *path)
{
    for (size_t i = 0; i < found->unread_count; i++)
        if (quern_source_is_in(path, found->unread[i]))
            return true;
    return false;
}

static int add_unread(struct walk *walk, const char *path, const char *reason)
{
    char line[512];
    snprintf(line, sizeof line, "cannot read %.400s: %s", path, reason);
    walk->notice(walk->user, line);
    return quern_found_add_unread(walk->found, path, walk->error);
}

static int add_file(struct walk *walk, const char *path, const struct stat *status, bool is_link)
{
    struct quern_found *found = walk->found;
    if (walk->but_not != NULL && strncmp(path, walk->but_not, strlen(walk->but_not)) == 0)
        return QUERN_OK;
    if (strlen(path) > QUERN_INDEX_MOST_NAME - QUERN_PASSAGE_NUMBER)
        return add_unread(walk, path, "its path is too long for an index");
    if (found->count == found->room) {
        const size_t room = 2 * found->room + 256;
        struct quern_found_file *files = realloc(found->files, room * sizeof *files);
        if (files == NULL)
            return no_memory(walk->error);
        found->files = files;
        found->room = room;
    }
    char *copy = strdup(path);
    if (copy == NULL)
        return no_memory(walk->error);
    found->files[found->count++] = (struct quern_found_file){
        .path = copy, .size = (uint64_t)status->st_size, .device = status->st_dev, .inode = status->st_ino,
        .mtime = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec, .is_link = is_link};
    return QUERN_OK;
}

/* Takes what fts(3) has found. */
static int take(struct walk *walk, FTS *tree, FTSENT *entry)
{
    struct stat status;
    if (entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.') { /* hidden */
        fts_set(tree, entry, FTS_SKIP);
        return QUERN_OK;
    }
    switch (entry->fts_info) {
    case FTS_F:
        return add_file(walk, entry->fts_path, entry->fts_statp, false);
    case FTS_SL: /* a link that leads nowhere is nothing to complain of */
        if (stat(entry->fts_path, &status) != 0 || !S_ISREG(status.st_mode))
            return QUERN_OK;
        return add_file(walk, entry->fts_path, &status, true);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        if (entry->fts_errno == ENOENT && entry->fts_level > FTS_ROOTLEVEL) /* removed while we look */
            return QUERN_OK;
        return add_unread(walk, entry->fts_path, strerror(entry->fts_errno));
    default:
        return QUERN_OK;
    }
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct quern_found_file *)a)->path, ((const struct quern_found_file *)b)->path);
}

/* By file, and within a file what is no link first. */
static int compare_files(const void *a, const void *b)
{
    const struct quern_found_file *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    if (x->is_link != y->is_link)
        return x->is_link ? 1 : -1;
    return compare_paths(a, b);
}

/* Keeps those of files[count] for which is_other(file, the one kept before it) holds. */
static void keep(struct quern_found *found, bool (*is_other)(const struct quern_found_file *file,
                                                             const struct quern_found_file *before))
{
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        if (kept > 0 && !is_other(&found->files[i], &found->files[kept - 1]))
            free(found->files[i].path);
        else
            found->files[kept++] = found->files[i];
    }
    found->count = kept;
}

static bool is_no_second_link(const struct quern_found_file *file, const struct quern_found_file *before)
{
    return !file->is_link || file->device != before->device || file->inode != before->inode;
}

static bool has_other_path(const struct quern_found_file *file, const struct quern_found_file *before)
{
    return strcmp(file->path, before->path) != 0;
}

int quern_source_walk(struct quern_found *found, char *const *roots, size_t count, const char *but_not,
                      void (*notice)(void *user, const char *line), void *user, quern_error *error)
{
    struct walk walk = {found, but_not, notice, user, error};
    *found = (struct quern_found){.count = 0};
    if (count == 0)
        return QUERN_OK;
    char **list = calloc(count + 1, sizeof *list);
    if (list == NULL)
        return no_memory(error);
    memcpy(list, roots, count * sizeof *list);
    FTS *tree = fts_open(list, FTS_PHYSICAL | FTS_NOCHDIR, compare_names);
    int code = tree != NULL ? QUERN_OK : no_memory(error);
    errno = 0;
    for (FTSENT *entry; code == QUERN_OK && (entry = fts_read(tree)) != NULL; errno = 0)
        code = take(&walk, tree, entry);
    if (code == QUERN_OK && errno != 0)
        code = quern_jobs_fail(error, QUERN_EIO, "cannot read the folders: %s", strerror(errno));
    if (tree != NULL)
        fts_close(tree);
    free(list);
    if (code != QUERN_OK || found->count == 0)
        return code;
    qsort(found->files, found->count, sizeof *found->files, compare_files);
    keep(found, is_no_second_link);
    qsort(found->files, found->count, sizeof *found->files, compare_paths);
    keep(found, has_other_path);
    return QUERN_OK;
}

void quern_found_free(struct quern_found *found)
{
    for (size_t i = 0; i < found->count; i++)
        free(found->files[i].path);
    for (size_t i = 0; i < found->unread_count; i++)
        free(found->unread[i]);
    free(found->files);
    free(found->unread);
    *found = (struct quern_found){.count = 0};
}
