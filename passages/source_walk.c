#include "source_walk.h"

#include "jobs_error.h"
#include "passage.h"
#include "source_table.h"
#include "tree_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    struct quern_found *found;
    char *const *roots; /* [count] */
    size_t count;
    bool is_confined;
    const char *index;
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

/* Whether a file is the index itself, or what a writer makes of it. */
static bool is_index(const char *path, const char *index)
{
    const size_t length = strlen(index);
    return strncmp(path, index, length) == 0 && (path[length] == '\0' || strcmp(path + length, ".part") == 0);
}

/* Whether a link leads out of all that is walked through. */
static bool leads_out(const struct walk *walk, const char *path)
{
    char *target = realpath(path, NULL);
    bool is_inside = false;
    for (size_t i = 0; target != NULL && i < walk->count; i++)
        is_inside |= quern_source_is_in(target, walk->roots[i]);
    free(target);
    return !is_inside;
}

static int add_file(struct walk *walk, const char *path, const struct stat *status, bool is_link)
{
    struct quern_found *found = walk->found;
    if (is_index(path, walk->index))
        return QUERN_OK;
    if (is_link && walk->is_confined && leads_out(walk, path))
        return add_unread(walk, path, "it is a link that leads out of what may be added");
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

static int take(void *user, const struct quern_tree_entry *entry, quern_error *error)
{
    struct walk *walk = user;
    (void)error; /* it is walk->error */
    if (entry->kind == QUERN_TREE_UNREAD)
        return add_unread(walk, entry->path, entry->reason);
    return entry->kind == QUERN_TREE_FILE ? add_file(walk, entry->path, entry->status, entry->is_link) : QUERN_OK;
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

int quern_source_walk(struct quern_found *found, char *const *roots, size_t count, bool takes_ignored,
                      bool is_confined, const char *index, void (*notice)(void *user, const char *line), void *user,
                      quern_error *error)
{
    struct walk walk = {found, roots, count, is_confined, index, notice, user, error};
    const struct quern_tree_walk tree = {.takes_ignored = takes_ignored, .take = take, .user = &walk};
    *found = (struct quern_found){.count = 0};
    const int code = quern_tree_walk(&tree, roots, count, error);
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
