/* The pieces that are cut out of a text before it is merged: user-defined and special ones, matched leftmost-longest
 * on the raw bytes. */
#ifndef QUERN_TEXT_TRIE_H
#define QUERN_TEXT_TRIE_H

#include "quern.h"

#include <stdbool.h>

struct quern_trie_node {
    uint32_t child, sibling; /* 0: none (the root is nobody's child) */
    int32_t id;              /* piece that ends here; -1: none */
    unsigned char byte;      /* that leads here from the parent */
    bool always;             /* the piece is matched even where special pieces are not parsed */
};

struct quern_trie {
    struct quern_trie_node *nodes; /* [count]; nodes[0] is the root */
    uint32_t count;
};

/* Makes an empty trie with room for capacity nodes, the root included. QUERN_ENOMEM. */
int quern_trie_new(struct quern_trie *trie, size_t capacity, quern_error *error);
void quern_trie_free(struct quern_trie *trie); /* a zeroed trie is allowed */

/* Gives back the room that no node has taken. */
void quern_trie_finish(struct quern_trie *trie);

/* The node that byte leads to from node; made when it is not there. */
uint32_t quern_trie_step(struct quern_trie *trie, uint32_t node, unsigned char byte);

/* Says that piece id ends at node. Of several, those with always come first, then the one that was there before. */
void quern_trie_end(struct quern_trie *trie, uint32_t node, int32_t id, bool always);

/* Length of the longest piece that text begins with, and its id; 0: none. Without special, only those with always. */
size_t quern_trie_match(const struct quern_trie *trie, const unsigned char *text, size_t length, bool special,
                        int32_t *id);

#endif
