/* Search in an index. */
#include "node_addon.h"
#include <stdlib.h>

/* Most queries of a call, and what a searcher is made for at first: hits of a query, and rows that are scored. */
enum { INDEX_QUERIES = 64, INDEX_HITS = 100, INDEX_SCORED = 2048 };

struct search_work {
    struct quern_node_work work; /* first */
    quern_search_options options;
    char space[QUERN_SPACE_SIZE];
    float *queries;
    size_t count;
    struct quern_node_rows only;
    bool has_only;
    uint64_t *bitmap;
    quern_hit *hits;               /* [count][options.hits] */
    quern_search_result *results;  /* [count] */
    struct quern_node_found found; /* of the hits of all queries, one after another */
};

static void release_search(struct quern_node_work *work)
{
    struct search_work *search = (struct search_work *)work;
    quern_node_free_rows(&search->only);
    free(search->queries);
    free(search->bitmap);
    free(search->hits);
    free(search->results);
    quern_node_free_found(&search->found);
    free(search);
}

/* Makes the searcher, or one that gives more hits. */
static int prepare_searcher(struct quern_node_index *index, size_t hits, size_t scored, quern_error *error)
{
    if (index->searcher != NULL && hits <= index->most_hits && scored <= index->most_scored)
        return QUERN_OK;
    quern_searcher_free(index->searcher);
    index->searcher = NULL;
    index->most_hits = hits > INDEX_HITS ? hits : INDEX_HITS;
    index->most_scored = scored > INDEX_SCORED ? scored : INDEX_SCORED;
    const quern_searcher_options options = {.size = sizeof options, .threads = index->threads,
                                            .most_hits = index->most_hits, .most_queries = INDEX_QUERIES,
                                            .most_scored = index->most_scored};
    return quern_searcher_new(&index->searcher, index->index, &options, error);
}

/* Reads the rows of all hits. */
static int read_hits(struct search_work *search, const struct quern_node_index *index)
{
    size_t all = 0;
    for (size_t i = 0; i < search->count; i++)
        all += search->results[i].hits;
    if (!quern_node_take_found(&search->found, all))
        return quern_node_fail(&search->work, QUERN_ENOMEM, "there is no memory for the hits");
    for (size_t i = 0; i < search->count; i++)
        for (size_t j = 0; j < search->results[i].hits; j++) {
            const int code = quern_node_find(&search->found, index->index,
                                             search->hits[i * search->options.hits + j].place, &search->work.error);
            if (code != QUERN_OK)
                return code;
        }
    return QUERN_OK;
}

static int run_search(struct search_work *search)
{
    struct quern_node_index *index = (struct quern_node_index *)search->work.owner;
    quern_error *error = &search->work.error;
    const size_t hits = search->options.hits, oversampling = (size_t)search->options.oversampling;
    const size_t words = (size_t)(index->info.places + 63) / 64 + 1;
    search->hits = calloc(search->count * hits + 1, sizeof *search->hits);
    search->results = calloc(search->count + 1, sizeof *search->results);
    search->bitmap = search->has_only ? calloc(words, sizeof *search->bitmap) : NULL;
    if (search->hits == NULL || search->results == NULL || (search->has_only && search->bitmap == NULL))
        return quern_node_fail(&search->work, QUERN_ENOMEM, "there is no memory for the hits");
    int code = prepare_searcher(index, hits, hits * oversampling, error);
    if (code == QUERN_OK && search->has_only)
        code = quern_index_select(index->index, search->only.rows, search->only.count, search->bitmap, error);
    search->options.only = search->bitmap;
    search->options.space = search->space;
    if (code == QUERN_OK && search->count > 0)
        code = quern_search(index->searcher, search->queries, search->count, &search->options, search->hits,
                            search->results, error);
    return code == QUERN_OK ? read_hits(search, index) : code;
}

static void execute_search(struct quern_node_work *work)
{
    work->code = run_search((struct search_work *)work);
}

