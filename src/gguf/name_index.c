#include "gguf/name_index.h"

#include "base/error.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static_assert(offsetof(struct quern_gguf_value, key) == 0, "name_at reads the name at the beginning of an entry");
static_assert(offsetof(struct quern_gguf_tensor, name) == 0, "name_at reads the name at the beginning of an entry");

static uint32_t hash(quern_text text) /* FNV-1a */
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < text.length; i++)
        h = (h ^ (unsigned char)text.data[i]) * 16777619u;
    return h;
}

static bool same(quern_text a, quern_text b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* The name of entry i: a value's key and a tensor's name are their first members. */
static quern_text name_at(const void *entries, size_t entry_size, size_t i)
{
    quern_text text;
    memcpy(&text, (const unsigned char *)entries + i * entry_size, sizeof text);
    return text;
}

/* The slot that holds the entry of this name, or the free slot where it belongs. */
static uint32_t *probe(uint32_t *slots, uint32_t mask, const void *entries, size_t entry_size, quern_text name)
{
    uint32_t at = hash(name) & mask;
    while (slots[at] != 0 && !same(name_at(entries, entry_size, slots[at] - 1), name))
        at = (at + 1) & mask;
    return &slots[at];
}

static uint32_t *value_slot(const struct quern_gguf *gguf, quern_text key)
{
    return probe(gguf->index->values, gguf->index->value_mask, gguf->values, sizeof *gguf->values, key);
}

static uint32_t *tensor_slot(const struct quern_gguf *gguf, quern_text name)
{
    return probe(gguf->index->tensors, gguf->index->tensor_mask, gguf->tensors, sizeof *gguf->tensors, name);
}

/* The least power of two that is at least twice the count, minus 1. */
static uint32_t mask_for(size_t count)
{
    uint32_t size = 2;
    while (size < 2 * count)
        size *= 2;
    return size - 1;
}

int quern_gguf_index_new(struct quern_gguf *gguf, quern_error *error)
{
    uint32_t value_mask = mask_for(gguf->value_count), tensor_mask = mask_for(gguf->tensor_count);
    size_t values = gguf->value_count * sizeof *gguf->values;
    size_t tensors = gguf->tensor_count * sizeof *gguf->tensors;
    size_t slots = ((size_t)value_mask + 1 + tensor_mask + 1) * sizeof(uint32_t);
    size_t bytes = sizeof *gguf->index + values + tensors + slots;
    unsigned char *block = calloc(1, bytes);
    if (block == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory: the file's index needs %zu bytes", bytes);
    gguf->index = (void *)block;
    gguf->values = (void *)(block + sizeof *gguf->index);
    gguf->tensors = (void *)(block + sizeof *gguf->index + values);
    gguf->index->values = (void *)(block + sizeof *gguf->index + values + tensors);
    gguf->index->tensors = gguf->index->values + value_mask + 1;
    gguf->index->value_mask = value_mask;
    gguf->index->tensor_mask = tensor_mask;
    return QUERN_OK;
}

static bool claim(uint32_t *slot, size_t i)
{
    if (*slot != 0)
        return false;
    *slot = (uint32_t)i + 1;
    return true;
}

bool quern_gguf_index_value(struct quern_gguf *gguf, size_t i)
{
    return claim(value_slot(gguf, gguf->values[i].key), i);
}

bool quern_gguf_index_tensor(struct quern_gguf *gguf, size_t i)
{
    return claim(tensor_slot(gguf, gguf->tensors[i].name), i);
}

const struct quern_gguf_value *quern_gguf_find(const struct quern_gguf *gguf, const char *key)
{
    uint32_t at = *value_slot(gguf, (quern_text){key, strlen(key)});
    return at != 0 ? &gguf->values[at - 1] : NULL;
}

const struct quern_gguf_tensor *quern_gguf_tensor_find(const struct quern_gguf *gguf, const char *name)
{
    uint32_t at = *tensor_slot(gguf, (quern_text){name, strlen(name)});
    return at != 0 ? &gguf->tensors[at - 1] : NULL;
}
