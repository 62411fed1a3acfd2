#include "search.h"

#include "npy_file.h"

#include <math.h>
#include <stdlib.h>

enum {
    QUERIES = 64,         /* queries that are compared together */
    ROWS_A_SCORE = 12,    /* a certified search of one query compares so many rows in the time of one score, or more */
    QUERIES_A_READING = 8 /* so many queries share the time of reading the rows, or more do */
};

/* Rows that are scored for a hit; 0: a certified search. */
static int times_scored(const struct quern_cli_search_options *given)
{
    return !given->fast ? 0 : given->oversampling > 0 ? given->oversampling : QUERN_CLI_OVERSAMPLING;
}

quern_search_options quern_cli_search_with(const struct quern_cli_search_options *given)
{
    return (quern_search_options){
        .size = sizeof(quern_search_options), .hits = (size_t)given->hits, .least = given->least,
        .has_least = given->least > -HUGE_VAL, .oversampling = times_scored(given)};
}

quern_searcher_options quern_cli_searcher_with(const struct quern_cli_search_options *given)
{
    const size_t scored = (size_t)given->hits * (size_t)times_scored(given);
    return (quern_searcher_options){.size = sizeof(quern_searcher_options), .threads = given->session.threads,
                                    .most_hits = (size_t)given->hits, .most_scored = scored > 2048 ? scored : 0};
}

/* Prints a line for each query. */
static int print_results(const struct quern_cli_search_options *given, quern_index *index, bool named, uint64_t first,
                         size_t count, const quern_hit *hits, const quern_search_result *results)
{
    quern_error error;
    for (size_t i = 0; i < count; i++) {
        printf("{\"query\":%llu,\"hits\":[", (unsigned long long)(first + i));
        for (size_t k = 0; k < results[i].hits; k++) {
            const quern_hit *hit = &hits[i * (size_t)given->hits + k];
            quern_index_row row;
            if (quern_index_get(index, hit->place, &row, &error) != QUERN_OK)
                return quern_cli_fail(NULL, &error);
            fputs(k > 0 ? ",{\"id\":" : "{\"id\":", stdout);
            quern_put_row_id(stdout, &row, named);
            printf(",\"score\":%.9g}", hit->score);
        }
        printf("],\"certified\":%s,\"rescored\":%llu}\n", results[i].certified ? "true" : "false",
               (unsigned long long)results[i].scored);
    }
    return QUERN_CLI_DONE;
}

/* Whether a certified search takes no longer than one by bits, which scores many rows of each query in any case. */
static bool is_faster_certified(const struct quern_cli_search_options *given, uint64_t queries, uint64_t rows)
{
    const uint64_t scored = (uint64_t)given->hits * (uint64_t)times_scored(given);
    return rows < ROWS_A_SCORE * scored * (queries < QUERIES_A_READING ? queries : QUERIES_A_READING);
}

/* Searches for all rows of the array; queries, hits and results have room for a batch. */
static int search_all(const struct quern_cli_search_options *given, quern_index *index, const quern_index_info *info,
                      struct quern_npy_file *npy, quern_searcher *searcher, float *queries, quern_hit *hits)
{
    quern_search_options with = quern_cli_search_with(given);
    quern_search_result results[QUERIES];
    quern_error error;
    if (is_faster_certified(given, npy->rows, info->count))
        with.oversampling = 0;
    while (npy->read < npy->rows) {
        const uint64_t first = npy->read;
        const size_t count = npy->rows - first < QUERIES ? (size_t)(npy->rows - first) : QUERIES;
        if (quern_npy_file_read(npy, count, queries, &error) != QUERN_OK)
            return quern_cli_fail(NULL, &error);
        if (quern_search(searcher, queries, count, &with, hits, results, &error) != QUERN_OK) {
            if (error.index < 0)
                return quern_cli_fail(NULL, &error);
            quern_cli_say("%s, row %llu: %s", given->vectors, (unsigned long long)first + (uint64_t)error.index,
                          error.text); /* from 0, as in NumPy */
            return QUERN_CLI_FAILED;
        }
        const int code = print_results(given, index, info->ids == QUERN_INDEX_NAMES, first, count, hits, results);
        if (code != QUERN_CLI_DONE)
            return code;
    }
    return QUERN_CLI_DONE;
}

int quern_cli_search_vectors(const struct quern_cli_search_options *given, quern_index *index,
                             const quern_index_info *info)
{
    const quern_searcher_options options = quern_cli_searcher_with(given);
    struct quern_npy_file npy;
    quern_searcher *searcher = NULL;
    float *queries = NULL;
    quern_hit *hits = NULL;
    quern_error error;
    int code = QUERN_CLI_FAILED;
    if (quern_npy_file_open(&npy, given->vectors, &error) != QUERN_OK) {
        quern_cli_fail(NULL, &error);
    } else if (npy.columns != info->dimensions) {
        quern_cli_say("%s has vectors of %d dimensions, and the index of %d", given->vectors, npy.columns,
                      info->dimensions);
    } else if (quern_searcher_new(&searcher, index, &options, &error) != QUERN_OK) {
        quern_cli_fail(NULL, &error);
    } else {
        queries = malloc(QUERIES * (size_t)npy.columns * sizeof *queries);
        hits = malloc(QUERIES * (size_t)given->hits * sizeof *hits);
        if (queries != NULL && hits != NULL)
            code = search_all(given, index, info, &npy, searcher, queries, hits);
        else
            quern_cli_say("no memory for %d hits of %d queries", given->hits, QUERIES);
    }
    free(queries);
    free(hits);
    quern_searcher_free(searcher);
    quern_npy_file_close(&npy);
    return code;
}
