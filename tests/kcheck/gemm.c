/* Products of activations with packed weights. */
#include "kcheck.h"

#include "base/count.h"
#include "kernels/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of two of the tallest tiles and one more; floats between rows of c. */
enum { ROWS = 13, COLUMNS = QUERN_PANEL_COLUMNS, GAP = 5 };

/* A variant of the checks is a type of weights and a path. */
enum { EXACT = 32 };
static_assert((int)QUERN_TYPES <= (int)EXACT, "a type and a path fit into a variant");

static enum quern_type type_of(int variant)
{
    return (enum quern_type)(variant & ~EXACT);
}

static enum quern_path path_of(int variant)
{
    return variant & EXACT ? QUERN_PATH_EXACT : QUERN_PATH_FAST;
}

struct product {
    enum quern_type type;
    enum quern_path path;
    const struct quern_activation *activation;
    const struct kcheck_format *format; /* of it */
    int length;
    enum kcheck_kind weight_kind, activation_kind;
    enum kcheck_edge edge;
    struct kcheck_memory weight_memory, panel_memory, a_memory, c_memory;
    const struct quern_gemm *gemm;
    unsigned char *weights, *panel; /* [COLUMNS] raw rows; packed */
    void *a;                        /* [rows][length] */
    float *c;                       /* [rows][COLUMNS + GAP], the last without its gap */
    int rows;
};

static const size_t c_stride = COLUMNS + GAP;

static size_t c_bytes(const struct product *p)
{
    return ((size_t)p->rows * c_stride - GAP) * sizeof(float);
}

static void product_new(struct kcheck *k, struct product *p)
{
    const size_t row_bytes = kcheck_row_bytes(p->type, p->length);
    const size_t a_rows = quern_activation_rows(p->activation, (size_t)p->rows);
    p->gemm = k->table->gemm[p->type];
    p->weights = kcheck_memory_new(&p->weight_memory, COLUMNS * row_bytes, p->edge);
    p->panel = kcheck_memory_new(&p->panel_memory, (size_t)p->length / 32 * p->gemm->block_bytes, p->edge);
    p->a = kcheck_memory_new(&p->a_memory, a_rows * quern_activation_row_bytes(p->activation, p->length), p->edge);
    p->c = kcheck_memory_new(&p->c_memory, c_bytes(p), p->edge);
    for (size_t j = 0; j < COLUMNS; j++)
        kcheck_fill_weights(k, p->weights + j * row_bytes, p->type, p->length, p->weight_kind);
    p->format->fill(k, p->a, (int)a_rows, p->length, p->activation_kind);
    p->gemm->pack(p->panel, p->weights, row_bytes, p->length);
}

static void product_free(struct kcheck *k, struct product *p)
{
    kcheck_memory_free(k, &p->weight_memory);
    kcheck_memory_free(k, &p->panel_memory);
    kcheck_memory_free(k, &p->a_memory);
    kcheck_memory_free(k, &p->c_memory);
}

static void multiply(const struct product *p, int row, int count)
{
    p->gemm->run[p->path](p->c + (size_t)row * c_stride, c_stride, p->a, row, count, p->panel, p->length,
                          p->edge == KCHECK_END ? p->panel : NULL);
}

static void compare_product(struct kcheck *k, const struct product *p)
{
    double *values = malloc((size_t)p->length * sizeof *values);
    for (int j = 0; j < COLUMNS; j++) {
        const struct kcheck_weights w = {p->type, p->length,
                                         p->weights + (size_t)j * kcheck_row_bytes(p->type, p->length), values};
        quern_spec_weights(values, p->type, w.raw, p->length);
        for (int i = 0; i < p->rows; i++) {
            double magnitude, bound;
            const double want = p->format->product(p->a, i, &w, &magnitude, &bound);
            const bool exact = p->weight_kind == KCHECK_WHOLE && p->activation_kind == KCHECK_WHOLE &&
                               magnitude < 0x1p24 && !p->format->rounds_weights;
            kcheck_near(k, (size_t)(i * COLUMNS + j), p->c[(size_t)i * c_stride + (size_t)j], want, exact ? 0 : bound);
        }
    }
    free(values);
}

