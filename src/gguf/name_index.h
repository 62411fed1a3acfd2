/* The index of a file's keys and tensors by name. */
#ifndef QUERN_GGUF_NAME_INDEX_H
#define QUERN_GGUF_NAME_INDEX_H

#include "gguf/gguf.h"

/* A hash table with open addressing and linear probing, at most half full. A slot holds the position of an entry in
 * values or tensors plus 1; 0 means that the slot is free. */
struct quern_gguf_index {
    uint32_t *values, *tensors; /* [value_mask + 1], [tensor_mask + 1] */
    uint32_t value_mask, tensor_mask;
};

/* Allocates values, tensors and the index, for value_count and tensor_count entries, in one block. The caller frees it
 * by freeing gguf->index. The counts must be checked before. QUERN_ENOMEM. */
int quern_gguf_index_new(struct quern_gguf *gguf, quern_error *error);

/* Adds entry i of values or tensors, whose name is set. false: an entry of this name is there already. */
bool quern_gguf_index_value(struct quern_gguf *gguf, size_t i);
bool quern_gguf_index_tensor(struct quern_gguf *gguf, size_t i);

#endif
