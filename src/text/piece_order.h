/* The pieces of a vocabulary, sorted by their scores. */
#ifndef QUERN_TEXT_PIECE_ORDER_H
#define QUERN_TEXT_PIECE_ORDER_H

#include "quern.h"

#include <string.h>

/* Number i in the order is the piece ids[i]. Its place is 2 i, or 2 i + 1 if another piece has the same score. So a
 * piece with a smaller place is better, unless both places are odd and the scores are the same. */
struct quern_piece_order {
    int32_t *ids;     /* [count] */
    uint32_t *places; /* [count], ascending; NULL: no longer there */
};

#define QUERN_NO_RANK UINT32_MAX /* of a piece that merging must not make */

/* Turns a finite score into an integer, of which the smallest is the best. Adding zero turns -0 into +0. */
static inline uint32_t quern_rank_of(float score)
{
    uint32_t bits;

    score += 0.0f;
    memcpy(&bits, &score, sizeof bits);
    return bits >> 31 ? bits : ~bits & 0x7fffffff;
}

/* Sorts the pieces. ranks: by id; the smallest comes first, and of equal ones the smallest id. count >= 1. Error:
 * QUERN_ENOMEM. */
int quern_piece_order_new(struct quern_piece_order *order, const uint32_t *ranks, size_t count, quern_error *error);

/* The order of ids, for tables that need no other. Error: QUERN_ENOMEM. */
int quern_piece_order_by_id(struct quern_piece_order *order, size_t count, quern_error *error);

void quern_piece_order_free(struct quern_piece_order *order); /* zeros are allowed */

/* Frees the places, which are only needed to make tables. */
void quern_piece_order_finish(struct quern_piece_order *order);

#endif
