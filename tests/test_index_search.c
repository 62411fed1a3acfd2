/* Searches, compared with a plain loop over all vectors. */
#include "index_trial.h"

#include "base/count.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_all_kinds(void **state)
{
    static const struct {
        size_t count;
        int dimensions;
    } sizes[] = {{1, 1}, {17, 3}, {700, 64}, {5000, 100}, {300, 768}};
    (void)state;
    for (enum index_rows_kind kind = 0; kind < ROWS_KINDS; kind++)
        for (size_t s = 0; s < QUERN_COUNT(sizes); s++) {
            struct index_rows set = index_rows_make(kind, sizes[s].count, sizes[s].dimensions);
            index_rows_write(&set, false);
            quern_index *index = index_trial_open();
            assert_int_equal(quern_index_check(index, NULL), QUERN_OK);
            for (int threads = 1; threads <= 3; threads++)
                for (size_t hits = 1; hits <= 100; hits *= 10) {
                    const quern_search_options options = {.size = sizeof options, .hits = hits};
                    index_rows_check_search(&set, index, threads == 2 ? 20 : 3, threads, &options);
                }
            quern_index_close(index);
            index_rows_free(&set);
        }
}

/* More candidates than a short list holds: all rows are the same, or nearly. */
static void test_long_lists(void **state)
{
    (void)state;
    static const enum index_rows_kind kinds[] = {ROWS_EQUAL, ROWS_CLUSTERED, ROWS_ZEROS};
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++) {
        struct index_rows set = index_rows_make(kinds[i], 9000, 32);
        index_rows_write(&set, false);
        quern_index *index = index_trial_open();
        const quern_search_options few = {.size = sizeof few, .hits = 5};
        const quern_search_options many = {.size = sizeof many, .hits = 8999};
        index_rows_check_search(&set, index, 2, 2, &few);
        index_rows_check_search(&set, index, 2, 1, &many);
        quern_index_close(index);
        index_rows_free(&set);
    }
}

/* Only few of many rows are scored, or it would not be fast. */
static void test_few_are_scored(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 20000, 256);
    index_rows_write(&set, false);
    quern_index *index = index_trial_open();
    quern_searcher *searcher = NULL;
    quern_hit hits[10];
    quern_search_result result;
    const quern_search_options options = {.size = sizeof options, .hits = 10};
    assert_int_equal(quern_searcher_new(&searcher, index, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_search(searcher, set.vectors, 1, &options, hits, &result, NULL), QUERN_OK);
    assert_int_equal(hits[0].place, 0);
    assert_in_range(result.scored, 10, 100);
    quern_searcher_free(searcher);
    quern_index_close(index);
    index_rows_free(&set);
}

/* Each row is better than the one before it, so that all of them enter the short list. What fell below the bar later is
 * not scored, for any number of threads. */
static void test_rising_scores(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 20000, 8);
    for (size_t i = 0; i < set.count; i++)
        for (int k = 0; k < set.dimensions; k++)
            set.vectors[i * 8 + (size_t)k] =
                (k == 0 ? 1 : set.vectors[i * 8 + (size_t)k] / 10) * (1 + (float)i / 5000);
    index_rows_write(&set, false);
    quern_index *index = index_trial_open();
    const float query[8] = {1};
    uint64_t scored[3];
    for (int threads = 1; threads <= 3; threads++) {
        quern_searcher *searcher = NULL;
        quern_hit hits[10];
        quern_search_result result;
        const quern_searcher_options made = {.size = sizeof made, .threads = threads};
        const quern_search_options options = {.size = sizeof options, .hits = 10};
        assert_int_equal(quern_searcher_new(&searcher, index, &made, NULL), QUERN_OK);
        assert_int_equal(quern_search(searcher, query, 1, &options, hits, &result, NULL), QUERN_OK);
        assert_int_equal(hits[0].place, set.count - 1);
        scored[threads - 1] = result.scored;
        quern_searcher_free(searcher);
    }
    assert_in_range(scored[0], 10, 1000);
    assert_int_equal(scored[1], scored[0]);
    assert_int_equal(scored[2], scored[0]);
    quern_index_close(index);
    index_rows_free(&set);
}

