/* Products of activations with packed weights. */
#include "kcheck.h"

#include "base/count.h"
#include "kernels/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 13, COLUMNS = 32, GAP = 5 }; /* two tiles of the tallest and one more; floats between rows of c */

/* A variant of the checks is a type of weights, and whether activations are quantised. */
enum { QUANTISED = 32 };

static enum quern_type type_of(int variant)
{
    return (enum quern_type)(variant & ~QUANTISED);
}

struct product {
    enum quern_type type;
    bool quantised; /* activations */
    int length;
    enum kcheck_kind weight_kind, activation_kind;
    enum kcheck_edge edge;
    struct kcheck_memory weight_memory, panel_memory, a_memory, c_memory;
    const struct quern_gemm *gemm;
    unsigned char *weights, *panel; /* [COLUMNS] raw rows; packed */
    void *a;                        /* [ROWS][length] */
    float *c;                       /* [ROWS][COLUMNS + GAP], the last without its gap */
    size_t a_row_bytes;
};

static const size_t c_stride = COLUMNS + GAP;

static void product_new(struct kcheck *k, struct product *p)
{
    const size_t row_bytes = kcheck_row_bytes(p->type, p->length), blocks = (size_t)p->length / 32;
    p->gemm = k->table->gemm[p->type];
    p->weights = kcheck_memory_new(&p->weight_memory, COLUMNS * row_bytes, p->edge);
    p->panel = kcheck_memory_new(&p->panel_memory, blocks * p->gemm->block_bytes, p->edge);
    p->a_row_bytes = p->quantised ? blocks * sizeof(struct quern_q8) : (size_t)p->length * sizeof(float);
    p->a = kcheck_memory_new(&p->a_memory, ROWS * p->a_row_bytes, p->edge);
    p->c = kcheck_memory_new(&p->c_memory, (ROWS * c_stride - GAP) * sizeof(float), p->edge);
    for (size_t j = 0; j < COLUMNS; j++)
        kcheck_fill_weights(k, p->weights + j * row_bytes, p->type, p->length, p->weight_kind);
    if (p->quantised)
        kcheck_fill_q8(k, p->a, ROWS * blocks, p->activation_kind);
    else
        kcheck_fill_floats(k, p->a, ROWS * (size_t)p->length, p->activation_kind);
    p->gemm->pack(p->panel, p->weights, row_bytes, p->length);
}

static void product_free(struct kcheck *k, struct product *p)
{
    kcheck_memory_free(k, &p->weight_memory);
    kcheck_memory_free(k, &p->panel_memory);
    kcheck_memory_free(k, &p->a_memory);
    kcheck_memory_free(k, &p->c_memory);
}

static void *a_row(const struct product *p, int row)
{
    return (unsigned char *)p->a + (size_t)row * p->a_row_bytes;
}

static void multiply(const struct product *p, int row, int count)
{
    float *c = p->c + (size_t)row * c_stride;
    if (p->quantised)
        p->gemm->run_q8(c, c_stride, a_row(p, row), count, p->panel, p->length,
                        p->edge == KCHECK_END ? p->panel : NULL);
    else
        p->gemm->run_f32(c, c_stride, a_row(p, row), (size_t)p->length, count, p->panel, p->length);
}

/* Sums in a row of 8-bit products: a group's, and if there is one its minimum's. */
static int sums(const struct product *p)
{
    switch (p->type) {
    case QUERN_TYPE_Q8_0:
    case QUERN_TYPE_Q4_0:
    case QUERN_TYPE_IQ4_NL: return p->length / 32;
    case QUERN_TYPE_Q2_K: return p->length / 8;
    default: return p->length / 16;
    }
}

