#include "model_list.h"

#include "base/system/system.h"
#include "session.h"
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The name of a file without folder and ending; to be freed. NULL without memory. */
static char *name_file(const char *path)
{
    char *name = strdup(quern_system_file_name(path));
    if (name != NULL && strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".gguf") == 0)
        name[strlen(name) - 5] = '\0';
    return name;
}

/* The published name of a file that has the name of a published one; NULL: it has none. */
static const char *find_alias(const char *path)
{
    const char *file = quern_system_file_name(path);
    for (const struct quern_cli_published *model = quern_cli_catalog; model->name != NULL; model++)
        if (strcmp(quern_cli_published_file(model), file) == 0)
            return model->name;
    return NULL;
}

static int fail_without_memory(void)
{
    quern_cli_say("there is no memory for the list of models");
    return QUERN_CLI_FAILED;
}

/* name: NULL for that of the file. */
static int add(struct quern_cli_model_list *list, const char *name, const char *path, bool is_of_folder)
{
    struct quern_cli_listed *models = realloc(list->models, (list->count + 1) * sizeof *models);
    if (models == NULL)
        return fail_without_memory();
    list->models = models;
    models[list->count] = (struct quern_cli_listed){.name = name != NULL ? strdup(name) : name_file(path),
                                                    .alias = find_alias(path),
                                                    .path = strdup(path),
                                                    .is_of_folder = is_of_folder};
    const bool good = models[list->count].name != NULL && models[list->count].path != NULL;
    list->count++;
    return good ? QUERN_CLI_DONE : fail_without_memory();
}

/* Adds what was given: a model, or NAME=MODEL. A file whose name has a '=' is a model. */
static int add_given(struct quern_cli_model_list *list, const char *given)
{
    char name[QUERN_CLI_FILE];
    const size_t length = strcspn(given, "=");
    const bool is_named = length > 0 && given[length] == '=' && given[length + 1] != '\0' && access(given, F_OK) != 0;
    if (is_named && (length >= sizeof name || memchr(given, '/', length) != NULL)) {
        quern_cli_say("-m %s: a name has at most %zu bytes and no '/'", given, sizeof name - 1);
        return QUERN_CLI_FAILED;
    }
    snprintf(name, sizeof name, "%.*s", is_named ? (int)length : 0, given);
    const char *path = quern_cli_session_find(is_named ? given + length + 1 : given);
    return path != NULL ? add(list, is_named ? name : NULL, path, false) : QUERN_CLI_FAILED;
}

/* Whether a file is in the list, under whatever path. */
static bool has_file(const struct quern_cli_model_list *list, const char *path)
{
    struct stat file, other;
    for (size_t i = 0; i < list->count; i++)
        if (stat(path, &file) == 0 && stat(list->models[i].path, &other) == 0 && file.st_dev == other.st_dev &&
            file.st_ino == other.st_ino)
            return true;
    return false;
}

static int add_folder(struct quern_cli_model_list *list, const char *folder)
{
    struct stat status;
    int count, code = QUERN_CLI_DONE;
    const size_t before = list->count;
    const int missing = stat(folder, &status) != 0 ? errno : 0;
    if (missing != 0 || !S_ISDIR(status.st_mode)) {
        quern_cli_say("cannot read the models of %s: %s", folder, missing != 0 ? strerror(missing)
                      : S_ISREG(status.st_mode) ? "it is a file; -m serves one" : strerror(ENOTDIR));
        return QUERN_CLI_FAILED;
    }
    char **names = quern_cli_cache_list(folder, ".gguf", &count);
    for (int i = 0; i < count; i++) {
        char path[QUERN_CLI_PATH];
        const bool fits = snprintf(path, sizeof path, "%s/%s", folder, names[i]) < (int)sizeof path;
        const bool is_folder = fits && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
        if (code == QUERN_CLI_DONE && fits && !is_folder && !has_file(list, path))
            code = add(list, NULL, path, true);
        free(names[i]);
    }
    free(names);
    if (code == QUERN_CLI_DONE && list->count == before && before == 0) {
        quern_cli_say("there is no model in %s: its files end in .gguf", folder);
        return QUERN_CLI_FAILED;
    }
    return code;
}

int quern_cli_model_list_make(struct quern_cli_model_list *list, const char *const *given, int count,
                              const char *folder)
{
    int code = QUERN_CLI_DONE;
    *list = (struct quern_cli_model_list){0};
    for (int i = 0; i < count && code == QUERN_CLI_DONE; i++)
        code = add_given(list, given[i]);
    if (code == QUERN_CLI_DONE && folder != NULL)
        code = add_folder(list, folder);
    if (code != QUERN_CLI_DONE || count > 0 || folder != NULL)
        return code;
    const char *path = quern_cli_session_find(NULL);
    return path != NULL ? add(list, NULL, path, false) : QUERN_CLI_FAILED;
}

void quern_cli_model_list_free(struct quern_cli_model_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->models[i].name);
        free(list->models[i].path);
    }
    free(list->models);
    *list = (struct quern_cli_model_list){0};
}
