/* Kernels over one row: norms, rotation, and what writes rows of activations. */
#include "kcheck.h"

#include "base/count.h"
#include "kernels/spec.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 1152 };

static const int lengths[] = {32, 64, 96, 160, 256, 768, 1152};
static const float epsilon = 1e-6f;

/* The first ones work on floats; the others write rows of an activation format. */
enum op { RMS_NORM, ADD_NORM, LAYER_NORM, LAYER_NORM_WITHOUT_BIAS, ADD, ROPE, NORM_ROPE, FIRST_OF_FORMAT,
          WRITE = FIRST_OF_FORMAT, WRITE_RMS_NORM, SPLIT, FFN };

/* A variant of the checks is such an operation and a path. FFN + a kind is the operation FFN with this kind. */
enum { EXACT = 32 };
static_assert(FFN + QUERN_FFN_KINDS <= EXACT, "a variant is below the mark of a path");

/* Operands of any of them, and what should come out. A buffer of a format has three rows; the middle one is checked. */
struct row {
    enum op op;
    enum quern_ffn_kind ffn;
    const struct quern_activation *activation; /* NULL for operations on floats */
    const struct kcheck_format *format;
    int length;
    struct kcheck_memory memory[6];
    float *x, *y, *z, *w;  /* [length]; which is which is said where the kernel is called */
    void *out, *rest;      /* [length] floats, or buffers of rows */
    double want[LONGEST];  /* before it is rounded to the format */
    double bound[LONGEST]; /* of float32 results, or of values before they are rounded to the format */
};

static struct row row_of(const struct kcheck *k, int variant)
{
    struct row r = {.op = (enum op)(variant & ~EXACT)};
    if (r.op > FFN) {
        r.ffn = (enum quern_ffn_kind)(r.op - FFN);
        r.op = FFN;
    }
    if (r.op >= FIRST_OF_FORMAT) {
        r.activation = k->table->activation[variant & EXACT ? QUERN_PATH_EXACT : QUERN_PATH_FAST];
        r.format = kcheck_format_of(r.activation);
    }
    return r;
}

static void row_new(struct kcheck *k, struct row *r, enum kcheck_kind kind)
{
    const size_t length = (size_t)r->length, bytes = length * sizeof(float);
    const enum kcheck_edge edge = kcheck_random(k) % 2 ? KCHECK_START : KCHECK_END;
    float **operands[] = {&r->x, &r->y, &r->z, &r->w};
    for (int i = 0; i < 4; i++) {
        *operands[i] = kcheck_memory_new(&r->memory[i], bytes, edge);
        kcheck_fill_floats(k, *operands[i], length, kind);
    }
    size_t out_bytes = bytes;
    if (r->activation != NULL)
        out_bytes = quern_activation_rows(r->activation, 3) * quern_activation_row_bytes(r->activation, r->length);
    r->out = kcheck_memory_new(&r->memory[4], out_bytes, edge);
    r->rest = kcheck_memory_new(&r->memory[5], out_bytes, edge);
}

static void row_free(struct kcheck *k, struct row *r)
{
    for (int i = 0; i < 6; i++)
        kcheck_memory_free(k, &r->memory[i]);
}

/* ---------------------------------------------------------------- what should come out */

/* Relative error of a normalised element: squares are summed up eight or more side by side, the root halves the sum's
 * error, and a few roundings follow. */
static double norm_error(int length)
{
    return (length / 8 + 16) * KCHECK_UNIT;
}

