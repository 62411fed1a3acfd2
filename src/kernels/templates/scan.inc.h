/* Rows of an index against queries: struct quern_scan. A template; see vector.inc.h. A table's source file defines
 * DOT4(sum, w, a), PANEL_FLIP and PREFETCH(p) as in gemm_int8.inc.h, with rows in the place of weights, and may define,
 * where instructions are faster than the generic form,
 *
 *   COUNT_BITS(x)    in each byte the number of ones in this byte of x
 *   SUM_BYTES(x)     in each 64 bits the sum of these eight bytes of x
 *
 * A tile of bytes is SCAN_GROUPS groups and SCAN_QUERIES queries, as many as there are registers for their sums. Its
 * groups stay in the cache until all queries have met them, so each group is read from memory once. Meanwhile the
 * groups of the next tiles are prefetched. */
typedef uint64_t vl __attribute__((vector_size(4 * LANES)));
typedef uint32_t vl_narrow __attribute__((vector_size(2 * LANES)));
typedef double vdouble __attribute__((vector_size(4 * LANES)));
typedef float vf_narrow __attribute__((vector_size(2 * LANES)));

enum {
    SCAN_VECTORS = QUERN_SCAN_ROWS / LANES,   /* of four bytes of each row of a group */
    SCAN_GROUPS = LANES == 16 ? 3 : 1,
    SCAN_QUERIES = LANES == 16 ? 8 : 4,
    SCAN_BATCH = 128,                         /* queries for which groups are read once */
    DOUBLES = LANES / 2                       /* numbers of 64 bits in a vector */
};

/* ---------------------------------------------------------------- bytes */

/* -128 times the sum of a query, where DOT4 takes the bytes of rows as they are. */
INLINE int32_t scan_start(const int8_t *query, size_t length)
{
    int32_t sum = 0;
    for (size_t k = 0; k < length && PANEL_FLIP != 0; k++)
        sum += query[k];
    return -128 * sum;
}

/* Four bytes of LANES rows, as DOT4 takes them. */
INLINE vi scan_rows(const uint8_t *group, int v)
{
    return vi_load(group + v * LANES * 4) ^ vi_set(PANEL_FLIP != 0 ? 0 : (int32_t)0x80808080u);
}

INLINE void scan_tile(int groups, int queries, int32_t *sums, size_t stride, const uint8_t *from, size_t length,
                      const int8_t *query, const int32_t *start)
{
    const size_t group_bytes = length * QUERN_SCAN_ROWS;
    vi sum[SCAN_QUERIES][SCAN_GROUPS][SCAN_VECTORS];
    for (int q = 0; q < queries; q++)
        for (int g = 0; g < groups; g++)
            for (int v = 0; v < SCAN_VECTORS; v++)
                sum[q][g][v] = vi_set(start[q]);
    for (size_t k = 0; k < length; k += 4, from += 4 * QUERN_SCAN_ROWS) {
        vi rows[SCAN_GROUPS][SCAN_VECTORS];
        for (int g = 0; g < groups; g++)
            for (int v = 0; v < SCAN_VECTORS; v++)
                rows[g][v] = scan_rows(from + (size_t)g * group_bytes, v);
        for (int g = 0; g < groups; g++)
            PREFETCH(from + (size_t)(groups + g) * group_bytes);
        for (int q = 0; q < queries; q++) {
            const vi four = vi_repeat(query + (size_t)q * length + k);
            for (int g = 0; g < groups; g++)
                for (int v = 0; v < SCAN_VECTORS; v++)
                    sum[q][g][v] = DOT4(sum[q][g][v], rows[g][v], four);
        }
    }
    for (int q = 0; q < queries; q++)
        for (int g = 0; g < groups; g++)
            for (int v = 0; v < SCAN_VECTORS; v++)
                memcpy(sums + (size_t)q * stride + g * QUERN_SCAN_ROWS + v * LANES, &sum[q][g][v], sizeof(vi));
}

