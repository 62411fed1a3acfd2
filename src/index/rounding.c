#include "index/rounding.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define MOST_CODE 127.0f      /* the greatest whole number that a byte stands for */
#define SUMS 8                /* sums side by side, so that compilers use vector registers */
#define MAGIC 12582912.0f     /* 1.5 * 2^23: added to a small number, it rounds it to a whole one */
#define MAGIC_BITS 0x4B400000 /* its bits */
#define UP (1 + 1e-9)         /* more than what a sum of squares in double precision loses */

static int32_t bits_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The largest magnitude: the bits of positive floats are ordered as they are. */
static float largest(const float *x, uint32_t count)
{
    int32_t most = 0;
    float result;
    for (uint32_t k = 0; k < count; k++) {
        const int32_t magnitude = bits_of(x[k]) & INT32_MAX;
        most = magnitude > most ? magnitude : most;
    }
    memcpy(&result, &most, sizeof result);
    return result;
}

/* A float that is not less than x. */
static float upwards(double x)
{
    const float rounded = (float)x;
    return (double)rounded >= x ? rounded : nextafterf(rounded, INFINITY);
}

static double sum_of(const double sums[SUMS])
{
    double sum = 0;
    for (int i = 0; i < SUMS; i++)
        sum += sums[i];
    return sum;
}

double quern_vector_length(const float *vector, uint32_t dimensions)
{
    double sums[SUMS] = {0};
    uint32_t k = 0;
    for (; k + SUMS <= dimensions; k += SUMS)
        for (uint32_t i = 0; i < SUMS; i++)
            sums[i] += (double)vector[k + i] * (double)vector[k + i];
    for (; k < dimensions; k++)
        sums[0] += (double)vector[k] * (double)vector[k];
    return sqrt(sum_of(sums));
}

/* Rounds up to 64 numbers to whole multiples of scale. Adds the squares of the rests, and of the rounded numbers. */
static void round_piece(int8_t codes[64], const float *x, uint32_t count, float scale, float inverse,
                        double rests[SUMS], double lengths[SUMS])
{
    float piece[64] = {0};
    memcpy(piece, x, count * sizeof *x);
    for (int k = 0; k < 64; k++)
        codes[k] = (int8_t)(bits_of(piece[k] * inverse + MAGIC) - MAGIC_BITS);
    for (int k = 0; k < 64; k += SUMS)
        for (int i = 0; i < SUMS; i++) {
            const double rounded = (double)scale * codes[k + i], rest = (double)piece[k + i] - rounded;
            rests[i] += rest * rest;
            lengths[i] += rounded * rounded;
        }
}

/* A scale so small that its inverse is not finite is 0, and then all is rest. */
static float scale_for(float most)
{
    const float scale = most / MOST_CODE;
    return scale >= FLT_MIN ? scale : 0;
}

void quern_round_bits(uint64_t *words, size_t stride, const float *vector, uint32_t dimensions)
{
    for (uint32_t first = 0; first < dimensions; first += 64) {
        const uint32_t count = dimensions - first < 64 ? dimensions - first : 64;
        uint64_t word = 0;
        for (uint32_t k = 0; k < count; k++)
            word |= (uint64_t)(vector[first + k] > 0) << k;
        words[first / 64 * stride] = word;
    }
}

float quern_round_row(const struct quern_rounded_rows *block, size_t row, const float *vector, uint32_t dimensions)
{
    const size_t group = row / QUERN_SCAN_ROWS, lane = row % QUERN_SCAN_ROWS;
    const float scale = scale_for(largest(vector, dimensions)), inverse = scale > 0 ? 1 / scale : 0;
    uint8_t *bytes = block->bytes + group * QUERN_SCAN_ROWS * quern_index_padded(dimensions) + lane * 4;
    double rests[SUMS] = {0}, lengths[SUMS] = {0};
    for (uint32_t first = 0; first < dimensions; first += 64) {
        int8_t codes[64];
        const uint32_t count = dimensions - first < 64 ? dimensions - first : 64;
        round_piece(codes, vector + first, count, scale, inverse, rests, lengths);
        for (size_t k = 0; k < 64; k++)
            bytes[(first + k) / 4 * 4 * QUERN_SCAN_ROWS + k % 4] = (uint8_t)(codes[k] + 128);
    }
    block->scales[row] = scale;
    block->rests[row] = upwards(sqrt(sum_of(rests)) * UP);
    if (block->bits != NULL)
        quern_round_bits(block->bits + group * QUERN_SCAN_ROWS * quern_index_words(dimensions) + lane, QUERN_SCAN_ROWS,
                         vector, dimensions);
    return upwards(sqrt(sum_of(lengths)) * UP);
}

/* Rounds what the first row left over of a query, and returns the sum of the squares of the rests. */
static double round_rest(int8_t *second, const int8_t *first, const float *query, uint32_t dimensions,
                         const double scale[2])
{
    double lost = 0;
    memset(second, 0, quern_index_padded(dimensions));
    for (uint32_t k = 0; k < dimensions; k++) {
        const double rest = (double)query[k] - scale[0] * first[k];
        const double steps = scale[1] > 0 ? rint(rest / scale[1]) : 0;
        second[k] = (int8_t)(steps > 127 ? 127 : steps < -127 ? -127 : steps);
        lost += (rest - scale[1] * second[k]) * (rest - scale[1] * second[k]);
    }
    return lost;
}

void quern_round_query(struct quern_rounded_query *out, int8_t *first, int8_t *second, const float *query,
                       uint32_t dimensions)
{
    const float scale = scale_for(largest(query, dimensions)), inverse = scale > 0 ? 1 / scale : 0;
    double rests[SUMS] = {0}, lengths[SUMS] = {0};
    *out = (struct quern_rounded_query){.scale = {scale}, .length = quern_vector_length(query, dimensions)};
    for (uint32_t at = 0; at < dimensions; at += 64)
        round_piece(first + at, query + at, dimensions - at < 64 ? dimensions - at : 64, scale, inverse, rests,
                    lengths);
    double lost = sum_of(rests);
    if (second != NULL) {
        out->scale[1] = (double)scale / 254; /* what is left is at most half a scale: 127 of these */
        lost = round_rest(second, first, query, dimensions, out->scale);
    }
    out->lost = sqrt(lost) * UP;
}
