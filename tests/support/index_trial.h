/* An index in a folder of its own, rows of many kinds to put into it, and the plain search that a real one is compared
 * with. A failure fails the test that runs. */
#ifndef QUERN_TESTS_INDEX_TRIAL_H
#define QUERN_TESTS_INDEX_TRIAL_H

#include "quern_index.h"

#include <stdbool.h>

extern char index_trial_path[]; /* of the index */

/* Before and after all tests of a program: a folder of its own. */
int index_trial_begin(void **state);
int index_trial_end(void **state);

quern_index_writer *index_trial_create(const quern_index_options *options);
quern_index *index_trial_open(void);

/* From -1 to 1, with more numbers in the middle. */
float index_trial_number(void);

/* The score as the specification of the kernels adds it up. */
double index_trial_score(const float *a, const float *b, int dimensions);

/* Vectors that are hard to search, each kind in its own way. */
enum index_rows_kind {
    ROWS_RANDOM, ROWS_CLUSTERED, ROWS_DUPLICATED, ROWS_EQUAL, ROWS_ZEROS, ROWS_SCALES, ROWS_TINY, ROWS_SPARSE,
    ROWS_KINDS /* how many there are */
};

/* Rows as a plain list. */
struct index_rows {
    int dimensions;
    size_t count;
    float *vectors;
    uint64_t *ids;
    bool *gone;
};

struct index_rows index_rows_make(enum index_rows_kind kind, size_t count, int dimensions);
void index_rows_free(struct index_rows *set);

/* The id and the payload of row i. */
quern_index_row index_rows_at(const struct index_rows *set, size_t i);

/* Adds rows [begin, end). */
void index_rows_add(quern_index_writer *writer, const struct index_rows *set, size_t begin, size_t end);

/* Makes an index of all rows. */
void index_rows_write(const struct index_rows *set, bool bits);

/* Compares the hits of a query with those of a plain loop over all rows that are not gone, and are asked for. */
void index_rows_check_hits(const struct index_rows *set, const float *query, const quern_search_options *options,
                           const quern_hit *hits, const quern_search_result *result);

/* Searches with some queries at once, and compares all hits. */
void index_rows_check_search(const struct index_rows *set, const quern_index *index, size_t queries, int threads,
                             const quern_search_options *options);

#endif
