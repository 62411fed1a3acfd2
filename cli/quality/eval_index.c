#include "eval_index.h"

#include "temporary_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADDED_ROWS = 1024 }; /* that are added together */

/* Copies the leading numbers of a vector, with length 1. A vector of zeros stays one. */
static void normalise(const float *vector, int dims, float *row)
{
    const double length = sqrt(quern_dot(vector, vector, dims));
    for (int i = 0; i < dims; i++)
        row[i] = length > 0 ? (float)((double)vector[i] / length) : 0;
}

/* batch: room for ADDED_ROWS vectors. */
static int add_documents(quern_index_writer *writer, const struct quern_eval_vectors *vectors, float *batch,
                         quern_error *error)
{
    quern_index_row rows[ADDED_ROWS];
    int code = QUERN_OK;
    for (size_t first = 0; first < vectors->document_count && code == QUERN_OK; first += ADDED_ROWS) {
        const size_t left = vectors->document_count - first, count = left < ADDED_ROWS ? left : ADDED_ROWS;
        for (size_t i = 0; i < count; i++) {
            rows[i] = (quern_index_row){.number = first + i};
            normalise(vectors->documents + (first + i) * (size_t)vectors->width, vectors->dims,
                      batch + i * (size_t)vectors->dims);
        }
        code = quern_index_add(writer, rows, batch, count, error);
    }
    return code == QUERN_OK ? quern_index_commit(writer, error) : code;
}

/* Writes an index of the documents to the path and opens it. The file loses its name at once. */
static int make_index(quern_index **index, const char *path, const struct quern_eval_vectors *vectors,
                      const struct quern_eval_form *form, int threads, quern_error *error)
{
    const quern_index_options options = {.size = sizeof options, .dimensions = vectors->dims, .rows = form->rows,
                                         .bits = form->oversampling > 0, .threads = threads};
    quern_index_writer *writer = NULL;
    float *batch = malloc(ADDED_ROWS * (size_t)vectors->dims * sizeof *batch);
    int code = batch != NULL ? quern_index_create(&writer, path, &options, error) : QUERN_ENOMEM;
    if (code == QUERN_OK)
        code = add_documents(writer, vectors, batch, error);
    quern_index_writer_free(writer);
    free(batch);
    if (code == QUERN_OK)
        code = quern_index_open(index, path, error);
    unlink(path);
    return code;
}

static int search(const quern_index *index, const struct quern_eval_vectors *vectors,
                  const struct quern_eval_form *form, int threads, struct quern_eval_found *found, quern_error *error)
{
    const size_t scored = found->most * (size_t)form->oversampling;
    const quern_searcher_options options = {.size = sizeof options, .threads = threads, .most_hits = found->most,
                                            .most_scored = scored};
    const quern_search_options asked = {.size = sizeof asked, .hits = found->most, .oversampling = form->oversampling};
    quern_index_info info = {.size = sizeof info};
    quern_searcher *searcher = NULL;
    int code = quern_searcher_new(&searcher, index, &options, error);
    if (code == QUERN_OK)
        code = quern_search(searcher, vectors->queries, vectors->query_count, &asked, found->hits, found->results,
                            error);
    if (code == QUERN_OK)
        code = quern_index_describe(index, &info, error);
    found->bytes = info.bytes;
    quern_searcher_free(searcher);
    return code;
}

int quern_eval_index_search(const struct quern_eval_vectors *vectors, const struct quern_eval_form *form, int threads,
                            struct quern_eval_found *found)
{
    struct quern_cli_temporary temporary = {0};
    quern_index *index = NULL;
    quern_error error = {.text = "no memory for vectors", .index = -1};
    if (quern_cli_temporary_make(&temporary, "vectors.qidx", true) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    int code = make_index(&index, temporary.file, vectors, form, threads, &error);
    if (code == QUERN_OK)
        code = search(index, vectors, form, threads, found, &error);
    quern_index_close(index);
    quern_cli_temporary_remove(&temporary);
    return code == QUERN_OK ? QUERN_CLI_DONE : quern_cli_fail(NULL, &error);
}
