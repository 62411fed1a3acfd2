/* What is said of the types of a whole file. */
#ifndef QUERN_GGUF_SUMMARY_H
#define QUERN_GGUF_SUMMARY_H

#include "base/quants.h"

#include <stddef.h>
#include <stdint.h>

/* Writes "Q8_0 x 171, F32 x 145" to text[size], the most frequent type first; it is cut off where there is no more
 * room. counts: tensors of each type. */
void quern_types_describe(const unsigned counts[QUERN_TYPES], char *text, size_t size);

/* The number that the key general.file_type has for a file whose matrices are of this type. */
uint32_t quern_file_type(uint32_t type);

#endif
