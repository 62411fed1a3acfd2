#include "index_job.h"

#include "failure.h"
#include "index_change.h"
#include "index_search.h"
#include "server_clock.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void run_index_job(struct quern_background_job *background)
{
    static int (*const works[])(struct quern_index_job *, FILE *) = {
        [QUERN_INDEX_LIST] = quern_index_job_list, [QUERN_INDEX_SEARCH] = quern_index_job_search,
        [QUERN_INDEX_ADD] = quern_index_job_add, [QUERN_INDEX_REMOVE] = quern_index_job_remove};
    struct quern_index_job *job =
        (struct quern_index_job *)(void *)((char *)background - offsetof(struct quern_index_job, background));
    const int64_t begin = quern_clock_ns();
    FILE *out = open_memstream(&job->json, &job->length);
    job->code = out != NULL ? works[job->work](job, out) : QUERN_ENOMEM;
    if ((out == NULL || fclose(out) != 0) && (job->code == QUERN_OK || out == NULL))
        job->code = quern_server_fail(&job->error, QUERN_ENOMEM, "there is no memory for work on an index");
    job->ns = quern_clock_ns() - begin;
    job->is_done = true;
}

void quern_index_job_submit(struct quern_index_job *job, struct quern_background *background, void *owner)
{
    job->background = (struct quern_background_job){.run = run_index_job, .owner = owner};
    quern_background_submit(background, &job->background);
}

void quern_index_job_free(struct quern_index_job *job)
{
    free(job->vectors);
    free(job->words);
    free((void *)(uintptr_t)job->filter.patterns);
    free((void *)(uintptr_t)job->filter.ids);
    free(job->json);
    *job = (struct quern_index_job){.work = QUERN_INDEX_NO_WORK};
}
