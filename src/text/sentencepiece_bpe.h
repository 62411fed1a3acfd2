/* The tables of a SentencePiece vocabulary. For sentencepiece_bpe.c and merge.c. */
#ifndef QUERN_TEXT_SENTENCEPIECE_BPE_H
#define QUERN_TEXT_SENTENCEPIECE_BPE_H

#include "text/piece_table.h"
#include "text/tokenizer_kind.h"

#define QUERN_NO_RANK UINT32_MAX /* the rank of a piece that merging must not make */

struct quern_sentencepiece_bpe {
    struct quern_vocabulary base;
    struct quern_piece_table table; /* all pieces. The better a piece's score, the smaller its rank */
    size_t longest;                 /* bytes of the longest piece that merging can make */
    uint32_t *pairs;                /* bits: which characters stand side by side in a piece that merging can make */
    int32_t bytes[256];             /* the piece that stands for a byte of an unknown character; -1: none */
};

/* The id and the rank of the piece with this text, if merging can make it; -1: there is no such piece. Merging cannot
 * make control, unknown and byte pieces. So a text that spells one of them does not become it. */
static inline int32_t quern_sentencepiece_bpe_find(const struct quern_sentencepiece_bpe *v, const unsigned char *text,
                                               size_t length, uint32_t *rank)
{
    const struct quern_slot *slot = quern_piece_table_find(&v->table, text, length);

    *rank = slot->rank;
    return slot->number != 0 && slot->rank != QUERN_NO_RANK ? (int32_t)slot->number - 1 : -1;
}

#endif