static void want_norm(struct row *r, const float *x, const float *weight)
{
    quern_spec_rms_norm(r->want, x, weight, r->length, epsilon);
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

/* The mean is off by the roundings of its sum, in units of the mean magnitude; x - mean by that and one rounding more.
 * The root is off by what this does to the squares. */
static void want_layer_norm(struct row *r, const float *bias)
{
    double mean = 0, magnitude = 0, variance = 0;
    quern_spec_layer_norm(r->want, r->x, r->w, bias, r->length, epsilon);
    for (int i = 0; i < r->length; i++) {
        mean += (double)r->x[i] / r->length;
        magnitude += fabs((double)r->x[i]) / r->length;
    }
    for (int i = 0; i < r->length; i++)
        variance += (r->x[i] - mean) * (r->x[i] - mean) / r->length;
    const double root = sqrt(variance + epsilon), mean_error = (r->length / 8 + 4) * KCHECK_UNIT * magnitude;
    const double relative = norm_error(r->length) + 2 * KCHECK_UNIT + mean_error * mean_error / (root * root);
    for (int i = 0; i < r->length; i++) {
        const double w = fabs((double)r->w[i]), scaled = fabs(r->x[i] - mean) / root * w;
        r->bound[i] = relative * scaled + mean_error / root * w + KCHECK_UNIT * fabs(r->want[i]) + 2 * KCHECK_SMALLEST;
    }
}

static void want_add(struct row *r)
{
    for (int i = 0; i < r->length; i++) {
        r->want[i] = (double)r->x[i] + r->y[i];
        r->bound[i] = KCHECK_UNIT * fabs(r->want[i]);
    }
}

static void want_rope(struct row *r, double error)
{
    const int half = r->length / 2;
    for (int i = 0; i < half; i++) {
        const double a = fabs(r->want[i]), b = fabs(r->want[half + i]);
        const double c = fabs((double)r->y[i]), s = fabs((double)r->z[i]);
        r->bound[i] = error * (a * c + b * s) + 4 * KCHECK_SMALLEST;
        r->bound[half + i] = error * (a * s + b * c) + 4 * KCHECK_SMALLEST;
    }
    quern_spec_rope(r->want, r->y, r->z, r->length);
}

/* An error of t in e^t is a relative one, and t has a few roundings. Where e^t leaves float32, the result is as good as
 * zero next to z * up. */
static void want_ffn(struct row *r)
{
    quern_spec_ffn(r->ffn, r->want, r->x, r->y, r->length);
    for (int i = 0; i < r->length; i++) {
        const double z = fabs((double)r->x[i]), up = r->ffn == QUERN_FFN_GELU_ERF ? 1 : fabs((double)r->y[i]);
        const double t = r->ffn == QUERN_FFN_SWIGLU       ? z
                         : r->ffn == QUERN_FFN_GEGLU_TANH ? 1.6 * (z + 0.0447 * z * z * z)
                                                          : z * z / 2;
        r->bound[i] = (16 + 4 * fmin(t, 100)) * KCHECK_UNIT * fabs(r->want[i]) + 1e-37 * z * up + 4 * KCHECK_SMALLEST;
    }
}

static void want_row(struct row *r)
{
    const int length = r->length;
    switch (r->op) {
    case RMS_NORM:
    case WRITE_RMS_NORM: want_norm(r, r->x, r->w); break;
    case ADD_NORM: want_add_norm(r); break;
    case LAYER_NORM: want_layer_norm(r, r->y); break;
    case LAYER_NORM_WITHOUT_BIAS: want_layer_norm(r, NULL); break;
    case ADD: want_add(r); break;
    case NORM_ROPE:
        quern_spec_rms_norm(r->want, r->x, r->w, length, epsilon);
        want_rope(r, norm_error(length) + 2 * KCHECK_UNIT);
        break;
    case FFN: want_ffn(r); break;
    case ROPE:
    case WRITE:
    case SPLIT:
        for (int i = 0; i < length; i++) {
            r->want[i] = r->x[i];
            r->bound[i] = 0;
        }
        if (r->op == ROPE)
            want_rope(r, 2 * KCHECK_UNIT);
    }
}

/* ---------------------------------------------------------------- the kernels */

/* Elements [first, first + count) of a row of the buffer, for kernels that write parts of rows. */
static void call_part(const struct row *r, int row, int first, int count)
{
    const struct quern_activation *a = r->activation;
    if (r->op == WRITE)
        a->write(r->out, row, r->length, first, r->x + first, count);
    else
        a->ffn[r->ffn](r->out, row, r->length, first, r->x + first,
                       r->ffn == QUERN_FFN_GELU_ERF ? NULL : r->y + first, count);
}

/* A row of the buffer. */
static void call_row(const struct row *r, int row)
{
    float copy[LONGEST];
    switch (r->op) {
    case WRITE_RMS_NORM: r->activation->rms_norm(r->out, row, r->x, r->w, r->length, epsilon); break;
    case SPLIT:
        memcpy(copy, r->x, (size_t)r->length * sizeof *copy);
        r->activation->split(r->out, r->rest, row, copy, r->length);
        break;
    default: call_part(r, row, 0, r->length);
    }
}

/* Kernels that work in place do so in out. */
static void call_floats(const struct kcheck *k, const struct row *r)
{
    const struct quern_kernels *t = k->table;
    const int length = r->length;
    memcpy(r->out, r->x, (size_t)length * sizeof(float));
    switch (r->op) {
    case RMS_NORM: t->rms_norm(r->out, r->out, r->w, length, epsilon); break;
    case ADD_NORM: t->add_norm(r->out, r->y, r->w, length, epsilon); break;
    case LAYER_NORM: t->layer_norm(r->out, r->out, r->w, r->y, length, epsilon); break;
    case LAYER_NORM_WITHOUT_BIAS: t->layer_norm(r->out, r->out, r->w, NULL, length, epsilon); break;
    case ADD: t->add(r->out, r->y, length); break;
    case ROPE: t->rope(r->out, r->y, r->z, length); break;
    default: t->norm_rope(r->out, r->w, r->y, r->z, length, epsilon);
    }
}

static bool writes_parts(enum op op)
{
    return op == WRITE || op == FFN;
}

/* dst and rest together have 15 bits of the largest element of a block. */
static void compare_split(struct kcheck *k, const struct row *r)
{
    for (int b = 0; b < r->length; b += 32) {
        double largest = 0;
        for (int i = b; i < b + 32; i++) /* not fmax: gcc 12 for Arm fails to compile it here */
            largest = fabs((double)r->x[i]) > largest ? fabs((double)r->x[i]) : largest;
        for (int i = b; i < b + 32; i++)
            kcheck_near(k, (size_t)i,
                        r->format->get(r->out, 1, r->length, i) + r->format->get(r->rest, 1, r->length, i), r->x[i],
                        largest * 0x1p-15 + 1e-30);
    }
}

/* The middle row is what it should be, also when its neighbours are written after it, and when it is written in two
 * parts. */
static void check_format(struct kcheck *k, struct row *r)
{
    const size_t bytes = r->memory[4].bytes;
    unsigned char kept[3 * LONGEST * sizeof(float)];
    want_row(r);
    call_row(r, 1);
    float *x = r->x;
    r->x = r->z;
    call_row(r, 0);
    call_row(r, 2);
    r->x = x;
    r->format->compare(k, r->out, 1, r->length, r->want, r->bound);
    if (r->op == SPLIT)
        compare_split(k, r);
    if (!writes_parts(r->op) || r->length == 32 || bytes > sizeof kept)
        return;
    memcpy(kept, r->out, bytes);
    for (int first = 0; first < r->length; first += 32)
        call_part(r, 1, r->length - 32 - first, 32);
    kcheck_same(k, "a row is the same when it is written in parts", r->out, kept, bytes);
}

/* A value that is not a number, anywhere in a block, must not get lost in the rounding. */
static void check_nan(struct kcheck *k, struct row *r)
{
    for (int i = 0; i < 32; i++) {
        kcheck_case(k, "NaN as element %d", i);
        const float value = r->x[i];
        r->x[i] = NAN;
        call_row(r, 1);
        kcheck_true(k, "NaN stays NaN", isnan(r->format->get(r->out, 1, r->length, i)));
        r->x[i] = value;
    }
}

static bool has_kernel(const struct row *r)
{
    return r->op != SPLIT || r->activation->split != NULL;
}

static void check_row(struct kcheck *k, int variant)
{
    static struct row r;
    r = row_of(k, variant);
    for (size_t l = 0; l < QUERN_COUNT(lengths) && has_kernel(&r); l++)
        for (int kind = 0; kind < KCHECK_KINDS; kind++) {
            r.length = lengths[l];
            const bool too_long = (r.op == NORM_ROPE || r.op == ROPE) && r.length > 256; /* rotated rows are heads */
            if (too_long || !kcheck_wanted(k))
                continue;
            row_new(k, &r, (enum kcheck_kind)kind);
            kcheck_case(k, "length %d, %s", r.length, kcheck_kind_names[kind]);
            if (r.activation != NULL) {
                check_format(k, &r);
                if (kind == KCHECK_GAUSS)
                    check_nan(k, &r);
            } else {
                want_row(&r);
                call_floats(k, &r);
                for (int i = 0; i < r.length; i++)
                    kcheck_near(k, (size_t)i, ((const float *)r.out)[i], r.want[i], r.bound[i]);
            }
            row_free(k, &r);
        }
}

/* ---------------------------------------------------------------- timing */

struct timing {
    const struct kcheck *k;
    struct row row;
};

static void time_row(void *user)
{
    struct timing *t = user;
    if (t->row.activation != NULL)
        call_row(&t->row, 1);
    else
        call_floats(t->k, &t->row);
}

static void bench_row(struct kcheck *k, int variant)
{
    static struct timing t;
    char shape[32];
    t = (struct timing){k, row_of(k, variant)};
    if (!has_kernel(&t.row))
        return;
    const enum op op = t.row.op;
    t.row.length = op == NORM_ROPE || op == ROPE ? 256 : op == FFN ? 1152 : 768;
    row_new(k, &t.row, KCHECK_GAUSS);
    snprintf(shape, sizeof shape, "%d", t.row.length);
    kcheck_time(k, shape, 0, t.row.length * (double)sizeof(float), KCHECK_PEAK_NONE, time_row, &t);
    row_free(k, &t.row);
}

#define FLOATS(name, op) {name, check_row, bench_row, op}
#define BOTH(name, op)                                                                                                 \
    {"fast_" name, check_row, bench_row, op}, {"exact_" name, check_row, bench_row, (int)(op) | EXACT}

const struct kcheck_check kcheck_rows[] = {
    FLOATS("rms_norm", RMS_NORM),
    FLOATS("add_norm", ADD_NORM),
    FLOATS("layer_norm", LAYER_NORM),
    FLOATS("layer_norm_without_bias", LAYER_NORM_WITHOUT_BIAS),
    FLOATS("add", ADD),
    FLOATS("rope", ROPE),
    FLOATS("norm_rope", NORM_ROPE),
    BOTH("write", WRITE),
    BOTH("rms_norm", WRITE_RMS_NORM),
    BOTH("split", SPLIT),
    BOTH("geglu_tanh", FFN + QUERN_FFN_GEGLU_TANH),
    BOTH("gelu_erf", FFN + QUERN_FFN_GELU_ERF),
    BOTH("geglu_erf", FFN + QUERN_FFN_GEGLU_ERF),
    BOTH("swiglu", FFN + QUERN_FFN_SWIGLU),
    {NULL, NULL, NULL, 0}};
