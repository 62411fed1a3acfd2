/* The loop from a source of texts to a sink of vectors. */
#include "jobs.h"

#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

/* A job while it runs. */
struct job_run {
    const struct quern_jobs_embedding *job;
    struct quern_jobs_sink *sink;
    struct quern_jobs_progress *progress;
    quern_error *error;
    int dimensions;
    float *rows; /* [QUERN_JOBS_BATCH][dimensions] */
    quern_result results[QUERN_JOBS_BATCH];
};

/* Whether text i of a batch has a title of its own. */
static bool has_title(const struct quern_jobs_texts *batch, size_t i)
{
    return batch->titles != NULL && batch->titles[i].length > 0;
}

/* The end of the texts from `begin` on that go into one call: a title is an option of a call, so a text with a title
 * has a call of its own. */
static size_t find_end(const struct quern_jobs_texts *batch, size_t begin)
{
    size_t end = begin + 1;
    while (!has_title(batch, begin) && end < batch->count && !has_title(batch, end))
        end++;
    return end;
}

/* Embeds texts [begin, end) of a batch. */
static int embed_some(struct job_run *run, const struct quern_jobs_texts *batch, size_t begin, size_t end)
{
    const size_t width = (size_t)run->dimensions;
    quern_embed_options options = run->job->options;
    if (batch->titles != NULL)
        options.title = batch->titles[begin];
    return quern_embed(run->job->context, batch->texts + begin, end - begin, &options, run->rows + begin * width,
                       (end - begin) * width, run->results + begin, run->error);
}

/* Embeds a batch. *usable: how many of its texts, from the first one, the sink should get. */
static int embed_batch(struct job_run *run, const struct quern_jobs_texts *batch, size_t *usable)
{
    size_t end;
    *usable = 0;
    for (size_t begin = 0; begin < batch->count; begin = end) {
        end = find_end(batch, begin);
        const int code = embed_some(run, batch, begin, end);
        if (code != QUERN_OK && run->error->index < 0) /* no text is at fault */
            return code;
        if (code != QUERN_OK && run->job->policy == QUERN_JOBS_STOP) {
            *usable = begin + (size_t)run->error->index;
            run->error->index = (int64_t)(batch->first + *usable);
            return code;
        }
        *usable = end;
    }
    return QUERN_OK;
}

/* Hands the first `count` texts of a batch to the sink. */
static int put_batch(struct job_run *run, const struct quern_jobs_texts *batch, size_t count, quern_error *error)
{
    struct quern_jobs_progress *progress = run->progress;
    const size_t width = (size_t)run->dimensions;
    const struct quern_jobs_vectors vectors = {
        .count = count, .first = batch->first, .dimensions = run->dimensions, .rows = run->rows,
        .results = run->results};
    for (size_t i = 0; i < count; i++)
        if (run->results[i].code != QUERN_OK)
            memset(run->rows + i * width, 0, width * sizeof *run->rows);
    const int code = run->sink->put(run->sink, &vectors, error);
    if (code != QUERN_OK)
        return code;
    progress->texts += count;
    for (size_t i = 0; i < count; i++) {
        const quern_result *result = &run->results[i];
        progress->failed += result->code != QUERN_OK;
        progress->tokens += result->code == QUERN_OK ? result->tokens : 0;
        progress->cut += result->code == QUERN_OK && result->truncated > 0;
    }
    return QUERN_OK;
}

/* Embeds one batch and hands it on. */
static int run_batch(struct job_run *run, const struct quern_jobs_texts *batch)
{
    quern_error sink_error;
    size_t usable;
    const int code = embed_batch(run, batch, &usable);
    const int put = usable > 0 ? put_batch(run, batch, usable, &sink_error) : QUERN_OK;
    if (put != QUERN_OK)
        *run->error = sink_error;
    return put != QUERN_OK ? put : code;
}

static int run_all(struct job_run *run, struct quern_jobs_source *source)
{
    const struct quern_jobs_embedding *job = run->job;
    for (;;) {
        struct quern_jobs_texts batch;
        int code = source->next(source, &batch, run->error);
        if (code != QUERN_OK)
            return code;
        if (batch.count == 0)
            return run->sink->finish != NULL ? run->sink->finish(run->sink, run->error) : QUERN_OK;
        code = run_batch(run, &batch);
        if (code != QUERN_OK)
            return code;
        run->progress->done = source->done;
        run->progress->total = source->total;
        if (job->report != NULL && !job->report(job->user, run->progress))
            return QUERN_JOBS_CANCELLED;
    }
}

int quern_jobs_embed(const struct quern_jobs_embedding *job, struct quern_jobs_source *source,
                     struct quern_jobs_sink *sink, struct quern_jobs_progress *progress, quern_error *error)
{
    quern_error unwanted;
    quern_model_info info = {.size = sizeof info};
    struct job_run run = {.job = job, .sink = sink, .progress = progress, .error = error != NULL ? error : &unwanted};
    *progress = (struct quern_jobs_progress){.total = source->total};
    int code = quern_model_describe(job->model, &info, run.error);
    if (code != QUERN_OK)
        return code;
    run.dimensions = job->options.dimensions > 0 ? job->options.dimensions : info.dimensions;
    run.rows = calloc(QUERN_JOBS_BATCH, (size_t)run.dimensions * sizeof *run.rows);
    if (run.rows == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %d vectors", QUERN_JOBS_BATCH);
    code = run_all(&run, source);
    free(run.rows);
    return code;
}
