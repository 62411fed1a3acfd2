/* The words of texts, and how a search by words (BM25) weighs them. */
#ifndef QUERN_TEXT_WORDS_H
#define QUERN_TEXT_WORDS_H

#include "quern.h"

#include <locale.h>
#include <stdbool.h>
#include <wchar.h>

/* Gives the words of texts: runs of letters, digits and underscores, in lower case. A word is known by a hash of 64
 * bits: among a million words, two have the same hash with a probability of 3e-8. While words are read, the thread has
 * another locale. */
struct quern_text_words {
    locale_t utf8, before; /* without C.UTF-8, words are those of ASCII */
    bool is_shared;        /* utf8 belongs to another reader */
    quern_text text;
    size_t at;
    mbstate_t state;
    uint64_t first; /* character of the word that was read last, in lower case */
};

#define QUERN_MOST_WANTED_WORDS 64

/* Words that are looked for in texts. */
struct quern_wanted_words {
    uint64_t words[QUERN_MOST_WANTED_WORDS]; /* [count], all different */
    size_t count;
    unsigned char firsts[QUERN_MOST_WANTED_WORDS]; /* [first_count]: ASCII characters that some of them begin with */
    size_t first_count;
};

void quern_text_words_begin(struct quern_text_words *words);

/* The same in another thread, with the locale of a reader that must not end before this one. */
void quern_text_words_begin_beside(struct quern_text_words *words, const struct quern_text_words *other);
void quern_text_words_of(struct quern_text_words *words, quern_text text);

/* The next word of the text; false: there is none. */
bool quern_text_words_next(struct quern_text_words *words, uint64_t *word);
void quern_text_words_end(struct quern_text_words *words);

/* Takes the words of a query; those behind the first QUERN_MOST_WANTED_WORDS are passed over. */
void quern_wanted_words_read(struct quern_wanted_words *wanted, struct quern_text_words *words, quern_text query);

/* Counts the words of a text, and adds to times[i] how many of them are words[i]. Several times as fast as reading them
 * one by one, where texts are mostly ASCII. */
uint32_t quern_wanted_words_count(const struct quern_wanted_words *wanted, struct quern_text_words *words,
                                  quern_text text, uint16_t *times);

/* The weight of a word that is in `with` of `documents` documents. */
double quern_bm25_idf(double documents, double with);

/* What a word adds to the score of a document that has it `times` times. length: words of the document, divided by
 * those of the mean document. BM25 with k1 1.2 and b 0.75, idf log(1 + (documents - with + 0.5) / (with + 0.5)). */
double quern_bm25(double idf, double times, double length);

#endif
