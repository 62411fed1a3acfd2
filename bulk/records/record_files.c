/* Which files are read, and what they hold. */
#include "array_count.h"
#include "columns/column_file.h"
#include "jobs_error.h"
#include "records.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { UNKNOWN = -1, REFUSED = -2 };

/* Endings of names. in_folder: what a file in a folder holds, when that is another thing. */
static const struct {
    const char *ending;
    int kind, in_folder;
    const char *way_out; /* for REFUSED */
} endings[] = {
    {".jsonl", QUERN_RECORDS_JSONL, QUERN_RECORDS_JSONL, NULL},
    {".ndjson", QUERN_RECORDS_JSONL, QUERN_RECORDS_JSONL, NULL},
    {".csv", QUERN_RECORDS_CSV, QUERN_RECORDS_CSV, NULL},
    {".tsv", QUERN_RECORDS_TSV, QUERN_RECORDS_TSV, NULL},
    {".tab", QUERN_RECORDS_TSV, QUERN_RECORDS_TSV, NULL},
    {".arrow", QUERN_RECORDS_ARROW, QUERN_RECORDS_ARROW, NULL},
    {".arrows", QUERN_RECORDS_ARROW, QUERN_RECORDS_ARROW, NULL},
    {".feather", QUERN_RECORDS_ARROW, QUERN_RECORDS_ARROW, NULL},
    {".ipc", QUERN_RECORDS_ARROW, QUERN_RECORDS_ARROW, NULL},
    {".parquet", QUERN_RECORDS_PARQUET, QUERN_RECORDS_PARQUET, NULL},
    {".pq", QUERN_RECORDS_PARQUET, QUERN_RECORDS_PARQUET, NULL},
    {".md", QUERN_RECORDS_DOCUMENT, QUERN_RECORDS_DOCUMENT, NULL},
    {".markdown", QUERN_RECORDS_DOCUMENT, QUERN_RECORDS_DOCUMENT, NULL},
    {".rst", QUERN_RECORDS_DOCUMENT, QUERN_RECORDS_DOCUMENT, NULL},
    {".txt", QUERN_RECORDS_LINES, QUERN_RECORDS_DOCUMENT, NULL},
    {".text", QUERN_RECORDS_LINES, QUERN_RECORDS_DOCUMENT, NULL},
    {".json", REFUSED, REFUSED,
     "if each of its lines is an object, say --kind jsonl; a list becomes lines with: jq -c '.[]' FILE"},
};

static const char *const packings[] = {".gz", ".gzip", ".zst", ".zstd"};

quern_text quern_record_kind_name(enum quern_record_kind kind)
{
    const char *name = QUERN_RECORD_KINDS;
    for (int i = 0; i < (int)kind; i++)
        name = strchr(name, '|') + 1;
    return (quern_text){name, strcspn(name, "|")};
}

static bool ends_with(const char *path, size_t length, const char *ending)
{
    const size_t ending_length = strlen(ending);
    return length > ending_length && strncasecmp(path + length - ending_length, ending, ending_length) == 0;
}

/* What a file holds by the ending of its name, behind which that of a packing may stand. */
static int kind_of(const char *path, bool in_folder, const char **way_out)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < QUERN_COUNT(packings); i++)
        if (ends_with(path, length, packings[i])) {
            length -= strlen(packings[i]);
            break;
        }
    for (size_t i = 0; i < QUERN_COUNT(endings); i++)
        if (ends_with(path, length, endings[i].ending)) {
            *way_out = endings[i].way_out;
            return in_folder ? endings[i].in_folder : endings[i].kind;
        }
    return UNKNOWN;
}

int quern_record_kind_of(const char *path)
{
    const char *way_out;
    const int kind = kind_of(path, true, &way_out);
    return kind == REFUSED ? UNKNOWN : kind;
}