/* All queries of a batch against some groups, in tiles of nearly as many queries. */
INLINE void scan_groups(int groups, int32_t *sums, size_t stride, const uint8_t *from, size_t length,
                        const int8_t *query, size_t count, const int32_t *start)
{
    for (size_t tiles = (count + SCAN_QUERIES - 1) / SCAN_QUERIES, queries; tiles > 0; tiles--) {
        queries = (count + tiles - 1) / tiles;
        switch (queries) {
#define TILE(n) case n: scan_tile(groups, n, sums, stride, from, length, query, start); break;
        TILE(1)
        TILE(2)
        TILE(3)
        TILE(4)
#if LANES == 16
        TILE(5)
        TILE(6)
        TILE(7)
        TILE(8)
#endif
#undef TILE
        }
        sums += queries * stride;
        query += queries * length;
        start += queries;
        count -= queries;
    }
}

static void scan_bytes(int32_t *sums, size_t stride, const uint8_t *groups, size_t group_count, size_t length,
                       const int8_t *queries, size_t count)
{
    const size_t group_bytes = length * QUERN_SCAN_ROWS;
    for (size_t first = 0, batch; first < count; first += batch) {
        int32_t start[SCAN_BATCH];
        batch = count - first < SCAN_BATCH ? count - first : SCAN_BATCH;
        for (size_t q = 0; q < batch; q++)
            start[q] = scan_start(queries + (first + q) * length, length);
        size_t g = 0;
        for (; g + SCAN_GROUPS <= group_count; g += SCAN_GROUPS)
            scan_groups(SCAN_GROUPS, sums + first * stride + g * QUERN_SCAN_ROWS, stride, groups + g * group_bytes,
                        length, queries + first * length, batch, start);
        for (; g < group_count; g++)
            scan_groups(1, sums + first * stride + g * QUERN_SCAN_ROWS, stride, groups + g * group_bytes, length,
                        queries + first * length, batch, start);
    }
}

/* ---------------------------------------------------------------- bits */

