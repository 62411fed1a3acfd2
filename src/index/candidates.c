#include "index/candidates.h"

#include <math.h>

/* The id of the row at a place; false when it cannot be read. */
static bool id_of(const struct quern_index *index, uint64_t place, quern_index_row *id)
{
    const size_t block = quern_catalogue_block(&index->catalogue, place);
    const struct quern_block_view view = quern_block_at(index, block);
    return quern_block_id(index, &view, (uint32_t)(place - index->catalogue.first[block]), id, NULL) == QUERN_OK;
}

bool quern_hit_worse(const struct quern_index *ids, const quern_hit *a, const quern_hit *b)
{
    quern_index_row first = {0}, second = {0};
    if (a->score != b->score)
        return a->score < b->score;
    if (ids != NULL && id_of(ids, a->place, &first) && id_of(ids, b->place, &second)) {
        const int order = quern_ids_compare(&ids->catalogue.shape, &first, &second);
        if (order != 0)
            return order > 0;
    }
    return a->place > b->place;
}

static bool worse(const struct quern_best *best, size_t a, size_t b)
{
    return quern_hit_worse(best->ids, &best->hits[a], &best->hits[b]);
}

static void swap(struct quern_best *best, size_t a, size_t b)
{
    const quern_hit kept = best->hits[a];
    best->hits[a] = best->hits[b];
    best->hits[b] = kept;
}

static void sink(struct quern_best *best, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < best->count; at = child) {
        if (child + 1 < best->count && worse(best, child + 1, child))
            child++;
        if (!worse(best, child, at))
            return;
        swap(best, at, child);
    }
}

void quern_best_offer(struct quern_best *best, quern_hit hit)
{
    if (best->count == best->most) {
        if (!quern_hit_worse(best->ids, &best->hits[0], &hit))
            return;
        best->hits[0] = hit;
        sink(best, 0);
        return;
    }
    size_t at = best->count++;
    best->hits[at] = hit;
    for (; at > 0 && worse(best, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(best, at, (at - 1) / 2);
}

void quern_best_sort(struct quern_best *best)
{
    const size_t count = best->count;
    while (best->count > 1) {
        swap(best, 0, --best->count);
        sink(best, 0);
    }
    best->count = count;
}

float quern_downwards(double x)
{
    const float rounded = (float)x;
    return (double)rounded <= x ? rounded : nextafterf(rounded, -INFINITY);
}

void quern_shortlist_raise(struct quern_shortlist *list)
{
    const struct quern_best *known[] = {&list->lower, &list->scored};
    for (int i = 0; i < 2; i++)
        if (known[i]->count == known[i]->most && quern_downwards(known[i]->hits[0].score) > list->bar)
            list->bar = quern_downwards(known[i]->hits[0].score);
}

void quern_shortlist_prune(struct quern_shortlist *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!(list->rows[i].score < (double)list->bar))
            list->rows[kept++] = list->rows[i];
    list->count = kept;
}

/* Drops rows beyond the reach; of those that are just as far, the last ones that are not wanted. */
static void prune_far(struct quern_shortlist *list, size_t wanted)
{
    size_t kept = 0, tied = wanted - (list->within - list->at_distance[list->reach]);
    for (size_t i = 0; i < list->count; i++) {
        const double beyond = -list->rows[i].score - list->reach;
        if (beyond < 0 || (beyond == 0 && tied > 0)) {
            tied -= beyond == 0;
            list->rows[kept++] = list->rows[i];
        }
    }
    list->count = kept;
}

void quern_shortlist_add_near(struct quern_shortlist *list, quern_hit row, uint32_t distance, size_t wanted)
{
    if (list->count == list->capacity)
        prune_far(list, wanted);
    list->rows[list->count++] = row;
    list->at_distance[distance]++;
    list->within++;
    while (list->within - list->at_distance[list->reach] >= wanted)
        list->within -= list->at_distance[list->reach--];
}
