/* Vectors rounded to bytes and to bits, with what rounding leaves over. */
#ifndef QUERN_INDEX_ROUNDING_H
#define QUERN_INDEX_ROUNDING_H

#include "index/block_layout.h"

/* Parts of a block that rounding fills. bits is NULL for an index without. */
struct quern_rounded_rows {
    uint8_t *bytes;
    float *scales, *rests;
    uint64_t *bits;
};

/* Rounds a vector of finite numbers to row `row` of a block. Returns a bound of the length of the rounded vector.
 * |vector - rounded| <= rests[row]. Threads may round different rows at the same time. */
float quern_round_row(const struct quern_rounded_rows *block, size_t row, const float *vector, uint32_t dimensions);

/* A query as one or two rows of bytes: query = scale[0] first + scale[1] second + a rest. */
struct quern_rounded_query {
    double scale[2];
    double length; /* |query| */
    double lost;   /* at least |rest| */
};

/* first and second: [quern_index_padded(dimensions)], the padding is zeros. second NULL: scale[1] is 0. */
void quern_round_query(struct quern_rounded_query *out, int8_t *first, int8_t *second, const float *query,
                       uint32_t dimensions);

/* The bits of a vector: bit k % 64 of word k / 64 is set when number k is above zero. words: quern_index_words. */
void quern_round_bits(uint64_t *words, size_t stride, const float *vector, uint32_t dimensions);

/* The length of a vector, in double precision. */
double quern_vector_length(const float *vector, uint32_t dimensions);

#endif
