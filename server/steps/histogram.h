/* A histogram: how many values of each size there were. */
#ifndef QUERN_SERVER_HISTOGRAM_H
#define QUERN_SERVER_HISTOGRAM_H

#include <stdint.h>

/* All histograms have the same bounds, powers of two. counts[i]: values above 2^(i-1+LEAST), up to 2^(i+LEAST). */
#define QUERN_HISTOGRAM_LEAST (-14)
#define QUERN_HISTOGRAM_BUCKETS 34 /* the last bucket has all values above the last bound */

struct quern_histogram {
    uint64_t counts[QUERN_HISTOGRAM_BUCKETS];
    double sum;
};

void quern_histogram_add(struct quern_histogram *histogram, double value);

#endif
