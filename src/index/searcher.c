/* Exact search. Threads take chunks of blocks one after another. The rounded rows are compared with a group of
 * queries, and bounds of the scores follow from the sums. Each thread keeps a short list for each query: the rows whose
 * upper bound reaches the bar, which is the k-th best lower bound that it knows. When all blocks are done, the bars of
 * all threads give the one bar of the query, and the rows above it are scored. */
#include "base/arena.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/sized.h"
#include "index/candidates.h"
#include "index/rounding.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_GROUPS 48 /* groups that a thread takes at a time; kernels compute three together */
#define CHUNK_ROWS (CHUNK_GROUPS * QUERN_SCAN_ROWS)
#define USUAL_HITS 100
#define USUAL_QUERIES 64
#define LEAST_CAPACITY 2048 /* of a short list */
#define FEW_QUERIES 8 /* so many or fewer are rounded to 15 bits: reading the index takes the time, not multiplying */

/* A query of the group that is searched together. */
struct asked {
    const float *vector;
    struct quern_rounded_query rounded;
    float scale[2];   /* of the rows of bytes */
    float length;     /* |query|, with what float arithmetic may lose */
    float lost;       /* at least |query - rounded query|, with what float arithmetic may lose */
    quern_hit cut;    /* rows that come after this one in the short lists are not scored */
};

struct quern_searcher {
    const struct quern_index *index;
    const struct quern_kernels *kernels;
    struct quern_pool *pool;
    struct quern_arena arena;
    size_t most_hits, most_queries, capacity;
    int threads;

    struct asked *asked;            /* [most_queries] */
    int8_t *codes;                  /* [2 most_queries][padded]: the first rows of all queries, then the second ones */
    uint64_t *bits;                 /* [most_queries][words] */
    struct quern_shortlist *lists;  /* [threads][most_queries] */
    int32_t *sums;                  /* [threads][2 most_queries][CHUNK_ROWS] */
    float *upper;                   /* [threads][CHUNK_ROWS] */
    float *row;                     /* [threads][dimensions] */
    quern_hit *merged;              /* [capacity] */

    quern_search_options options; /* of the search that is running */
    size_t count;                 /* its queries */
    size_t nearest;               /* rows whose bits are nearest, that are scored; 0: certified */
    int limbs;                    /* rows of bytes for a query: 1 or 2 */
};

/* ---------------------------------------------------------------- making */

