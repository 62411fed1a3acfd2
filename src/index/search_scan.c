/* Going over the blocks of an index. */
#include "index/searcher.h"

#include <float.h>
#include <math.h>

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
static float slack_of(const struct chunk *chunk, const struct quern_asked_query *asked)
{
    return asked->lost * chunk->longest + FLT_MIN;
}

/* upper[r] = an upper bound of the score of each row. Returns whether any may reach the bar. With rounded vectors y and
 * p, of a row x and a query q: |q x - p y| <= |q| |x - y| + |q - p| |y|. A comparison with a number that is not a
 * number lets the row pass, so that a damaged block hides nothing. */
static bool bound(const struct chunk *chunk, const struct quern_asked_query *asked, const int32_t *first,
                  const int32_t *second, float bar, float *upper)
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

/* Most rows of a full list were put there under a lower bar, and are dropped. If that does not free half of the list,
 * rows are scored before the last bar is known; how many then depends on which thread had which chunk. */
static void make_room(const struct quern_searcher *searcher, struct quern_shortlist *list,
                      const struct quern_asked_query *asked)
{
    quern_shortlist_prune(list);
    if (list->count > list->capacity / 2)
        quern_score_list(searcher, list, asked);
}

/* Puts the rows of a chunk that may reach the bar to the short list. */
static void shortlist(const struct quern_searcher *searcher, const struct chunk *chunk,
                      const struct quern_asked_query *asked, const float *upper, struct quern_shortlist *list)
{
    const uint64_t first = searcher->index->catalogue.first[chunk->block];
    const float slack = slack_of(chunk, asked);
    for (uint32_t r = 0; r < chunk->count; r++) {
        if (upper[r] < list->bar || !findable(searcher, chunk->block, chunk->row + r))
            continue;
        if (list->count == list->capacity)
            make_room(searcher, list, asked);
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
    int32_t *sums = searcher->sums + (size_t)thread * 2 * searcher->most_queries * QUERN_CHUNK_ROWS;
    float *upper = searcher->upper + (size_t)thread * QUERN_CHUNK_ROWS;
    searcher->kernels->scan.bytes(sums, QUERN_CHUNK_ROWS, view->bytes + chunk->row * padded,
                                  chunk->count / QUERN_SCAN_ROWS, padded, searcher->codes,
                                  (size_t)searcher->limbs * searcher->count);
    for (size_t q = 0; q < searcher->count; q++) {
        struct quern_shortlist *list = quern_searcher_list(searcher, thread, q);
        const int32_t *first = sums + q * QUERN_CHUNK_ROWS;
        const int32_t *second = searcher->limbs == 2 ? first + searcher->count * QUERN_CHUNK_ROWS : first;
        if (bound(chunk, &searcher->asked[q], first, second, list->bar, upper))
            shortlist(searcher, chunk, &searcher->asked[q], upper, list);
    }
}

static bool any_below(const uint32_t *distances, uint32_t count, uint32_t limit)
{
    unsigned any = 0;
    for (uint32_t r = 0; r < count; r++)
        any |= distances[r] < limit;
    return any != 0;
}

/* Puts the near ones of a group of rows to the short list. */
static void add_near(const struct quern_searcher *searcher, const struct chunk *chunk, const uint32_t *distances,
                     uint32_t first, struct quern_shortlist *list)
{
    const uint64_t place = searcher->index->catalogue.first[chunk->block] + chunk->row;
    for (uint32_t r = first; r < first + QUERN_SCAN_ROWS; r++)
        if (distances[r] < quern_shortlist_limit(list, searcher->nearest) &&
            findable(searcher, chunk->block, chunk->row + r))
            quern_shortlist_add_near(list, (quern_hit){place + r, -(double)distances[r]}, distances[r],
                                     searcher->nearest);
}

static void scan_bits(const struct quern_searcher *searcher, const struct quern_block_view *view, struct chunk *chunk,
                      int thread)
{
    const size_t words = quern_index_words(searcher->index->catalogue.shape.dimensions);
    uint32_t *distances = (uint32_t *)(searcher->sums + (size_t)thread * 2 * searcher->most_queries * QUERN_CHUNK_ROWS);
    searcher->kernels->scan.bits(distances, QUERN_CHUNK_ROWS, view->bits + chunk->row * words,
                                 chunk->count / QUERN_SCAN_ROWS, words, searcher->bits, searcher->count);
    for (size_t q = 0; q < searcher->count; q++) {
        struct quern_shortlist *list = quern_searcher_list(searcher, thread, q);
        const uint32_t *found = distances + q * QUERN_CHUNK_ROWS;
        for (uint32_t r = 0; r < chunk->count; r += QUERN_SCAN_ROWS)
            if (any_below(found + r, QUERN_SCAN_ROWS, quern_shortlist_limit(list, searcher->nearest)))
                add_near(searcher, chunk, found, r, list);
    }
}

uint32_t quern_scan_chunks(const struct quern_searcher *searcher)
{
    return (searcher->index->catalogue.shape.block_rows + QUERN_CHUNK_ROWS - 1) / QUERN_CHUNK_ROWS;
}

void quern_scan_chunk(void *argument, int tile, int thread)
{
    const struct quern_searcher *searcher = argument;
    const size_t block = (size_t)tile / quern_scan_chunks(searcher);
    const struct quern_block_view view = quern_block_at(searcher->index, block);
    const uint32_t rows = (uint32_t)(quern_index_groups(view.block->rows) * QUERN_SCAN_ROWS);
    const uint32_t row = (uint32_t)tile % quern_scan_chunks(searcher) * QUERN_CHUNK_ROWS;
    if (row >= rows)
        return;
    struct chunk chunk = {block, row, rows - row < QUERN_CHUNK_ROWS ? rows - row : QUERN_CHUNK_ROWS, view.scales + row,
                          view.rests + row, view.block->longest};
    if (!any_findable(searcher, block, row, chunk.count))
        return;
    if (searcher->nearest > 0)
        scan_bits(searcher, &view, &chunk, thread);
    else
        scan_bytes(searcher, &view, &chunk, thread);
}
