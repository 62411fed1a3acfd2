/* kcheck compares every kernel of every table that this CPU can run with the specification (kernels/spec.h), and times
 * them. It needs nothing of the library but the kernels, so it is built quickly for another architecture. Valgrind
 * offers AVX2 at most, so the tables beyond it run on a real CPU only; amx also runs in plain C (tiles_in_c.c). */
#ifndef KCHECK_H
#define KCHECK_H

#include "kernels/int8.h"

#include <stdbool.h>

#define KCHECK_UNIT 0x1p-24      /* largest relative error of one rounding to float32 */
#define KCHECK_SMALLEST 0x1p-149 /* smallest float32: twice the largest error below the normal numbers */

/* What is being checked, and what was found. */
struct kcheck {
    const struct quern_kernels *table;
    const char *kernel;
    char what[160]; /* the case: shapes and kinds of operands */
    unsigned every, cases; /* of this kernel's cases so far, numbers 0, every, 2 * every and so on are checked */
    uint64_t random;
    double worst; /* largest error of this kernel, in units of its bound */
    long values;  /* compared */
    int failures; /* of this kernel */
};

/* Whether the next case of the kernel must be checked. Called once for each case. */
bool kcheck_wanted(struct kcheck *k);
void kcheck_case(struct kcheck *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* |got - want| <= bound for value number index of the case; a NaN fails. */
void kcheck_near(struct kcheck *k, size_t index, double got, double want, double bound);
void kcheck_same(struct kcheck *k, const char *rule, const void *got, const void *want, size_t bytes);
void kcheck_true(struct kcheck *k, const char *rule, bool holds);

/* ---------------------------------------------------------------- operands */

uint32_t kcheck_random(struct kcheck *k);
double kcheck_uniform(struct kcheck *k); /* in [-1, 1) */
double kcheck_gauss(struct kcheck *k);

enum kcheck_kind {
    KCHECK_GAUSS,
    KCHECK_UNIFORM,
    KCHECK_WHOLE,   /* whole numbers, scales 1: sums are exact */
    KCHECK_EXTREME, /* largest magnitudes of bytes and scales */
    KCHECK_ZEROS,   /* every other block */
    KCHECK_TINY,    /* subnormal scales and floats */
    KCHECK_HUGE,
    KCHECK_KINDS
};
extern const char *const kcheck_kind_names[KCHECK_KINDS];

/* Weights that a block of the type holds, and bytes of a row. */
int kcheck_block_length(enum quern_type type);
size_t kcheck_row_bytes(enum quern_type type, int length);
void kcheck_fill_floats(struct kcheck *k, float *x, size_t count, enum kcheck_kind kind);
/* A whole number from lowest, -128 or -127, to 127. */
int kcheck_byte(struct kcheck *k, enum kcheck_kind kind, int lowest, uint32_t pattern);
void kcheck_fill_weights(struct kcheck *k, unsigned char *row, enum quern_type type, int length, enum kcheck_kind kind);

/* A row of weights as it came from a file, and decoded. */
struct kcheck_weights {
    enum quern_type type;
    int length;
    const unsigned char *raw;
    const double *values;
};

enum kcheck_peak { KCHECK_PEAK_NONE, KCHECK_PEAK_INT8, KCHECK_PEAK_BFLOAT16, KCHECK_PEAK_FLOAT };

/* A format of activations as kcheck knows it. */
struct kcheck_format {
    const char *name;
    bool rounds_weights; /* products of whole numbers are not exact */
    /* Fills rows of a buffer with numbers that the format can hold. */
    void (*fill)(struct kcheck *k, void *buffer, int rows, int length, enum kcheck_kind kind);
    /* Element i of a row. */
    double (*get)(const void *buffer, int row, int length, int i);
    /* Compares a row with what it should hold before it is rounded to the format, give or take bound. */
    void (*compare)(struct kcheck *k, const void *buffer, int row, int length, const double *want, const double *bound);
    /* What the product with a row of weights should be, give or take *bound; *magnitude as spec.h says. */
    double (*product)(const void *buffer, int row, const struct kcheck_weights *weights, double *magnitude,
                      double *bound);
};

/* NULL for a format that kcheck does not know. */
const struct kcheck_format *kcheck_format_of(const struct quern_activation *activation);

/* Memory between two pages that cannot be accessed, directly before the second one or directly after the first. The
 * rest of its own pages is watched for writes. */
struct kcheck_memory {
    unsigned char *pages;
    size_t page_bytes, bytes;
    unsigned char *at;
};
enum kcheck_edge { KCHECK_END, KCHECK_START };

void *kcheck_memory_new(struct kcheck_memory *m, size_t bytes, enum kcheck_edge edge);
/* Fails the case when something outside the memory was written. */
void kcheck_memory_free(struct kcheck *k, struct kcheck_memory *m);

/* ---------------------------------------------------------------- checks and timings */

struct kcheck_check {
    const char *name;
    void (*run)(struct kcheck *k, int variant);
    void (*bench)(struct kcheck *k, int variant);
    int variant;
};
/* The last one of each has no name. */
extern const struct kcheck_check kcheck_gemm[], kcheck_attention[], kcheck_rows[], kcheck_scan[];

/* Bench: prints a line for work done in a call, given as multiply-adds and bytes that are read; 0 prints no such
 * figure. peak is what to compare multiply-adds with. */
void kcheck_time(struct kcheck *k, const char *shape, double macs, double bytes, enum kcheck_peak peak,
                 void (*call)(void *), void *user);

/* Multiply-adds a second of the widest instructions this CPU has. A thread may call it between the thread_begin and
 * thread_end of a table, but not while tiles hold data. */
double kcheck_measure_peak(enum kcheck_peak peak);
/* The peak for products of this format of activations. */
enum kcheck_peak kcheck_peak_of(const struct quern_activation *activation);
double kcheck_seconds(void);

#endif
