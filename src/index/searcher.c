/* Making searchers, and searching. */
#include "index/searcher.h"

#include "base/error.h"
#include "base/sized.h"
#include "base/system/budget.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_HITS 100
#define USUAL_QUERIES 64
#define LEAST_SCORED 2048 /* rows of a short list */
#define FEW_QUERIES 8 /* so many or fewer are rounded to 15 bits: reading the index takes the time, not multiplying */

/* ---------------------------------------------------------------- making */

/* The largest distance of two rows of bits, also where a damaged file has ones behind the last dimension. */
static size_t farthest_of(const struct quern_index_shape *shape)
{
    return shape->has_bits ? 64 * quern_index_words(shape->dimensions) : 0;
}

static void plan(struct quern_searcher *searcher, struct quern_arena *arena)
{
    const struct quern_index_shape *shape = &searcher->index->catalogue.shape;
    const size_t queries = searcher->most_queries, threads = (size_t)searcher->threads, lists = threads * queries;
    searcher->asked = quern_arena_take(arena, queries, sizeof *searcher->asked);
    searcher->codes = quern_arena_take(arena, 2 * queries, quern_index_padded(shape->dimensions));
    searcher->bits = quern_arena_take(arena, queries * quern_index_words(shape->dimensions), sizeof(uint64_t));
    searcher->lists = quern_arena_take(arena, lists, sizeof *searcher->lists);
    searcher->sums = quern_arena_take(arena, threads * 2 * queries * QUERN_CHUNK_ROWS, sizeof *searcher->sums);
    searcher->upper = quern_arena_take(arena, threads * QUERN_CHUNK_ROWS, sizeof *searcher->upper);
    const size_t farthest = farthest_of(shape);
    searcher->tied = quern_arena_take(arena, searcher->most_scored, sizeof *searcher->tied);
    for (size_t i = 0; i < lists; i++) {
        quern_hit *lower = quern_arena_take(arena, searcher->most_hits, sizeof *lower);
        quern_hit *scored = quern_arena_take(arena, searcher->most_hits, sizeof *scored);
        quern_hit *rows = quern_arena_take(arena, searcher->capacity, sizeof *rows);
        uint32_t *at_distance = quern_arena_take(arena, farthest + 1, sizeof *at_distance);
        if (arena->base != NULL)
            searcher->lists[i] = (struct quern_shortlist){.lower = {.hits = lower}, .rows = rows,
                                                          .scored = {.hits = scored, .ids = searcher->index},
                                                          .at_distance = at_distance};
    }
}

static int read_options(struct quern_searcher *searcher, const quern_searcher_options *options, quern_error *error)
{
    quern_searcher_options read = {0};
    QUERN_TRY(quern_options_read(&read, sizeof read, options, error));
    if (read.threads < 0 || read.threads > QUERN_MOST_THREADS)
        return quern_fail(error, QUERN_EINVAL, "options: a searcher has 1 to %d threads, not %d", QUERN_MOST_THREADS,
                          read.threads);
    if (read.most_hits > QUERN_SEARCH_MOST_HITS || read.most_queries > QUERN_SEARCH_MOST_QUERIES ||
        read.most_scored > QUERN_SEARCH_MOST_HITS)
        return quern_fail(error, QUERN_EINVAL, "options: a searcher takes up to %d hits, %d queries and %d scored rows",
                          QUERN_SEARCH_MOST_HITS, QUERN_SEARCH_MOST_QUERIES, QUERN_SEARCH_MOST_HITS);
    searcher->threads = read.threads > 0 ? read.threads : quern_cpu_budget(NULL, 0);
    searcher->most_hits = read.most_hits > 0 ? read.most_hits : USUAL_HITS;
    searcher->most_queries = read.most_queries > 0 ? read.most_queries : USUAL_QUERIES;
    searcher->most_scored = read.most_scored > LEAST_SCORED ? read.most_scored : LEAST_SCORED;
    searcher->capacity = searcher->most_scored;
    if (searcher->index->catalogue.shape.has_bits)
        searcher->capacity += searcher->most_scored / 2;
    return QUERN_OK;
}

