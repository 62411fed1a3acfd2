#include "near_pairs.h"

#include "jobs_error.h"

#include <stdlib.h>

enum { PAIR_ROWS = 64 }; /* rows that are compared with all others together */

struct near_run {
    const struct quern_near_search *search;
    quern_index_info info;
    quern_searcher *searcher;
    uint64_t places[PAIR_ROWS];
    size_t rows;
    float *vectors;   /* [PAIR_ROWS][dimensions] */
    quern_hit *hits;  /* [PAIR_ROWS][most + 1]: a row finds itself, too */
    struct quern_near_pair *pairs;
    size_t count, room;
};

static int no_memory(quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for pairs");
}

static int add_pair(struct near_run *run, uint64_t row, quern_hit hit, quern_error *error)
{
    if (hit.place == row)
        return QUERN_OK;
    if (run->count == run->room) {
        const size_t room = 2 * run->room + 256;
        struct quern_near_pair *pairs = realloc(run->pairs, room * sizeof *pairs);
        if (pairs == NULL)
            return no_memory(error);
        run->pairs = pairs;
        run->room = room;
    }
    run->pairs[run->count++] = (struct quern_near_pair){row < hit.place ? row : hit.place,
                                                        row < hit.place ? hit.place : row, hit.score};
    return QUERN_OK;
}

/* Compares the rows of a batch with all. */
static int compare_rows(struct near_run *run, quern_error *error)
{
    const struct quern_near_search *search = run->search;
    const quern_search_options options = {.size = sizeof options, .hits = search->most + 1, .least = search->least,
                                          .has_least = 1};
    quern_search_result results[PAIR_ROWS];
    if (run->rows == 0)
        return QUERN_OK;
    int code = quern_search(run->searcher, run->vectors, run->rows, &options, run->hits, results, error);
    for (size_t i = 0; code == QUERN_OK && i < run->rows; i++)
        for (size_t k = 0; code == QUERN_OK && k < results[i].hits; k++)
            code = add_pair(run, run->places[i], run->hits[i * options.hits + k], error);
    run->rows = 0;
    return code;
}

static int compare_all(struct near_run *run, quern_error *error)
{
    const struct quern_near_search *search = run->search;
    const size_t width = (size_t)run->info.dimensions;
    int code = QUERN_OK;
    for (uint64_t place = 0; code == QUERN_OK && place < run->info.places; place++) {
        const int got = quern_index_vector(search->index, place, run->vectors + run->rows * width, error);
        if (got == QUERN_EINVAL) /* it was removed */
            continue;
        if (got != QUERN_OK)
            return got;
        run->places[run->rows++] = place;
        if (run->rows < PAIR_ROWS)
            continue;
        code = compare_rows(run, error);
        if (!search->report(search->user, place + 1, run->info.places))
            return code;
    }
    return code == QUERN_OK ? compare_rows(run, error) : code;
}

static int by_places(const void *a, const void *b)
{
    const struct quern_near_pair *x = a, *y = b;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

static int by_score(const void *a, const void *b)
{
    const struct quern_near_pair *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : by_places(a, b);
}

/* A pair is found from each of its rows: one of both stays. */
static void keep_one(struct near_run *run)
{
    size_t kept = 0;
    if (run->count == 0)
        return;
    qsort(run->pairs, run->count, sizeof *run->pairs, by_places);
    for (size_t i = 0; i < run->count; i++)
        if (kept == 0 || by_places(&run->pairs[i], &run->pairs[kept - 1]) != 0)
            run->pairs[kept++] = run->pairs[i];
    run->count = kept;
    qsort(run->pairs, run->count, sizeof *run->pairs, by_score);
}

int quern_find_near_pairs(const struct quern_near_search *search, struct quern_near_pair **pairs, size_t *count,
                          quern_error *error)
{
    struct near_run run = {.search = search, .info.size = sizeof run.info};
    const quern_searcher_options options = {.size = sizeof options, .threads = search->threads,
                                            .most_hits = search->most + 1, .most_queries = PAIR_ROWS};
    int code = quern_index_describe(search->index, &run.info, error);
    if (code == QUERN_OK)
        code = quern_searcher_new(&run.searcher, search->index, &options, error);
    if (code == QUERN_OK) {
        run.vectors = malloc(PAIR_ROWS * (size_t)run.info.dimensions * sizeof *run.vectors);
        run.hits = malloc(PAIR_ROWS * (search->most + 1) * sizeof *run.hits);
        code = run.vectors != NULL && run.hits != NULL ? compare_all(&run, error) : no_memory(error);
    }
    keep_one(&run);
    free(run.vectors);
    free(run.hits);
    quern_searcher_free(run.searcher);
    *pairs = run.pairs;
    *count = run.count;
    return code;
}
