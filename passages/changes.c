#include "changes.h"

#include "jobs_error.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int no_memory(quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the table of files");
}

/* ---------------------------------------------------------------- the index and the options */

/* Makes a new index in the place of one, with its settings and its roots. */
static void begin_anew(struct quern_changes *changes)
{
    struct quern_source_table *table = &changes->table;
    for (size_t i = 0; i < table->count; i++)
        free(table->sources[i].path);
    table->count = 0;
    quern_index_close(changes->index);
    changes->index = NULL;
    changes->is_new = true;
}

static int look(struct quern_changes *changes, const char *path, bool is_forced, quern_error *error)
{
    quern_index_info info = {.size = sizeof info};
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        changes->is_new = true;
        return QUERN_OK;
    }
    int code = quern_index_open(&changes->index, path, error);
    if (code == QUERN_OK)
        code = quern_index_describe(changes->index, &info, error);
    if (code == QUERN_OK)
        code = quern_source_table_read(&changes->table, info.note, error);
    if (is_forced && (code == QUERN_OK || code == QUERN_EFORMAT || code == QUERN_EUNSUPPORTED)) {
        begin_anew(changes);
        return QUERN_OK;
    }
    if (code == QUERN_OK) {
        changes->dimensions = info.dimensions;
        changes->dtype = info.rows;
        changes->bits = info.bits;
        snprintf(changes->space, sizeof changes->space, "%s", info.space);
    }
    return code;
}

/* Replaces a setting by the one that was given, if one was. */
static int set_string(char **setting, const char *given, bool *changes, quern_error *error)
{
    if (*setting != NULL && (given == NULL || strcmp(*setting, given) == 0))
        return QUERN_OK;
    char *copy = strdup(given != NULL ? given : "");
    if (copy == NULL)
        return no_memory(error);
    *changes = true;
    free(*setting);
    *setting = copy;
    return QUERN_OK;
}

static void set_number(uint64_t *setting, uint64_t given, bool *changes)
{
    *changes |= given != *setting;
    *setting = given;
}

/* Refuses options that tell how vectors are stored, when those that are there are stored in another way. */
static int check_shape(const struct quern_changes *changes, const struct quern_indexing_options *options,
                       quern_error *error)
{
    if (options->dimensions > 0 && options->dimensions != changes->dimensions)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s has vectors of %d dimensions, not %d; --force makes it anew",
                               options->path, changes->dimensions, options->dimensions);
    if (options->dtype != QUERN_DTYPE_F32 && options->dtype != changes->dtype)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s has vectors of %s, not %s; --force makes it anew",
                               options->path, quern_dtype_name(changes->dtype), quern_dtype_name(options->dtype));
    if (options->bits && !changes->bits)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s was made without --bits; --force makes it anew",
                               options->path);
    return QUERN_OK;
}

/* Takes the options that were given. *cuts_anew: all files must be read again. */
static int take_settings(struct quern_changes *changes, const struct quern_indexing_options *options, bool *cuts_anew,
                         quern_error *error)
{
    struct quern_source_table *table = &changes->table;
    bool computes_anew = options->exact && !table->exact;
    int code = set_string(&table->model, options->model, &changes->is_other_model, error);
    if (code == QUERN_OK)
        code = set_string(&table->known, options->known, &changes->is_other_model, error);
    changes->has_changed |= changes->is_other_model;
    if (code == QUERN_OK)
        code = set_string(&table->text_column, options->text_column, cuts_anew, error);
    if (code == QUERN_OK)
        code = set_string(&table->title_column, options->title_column, cuts_anew, error);
    if (options->chunk.tokens > 0 || table->tokens == 0) {
        const size_t tokens = options->chunk.tokens > 0 ? options->chunk.tokens : QUERN_INDEXING_TOKENS;
        set_number(&table->tokens, tokens, cuts_anew);
        set_number(&table->overlap, options->chunk.overlap, cuts_anew);
    }
    table->exact |= options->exact;
    changes->has_changed |= options->takes_ignored && !table->takes_ignored;
    table->takes_ignored |= options->takes_ignored;
    changes->keeps_vectors = !changes->is_new && !computes_anew;
    *cuts_anew |= computes_anew;
    if (changes->is_new)
        changes->dimensions = options->dimensions;
    return code == QUERN_OK && !changes->is_new ? check_shape(changes, options, error) : code;
}

