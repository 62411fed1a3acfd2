/* From many parts to one file. */
#include "complete_run.h"
#include "jobs_error.h"
#include "parts/part_reader.h"
#include "parts/safe_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Appends a file of a part to another file, if the part has it. */
static int append(FILE *to, const char *folder, uint64_t part, const char *ending, quern_error *error)
{
    char path[QUERN_PART_PATH], buffer[1 << 16];
    quern_part_path(path, folder, part, ending);
    FILE *from = fopen(path, "re");
    if (from == NULL)
        return errno == ENOENT ? QUERN_OK : quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", path,
                                                            strerror(errno));
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, from)) > 0;)
        fwrite(buffer, 1, got, to);
    const bool failed = ferror(from);
    fclose(from);
    return failed ? quern_jobs_fail(error, QUERN_EIO, "cannot read %s", path) : QUERN_OK;
}

/* Writes the lines of all parts to PATH with another ending: the ids, or the records without a vector. When there are
 * none, no such file stays from what was merged to PATH before. */
static int merge_lines(const struct quern_complete *complete, const char *path, const char *ending, quern_error *error)
{
    struct quern_safe_file file;
    char *name = NULL;
    const size_t length = strlen(path) - strlen(quern_vector_format_ending(complete->format));
    if (asprintf(&name, "%.*s%s", (int)length, path, ending) < 0)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a name");
    int code = quern_safe_file_open(&file, name, false, error);
    for (uint64_t i = 0; code == QUERN_OK && i < complete->parts; i++)
        code = append(file.file, complete->folder, i, ending, error);
    if (code == QUERN_OK && ftello(file.file) > 0)
        code = quern_safe_file_finish(&file, error);
    else if (code == QUERN_OK && unlink(name) != 0 && errno != ENOENT)
        code = quern_jobs_fail(error, QUERN_EIO, "cannot remove %s: %s", name, strerror(errno));
    quern_safe_file_discard(&file);
    free(name);
    return code;
}

/* Appends the rows of a part. */
static int merge_part(struct quern_vector_file *vectors, const struct quern_complete *complete, uint64_t part,
                      quern_error *error)
{
    struct quern_part_reader reader;
    const void *row;
    quern_text members;
    int code = quern_part_reader_open(&reader, complete->folder, part, complete->done[part].state.rows,
                                      complete->format, &complete->shape, error);
    while (code == QUERN_OK && (code = quern_part_reader_next(&reader, &row, &members, error)) == 1) {
        quern_vector_file_put(vectors, row, members);
        code = QUERN_OK;
    }
    quern_part_reader_close(&reader);
    return code;
}

static int merge_vectors(const struct quern_complete *complete, const char *path, quern_error *error)
{
    struct quern_safe_file file;
    int code = quern_safe_file_open(&file, path, false, error);
    struct quern_vector_file vectors = {.code = QUERN_OK};
    if (code == QUERN_OK)
        quern_vector_file_begin(&vectors, complete->format, &complete->shape, file.file);
    for (uint64_t i = 0; code == QUERN_OK && i < complete->parts; i++)
        code = merge_part(&vectors, complete, i, error);
    if (code == QUERN_OK)
        code = quern_vector_file_end(&vectors, path, error);
    quern_vector_file_close(&vectors);
    if (code == QUERN_OK)
        return quern_safe_file_finish(&file, error);
    quern_safe_file_discard(&file);
    return code;
}

/* Whether the file at the path is one of the parts. */
static bool is_part(const struct quern_complete *complete, const char *path)
{
    struct stat named, part;
    bool same = false;
    if (stat(path, &named) != 0)
        return false;
    for (uint64_t i = 0; !same && i < complete->parts; i++) {
        char part_path[QUERN_PART_PATH];
        quern_part_path(part_path, complete->folder, i, quern_vector_format_ending(complete->format));
        same = stat(part_path, &part) == 0 && part.st_dev == named.st_dev && part.st_ino == named.st_ino;
    }
    return same;
}

/* Writes the files of a run that is complete. */
static int merge(const struct quern_complete *complete, const char *path, quern_error *error)
{
    const char *ending = quern_vector_format_ending(complete->format);
    const size_t length = strlen(path), ending_length = strlen(ending);
    int code = QUERN_OK;
    if (length <= ending_length || strcmp(path + length - ending_length, ending) != 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "the parts of %s are %s files, so the merged file must be one, "
                               "too: its name must end with %s", complete->folder, ending, ending);
    if (is_part(complete, path))
        return quern_jobs_fail(error, QUERN_EINVAL, "%s is a part of %s, which is merged: give the merged file another "
                               "name", path, complete->folder);
    if (!quern_vector_format_has_members(complete->format))
        code = merge_lines(complete, path, ".ids.jsonl", error);
    if (code == QUERN_OK)
        code = merge_lines(complete, path, ".errors.jsonl", error);
    return code == QUERN_OK ? merge_vectors(complete, path, error) : code;
}

int quern_bulk_merge(const char *folder, const char *path, quern_error *error)
{
    struct quern_complete complete;
    int code = quern_complete_open(&complete, folder, error);
    if (code == QUERN_OK)
        code = merge(&complete, path, error);
    quern_complete_close(&complete);
    return code;
}
