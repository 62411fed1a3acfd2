/* Packed layouts that tables share. A panel holds QUERN_BLOCK = 32 rows (columns of the product) and is a sequence of
 * blocks, one for every 32 of the length k:
 *
 *   Q8_0   8 steps of [32 rows][4 k] bytes, then 32 half scales: 1088 bytes. The four k of a row lie together as 4-way
 *          dot product instructions want them. Bytes are w, or w + 128 for instructions whose weight is unsigned.
 *   Q4_0   4 steps of [32 rows][4 k] bytes, then 32 half scales: 576 bytes. The low nibble of step s is k = 4 s + i, the
 *          high one k = 16 + 4 s + i; the value is nibble - 8.
 *   floats [32 k][32 rows], in the file's own type.
 *
 * All blocks are multiples of 64 bytes, so a panel can be read with aligned loads. */
#ifndef QUERN_KERNELS_PACK_H
#define QUERN_KERNELS_PACK_H

#include "kernels/kernels.h"

#define QUERN_Q8_BLOCK_BYTES (32 * 32 + 32 * 2)
#define QUERN_Q4_BLOCK_BYTES (32 * 16 + 32 * 2)
#define QUERN_F32_BLOCK_BYTES (32 * 32 * 4)
#define QUERN_F16_BLOCK_BYTES (32 * 32 * 2)

void quern_pack_q8_signed(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);
void quern_pack_q8_unsigned(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);
void quern_pack_q4(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);
void quern_pack_f32(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);
void quern_pack_f16(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length); /* and BF16 */

#endif
