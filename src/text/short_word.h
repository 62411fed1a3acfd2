/* Greedy merging of one short word, as merge.h defines it, in steps. A step ends where it has to wait for memory. Then
 * another word can take a step. */
#ifndef QUERN_TEXT_SHORT_WORD_H
#define QUERN_TEXT_SHORT_WORD_H

#include "text/new_word.h"

#define QUERN_SHORT_WORD 48 /* bytes of a short word at most, as pieces spell it */

/* A symbol is one character, or one piece by now. It has the number of its first character. A pair is a symbol with
 * the next one. */
struct quern_short_word {
    /* By pair: place of the piece that it makes << 8 | number of its symbol; QUERN_NO_PIECE << 8 or more: it makes
     * none. The last element stands for all pairs that do not exist. */
    uint64_t pairs[QUERN_SHORT_WORD + 1];
    uint32_t pieces[QUERN_SHORT_WORD]; /* that symbols are; QUERN_NO_PIECE: a character, whose piece is not known */
    unsigned char begins[QUERN_SHORT_WORD + 1]; /* of the characters in the text, and the end of the text */
    unsigned char next[QUERN_SHORT_WORD + 1];   /* symbol; count: there is none */
    unsigned char last[QUERN_SHORT_WORD + 1];   /* symbol before this one */
    unsigned char text[QUERN_SHORT_WORD + QUERN_TEXT_KEY_SLACK];
    size_t count; /* of characters */
    size_t left, right; /* the pairs that the latest merge has changed */
    struct quern_piece_search left_search, right_search;
    uint64_t open; /* bits: the pairs of characters whose search has begun */
    struct quern_piece_search searches[QUERN_SHORT_WORD]; /* of these pairs; in the end, of characters that are left */
};

/* Begins to merge a word. Returns false, and does nothing, when it is not short. QUERN_WORD_SLACK bytes from the word's
 * first one on are readable. */
bool quern_short_word_begin(struct quern_short_word *word, const struct quern_sentencepiece_bpe *vocabulary,
                            const struct quern_new_word *from);

/* Merges the best pair. Returns false when there was none, or none is left. */
bool quern_short_word_step(struct quern_short_word *word, const struct quern_sentencepiece_bpe *vocabulary);

/* Appends the ids of a word without pairs. Errors: those of quern_cursor_put_unknown. */
int quern_short_word_put(const struct quern_short_word *word, const struct quern_sentencepiece_bpe *vocabulary,
                         const struct quern_new_word *from, struct quern_ids *ids, quern_error *error);

#endif
