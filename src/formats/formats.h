/* The number formats (types) of tensors in GGUF files: names and sizes. */
#ifndef QUERN_FORMATS_FORMATS_H
#define QUERN_FORMATS_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The types that quern computes with. */
enum quern_type {
#define FLOAT_TYPE(NAME, name, number, ...) QUERN_TYPE_##NAME = (number),
#define BLOCK_TYPE(NAME, name, number, ...) QUERN_TYPE_##NAME = (number),
#include "formats/formats.def"
    QUERN_TYPES /* more than the largest number */
};

#define QUERN_TYPE_BLOCK 32   /* elements in a block of a type */
#define QUERN_TYPE_K_BLOCK 256 /* the same for the K types; the largest of all blocks */

struct quern_type_info {
    const char *name;   /* "Q8_0" */
    bool supported;     /* quern computes with it */
    int block_elements; /* elements in a block; 0: not known, or a type for activations only */
    int block_bytes;
};

/* What is known of a type number that a file has; NULL for a number that names no type. */
const struct quern_type_info *quern_type_info(uint32_t type);

/* The number that the key general.file_type has for a file whose matrices are of this supported type. */
uint32_t quern_file_type(uint32_t type);

/* Writes "Q8_0 x 171, F32 x 145" to text[size], the most frequent type first. The text is cut off if there is too
 * little room. counts: the number of tensors of each type. */
void quern_types_describe(const unsigned counts[QUERN_TYPES], char *text, size_t size);

#endif
