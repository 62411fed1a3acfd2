/* Searches by words: what searches by vectors are compared with. */
#ifndef QUERN_EVAL_LEXICAL_H
#define QUERN_EVAL_LEXICAL_H

#include "quern.h"

/* Texts as bags of words (text_words.h). The first `documents` texts are searched. */
struct quern_eval_bags {
    size_t texts, documents, words;
    struct quern_eval_term {
        uint32_t number; /* of the word in by_text, of the text in by_word */
        uint32_t times;
    } *by_text, *by_word;            /* by_word: documents only */
    size_t *text_begin, *word_begin; /* [texts + 1], [words + 1]; the document frequency is the length of by_word */
    double *lengths;                 /* [documents]: words in it */
    double *norms;                   /* [texts]: length of its tf-idf vector */
    double mean_length;
};

/* 0 or QUERN_CLI_FAILED, after a message. */
int quern_eval_bags_make(struct quern_eval_bags *bags, const quern_text *texts, size_t count, size_t documents);
void quern_eval_bags_free(struct quern_eval_bags *bags);

/* tf-idf: times * (1 + log((1 + documents) / (1 + document frequency))), cosine. */
double quern_eval_tfidf_cosine(const struct quern_eval_bags *bags, size_t a, size_t b);

/* Scores of all documents for a text; scores[documents]. BM25 is that of text_words.h, every word of the query once. */
void quern_eval_tfidf_search(const struct quern_eval_bags *bags, size_t text, double *scores);
void quern_eval_bm25_search(const struct quern_eval_bags *bags, size_t text, double *scores);

#endif
