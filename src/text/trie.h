/* A trie of the special pieces of a vocabulary. It finds the longest piece that a text begins with. */
#ifndef QUERN_TEXT_TRIE_H
#define QUERN_TEXT_TRIE_H

#include "quern.h"

#include <stdbool.h>

struct quern_trie_node {
    uint32_t child;     /* the first child; 0: there is none, as the root is nobody's child */
    uint32_t sibling;   /* the next child of the same parent; 0: there is none */
    int32_t id;         /* of the piece that ends here; -1: none ends here */
    unsigned char byte; /* leads from the parent to this node */
    bool always;        /* the piece is matched even where special pieces are not parsed */
};

struct quern_trie {
    struct quern_trie_node *nodes; /* [count]; nodes[0] is the root */
    uint32_t count;
};

/* Makes an empty trie with room for `capacity` nodes, the root included. Error: QUERN_ENOMEM. */
int quern_trie_new(struct quern_trie *trie, size_t capacity, quern_error *error);
void quern_trie_free(struct quern_trie *trie); /* zeros are allowed */

/* Frees the room that no node has taken. */
void quern_trie_finish(struct quern_trie *trie);

/* Returns the node that byte leads to from node. Makes it if it is not there. */
uint32_t quern_trie_step(struct quern_trie *trie, uint32_t node, unsigned char byte);

/* Sets the piece that ends at node. Of several pieces, one with `always` replaces one without; otherwise the first one
 * stays. */
void quern_trie_end(struct quern_trie *trie, uint32_t node, int32_t id, bool always);

/* Returns the length of the longest piece that text begins with, and its id; 0: there is none. Without parse_special,
 * only the pieces with `always` count. */
size_t quern_trie_match(const struct quern_trie *trie, const unsigned char *text, size_t length, bool parse_special,
                        int32_t *id);

#endif
