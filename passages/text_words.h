/* The words of texts, and how a search by words (BM25) weighs them. */
#ifndef QUERN_TEXT_WORDS_H
#define QUERN_TEXT_WORDS_H

#include "quern.h"

#include <stdbool.h>

/* Gives the words of texts: runs of letters, marks, digits and underscores, in lower case, by Unicode's tables.
 * Chinese, Japanese, Thai, Lao, Khmer and Burmese are written without spaces between words; there, every two
 * neighbouring characters are a word, and so is one that stands alone. A word is known by a hash of 64 bits: among a
 * million words, two have the same hash with a probability of 3e-8. */
struct quern_text_words {
    quern_text text;
    size_t at;
    uint32_t first;  /* character of the word that was read last, in lower case */
    uint32_t before; /* of writing without spaces, the character in front of `at`; 0: there is none */
    size_t range;    /* of characters, in which the last one was found */
};

#define QUERN_MOST_WANTED_WORDS 64

/* Words that are looked for in texts. */
struct quern_wanted_words {
    uint64_t words[QUERN_MOST_WANTED_WORDS]; /* [count], all different */
    size_t count;
    unsigned char firsts[QUERN_MOST_WANTED_WORDS]; /* [first_count]: ASCII characters that some of them begin with */
    size_t first_count;
};

/* Begins to read a text. */
void quern_text_words_of(struct quern_text_words *words, quern_text text);

/* The next word of the text; false: there is none. */
bool quern_text_words_next(struct quern_text_words *words, uint64_t *word);

/* Takes the words of a query; those behind the first QUERN_MOST_WANTED_WORDS are passed over. */
void quern_wanted_words_read(struct quern_wanted_words *wanted, quern_text query);

/* Adds the words of a query to those that are wanted, and writes to places[QUERN_MOST_WANTED_WORDS] where each of them
 * is: words[places[i]]. Of a query with more words, the first ones count. Returns how many the query has; -1: there is
 * no room for all, and nothing was added. */
int quern_wanted_words_add(struct quern_wanted_words *wanted, quern_text query, unsigned char *places);

/* Counts the words of a text, and adds to times[i] how many of them are words[i]. Several times as fast as reading them
 * one by one, where texts are mostly ASCII. */
uint32_t quern_wanted_words_count(const struct quern_wanted_words *wanted, quern_text text, uint16_t *times);

/* The weight of a word that is in `with` of `documents` documents. */
double quern_bm25_idf(double documents, double with);

/* What a word adds to the score of a document that has it `times` times. length: words of the document, divided by
 * those of the mean document. BM25 with k1 1.2 and b 0.75, idf log(1 + (documents - with + 0.5) / (with + 0.5)). */
double quern_bm25(double idf, double times, double length);

#endif
