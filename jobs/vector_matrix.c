/* The sink that keeps vectors in memory. */
#include "jobs.h"

#include "jobs_error.h"

#include <string.h>

static int put(struct quern_jobs_sink *sink, const struct quern_jobs_vectors *batch, quern_error *error)
{
    const struct quern_jobs_matrix *matrix = (struct quern_jobs_matrix *)sink;
    const size_t width = (size_t)batch->dimensions;
    if (batch->first > matrix->capacity || batch->count > matrix->capacity - batch->first)
        return quern_jobs_fail(error, QUERN_ETOOLONG, "there are more texts than the %zu rows of the matrix",
                               matrix->capacity);
    memcpy(matrix->rows + (size_t)batch->first * width, batch->rows, batch->count * width * sizeof *batch->rows);
    return QUERN_OK;
}

void quern_jobs_matrix_open(struct quern_jobs_matrix *matrix, float *rows, size_t capacity)
{
    *matrix = (struct quern_jobs_matrix){.sink = {.put = put}, .rows = rows, .capacity = capacity};
}