static napi_value search_result(napi_env env, struct quern_node_work *work)
{
    const struct search_work *search = (struct search_work *)work;
    napi_value result = NULL;
    void *counts, *scored, *certified, *scores;
    if (napi_create_object(env, &result) != napi_ok ||
        quern_node_buffer(env, result, "counts", search->count * sizeof(uint32_t), &counts) == NULL ||
        quern_node_buffer(env, result, "scored", search->count * sizeof(double), &scored) == NULL ||
        quern_node_buffer(env, result, "certified", search->count, &certified) == NULL ||
        quern_node_buffer(env, result, "scores", search->found.count * sizeof(double), &scores) == NULL ||
        !quern_node_set_found(env, result, &search->found))
        return NULL;
    double *score = scores;
    for (size_t i = 0; i < search->count; i++) {
        ((uint32_t *)counts)[i] = (uint32_t)search->results[i].hits;
        ((double *)scored)[i] = (double)search->results[i].scored;
        ((unsigned char *)certified)[i] = (unsigned char)search->results[i].certified;
        for (size_t j = 0; j < search->results[i].hits; j++)
            *score++ = search->hits[i * search->options.hits + j].score;
    }
    return result;
}

#define SEARCH_ARGUMENTS "(index, vectors, first, count, hits, least, space, oversampling, hasOnly, " \
                         "...QUERN_NODE_ROW_ARGUMENTS, callback)"
enum { SEARCH_COUNT = 10 + QUERN_NODE_ROW_ARGUMENTS };

/* Reads all but the index and the callback. least is null for none. */
static bool read_search(napi_env env, const napi_value *arguments, size_t dimensions, struct search_work *search)
{
    int64_t first = 0;
    uint32_t count = 0, hits = 0;
    napi_valuetype type = napi_undefined;
    if (napi_get_value_int64(env, arguments[1], &first) != napi_ok ||
        napi_get_value_uint32(env, arguments[2], &count) != napi_ok || count > INDEX_QUERIES ||
        napi_get_value_uint32(env, arguments[3], &hits) != napi_ok || hits < 1 || hits > QUERN_SEARCH_MOST_HITS ||
        napi_typeof(env, arguments[4], &type) != napi_ok ||
        !quern_node_word(env, arguments[5], search->space, sizeof search->space) ||
        napi_get_value_int32(env, arguments[6], &search->options.oversampling) != napi_ok ||
        search->options.oversampling < 0 || search->options.oversampling > QUERN_SEARCH_MOST_HITS ||
        napi_get_value_bool(env, arguments[7], &search->has_only) != napi_ok)
        return false;
    search->options.has_least = type != napi_null;
    if (type != napi_null && napi_get_value_double(env, arguments[4], &search->options.least) != napi_ok)
        return false;
    search->count = count;
    search->options.hits = hits;
    search->queries = quern_node_copy_vectors(env, arguments[0], dimensions, first, count);
    return search->queries != NULL && quern_node_copy_rows(env, arguments + 8, &search->only);
}

/* search, with SEARCH_ARGUMENTS: the callback is given ArrayBuffers: for each query counts (of its hits, uint32),
 * scored (float64) and certified (bytes); for each hit scores (float64), and what quern_node_set_found
 * tells. */
napi_value quern_node_search(napi_env env, napi_callback_info info)
{
    napi_value arguments[SEARCH_COUNT];
    if (!quern_node_arguments(env, info, SEARCH_COUNT, arguments))
        return NULL;
    struct quern_node_owner *owner = quern_node_owner_of(env, arguments[0], QUERN_NODE_INDEX);
    if (owner == NULL)
        return NULL;
    struct search_work *search = quern_node_take(env, sizeof *search);
    if (search == NULL)
        return NULL;
    search->work = (struct quern_node_work){.execute = execute_search, .result = search_result,
                                            .release = release_search, .owner = owner};
    search->options.size = sizeof search->options;
    const size_t dimensions = (size_t)((struct quern_node_index *)owner)->info.dimensions;
    if (!read_search(env, arguments + 1, dimensions, search)) {
        release_search(&search->work);
        return quern_node_throw(env, "search" SEARCH_ARGUMENTS " are wrong, or there is no memory for them");
    }
    quern_node_start(env, &search->work, arguments[SEARCH_COUNT - 1]);
    return NULL;
}
