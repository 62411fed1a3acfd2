/* Merging of one short word by a list of merges, as pair_merger.h defines it, in steps. A step ends where it has to
 * wait for memory. Then another word can take a step. */
#ifndef QUERN_TEXT_PAIR_WORD_H
#define QUERN_TEXT_PAIR_WORD_H

#include "text/pair_table.h"

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
    uint64_t keys[QUERN_PAIR_SYMBOLS];  /* of pairs: rank << 8 | number; QUERN_NO_RANK << 8 or more: they are not
                                         * joined */
    int32_t joints[QUERN_PAIR_SYMBOLS]; /* what the pairs are joined to */
    struct quern_pair_symbol symbols[QUERN_PAIR_SYMBOLS];
    unsigned char next[QUERN_PAIR_SYMBOLS + 1]; /* symbol; count: there is none */
    unsigned char last[QUERN_PAIR_SYMBOLS + 1]; /* symbol before this one */
    size_t count;                               /* of symbols at first */

    size_t search_count; /* pairs that are being searched for */
    unsigned char numbers[QUERN_PAIR_SYMBOLS];
    struct quern_pair_search searches[QUERN_PAIR_SYMBOLS];
};

/* Begins to merge a word, whose symbols[count] are set. count >= 1 */
void quern_pair_word_begin(struct quern_pair_word *word, const struct quern_pair_table *table);

/* Merges the best pair. Returns false when there was none, or none is left. Then the symbols of the word are those at
 * 0, next[0], and so on up to count. */
bool quern_pair_word_step(struct quern_pair_word *word, const struct quern_pair_table *table);

#endif
