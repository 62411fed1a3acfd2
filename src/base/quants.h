/* The number formats of weights in GGUF files, numbered as the GGML project numbers them, and one form to which blocks
 * of quantised weights are opened up, so that whoever computes with them need not know eleven layouts. */
#ifndef QUERN_BASE_QUANTS_H
#define QUERN_BASE_QUANTS_H

#include <stdint.h>

enum quern_type {
    QUERN_TYPE_F32 = 0,
    QUERN_TYPE_F16 = 1,
    QUERN_TYPE_Q4_0 = 2,
    QUERN_TYPE_Q4_1 = 3,
    QUERN_TYPE_Q5_0 = 6,
    QUERN_TYPE_Q5_1 = 7,
    QUERN_TYPE_Q8_0 = 8,
    QUERN_TYPE_Q2_K = 10,
    QUERN_TYPE_Q3_K = 11,
    QUERN_TYPE_Q4_K = 12,
    QUERN_TYPE_Q5_K = 13,
    QUERN_TYPE_Q6_K = 14,
    QUERN_TYPE_IQ4_NL = 20,
    QUERN_TYPE_BF16 = 30,
    QUERN_TYPES /* more than the largest number */
};

/* 32 weights. With g = i / 16, weight i is scale * factor[g] * q[i] + base * shift[g]; every product of these is exact
 * in float32. Types without a minimum have shift 0, but for Q5_0, whose q is 0 to 31 and whose base * shift is
 * scale * -16: so it is like the other types of five bits. */
struct quern_quants {
    uint16_t scale, base; /* half floats */
    int8_t factor[2], shift[2];
    int8_t q[32];
};

/* Opens the block of a quantised type at *at, and moves *at behind it. Returns how many of dst[8] it filled: 8 for a K
 * type, whose blocks hold 256 weights, else 1. */
int quern_quants_open(enum quern_type type, struct quern_quants *dst, const unsigned char **at);

/* What the nibbles of IQ4_NL stand for. */
extern const int8_t quern_iq4_nl_values[16];

#endif
