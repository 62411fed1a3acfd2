/* Greedy merging of short words, as merge.h defines it. Several words take steps in turn: while one waits for memory,
 * the others go on. */
#ifndef QUERN_TEXT_SHORT_WORD_H
#define QUERN_TEXT_SHORT_WORD_H

#include "text/new_word.h"
#include "text/word_pairs.h"

#define QUERN_SHORT_WORD 48 /* bytes of a short word at most, as pieces spell it */

/* A symbol is one character, or one piece by now. It has the number of its first byte. A pair is a symbol with the next
 * one, and has its number. */
struct quern_short_word {
    /* Their ranks are the places of the pieces that they make. Those of pairs that make none are not below the places
     * of the pieces that merging can make. */
    int32_t pairs[QUERN_PAIR_NUMBERS];
    uint32_t pieces[QUERN_SHORT_WORD]; /* that symbols are; QUERN_NO_PIECE: a character, whose piece is not known */
    unsigned char next[QUERN_SHORT_WORD + QUERN_METASPACE_LENGTH]; /* symbol; length: there is none */
    unsigned char last[QUERN_SHORT_WORD + QUERN_METASPACE_LENGTH]; /* symbol before this one */
    unsigned char text[QUERN_SHORT_WORD + QUERN_TEXT_KEY_SLACK];
    size_t length;
    int32_t left, right; /* the pairs that the latest merge has changed */
    struct quern_piece_search left_search, right_search;
    uint64_t open; /* bits: the pairs of characters whose search has begun */
    struct quern_piece_search searches[QUERN_SHORT_WORD]; /* of these pairs; in the end, of characters that are left */
};

/* Begins to merge a word. Returns false, and does nothing, when it is not short, or the vocabulary has more than 16
 * million pieces. QUERN_WORD_SLACK bytes from the word's first one on are readable. */
bool quern_short_word_begin(struct quern_short_word *word, const struct quern_sentencepiece_bpe *vocabulary,
                            const struct quern_new_word *from);

/* Merges words, at most QUERN_WORDS_AT_ONCE, until none has a pair that makes a piece. */
void quern_short_words_merge(struct quern_short_word *words, size_t count,
                             const struct quern_sentencepiece_bpe *vocabulary);

/* Appends the ids of a word without pairs. Errors: those of quern_cursor_put_unknown. */
int quern_short_word_put(const struct quern_short_word *word, const struct quern_sentencepiece_bpe *vocabulary,
                         const struct quern_new_word *from, struct quern_ids *ids, quern_error *error);

#endif
