/* The tensor types of GGUF files: sizes, and their conversion from and to float32.
 * Layouts: the GGML project's block formats, little-endian. */
#ifndef QUERN_GGUF_BLOCKS_H
#define QUERN_GGUF_BLOCKS_H

#include "base/quants.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quern_type_info {
    const char *name;   /* "Q8_0" */
    bool supported;     /* we can compute with it */
    int block_elements; /* elements in a block; 0 for a hole in the numbering or an activation-only type */
    int block_bytes;
};

/* What is known of a type number out of a file; NULL for a number that names no type. */
const struct quern_type_info *quern_type_info(uint32_t type);

/* dst[count] <- the elements of src. count is a multiple of the block, src unaligned. A supported type only. */
void quern_dequantize(uint32_t type, float *dst, const void *src, size_t count);

/* dst <- src[count] rounded to type, to the bit as ggml's reference does. count is a multiple of the block. F32, F16,
 * BF16, Q8_0 or Q4_0 only. */
void quern_quantize(uint32_t type, void *dst, const float *src, size_t count);

/* Whether every scale (or float) of count elements at src is finite. */
bool quern_blocks_finite(uint32_t type, const void *src, size_t count);

#endif