static int no_memory(quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the list of input files");
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int add(struct quern_record_files *files, const char *path, int kind, const struct stat *status,
               quern_error *error)
{
    struct quern_record_file *more = realloc(files->files, (files->count + 1) * sizeof *more);
    if (more == NULL)
        return no_memory(error);
    files->files = more;
    more[files->count] = (struct quern_record_file){.path = strdup(path), .kind = (enum quern_record_kind)kind};
    if (more[files->count].path == NULL)
        return no_memory(error);
    if (status != NULL && S_ISREG(status->st_mode)) {
        more[files->count].is_regular = true;
        more[files->count].size = (uint64_t)status->st_size;
        more[files->count].mtime = nanoseconds(status->st_mtim);
        more[files->count].ctime = nanoseconds(status->st_ctim);
        files->size += (uint64_t)status->st_size;
    }
    files->count++;
    return QUERN_OK;
}

/* Adds a file that the user named, or that lies in a folder. */
static int add_file(struct quern_record_files *files, const char *path, int kind, const struct stat *status,
                    bool in_folder, quern_error *error)
{
    const char *way_out = NULL;
    if (kind == UNKNOWN)
        kind = kind_of(path, in_folder, &way_out);
    if (kind == REFUSED)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s: its name does not tell what it holds: %s", path, way_out);
    if (kind == UNKNOWN && in_folder) {
        if (files->passed_over++ == 0)
            files->first_passed = strdup(path);
        return QUERN_OK;
    }
    if (kind == UNKNOWN && S_ISREG(status->st_mode) && quern_column_file_is(path))
        kind = QUERN_RECORDS_ARROW;
    return add(files, path, kind == UNKNOWN ? QUERN_RECORDS_LINES : kind, status, error);
}

/* What is looked for, and where not. */
struct search {
    int kind;              /* of all files, or UNKNOWN */
    bool has_output;       /* the folder for the vectors is there */
    struct stat output;
};

static int find(struct quern_record_files *files, const char *path, const struct search *search, bool in_folder,
                quern_error *error);

static int add_folder(struct quern_record_files *files, const char *path, const struct search *search,
                      quern_error *error)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read the folder %s: %s", path, strerror(errno));
    const size_t length = strlen(path);
    const char *slash = length > 0 && path[length - 1] == '/' ? "" : "/";
    int code = QUERN_OK;
    while (code == QUERN_OK) {
        char *inner = NULL;
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            if (errno != 0)
                code = quern_jobs_fail(error, QUERN_EIO, "cannot read the folder %s: %s", path, strerror(errno));
            break;
        }
        if (entry->d_name[0] == '.') /* hidden, or the folder itself */
            continue;
        if (asprintf(&inner, "%s%s%s", path, slash, entry->d_name) < 0)
            code = no_memory(error);
        else
            code = find(files, inner, search, true, error);
        free(inner);
    }
    closedir(folder);
    return code;
}

static int find(struct quern_record_files *files, const char *path, const struct search *search, bool in_folder,
                quern_error *error)
{
    struct stat status;
    const int kind = search->kind;
    if (!in_folder && strcmp(path, "-") == 0)
        return add(files, path, kind == UNKNOWN ? QUERN_RECORDS_LINES : kind, NULL, error);
    if (stat(path, &status) != 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", path, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return add_file(files, path, kind, &status, in_folder, error);
    const bool is_output = search->has_output && status.st_dev == search->output.st_dev &&
                           status.st_ino == search->output.st_ino;
    if (is_output && !in_folder)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s is the folder for the vectors, and cannot be read as well: "
                               "name another one with -o", path);
    /* A link to a folder within a folder is not followed, since it may lead in a circle. */
    if (is_output || (in_folder && lstat(path, &status) == 0 && S_ISLNK(status.st_mode)))
        return QUERN_OK;
    return add_folder(files, path, search, error);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct quern_record_file *)a)->path, ((const struct quern_record_file *)b)->path);
}

int quern_record_files_find(struct quern_record_files *files, char *const *paths, int count, int kind,
                            const char *output, quern_error *error)
{
    struct search search = {.kind = kind};
    search.has_output = output != NULL && stat(output, &search.output) == 0;
    *files = (struct quern_record_files){.count = 0};
    for (int i = 0; i < count; i++) {
        const int code = find(files, paths[i], &search, false, error);
        if (code != QUERN_OK)
            return code;
    }
    if (files->count == 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "there is nothing to read: no file in %s has a name that tells "
                               "what it holds; say it with --kind", count > 0 ? paths[0] : "no folder");
    qsort(files->files, files->count, sizeof *files->files, compare_paths);
    for (size_t i = 1; i < files->count; i++)
        if (strcmp(files->files[i - 1].path, files->files[i].path) == 0)
            return quern_jobs_fail(error, QUERN_EINVAL, "%s is named twice", files->files[i].path);
    return QUERN_OK;
}

bool quern_record_files_are_regular(const struct quern_record_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (!files->files[i].is_regular)
            return false;
    return true;
}

int quern_record_files_check(const struct quern_record_files *files, size_t begin, size_t end, quern_error *error)
{
    for (size_t i = begin; i < end; i++) {
        const struct quern_record_file *file = &files->files[i];
        struct stat status;
        if (!file->is_regular)
            continue;
        if (stat(file->path, &status) != 0 || (uint64_t)status.st_size != file->size ||
            nanoseconds(status.st_mtim) != file->mtime)
            return quern_jobs_fail(error, QUERN_EIO, "%s has changed while it was read: some vectors may be of what it "
                                   "was before; begin again with --force", file->path);
    }
    return QUERN_OK;
}

void quern_record_files_free(struct quern_record_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->files[i].path);
    free(files->files);
    free(files->first_passed);
    *files = (struct quern_record_files){.count = 0};
}
