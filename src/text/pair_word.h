/* Merging of short words by a list of merges, as pair_merger.h defines it. Several words take steps in turn: while one
 * waits for memory, the others go on. */
#ifndef QUERN_TEXT_PAIR_WORD_H
#define QUERN_TEXT_PAIR_WORD_H

#include "text/pair_table.h"
#include "text/word_pairs.h"

#define QUERN_PAIR_SYMBOLS QUERN_WORD_BYTES /* of a short word at most */

/* A sequence of bytes of a word that is one piece by now; before the first merge, what the kind of tokenizer begins
 * with. */
struct quern_pair_symbol {
    int32_t id;      /* -1: no piece; it is joined to nothing */
    uint32_t length; /* in bytes, as the word has them */
};

/* A symbol has the number of the first of those that it was made of. A pair is a symbol with the next one, and has its
 * number. */
struct quern_pair_word {
    int32_t pairs[QUERN_PAIR_NUMBERS];  /* a rank from QUERN_MOST_MERGES on: the two are not joined */
    int32_t joints[QUERN_PAIR_NUMBERS]; /* what the pairs are joined to */
    struct quern_pair_symbol symbols[QUERN_PAIR_SYMBOLS];
    unsigned char next[QUERN_PAIR_SYMBOLS + 1]; /* symbol; count: there is none */
    unsigned char last[QUERN_PAIR_SYMBOLS + 1]; /* symbol before this one */
    size_t count;                               /* of symbols at first */
    int32_t left, right;                        /* the pairs that the latest merge has changed */
    struct quern_pair_search left_search, right_search;
    struct quern_pair_search searches[QUERN_PAIR_SYMBOLS]; /* of the pairs of symbols at first */
};

/* Begins to merge a word, whose symbols[count] are set. count >= 1 */
void quern_pair_word_begin(struct quern_pair_word *word, const struct quern_pair_table *table);

/* Merges words, at most QUERN_WORDS_AT_ONCE, until none has a pair that is joined. Then the symbols of a word are
 * those at 0, next[0], and so on up to count. */
void quern_pair_words_merge(struct quern_pair_word *words, size_t count, const struct quern_pair_table *table);

#endif
