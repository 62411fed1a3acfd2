#include "metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

double quern_eval_pearson(const double *x, const double *y, size_t count)
{
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        mean_x += x[i] / (double)count;
        mean_y += y[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

struct placed {
    double value;
    size_t place;
};

static int compare_values(const void *a, const void *b)
{
    const double x = ((const struct placed *)a)->value, y = ((const struct placed *)b)->value;
    return (x > y) - (x < y);
}

/* Writes ranks[count], counted from 0. False: no memory. */
static bool make_ranks(const double *values, size_t count, double *ranks)
{
    struct placed *sorted = malloc((count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct placed){values[i], i};
    qsort(sorted, count, sizeof *sorted, compare_values);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && sorted[next].value == sorted[i].value;)
            next++;
        for (size_t j = i; j < next; j++)
            ranks[sorted[j].place] = (double)(i + next - 1) / 2;
    }
    free(sorted);
    return true;
}

double quern_eval_spearman(const double *x, const double *y, size_t count)
{
    double result = NAN;
    double *ranks = calloc(2 * count + 1, sizeof *ranks);
    if (ranks != NULL && make_ranks(x, count, ranks) && make_ranks(y, count, ranks + count))
        result = quern_eval_pearson(ranks, ranks + count, count);
    free(ranks);
    return result;
}

void quern_eval_top_add(struct quern_eval_top *top, size_t document, double score)
{
    if (top->count == QUERN_EVAL_TOP && !(score > top->best[QUERN_EVAL_TOP - 1].score))
        return;
    size_t at = top->count < QUERN_EVAL_TOP ? top->count++ : QUERN_EVAL_TOP - 1;
    for (; at > 0 && score > top->best[at - 1].score; at--)
        top->best[at] = top->best[at - 1];
    top->best[at].document = document;
    top->best[at].score = score;
}

static double grade_of(const struct quern_eval_grade *grades, size_t count, size_t document)
{
    for (size_t i = 0; i < count; i++)
        if (grades[i].document == document)
            return grades[i].grade;
    return 0;
}

void quern_eval_search_add(struct quern_eval_search *search, const struct quern_eval_top *top,
                           const struct quern_eval_grade *grades, size_t count)
{
    size_t relevant = 0, found = 0, first = 0;
    double gain = 0, best = 0;
    for (; relevant < count && grades[relevant].grade > 0; relevant++)
        if (relevant < 10)
            best += grades[relevant].grade / log2((double)relevant + 2);
    for (size_t rank = 1; rank <= top->count; rank++) {
        const double grade = grade_of(grades, relevant, top->best[rank - 1].document);
        if (grade <= 0)
            continue;
        found++;
        first = first == 0 ? rank : first;
        gain += rank <= 10 ? grade / log2((double)rank + 1) : 0;
        search->recall_1 += rank <= 1 ? 1 / (double)relevant : 0;
        search->recall_10 += rank <= 10 ? 1 / (double)relevant : 0;
    }
    search->recall_100 += (double)found / (double)relevant;
    search->mrr_10 += first >= 1 && first <= 10 ? 1 / (double)first : 0;
    search->ndcg_10 += gain / best;
    search->queries++;
}
