/* Attention of one text. */
#include "kcheck.h"

#include "base/count.h"
#include "kernels/spec.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    const struct quern_attention *attention;
    bool exact;
    double query_unit, value_unit; /* of the fast form: see compare_row */ /* the float32 form */
    enum kcheck_kind kind;
    float spread; /* of queries and keys; large ones make one key win */
    struct quern_spec_attention spec;
    struct quern_attention_job job;
    struct kcheck_memory queries, keys, values, packed, scratch, out;
    int rows; /* query rows */
};

static void fill(struct kcheck *k, float *x, size_t count, enum kcheck_kind kind, float factor)
{
    kcheck_fill_floats(k, x, count, kind);
    for (size_t i = 0; i < count; i++)
        x[i] *= factor;
}

static void text_new(struct kcheck *k, struct text *t, enum kcheck_edge edge)
{
    struct quern_spec_attention *s = &t->spec;
    const size_t n = (size_t)s->tokens, d = (size_t)s->dimensions;
    s->stride = d + (kcheck_random(k) % 2 ? 32 : 0);
    s->token_stride = (size_t)s->group * d;
    s->scale = 1 / sqrtf((float)s->dimensions);
    t->rows = s->tokens * s->group;
    const size_t query_floats = n * s->token_stride, key_floats = (n - 1) * s->stride + d;
    float *queries = kcheck_memory_new(&t->queries, query_floats * sizeof(float), edge);
    float *keys = kcheck_memory_new(&t->keys, key_floats * sizeof(float), edge);
    float *values = kcheck_memory_new(&t->values, key_floats * sizeof(float), edge);
    fill(k, queries, query_floats, t->kind, t->spread);
    fill(k, keys, key_floats, t->kind, t->spread);
    fill(k, values, key_floats, t->kind, 1);
    kcheck_memory_new(&t->packed, t->attention->packed_bytes(s->tokens, s->dimensions), edge);
    kcheck_memory_new(&t->scratch, t->attention->scratch_bytes(s->tokens, s->dimensions), edge);
    kcheck_memory_new(&t->out, (size_t)t->attention->rows * d * sizeof(float), edge);
    s->queries = queries;
    s->keys = keys;
    s->values = values;
    t->job = (struct quern_attention_job){t->packed.at, queries, s->token_stride, s->group, s->dimensions, s->tokens,
                                          s->before, s->after, s->scale};
}

static void text_free(struct kcheck *k, struct text *t)
{
    kcheck_memory_free(k, &t->queries);
    kcheck_memory_free(k, &t->keys);
    kcheck_memory_free(k, &t->values);
    kcheck_memory_free(k, &t->packed);
    kcheck_memory_free(k, &t->scratch);
    kcheck_memory_free(k, &t->out);
}

static double length_of(const float *x, int dimensions, double *max)
{
    double sum = 0;
    *max = 0;
    for (int i = 0; i < dimensions; i++) {
        sum += (double)x[i] * x[i];
        *max = fmax(*max, fabs((double)x[i]));
    }
    return sqrt(sum);
}

static double square(double x)
{
    return x * x;
}

/* A result may be off by six standard deviations of independent errors: sum(p_j (v_j - out) s_j) from errors s_j of
 * scores, and sum(p_j u_j) from errors u_j of values. On the exact path a score is the sum of d rounded products. With
 * int8 activations the error of attention must be "well below" theirs. Here this means: for queries and keys 2^-11 of
 * a vector's root mean square (8 bits: 2^-7), and for values 2^-13 of the largest (8 bits: 2^-8). Values below 1e-30
 * may count as zeros. In bfloat16 every number, also each weight p_j, is rounded to 2^-9 of itself. */