static int take_roots(struct quern_changes *changes, const struct quern_indexing_options *options, quern_error *error)
{
    struct quern_source_table *table = &changes->table;
    int code = QUERN_OK;
    for (size_t i = 0; code == QUERN_OK && !options->removes && i < options->root_count; i++) {
        const size_t before = table->root_count;
        code = quern_source_table_add_root(table, options->roots[i], error);
        changes->has_changed |= table->root_count > before;
    }
    size_t kept = 0;
    for (size_t i = 0; i < table->root_count; i++) {
        bool is_removed = false;
        for (size_t k = 0; options->removes && k < options->root_count; k++)
            is_removed |= quern_source_is_in(table->roots[i], options->roots[k]);
        if (is_removed)
            free(table->roots[i]);
        else
            table->roots[kept++] = table->roots[i];
    }
    changes->has_changed |= kept < table->root_count;
    table->root_count = kept;
    return code;
}

/* ---------------------------------------------------------------- comparing */

struct comparison {
    struct quern_changes *changes;
    const struct quern_indexing_job *job;
    char *const *roots; /* [root_count]: that were walked, or are removed */
    size_t root_count;
    bool cuts_anew;
    struct quern_source_table old; /* its sources are moved away one by one */
    quern_error *error;
};

static bool is_walked(const struct comparison *with, const char *path)
{
    for (size_t i = 0; i < with->root_count; i++)
        if (quern_source_is_in(path, with->roots[i]))
            return true;
    return false;
}

/* Notes that the passages of the last source of the table must be made. */
static void add_change(struct quern_changes *changes, const struct quern_found_file *file, bool is_new,
                       const unsigned char digest[QUERN_SOURCE_DIGEST])
{
    struct quern_change *change = &changes->changes[changes->count++];
    *change = (struct quern_change){.source = changes->table.count - 1, .is_new = is_new, .size = file->size,
                                    .mtime = file->mtime};
    memcpy(change->digest, digest, sizeof change->digest);
    changes->bytes += file->size;
    changes->has_changed = true;
}

/* False with errno: the file cannot be read. */
static bool find_digest(const char *path, unsigned char digest[QUERN_SOURCE_DIGEST])
{
    unsigned char buffer[1 << 14];
    SHA2_CTX context;
    FILE *file = fopen(path, "rbe");
    size_t length;
    if (file == NULL)
        return false;
    SHA256Init(&context);
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0)
        SHA256Update(&context, buffer, length);
    const int problem = ferror(file) != 0 ? errno : 0;
    fclose(file);
    SHA256Final(digest, &context);
    errno = problem;
    return problem == 0;
}

/* Says that a file cannot be read, and notes it. */
static int pass_unread(struct comparison *with, const char *path)
{
    char line[512];
    snprintf(line, sizeof line, "cannot read %.400s: %s", path, strerror(errno));
    with->job->notice(with->job->user, line);
    return quern_found_add_unread(&with->changes->found, path, with->error);
}

/* A file that the index has, perhaps as it was before. */
static int compare(struct comparison *with, const struct quern_found_file *file, struct quern_source *old)
{
    struct quern_changes *changes = with->changes;
    unsigned char digest[QUERN_SOURCE_DIGEST];
    struct quern_source *source = &changes->table.sources[changes->table.count++];
    *source = *old;
    old->path = NULL;
    const bool is_finished = source->state != QUERN_SOURCE_UNFINISHED && !with->cuts_anew;
    if (is_finished && source->size == file->size && source->mtime == file->mtime)
        return QUERN_OK;
    if (!find_digest(file->path, digest))
        return pass_unread(with, file->path);
    if (is_finished && memcmp(digest, source->digest, sizeof digest) == 0) {
        source->size = file->size;
        source->mtime = file->mtime;
        changes->has_changed = true;
    } else {
        add_change(changes, file, false, digest);
    }
    return QUERN_OK;
}

static int add_new(struct comparison *with, const struct quern_found_file *file)
{
    struct quern_changes *changes = with->changes;
    unsigned char digest[QUERN_SOURCE_DIGEST];
    if (!find_digest(file->path, digest))
        return pass_unread(with, file->path);
    char *path = strdup(file->path);
    if (path == NULL)
        return no_memory(with->error);
    changes->table.sources[changes->table.count++] =
        (struct quern_source){.path = path, .state = QUERN_SOURCE_UNFINISHED};
    add_change(changes, file, true, digest);
    return QUERN_OK;
}

/* A source that was not found: it is gone, unless it lies where nobody looked. */
static void pass_old(struct comparison *with, struct quern_source *old)
{
    struct quern_changes *changes = with->changes;
    if (is_walked(with, old->path) && !quern_found_is_unread(&changes->found, old->path)) {
        changes->gone[changes->gone_count++] = *old;
        changes->has_changed = true;
    } else {
        changes->table.sources[changes->table.count++] = *old;
    }
    old->path = NULL;
}

