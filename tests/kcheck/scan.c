/* Rows of an index against queries. Tables agree with the specification to the last bit, except in those of a NaN. */
#include "kcheck.h"

#include "base/count.h"
#include "formats/half.h"
#include "kernels/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum op { BYTES, BITS, DOT_FLOAT32, DOT_FLOAT16 };

static void *allocate(size_t bytes)
{
    void *p = malloc(bytes + 1); /* 0 is no request for nothing */
    if (p == NULL) {
        perror("kcheck: memory");
        exit(2);
    }
    return p;
}

/* ---------------------------------------------------------------- groups of rows */

enum { GAP = 3 }; /* results between those of two queries, which nothing may write */

/* Operands of a scan of bytes or bits. A row is `bytes` bytes long; of these, `together` lie together in a group. */
struct scan {
    enum op op;
    size_t groups, bytes, count;
    size_t together, rows, stride;
    unsigned char *plain; /* [rows][bytes] */
    struct kcheck_memory packed, queries, out;
};

static void pack_groups(const struct scan *s)
{
    for (size_t r = 0; r < s->rows; r++)
        for (size_t i = 0; i < s->bytes; i++) {
            const size_t part = i / s->together * QUERN_SCAN_ROWS + r % QUERN_SCAN_ROWS;
            s->packed.at[r / QUERN_SCAN_ROWS * QUERN_SCAN_ROWS * s->bytes + part * s->together + i % s->together] =
                s->plain[r * s->bytes + i];
        }
}

/* Rows of bytes take all values, queries those from -127. Bits are bytes of any kind. */
static void fill_bytes(struct kcheck *k, unsigned char *to, size_t count, const struct scan *s, enum kcheck_kind kind,
                       bool is_query)
{
    uint32_t pattern = 0;
    for (size_t i = 0; i < count; i++) {
        if (i % s->bytes == 0)
            pattern = kcheck_random(k);
        const int byte = kcheck_byte(k, kind, is_query && s->op == BYTES ? -127 : -128, pattern);
        to[i] = (unsigned char)(is_query ? byte : byte + 128);
    }
}

static void scan_new(struct kcheck *k, struct scan *s, enum kcheck_kind kind)
{
    const enum kcheck_edge edge = kcheck_random(k) % 2 ? KCHECK_START : KCHECK_END;
    s->together = s->op == BYTES ? 4 : 8;
    s->rows = s->groups * QUERN_SCAN_ROWS;
    s->stride = s->rows + GAP;
    s->plain = allocate(s->rows * s->bytes);
    fill_bytes(k, s->plain, s->rows * s->bytes, s, kind, false);
    kcheck_memory_new(&s->packed, s->rows * s->bytes, edge);
    pack_groups(s);
    kcheck_memory_new(&s->queries, s->count * s->bytes, edge);
    fill_bytes(k, s->queries.at, s->count * s->bytes, s, kind, true);
    kcheck_memory_new(&s->out, s->count > 0 ? (s->count * s->stride - GAP) * sizeof(int32_t) : 0, edge);
}

static void scan_free(struct kcheck *k, struct scan *s)
{
    free(s->plain);
    kcheck_memory_free(k, &s->packed);
    kcheck_memory_free(k, &s->queries);
    kcheck_memory_free(k, &s->out);
}

/* Groups [first, first + count) against all queries. */
static void call_scan(const struct kcheck *k, const struct scan *s, size_t first, size_t count)
{
    const void *groups = s->packed.at + first * QUERN_SCAN_ROWS * s->bytes, *queries = s->queries.at;
    void *out = s->out.at;
    if (s->op == BYTES)
        k->table->scan.bytes(out, s->stride, groups, count, s->bytes, queries, s->count);
    else
        k->table->scan.bits(out, s->stride, groups, count, s->bytes / 8, queries, s->count);
}

static int64_t want_scan(const struct scan *s, size_t row, size_t query)
{
    const void *x = s->plain + row * s->bytes, *y = s->queries.at + query * s->bytes;
    return s->op == BYTES ? quern_spec_scan_bytes(x, y, s->bytes) : quern_spec_scan_bits(x, y, s->bytes / 8);
}

