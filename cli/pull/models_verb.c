#include "arguments.h"
#include "pull.h"

#include "json_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct models_options {
    bool json, digests;
};

/* The published name of a file of the cache, or "". */
static const char *name_of(const char *file, const struct quern_cli_record *record)
{
    for (const struct quern_cli_published *published = quern_cli_catalog; published->name != NULL; published++) {
        char origin[QUERN_CLI_URL];
        snprintf(origin, sizeof origin, "hf:%s/%s", published->repository, published->path);
        const bool is_same = published->sha256 != NULL ? strcmp(published->sha256, record->sha256) == 0
                                                       : strcmp(origin, record->origin) == 0;
        if (is_same && strcmp(quern_cli_published_file(published), file) == 0)
            return published->name;
    }
    return "";
}

/* A file of the cache: a model, or an unfinished download of one. */
struct cached_model {
    char path[QUERN_CLI_PATH];
    const char *file, *name; /* name: the published one, or "" */
    bool finished, used;     /* used: when no other is named */
    uint64_t bytes;          /* there now */
    struct quern_cli_record record;
};

static bool read_row(struct cached_model *row, const char *file, bool finished, bool wants_digest)
{
    char beside[QUERN_CLI_PATH + 8];
    struct stat status;
    *row = (struct cached_model){.file = file, .name = "", .finished = finished};
    if (!quern_cli_cache_path(row->path, file))
        return false;
    if (finished) {
        if (quern_cli_record_of(&row->record, row->path, wants_digest) != QUERN_CLI_DONE)
            return false;
        row->name = name_of(file, &row->record);
        row->bytes = row->record.size;
        return true;
    }
    snprintf(beside, sizeof beside, "%s.json", row->path);
    if (!quern_cli_record_read(&row->record, beside))
        row->record = (struct quern_cli_record){0};
    if (lstat(row->path, &status) != 0 || !S_ISREG(status.st_mode)) {
        quern_cli_say("%s is not a regular file", row->path);
        return false;
    }
    row->bytes = (uint64_t)status.st_size;
    return true;
}

static void put_json(const struct cached_model *row, bool first)
{
    fputs(first ? "[{" : ",\n {", stdout);
    quern_json_put_member(stdout, "file", row->file);
    quern_json_put_member(stdout, ", name", row->name);
    quern_json_put_member(stdout, ", path", row->path);
    quern_json_put_member(stdout, ", origin", row->record.origin);
    quern_json_put_member(stdout, ", sha256", row->record.sha256);
    printf(", \"size\": %llu, \"bytes\": %llu, \"finished\": %s, \"default\": %s}",
           (unsigned long long)row->record.size, (unsigned long long)row->bytes, row->finished ? "true" : "false",
           row->used ? "true" : "false");
}

static void put_text(const struct cached_model *row)
{
    char file[QUERN_CLI_FILE];
    snprintf(file, sizeof file, "%s", row->file);
    quern_cli_clean(file);
    printf("%s%s%s%s\n", file, row->name[0] != '\0' ? "  " : "", row->name,
           row->used ? "  (used when no other is named)" : "");
    if (row->finished)
        printf("    %llu bytes, SHA-256 %s\n", (unsigned long long)row->bytes,
               row->record.sha256[0] != '\0' ? row->record.sha256 : "not known: --digests computes it");
    else if (row->record.size > 0)
        printf("    not finished: %llu of %llu bytes\n", (unsigned long long)row->bytes,
               (unsigned long long)row->record.size);
    else
        printf("    not finished: %llu bytes, without a record of the whole\n", (unsigned long long)row->bytes);
    if (row->record.origin[0] != '\0')
        printf("    from %s\n", row->record.origin);
}