static void plan(struct quern_searcher *searcher, struct quern_arena *arena)
{
    const struct quern_index_shape *shape = &searcher->index->catalogue.shape;
    const size_t queries = searcher->most_queries, threads = (size_t)searcher->threads, lists = threads * queries;
    searcher->asked = quern_arena_take(arena, queries, sizeof *searcher->asked);
    searcher->codes = quern_arena_take(arena, 2 * queries, quern_index_padded(shape->dimensions));
    searcher->bits = quern_arena_take(arena, queries * quern_index_words(shape->dimensions), sizeof(uint64_t));
    searcher->lists = quern_arena_take(arena, lists, sizeof *searcher->lists);
    searcher->sums = quern_arena_take(arena, threads * 2 * queries * CHUNK_ROWS, sizeof *searcher->sums);
    searcher->upper = quern_arena_take(arena, threads * CHUNK_ROWS, sizeof *searcher->upper);
    searcher->row = quern_arena_take(arena, threads * shape->dimensions, sizeof *searcher->row);
    searcher->merged = quern_arena_take(arena, searcher->capacity, sizeof *searcher->merged);
    for (size_t i = 0; i < lists; i++) {
        quern_hit *lower = quern_arena_take(arena, searcher->most_hits, sizeof *lower);
        quern_hit *scored = quern_arena_take(arena, searcher->most_hits, sizeof *scored);
        quern_hit *rows = quern_arena_take(arena, searcher->capacity, sizeof *rows);
        if (arena->base != NULL)
            searcher->lists[i] = (struct quern_shortlist){.lower = {.hits = lower}, .rows = rows,
                                                          .scored = {.hits = scored, .ids = searcher->index}};
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
    if (searcher->threads > QUERN_MOST_THREADS)
        searcher->threads = QUERN_MOST_THREADS;
    searcher->most_hits = read.most_hits > 0 ? read.most_hits : USUAL_HITS;
    searcher->most_queries = read.most_queries > 0 ? read.most_queries : USUAL_QUERIES;
    searcher->capacity = read.most_scored > LEAST_CAPACITY ? read.most_scored : LEAST_CAPACITY;
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

/* ---------------------------------------------------------------- scores */

/* The score of a row: a dot product in double precision. */
static double score(const struct quern_searcher *searcher, uint64_t place, const float *query)
{
    const struct quern_index *index = searcher->index;
    const size_t dimensions = index->catalogue.shape.dimensions;
    const size_t block = quern_catalogue_block(&index->catalogue, place);
    const struct quern_block_view view = quern_block_at(index, block);
    const size_t at = (size_t)(place - index->catalogue.first[block]) * dimensions;
    if (index->catalogue.shape.half)
        return searcher->kernels->scan.dot_float16((const uint16_t *)view.vectors + at, query, dimensions);
    return searcher->kernels->scan.dot_float32((const float *)view.vectors + at, query, dimensions);
}

/* Scores the rows of a short list that do not come after the cut, and empties it. */
static void score_list(const struct quern_searcher *searcher, struct quern_shortlist *list, const struct asked *asked)
{
    for (size_t i = 0; i < list->count; i++) {
        if (quern_hit_worse(NULL, &list->rows[i], &asked->cut) || list->rows[i].score < (double)list->bar)
            continue;
        const quern_hit hit = {list->rows[i].place, score(searcher, list->rows[i].place, asked->vector)};
        list->scores_computed++;
        if (isnan(hit.score))
            list->damaged = hit.place;
        else if (!searcher->options.has_least || hit.score >= searcher->options.least)
            quern_best_offer(&list->scored, hit);
    }
    list->count = 0;
    quern_shortlist_raise(list);
}

/* ---------------------------------------------------------------- going over the blocks */

static struct quern_shortlist *list_of(const struct quern_searcher *searcher, int thread, size_t query)
{
    return &searcher->lists[(size_t)thread * searcher->most_queries + query];
}

static bool bitmap_has(const uint64_t *bitmap, uint64_t at)
{
    return (bitmap[at / 64] >> at % 64 & 1) != 0;
}

/* Whether a search may find the row. */
static bool findable(const struct quern_searcher *searcher, size_t block, uint32_t row)
{
    const struct quern_catalogue *catalogue = &searcher->index->catalogue;
    return row < catalogue->blocks[block].rows && !quern_catalogue_removed(catalogue, block, row) &&
           (searcher->options.only == NULL || bitmap_has(searcher->options.only, catalogue->first[block] + row));
}

/* Whether any of the rows is among those that are asked for. */
static bool any_findable(const struct quern_searcher *searcher, size_t block, uint32_t row, uint32_t count)
{
    if (searcher->options.only == NULL)
        return true;
    for (uint32_t r = row; r < row + count; r++)
        if (findable(searcher, block, r))
            return true;
    return false;
}

/* Rows of a chunk, and what is known of them. */
struct chunk {
    size_t block;
    uint32_t row, count; /* the first one in its block; rows, those that only pad a group too */
    const float *scales, *rests;
    float longest;       /* of the rounded vectors */
};

/* What the rounding of the query, and float arithmetic, may take from or add to the score of a row. */
static float slack_of(const struct chunk *chunk, const struct asked *asked)
{
    return asked->lost * chunk->longest + FLT_MIN;
}

/* upper[r] = an upper bound of the score of each row. Returns whether any may reach the bar. With rounded vectors y and
 * p, of a row x and a query q: |q x - p y| <= |q| |x - y| + |q - p| |y|. A comparison with a number that is not a
 * number lets the row pass, so that a damaged block hides nothing. */
static bool bound(const struct chunk *chunk, const struct asked *asked, const int32_t *first, const int32_t *second,
                  float bar, float *upper)
{
    const float a = asked->scale[0], b = asked->scale[1], length = asked->length;
    const float slack = slack_of(chunk, asked);
    unsigned any = 0;
    for (uint32_t r = 0; r < chunk->count; r++) {
        const float middle = chunk->scales[r] * (a * (float)first[r] + b * (float)second[r]);
        upper[r] = middle + (length * chunk->rests[r] + slack);
        any |= !(upper[r] < bar);
    }
    return any != 0;
}

/* Puts the rows of a chunk that may reach the bar to the short list. */
static void shortlist(const struct quern_searcher *searcher, const struct chunk *chunk, const struct asked *asked,
                      const float *upper, struct quern_shortlist *list)
{
    const uint64_t first = searcher->index->catalogue.first[chunk->block];
    const float slack = slack_of(chunk, asked);
    for (uint32_t r = 0; r < chunk->count; r++) {
        if (upper[r] < list->bar || !findable(searcher, chunk->block, chunk->row + r))
            continue;
        if (list->count == list->capacity)
            score_list(searcher, list, asked);
        const uint64_t place = first + chunk->row + r;
        const double lower = (double)upper[r] - 2 * ((double)asked->length * chunk->rests[r] + slack);
        list->rows[list->count++] = (quern_hit){place, isnan(upper[r]) ? INFINITY : (double)upper[r]};
        if (!isnan(lower))
            quern_best_offer(&list->lower, (quern_hit){place, lower});
        quern_shortlist_raise(list);
    }
}

static void scan_bytes(const struct quern_searcher *searcher, const struct quern_block_view *view, struct chunk *chunk,
                       int thread)
{
    const size_t padded = quern_index_padded(searcher->index->catalogue.shape.dimensions);
    int32_t *sums = searcher->sums + (size_t)thread * 2 * searcher->most_queries * CHUNK_ROWS;
    float *upper = searcher->upper + (size_t)thread * CHUNK_ROWS;
    searcher->kernels->scan.bytes(sums, CHUNK_ROWS, view->bytes + chunk->row * padded, chunk->count / QUERN_SCAN_ROWS,
                                  padded, searcher->codes, (size_t)searcher->limbs * searcher->count);
    for (size_t q = 0; q < searcher->count; q++) {
        struct quern_shortlist *list = list_of(searcher, thread, q);
        const int32_t *first = sums + q * CHUNK_ROWS;
        const int32_t *second = searcher->limbs == 2 ? first + searcher->count * CHUNK_ROWS : first;
        if (bound(chunk, &searcher->asked[q], first, second, list->bar, upper))
            shortlist(searcher, chunk, &searcher->asked[q], upper, list);
    }
}

/* The distance up to which a row may be among the nearest. */
static uint32_t farthest(const struct quern_best *nearest)
{
    return nearest->count == nearest->most ? (uint32_t)-nearest->hits[0].score : UINT32_MAX;
}

static bool any_within(const uint32_t *distances, uint32_t count, uint32_t far)
{
    unsigned any = 0;
    for (uint32_t r = 0; r < count; r++)
        any |= distances[r] <= far;
    return any != 0;
}

static void scan_bits(const struct quern_searcher *searcher, const struct quern_block_view *view, struct chunk *chunk,
                      int thread)
{
    const struct quern_catalogue *catalogue = &searcher->index->catalogue;
    const size_t words = quern_index_words(catalogue->shape.dimensions);
    uint32_t *distances = (uint32_t *)(searcher->sums + (size_t)thread * 2 * searcher->most_queries * CHUNK_ROWS);
    searcher->kernels->scan.bits(distances, CHUNK_ROWS, view->bits + chunk->row * words,
                                 chunk->count / QUERN_SCAN_ROWS, words, searcher->bits, searcher->count);
    for (size_t q = 0; q < searcher->count; q++) {
        struct quern_shortlist *list = list_of(searcher, thread, q);
        struct quern_best nearest = {.hits = list->rows, .count = list->count, .most = searcher->nearest};
        const uint32_t *found = distances + q * CHUNK_ROWS, far = farthest(&nearest);
        if (!any_within(found, chunk->count, far))
            continue;
        for (uint32_t r = 0; r < chunk->count; r++)
            if (found[r] <= far && findable(searcher, chunk->block, chunk->row + r))
                quern_best_offer(&nearest, (quern_hit){catalogue->first[chunk->block] + chunk->row + r,
                                                       -(double)found[r]});
        list->count = nearest.count;
    }
}

/* The chunks of a full block. */
static uint32_t chunks_of(const struct quern_searcher *searcher)
{
    return (searcher->index->catalogue.shape.block_rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
}

/* A tile of the pool: a chunk. */
static void scan_chunk(void *argument, int tile, int thread)
{
    const struct quern_searcher *searcher = argument;
    const size_t block = (size_t)tile / chunks_of(searcher);
    const struct quern_block_view view = quern_block_at(searcher->index, block);
    const uint32_t rows = (uint32_t)(quern_index_groups(view.block->rows) * QUERN_SCAN_ROWS);
    const uint32_t row = (uint32_t)tile % chunks_of(searcher) * CHUNK_ROWS;
    if (row >= rows)
        return;
    struct chunk chunk = {block, row, rows - row < CHUNK_ROWS ? rows - row : CHUNK_ROWS, view.scales + row,
                          view.rests + row, view.block->longest};
    if (!any_findable(searcher, block, row, chunk.count))
        return;
    if (searcher->nearest > 0)
        scan_bits(searcher, &view, &chunk, thread);
    else
        scan_bytes(searcher, &view, &chunk, thread);
}

/* ---------------------------------------------------------------- from short lists to hits */

/* Where the short lists of a query are cut: what all threads know together. */
static quern_hit cut_of(const struct quern_searcher *searcher, size_t query)
{
    struct quern_shortlist *first = list_of(searcher, 0, query);
    if (searcher->nearest > 0) {
        struct quern_best nearest = {.hits = searcher->merged, .most = searcher->nearest};
        for (int t = 0; t < searcher->threads; t++)
            for (size_t i = 0; i < list_of(searcher, t, query)->count; i++)
                quern_best_offer(&nearest, list_of(searcher, t, query)->rows[i]);
        return nearest.count == nearest.most ? nearest.hits[0] : (quern_hit){UINT64_MAX, -INFINITY};
    }
    for (int t = 1; t < searcher->threads; t++) {
        const struct quern_shortlist *list = list_of(searcher, t, query);
        for (size_t i = 0; i < list->lower.count; i++)
            quern_best_offer(&first->lower, list->lower.hits[i]);
        first->bar = list->bar > first->bar ? list->bar : first->bar;
    }
    quern_shortlist_raise(first);
    return (quern_hit){UINT64_MAX, (double)first->bar};
}

/* A tile of the pool: the short list of one thread for one query. */
static void score_tile(void *argument, int tile, int thread)
{
    const struct quern_searcher *searcher = argument;
    const size_t query = (size_t)tile % searcher->count;
    (void)thread;
    score_list(searcher, list_of(searcher, tile / (int)searcher->count, query), &searcher->asked[query]);
}

/* QUERN_EFORMAT if a score is not a number. No writer lets such a vector in. */
static int check_scores(const struct quern_searcher *searcher, quern_error *error)
{
    for (int t = 0; t < searcher->threads; t++)
        for (size_t q = 0; q < searcher->count; q++) {
            const uint64_t place = list_of(searcher, t, q)->damaged;
            if (place != UINT64_MAX)
                return quern_fail(error, QUERN_EFORMAT, "%s is damaged: the vector of the row at place %llu is not "
                                  "finite: make the index again", searcher->index->map.path,
                                  (unsigned long long)place);
        }
    return QUERN_OK;
}

/* Writes the hits of a query. */
static void collect(const struct quern_searcher *searcher, size_t query, quern_hit *hits, quern_search_result *result)
{
    struct quern_shortlist *first = list_of(searcher, 0, query);
    uint64_t scored = first->scores_computed;
    for (int t = 1; t < searcher->threads; t++) {
        const struct quern_shortlist *list = list_of(searcher, t, query);
        for (size_t i = 0; i < list->scored.count; i++)
            quern_best_offer(&first->scored, list->scored.hits[i]);
        scored += list->scores_computed;
    }
    quern_best_sort(&first->scored);
    memcpy(hits, first->scored.hits, first->scored.count * sizeof *hits);
    if (result != NULL)
        *result = (quern_search_result){first->scored.count, scored, searcher->nearest == 0};
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
    if ((size_t)read->oversampling > searcher->capacity / read->hits)
        return quern_fail(error, QUERN_EINVAL, "options: %zu hits times %d are more than the %zu rows that this "
                          "searcher scores for a query (most_scored)", read->hits, read->oversampling,
                          searcher->capacity);
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
    searcher->count = count;
    searcher->nearest = searcher->options.hits * (size_t)searcher->options.oversampling;
    searcher->limbs = count <= FEW_QUERIES ? 2 : 1;
    for (size_t q = 0; q < count; q++) {
        struct asked *asked = &searcher->asked[q];
        *asked = (struct asked){.vector = queries + q * shape->dimensions, .cut = {UINT64_MAX, -INFINITY}};
        quern_round_query(&asked->rounded, searcher->codes + q * padded,
                          searcher->limbs == 2 ? searcher->codes + (count + q) * padded : NULL, asked->vector,
                          shape->dimensions);
        quern_round_bits(searcher->bits + q * words, 1, asked->vector, shape->dimensions);
        /* Eight roundings to 24 bits lose less than 2^-20 of the product of the lengths. */
        const double length = asked->rounded.length * (1 + 0x1p-20);
        asked->scale[0] = (float)asked->rounded.scale[0];
        asked->scale[1] = (float)asked->rounded.scale[1];
        asked->length = (float)length;
        asked->lost = (float)((asked->rounded.lost + 0x1p-20 * length) * (1 + 0x1p-20));
    }
    for (int t = 0; t < searcher->threads; t++)
        for (size_t q = 0; q < count; q++) {
            struct quern_shortlist *list = list_of(searcher, t, q);
            list->lower.count = list->scored.count = list->count = 0;
            list->lower.most = list->scored.most = searcher->options.hits;
            list->capacity = searcher->capacity;
            list->scores_computed = 0;
            list->damaged = UINT64_MAX;
            list->bar = -INFINITY;
            if (searcher->options.has_least && searcher->nearest == 0)
                list->bar = quern_downwards(searcher->options.least);
        }
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
        quern_pool_run(searcher->pool, scan_chunk, searcher, (int)(index->catalogue.count * chunks_of(searcher)));
        for (size_t q = 0; q < group; q++)
            searcher->asked[q].cut = cut_of(searcher, q);
        quern_pool_run(searcher->pool, score_tile, searcher, searcher->threads * (int)group);
        QUERN_TRY(quern_map_check_kept(&index->map, error));
        QUERN_TRY(check_scores(searcher, error));
        for (size_t q = 0; q < group; q++)
            collect(searcher, q, hits + (first + q) * searcher->options.hits,
                    results == NULL ? NULL : &results[first + q]);
    }
    return QUERN_OK;
}