/* Every term is rounded at most three times (two scales, the product) and each sum once; whole numbers not at all. */
static void compare_product(struct kcheck *k, const struct product *p)
{
    double *w = malloc((size_t)p->length * sizeof *w);
    const int terms = p->quantised ? sums(p) : p->length;
    for (int j = 0; j < COLUMNS; j++) {
        const unsigned char *row = p->weights + (size_t)j * kcheck_row_bytes(p->type, p->length);
        quern_spec_weights(w, p->type, row, p->length);
        for (int i = 0; i < ROWS; i++) {
            double magnitude, want;
            if (p->quantised)
                want = quern_spec_product_q8(a_row(p, i), p->type, row, p->length, &magnitude);
            else
                want = quern_spec_product_f32(a_row(p, i), w, p->length, &magnitude);
            const bool exact = p->weight_kind == KCHECK_WHOLE && p->activation_kind == KCHECK_WHOLE &&
                               magnitude < 0x1p24;
            /* below the normal numbers a scale may be off by KCHECK_SMALLEST / 2, times a block's 32 * 127 * 128 */
            const double smallest = (p->quantised ? 0x1p18 : 1) * KCHECK_SMALLEST;
            const double bound = (terms + 3) * (KCHECK_UNIT * magnitude + smallest);
            kcheck_near(k, (size_t)(i * COLUMNS + j), p->c[(size_t)i * c_stride + (size_t)j], want, exact ? 0 : bound);
        }
    }
    free(w);
}

/* A row is the same, bit for bit, whatever rows are computed with it; the gaps between rows stay as they were. */
static void check_rows_alone(struct kcheck *k, const struct product *p)
{
    const size_t bytes = (ROWS * c_stride - GAP) * sizeof(float);
    float *all = malloc(bytes);
    memcpy(all, p->c, bytes);
    const int stride = p->length <= 160 ? 1 : 3; /* the long ones with some counts only */
    for (int count = ROWS - 1; count > 0; count -= stride)
        for (int row = 0; row + count <= ROWS; row += count + 4) {
            for (int r = row; r < row + count; r++) /* to see that each is written */
                memset(p->c + (size_t)r * c_stride, 0xff, COLUMNS * sizeof *p->c);
            multiply(p, row, count);
            kcheck_same(k, "a row is the same with any others", p->c, all, bytes);
            memcpy(p->c, all, bytes);
        }
    free(all);
}

static void check_product(struct kcheck *k, struct product *p)
{
    kcheck_case(k, "length %d, weights %s, activations %s", p->length,
                kcheck_kind_names[p->weight_kind], kcheck_kind_names[p->activation_kind]);
    product_new(k, p);
    unsigned char gap[GAP * sizeof(float)];
    memcpy(gap, p->c + COLUMNS, sizeof gap);
    multiply(p, 0, ROWS);
    for (size_t i = 0; i + 1 < ROWS; i++)
        kcheck_same(k, "nothing between rows is written", p->c + i * c_stride + COLUMNS, gap, sizeof gap);
    compare_product(k, p);
    check_rows_alone(k, p);
    product_free(k, p);
}

static void check_type(struct kcheck *k, int variant)
{
    static const int short_lengths[] = {32, 64, 96, 160, 1152}, long_lengths[] = {256, 512, 1280};
    const bool is_long = kcheck_block_length(type_of(variant)) > 32;
    const int *lengths = is_long ? long_lengths : short_lengths, length_count = is_long ? 3 : 5;
    struct product p = {.type = type_of(variant), .quantised = variant & QUANTISED};
    for (int l = 0; l < length_count; l++) {
        p.length = lengths[l];
        for (int kind = 0; kind < KCHECK_KINDS + (p.length <= 160 ? 3 : 0); kind++) { /* some of mixed kinds */
            if (!kcheck_wanted(k))
                continue;
            const bool mixed = kind >= KCHECK_KINDS;
            p.weight_kind = mixed ? kcheck_random(k) % KCHECK_KINDS : (enum kcheck_kind)kind;
            p.activation_kind = mixed ? kcheck_random(k) % KCHECK_KINDS : (enum kcheck_kind)kind;
            p.edge = kind % 2 ? KCHECK_START : KCHECK_END;
            check_product(k, &p);
        }
    }
}

/* ---------------------------------------------------------------- timing */

enum { PANELS = 24 }; /* columns of the model's width */

struct timing {
    const struct quern_gemm *gemm;
    bool quantised;
    int count, length;
    unsigned char *panels;
    float *a, *c;
    struct quern_q8 *q;
};

