#include "text/trie.h"

#include "base/error.h"

#include <stdlib.h>

int quern_trie_new(struct quern_trie *trie, size_t capacity, quern_error *error)
{
    *trie = (struct quern_trie){0};
    if (capacity <= UINT32_MAX && capacity <= SIZE_MAX / sizeof *trie->nodes)
        trie->nodes = malloc(capacity * sizeof *trie->nodes);
    if (trie->nodes == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the special pieces of the vocabulary");
    trie->nodes[0] = (struct quern_trie_node){.id = -1};
    trie->count = 1;
    return QUERN_OK;
}

void quern_trie_free(struct quern_trie *trie)
{
    free(trie->nodes);
    *trie = (struct quern_trie){0};
}

void quern_trie_finish(struct quern_trie *trie)
{
    struct quern_trie_node *nodes = realloc(trie->nodes, trie->count * sizeof *nodes);

    if (nodes != NULL)
        trie->nodes = nodes;
}

static uint32_t find_child(const struct quern_trie *trie, uint32_t node, unsigned char byte)
{
    uint32_t child = trie->nodes[node].child;

    while (child != 0 && trie->nodes[child].byte != byte)
        child = trie->nodes[child].sibling;
    return child;
}

uint32_t quern_trie_step(struct quern_trie *trie, uint32_t node, unsigned char byte)
{
    uint32_t child = find_child(trie, node, byte);

    if (child == 0) {
        child = trie->count++;
        trie->nodes[child] =
            (struct quern_trie_node){.sibling = trie->nodes[node].child, .id = -1, .byte = byte};
        trie->nodes[node].child = child;
    }
    return child;
}

void quern_trie_end(struct quern_trie *trie, uint32_t node, int32_t id, bool always)
{
    if (trie->nodes[node].id < 0 || (always && !trie->nodes[node].always)) {
        trie->nodes[node].id = id;
        trie->nodes[node].always = always;
    }
}

size_t quern_trie_match(const struct quern_trie *trie, const unsigned char *text, size_t length, bool parse_special,
                        int32_t *id)
{
    size_t matched = 0;
    uint32_t node = 0;

    for (size_t i = 0; i < length && (node = find_child(trie, node, text[i])) != 0; i++) {
        if (trie->nodes[node].id >= 0 && (parse_special || trie->nodes[node].always)) {
            *id = trie->nodes[node].id;
            matched = i + 1;
        }
    }
    return matched;
}
