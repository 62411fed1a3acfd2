/* A trie of all pieces of a vocabulary. Each of its steps is a character. It finds all pieces that a text begins with
 * in one walk. */
#ifndef QUERN_TEXT_PIECE_TRIE_H
#define QUERN_TEXT_PIECE_TRIE_H

#include "base/utf8.h"

/* A step of the trie: a character leads from one node to another. Node 0 is the root. */
struct quern_trie_edge {
    uint32_t from;
    uint32_t code; /* of the character; and in the bits from QUERN_TRIE_FILTER on, which characters may follow: of
                    * these bits, number c % 8 is set when one does whose code is c */
    uint32_t to;   /* 0: none follows */
    int32_t piece; /* the piece that ends here: its id + 1; minus that for a piece that no text may become; 0: none */
};
#define QUERN_TRIE_FILTER 24

/* Edges from the root have places by their character. All others are in a hash table, with at least half of its places
 * empty. An empty place has neither `to` nor a piece. */
struct quern_piece_trie {
    struct quern_trie_edge *root;  /* [QUERN_TRIE_ROOT] */
    struct quern_trie_edge *edges; /* [mask + 1] */
    size_t mask, count;
    uint32_t nodes;
    uint64_t seed;
};
#define QUERN_TRIE_ROOT 0x10000u

/* Makes a trie of texts[count]. is_usable[id]: whether a text may become this piece. Errors: QUERN_ENOMEM;
 * QUERN_EFORMAT when two texts are the same. */
int quern_piece_trie_new(struct quern_piece_trie *trie, const quern_text *texts, const bool *is_usable, size_t count,
                         quern_error *error);
void quern_piece_trie_free(struct quern_piece_trie *trie); /* also what a failed one left; zeros are allowed */
size_t quern_piece_trie_bytes(const struct quern_piece_trie *trie); /* memory that it takes */

/* The code of the character at p, and its length. A byte that is not part of well-formed UTF-8 is a character with a
 * code of its own. p < end */
static inline uint32_t quern_trie_code(const unsigned char *p, const unsigned char *end, size_t *length)
{
    *length = quern_utf8_length(p, (size_t)(end - p));
    if (*length > 0)
        return quern_utf8_code(p, *length);
    *length = 1;
    return 0xDC00u | *p; /* a surrogate, which no character has */
}

/* The first place where the edge from a node with a character may be. */
static inline struct quern_trie_edge *quern_trie_place(const struct quern_piece_trie *trie, uint32_t from,
                                                       uint32_t code)
{
    if (from == 0 && code < QUERN_TRIE_ROOT)
        return &trie->root[code];
    const uint64_t hash = (((uint64_t)from << 32 | code) ^ trie->seed) * 0x9e3779b97f4a7c15u;
    return &trie->edges[(size_t)(hash ^ hash >> 32) & trie->mask];
}

/* The edge from a node with a character, or an empty place, where it would be. place: as quern_trie_place gives it. */
static inline struct quern_trie_edge *quern_trie_find(const struct quern_piece_trie *trie,
                                                      struct quern_trie_edge *place, uint32_t from, uint32_t code)
{
    const uint32_t mask = ((uint32_t)1 << QUERN_TRIE_FILTER) - 1;

    while (!(place->from == from && (place->code & mask) == code) && !(place->to == 0 && place->piece == 0))
        place = place < trie->edges + trie->mask ? place + 1 : trie->edges;
    return place;
}

/* Both in one. */
static inline struct quern_trie_edge *quern_trie_look_up(const struct quern_piece_trie *trie, uint32_t from,
                                                         uint32_t code)
{
    return quern_trie_find(trie, quern_trie_place(trie, from, code), from, code);
}

/* Whether an edge may be followed by one with a character. */
static inline bool quern_trie_goes_on(const struct quern_trie_edge *edge, uint32_t code)
{
    return edge->code >> (QUERN_TRIE_FILTER + code % 8) & 1;
}

#endif
