/* A cache of words: a text repeats most of its words, and so their ids need not be found again.
 * quern_tokenizer_put_word (tokenizer_kind.h) uses it. */
#ifndef QUERN_TEXT_WORDS_H
#define QUERN_TEXT_WORDS_H

#include "quern.h"

#define QUERN_WORD_BYTES 32 /* of the longest word in the cache */
#define QUERN_WORD_IDS 7    /* most ids of a word in the cache */

struct quern_word {
    uint64_t text[QUERN_WORD_BYTES / 8]; /* as it stands in the text, followed by zeros */
    unsigned char length;                /* 0: the entry is empty */
    unsigned char count;                 /* of ids */
    int32_t ids[QUERN_WORD_IDS];
};

struct quern_words {
    struct quern_word (*sets)[2]; /* 2 words in each set, the newer one first; 2 MiB in all */
};

int quern_words_new(struct quern_words *words, quern_error *error); /* Error: QUERN_ENOMEM. */
void quern_words_free(struct quern_words *words);

#endif
