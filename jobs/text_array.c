/* The source of texts that are in memory. */
#include "jobs.h"

static int next(struct quern_jobs_source *source, struct quern_jobs_texts *batch, quern_error *error)
{
    const struct quern_jobs_array *array = (struct quern_jobs_array *)source;
    const size_t first = (size_t)source->done, left = (size_t)(source->total - source->done);
    (void)error;
    *batch = (struct quern_jobs_texts){
        .count = left < QUERN_JOBS_BATCH ? left : QUERN_JOBS_BATCH,
        .first = first,
        .texts = array->texts + first,
        .titles = array->titles != NULL ? array->titles + first : NULL,
    };
    source->done += batch->count;
    return QUERN_OK;
}

void quern_jobs_array_open(struct quern_jobs_array *array, const quern_text *texts, size_t count)
{
    *array = (struct quern_jobs_array){.source = {.next = next, .total = count}, .texts = texts};
}
