#include "indexes.h"

#include "log.h"
#include "steps/failure.h"

#include <stdlib.h>

enum { QUERIES_TOGETHER = 16 }; /* that are compared */

static int check_one(const struct quern_server_index *given, struct quern_served_index *index, quern_error *error)
{
    quern_index_info info = {.size = sizeof info};
    quern_index *opened = NULL;
    int code = quern_index_open(&opened, given->path, error);
    if (code == QUERN_OK)
        code = quern_index_describe(opened, &info, error);
    if (code == QUERN_OK)
        *index = (struct quern_served_index){
            .name = given->name, .dimensions = info.dimensions,
            .followed = {.path = given->path, .options = {.size = sizeof index->followed.options,
                                                          .most_queries = QUERIES_TOGETHER}}};
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
    for (; code == QUERN_OK && service->index_count < options->index_count; service->index_count++)
        code = check_one(&options->indexes[service->index_count], &service->indexes[service->index_count], error);
    return code;
}

int quern_indexes_start(struct quern_server *server, quern_error *error)
{
    struct quern_service *service = &server->service;
    for (size_t i = 0; i < service->index_count; i++)
        service->indexes[i].followed.options.threads = server->threads;
    server->index_worker.finished = server->worker.finished;
    if (service->index_count == 0 || quern_background_start(&server->index_worker) == QUERN_OK)
        return QUERN_OK;
    return quern_server_fail(error, QUERN_ENOMEM, "there is no memory or thread for searches");
}

void quern_indexes_note(struct quern_server *server, const struct quern_index_job *job)
{
    if (job->work == QUERN_INDEX_SEARCH)
        quern_histogram_add(&server->service.meters.searches, (double)job->ns * 1e-9);
    if (job->code != QUERN_OK && job->code != QUERN_EINVAL)
        quern_log(&server->service, "error", "index %s: %s", job->indexes->name, job->error.text);
}

void quern_indexes_stop(struct quern_server *server)
{
    quern_background_stop(&server->index_worker);
}

void quern_indexes_close(struct quern_server *server)
{
    struct quern_service *service = &server->service;
    for (size_t i = 0; i < service->index_count; i++)
        quern_followed_index_close(&service->indexes[i].followed);
    free(service->indexes);
    service->indexes = NULL;
    service->index_count = 0;
}
