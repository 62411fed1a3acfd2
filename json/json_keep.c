#include "json_parts.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_BLOCK 1024
#define MOST_BLOCK 262144

struct quern_json_block {
    struct quern_json_block *before;
    size_t used, size; /* of bytes */
    _Alignas(8) char bytes[];
};

/* ---------------------------------------------------------------- faults and memory */

bool quern_json_fail_at(struct quern_json_reader *reader, enum quern_json_fault fault, size_t at, const char *problem)
{
    reader->fault = fault;
    reader->problem_at = at;
    reader->problem = problem;
    return false;
}

bool quern_json_fail(struct quern_json_reader *reader, const char *problem)
{
    return quern_json_fail_at(reader, QUERN_JSON_WRONG, reader->at, problem);
}

void *quern_json_take(struct quern_json_reader *reader, size_t size)
{
    struct quern_json_block *block = reader->blocks;
    const struct quern_json_options *options = &reader->options;
    size = (size + 7) / 8 * 8;
    if (block == NULL || block->size - block->used < size) {
        size_t room = block == NULL ? LEAST_BLOCK : block->size < MOST_BLOCK / 2 ? 2 * block->size : MOST_BLOCK;
        room = room < size ? size : room;
        struct quern_json_block *next =
            options->hold == NULL || options->hold(options->owner, sizeof *next + room) ? malloc(sizeof *next + room)
                                                                                        : NULL;
        if (next == NULL) {
            quern_json_fail_at(reader, QUERN_JSON_MEMORY, reader->at, "there is no memory for it");
            return NULL;
        }
        *next = (struct quern_json_block){.before = block, .size = room};
        reader->blocks = block = next;
        reader->block_bytes += sizeof *next + room;
    }
    block->used += size;
    return block->bytes + block->used - size;
}

size_t quern_json_blocks_free(struct quern_json_block **blocks, size_t most)
{
    size_t freed = 0;
    for (struct quern_json_block *block = *blocks; block != NULL && freed < most; block = *blocks) {
        *blocks = block->before;
        freed += sizeof *block + block->size;
        free(block);
    }
    return freed;
}

void quern_json_reader_free(struct quern_json_reader *reader)
{
    quern_json_blocks_free(&reader->blocks, SIZE_MAX);
    reader->root = NULL;
}

/* ---------------------------------------------------------------- values */

struct quern_json_level *quern_json_top(struct quern_json_reader *reader)
{
    return &reader->levels[reader->depth];
}

bool quern_json_keep(struct quern_json_reader *reader, struct quern_value value, struct quern_value **kept)
{
    struct quern_json_level *level = quern_json_top(reader);
    *kept = NULL;
    if (level->place == NULL)
        return true;
    if (reader->values == QUERN_JSON_VALUES)
        return quern_json_fail_at(reader, QUERN_JSON_LIMIT, reader->at, "it has more than 1048576 values");
    struct quern_value *node = quern_json_take(reader, sizeof *node);
    if (node == NULL)
        return false;
    reader->values++;
    struct quern_value *old = *level->place; /* of an earlier member with this name */
    *node = value;
    node->next = old != NULL ? old->next : NULL;
    *level->place = node;
    if (old == NULL || level->end == &old->next)
        level->end = &node->next;
    if (level->value != NULL && old == NULL)
        level->value->count++;
    *kept = node;
    return true;
}

bool quern_json_begin_member(struct quern_json_reader *reader, quern_text name)
{
    struct quern_json_level *level = quern_json_top(reader);
    const char *const *known = reader->options.names;
    while (*known != NULL && (strlen(*known) != name.length || memcmp(*known, name.data, name.length) != 0))
        known++;
    level->name = *known;
    level->place = NULL;
    reader->state = QUERN_JSON_AT_COLON;
    if (*known == NULL || level->value == NULL)
        return true;
    struct quern_value *at = level->value->is.first;
    while (at != NULL && at->is.text != *known)
        at = at->next->next;
    if (at == NULL) {
        at = quern_json_take(reader, sizeof *at);
        if (at == NULL)
            return false;
        *at = (struct quern_value){.kind = QUERN_VALUE_TEXT, .count = (uint32_t)name.length, .is.text = *known};
        *level->end = at;
        level->end = &at->next;
    }
    level->place = &at->next;
    return true;
}