static void check_case(struct kcheck *k, enum op op, size_t groups, size_t bytes, size_t count, enum kcheck_kind kind)
{
    struct scan s = {.op = op, .groups = groups, .bytes = bytes, .count = count};
    if (!kcheck_wanted(k))
        return;
    kcheck_case(k, "%zu groups of rows of %zu bytes, %zu queries, %s", groups, bytes, count, kcheck_kind_names[kind]);
    scan_new(k, &s, kind);
    int32_t *out = (void *)s.out.at, gap[GAP];
    if (count > 1)
        memcpy(gap, out + s.rows, sizeof gap);
    call_scan(k, &s, 0, groups);
    for (size_t q = 0; q < count; q++) {
        for (size_t r = 0; r < s.rows; r++)
            kcheck_near(k, q * s.stride + r, out[q * s.stride + r], (double)want_scan(&s, r, q), 0);
        if (q + 1 < count)
            kcheck_same(k, "nothing between the results of two queries is written", out + q * s.stride + s.rows, gap,
                        sizeof gap);
    }
    scan_free(k, &s);
}

static void check_scan(struct kcheck *k, int op)
{
    static const size_t numbers[] = {64, 128, 192, 384, 768, 1024, 1984, 2048, 4096};
    static const enum kcheck_kind kinds[] = {KCHECK_GAUSS, KCHECK_UNIFORM, KCHECK_EXTREME};
    const size_t per_byte = op == BYTES ? 1 : 8;
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++) {
        for (size_t count = 0; count <= 130; count++)
            check_case(k, (enum op)op, count % 8, 64 * (1 + count % 2) / per_byte, count, kinds[i]);
        for (size_t n = 0; n < QUERN_COUNT(numbers); n++)
            for (size_t groups = 0; groups <= 5; groups++)
                check_case(k, (enum op)op, groups, numbers[n] / per_byte, 1 + (n + groups) % 9, kinds[i]);
        for (size_t n = 0; n < QUERN_COUNT(numbers); n++)
            check_case(k, (enum op)op, 3, numbers[n] / per_byte, 16 + 3 * n, kinds[i]);
        check_case(k, (enum op)op, 4, QUERN_SCAN_MAX_LENGTH / per_byte, 9, kinds[i]);
        check_case(k, (enum op)op, 4, QUERN_SCAN_MAX_LENGTH / per_byte, 17, kinds[i]);
    }
    check_case(k, (enum op)op, 2, 0, 3, KCHECK_UNIFORM);
    check_case(k, (enum op)op, 3, 64, 257, KCHECK_UNIFORM);
}

/* ---------------------------------------------------------------- rows of floats */

enum { LONGEST = 1024 };

/* Kinds of floats are those of kcheck and any bits: also infinity, NaN and subnormal numbers. */
static void fill_dot(struct kcheck *k, float *x, size_t length, int kind)
{
    if (kind < KCHECK_KINDS)
        kcheck_fill_floats(k, x, length, (enum kcheck_kind)kind);
    else
        for (size_t i = 0; i < length; i++)
            x[i] = quern_bits_to_float(kcheck_random(k));
}

/* A row with the numbers of x, in the type of the kernel. x gets what the type holds. */
static void write_row(void *row, float *x, size_t length, enum op op)
{
    uint16_t half;
    for (size_t i = 0; i < length && op == DOT_FLOAT16; i++) {
        half = quern_float_to_half(x[i]);
        x[i] = quern_half_to_float(half);
        memcpy((unsigned char *)row + i * sizeof half, &half, sizeof half);
    }
    if (op == DOT_FLOAT32)
        memcpy(row, x, length * sizeof *x);
}

static double call_dot(const struct kcheck *k, enum op op, const void *row, const float *query, size_t length)
{
    const struct quern_scan *scan = &k->table->scan;
    return op == DOT_FLOAT32 ? scan->dot_float32(row, query, length) : scan->dot_float16(row, query, length);
}