static void compare_row(struct kcheck *k, const struct text *t, int row, const float *got)
{
    const struct quern_spec_attention *s = &t->spec;
    const int d = s->dimensions;
    double *p = malloc((size_t)s->tokens * 3 * sizeof *p);
    double *score_error = p + s->tokens, *value_error = p + 2 * s->tokens;
    double want[512], max;
    const float *query = s->queries + (size_t)(row / s->group) * s->token_stride + (size_t)(row % s->group) * (size_t)d;
    const double query_length = length_of(query, d, &max);
    quern_spec_attention(want, p, s, row);

    for (int j = 0; j < s->tokens; j++) {
        const float *key = s->keys + (size_t)j * s->stride, *value = s->values + (size_t)j * s->stride;
        const double longest = s->scale * query_length * length_of(key, d, &max);
        score_error[j] = t->exact ? longest * 4 * KCHECK_UNIT : longest * t->query_unit * sqrt(2.0 / d);
        score_error[j] += 8 * KCHECK_UNIT;
        length_of(value, d, &max);
        value_error[j] = (t->exact ? 0 : t->value_unit * max + 1e-30) + sqrt(s->tokens) * KCHECK_UNIT * max;
    }
    for (int i = 0; i < d; i++) {
        double variance = 0, sum = 0;
        for (int j = 0; j < s->tokens; j++) {
            if (p[j] == 0)
                continue;
            const double value = s->values[(size_t)j * s->stride + (size_t)i];
            variance += square(p[j] * (value - want[i]) * score_error[j]) + square(p[j] * value_error[j]);
            sum += p[j] * fabs(value);
        }
        kcheck_near(k, (size_t)(row * d + i), got[i], want[i],
                    6 * sqrt(variance) + 16 * KCHECK_UNIT * sum + (double)s->tokens * KCHECK_SMALLEST);
    }
    free(p);
}

/* Query rows that are compared with the specification: ends, the edges of what is visible, some others. */
static bool is_sample(struct kcheck *k, const struct text *t, int row)
{
    const int token = row / t->spec.group, n = t->spec.tokens;
    return token == 0 || token == n - 1 || token == t->spec.before || token == n - 1 - t->spec.after ||
           (int)(kcheck_random(k) % (uint32_t)n) < 4;
}

/* Runs all rows in tiles, the first of which has only first_count rows. */
static void run_all(const struct text *t, float *out, int first_count)
{
    const size_t d = (size_t)t->spec.dimensions;
    float *tile = (float *)(void *)t->out.at;
    for (int row = 0, count = first_count; row < t->rows; row += count, count = t->attention->rows) {
        count = count < t->rows - row ? count : t->rows - row;
        t->attention->run(tile, &t->job, row, count, t->scratch.at);
        memcpy(out + (size_t)row * d, tile, (size_t)count * d * sizeof *out);
    }
}

/* Keys and values can be packed in parts, whose bounds do not matter. */
static void pack_in_parts(const struct text *t, int part)
{
    const struct quern_spec_attention *s = &t->spec;
    for (int first = 0; first < s->tokens; first += part) {
        const int count = part < s->tokens - first ? part : s->tokens - first;
        t->attention->pack(t->packed.at, s->keys + (size_t)first * s->stride, s->values + (size_t)first * s->stride,
                           s->stride, first, count, s->dimensions);
    }
}

static void check_text(struct kcheck *k, struct text *t)
{
    const struct quern_spec_attention *s = &t->spec;
    kcheck_case(k, "%d tokens, %d before, %d after, dimensions %d, group %d, %s times %g", s->tokens, s->before,
                s->after, s->dimensions, s->group, kcheck_kind_names[t->kind], (double)t->spread);
    text_new(k, t, kcheck_random(k) % 2 ? KCHECK_START : KCHECK_END);
    const size_t floats = (size_t)t->rows * (size_t)s->dimensions;
    float *all = malloc(floats * sizeof *all), *again = malloc(floats * sizeof *again);
    pack_in_parts(t, s->tokens);
    run_all(t, all, t->attention->rows);
    for (int row = 0; row < t->rows; row++)
        if (is_sample(k, t, row))
            compare_row(k, t, row, all + (size_t)row * (size_t)s->dimensions);
    pack_in_parts(t, 32);
    for (int first = 1; first < t->attention->rows; first += t->spec.tokens > 64 ? 5 : 2) {
        run_all(t, again, first);
        kcheck_same(k, "a row is the same in any tile, packed in any parts", again, all, floats * sizeof *all);
    }
    free(all);
    free(again);
    text_free(k, t);
}

static const struct quern_attention *attention_of(const struct kcheck *k, int variant)
{
    return k->table->attention[variant];
}

