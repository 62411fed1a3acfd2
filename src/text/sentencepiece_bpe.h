/* The tables of a SentencePiece vocabulary. For sentencepiece_bpe.c and merge.c. */
#ifndef QUERN_TEXT_SENTENCEPIECE_BPE_H
#define QUERN_TEXT_SENTENCEPIECE_BPE_H

#include "text/piece_order.h"
#include "text/piece_table.h"
#include "text/tokenizer_kind.h"
#include "text/word_cuts.h"

/* Pieces are known by their places in the order of scores. So two of them are compared without another look at memory.
 * See struct quern_piece_order. */
struct quern_sentencepiece_bpe {
    struct quern_vocabulary base;
    struct quern_piece_order order;
    struct quern_piece_table table; /* the places of all pieces */
    uint32_t end;                   /* the places of the pieces that merging can make are below it */
    uint32_t *ascii;                /* [QUERN_ASCII_PAIRS]: the place of the piece of two ASCII characters, or
                                     * QUERN_NO_PIECE; ' ' stands for U+2581 */
    size_t longest;                 /* bytes of the longest piece that merging can make */
    int32_t bytes[256];             /* the id that stands for a byte of an unknown character; -1: none */
    struct quern_word_cuts cuts;
};

/* The place of the piece that a search has found, if merging can make it; else QUERN_NO_PIECE. Merging cannot make
 * control, unknown and byte pieces. So a text that spells one of them does not become it. */
static inline uint32_t quern_sentencepiece_bpe_end(const struct quern_sentencepiece_bpe *v,
                                                   const struct quern_piece_search *search)
{
    const uint32_t place = quern_piece_table_end(&v->table, search);

    return place < v->end ? place : QUERN_NO_PIECE;
}

/* The same for a text. QUERN_TEXT_KEY_SLACK bytes from the first one on are readable. */
static inline uint32_t quern_sentencepiece_bpe_find(const struct quern_sentencepiece_bpe *v, const unsigned char *text,
                                                    size_t length)
{
    struct quern_piece_search search;

    quern_piece_table_begin(&v->table, text, length, &search);
    return quern_sentencepiece_bpe_end(v, &search);
}

/* The id of the piece at a place. */
static inline int32_t quern_sentencepiece_bpe_id(const struct quern_sentencepiece_bpe *v, uint32_t place)
{
    return v->order.ids[place / 2];
}

/* The rank of the piece at a place: a smaller rank is better. */
static inline uint32_t quern_sentencepiece_bpe_rank(const struct quern_sentencepiece_bpe *v, uint32_t place)
{
    return quern_rank_of(v->base.source.scores[quern_sentencepiece_bpe_id(v, place)]);
}

#endif
