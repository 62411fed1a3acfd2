/* Conversion of tensors from and to float32, to the bit as the GGML project defines it. */
#ifndef QUERN_FORMATS_CONVERSION_H
#define QUERN_FORMATS_CONVERSION_H

#include "formats/formats.h"

/* dst[count] = the elements of src. count is a multiple of the block, src unaligned. A supported type only. */
void quern_dequantize(uint32_t type, float *dst, const void *src, size_t count);

/* dst = src[count] rounded to type. count is a multiple of the block. F32, F16,
 * BF16, Q8_0 or Q4_0 only. */
void quern_quantize(uint32_t type, void *dst, const float *src, size_t count);

/* Whether every scale (or float) of count elements at src is finite. */
bool quern_blocks_finite(uint32_t type, const void *src, size_t count);

#endif
