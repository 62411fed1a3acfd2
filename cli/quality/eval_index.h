/* Searches by vectors, as an index makes them. */
#ifndef QUERN_EVAL_INDEX_H
#define QUERN_EVAL_INDEX_H

#include "cli.h"

#include "quern_index.h"

/* How an index stores vectors, and how it is searched. */
struct quern_eval_form {
    quern_dtype rows;
    int oversampling; /* 0: the search is certified; else bits are stored too, and so many times the hits are scored */
};

/* What is searched. A score is the cosine of the leading `dims` numbers, times the length of the query. */
struct quern_eval_vectors {
    const float *documents; /* [document_count][width] */
    const float *queries;   /* [query_count][dims] */
    size_t document_count, query_count;
    int width, dims;
};

/* Hits of searches: those of query i are hits[i * most]..., results[i].hits of them. A place is the number of a
 * document. Equal scores are sorted by it. */
struct quern_eval_found {
    size_t most; /* hits of a query */
    quern_hit *hits;
    quern_search_result *results;
    uint64_t bytes; /* of the index */
};

/* Makes a temporary index of the documents, and searches it. Hits are kept in found, whose arrays have room for all
 * queries. Reports failures itself; returns an exit code. */
int quern_eval_index_search(const struct quern_eval_vectors *vectors, const struct quern_eval_form *form, int threads,
                            struct quern_eval_found *found);

#endif
