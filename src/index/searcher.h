/* A searcher, and what its files share. Threads take chunks of blocks one after another. The rounded rows are
 * compared with a group of queries, and bounds of the scores follow from the sums (search_scan.c). Each thread keeps a
 * short list for each query: the rows whose upper bound reaches the bar, which is the k-th best lower bound that it
 * knows. When all blocks are done, the bars of all threads give the one bar of the query, and the rows above it are
 * scored (search_scores.c). A search by bits puts the rows of the nearest bits to the lists instead. */
#ifndef QUERN_INDEX_SEARCHER_H
#define QUERN_INDEX_SEARCHER_H

#include "base/arena.h"
#include "base/pool.h"
#include "index/candidates.h"
#include "index/rounding.h"

#define QUERN_CHUNK_GROUPS 48 /* groups that a thread takes at a time; kernels compute three together */
#define QUERN_CHUNK_ROWS (QUERN_CHUNK_GROUPS * QUERN_SCAN_ROWS)

/* A query of the group that is searched together. */
struct quern_asked_query {
    const float *vector;
    float scale[2];   /* of the rows of bytes */
    float length;     /* |query|, with what float arithmetic may lose */
    float lost;       /* at least |query - rounded query|, with what float arithmetic may lose */
    quern_hit cut;    /* rows that come after this one in the short lists are not scored */
};

struct quern_searcher {
    const struct quern_index *index;
    const struct quern_kernels *kernels;
    struct quern_pool *pool;
    struct quern_arena arena;
    size_t most_hits, most_queries, most_scored;
    size_t capacity; /* of a short list; with bits, above most_scored by a part of it, so that lists are seldom full */
    int threads;

    struct quern_asked_query *asked; /* [most_queries] */
    int8_t *codes;                  /* [2 most_queries][padded]: the first rows of all queries, then the second ones */
    uint64_t *bits;                 /* [most_queries][words] */
    struct quern_shortlist *lists;  /* [threads][most_queries] */
    int32_t *sums;                  /* [threads][2 most_queries][QUERN_CHUNK_ROWS] */
    float *upper;                   /* [threads][QUERN_CHUNK_ROWS] */
    quern_hit *tied;                /* [most_scored]: rows at one distance */

    quern_search_options options; /* of the search that is running */
    size_t count;                 /* its queries */
    size_t nearest;               /* rows whose bits are nearest, that are scored; 0: certified */
    int limbs;                    /* rows of bytes for a query: 1 or 2 */
};

static inline struct quern_shortlist *quern_searcher_list(const struct quern_searcher *searcher, int thread,
                                                          size_t query)
{
    return &searcher->lists[(size_t)thread * searcher->most_queries + query];
}

/* ---------------------------------------------------------------- search_scan.c */

/* The chunks of a full block. */
uint32_t quern_scan_chunks(const struct quern_searcher *searcher);

/* A tile of the pool, with the searcher as its argument: goes over a chunk. There are quern_scan_chunks for each
 * block. */
void quern_scan_chunk(void *argument, int tile, int thread);

/* ---------------------------------------------------------------- search_scores.c */

/* Scores the rows of a short list that do not come after the cut, and empties it. */
void quern_score_list(const struct quern_searcher *searcher, struct quern_shortlist *list,
                      const struct quern_asked_query *asked);

/* Where the short lists of a query are cut: what all threads know together. */
quern_hit quern_find_cut(const struct quern_searcher *searcher, size_t query);

/* A tile of the pool, with the searcher as its argument: scores the short list of one thread for one query. There is
 * one for each thread and query. */
void quern_score_tile(void *argument, int tile, int thread);

/* QUERN_EFORMAT if a score is not a number. No writer lets such a vector in. */
int quern_check_scores(const struct quern_searcher *searcher, quern_error *error);

/* Writes the hits of a query, the best first. result may be NULL. */
void quern_collect_hits(const struct quern_searcher *searcher, size_t query, quern_hit *hits,
                        quern_search_result *result);

#endif
