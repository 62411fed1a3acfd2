/* Measures the time of a call: many samples, then the median, the least and the 99th percentile. */
#include "bench.h"

#include <stdlib.h>
#include <time.h>

enum { MOST_SAMPLES = 4096, LEAST_SAMPLES = 5, MOST_CALLS = 1 << 20 };

double quern_bench_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double quern_bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* Sets *ns to the time of one call, as the mean over so many calls. */
static int sample(double *ns, quern_bench_call *call, void *user, int calls)
{
    const double begin = quern_bench_now_ns();
    int code = QUERN_OK;
    for (int i = 0; i < calls && code == QUERN_OK; i++)
        code = call(user);
    *ns = (quern_bench_now_ns() - begin) / calls;
    return code;
}

int quern_bench_measure(struct quern_bench_figures *figures, quern_bench_call *call, void *user, double seconds)
{
    static double samples[MOST_SAMPLES];
    int calls = 1, count = 0, code = sample(samples, call, user, 1);
    /* Doubles the calls of a sample until it takes 10 us, so that the cost of reading the clock does not matter. */
    do {
        code = code == QUERN_OK ? sample(samples, call, user, calls) : code;
    } while (code == QUERN_OK && samples[0] * calls < 1e4 && calls < MOST_CALLS && (calls *= 2));
    const struct quern_bench_count before = quern_bench_counted();
    const double end = quern_bench_now_ns() + seconds * 1e9;
    while (code == QUERN_OK && count < MOST_SAMPLES && (count < LEAST_SAMPLES || quern_bench_now_ns() < end))
        code = sample(&samples[count++], call, user, calls);
    if (code != QUERN_OK)
        return code;
    const struct quern_bench_count after = quern_bench_counted();
    const double made = (double)count * calls;
    const double median = quern_bench_median(samples, (size_t)count);
    *figures = (struct quern_bench_figures){
        .p50_ns = median, .min_ns = samples[0], .p99_ns = samples[(count * 99 + 99) / 100 - 1],
        .bytes = (double)(after.bytes - before.bytes) / made,
        .allocations = (double)(after.allocations - before.allocations) / made};
    return QUERN_OK;
}
