/* The tables of a SentencePiece vocabulary. For sentencepiece_bpe.c and merge.c. */
#ifndef QUERN_TEXT_SENTENCEPIECE_BPE_H
#define QUERN_TEXT_SENTENCEPIECE_BPE_H

#include "text/piece_table.h"
#include "text/tokenizer_kind.h"

#define QUERN_NO_RANK UINT32_MAX /* the rank of a piece that merging must not give */

struct quern_sentencepiece_bpe {
    struct quern_vocabulary base;
    struct quern_piece_table table; /* all pieces. The better a piece's score, the smaller its rank */
    size_t longest;                 /* bytes of the longest piece that merging can give */
    uint32_t *pairs;                /* bits: which characters stand side by side in a piece that merging can give */
    int32_t bytes[256];             /* the piece that stands for a byte of an unknown character; -1: none */
};

/* The id of the piece with this text that merging can give, and its rank; -1: there is none. Control, unknown and byte
 * pieces are not among them, so that no text turns into one of these by merging. */
static inline int32_t quern_sentencepiece_bpe_find(const struct quern_sentencepiece_bpe *v, const unsigned char *text,
                                               size_t length, uint32_t *rank)
{
    const struct quern_slot *slot = quern_piece_table_find(&v->table, text, length);

    *rank = slot->rank;
    return slot->number != 0 && slot->rank != QUERN_NO_RANK ? (int32_t)slot->number - 1 : -1;
}

#endif
