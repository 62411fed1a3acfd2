#include "model_of_index.h"

#include <string.h>

/* Whether vectors of two spaces are of the same model: the second part of their names is its digest. */
static bool is_same_model(const char *a, const char *b)
{
    const char *digest = strchr(a, '-'), *other = strchr(b, '-');
    const size_t length = digest != NULL ? strcspn(digest + 1, "-") + 1 : 0;
    return length > 0 && other != NULL && strncmp(digest, other, length + 1) == 0;
}

static bool is_chosen_here(const struct quern_request *request)
{
    return request->options.model == NULL && request->service->model_count > 1;
}

/* How likely a model has made an index; 0: it has not. */
static int rate(const struct quern_service *service, size_t i, const struct quern_served_index *index)
{
    const struct quern_served *served = &service->models[i];
    if (served->info.dimensions < index->dimensions)
        return 0;
    if (index->space[0] != '\0' && served->space[0] != '\0')
        return is_same_model(index->space, served->space) ? 4 : 0;
    return (int)i == index->model ? 3 : served->info.dimensions == index->dimensions ? 2 : 1;
}

bool quern_index_model_choose(struct quern_request *request, const struct quern_served_index *index)
{
    struct quern_service *service = request->service;
    int best = 0;
    if (!is_chosen_here(request))
        return true;
    for (size_t i = 0; i < service->model_count; i++) {
        const int rated = rate(service, i, index);
        if (rated > best) {
            best = rated;
            request->served = &service->models[i];
        }
    }
    return best > 0 || quern_refuse(request, QUERN_FAULT_VALUE, "index", "no model of this server has made the index, "
                                    "whose vectors have %d dimensions and the space \"%s\"", index->dimensions,
                                    index->space);
}

bool quern_index_model_is_wrong(const struct quern_request *request)
{
    const struct quern_index_job *job = &request->index_job;
    return (job->work == QUERN_INDEX_SEARCH || job->work == QUERN_INDEX_ADD) && is_chosen_here(request) &&
           job->indexes->space[0] != '\0' && request->served->space[0] != '\0' &&
           !is_same_model(job->indexes->space, request->served->space);
}
