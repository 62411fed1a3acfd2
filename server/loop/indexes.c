#include "indexes.h"

#include "log.h"
#include "steps/failure.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUERIES_TOGETHER = 16 }; /* that are compared */

/* Whether two paths lead to the same file. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The number of the model that is named so; -1: the server does not have it. */
static int find_model(const struct quern_server *server, const char *name)
{
    for (size_t i = 0; i < server->service.model_count; i++) {
        const struct quern_server_model *model = server->residents.slots[i].given;
        if (strcmp(model->name, name) == 0 || (model->alias != NULL && strcmp(model->alias, name) == 0) ||
            is_same_file(model->path, name))
            return (int)i;
    }
    return -1;
}

/* Notes what is true of an index as long as the server runs. */
static int describe_index(const struct quern_server *server, struct quern_served_index *index, quern_error *error)
{
    quern_index_info info = {.size = sizeof info};
    quern_index *opened = NULL;
    char model[QUERN_TEXT_INDEX_MODEL];
    int code = quern_index_open(&opened, index->path, error);
    if (code == QUERN_OK)
        code = quern_index_describe(opened, &info, error);
    if (code == QUERN_OK) {
        index->dimensions = info.dimensions;
        index->ids = info.ids;
        snprintf(index->space, sizeof index->space, "%s", info.space);
        index->chunk = quern_text_index_read(info.note, model);
        index->model = find_model(server, model);
    }
    quern_index_close(opened);
    return code;
}

int quern_indexes_check(struct quern_server *server, quern_error *error)
{
    const struct quern_server_options *options = server->options;
    struct quern_service *service = &server->service;
    service->indexes = calloc(options->index_count + 1, sizeof *service->indexes);
    if (service->indexes == NULL)
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the list of indexes");
    int code = QUERN_OK;
    for (; code == QUERN_OK && service->index_count < options->index_count; service->index_count++) {
        const struct quern_server_index *given = &options->indexes[service->index_count];
        struct quern_served_index *index = &service->indexes[service->index_count];
        *index = (struct quern_served_index){
            .name = given->name, .path = given->path,
            .followed = {.path = given->path, .options = {.size = sizeof index->followed.options,
                                                          .most_queries = QUERIES_TOGETHER}}};
        if (!options->index_writable || access(given->path, F_OK) == 0 || errno != ENOENT)
            code = describe_index(server, index, error);
    }
    return code;
}

/* Makes an index without rows, for the first model. */
static int make_index(struct quern_server *server, const struct quern_served_index *index, quern_error *error)
{
    const struct quern_served *served = server->service.models;
    const struct quern_server_model *model = server->residents.slots[0].given;
    const quern_embed_options embed = {.size = sizeof embed, .task = QUERN_TASK_DOCUMENT};
    char space[QUERN_SPACE_SIZE], absolute[PATH_MAX];
    const quern_index_options options = {.size = sizeof options, .dimensions = served->info.dimensions,
                                         .ids = QUERN_INDEX_NAMES, .space = space, .threads = 1};
    quern_index_writer *writer = NULL;
    int code = quern_space(served->model, &embed, space, error);
    if (code == QUERN_OK)
        code = quern_text_index_create(&writer, index->path,
                                       realpath(model->path, absolute) != NULL ? absolute : model->path, &options,
                                       error);
    if (code == QUERN_OK)
        code = quern_index_commit(writer, error);
    quern_index_writer_free(writer);
    if (code == QUERN_OK)
        quern_log(&server->service, "info", "made the index %s, for the model %s", index->name, served->name);
    return code;
}

int quern_indexes_start(struct quern_server *server, quern_error *error)
{
    struct quern_service *service = &server->service;
    int code = QUERN_OK;
    for (size_t i = 0; code == QUERN_OK && i < service->index_count; i++) {
        struct quern_served_index *index = &service->indexes[i];
        index->followed.options.threads = server->threads;
        if (index->dimensions > 0)
            continue;
        code = make_index(server, index, error);
        if (code == QUERN_OK)
            code = describe_index(server, index, error);
    }
    if (code != QUERN_OK || service->index_count == 0)
        return code;
    server->index_worker.finished = server->change_worker.finished = &server->finished;
    if (quern_background_start(&server->index_worker) != QUERN_OK ||
        (server->options->index_writable && quern_background_start(&server->change_worker) != QUERN_OK))
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory or thread for searches");
    return QUERN_OK;
}

void quern_indexes_submit(struct quern_server *server, struct quern_index_job *job, void *owner)
{
    const bool is_change = job->work == QUERN_INDEX_ADD || job->work == QUERN_INDEX_REMOVE;
    quern_index_job_submit(job, is_change ? &server->change_worker : &server->index_worker, owner);
}

void quern_indexes_note(struct quern_server *server, const struct quern_index_job *job)
{
    struct quern_meters *meters = &server->service.meters;
    if (job->work != QUERN_INDEX_LIST)
        quern_histogram_add(job->work == QUERN_INDEX_SEARCH ? &meters->searches : &meters->changes,
                            (double)job->ns * 1e-9);
    if (job->code != QUERN_OK && job->code != QUERN_EINVAL)
        quern_log(&server->service, "error", "index %s: %s", job->indexes->name, job->error.text);
}

void quern_indexes_stop(struct quern_server *server)
{
    quern_background_stop(&server->change_worker);
    quern_background_stop(&server->index_worker);
}

void quern_indexes_close(struct quern_server *server)
{
    struct quern_service *service = &server->service;
    for (size_t i = 0; i < service->index_count; i++) {
        quern_followed_index_close(&service->indexes[i].followed);
        quern_index_writer_free(service->indexes[i].writer);
    }
    free(service->indexes);
    service->indexes = NULL;
    service->index_count = 0;
}