static void test_filter_and_least(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 5000, 64);
    uint64_t only[(5000 + 63) / 64];
    quern_index_row chosen[40];
    index_rows_write(&set, false);
    quern_index *index = index_trial_open();
    for (size_t i = 0; i < 40; i++)
        chosen[i] = (quern_index_row){.number = i < 39 ? set.ids[i * 127] : 999999999}; /* the last is not there */
    assert_int_equal(quern_index_select(index, chosen, 40, only, NULL), QUERN_OK);
    size_t found = 0;
    for (size_t i = 0; i < 5000; i++)
        found += only[i / 64] >> i % 64 & 1;
    assert_int_equal(found, 39);
    const quern_search_options filtered = {.size = sizeof filtered, .hits = 50, .only = only};
    const quern_search_options least = {.size = sizeof least, .hits = 50, .has_least = 1, .least = 6.5};
    const quern_search_options both = {.size = sizeof both, .hits = 50, .only = only, .has_least = 1, .least = 0};
    index_rows_check_search(&set, index, 4, 2, &filtered);
    index_rows_check_search(&set, index, 4, 2, &least);
    index_rows_check_search(&set, index, 12, 2, &both);
    quern_index_close(index);
    index_rows_free(&set);
}

/* ---------------------------------------------------------------- half floats and bits */

static void test_half_floats(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 500, 40);
    const quern_index_options options = {.size = sizeof options, .dimensions = 40, .rows = QUERN_DTYPE_F16};
    quern_index_writer *writer = index_trial_create(&options);
    index_rows_add(writer, &set, 0, 500);
    const float large[40] = {70000};
    const quern_index_row row = {.number = 1};
    assert_int_equal(quern_index_add(writer, &row, large, 1, NULL), QUERN_EINVAL);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    quern_index *index = index_trial_open();
    for (size_t i = 0; i < 500; i++) {
        float vector[40];
        assert_int_equal(quern_index_vector(index, i, vector, NULL), QUERN_OK);
        for (size_t k = 0; k < 40; k++)
            assert_true(fabsf(vector[k] - set.vectors[i * 40 + k]) <= 0x1p-11f);
        memcpy(set.vectors + i * 40, vector, sizeof vector);
    }
    const quern_search_options asked = {.size = sizeof asked, .hits = 30};
    index_rows_check_search(&set, index, 10, 2, &asked);
    quern_index_close(index);
    index_rows_free(&set);
}

/* Search by bits: hits have their true scores, and the nearest by bits are among them. */
static void test_bits(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 6000, 100);
    index_rows_write(&set, true);
    quern_index *index = index_trial_open();
    quern_searcher *searcher = NULL;
    quern_hit hits[10], other[10];
    quern_search_result result;
    quern_search_options options = {.size = sizeof options, .hits = 10, .oversampling = 20};
    const quern_searcher_options one = {.size = sizeof one, .threads = 1}, three = {.size = sizeof three, .threads = 3};
    assert_int_equal(quern_searcher_new(&searcher, index, &three, NULL), QUERN_OK);
    assert_int_equal(quern_search(searcher, set.vectors, 1, &options, hits, &result, NULL), QUERN_OK);
    quern_searcher_free(searcher);
    assert_int_equal(result.hits, 10);
    assert_int_equal(result.scored, 200);
    assert_int_equal(result.certified, 0);
    assert_int_equal(hits[0].place, 0);
    for (size_t i = 0; i < 10; i++) {
        assert_true(hits[i].score == index_trial_score(set.vectors + hits[i].place * 100, set.vectors, 100));
        assert_true(i == 0 || hits[i].score <= hits[i - 1].score);
    }
    assert_int_equal(quern_searcher_new(&searcher, index, &one, NULL), QUERN_OK);
    assert_int_equal(quern_search(searcher, set.vectors, 1, &options, other, &result, NULL), QUERN_OK);
    assert_memory_equal(hits, other, sizeof hits);
    options.oversampling = 6000; /* more than a searcher scores */
    assert_int_equal(quern_search(searcher, set.vectors, 1, &options, other, &result, NULL), QUERN_EINVAL);
    quern_searcher_free(searcher);

    /* With room for all rows, all are scored, and the hits are those of the certified search. */
    const quern_searcher_options all = {.size = sizeof all, .most_scored = 6000};
    assert_int_equal(quern_searcher_new(&searcher, index, &all, NULL), QUERN_OK);
    options.oversampling = 600;
    options.has_least = 1;
    options.least = hits[4].score;
    assert_int_equal(quern_search(searcher, set.vectors, 1, &options, hits, &result, NULL), QUERN_OK);
    result.certified = 1;
    index_rows_check_hits(&set, set.vectors, &options, hits, &result);
    quern_searcher_free(searcher);
    quern_index_close(index);
    index_rows_free(&set);
}

