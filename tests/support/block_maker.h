/* Makes random blocks of the types that the library reads but does not write. */
#ifndef QUERN_TESTS_BLOCK_MAKER_H
#define QUERN_TESTS_BLOCK_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether quern_blocks_make can make this type (enum quern_type). */
bool quern_blocks_makeable(uint32_t type);

/* Makes whole blocks of count weights, of about this standard deviation and a mean near zero. Whole numbers and factors
 * are random bits. Scales differ by at most a quarter, and have either sign in types without a minimum. The first
 * weight is element `first` of the tensor. stream: another number for each tensor. */
void quern_blocks_make(uint32_t type, unsigned char *dst, size_t count, float deviation, uint64_t stream,
                       uint64_t first);

/* Mixes the bits of a number: the finalizer of SplitMix64, a bijection. */
uint64_t quern_mix(uint64_t x);

#endif
