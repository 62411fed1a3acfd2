/* Conversion of tensors from and to float32, to the bit as the GGML project defines it. */
#ifndef QUERN_FORMATS_CONVERSION_H
#define QUERN_FORMATS_CONVERSION_H

#include "formats/formats.h"

/* dst[count] = the elements of src. count is a multiple of the block; src need not be aligned. Only for supported
 * types. */
void quern_dequantize(uint32_t type, float *dst, const void *src, size_t count);

/* dst = src[count] rounded to type: F32, F16, BF16, Q8_0 or Q4_0 only. count is a multiple of the block. */
void quern_quantize(uint32_t type, void *dst, const float *src, size_t count);

/* Whether every scale (or float) of count elements at src is finite. */
bool quern_blocks_finite(uint32_t type, const void *src, size_t count);

#endif