/* Merges the old table with the files that were found: both are sorted by path. */
static int merge(struct comparison *with)
{
    struct quern_changes *changes = with->changes;
    const struct quern_found *found = &changes->found;
    struct quern_source_table *old = &with->old;
    const size_t most = old->count + found->count + 1;
    changes->table.sources = calloc(most, sizeof *changes->table.sources);
    changes->changes = calloc(found->count + 1, sizeof *changes->changes);
    changes->gone = calloc(old->count + 1, sizeof *changes->gone);
    if (changes->table.sources == NULL || changes->changes == NULL || changes->gone == NULL)
        return no_memory(with->error);
    int code = QUERN_OK;
    for (size_t i = 0, k = 0; code == QUERN_OK && (i < old->count || k < found->count);) {
        const int order = i == old->count ? 1 : k == found->count ? -1
                                              : strcmp(old->sources[i].path, found->files[k].path);
        if (order < 0)
            pass_old(with, &old->sources[i++]);
        else if (order == 0)
            code = compare(with, &found->files[k++], &old->sources[i++]);
        else
            code = add_new(with, &found->files[k++]);
    }
    return code;
}

static bool has_source_in(const struct quern_source_table *table, const char *path)
{
    for (size_t i = 0; i < table->count; i++)
        if (quern_source_is_in(table->sources[i].path, path))
            return true;
    return false;
}

/* Tells what the user may not expect of a path that is removed. The roots that stay are known. */
static void note_removal(const struct quern_source_table *table, const char *path, const struct quern_indexing_job *job)
{
    char line[1024] = "";
    if (!has_source_in(table, path))
        snprintf(line, sizeof line, "the index has nothing of %.400s", path);
    for (size_t i = 0; line[0] == '\0' && i < table->root_count; i++)
        if (quern_source_is_in(path, table->roots[i]))
            snprintf(line, sizeof line, "%.400s is in %.400s, so the next run takes it again, if nothing leaves it out",
                     path, table->roots[i]);
    if (line[0] != '\0')
        job->notice(job->user, line);
}

int quern_changes_find(struct quern_changes *changes, const struct quern_indexing_job *job, quern_error *error)
{
    const struct quern_indexing_options *options = job->options;
    struct comparison with = {.changes = changes, .job = job, .error = error};
    *changes = (struct quern_changes){.index = NULL};
    int code = look(changes, options->path, options->is_forced, error);
    const bool takes_more = options->takes_ignored && !changes->table.takes_ignored;
    if (code == QUERN_OK)
        code = take_settings(changes, options, &with.cuts_anew, error);
    if (code == QUERN_OK)
        code = take_roots(changes, options, error);
    if (code != QUERN_OK)
        return code;
    with.roots = options->root_count > 0 ? options->roots : changes->table.roots;
    with.root_count = options->root_count > 0 ? options->root_count : changes->table.root_count;
    if (options->removes) {
        with.cuts_anew = false;
    } else if (with.cuts_anew || takes_more) { /* then all files are looked at, not only those that were named */
        with.roots = changes->table.roots;
        with.root_count = changes->table.root_count;
    }
    for (size_t i = 0; options->removes && i < options->root_count; i++)
        note_removal(&changes->table, options->roots[i], job);
    if (!options->removes)
        code = quern_source_walk(&changes->found, with.roots, with.root_count, changes->table.takes_ignored,
                                 options->is_confined, options->path, job->notice, job->user, error);
    if (code == QUERN_OK && changes->is_new && changes->found.count == 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "there is nothing to index: no file was found");
    with.old.sources = changes->table.sources;
    with.old.count = changes->table.count;
    changes->table.sources = NULL;
    changes->table.count = 0;
    if (code == QUERN_OK)
        code = merge(&with);
    for (size_t i = 0; i < with.old.count; i++)
        free(with.old.sources[i].path);
    free(with.old.sources);
    return code;
}

int quern_changes_check(const struct quern_changes *changes, const char *path, quern_error *error)
{
    quern_index *index = NULL;
    quern_index_info now = {.size = sizeof now}, before = {.size = sizeof before};
    int code = quern_index_open(&index, path, error);
    if (code == QUERN_OK)
        code = quern_index_describe(index, &now, error);
    if (code == QUERN_OK)
        code = quern_index_describe(changes->index, &before, error);
    if (code == QUERN_OK && (now.places != before.places || now.count != before.count ||
                             now.note.length != before.note.length ||
                             memcmp(now.note.data, before.note.data, now.note.length) != 0))
        code = quern_jobs_fail(error, QUERN_EIO, "%s was changed by another process meanwhile: try again", path);
    quern_index_close(index);
    return code;
}

void quern_changes_free(struct quern_changes *changes)
{
    for (size_t i = 0; i < changes->gone_count; i++)
        free(changes->gone[i].path);
    free(changes->gone);
    free(changes->changes);
    quern_source_table_free(&changes->table);
    quern_found_free(&changes->found);
    quern_index_close(changes->index);
    *changes = (struct quern_changes){.index = NULL};
}
