/* Kernels over one row: norms, rotation, GeGLU, quantisation. */
#include "kcheck.h"

#include "base/count.h"
#include "kernels/spec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 1152, BLOCKS = LONGEST / 32 };

static const int lengths[] = {32, 64, 96, 160, 256, 768, 1152};
static const float epsilon = 1e-6f;

enum op { NORM_F32, NORM_Q8, ADD_NORM, NORM_ROPE, GEGLU_F32, GEGLU_Q8, QUANTIZE };

/* Operands of any of them, and what should come out. */
struct row {
    int length;
    struct kcheck_memory memory[5];
    float *x, *y, *z, *w;     /* [length]; which is which is said where the kernel is called */
    void *out;                /* [length], or blocks */
    double want[LONGEST];     /* unquantised */
    double bound[LONGEST];    /* of float32 results, or of values before they are quantised */
};

static bool gives_blocks(enum op op)
{
    return op == NORM_Q8 || op == GEGLU_Q8 || op == QUANTIZE;
}

static void row_new(struct kcheck *k, struct row *r, enum op op, enum kcheck_kind kind)
{
    const size_t length = (size_t)r->length, bytes = length * sizeof(float);
    const enum kcheck_edge edge = kcheck_random(k) % 2 ? KCHECK_START : KCHECK_END;
    float **operands[] = {&r->x, &r->y, &r->z, &r->w};
    for (int i = 0; i < 4; i++) {
        *operands[i] = kcheck_memory_new(&r->memory[i], bytes, edge);
        kcheck_fill_floats(k, *operands[i], length, kind);
    }
    r->out = kcheck_memory_new(&r->memory[4], gives_blocks(op) ? length / 32 * sizeof(struct quern_q8) : bytes, edge);
}

static void row_free(struct kcheck *k, struct row *r)
{
    for (int i = 0; i < 5; i++)
        kcheck_memory_free(k, &r->memory[i]);
}

/* Relative error of a normalised element: squares are summed up eight or more side by side, the root halves the sum's
 * error, and a few roundings follow. */
static double norm_error(int length)
{
    return (length / 8 + 16) * KCHECK_UNIT;
}

static void want_norm(struct row *r, const float *x, const float *weight)
{
    quern_spec_norm(r->want, x, weight, r->length, epsilon);
    for (int i = 0; i < r->length; i++)
        r->bound[i] = norm_error(r->length) * fabs(r->want[i]) + 2 * KCHECK_SMALLEST;
}

static void want_add_norm(struct row *r)
{
    want_norm(r, r->y, r->w);
    for (int i = 0; i < r->length; i++) {
        r->want[i] += r->x[i];
        r->bound[i] += KCHECK_UNIT * fabs(r->want[i]);
    }
}

static void want_norm_rope(struct row *r)
{
    const int half = r->length / 2;
    double plain[LONGEST];
    quern_spec_norm(plain, r->x, r->w, r->length, epsilon);
    quern_spec_norm_rope(r->want, r->x, r->w, r->y, r->z, r->length, epsilon);
    for (int i = 0; i < half; i++) {
        const double a = fabs(plain[i]), b = fabs(plain[half + i]);
        const double c = fabs((double)r->y[i]), s = fabs((double)r->z[i]);
        const double error = norm_error(r->length) + 2 * KCHECK_UNIT;
        r->bound[i] = error * (a * c + b * s) + 4 * KCHECK_SMALLEST;
        r->bound[half + i] = error * (a * s + b * c) + 4 * KCHECK_SMALLEST;
    }
}

/* An error of t in e^t is a relative one, and t has a few roundings. Where e^t leaves float32, the result is as good as
 * zero next to z * up. */
static void want_geglu(struct row *r)
{
    quern_spec_geglu(r->want, r->x, r->y, r->length);
    for (int i = 0; i < r->length; i++) {
        const double z = fabs((double)r->x[i]), t = 1.6 * (z + 0.0447 * z * z * z);
        r->bound[i] = (16 + 4 * fmin(t, 100)) * KCHECK_UNIT * fabs(r->want[i]) + 1e-37 * z * fabs((double)r->y[i]) +
                      4 * KCHECK_SMALLEST;
    }
}

/* A block against unquantised values: the scale is as exact as the largest of them, and whole numbers are the nearest
 * ones, unless the error of a value decides a near tie. */
static void compare_block(struct kcheck *k, size_t index, const struct quern_q8 *block, const double *want,
                          const double *bound)
{
    double q[32], largest = 0, off = 0;
    const double scale = quern_spec_quantize(q, want);
    int sum = 0, half = 0;
    for (int i = 0; i < 32; i++) {
        largest = fmax(largest, fabs(want[i]));
        off = fmax(off, bound[i]);
    }
    if (fabs(largest - 1e-30) < off + 1e-36) /* may count as zeros or not */
        return;
    const double slack = scale > 0 ? 0.5 + 2 * off / scale + 400 * KCHECK_UNIT : 0;
    kcheck_near(k, index, block->scale, scale, scale > 0 ? 2 * KCHECK_UNIT * scale + off / 127 : 0);
    for (int i = 0; i < 32; i++) {
        kcheck_near(k, index * 32 + (size_t)i, block->q[i], q[i], slack);
        kcheck_true(k, "-127 <= q", block->q[i] >= -127);
        sum += block->q[i];
        half += i < 16 ? block->q[i] : 0;
    }
    kcheck_true(k, "sum = scale * sum(q)", block->sum == block->scale * (float)sum);
    kcheck_true(k, "bias = -128 * sum(q)", block->bias == -128 * sum);
    kcheck_true(k, "half = -128 * sum(q, first half)", block->half == -128 * half);
}

