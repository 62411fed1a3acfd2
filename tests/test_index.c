/* Index files and search, compared with a plain loop over all vectors. */
#include "base/count.h"
#include "index/block_layout.h"
#include "quern_index.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/dev/shm/quern-index-XXXXXX/notes.qidx"; /* in memory: a commit waits for the disk */

static int set_up(void **state)
{
    (void)state;
    if (access("/dev/shm", W_OK) != 0)
        strcpy(path, "/tmp/quern-index-XXXXXX/notes.qidx");
    char *slash = strrchr(path, '/');
    *slash = '\0';
    const bool made = mkdtemp(path) != NULL;
    *slash = '/';
    return made ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char *slash = strrchr(path, '/');
    unlink(path);
    *slash = '\0';
    const int code = rmdir(path); /* fails if a file is left over */
    *slash = '/';
    return code;
}

static uint64_t random_state;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* From -1 to 1, with more numbers in the middle. */
static float random_number(void)
{
    return (float)((int)(random_bits() % 2001) + (int)(random_bits() % 2001) - 2000) / 2000;
}

/* ---------------------------------------------------------------- vectors */

enum kind { RANDOM, CLUSTERED, DUPLICATED, EQUAL, ZEROS, SCALES, TINY, SPARSE, KINDS };

/* A vector of a kind that is hard to search in its own way. */
static void make_vector(enum kind kind, size_t row, int dimensions, float *x)
{
    const uint64_t kept = random_state;
    if (kind == DUPLICATED || kind == CLUSTERED || kind == EQUAL)
        random_state = 77 + (kind == EQUAL ? 0 : row % 7);
    for (int k = 0; k < dimensions; k++)
        x[k] = kind == ZEROS ? 0 : random_number();
    if (kind == DUPLICATED || kind == CLUSTERED || kind == EQUAL)
        random_state = kept;
    for (int k = 0; k < dimensions; k++) {
        if (kind == CLUSTERED)
            x[k] += random_number() / 1000;
        if (kind == SCALES)
            x[k] *= powf(10, (float)(row % 31) - 15);
        if (kind == TINY)
            x[k] *= FLT_MIN / 64;
        if (kind == SPARSE && (size_t)k % 5 != row % 5)
            x[k] = 0;
    }
}

/* The score as the kernels' specification adds it up. */
static double score_of(const float *a, const float *b, int dimensions)
{
    double sums[16] = {0};
    for (int k = 0; k < dimensions; k++)
        sums[k % 16] += (double)a[k] * (double)b[k];
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            sums[i] += sums[i + half];
    return sums[0];
}

/* ---------------------------------------------------------------- a set of rows, as a plain list */

struct set {
    int dimensions;
    size_t count;
    float *vectors;
    uint64_t *ids;
    bool *gone;
};

static struct set make_set(enum kind kind, size_t count, int dimensions)
{
    struct set set = {dimensions, count, malloc(count * (size_t)dimensions * sizeof(float)),
                      malloc(count * sizeof(uint64_t)), calloc(count, sizeof(bool))};
    random_state = 1234567 + (uint64_t)kind;
    for (size_t i = 0; i < count; i++) {
        make_vector(kind, i, dimensions, set.vectors + i * (size_t)dimensions);
        set.ids[i] = i * 7919 % 1000003; /* in another order than the rows */
    }
    return set;
}

static void free_set(struct set *set)
{
    free(set->vectors);
    free(set->ids);
    free(set->gone);
}

static quern_index_row row_of(const struct set *set, size_t i)
{
    return (quern_index_row){.number = set->ids[i], .payload = {(const char *)&set->ids[i], i % 9}};
}

static void add_rows(quern_index_writer *writer, const struct set *set, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        const quern_index_row row = row_of(set, i);
        assert_int_equal(quern_index_add(writer, &row, set->vectors + i * (size_t)set->dimensions, 1, NULL), QUERN_OK);
    }
}

