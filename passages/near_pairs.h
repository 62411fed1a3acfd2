/* Rows of an index that are nearly the same. */
#ifndef QUERN_NEAR_PAIRS_H
#define QUERN_NEAR_PAIRS_H

#include "quern_index.h"

#include <stdbool.h>

struct quern_near_pair {
    uint64_t a, b; /* places; a < b */
    double score;
};

struct quern_near_search {
    const quern_index *index;
    int threads;   /* 0: as many as the process may use */
    double least;  /* score of a pair */
    size_t most;   /* pairs of one row: those with the best scores */
    bool (*report)(void *user, uint64_t done, uint64_t total); /* after each batch of rows; false ends the search */
    void *user;
};

/* Finds pairs, the best first, equal ones by their places. The caller frees *pairs. Compares each row with all: the
 * time grows with the square of their number. Fails as quern_search does; QUERN_ENOMEM. */
int quern_find_near_pairs(const struct quern_near_search *search, struct quern_near_pair **pairs, size_t *count,
                          quern_error *error);

#endif