/* Prints the finished files, or the unfinished ones; adds to *written. Returns an exit code. */
static int put_rows(const char *folder, bool finished, const struct models_options *options, int *written)
{
    static struct cached_model row;
    char used[QUERN_CLI_PATH];
    int code = QUERN_CLI_DONE, count;
    bool any_used = quern_cli_cache_default(used);
    char **files = quern_cli_cache_list(folder, finished ? ".gguf" : ".gguf.part", &count);
    for (int i = 0; i < count; i++) {
        if (!read_row(&row, files[i], finished, options->digests)) {
            code = QUERN_CLI_FAILED;
        } else {
            row.used = any_used && strcmp(row.path, used) == 0;
            options->json ? put_json(&row, *written == 0) : put_text(&row);
            fflush(stdout); /* the next row may take long */
            (*written)++;
        }
        free(files[i]);
    }
    free(files);
    return code;
}

/* ---------------------------------------------------------------- what bench left */

/* The bytes of the regular files in the folder `bench` of the cache, which are removed if that is wanted. A link
 * in its place is not followed: what it leads to is somebody else's. */
static uint64_t count_bench(char folder[QUERN_CLI_PATH], bool remove)
{
    uint64_t bytes = 0;
    struct stat status;
    char path[QUERN_CLI_PATH + QUERN_CLI_FILE];
    if (!quern_cli_cache_path(folder, "bench"))
        return 0;
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *opened = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    for (const struct dirent *entry; opened != NULL && (entry = readdir(opened)) != NULL;) {
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path ||
            lstat(path, &status) != 0 || !S_ISREG(status.st_mode) || (remove && unlink(path) != 0))
            continue;
        bytes += (uint64_t)status.st_size;
    }
    if (opened != NULL)
        closedir(opened);
    if (remove)
        rmdir(folder);
    return bytes;
}

static int remove_bench(void)
{
    char folder[QUERN_CLI_PATH] = "";
    struct stat status;
    if (count_bench(folder, true) > 0)
        return QUERN_CLI_DONE;
    if (lstat(folder, &status) == 0 && !S_ISDIR(status.st_mode))
        quern_cli_say("cannot remove %s: it is no folder; remove it yourself", folder);
    else
        quern_cli_say("'quern bench' has left nothing in the cache");
    return QUERN_CLI_FAILED;
}

static void notice_bench(void)
{
    char folder[QUERN_CLI_PATH] = "";
    const uint64_t bytes = count_bench(folder, false);
    if (bytes > 0)
        quern_cli_notice("%s has %.0f MB that 'quern bench' made: 'quern models rm bench' removes them", folder,
                         (double)bytes * 1e-6);
}

/* ---------------------------------------------------------------- the verb */

static int list_all(const struct models_options *options)
{
    char folder[QUERN_CLI_PATH];
    int written = 0;
    if (!quern_cli_cache_folder(folder)) {
        quern_cli_say("there is no folder for models: set HOME or XDG_CACHE_HOME");
        return QUERN_CLI_FAILED;
    }
    DIR *opened = opendir(folder);
    if (opened == NULL && errno != ENOENT) {
        quern_cli_say("cannot read the folder %s: %s", folder, strerror(errno));
        return QUERN_CLI_FAILED;
    }
    if (opened != NULL)
        closedir(opened);
    int code = put_rows(folder, true, options, &written);
    if (put_rows(folder, false, options, &written) != QUERN_CLI_DONE)
        code = QUERN_CLI_FAILED;
    notice_bench();
    if (options->json)
        puts(written == 0 ? "[]" : "]");
    else if (written == 0 && code == QUERN_CLI_DONE)
        quern_cli_notice("no model in %s: 'quern pull %s' downloads one", folder, quern_cli_catalog[0].name);
    return code;
}

