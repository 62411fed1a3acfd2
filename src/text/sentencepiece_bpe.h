/* The tables of a SentencePiece vocabulary. For sentencepiece_bpe.c and merge.c. */
#ifndef QUERN_TEXT_SENTENCEPIECE_BPE_H
#define QUERN_TEXT_SENTENCEPIECE_BPE_H

#include "text/piece_table.h"
#include "text/tokenizer_kind.h"

#define QUERN_NO_RANK UINT32_MAX /* the rank of a piece that merging must not make */

/* A piece that two symbols side by side make together. */
struct quern_joint {
    int32_t id;    /* -1: they make none */
    uint32_t rank; /* a smaller rank is better; QUERN_NO_RANK when there is no piece */
};

struct quern_sentencepiece_bpe {
    struct quern_vocabulary base;
    struct quern_piece_table table; /* all pieces. The better a piece's score, the smaller its rank */
    struct quern_joint *ascii;      /* [QUERN_ASCII_PAIRS]: of two ASCII characters; ' ' stands for U+2581 */
    size_t longest;                 /* bytes of the longest piece that merging can make */
    uint32_t *pairs;                /* bits: which characters stand side by side in a piece that merging can make */
    int32_t bytes[256];             /* the piece that stands for a byte of an unknown character; -1: none */
};

#define QUERN_ASCII_PAIRS (128u * 128u) /* the pair of left and right is at left << 7 | right */

/* What a search has found. */
static inline struct quern_joint quern_sentencepiece_bpe_end(const struct quern_sentencepiece_bpe *v,
                                                             const struct quern_piece_search *search)
{
    const struct quern_slot *slot = quern_piece_table_end(&v->table, search);

    if (slot == NULL || slot->rank == QUERN_NO_RANK)
        return (struct quern_joint){-1, QUERN_NO_RANK};
    return (struct quern_joint){(int32_t)slot->number - 1, slot->rank};
}

/* The piece with this text, if merging can make it. Merging cannot make control, unknown and byte pieces. So a text
 * that spells one of them does not become it. QUERN_PIECE_SLACK bytes from the first one on are readable. */
static inline struct quern_joint quern_sentencepiece_bpe_find(const struct quern_sentencepiece_bpe *v,
                                                              const unsigned char *text, size_t length)
{
    const struct quern_piece_search search = quern_piece_table_begin(&v->table, text, length);

    return quern_sentencepiece_bpe_end(v, &search);
}

#endif