static void check_attention(struct kcheck *k, int variant)
{
    static const int tokens[] = {1, 2, 31, 32, 33, 64, 65, 128, 129, 160, 257};
    static const int dimensions[] = {32, 64, 96, 256};
    static const struct {
        int before, after;
    } visible[] = {{0, 0}, {1, 1}, {31, 31}, {32, 32}, {33, 33}, {128, 128}, {INT_MAX, INT_MAX}, {INT_MAX, 0},
                   {INT_MAX, 0}, {33, 0}, {2, 64}};
    static const float spreads[] = {1, 1, 3, 0.01f};
    static const enum kcheck_kind kinds[] = {KCHECK_GAUSS, KCHECK_GAUSS, KCHECK_UNIFORM, KCHECK_ZEROS, KCHECK_TINY};
    const bool bfloat16 = strcmp(k->table->activation[QUERN_PATH_FAST]->name, "bfloat16") == 0;
    struct text t = {.attention = attention_of(k, variant), .exact = variant == QUERN_PATH_EXACT,
                     .query_unit = bfloat16 ? 0x1p-8 : 0x1p-11, .value_unit = bfloat16 ? 0x1p-10 : 0x1p-13};
    if (!t.exact && t.attention == attention_of(k, QUERN_PATH_EXACT)) /* checked as that */
        return;
    for (size_t n = 0; n < QUERN_COUNT(tokens); n++)
        for (size_t w = 0; w < QUERN_COUNT(visible); w++) {
            if ((tokens[n] > 64 && kcheck_random(k) % 2) || !kcheck_wanted(k))
                continue;
            t.spec.tokens = tokens[n];
            t.spec.before = visible[w].before;
            t.spec.after = visible[w].after;
            t.spec.dimensions = dimensions[tokens[n] > 64 ? kcheck_random(k) % 3 : kcheck_random(k) % 4];
            t.spec.group = 1 + (int)(kcheck_random(k) % (tokens[n] > 64 ? 2 : 4));
            t.kind = kinds[kcheck_random(k) % 5];
            t.spread = spreads[kcheck_random(k) % 4];
            check_text(k, &t);
        }
}

/* ---------------------------------------------------------------- timing */

static void time_rows(void *user)
{
    const struct text *t = user;
    for (int row = 0; row < t->rows; row += t->attention->rows) {
        const int rest = t->rows - row, count = rest < t->attention->rows ? rest : t->attention->rows;
        t->attention->run((float *)(void *)t->out.at, &t->job, row, count, t->scratch.at);
    }
}

static void time_pack(void *user)
{
    const struct text *t = user;
    pack_in_parts(t, t->spec.tokens);
}

static void bench_attention(struct kcheck *k, int variant)
{
    static const int tokens[] = {16, 128, 512, 2048};
    if (variant != QUERN_PATH_EXACT && attention_of(k, variant) == attention_of(k, QUERN_PATH_EXACT))
        return;
    for (size_t i = 0; i < QUERN_COUNT(tokens); i++) {
        struct text t = {.attention = attention_of(k, variant), .spread = 1,
                         .spec = {.tokens = tokens[i], .before = 256, .after = 256, .group = 3, .dimensions = 256}};
        double seen = 0;
        char shape[64];
        for (int j = 0; j < t.spec.tokens; j++)
            seen += fmin(j, t.spec.before) + 1 + fmin(t.spec.tokens - 1 - j, t.spec.after);
        text_new(k, &t, KCHECK_END);
        snprintf(shape, sizeof shape, "pack %d", t.spec.tokens);
        kcheck_time(k, shape, 0, 2.0 * t.spec.tokens * t.spec.dimensions * (double)sizeof(float), KCHECK_PEAK_NONE,
                    time_pack, &t);
        snprintf(shape, sizeof shape, "%d, window 256", t.spec.tokens);
        kcheck_time(k, shape, 2 * seen * t.spec.group * t.spec.dimensions, 0, KCHECK_PEAK_FLOAT, time_rows, &t);
        text_free(k, &t);
    }
}

const struct kcheck_check kcheck_attention[] = {{"attention_exact", check_attention, bench_attention, QUERN_PATH_EXACT},
                                                {"attention_fast", check_attention, bench_attention, QUERN_PATH_FAST},
                                                {NULL, NULL, NULL, 0}};