static int make(struct quern_searcher *searcher, const quern_searcher_options *options, quern_error *error)
{
    QUERN_TRY(read_options(searcher, options, error));
    searcher->kernels = quern_kernels_select(quern_cpu_features(), getenv("QUERN_CPU"));
    if (searcher->kernels == NULL)
        return quern_fail(error, QUERN_EINVAL, "QUERN_CPU names no kernel table; quern info names the one in use");
    plan(searcher, &searcher->arena);
    QUERN_TRY(quern_arena_reserve(&searcher->arena, error));
    plan(searcher, &searcher->arena);
    return quern_pool_new(&searcher->pool, searcher->threads, searcher->kernels->thread_begin,
                          searcher->kernels->thread_end, error);
}

int quern_searcher_new(quern_searcher **searcher, const quern_index *index, const quern_searcher_options *options,
                       quern_error *error)
{
    if (searcher == NULL || index == NULL)
        return quern_fail(error, QUERN_EINVAL, "searcher or index is NULL");
    quern_searcher *made = calloc(1, sizeof *made);
    if (made == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a searcher");
    made->index = index;
    const int code = make(made, options, error);
    if (code != QUERN_OK) {
        quern_searcher_free(made);
        return code;
    }
    *searcher = made;
    return QUERN_OK;
}

void quern_searcher_free(quern_searcher *searcher)
{
    if (searcher == NULL)
        return;
    quern_pool_free(searcher->pool);
    quern_arena_release(&searcher->arena);
    free(searcher);
}

/* ---------------------------------------------------------------- searching */

/* The space without its task: "768n-1f0c5e0d3b9a7264" of "768n-1f0c5e0d3b9a7264-document". */
static size_t space_stem(const char *space)
{
    const char *first = strchr(space, '-'), *second = first == NULL ? NULL : strchr(first + 1, '-');
    return second == NULL ? strlen(space) : (size_t)(second - space);
}

static int check_space(const struct quern_index *index, const char *space, quern_error *error)
{
    const char *own = index->catalogue.space;
    if (space == NULL || *space == '\0' || *own == '\0')
        return QUERN_OK;
    if (space_stem(space) != space_stem(own) || memcmp(space, own, space_stem(own)) != 0)
        return quern_fail(error, QUERN_EINVAL, "the queries are of the space %.64s, the index is of %.64s: vectors of "
                          "different models or settings cannot be compared", space, own);
    return QUERN_OK;
}

static int check_search(struct quern_searcher *searcher, const quern_search_options *options, quern_error *error)
{
    quern_search_options *read = &searcher->options;
    *read = (quern_search_options){0};
    QUERN_TRY(quern_options_read(read, sizeof *read, options, error));
    if (read->hits < 1 || read->hits > searcher->most_hits)
        return quern_fail(error, QUERN_EINVAL, "options: this searcher gives 1 to %zu hits, not %zu",
                          searcher->most_hits, read->hits);
    if (read->oversampling < 0 || (read->oversampling > 0 && !searcher->index->catalogue.shape.has_bits))
        return quern_fail(error, QUERN_EINVAL, read->oversampling < 0 ? "options: oversampling is below zero"
                          : "options: oversampling needs an index with bits: make the index with bits");
    if ((size_t)read->oversampling > searcher->most_scored / read->hits)
        return quern_fail(error, QUERN_EINVAL, "options: %zu hits times %d are more than the %zu rows that this "
                          "searcher scores for a query (most_scored)", read->hits, read->oversampling,
                          searcher->most_scored);
    if (read->has_least && isnan(read->least))
        return quern_fail(error, QUERN_EINVAL, "options: least is not a number");
    return check_space(searcher->index, read->space, error);
}

static int check_queries(const struct quern_searcher *searcher, const float *queries, size_t count, quern_error *error)
{
    const uint32_t dimensions = searcher->index->catalogue.shape.dimensions;
    for (size_t i = 0; i < count; i++)
        if (!(quern_vector_length(queries + i * dimensions, dimensions) <= QUERN_INDEX_LONGEST)) {
            const int code = quern_fail(error, QUERN_EINVAL, "the query has a number that is not finite, or is longer "
                                        "than 1e18");
            if (error != NULL)
                error->index = (int64_t)i;
            return code;
        }
    return QUERN_OK;
}

/* Rounds the queries of a group, and empties the short lists. */
static void prepare(struct quern_searcher *searcher, const float *queries, size_t count)
{
    const struct quern_index_shape *shape = &searcher->index->catalogue.shape;
    const size_t padded = quern_index_padded(shape->dimensions), words = quern_index_words(shape->dimensions);
    const size_t farthest = farthest_of(shape);
    searcher->count = count;
    searcher->nearest = searcher->options.hits * (size_t)searcher->options.oversampling;
    searcher->limbs = count <= FEW_QUERIES ? 2 : 1;
    for (size_t q = 0; q < count; q++) {
        struct quern_asked_query *asked = &searcher->asked[q];
        struct quern_rounded_query rounded;
        *asked = (struct quern_asked_query){.vector = queries + q * shape->dimensions, .cut = {UINT64_MAX, -INFINITY}};
        quern_round_query(&rounded, searcher->codes + q * padded,
                          searcher->limbs == 2 ? searcher->codes + (count + q) * padded : NULL, asked->vector,
                          shape->dimensions);
        quern_round_bits(searcher->bits + q * words, 1, asked->vector, shape->dimensions);
        /* Eight roundings to 24 bits lose less than 2^-20 of the product of the lengths. */
        const double length = rounded.length * (1 + 0x1p-20);
        asked->scale[0] = (float)rounded.scale[0];
        asked->scale[1] = (float)rounded.scale[1];
        asked->length = (float)length;
        asked->lost = (float)((rounded.lost + 0x1p-20 * length) * (1 + 0x1p-20));
    }
    for (int t = 0; t < searcher->threads; t++)
        for (size_t q = 0; q < count; q++) {
            struct quern_shortlist *list = quern_searcher_list(searcher, t, q);
            list->lower.count = list->scored.count = list->count = 0;
            list->lower.most = list->scored.most = searcher->options.hits;
            list->capacity = searcher->capacity;
            list->within = 0;
            list->reach = (uint32_t)farthest;
            if (searcher->nearest > 0) /* a search by bits */
                memset(list->at_distance, 0, (farthest + 1) * sizeof *list->at_distance);
            list->scores_computed = 0;
            list->damaged = UINT64_MAX;
            list->bar = -INFINITY;
            if (searcher->options.has_least && searcher->nearest == 0)
                list->bar = quern_downwards(searcher->options.least);
        }
}

/* Makes the short lists of the prepared queries, and computes the scores that are needed. */
static void search_group(struct quern_searcher *searcher)
{
    quern_kernels_begin(searcher->kernels);
    quern_pool_run(searcher->pool, quern_scan_chunk, searcher,
                   (int)(searcher->index->catalogue.count * quern_scan_chunks(searcher)));
    for (size_t q = 0; q < searcher->count; q++)
        searcher->asked[q].cut = quern_find_cut(searcher, q);
    quern_pool_run(searcher->pool, quern_score_tile, searcher, searcher->threads * (int)searcher->count);
    quern_kernels_end(searcher->kernels);
}

int quern_search(quern_searcher *searcher, const float *queries, size_t count, const quern_search_options *options,
                 quern_hit *hits, quern_search_result *results, quern_error *error)
{
    if (searcher == NULL || (count > 0 && (queries == NULL || hits == NULL)))
        return quern_fail(error, QUERN_EINVAL, "searcher, queries or hits is NULL");
    QUERN_TRY(check_search(searcher, options, error));
    QUERN_TRY(check_queries(searcher, queries, count, error));
    const struct quern_index *index = searcher->index;
    for (size_t first = 0; first < count; first += searcher->most_queries) {
        const size_t group = count - first < searcher->most_queries ? count - first : searcher->most_queries;
        prepare(searcher, queries + first * index->catalogue.shape.dimensions, group);
        search_group(searcher);
        QUERN_TRY(quern_map_check_kept(&index->map, error));
        QUERN_TRY(quern_check_scores(searcher, error));
        for (size_t q = 0; q < group; q++)
            quern_collect_hits(searcher, q, hits + (first + q) * searcher->options.hits,
                               results == NULL ? NULL : &results[first + q]);
    }
    return QUERN_OK;
}
