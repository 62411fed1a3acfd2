/* Search by words over the texts of an index, and joining it with a search by vectors. */
#ifndef QUERN_WORD_SEARCH_H
#define QUERN_WORD_SEARCH_H

#include "quern_index.h"

struct quern_word_queries {
    const quern_text *texts; /* [count] */
    size_t count;
    const uint64_t *only; /* a bitmap as quern_index_select writes it, of rows that may be found; NULL: all */
    int threads;          /* that read a large index, at most; 1 or more. The hits are the same for any number */
};

/* Finds rows whose texts and titles (passage.h) have words of a query, by BM25 (text_words.h). Writes at most `most` of
 * query i to hits + i * most, the best first, equal ones by their places, and how many there are to counts[i]. Reads
 * the texts of all rows, because all of them decide how rare a word is: about 20 ms for 10 MB in a thread. Queries that
 * have up to QUERN_MOST_WANTED_WORDS words together share a reading. QUERN_ENOMEM, and as quern_index_get. */
int quern_word_search(const struct quern_word_queries *queries, const quern_index *index, size_t most, quern_hit *hits,
                      size_t *counts, quern_error *error);

/* Joins two lists of hits by their ranks (reciprocal rank fusion): the score of a row is the sum of 1 / (60 + rank)
 * over the lists that have it. Writes the best to out[most], which may not overlap the lists, and returns how many. */
size_t quern_join_hits(const quern_hit *a, size_t a_count, const quern_hit *b, size_t b_count, quern_hit *out,
                       size_t most);

#endif
