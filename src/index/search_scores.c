/* From short lists to hits. */
#include "index/searcher.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

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

void quern_score_list(const struct quern_searcher *searcher, struct quern_shortlist *list,
                      const struct quern_asked_query *asked)
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

static uint32_t smallest_reach(const struct quern_searcher *searcher, size_t query)
{
    uint32_t reach = UINT32_MAX;
    for (int t = 0; t < searcher->threads; t++) {
        const uint32_t own = quern_searcher_list(searcher, t, query)->reach;
        reach = own < reach ? own : reach;
    }
    return reach;
}

/* The last of the wanted rows that are nearest by bits. Lists are complete up to their reach, and together they have
 * the wanted rows up to the smallest reach. */
static quern_hit find_last_near(const struct quern_searcher *searcher, size_t query)
{
    const uint32_t reach = smallest_reach(searcher, query);
    size_t nearer = 0, at = 0;
    uint32_t distance = 0;
    for (;; distance++, nearer += at) {
        if (distance > reach)
            return (quern_hit){UINT64_MAX, -INFINITY}; /* fewer rows than wanted */
        at = 0;
        for (int t = 0; t < searcher->threads; t++)
            at += quern_searcher_list(searcher, t, query)->at_distance[distance];
        if (nearer + at >= searcher->nearest)
            break;
    }
    struct quern_best tied = {.hits = searcher->tied, .most = searcher->nearest - nearer};
    for (int t = 0; t < searcher->threads; t++) {
        const struct quern_shortlist *list = quern_searcher_list(searcher, t, query);
        for (size_t i = 0; i < list->count; i++)
            if (list->rows[i].score == -(double)distance)
                quern_best_offer(&tied, list->rows[i]);
    }
    return tied.hits[0];
}

quern_hit quern_find_cut(const struct quern_searcher *searcher, size_t query)
{
    if (searcher->nearest > 0)
        return find_last_near(searcher, query);
    struct quern_shortlist *first = quern_searcher_list(searcher, 0, query);
    for (int t = 1; t < searcher->threads; t++) {
        const struct quern_shortlist *list = quern_searcher_list(searcher, t, query);
        for (size_t i = 0; i < list->lower.count; i++)
            quern_best_offer(&first->lower, list->lower.hits[i]);
        first->bar = list->bar > first->bar ? list->bar : first->bar;
    }
    quern_shortlist_raise(first);
    return (quern_hit){UINT64_MAX, (double)first->bar};
}

void quern_score_tile(void *argument, int tile, int thread)
{
    const struct quern_searcher *searcher = argument;
    const size_t query = (size_t)tile % searcher->count;
    (void)thread;
    struct quern_shortlist *list = quern_searcher_list(searcher, tile / (int)searcher->count, query);
    quern_score_list(searcher, list, &searcher->asked[query]);
}

int quern_check_scores(const struct quern_searcher *searcher, quern_error *error)
{
    for (int t = 0; t < searcher->threads; t++)
        for (size_t q = 0; q < searcher->count; q++) {
            const uint64_t place = quern_searcher_list(searcher, t, q)->damaged;
            if (place != UINT64_MAX)
                return quern_fail(error, QUERN_EFORMAT, "%s is damaged: the vector of the row at place %llu is not "
                                  "finite: make the index again", searcher->index->map.path,
                                  (unsigned long long)place);
        }
    return QUERN_OK;
}

void quern_collect_hits(const struct quern_searcher *searcher, size_t query, quern_hit *hits,
                        quern_search_result *result)
{
    struct quern_shortlist *first = quern_searcher_list(searcher, 0, query);
    uint64_t scored = first->scores_computed;
    for (int t = 1; t < searcher->threads; t++) {
        const struct quern_shortlist *list = quern_searcher_list(searcher, t, query);
        for (size_t i = 0; i < list->scored.count; i++)
            quern_best_offer(&first->scored, list->scored.hits[i]);
        scored += list->scores_computed;
    }
    quern_best_sort(&first->scored);
    memcpy(hits, first->scored.hits, first->scored.count * sizeof *hits);
    if (result != NULL)
        *result = (quern_search_result){first->scored.count, scored, searcher->nearest == 0};
}