/* Removes a model, its unfinished download, and the records of both. */
static int remove_model(const char *name)
{
    static const char *const endings[] = {"", ".part", ".json", ".part.json"}; /* files, then records */
    const struct quern_cli_published *published = quern_cli_published_find(name);
    char path[QUERN_CLI_PATH], whole[QUERN_CLI_PATH + 16], file[QUERN_CLI_FILE];
    int removed = 0, failed = 0;
    int length = snprintf(file, sizeof file, "%s", published != NULL ? quern_cli_published_file(published) : name);
    if (length > 5 && length < (int)sizeof file && strcmp(file + length - 5, ".part") == 0) /* as listed */
        file[length -= 5] = '\0';
    const bool is_model = length > 5 && length < (int)sizeof file && strcmp(file + length - 5, ".gguf") == 0;
    if (!is_model || strchr(file, '/') != NULL || !quern_cli_cache_path(path, file)) {
        snprintf(whole, sizeof whole, "%.*s.gguf", QUERN_CLI_FILE, name);
        const bool is_short = strchr(name, '/') == NULL && quern_cli_cache_path(path, whole) && quern_cli_is_file(path);
        quern_cli_say("'%s' is not the name of a model in the cache%s%s%s", name, is_short ? " (did you mean '" : "",
                      is_short ? whole : "", is_short ? "'?)" : "");
        return QUERN_CLI_FAILED;
    }
    if (quern_cli_part_is_locked(path)) {
        quern_cli_say("%s is being downloaded", path);
        return QUERN_CLI_FAILED;
    }
    for (int i = 0; i < 4; i++) {
        snprintf(whole, sizeof whole, "%s%s", path, endings[i]);
        if (unlink(whole) == 0) {
            removed += i < 2;
        } else if (errno != ENOENT) {
            quern_cli_say("cannot remove %s: %s", whole,
                          errno == EISDIR ? "it is a folder; remove it yourself" : strerror(errno));
            failed++;
        }
    }
    if (removed + failed == 0)
        quern_cli_say("there is no %s", path);
    return removed > 0 && failed == 0 ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

static int models(const void *given, struct quern_cli_arguments arguments)
{
    const struct models_options *options = given;
    if (arguments.count == 0)
        return list_all(options);
    if (strcmp(arguments.texts[0], "known") == 0 && arguments.count == 1) {
        const int code = quern_cli_allow(&quern_cli_models, arguments, "json", "'quern models known'");
        if (code == QUERN_CLI_DONE)
            quern_cli_list_known(options->json);
        return code;
    }
    if (strcmp(arguments.texts[0], "rm") != 0 || arguments.count < 2)
        return quern_cli_misuse("models", "it takes no arguments, 'known', or 'rm' and names of models");
    int code = quern_cli_allow(&quern_cli_models, arguments, "", "'quern models rm'");
    for (int i = 1; i < arguments.count && code != QUERN_CLI_USAGE; i++)
        if ((strcmp(arguments.texts[i], "bench") == 0 ? remove_bench() : remove_model(arguments.texts[i])) !=
            QUERN_CLI_DONE)
            code = QUERN_CLI_FAILED;
    return code;
}

static struct models_options defaults;

static const struct quern_cli_option table[] = {
    {"digests", '\0', NULL, "compute the digests that are not known, which takes seconds for each GB",
     QUERN_CLI_SWITCH(struct models_options, digests)},
    QUERN_CLI_JSON_OPTION(struct models_options),
    {0},
};

const struct quern_cli_verb quern_cli_models = {
    .name = "models",
    .arguments = "[known | rm NAME...]",
    .summary = "Lists the models of the cache folder, with sizes and known digests, or removes some.",
    .table = table,
    .more = "known lists the published models that quern knows by name, and what their publishers say of them.\n"
            "NAME is a file of the folder or a published name ('quern pull --list'), or 'bench' for what\n"
            "'quern bench' has left. 'quern pull' knows the digest of what it downloads. Of another file, or one that\n"
            "has changed, --digests computes it and keeps it.\n\n"
            "example:\n"
            "  quern models\n"
            "  quern models rm embeddinggemma:q4_0\n",
    .options = &defaults,
    .run = models,
};