static void check_dot(struct kcheck *k, int op)
{
    for (int kind = 0; kind <= KCHECK_KINDS; kind++)
        for (size_t length = 0; length <= LONGEST; length += length < 100 ? 1 : 231) {
            struct kcheck_memory row, query;
            const enum kcheck_edge edge = kcheck_random(k) % 2 ? KCHECK_START : KCHECK_END;
            float x[LONGEST];
            if (!kcheck_wanted(k))
                continue;
            kcheck_case(k, "length %zu, %s", length, kind < KCHECK_KINDS ? kcheck_kind_names[kind] : "any bits");
            kcheck_memory_new(&row, length * (op == DOT_FLOAT32 ? sizeof(float) : sizeof(uint16_t)), edge);
            float *y = kcheck_memory_new(&query, length * sizeof *y, edge);
            fill_dot(k, x, length, kind);
            write_row(row.at, x, length, (enum op)op);
            fill_dot(k, y, length, kind);
            const double got = call_dot(k, (enum op)op, row.at, y, length), want = quern_spec_scan_dot(x, y, length);
            if (isnan(want))
                kcheck_true(k, "a NaN stays", isnan(got));
            else
                kcheck_same(k, "the bits of the specification", &got, &want, sizeof want);
            k->values++;
            kcheck_memory_free(k, &row);
            kcheck_memory_free(k, &query);
        }
}

/* ---------------------------------------------------------------- timing */

/* Rows of bytes: more than a cache holds. They are scanned a part at a time, whose results stay in the cache. */
enum { TIMED_GROUPS = 6240, PART_GROUPS = 48, TIMED_LENGTH = 768 };

struct timing {
    const struct kcheck *k;
    struct scan scan;
    enum op op;
    const void *row;
    const float *query;
};

static void time_scan(void *user)
{
    const struct timing *t = user;
    for (size_t first = 0; first < TIMED_GROUPS; first += PART_GROUPS)
        call_scan(t->k, &t->scan, first, PART_GROUPS);
}

static void time_dot(void *user)
{
    const struct timing *t = user;
    volatile double sum = call_dot(t->k, t->op, t->row, t->query, TIMED_LENGTH);
    (void)sum;
}

static void bench_scan(struct kcheck *k, int op)
{
    static const size_t counts[] = {1, 2, 8, 64, 128};
    for (size_t i = 0; i < QUERN_COUNT(counts); i++) {
        struct timing t = {.k = k, .scan = {.op = (enum op)op, .groups = TIMED_GROUPS, .count = counts[i]}};
        struct scan *s = &t.scan;
        char shape[32];
        s->bytes = op == BYTES ? TIMED_LENGTH : TIMED_LENGTH / 8;
        scan_new(k, s, KCHECK_UNIFORM);
        snprintf(shape, sizeof shape, "%zux%dx%zu", s->rows, TIMED_LENGTH, s->count);
        const double products = op == BYTES ? (double)(s->rows * s->bytes * s->count) : 0;
        kcheck_time(k, shape, products, (double)(s->rows * s->bytes), KCHECK_PEAK_INT8, time_scan, &t);
        scan_free(k, s);
    }
}

static void bench_dot(struct kcheck *k, int op)
{
    static float x[TIMED_LENGTH], y[TIMED_LENGTH], row[TIMED_LENGTH];
    struct timing t = {.k = k, .op = (enum op)op, .row = row, .query = y};
    kcheck_fill_floats(k, x, TIMED_LENGTH, KCHECK_GAUSS);
    kcheck_fill_floats(k, y, TIMED_LENGTH, KCHECK_GAUSS);
    write_row(row, x, TIMED_LENGTH, t.op);
    kcheck_time(k, "768", 0, TIMED_LENGTH * (op == DOT_FLOAT32 ? sizeof(float) : sizeof(uint16_t)), KCHECK_PEAK_NONE,
                time_dot, &t);
}

const struct kcheck_check kcheck_scan[] = {{"scan_bytes", check_scan, bench_scan, BYTES},
                                           {"scan_bits", check_scan, bench_scan, BITS},
                                           {"dot_float32", check_dot, bench_dot, DOT_FLOAT32},
                                           {"dot_float16", check_dot, bench_dot, DOT_FLOAT16},
                                           {NULL, NULL, NULL, 0}};
