/* Search in an index. */
#include "node_addon.h"
#include <stdlib.h>
#include <string.h>

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
    quern_index_row *rows;         /* of the hits of all queries, one after another */
    size_t found;
    size_t name_bytes, payload_bytes; /* of all of them */
};

static void release_search(struct quern_node_work *work)
{
    struct search_work *search = (struct search_work *)work;
    quern_node_free_rows(&search->only);
    free(search->queries);
    free(search->bitmap);
    free(search->hits);
    free(search->results);
    free(search->rows);
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

/* Reads the rows of all hits. Their texts belong to the index. */
static int read_hits(struct search_work *search, const struct quern_node_index *index)
{
    for (size_t i = 0; i < search->count; i++)
        search->found += search->results[i].hits;
    search->rows = calloc(search->found + 1, sizeof *search->rows);
    if (search->rows == NULL)
        return quern_node_fail(&search->work, QUERN_ENOMEM, "there is no memory for the hits");
    quern_index_row *row = search->rows;
    for (size_t i = 0; i < search->count; i++)
        for (size_t j = 0; j < search->results[i].hits; j++, row++) {
            int code = quern_index_get(index->index, search->hits[i * search->options.hits + j].place, row,
                                       &search->work.error);
            if (code != QUERN_OK)
                return code;
            search->name_bytes += row->name.length;
            search->payload_bytes += row->payload.length;
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

/* Makes an ArrayBuffer of so many bytes; *data: where they are. Returns NULL with an exception. */
static napi_value new_buffer(napi_env env, napi_value result, const char *name, size_t bytes, void **data)
{
    napi_value buffer = NULL;
    *data = NULL;
    if (napi_create_arraybuffer(env, bytes, data, &buffer) != napi_ok)
        return NULL;
    quern_node_set(env, result, name, buffer);
    return buffer;
}

static void copy_text_to(char **at, quern_text text)
{
    if (text.length > 0)
        memcpy(*at, text.data, text.length);
    *at += text.length;
}

/* Sets what the rows of hits are: numbers (uint64), names, payloads (bytes), and their lengths (uint32). */
static bool set_rows(napi_env env, napi_value result, const struct search_work *search)
{
    void *numbers, *names, *payloads, *name_lengths, *payload_lengths;
    if (new_buffer(env, result, "numbers", search->found * sizeof(uint64_t), &numbers) == NULL ||
        new_buffer(env, result, "names", search->name_bytes, &names) == NULL ||
        new_buffer(env, result, "nameLengths", search->found * sizeof(uint32_t), &name_lengths) == NULL ||
        new_buffer(env, result, "payloads", search->payload_bytes, &payloads) == NULL ||
        new_buffer(env, result, "payloadLengths", search->found * sizeof(uint32_t), &payload_lengths) == NULL)
        return false;
    char *name = names, *payload = payloads;
    for (size_t i = 0; i < search->found; i++) {
        const quern_index_row *row = &search->rows[i];
        ((uint64_t *)numbers)[i] = row->number;
        ((uint32_t *)name_lengths)[i] = (uint32_t)row->name.length; // at most QUERN_INDEX_MOST_NAME
        ((uint32_t *)payload_lengths)[i] = (uint32_t)row->payload.length; // at most QUERN_INDEX_MOST_PAYLOAD
        copy_text_to(&name, row->name);
        copy_text_to(&payload, row->payload);
    }
    return true;
}

static napi_value search_result(napi_env env, struct quern_node_work *work)
{
    const struct search_work *search = (struct search_work *)work;
    napi_value result = NULL;
    void *counts, *scored, *certified, *scores;
    if (napi_create_object(env, &result) != napi_ok ||
        new_buffer(env, result, "counts", search->count * sizeof(uint32_t), &counts) == NULL ||
        new_buffer(env, result, "scored", search->count * sizeof(double), &scored) == NULL ||
        new_buffer(env, result, "certified", search->count, &certified) == NULL ||
        new_buffer(env, result, "scores", search->found * sizeof(double), &scores) == NULL ||
        !set_rows(env, result, search))
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
 * scored (float64) and certified (bytes); for each hit scores (float64), and what set_rows tells. */
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
