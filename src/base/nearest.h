/* Finds the word that somebody probably meant who wrote another one, for a message that suggests it. */
#ifndef QUERN_BASE_NEAREST_H
#define QUERN_BASE_NEAREST_H

#include <stddef.h>

/* A search for the word that a user probably meant. Begins with `asked` set and zeros. */
struct quern_nearest {
    const char *asked;
    const char *prefix;   /* what stands before all words; NULL: nothing */
    const char *word;     /* the nearest so far; NULL: none is near */
    int length, distance; /* of this word */
};

/* Compares one of the words that exist. A word that begins with what was asked is as near as can be. */
void quern_nearest_offer(struct quern_nearest *nearest, const char *word, size_t length);

/* The same for each word of a list with '|' between them; NULL is an empty list. */
void quern_nearest_offer_list(struct quern_nearest *nearest, const char *words);

/* The same for a word that has other names, with '|' between them. */
void quern_nearest_offer_names(struct quern_nearest *nearest, const char *names, const char *word);

/* " (did you mean 'WORD'?)" in out, or "". */
#define QUERN_NEAREST_HINT 64
const char *quern_nearest_hint(const struct quern_nearest *nearest, char out[QUERN_NEAREST_HINT]);

#endif
