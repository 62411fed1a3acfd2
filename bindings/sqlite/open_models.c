#include "open_models.h"

#include "cli/store/store.h"
#include "sql_error.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct open_model {
    struct open_model *next;
    struct stat file; /* of which device, inode, size and time tell whether it is the same file */
    quern_model *model;
    int users;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static struct open_model *newest;
static bool knows_fork; /* the functions of pthread_atfork are in place */
static char starter[QUERN_CLI_PATH];

/* ---------------------------------------------------------------- finding */

void quern_sql_note_place(void)
{
    static const char *const names[] = {"share/quern/starter.gguf", "models/starter.gguf"}; /* installed, built */
    static const char this_library;
    Dl_info info;
    char place[PATH_MAX], path[QUERN_CLI_PATH];
    pthread_mutex_lock(&lock);
    const bool is_known = dladdr(&this_library, &info) != 0 && realpath(info.dli_fname, place) != NULL;
    /* The folder of the library, and up to three that it lies in: lib/x86_64-linux-gnu, build/bindings/sqlite. */
    for (int i = 0; is_known && i < 4 && strrchr(place, '/') != NULL && starter[0] == '\0'; i++) {
        *strrchr(place, '/') = '\0';
        for (size_t j = 0; j < QUERN_COUNT(names); j++)
            if (snprintf(path, sizeof path, "%s/%s", place, names[j]) < (int)sizeof path && quern_cli_is_file(path)) {
                strcpy(starter, path);
                break;
            }
    }
    pthread_mutex_unlock(&lock);
}

/* The path of a file that was given, or of the cached file of a published name. */
static int find_given(char path[QUERN_CLI_PATH], const char *given, const char *variable, quern_error *error)
{
    const bool is_published = quern_cli_published_find(given) != NULL;
    if (access(given, F_OK) == 0) {
        if (snprintf(path, QUERN_CLI_PATH, "%s", given) < QUERN_CLI_PATH)
            return QUERN_OK;
        return quern_sql_fail(error, QUERN_EINVAL, "the path of the model is too long");
    }
    if (is_published && quern_cli_cache_path(path, given) && access(path, F_OK) == 0)
        return QUERN_OK;
    if (is_published)
        return quern_sql_fail(error, QUERN_EIO, "%s%s is not there yet: the command 'quern pull %s' downloads it",
                              variable, given, given);
    return quern_sql_fail(error, QUERN_EIO, "%sthere is no file or model '%.100s'", variable, given);
}

static int find(char path[QUERN_CLI_PATH], const char *given, quern_error *error)
{
    const char *variable = getenv("QUERN_MODEL");
    if (given != NULL)
        return find_given(path, given, "", error);
    if (variable != NULL && variable[0] != '\0')
        return find_given(path, variable, "$QUERN_MODEL: ", error);
    if (quern_cli_cache_default(path))
        return QUERN_OK;
    if (starter[0] == '\0')
        return quern_sql_fail(error, QUERN_EIO, "no model: the command 'quern pull %s' downloads one; or set "
                              "QUERN_MODEL=FILE, or call embed_model('FILE')", quern_cli_catalog[0].name);
    strcpy(path, starter);
    sqlite3_log(SQLITE_NOTICE, "quern: using the starter model, which is for trials and demonstrations");
    return QUERN_OK;
}

/* ---------------------------------------------------------------- fork */

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
    newest = NULL; /* what the parent has open can neither be used nor freed */
    pthread_mutex_unlock(&lock);
}

/* ---------------------------------------------------------------- sharing */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Closes models without users, but not the newest. */
static void close_unused(void)
{
    for (struct open_model **place = newest == NULL ? NULL : &newest->next; place != NULL && *place != NULL;) {
        struct open_model *entry = *place;
        if (entry->users > 0) {
            place = &entry->next;
            continue;
        }
        *place = entry->next;
        quern_model_close(entry->model);
        free(entry);
    }
}

/* Opens a file that the process has not open. */
static int open_model(const char *path, const struct stat *file, int threads, quern_error *error)
{
    const quern_model_options options = {.size = sizeof options, .threads = threads};
    quern_model_info info = {.size = sizeof info};
    if (!knows_fork && pthread_atfork(before_fork, in_parent, in_child) != 0)
        return quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
    knows_fork = true;
    struct open_model *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
    const int code = quern_model_open(&entry->model, path, &options, error);
    if (code != QUERN_OK) {
        free(entry);
        return code;
    }
    if (quern_model_describe(entry->model, &info, NULL) == QUERN_OK && info.notice != NULL)
        sqlite3_log(SQLITE_WARNING, "quern: %s", info.notice);
    entry->file = *file;
    entry->next = newest;
    newest = entry;
    close_unused();
    return QUERN_OK;
}

static int find_and_share(quern_model **model, char path[QUERN_CLI_PATH], const char *given, int threads,
                          quern_error *error)
{
    struct stat file;
    int code = find(path, given, error);
    if (code != QUERN_OK)
        return code;
    if (stat(path, &file) != 0)
        return quern_sql_fail(error, QUERN_EIO, "cannot read %.160s: %s", path, strerror(errno));
    struct open_model *entry = newest;
    while (entry != NULL && !is_same_file(&entry->file, &file))
        entry = entry->next;
    if (entry == NULL && (code = open_model(path, &file, threads, error)) != QUERN_OK)
        return code;
    entry = entry == NULL ? newest : entry;
    entry->users++;
    *model = entry->model;
    return QUERN_OK;
}

int quern_sql_share(quern_model **model, char **path, const char *given, int threads, quern_error *error)
{
    char *buffer = sqlite3_malloc(QUERN_CLI_PATH);
    if (buffer == NULL)
        return quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
    pthread_mutex_lock(&lock);
    const int code = find_and_share(model, buffer, given, threads, error);
    pthread_mutex_unlock(&lock);
    if (code == QUERN_OK)
        *path = buffer;
    else
        sqlite3_free(buffer);
    return code;
}

void quern_sql_release(quern_model *model)
{
    pthread_mutex_lock(&lock);
    for (struct open_model *entry = newest; entry != NULL; entry = entry->next)
        if (entry->model == model)
            entry->users--;
    close_unused();
    pthread_mutex_unlock(&lock);
}
