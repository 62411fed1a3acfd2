#include "job.h"

#include <stdlib.h>

struct quern_job *quern_job_new(size_t count, size_t width)
{
    struct quern_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    job->count = job->wanted_count = count;
    job->texts = calloc(count, sizeof *job->texts);
    job->vectors = calloc(count, width * sizeof *job->vectors);
    job->wanted = calloc(count, sizeof *job->wanted);
    if (job->texts == NULL || job->vectors == NULL || job->wanted == NULL) {
        quern_job_free(job);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        job->wanted[i] = i;
    return job;
}

void quern_job_free(struct quern_job *job)
{
    if (job == NULL)
        return;
    free(job->ids);
    free(job->texts);
    free(job->vectors);
    free(job->wanted);
    free(job);
}

size_t quern_job_bytes(size_t count, size_t width)
{
    const struct quern_job *job = NULL; /* for sizes only */
    return sizeof *job +
           count * (sizeof *job->texts + width * sizeof *job->vectors + sizeof *job->wanted);
}
