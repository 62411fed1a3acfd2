/* What a search has found so far. */
#ifndef QUERN_INDEX_CANDIDATES_H
#define QUERN_INDEX_CANDIDATES_H

#include "index/index_file.h"

/* The best hits of those that were offered, the worst of them on top. */
struct quern_best {
    quern_hit *hits; /* [most], a heap */
    size_t count, most;
    const struct quern_index *ids; /* equal scores are in the order of these ids; NULL: of places */
};

/* Whether a comes after b in a list of hits. */
bool quern_hit_worse(const struct quern_index *ids, const quern_hit *a, const quern_hit *b);

/* Keeps the hit if it is among the best. */
void quern_best_offer(struct quern_best *best, quern_hit hit);

/* Sorts the hits, the best first. Nothing can be offered any more. */
void quern_best_sort(struct quern_best *best);

/* Candidates of a query that one thread has found. */
struct quern_shortlist {
    struct quern_best lower;  /* lower bounds of scores; the places do not matter */
    struct quern_best scored; /* hits with their true scores */
    float bar;                /* the scores of the best hits are at least this */
    quern_hit *rows;          /* [capacity] rows with upper bounds of their scores, or their distances below zero */
    size_t count, capacity;
    uint64_t scores_computed;
    uint64_t damaged; /* the place of a row whose score is not a number; UINT64_MAX: none */

    /* In a search by bits, which knows no bounds of scores: */
    uint32_t *at_distance; /* [64 words + 1] how many rows were put to the list at each distance */
    uint32_t reach;        /* the wanted rows are at most so far from the query */
    size_t within;         /* the rows that are at most so far */
};

/* Raises the bar to what is known. */
void quern_shortlist_raise(struct quern_shortlist *list);

/* Drops the rows whose upper bounds are below the bar. */
void quern_shortlist_prune(struct quern_shortlist *list);

/* Rows nearer than this belong to the list, if `wanted` rows are wanted. */
static inline uint32_t quern_shortlist_limit(const struct quern_shortlist *list, size_t wanted)
{
    return list->within < wanted ? list->reach + 1 : list->reach;
}

/* Puts a row to a list whose capacity is above `wanted`: its distance is below the limit, and its place comes after
 * those that the list has. The list keeps at least the `wanted` nearest rows, of equally near ones the first. Each row
 * takes constant time, however many are wanted. */
void quern_shortlist_add_near(struct quern_shortlist *list, quern_hit row, uint32_t distance, size_t wanted);

/* The float next below x, or x itself. */
float quern_downwards(double x);

#endif
