#include "index_request.h"

#include <stdlib.h>
#include <string.h>

bool quern_request_wants_index(const struct quern_request *request)
{
    const struct quern_index_job *job = &request->index_job;
    return job->work != QUERN_INDEX_NO_WORK && !job->is_done && request->service->index_count > 0 &&
           !quern_is_refused(request);
}

/* Gives the job a copy of all that it needs: it may outlive the vectors. */
static bool copy_vectors(struct quern_request *request, struct quern_index_job *work, const struct quern_job *job)
{
    const quern_model_info *info = &request->served->info;
    const size_t bytes = job->count * ((size_t)info->dimensions * sizeof *work->vectors + sizeof *work->words);
    if (!quern_request_claim(request, bytes))
        return false;
    work->count = job->count;
    work->full = info->dimensions;
    work->centred_cut = info->centred_cut;
    work->vectors = malloc(job->count * (size_t)info->dimensions * sizeof *work->vectors);
    work->words = work->by_words ? calloc(job->count, sizeof *work->words) : NULL;
    if (work->vectors == NULL || (work->by_words && work->words == NULL))
        return quern_refuse_memory(request);
    memcpy(work->vectors, job->vectors, job->count * (size_t)info->dimensions * sizeof *work->vectors);
    for (size_t i = 0; work->by_words && i < job->count; i++)
        work->words[i] = request->inputs[i].text;
    return true;
}

bool quern_request_prepare_index(struct quern_request *request, const struct quern_job *job)
{
    struct quern_index_job *work = &request->index_job;
    if (work->work == QUERN_INDEX_LIST) {
        work->indexes = request->service->indexes;
        work->index_count = request->service->index_count;
        work->is_writable = request->service->options->index_writable;
    }
    if (work->work == QUERN_INDEX_LIST || work->work == QUERN_INDEX_REMOVE)
        return true;
    const quern_embed_options options = {.size = sizeof options, .task = request->options.task,
                                         .dimensions = request->options.dimensions};
    quern_error error;
    if (job == NULL || quern_space(request->served->model, &options, work->space, &error) != QUERN_OK)
        return quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "there are no vectors for the index");
    work->model_name = request->served->name;
    work->texts = request->cuts;
    work->text_count = request->cut_count;
    return copy_vectors(request, work, job);
}
