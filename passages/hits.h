/* Searches in an index, by meaning and perhaps by words too, and what is shown of their hits. */
#ifndef QUERN_HITS_H
#define QUERN_HITS_H

#include "row_filter.h"

#include <stdbool.h>
#include <stdio.h>

/* A hit with what is shown of it. Its texts belong to the index. */
struct quern_shown_hit {
    quern_hit hit;
    quern_index_row row;
    quern_text shown;  /* the text of the passage */
    size_t begin, end; /* its best sentence (best_sentence.h); all of it, until somebody has looked for that */
};

struct quern_hit_search {
    quern_searcher *searcher;  /* with most_hits for quern_hits_compared */
    const quern_index *index;  /* the searcher's */
    const float *queries;      /* [count][dimensions of the index] */
    const quern_text *words;   /* [count]: the queries as texts, to search by words too (word_search.h); NULL: by
                                  meaning only. Hits by words have other scores (quern_join_hits), and
                                  options.has_least must be 0 */
    size_t count;              /* of queries */
    int threads;               /* of a search by words, at most; 0: one */
    const struct quern_row_filter *filter; /* only these rows are found; NULL: all */
    quern_search_options options; /* without `only` */
};

/* The options of vectors that are compared with those of an index: as many dimensions, and the task, unless the model
 * has no prompts. QUERN_EINVAL: the model's vectors have fewer dimensions. */
int quern_hit_options(const quern_model *model, const quern_index_info *index, quern_task task,
                      quern_embed_options *embed, quern_error *error);

/* How many hits of each search are compared to find `wanted` hits; by_words: by meaning and by words. */
size_t quern_hits_compared(size_t wanted, bool by_words);

/* Searches. Writes at most options.hits hits of query i to hits + i * options.hits, the best first, and to results[i]
 * what the search by meaning says, with the number of these hits. Fails as quern_row_filter_select, quern_search,
 * quern_word_search and quern_index_get do. */
int quern_find_hits(const struct quern_hit_search *search, struct quern_shown_hit *hits, quern_search_result *results,
                    quern_error *error);

/* Writes a hit as an object of JSON, in one line: "id", "score", and where the row has them "path", "line",
 * "last_line", "begin", "end", "title" (passage.h) and "text"; with_best: also "best", the sentence. named: ids are
 * names. Failures are left to ferror. */
void quern_put_hit(FILE *file, const struct quern_shown_hit *hit, bool named, bool with_best);

/* Writes the id of a row as JSON: a number or a string. */
void quern_put_row_id(FILE *file, const quern_index_row *row, bool named);

#endif
