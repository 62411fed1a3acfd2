/* The blocks of all quantised types are unpacked to one form. So the code that uses them need not know eleven
 * layouts. */
#ifndef QUERN_FORMATS_UNPACK_H
#define QUERN_FORMATS_UNPACK_H

#include "formats/formats.h"

/* 32 weights in two groups of 16. With g = i / 16, weight i is scale * factor[g] * q[i] + base * shift[g]; each product
 * is exact in float32. Types without a minimum have shift 0. The exception is Q5_0: its q is 0 to 31 and its
 * base * shift is scale * -16, as in the other types of five bits. */
struct quern_unpacked {
    uint16_t scale, base; /* half floats */
    int8_t factor[2], shift[2];
    int8_t q[QUERN_TYPE_BLOCK];
};

#define QUERN_UNPACKED_MOST (QUERN_TYPE_K_BLOCK / QUERN_TYPE_BLOCK) /* of one block of a type */

/* Unpacks the block of a quantised type at *at, and moves *at behind it. Returns how many elements of
 * dst[QUERN_UNPACKED_MOST] it filled. */
int quern_unpack(enum quern_type type, struct quern_unpacked *dst, const unsigned char **at);

/* What the nibbles of IQ4_NL stand for. */
extern const int8_t quern_iq4_nl_values[16];

#endif
