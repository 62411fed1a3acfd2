/* The models of a server: their files at its start, and what is freed at its end. */
#include "residents.h"

#include "log.h"
#include "requests/model_name.h"
#include "server_state.h"
#include "steps/failure.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Half of the machine's memory. */
static uint64_t usual_limit(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages / 2 * (uint64_t)size : UINT64_MAX;
}

/* The name of a model's file of vectors: the option's, with the name of the model behind it if there are several. */
static char *name_cache(const struct quern_server *server, const struct quern_slot *slot)
{
    const char *file = server->options->cache_file, *name = slot->served->name;
    const size_t length = strlen(file);
    char *path = malloc(length + strlen(name) + 2);
    if (path == NULL)
        return NULL;
    strcpy(path, file);
    if (server->service.model_count == 1)
        return path;
    path[length] = '.';
    strcpy(path + length + 1, name);
    for (char *at = path + length + 1; *at != '\0'; at++)
        if (*at == '/')
            *at = '-';
    return path;
}

static int open_cache_file(struct quern_server *server, struct quern_slot *slot, quern_error *error)
{
    if (server->options->cache_file == NULL)
        return QUERN_OK;
    slot->cache_name = name_cache(server, slot);
    if (slot->cache_name == NULL)
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the name of a file");
    slot->cache_file = quern_cache_file_open(slot->cache_name, error);
    return slot->cache_file != NULL ? QUERN_OK : QUERN_EIO;
}

/* Refuses a limit that one model alone is above. */
static int check_size(const struct quern_server *server, const struct quern_served *served, quern_error *error)
{
    const size_t most = server->options->models_memory;
    if (most == 0 || quern_served_bytes(served) <= most)
        return QUERN_OK;
    return quern_server_fail(error, QUERN_EINVAL, "%s takes %llu bytes of memory, and --models-memory allows %zu: "
                             "raise it, or leave the model out", served->name,
                             (unsigned long long)quern_served_bytes(served), most);
}

int quern_residents_check_name(const struct quern_server_options *options, size_t i, quern_error *error)
{
    const struct quern_server_model *models = options->models;
    int meant;
    if (quern_model_name_task(models[i].name, &meant) >= 0)
        return quern_server_fail(error, QUERN_EINVAL, "--model-name: '%s' ends in a task, which a request may add to "
                                 "the name itself: choose another name", models[i].name);
    for (size_t j = 0; j < i; j++)
        if (strcmp(models[i].name, models[j].name) == 0)
            return quern_server_fail(error, QUERN_EINVAL, "--model: %s and %s would both be called %s: give one "
                                     "another name, as -m NAME=FILE", models[j].path, models[i].path, models[i].name);
    return QUERN_OK;
}

/* Gives a model the next slot. */
static int add(struct quern_server *server, const struct quern_server_model *given, quern_error *error)
{
    struct quern_service *service = &server->service;
    struct quern_slot *slot = &server->residents.slots[service->model_count];
    struct quern_served *served = &service->models[service->model_count];
    *served = (struct quern_served){.name = given->name, .alias = given->alias};
    *slot = (struct quern_slot){.server = server, .served = served, .given = given};
    if (server->options->model_count > 1) {
        int code = quern_residents_check_name(server->options, (size_t)(given - server->options->models), error);
        if (code == QUERN_OK)
            code = quern_slot_look(slot, error);
        if (code == QUERN_OK)
            code = check_size(server, served, error);
        if (code != QUERN_OK && given->is_optional) {
            quern_log(service, "warn", "%s is left out: %s", given->name, error->text);
            return QUERN_OK;
        }
        if (code != QUERN_OK)
            return code;
    }
    service->model_count++;
    return QUERN_OK;
}

int quern_residents_open(struct quern_server *server, quern_error *error)
{
    const struct quern_server_options *options = server->options;
    struct quern_residents *residents = &server->residents;
    residents->slots = calloc(options->model_count, sizeof *residents->slots);
    server->service.models = calloc(options->model_count, sizeof *server->service.models);
    if (residents->slots == NULL || server->service.models == NULL)
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the list of models");
    residents->most_bytes = options->models_memory > 0 ? options->models_memory : usual_limit();
    residents->gives_back = options->model_count > 1 || options->unload_after > 0;
    for (size_t i = 0; i < options->model_count; i++) {
        const int code = add(server, &options->models[i], error);
        if (code != QUERN_OK)
            return code;
    }
    if (server->service.model_count == 0)
        return quern_server_fail(error, QUERN_EINVAL, "none of the %zu files is a model that can be served",
                                 options->model_count);
    for (size_t i = 0; i < server->service.model_count; i++) {
        const int code = open_cache_file(server, &residents->slots[i], error);
        if (code != QUERN_OK)
            return code;
    }
    return QUERN_OK;
}

void quern_residents_close(struct quern_server *server)
{
    struct quern_residents *residents = &server->residents;
    for (size_t i = 0; i < server->service.model_count; i++) {
        struct quern_slot *slot = &residents->slots[i];
        quern_slot_free(slot);
        if (slot->cache_file != NULL)
            fclose(slot->cache_file);
        free(slot->cache_name);
    }
    if (residents->timer != NULL)
        event_free(residents->timer);
    free(residents->slots);
    free(server->service.models);
}