static int sign_distance(const float *a, const float *b, int dimensions)
{
    int distance = 0;
    for (int k = 0; k < dimensions; k++)
        distance += (a[k] > 0) != (b[k] > 0);
    return distance;
}

/* Sets the bits of the rows with the nearest signs, of equally near ones the first. */
static void mark_nearest(const struct index_rows *set, const float *query, size_t wanted, uint64_t *marked)
{
    for (int distance = 0; distance <= set->dimensions; distance++)
        for (size_t i = 0; i < set->count; i++)
            if (wanted > 0 &&
                sign_distance(set->vectors + i * (size_t)set->dimensions, query, set->dimensions) == distance) {
                marked[i / 64] |= (uint64_t)1 << i % 64;
                wanted--;
            }
}

/* Scored are exactly the wanted rows, for any number of threads, and the hits are the best of them. */
static void check_bits(const struct index_rows *set, const quern_index *index, const float *query, int threads,
                       int times)
{
    const quern_searcher_options made = {.size = sizeof made, .threads = threads, .most_scored = 10 * (size_t)times};
    quern_search_options options = {.size = sizeof options, .hits = 10, .oversampling = times};
    const size_t wanted = options.hits * (size_t)times;
    quern_searcher *searcher = NULL;
    quern_hit hits[10];
    quern_search_result result;
    uint64_t *marked = calloc(set->count / 64 + 1, sizeof *marked);
    assert_int_equal(quern_searcher_new(&searcher, index, &made, NULL), QUERN_OK);
    assert_int_equal(quern_search(searcher, query, 1, &options, hits, &result, NULL), QUERN_OK);
    assert_int_equal(result.scored, wanted < set->count ? wanted : set->count);
    mark_nearest(set, query, wanted, marked);
    options.only = marked;
    result.certified = 1;
    index_rows_check_hits(set, query, &options, hits, &result);
    quern_searcher_free(searcher);
    free(marked);
}

/* Many rows are as far as others; and every row is nearer than the one before it, so that all enter the lists. */
static void test_nearest_by_bits(void **state)
{
    (void)state;
    static const enum index_rows_kind kinds[] = {ROWS_RANDOM, ROWS_CLUSTERED, ROWS_EQUAL, ROWS_ZEROS, ROWS_SPARSE};
    float query[64];
    for (size_t i = 0; i <= QUERN_COUNT(kinds); i++) {
        struct index_rows set = index_rows_make(i < QUERN_COUNT(kinds) ? kinds[i] : ROWS_RANDOM, 9000, 64);
        for (int k = 0; k < 64; k++)
            query[k] = set.vectors[k] + index_trial_number() / 4;
        for (size_t row = 0; row < set.count && i == QUERN_COUNT(kinds); row++)
            for (size_t k = 0; k < 64; k++)
                set.vectors[row * 64 + k] = query[k] * (k < row / 140 ? 1.0f : -1.0f) * (1 + (float)(row % 97) / 97);
        index_rows_write(&set, true);
        quern_index *index = index_trial_open();
        for (int threads = 1; threads <= 3; threads++)
            for (int times = 1; times <= 1000; times = times * 4 + 1)
                check_bits(&set, index, query, threads, times);
        quern_index_close(index);
        index_rows_free(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_few_are_scored),
        cmocka_unit_test(test_rising_scores),
        cmocka_unit_test(test_filter_and_least),
        cmocka_unit_test(test_half_floats),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_nearest_by_bits),
    };
    return cmocka_run_group_tests(tests, index_trial_begin, index_trial_end);
}
