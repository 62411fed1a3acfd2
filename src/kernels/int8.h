/* The activation format "int8": blocks of 8-bit numbers that share a scale. Kernels and their tests know it; the engine
 * does not. */
#ifndef QUERN_KERNELS_INT8_H
#define QUERN_KERNELS_INT8_H

#include "kernels/kernels.h"

/* x[i] = scale * q[i], |q[i]| <= 127. scale = max|x| / 127; q is x / scale rounded to nearest, ties to even. A block of
 * zeros has scale 0. A block that holds a NaN has scale NaN. */
struct quern_int8_block {
    float scale;
    float sum;               /* scale * sum(q): what the minimums of weights are multiplied by */
    int32_t bias;            /* -128 * sum(q): where sums of products with weights stored as w + 128 start */
    int32_t half_block_bias; /* -128 * sum(q[0 .. 15]) */
    int8_t q[QUERN_BLOCK_ELEMENTS];
};

#endif
