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
    quern_hit *rows;          /* [capacity] rows with upper bounds of their scores */
    size_t count, capacity;
    uint64_t scores_computed;
    uint64_t damaged; /* the place of a row whose score is not a number; UINT64_MAX: none */
};

/* Raises the bar to what is known. */
void quern_shortlist_raise(struct quern_shortlist *list);

/* Drops the rows whose upper bounds are below the bar. */
void quern_shortlist_prune(struct quern_shortlist *list);

/* The float next below x, or x itself. */
float quern_downwards(double x);

#endif
