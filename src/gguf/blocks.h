/* The tensor types of GGUF files: sizes, and their conversion from and to float32.
 * Layouts: the GGML project's block formats, little-endian. */
#ifndef QUERN_GGUF_BLOCKS_H
#define QUERN_GGUF_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quern_type {
    QUERN_TYPE_F32 = 0,
    QUERN_TYPE_F16 = 1,
    QUERN_TYPE_Q4_0 = 2,
    QUERN_TYPE_Q8_0 = 8,
    QUERN_TYPE_BF16 = 30
};

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

/* dst <- src[count] rounded to type, to the bit as ggml's reference does. count is a multiple of the block. */
void quern_quantize(uint32_t type, void *dst, const float *src, size_t count);

/* Whether every scale (or float) of count elements at src is finite. */
bool quern_blocks_finite(uint32_t type, const void *src, size_t count);

#endif
