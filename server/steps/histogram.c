#include "histogram.h"

#include <math.h>

void quern_histogram_add(struct quern_histogram *histogram, double value)
{
    int exponent;
    const double fraction = frexp(value, &exponent);
    int bucket = exponent - (fraction == 0.5) - QUERN_HISTOGRAM_LEAST;
    if (!(value > 0) || bucket < 0)
        bucket = 0;
    if (bucket > QUERN_HISTOGRAM_BUCKETS - 1)
        bucket = QUERN_HISTOGRAM_BUCKETS - 1;
    histogram->counts[bucket]++;
    histogram->sum += value;
}