INLINE vl vl_load(const uint64_t *p)
{
    vl v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE vl vl_set(uint64_t x)
{
    return x - (vl){0};
}

/* The ones of two, then of four, then of eight neighbouring bits. */
#ifndef COUNT_BITS
INLINE vl count_bits(vl x)
{
    x -= x >> 1 & vl_set(0x5555555555555555u);
    x = (x & vl_set(0x3333333333333333u)) + (x >> 2 & vl_set(0x3333333333333333u));
    return (x + (x >> 4)) & vl_set(0x0f0f0f0f0f0f0f0fu);
}
#define COUNT_BITS(x) count_bits(x)
#endif

/* A sum is at most 8 * 255, so it fits the 16 bits where it is made. */
#ifndef SUM_BYTES
INLINE vl sum_bytes(vl x)
{
    x = (x & vl_set(0x00ff00ff00ff00ffu)) + (x >> 8 & vl_set(0x00ff00ff00ff00ffu));
    x += x >> 32;
    return (x + (x >> 16)) & vl_set(0xffff);
}
#define SUM_BYTES(x) sum_bytes(x)
#endif

enum {
    COUNTED_WORDS = 31, /* whose counts of ones in a byte, 8 at most each, fit a byte together */
    WORD_VECTORS = QUERN_SCAN_ROWS / DOUBLES
};

/* The distances of a group's rows from a query. */
INLINE void scan_distances(vl distances[WORD_VECTORS], const uint64_t *group, const uint64_t *query, size_t words)
{
    for (int v = 0; v < WORD_VECTORS; v++)
        distances[v] = vl_set(0);
    for (size_t w = 0, end; w < words; w = end) {
        vl counts[WORD_VECTORS];
        end = words - w < COUNTED_WORDS ? words : w + COUNTED_WORDS;
        for (int v = 0; v < WORD_VECTORS; v++)
            counts[v] = vl_set(0);
        for (size_t i = w; i < end; i++)
            for (int v = 0; v < WORD_VECTORS; v++)
                counts[v] += COUNT_BITS(vl_load(group + i * QUERN_SCAN_ROWS + v * DOUBLES) ^ vl_set(query[i]));
        for (int v = 0; v < WORD_VECTORS; v++)
            distances[v] += SUM_BYTES(counts[v]);
    }
}

static void scan_bits(uint32_t *distances, size_t stride, const uint64_t *groups, size_t group_count, size_t words,
                      const uint64_t *queries, size_t count)
{
    for (size_t g = 0; g < group_count; g++, groups += words * QUERN_SCAN_ROWS)
        for (size_t q = 0; q < count; q++) {
            vl wide[WORD_VECTORS];
            scan_distances(wide, groups, queries + q * words, words);
            for (int v = 0; v < WORD_VECTORS; v++) {
                const vl_narrow narrow = __builtin_convertvector(wide[v], vl_narrow);
                memcpy(distances + q * stride + g * QUERN_SCAN_ROWS + v * DOUBLES, &narrow, sizeof narrow);
            }
        }
}

/* ---------------------------------------------------------------- floats */

enum { SCAN_SUMS = 16, SCAN_SUM_VECTORS = SCAN_SUMS / DOUBLES };

/* Each of the sums += one product. It is exact, so it makes no difference whether the CPU fuses it with the sum. */
INLINE void scan_dot_step(vdouble sums[SCAN_SUM_VECTORS], const float *row, const float *query)
{
    for (int i = 0; i < SCAN_SUM_VECTORS; i++) {
        vf_narrow x, y;
        memcpy(&x, row + i * DOUBLES, sizeof x);
        memcpy(&y, query + i * DOUBLES, sizeof y);
        sums[i] += __builtin_convertvector(x, vdouble) * __builtin_convertvector(y, vdouble);
    }
}

INLINE double scan_add_sums(const vdouble sums[SCAN_SUM_VECTORS])
{
    double x[SCAN_SUMS];
    memcpy(x, sums, sizeof x);
    for (int width = SCAN_SUMS / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            x[i] += x[width + i];
    return x[0];
}

/* The elements that are missing in the last step are zeros: they do not change a sum. */
static double scan_dot_float32(const float *row, const float *query, size_t length)
{
    vdouble sums[SCAN_SUM_VECTORS] = {{0}};
    size_t k = 0;
    for (; k + SCAN_SUMS <= length; k += SCAN_SUMS)
        scan_dot_step(sums, row + k, query + k);
    if (k < length) {
        float x[SCAN_SUMS] = {0}, y[SCAN_SUMS] = {0};
        memcpy(x, row + k, (length - k) * sizeof *x);
        memcpy(y, query + k, (length - k) * sizeof *y);
        scan_dot_step(sums, x, y);
    }
    return scan_add_sums(sums);
}

INLINE void scan_half_step(vdouble sums[SCAN_SUM_VECTORS], const uint16_t *row, const float *query)
{
    float x[SCAN_SUMS];
    for (int i = 0; i < SCAN_SUMS; i += LANES)
        vf_store(x + i, VF_FROM_HALF(row + i));
    scan_dot_step(sums, x, query);
}

static double scan_dot_float16(const uint16_t *row, const float *query, size_t length)
{
    vdouble sums[SCAN_SUM_VECTORS] = {{0}};
    size_t k = 0;
    for (; k + SCAN_SUMS <= length; k += SCAN_SUMS)
        scan_half_step(sums, row + k, query + k);
    if (k < length) {
        uint16_t x[SCAN_SUMS] = {0};
        float y[SCAN_SUMS] = {0};
        memcpy(x, row + k, (length - k) * sizeof *x);
        memcpy(y, query + k, (length - k) * sizeof *y);
        scan_half_step(sums, x, y);
    }
    return scan_add_sums(sums);
}