static void time_product(void *user)
{
    const struct timing *t = user;
    const size_t bytes = t->gemm->block_bytes * (size_t)(t->length / 32);
    for (size_t p = 0; p < PANELS; p++) {
        const unsigned char *panel = t->panels + p * bytes;
        float *c = t->c + p * COLUMNS;
        if (t->quantised)
            t->gemm->run_q8(c, PANELS * COLUMNS, t->q, t->count, panel, t->length,
                            p + 1 < PANELS ? panel + bytes : NULL);
        else
            t->gemm->run_f32(c, PANELS * COLUMNS, t->a, (size_t)t->length, t->count, panel, t->length);
    }
}

static void bench_type(struct kcheck *k, int variant)
{
    const enum quern_type type = type_of(variant);
    const bool quantised = variant & QUANTISED;
    static const int counts[] = {1, 4, 8, 16, 128}, lengths[] = {768, 1152};
    const size_t length_count = kcheck_block_length(type) > 32 ? 1 : 2;
    struct timing t = {.gemm = k->table->gemm[type], .quantised = quantised};
    unsigned char *rows = malloc(COLUMNS * kcheck_row_bytes(type, 1152));
    t.panels = aligned_alloc(64, PANELS * t.gemm->block_bytes * (1152 / 32));
    t.a = malloc(128 * 1152 * sizeof *t.a);
    t.q = malloc(128 * (1152 / 32) * sizeof *t.q);
    t.c = malloc(128 * PANELS * COLUMNS * sizeof *t.c);
    kcheck_fill_floats(k, t.a, 128 * 1152, KCHECK_GAUSS);
    kcheck_fill_q8(k, t.q, 128 * (1152 / 32), KCHECK_GAUSS);
    for (size_t l = 0; l < length_count; l++) {
        t.length = lengths[l];
        const size_t row_bytes = kcheck_row_bytes(type, t.length);
        const size_t panel_bytes = t.gemm->block_bytes * (size_t)(t.length / 32);
        for (size_t j = 0; j < COLUMNS; j++)
            kcheck_fill_weights(k, rows + j * row_bytes, type, t.length, KCHECK_GAUSS);
        for (size_t p = 0; p < PANELS; p++)
            t.gemm->pack(t.panels + p * panel_bytes, rows, row_bytes, t.length);
        for (size_t i = 0; i < QUERN_COUNT(counts); i++) {
            char shape[64];
            t.count = counts[i];
            snprintf(shape, sizeof shape, "%d x %d x %d", t.count, t.length, PANELS * COLUMNS);
            kcheck_time(k, shape, (double)t.count * t.length * PANELS * COLUMNS, (double)(PANELS * panel_bytes),
                        quantised ? KCHECK_PEAK_INT8 : KCHECK_PEAK_FLOAT, time_product, &t);
        }
    }
    free(rows);
    free(t.panels);
    free(t.a);
    free(t.q);
    free(t.c);
}

#define FLOATS(name, type) {"gemm_f32_" name, check_type, bench_type, type}
#define BOTH(name, type) {"gemm_q8_" name, check_type, bench_type, type | QUANTISED}, FLOATS(name, type)

const struct kcheck_check kcheck_gemm[] = {BOTH("q8", QUERN_TYPE_Q8_0),
                                           BOTH("q4", QUERN_TYPE_Q4_0),
                                           BOTH("iq4_nl", QUERN_TYPE_IQ4_NL),
                                           BOTH("q4_1", QUERN_TYPE_Q4_1),
                                           BOTH("q5_0", QUERN_TYPE_Q5_0),
                                           BOTH("q5_1", QUERN_TYPE_Q5_1),
                                           BOTH("q2_k", QUERN_TYPE_Q2_K),
                                           BOTH("q3_k", QUERN_TYPE_Q3_K),
                                           BOTH("q4_k", QUERN_TYPE_Q4_K),
                                           BOTH("q5_k", QUERN_TYPE_Q5_K),
                                           BOTH("q6_k", QUERN_TYPE_Q6_K),
                                           FLOATS("f32", QUERN_TYPE_F32),
                                           FLOATS("f16", QUERN_TYPE_F16),
                                           FLOATS("bf16", QUERN_TYPE_BF16),
                                           {NULL, NULL, NULL, 0}};
