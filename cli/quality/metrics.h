/* Measures that compare the results of vectors with known answers. */
#ifndef QUERN_EVAL_METRICS_H
#define QUERN_EVAL_METRICS_H

#include <stddef.h>

/* Correlation coefficients; NaN when all x or all y are equal. Spearman's coefficient is Pearson's coefficient of the
 * ranks; equal values have the mean of their ranks. It is NaN also when there is no memory. */
double quern_eval_pearson(const double *x, const double *y, size_t count);
double quern_eval_spearman(const double *x, const double *y, size_t count);

#define QUERN_EVAL_TOP 100 /* best documents kept of a search */

/* The best documents of a search, best first; equal scores in the order they were added. */
struct quern_eval_top {
    size_t count;
    struct {
        double score;
        size_t document;
    } best[QUERN_EVAL_TOP];
};

void quern_eval_top_add(struct quern_eval_top *top, size_t document, double score);

/* How relevant a document is to a query. A grade above 0 means relevant. */
struct quern_eval_grade {
    size_t query, document; /* document SIZE_MAX: one that the corpus does not have */
    double grade;
};

/* Sums over searches; each measure is divided by queries in the end. */
struct quern_eval_search {
    double recall_1, recall_10, recall_100; /* relevant documents found, of all relevant ones */
    double mrr_10;                          /* 1 / rank of the first relevant one */
    double ndcg_10; /* sum of grade / log2(1 + rank), divided by the same sum for the best order */
    size_t queries;
};

/* Adds a search to the sums. grades[count] are those of its query, the highest first; at least one is above 0. */
void quern_eval_search_add(struct quern_eval_search *search, const struct quern_eval_top *top,
                           const struct quern_eval_grade *grades, size_t count);

#endif
