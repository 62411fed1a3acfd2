#include "base/count.h"
#include "kcheck.h"

#include <math.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 5 }; /* failures of a kernel that are printed */

bool kcheck_wanted(struct kcheck *k)
{
    return k->cases++ % k->every == 0;
}

void kcheck_case(struct kcheck *k, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(k->what, sizeof k->what, format, arguments);
    va_end(arguments);
}

static void fail(struct kcheck *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct kcheck *k, const char *format, ...)
{
    va_list arguments;
    if (k->failures++ >= SHOWN)
        return;
    fprintf(stderr, "%s %s (%s): ", k->table->name, k->kernel, k->what);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void kcheck_near(struct kcheck *k, size_t index, double got, double want, double bound)
{
    const double error = fabs(got - want);
    k->values++;
    if (bound > 0 && error > k->worst * bound)
        k->worst = error / bound;
    if (!(error <= bound))
        fail(k, "value %zu is %.9g, not %.9g within %.3g", index, got, want, bound);
}

void kcheck_same(struct kcheck *k, const char *rule, const void *got, const void *want, size_t bytes)
{
    if (memcmp(got, want, bytes) != 0)
        fail(k, "%s: not so", rule);
}

void kcheck_true(struct kcheck *k, const char *rule, bool holds)
{
    if (!holds)
        fail(k, "%s: not so", rule);
}

/* ---------------------------------------------------------------- the command */

struct options {
    uint64_t seed;
    unsigned every;
    const char *table, *filter; /* NULL: all */
    bool bench, list;
};

static const struct kcheck_check *const checks[] = {kcheck_gemm, kcheck_attention, kcheck_rows, kcheck_scan};

static int usage(void)
{
    fputs("usage: kcheck [--seed N] [--table NAME] [--filter KERNEL] [--every N] [--bench] [--list]\n"
          "Compares every kernel of every table that this CPU can run with the specification; --bench times them.\n"
          "KERNEL is a part of a kernel's name; --every checks one case in N of each kernel.\n",
          stderr);
    return 2;
}

static bool parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"seed", required_argument, NULL, 's'},   {"table", required_argument, NULL, 't'},
        {"filter", required_argument, NULL, 'f'}, {"every", required_argument, NULL, 'e'},
        {"bench", no_argument, NULL, 'b'},        {"list", no_argument, NULL, 'l'},
        {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (c) {
        case 's': o->seed = strtoull(optarg, NULL, 0); break;
        case 't': o->table = optarg; break;
        case 'f': o->filter = optarg; break;
        case 'e': o->every = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'b': o->bench = true; break;
        case 'l': o->list = true; break;
        default: return false;
        }
    return optind == argc && o->every > 0;
}

/* Returns whether the kernel is right; one that is timed is not checked. */
static bool run_check(const struct quern_kernels *table, const struct kcheck_check *check, const struct options *o)
{
    struct kcheck k = {.table = table, .kernel = check->name, .every = o->every, .random = o->seed | 1u << 31};
    if (o->bench) {
        check->bench(&k, check->variant);
        return true;
    }
    const double begin = kcheck_seconds();
    check->run(&k, check->variant);
    if (k.values > 0)
        printf("%-11s %-15s %8ld values, largest error %.2f of its bound, %.2f s%s\n", table->name, check->name,
               k.values, k.worst, kcheck_seconds() - begin, k.failures ? ": FAILED" : "");
    return k.failures == 0;
}

/* What the checks of kernels take for granted. */
static bool check_facts(const struct quern_kernels *table)
{
    bool right = true;
    for (int path = 0; path < QUERN_PATHS; path++) {
        const struct quern_activation *format = table->activation[path];
        if (kcheck_format_of(format) == NULL) {
            fprintf(stderr, "%s: kcheck does not know the activation format %s\n", table->name, format->name);
            right = false;
        }
        if (table->product_rows % format->rows_together != 0 || table->ffn_rows % format->rows_together != 0) {
            fprintf(stderr, "%s: tiles of rows cut the groups of %s\n", table->name, format->name);
            right = false;
        }
    }
    return right;
}

static bool run_checks(const struct quern_kernels *table, const struct options *o)
{
    bool right = true;
    for (size_t i = 0; i < QUERN_COUNT(checks); i++)
        for (const struct kcheck_check *check = checks[i]; check->name; check++) {
            if (o->filter && !strstr(check->name, o->filter))
                continue;
            if (o->list)
                printf("%s %s\n", table->name, check->name);
            else
                right = run_check(table, check, o) && right;
            fflush(stdout);
        }
    return right;
}

static bool run_table(const struct quern_kernels *table, const struct options *o)
{
    if (!check_facts(table))
        return false;
    quern_kernels_begin(table);
    const bool right = run_checks(table, o);
    quern_kernels_end(table);
    return right;
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .every = 1};
    int count;
    bool right = true, any = false;
    if (!parse(&o, argc, argv))
        return usage();
    const struct quern_kernels *const *tables = quern_kernels_all(&count);
    if (o.bench && !o.list)
        printf("peak: %.1f GMAC/s of bytes, %.1f of bfloat16, %.1f of floats\n",
               kcheck_measure_peak(KCHECK_PEAK_INT8) * 1e-9, kcheck_measure_peak(KCHECK_PEAK_BFLOAT16) * 1e-9,
               kcheck_measure_peak(KCHECK_PEAK_FLOAT) * 1e-9);
    for (int i = 0; i < count; i++) {
        if (o.table && strcmp(o.table, tables[i]->name) != 0)
            continue;
        if ((tables[i]->features & quern_cpu_features()) != tables[i]->features) {
            fprintf(stderr, "%s: this CPU cannot run it\n", tables[i]->name);
            continue;
        }
        any = true;
        right = run_table(tables[i], &o) && right;
    }
    if (!any)
        fputs("kcheck: no such table on this CPU\n", stderr);
    return right && any ? 0 : 1;
}
