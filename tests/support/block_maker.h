/* Random blocks of the types that the library reads but does not write. */
#ifndef QUERN_TESTS_BLOCK_MAKER_H
#define QUERN_TESTS_BLOCK_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether quern_blocks_make is for this type (enum quern_type). */
bool quern_blocks_makeable(uint32_t type);

/* count weights, whole blocks, of about that deviation and a mean near zero: quants and factors are any bits there can
 * be, scales are within a quarter of one another, and of either sign in types without a minimum. Element first of a
 * tensor comes first; stream tells tensors apart. */
void quern_blocks_make(uint32_t type, unsigned char *dst, size_t count, float deviation, uint64_t stream,
                       uint64_t first);

/* A bijection that leaves no pattern (the finalizer of SplitMix64). */
uint64_t quern_mix(uint64_t x);

#endif