static void compare_blocks(struct kcheck *k, const struct row *r)
{
    for (int b = 0; b < r->length / 32; b++)
        compare_block(k, (size_t)b, (const struct quern_q8 *)r->out + b, r->want + 32 * b, r->bound + 32 * b);
}

static void compare_floats(struct kcheck *k, const struct row *r)
{
    const float *out = r->out;
    for (int i = 0; i < r->length; i++)
        kcheck_near(k, (size_t)i, out[i], r->want[i], r->bound[i]);
}

/* Calls the kernel; says what it should have done if want. Kernels that work in place do so in out. */
static void call(const struct kcheck *k, struct row *r, enum op op, bool want)
{
    const struct quern_kernels *t = k->table;
    const size_t bytes = (size_t)r->length * sizeof(float);
    switch (op) {
    case NORM_F32: t->norm_f32(r->out, r->x, r->w, r->length, epsilon); break;
    case NORM_Q8: t->norm_q8(r->out, r->x, r->w, r->length, epsilon); break;
    case ADD_NORM:
        memcpy(r->out, r->x, bytes);
        t->add_norm(r->out, r->y, r->w, r->length, epsilon);
        break;
    case NORM_ROPE:
        memcpy(r->out, r->x, bytes);
        t->norm_rope(r->out, r->w, r->y, r->z, r->length, epsilon);
        break;
    case GEGLU_F32: t->geglu_f32(r->out, r->x, r->y, r->length); break;
    case GEGLU_Q8: t->geglu_q8(r->out, r->x, r->y, r->length); break;
    case QUANTIZE: t->quantize(r->out, r->x, r->length); break;
    }
    if (!want)
        return;
    switch (op) {
    case NORM_F32:
    case NORM_Q8: want_norm(r, r->x, r->w); break;
    case ADD_NORM: want_add_norm(r); break;
    case NORM_ROPE: want_norm_rope(r); break;
    case GEGLU_F32:
    case GEGLU_Q8: want_geglu(r); break;
    case QUANTIZE:
        for (int i = 0; i < r->length; i++) {
            r->want[i] = r->x[i];
            r->bound[i] = 0;
        }
    }
}

/* A value that is not a number, anywhere in a block, must not get lost in the rounding. */
static void check_nan(struct kcheck *k, struct row *r, enum op op)
{
    const struct quern_q8 *blocks = r->out;
    for (int i = 0; i < 32; i++) {
        kcheck_case(k, "NaN as element %d", i);
        const float kept = r->x[i];
        r->x[i] = NAN;
        call(k, r, op, false);
        kcheck_true(k, "a block with a NaN has a scale of NaN", isnan(blocks[0].scale));
        r->x[i] = kept;
    }
}

static void check_row(struct kcheck *k, int variant)
{
    const enum op op = (enum op)variant;
    static struct row r;
    for (size_t l = 0; l < QUERN_COUNT(lengths); l++)
        for (int kind = 0; kind < KCHECK_KINDS; kind++) {
            r.length = lengths[l];
            if ((op == NORM_ROPE && r.length > 256) || !kcheck_wanted(k)) /* rotated rows are heads */
                continue;
            row_new(k, &r, op, (enum kcheck_kind)kind);
            kcheck_case(k, "length %d, %s", r.length, kcheck_kind_names[kind]);
            call(k, &r, op, true);
            if (gives_blocks(op))
                compare_blocks(k, &r);
            else
                compare_floats(k, &r);
            if (gives_blocks(op) && kind == KCHECK_GAUSS)
                check_nan(k, &r, op);
            row_free(k, &r);
        }
}

/* ---------------------------------------------------------------- timing */

struct timing {
    const struct kcheck *k;
    struct row row;
    enum op op;
};

static void time_row(void *user)
{
    struct timing *t = user;
    call(t->k, &t->row, t->op, false);
}

static void bench_row(struct kcheck *k, int variant)
{
    static struct timing t;
    char shape[32];
    t.k = k;
    t.op = (enum op)variant;
    t.row.length = t.op == NORM_ROPE ? 256 : t.op == GEGLU_F32 || t.op == GEGLU_Q8 ? 1152 : 768;
    row_new(k, &t.row, t.op, KCHECK_GAUSS);
    snprintf(shape, sizeof shape, "%d", t.row.length);
    kcheck_time(k, shape, 0, t.row.length * (double)sizeof(float), KCHECK_PEAK_NONE, time_row, &t);
    row_free(k, &t.row);
}

const struct kcheck_check kcheck_rows[] = {
    {"norm_f32", check_row, bench_row, NORM_F32},   {"norm_q8", check_row, bench_row, NORM_Q8},
    {"add_norm", check_row, bench_row, ADD_NORM},   {"norm_rope", check_row, bench_row, NORM_ROPE},
    {"geglu_f32", check_row, bench_row, GEGLU_F32}, {"geglu_q8", check_row, bench_row, GEGLU_Q8},
    {"quantize", check_row, bench_row, QUANTIZE},   {NULL, NULL, NULL, 0}};
