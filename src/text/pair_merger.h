/* Greedy merging of words by a list of merges. Of all neighbours that the list joins, those whose merge comes first in
 * the list are joined; of several such places, the leftmost. This goes on until the list joins no neighbours.
 *
 * Nearly all words are short, and are merged by going over their pairs again and again, several words in turn: while
 * one waits for memory, the others go on. The time of this grows with the square of the length. So a long word has its
 * pairs in a heap. */
#ifndef QUERN_TEXT_PAIR_MERGER_H
#define QUERN_TEXT_PAIR_MERGER_H

#include "text/heap.h"
#include "text/pair_word.h"

/* What differs between the kinds of tokenizers that merge by a list. */
struct quern_pair_spelling {
    /* Writes the symbols that a word begins with to symbols, and returns how many there are: one for a byte at most. */
    size_t (*cut)(const struct quern_tokenizer *tokenizer, const struct quern_new_word *word,
                  struct quern_pair_symbol *symbols);
    /* Appends the ids of a symbol of a word, which begins at `begin` in it. */
    int (*put)(const struct quern_tokenizer *tokenizer, const unsigned char *begin,
               const struct quern_pair_symbol *symbol, struct quern_ids *ids, quern_error *error);
};

/* Working memory. Begins as zeros, and grows when it must. */
struct quern_pair_merger {
    struct quern_pair_word words[QUERN_WORDS_AT_ONCE];
    struct quern_pair_symbol *symbols; /* [capacity]: of a long word */
    struct quern_long_pair *pairs;     /* [capacity]: of each symbol with the next one */
    struct quern_heap heap;            /* [2 * capacity]: rank << 32 | number of the left symbol */
    size_t capacity;                   /* bytes of the longest word so far */
};

/* Merges words, as the function merge of a kind does. Errors: QUERN_ENOMEM, and those of spelling->put. */
int quern_pair_merger_run(struct quern_pair_merger *merger, const struct quern_pair_table *table,
                          const struct quern_pair_spelling *spelling, const struct quern_tokenizer *tokenizer,
                          const struct quern_new_word *words, size_t count, size_t *ends, struct quern_ids *ids,
                          quern_error *error);

void quern_pair_merger_release(struct quern_pair_merger *merger);

#endif