static quern_index_writer *create(const quern_index_options *options)
{
    quern_index_writer *writer = NULL;
    quern_error error;
    if (quern_index_create(&writer, path, options, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    return writer;
}

static quern_index *open_index(void)
{
    quern_index *index = NULL;
    quern_error error;
    if (quern_index_open(&index, path, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    return index;
}

static void write_set(const struct set *set, bool bits)
{
    const quern_index_options options = {.size = sizeof options, .dimensions = set->dimensions, .bits = bits,
                                         .threads = 2};
    quern_index_writer *writer = create(&options);
    add_rows(writer, set, 0, set->count);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
}

/* ---------------------------------------------------------------- the plain search */

static const struct set *sorted_set;
static const double *sorted_scores;

static int by_score(const void *a, const void *b)
{
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (sorted_scores[i] != sorted_scores[j])
        return sorted_scores[i] < sorted_scores[j] ? 1 : -1;
    return sorted_set->ids[i] < sorted_set->ids[j] ? -1 : 1;
}

/* Compares the hits of a query with those of the plain search. only: rows that may be found; NULL: all. */
static void check_hits(const struct set *set, const float *query, const quern_search_options *options,
                       const quern_hit *hits, const quern_search_result *result)
{
    size_t *order = malloc(set->count * sizeof *order), count = 0;
    double *scores = malloc(set->count * sizeof *scores);
    for (size_t i = 0; i < set->count; i++) {
        scores[i] = score_of(set->vectors + i * (size_t)set->dimensions, query, set->dimensions);
        if (!set->gone[i] && (options->only == NULL || (options->only[i / 64] >> i % 64 & 1) != 0) &&
            (!options->has_least || scores[i] >= options->least))
            order[count++] = i;
    }
    sorted_set = set;
    sorted_scores = scores;
    qsort(order, count, sizeof *order, by_score);
    assert_int_equal(result->hits, count < options->hits ? count : options->hits);
    for (size_t i = 0; i < result->hits; i++) {
        assert_int_equal(hits[i].place, order[i]);
        assert_true(hits[i].score == scores[order[i]]);
    }
    assert_int_equal(result->certified, 1);
    free(order);
    free(scores);
}

/* Searches with some queries at once, and compares all hits. */
static void check_search(const struct set *set, const quern_index *index, size_t queries, int threads,
                         const quern_search_options *options)
{
    const quern_searcher_options made = {.size = sizeof made, .threads = threads, .most_hits = options->hits,
                                         .most_queries = 16};
    quern_searcher *searcher = NULL;
    const size_t dimensions = (size_t)set->dimensions;
    float *asked = malloc(queries * dimensions * sizeof *asked);
    quern_hit *hits = calloc(queries * options->hits, sizeof *hits);
    quern_search_result *results = calloc(queries, sizeof *results);
    for (size_t i = 0; i < queries; i++)
        for (size_t k = 0; k < dimensions; k++) { /* every second query is near a row */
            const float near = i % 2 ? 3 * set->vectors[i % set->count * dimensions + k] : 0;
            asked[i * dimensions + k] = random_number() + near;
        }
    assert_int_equal(quern_searcher_new(&searcher, index, &made, NULL), QUERN_OK);
    assert_int_equal(quern_search(searcher, asked, queries, options, hits, results, NULL), QUERN_OK);
    for (size_t i = 0; i < queries; i++)
        check_hits(set, asked + i * dimensions, options, hits + i * options->hits, &results[i]);
    quern_searcher_free(searcher);
    free(asked);
    free(hits);
    free(results);
}

static void test_all_kinds(void **state)
{
    static const struct {
        size_t count;
        int dimensions;
    } sizes[] = {{1, 1}, {17, 3}, {700, 64}, {5000, 100}, {300, 768}};
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++)
        for (size_t s = 0; s < QUERN_COUNT(sizes); s++) {
            struct set set = make_set(kind, sizes[s].count, sizes[s].dimensions);
            write_set(&set, false);
            quern_index *index = open_index();
            assert_int_equal(quern_index_check(index, NULL), QUERN_OK);
            for (int threads = 1; threads <= 3; threads++)
                for (size_t hits = 1; hits <= 100; hits *= 10) {
                    const quern_search_options options = {.size = sizeof options, .hits = hits};
                    check_search(&set, index, threads == 2 ? 20 : 3, threads, &options);
                }
            quern_index_close(index);
            free_set(&set);
        }
}

/* More candidates than a short list holds: all rows are the same, or nearly. */
static void test_long_lists(void **state)
{
    (void)state;
    static const enum kind kinds[] = {EQUAL, CLUSTERED, ZEROS};
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++) {
        struct set set = make_set(kinds[i], 9000, 32);
        write_set(&set, false);
        quern_index *index = open_index();
        const quern_search_options few = {.size = sizeof few, .hits = 5};
        const quern_search_options many = {.size = sizeof many, .hits = 8999};
        check_search(&set, index, 2, 2, &few);
        check_search(&set, index, 2, 1, &many);
        quern_index_close(index);
        free_set(&set);
    }
}

/* Only few of many rows are scored, or it would not be fast. */
static void test_few_are_scored(void **state)
{
    (void)state;
    struct set set = make_set(RANDOM, 20000, 256);
    write_set(&set, false);
    quern_index *index = open_index();
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
    free_set(&set);
}

/* Each row is better than the one before it, so that all of them enter the short list. What fell below the bar later is
 * not scored, for any number of threads. */
static void test_rising_scores(void **state)
{
    (void)state;
    struct set set = make_set(RANDOM, 20000, 8);
    for (size_t i = 0; i < set.count; i++)
        for (int k = 0; k < set.dimensions; k++)
            set.vectors[i * 8 + (size_t)k] =
                (k == 0 ? 1 : set.vectors[i * 8 + (size_t)k] / 10) * (1 + (float)i / 5000);
    write_set(&set, false);
    quern_index *index = open_index();
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
    free_set(&set);
}

static void test_filter_and_least(void **state)
{
    (void)state;
    struct set set = make_set(RANDOM, 5000, 64);
    uint64_t only[(5000 + 63) / 64];
    quern_index_row chosen[40];
    write_set(&set, false);
    quern_index *index = open_index();
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
    check_search(&set, index, 4, 2, &filtered);
    check_search(&set, index, 4, 2, &least);
    check_search(&set, index, 12, 2, &both);
    quern_index_close(index);
    free_set(&set);
}

/* ---------------------------------------------------------------- changes */

static void test_changes(void **state)
{
    (void)state;
    struct set set = make_set(RANDOM, 6000, 48);
    quern_index_writer *writer = NULL;
    size_t removed;
    struct set part = set;
    part.count = 4500;
    write_set(&part, true);
    quern_index *before = open_index();

    quern_error error;
    quern_index_options expected = {.size = sizeof expected, .dimensions = 47};
    assert_int_equal(quern_index_change(&writer, path, &expected, &error), QUERN_EINVAL);
    assert_non_null(strstr(error.text, "has vectors of 48 dimensions with numbers as ids, not of 47"));
    expected.dimensions = 48;
    expected.ids = QUERN_INDEX_NAMES;
    assert_int_equal(quern_index_change(&writer, path, &expected, &error), QUERN_EINVAL);
    expected.ids = QUERN_INDEX_NUMBERS;
    assert_int_equal(quern_index_change(&writer, path, &expected, NULL), QUERN_OK);
    add_rows(writer, &set, 4500, 4600);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    add_rows(writer, &set, 4600, 6000);
    for (size_t i = 0; i < 6000; i += 11) { /* old ones, and new ones of the open block */
        const quern_index_row row = {.number = set.ids[i]};
        assert_int_equal(quern_index_remove(writer, &row, 1, &removed, NULL), QUERN_OK);
        assert_int_equal(removed, 1);
        assert_int_equal(quern_index_remove(writer, &row, 1, &removed, NULL), QUERN_OK);
        assert_int_equal(removed, 0);
        set.gone[i] = true;
    }
    quern_index *between = open_index();
    assert_int_equal(quern_index_set_note(writer, (quern_text){"a\0b", 3}, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);

    quern_index *after = open_index();
    const quern_search_options options = {.size = sizeof options, .hits = 20};
    check_search(&set, after, 3, 2, &options);
    memset(set.gone, 0, set.count);
    part.count = 4600;
    check_search(&part, between, 3, 2, &options); /* what is open does not change */
    part.count = 4500;
    check_search(&part, before, 3, 2, &options);

    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(after, &info, NULL), QUERN_OK);
    assert_int_equal(info.places, 6000);
    assert_int_equal(info.count, 6000 - (6000 + 10) / 11);
    assert_int_equal(info.note.length, 3);
    assert_memory_equal(info.note.data, "a\0b", 3);
    quern_index_close(before);
    quern_index_close(between);
    quern_index_close(after);
    free_set(&set);
}

/* A row replaces the one with the same id, in the same block, in an older one, and twice in one call. */
static void test_replacing(void **state)
{
    (void)state;
    const quern_index_options options = {.size = sizeof options, .dimensions = 2, .ids = QUERN_INDEX_NAMES};
    const float vectors[][2] = {{1, 0}, {0, 1}, {0.5f, 0.5f}, {2, 2}};
    const quern_index_row rows[] = {{.name = {"a", 1}, .payload = {"one", 3}}, {.name = {"b\0c", 3}},
                                    {.name = {"a", 1}, .payload = {"three", 5}}, {.name = {"a", 1}}};
    quern_index_writer *writer = create(&options);
    quern_index_row found;
    assert_int_equal(quern_index_add(writer, rows, vectors[0], 3, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index *index = open_index();
    assert_int_equal(quern_index_get(index, 0, &found, NULL), QUERN_EINVAL);
    assert_int_equal(quern_index_get(index, 2, &found, NULL), QUERN_OK);
    assert_int_equal(found.payload.length, 5);
    assert_memory_equal(found.payload.data, "three", 5);
    assert_int_equal(quern_index_get(index, 1, &found, NULL), QUERN_OK);
    assert_int_equal(found.name.length, 3);
    assert_memory_equal(found.name.data, "b\0c", 3);
    quern_index_close(index);

    assert_int_equal(quern_index_add(writer, &rows[3], vectors[3], 1, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    index = open_index();
    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    assert_int_equal(info.count, 2);
    assert_int_equal(quern_index_get(index, 2, &found, NULL), QUERN_EINVAL);
    float vector[2];
    assert_int_equal(quern_index_vector(index, 3, vector, NULL), QUERN_OK);
    assert_true(vector[0] == 2 && vector[1] == 2);
    assert_int_equal(quern_index_get(index, 4, &found, NULL), QUERN_EINVAL);
    quern_index_close(index);
}

static void test_compact(void **state)
{
    (void)state;
    struct set set = make_set(RANDOM, 300, 20);
    quern_index_writer *writer = NULL;
    struct set part = set;
    part.count = 1;
    write_set(&part, false);
    for (size_t i = 1; i < 300; i += 13) { /* many small blocks */
        assert_int_equal(quern_index_change(&writer, path, NULL, NULL), QUERN_OK);
        add_rows(writer, &set, i, i + 13 < 300 ? i + 13 : 300);
        assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
        quern_index_writer_free(writer);
    }
    assert_int_equal(quern_index_change(&writer, path, NULL, NULL), QUERN_OK);
    const quern_index_row first[] = {row_of(&set, 0), row_of(&set, 1)};
    assert_int_equal(quern_index_remove(writer, first, 2, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_index_set_note(writer, (quern_text){"note", 4}, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_error error;
    assert_int_equal(quern_index_compact(path, &error), QUERN_EIO); /* the writer holds the file */
    assert_non_null(strstr(error.text, "another process is changing it"));
    quern_index_writer_free(writer);

    if (quern_index_compact(path, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    quern_index *index = open_index();
    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    assert_int_equal(info.blocks, 1);
    assert_int_equal(info.places, 298);
    assert_int_equal(info.count, 298);
    assert_memory_equal(info.note.data, "note", 4);
    const struct set rest = {set.dimensions, 298, set.vectors + 2 * 20, set.ids + 2, set.gone};
    const quern_search_options options = {.size = sizeof options, .hits = 298};
    check_search(&rest, index, 3, 2, &options);
    for (size_t i = 0; i < 298; i++) {
        quern_index_row row;
        assert_int_equal(quern_index_get(index, i, &row, NULL), QUERN_OK);
        assert_int_equal(row.number, rest.ids[i]);
        assert_int_equal(row.payload.length, (i + 2) % 9);
        assert_memory_equal(row.payload.data, &rest.ids[i], row.payload.length);
    }
    quern_index_close(index);
    free_set(&set);
}

/* What was not committed is not there; a new file has no name before its first commit. */
static void test_forgotten(void **state)
{
    (void)state;
    struct set set = make_set(RANDOM, 5000, 16);
    const quern_index_options options = {.size = sizeof options, .dimensions = 16};
    unlink(path);
    quern_index_writer *writer = create(&options);
    quern_index *index = NULL;
    add_rows(writer, &set, 0, 5000);
    assert_int_equal(quern_index_open(&index, path, NULL), QUERN_EIO);
    assert_null(index);
    quern_index_writer_free(writer);
    assert_int_equal(access(path, F_OK), -1);

    struct set part = set;
    part.count = 100;
    write_set(&part, false);
    assert_int_equal(quern_index_change(&writer, path, NULL, NULL), QUERN_OK);
    add_rows(writer, &set, 100, 5000);
    quern_index_writer_free(writer);
    index = open_index();
    const quern_search_options asked = {.size = sizeof asked, .hits = 100};
    check_search(&part, index, 2, 2, &asked);
    quern_index_close(index);

    writer = create(&options); /* an index of nothing */
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    index = open_index();
    part.count = 0;
    quern_searcher *searcher = NULL;
    quern_hit hits[100];
    quern_search_result result = {.hits = 7};
    assert_int_equal(quern_searcher_new(&searcher, index, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_search(searcher, set.vectors, 1, &asked, hits, &result, NULL), QUERN_OK);
    assert_int_equal(result.hits, 0);
    quern_searcher_free(searcher);
    quern_index_close(index);
    free_set(&set);
}

/* ---------------------------------------------------------------- formats */

static void test_half_floats(void **state)
{
    (void)state;
    struct set set = make_set(RANDOM, 500, 40);
    const quern_index_options options = {.size = sizeof options, .dimensions = 40, .rows = QUERN_DTYPE_F16};
    quern_index_writer *writer = create(&options);
    add_rows(writer, &set, 0, 500);
    const float large[40] = {70000};
    const quern_index_row row = {.number = 1};
    assert_int_equal(quern_index_add(writer, &row, large, 1, NULL), QUERN_EINVAL);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    quern_index *index = open_index();
    for (size_t i = 0; i < 500; i++) {
        float vector[40];
        assert_int_equal(quern_index_vector(index, i, vector, NULL), QUERN_OK);
        for (size_t k = 0; k < 40; k++)
            assert_true(fabsf(vector[k] - set.vectors[i * 40 + k]) <= 0x1p-11f);
        memcpy(set.vectors + i * 40, vector, sizeof vector);
    }
    const quern_search_options asked = {.size = sizeof asked, .hits = 30};
    check_search(&set, index, 10, 2, &asked);
    quern_index_close(index);
    free_set(&set);
}

/* Search by bits: hits have their true scores, and the nearest by bits are among them. */
static void test_bits(void **state)
{
    (void)state;
    struct set set = make_set(RANDOM, 6000, 100);
    write_set(&set, true);
    quern_index *index = open_index();
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
        assert_true(hits[i].score == score_of(set.vectors + hits[i].place * 100, set.vectors, 100));
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
    check_hits(&set, set.vectors, &options, hits, &result);
    quern_searcher_free(searcher);
    quern_index_close(index);
    free_set(&set);
}

static int sign_distance(const float *a, const float *b, int dimensions)
{
    int distance = 0;
    for (int k = 0; k < dimensions; k++)
        distance += (a[k] > 0) != (b[k] > 0);
    return distance;
}

/* Sets the bits of the rows with the nearest signs, of equally near ones the first. */
static void mark_nearest(const struct set *set, const float *query, size_t wanted, uint64_t *marked)
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
static void check_bits(const struct set *set, const quern_index *index, const float *query, int threads, int times)
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
    check_hits(set, query, &options, hits, &result);
    quern_searcher_free(searcher);
    free(marked);
}

/* Many rows are as far as others; and every row is nearer than the one before it, so that all enter the lists. */
static void test_nearest_by_bits(void **state)
{
    (void)state;
    static const enum kind kinds[] = {RANDOM, CLUSTERED, EQUAL, ZEROS, SPARSE};
    float query[64];
    for (size_t i = 0; i <= QUERN_COUNT(kinds); i++) {
        struct set set = make_set(i < QUERN_COUNT(kinds) ? kinds[i] : RANDOM, 9000, 64);
        for (int k = 0; k < 64; k++)
            query[k] = set.vectors[k] + random_number() / 4;
        for (size_t row = 0; row < set.count && i == QUERN_COUNT(kinds); row++)
            for (size_t k = 0; k < 64; k++)
                set.vectors[row * 64 + k] = query[k] * (k < row / 140 ? 1.0f : -1.0f) * (1 + (float)(row % 97) / 97);
        write_set(&set, true);
        quern_index *index = open_index();
        for (int threads = 1; threads <= 3; threads++)
            for (int times = 1; times <= 1000; times = times * 4 + 1)
                check_bits(&set, index, query, threads, times);
        quern_index_close(index);
        free_set(&set);
    }
}

/* ---------------------------------------------------------------- refusals */

#define REFUSED(call, code, words)                                                                                     \
    do {                                                                                                               \
        quern_error refused;                                                                                           \
        assert_int_equal(call, code);                                                                                  \
        if (strstr(refused.text, words) == NULL)                                                                       \
            fail_msg("\"%s\" does not say \"%s\"", refused.text, words);                                               \
    } while (0)

static void test_refusals(void **state)
{
    (void)state;
    quern_index_options options = {.size = sizeof options};
    quern_index_writer *writer = NULL, *second = NULL;
    REFUSED(quern_index_create(&writer, path, &options, &refused), QUERN_EINVAL, "1 to 16384 dimensions, not of 0");
    options.dimensions = 3;
    options.rows = QUERN_DTYPE_INT8;
    REFUSED(quern_index_create(&writer, path, &options, &refused), QUERN_EINVAL, "f32 or f16");
    options.rows = QUERN_DTYPE_F32;
    options.space = "a name of a space that has more than sixty-three bytes, as no space has";
    REFUSED(quern_index_create(&writer, path, &options, &refused), QUERN_EINVAL, "more than 63 bytes");
    options.space = "3n-0123456789abcdef-document";
    options.ids = QUERN_INDEX_NAMES;
    assert_int_equal(quern_index_create(&writer, path, &options, NULL), QUERN_OK);
    REFUSED(quern_index_create(&second, path, &options, &refused), QUERN_EIO, "another process is writing it");

    const float vectors[][3] = {{1, 2, 3}, {1, NAN, 3}, {INFINITY, 0, 0}, {2e18f, 0, 0}};
    const quern_index_row rows[] = {{.name = {"a", 1}}, {.name = {"b", 1}}, {.name = {"", 0}}};
    for (size_t i = 1; i < QUERN_COUNT(vectors); i++)
        REFUSED(quern_index_add(writer, rows, vectors[i], 1, &refused), QUERN_EINVAL, "not finite, or is longer");
    quern_error error;
    assert_int_equal(quern_index_add(writer, rows, vectors[0], 2, &error), QUERN_EINVAL);
    assert_int_equal(error.index, 1);
    REFUSED(quern_index_add(writer, &rows[2], vectors[0], 1, &refused), QUERN_EINVAL, "1 to 4096 bytes, not 0");
    assert_int_equal(quern_index_add(writer, rows, vectors[0], 1, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);

    quern_index *index = open_index();
    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    assert_int_equal(info.count, 1); /* the row before the bad one was not added */
    assert_string_equal(info.space, options.space);
    quern_searcher *searcher = NULL;
    quern_hit hits[200];
    quern_search_options asked = {.size = sizeof asked, .hits = 101};
    assert_int_equal(quern_searcher_new(&searcher, index, NULL, NULL), QUERN_OK);
    REFUSED(quern_search(searcher, vectors[0], 1, &asked, hits, NULL, &refused), QUERN_EINVAL, "1 to 100 hits");
    asked.hits = 2;
    asked.oversampling = 3;
    REFUSED(quern_search(searcher, vectors[0], 1, &asked, hits, NULL, &refused), QUERN_EINVAL, "index with bits");
    asked.oversampling = 0;
    assert_int_equal(quern_search(searcher, vectors[0], 2, &asked, hits, NULL, &error), QUERN_EINVAL);
    assert_int_equal(error.index, 1);
    asked.space = "3n-0123456789abcdee-query";
    REFUSED(quern_search(searcher, vectors[0], 1, &asked, hits, NULL, &refused), QUERN_EINVAL, "cannot be compared");
    asked.space = "3n-0123456789abcdef-query";
    assert_int_equal(quern_search(searcher, vectors[0], 1, &asked, hits, NULL, NULL), QUERN_OK);
    quern_searcher_free(searcher);
    quern_index_close(index);
}

/* ---------------------------------------------------------------- damage */

static unsigned char *read_all(size_t *size)
{
    FILE *file = fopen(path, "rb");
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void write_all(const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Opens a damaged file, and uses all of it if that succeeds. Returns whether the damage was noticed. */
static bool try_damaged(void)
{
    quern_index *index = NULL;
    quern_searcher *searcher = NULL;
    const float query[5] = {1, 2, 3, 4, 5};
    const quern_search_options options = {.size = sizeof options, .hits = 10};
    quern_hit hits[10];
    quern_search_result result;
    if (quern_index_open(&index, path, NULL) != QUERN_OK)
        return true;
    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    if (info.dimensions == 5) {
        assert_int_equal(quern_searcher_new(&searcher, index, NULL, NULL), QUERN_OK);
        quern_search(searcher, query, 1, &options, hits, &result, NULL);
        quern_searcher_free(searcher);
    }
    for (uint64_t place = 0; place < info.places; place++) {
        quern_index_row row;
        quern_index_get(index, place, &row, NULL);
    }
    const bool noticed = quern_index_check(index, NULL) != QUERN_OK;
    quern_index_close(index);
    return noticed;
}

static void test_damage(void **state)
{
    (void)state;
    const quern_index_options options = {.size = sizeof options, .dimensions = 5, .ids = QUERN_INDEX_NAMES, .bits = 1};
    quern_index_writer *writer = create(&options);
    for (size_t i = 0; i < 30; i++) {
        const float vector[5] = {(float)i, 1, 2, 3, 4};
        const quern_index_row row = {.name = {"abcdefghijklmnopqrstuvwxyz0123456789", i + 1}, .payload = {"xyz", 3}};
        assert_int_equal(quern_index_add(writer, &row, vector, 1, NULL), QUERN_OK);
    }
    const quern_index_row gone = {.name = {"abc", 3}};
    assert_int_equal(quern_index_remove(writer, &gone, 1, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    size_t size;
    unsigned char *bytes = read_all(&size);
    assert_false(try_damaged());
    for (size_t at = 0; at < size; at++) {
        const bool is_padding = at >= 12 && at < QUERN_INDEX_HEADER && !(at >= 128 && at < 168);
        if (is_padding && at % 64 != 0)
            continue;
        for (int flip = 1; flip < 256; flip *= 16) {
            bytes[at] ^= (unsigned char)flip;
            write_all(bytes, size);
            const bool noticed = try_damaged();
            if (!noticed && !is_padding && bytes[at] != 0)
                fail_msg("a change of byte %zu of %zu was not noticed", at, size);
            bytes[at] ^= (unsigned char)flip;
        }
    }
    for (size_t length = 1; length < size; length += length < 200 ? 1 : 97) {
        write_all(bytes, length);
        assert_true(try_damaged());
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_few_are_scored),
        cmocka_unit_test(test_rising_scores),
        cmocka_unit_test(test_filter_and_least),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_replacing),
        cmocka_unit_test(test_compact),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_half_floats),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_nearest_by_bits),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
