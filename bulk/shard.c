/* The shard of a process, as schedulers tell it. */
#include "array_count.h"
#include "bulk.h"
#include "jobs_error.h"

#include <stdlib.h>

/* Variables of schedulers. first, step: of numbers that need not begin at 0; NULL: they do. */
static const struct {
    const char *index, *count, *first, *step;
} schedulers[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"},
    {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", NULL, NULL},            /* Kubernetes, an Indexed Job */
    {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", NULL, NULL},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", NULL, NULL},
    {"RANK", "WORLD_SIZE", NULL, NULL},                                 /* torchrun and many scripts */
};

/* Reads a number from the environment. Returns whether it is there and good. */
static bool read_number(const char *name, long least, long *number)
{
    const char *text = name != NULL ? getenv(name) : NULL;
    char *end;
    if (text == NULL || *text == '\0')
        return false;
    *number = strtol(text, &end, 10);
    return *end == '\0' && *number >= least && *number <= QUERN_BULK_MOST_SHARDS * 1000L;
}

int quern_bulk_find_shard(int *shard, int *shards, const char **source, quern_error *error)
{
    *shard = 0;
    *shards = 1;
    *source = NULL;
    for (size_t i = 0; i < QUERN_COUNT(schedulers); i++) {
        long index, count, first = 0, step = 1;
        const char *name = schedulers[i].index;
        if (getenv(name) == NULL)
            continue;
        if (schedulers[i].first != NULL && !read_number(schedulers[i].first, 0, &first))
            first = 0;
        if (schedulers[i].step != NULL && !read_number(schedulers[i].step, 1, &step))
            step = 1;
        if (!read_number(name, 0, &index) || !read_number(schedulers[i].count, 1, &count))
            return quern_jobs_fail(error, QUERN_EINVAL, "$%s says which shard this is, but $%s does not say how many "
                                   "there are: give --shard I/N", name, schedulers[i].count);
        if (index < first || (index - first) % step != 0 || (index - first) / step >= count ||
            count > QUERN_BULK_MOST_SHARDS)
            return quern_jobs_fail(error, QUERN_EINVAL, "$%s is %ld, which is none of the %ld shards that $%s tells: "
                                   "give --shard I/N", name, index, count, schedulers[i].count);
        *shard = (int)((index - first) / step);
        *shards = (int)count;
        *source = name;
        return QUERN_OK;
    }
    return QUERN_OK;
}