/* A row is the same, bit for bit, whatever rows are computed with it; the gaps between rows stay as they were. */
static void check_rows_alone(struct kcheck *k, const struct product *p)
{
    const int together = p->activation->rows_together, skip = (4 + together - 1) / together * together;
    const size_t bytes = c_bytes(p);
    float *all = malloc(bytes);
    memcpy(all, p->c, bytes);
    const int stride = p->length <= 160 ? 1 : 3; /* the long ones with some counts only */
    for (int count = p->rows - 1; count > 0; count -= stride)
        for (int row = 0; row + count <= p->rows; row += (count + together - 1) / together * together + skip) {
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
    multiply(p, 0, p->rows);
    for (size_t i = 0; i + 1 < (size_t)p->rows; i++)
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
    struct product p = {.type = type_of(variant), .path = path_of(variant)};
    p.activation = k->table->activation[p.path];
    p.format = kcheck_format_of(p.activation);
    p.rows = p.activation->rows_together > 1 ? 2 * p.activation->rows_together + 3 : ROWS;
    if (k->table->gemm[p.type]->run[p.path] == NULL)
        return;
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

enum { PANELS = 24, MOST_ROWS = 128 }; /* columns of the model's width */

struct timing {
    const struct quern_gemm *gemm;
    enum quern_path path;
    int count, length;
    unsigned char *panels;
    void *a;
    float *c;
};

static void time_product(void *user)
{
    const struct timing *t = user;
    const size_t bytes = t->gemm->block_bytes * (size_t)(t->length / 32);
    for (size_t p = 0; p < PANELS; p++) {
        const unsigned char *panel = t->panels + p * bytes;
        t->gemm->run[t->path](t->c + p * COLUMNS, PANELS * COLUMNS, t->a, 0, t->count, panel, t->length,
                              p + 1 < PANELS ? panel + bytes : NULL);
    }
}

static void bench_type(struct kcheck *k, int variant)
{
    const enum quern_type type = type_of(variant);
    const enum quern_path path = path_of(variant);
    const struct quern_activation *activation = k->table->activation[path];
    const struct kcheck_format *format = kcheck_format_of(activation);
    const size_t a_rows = quern_activation_rows(activation, MOST_ROWS);
    static const int counts[] = {1, 4, 8, 16, MOST_ROWS}, lengths[] = {768, 1152};
    const size_t length_count = kcheck_block_length(type) > 32 ? 1 : 2;
    struct timing t = {.gemm = k->table->gemm[type], .path = path};
    if (t.gemm->run[path] == NULL)
        return;
    unsigned char *rows = malloc(COLUMNS * kcheck_row_bytes(type, 1152));
    struct kcheck_memory panel_memory, a_memory;
    t.panels = kcheck_memory_new(&panel_memory, PANELS * t.gemm->block_bytes * (1152 / 32), KCHECK_START);
    t.a = kcheck_memory_new(&a_memory, a_rows * quern_activation_row_bytes(activation, 1152), KCHECK_START);
    t.c = malloc(MOST_ROWS * PANELS * COLUMNS * sizeof *t.c);
    for (size_t l = 0; l < length_count; l++) {
        t.length = lengths[l];
        format->fill(k, t.a, (int)a_rows, t.length, KCHECK_GAUSS);
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
                        kcheck_peak_of(activation), time_product, &t);
        }
    }
    free(rows);
    kcheck_memory_free(k, &panel_memory);
    kcheck_memory_free(k, &a_memory);
    free(t.c);
}

#define BOTH(name, type)                                                                                               \
    {"gemm_fast_" name, check_type, bench_type, type}, {"gemm_exact_" name, check_type, bench_type, type | EXACT}

const struct kcheck_check kcheck_gemm[] = {BOTH("f32", QUERN_TYPE_F32),
                                           BOTH("f16", QUERN_TYPE_F16),
                                           BOTH("bf16", QUERN_TYPE_BF16),
                                           BOTH("q8_0", QUERN_TYPE_Q8_0),
                                           BOTH("q4_0", QUERN_TYPE_Q4_0),
                                           BOTH("iq4_nl", QUERN_TYPE_IQ4_NL),
                                           BOTH("q4_1", QUERN_TYPE_Q4_1),
                                           BOTH("q5_0", QUERN_TYPE_Q5_0),
                                           BOTH("q5_1", QUERN_TYPE_Q5_1),
                                           BOTH("q2_k", QUERN_TYPE_Q2_K),
                                           BOTH("q3_k", QUERN_TYPE_Q3_K),
                                           BOTH("q4_k", QUERN_TYPE_Q4_K),
                                           BOTH("q5_k", QUERN_TYPE_Q5_K),
                                           BOTH("q6_k", QUERN_TYPE_Q6_K),
                                           {NULL, NULL, NULL, 0}};
