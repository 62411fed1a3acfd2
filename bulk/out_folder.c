#include "out_folder.h"

#include "array_count.h"
#include "bulk.h"
#include "jobs_error.h"
#include "manifest.h"
#include "vector_table.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads the name of a file or folder of a part. */
static bool read_name(const char *name, struct quern_out_part *part)
{
    unsigned long long number;
    int length = 0;
    if (sscanf(name, "part-%llu%n", &number, &length) != 1 || length == 0)
        return false;
    part->number = number;
    part->is_done = strcmp(name + length, ".done") == 0;
    return part->is_done || strcmp(name + length, ".unfinished") == 0;
}

/* By number; what is done stands before what is not. */
static int compare_parts(const void *a, const void *b)
{
    const struct quern_out_part *one = a, *other = b;
    if (one->number != other->number)
        return one->number < other->number ? -1 : 1;
    return (int)other->is_done - (int)one->is_done;
}

/* Reads the next name of a folder that is one of a part. Returns 1; 0 at the end; a negative code. */
static int next_part(DIR *directory, const char *folder, struct quern_out_part *part, quern_error *error)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(directory);
        if (entry == NULL && errno != 0)
            return quern_jobs_fail(error, QUERN_EIO, "cannot read the folder %s: %s", folder, strerror(errno));
    } while (entry != NULL && !read_name(entry->d_name, part));
    return entry != NULL;
}

static int read_parts(DIR *directory, const char *folder, struct quern_out_part **parts, size_t *count,
                      quern_error *error)
{
    struct quern_out_part part;
    size_t capacity = 0;
    int code;
    while ((code = next_part(directory, folder, &part, error)) == 1) {
        if (*count == capacity) {
            capacity = 2 * capacity + 64;
            struct quern_out_part *more = realloc(*parts, capacity * sizeof *more);
            if (more == NULL)
                return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a list of %zu parts", capacity);
            *parts = more;
        }
        (*parts)[(*count)++] = part;
    }
    return code;
}

int quern_out_list(const char *folder, struct quern_out_part **parts, size_t *count, quern_error *error)
{
    DIR *directory = opendir(folder);
    *parts = NULL;
    *count = 0;
    if (directory == NULL)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read the folder %s: %s", folder, strerror(errno));
    const int code = read_parts(directory, folder, parts, count, error);
    closedir(directory);
    if (code != QUERN_OK) {
        free(*parts);
        *parts = NULL;
        *count = 0;
        return code;
    }
    if (*count == 0)
        return QUERN_OK;
    qsort(*parts, *count, sizeof **parts, compare_parts);
    size_t kept = 1; /* a run may have been killed between .done and the removal of the journal */
    for (size_t i = 1; i < *count; i++)
        if ((*parts)[i].number != (*parts)[kept - 1].number)
            (*parts)[kept++] = (*parts)[i];
    *count = kept;
    return QUERN_OK;
}

void quern_out_seen(char path[QUERN_PART_PATH], const char *folder)
{
    snprintf(path, QUERN_PART_PATH, "%s/seen", folder);
}

int quern_out_forget_seen(const char *folder, quern_error *error)
{
    char seen[QUERN_PART_PATH];
    struct quern_bulk_status status;
    quern_out_seen(seen, folder);
    if (access(seen, F_OK) != 0)
        return QUERN_OK;
    const int code = quern_bulk_look(folder, &status, error);
    if (code == QUERN_OK && status.knows_end && status.parts_done == status.parts)
        quern_vector_table_remove(seen);
    return code;
}

int quern_out_clear(const char *folder, quern_error *error)
{
    static const char *const names[] = {"manifest.json", "end.json"};
    char path[QUERN_PART_PATH];
    struct quern_out_part *parts;
    size_t count;
    int code = quern_out_list(folder, &parts, &count, error);
    for (size_t i = 0; code == QUERN_OK && i < count; i++)
        if (quern_part_is_busy(folder, parts[i].number))
            code = quern_jobs_fail(error, QUERN_EIO, "another process makes part %llu of %s: end it first",
                                   (unsigned long long)parts[i].number, folder);
    for (size_t i = 0; code == QUERN_OK && i < count; i++)
        quern_part_remove(folder, parts[i].number);
    free(parts);
    if (code != QUERN_OK)
        return code;
    quern_out_seen(path, folder);
    quern_vector_table_remove(path);
    for (size_t i = 0; i < QUERN_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (remove(path) != 0 && errno != ENOENT)
            return quern_jobs_fail(error, QUERN_EIO, "cannot remove %s: %s", path, strerror(errno));
    }
    return QUERN_OK;
}

void quern_out_withdraw(const char *folder)
{
    struct quern_out_part *parts;
    size_t count;
    bool has_done = false;
    if (quern_out_list(folder, &parts, &count, NULL) != QUERN_OK)
        return;
    for (size_t i = 0; i < count; i++)
        has_done |= parts[i].is_done;
    free(parts);
    if (!has_done)
        quern_out_clear(folder, NULL);
}

/* ---------------------------------------------------------------- looking */

static int add_part(struct quern_bulk_status *status, const char *folder, const struct quern_out_part *part,
                    quern_error *error)
{
    struct quern_part_done done;
    int code;
    if (part->is_done)
        code = quern_part_read_done(&done, folder, part->number, error);
    else
        code = quern_part_read_checkpoint(&done, folder, part->number, error);
    if (code < 0)
        return code;
    status->parts_done += part->is_done;
    status->parts_begun += !part->is_done;
    status->records_done += done.state.records;
    status->rows += done.state.rows;
    status->errors += done.state.errors;
    status->tokens += done.state.tokens;
    return QUERN_OK;
}

int quern_bulk_look(const char *folder, struct quern_bulk_status *status, quern_error *error)
{
    struct quern_out_part *parts = NULL;
    json_t *manifest;
    size_t count = 0;
    *status = (struct quern_bulk_status){.knows_end = false};
    int code = quern_manifest_read(&manifest, folder, error);
    if (code != QUERN_OK)
        return code;
    const char *space = json_string_value(json_object_get(manifest, "space"));
    snprintf(status->space, sizeof status->space, "%s", space != NULL ? space : "");
    status->part_records = (uint64_t)json_integer_value(json_object_get(manifest, "part_rows"));
    json_decref(manifest);
    code = quern_out_list(folder, &parts, &count, error);
    for (size_t i = 0; code == QUERN_OK && i < count; i++)
        code = add_part(status, folder, &parts[i], error);
    free(parts);
    if (code != QUERN_OK)
        return code;
    code = quern_end_read(folder, &status->records, &status->parts, error);
    status->knows_end = code == 1;
    return code < 0 ? code : QUERN_OK;
}
