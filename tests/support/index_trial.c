#include "index_trial.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char index_trial_path[] = "/dev/shm/quern-index-XXXXXX/notes.qidx"; /* in memory: a commit waits for the disk */

int index_trial_begin(void **state)
{
    (void)state;
    if (access("/dev/shm", W_OK) != 0)
        strcpy(index_trial_path, "/tmp/quern-index-XXXXXX/notes.qidx");
    char *slash = strrchr(index_trial_path, '/');
    *slash = '\0';
    const bool made = mkdtemp(index_trial_path) != NULL;
    *slash = '/';
    return made ? 0 : -1;
}

int index_trial_end(void **state)
{
    (void)state;
    char *slash = strrchr(index_trial_path, '/');
    unlink(index_trial_path);
    *slash = '\0';
    const int code = rmdir(index_trial_path); /* fails if a file is left over */
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
float index_trial_number(void)
{
    return (float)((int)(random_bits() % 2001) + (int)(random_bits() % 2001) - 2000) / 2000;
}

/* ---------------------------------------------------------------- vectors */

/* A vector of a kind that is hard to search in its own way. */
static void make_vector(enum index_rows_kind kind, size_t row, int dimensions, float *x)
{
    const uint64_t kept = random_state;
    if (kind == ROWS_DUPLICATED || kind == ROWS_CLUSTERED || kind == ROWS_EQUAL)
        random_state = 77 + (kind == ROWS_EQUAL ? 0 : row % 7);
    for (int k = 0; k < dimensions; k++)
        x[k] = kind == ROWS_ZEROS ? 0 : index_trial_number();
    if (kind == ROWS_DUPLICATED || kind == ROWS_CLUSTERED || kind == ROWS_EQUAL)
        random_state = kept;
    for (int k = 0; k < dimensions; k++) {
        if (kind == ROWS_CLUSTERED)
            x[k] += index_trial_number() / 1000;
        if (kind == ROWS_SCALES)
            x[k] *= powf(10, (float)(row % 31) - 15);
        if (kind == ROWS_TINY)
            x[k] *= FLT_MIN / 64;
        if (kind == ROWS_SPARSE && (size_t)k % 5 != row % 5)
            x[k] = 0;
    }
}

/* The score as the kernels' specification adds it up. */
double index_trial_score(const float *a, const float *b, int dimensions)
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

struct index_rows index_rows_make(enum index_rows_kind kind, size_t count, int dimensions)
{
    struct index_rows set = {dimensions, count, malloc(count * (size_t)dimensions * sizeof(float)),
                      malloc(count * sizeof(uint64_t)), calloc(count, sizeof(bool))};
    random_state = 1234567 + (uint64_t)kind;
    for (size_t i = 0; i < count; i++) {
        make_vector(kind, i, dimensions, set.vectors + i * (size_t)dimensions);
        set.ids[i] = i * 7919 % 1000003; /* in another order than the rows */
    }
    return set;
}

void index_rows_free(struct index_rows *set)
{
    free(set->vectors);
    free(set->ids);
    free(set->gone);
}

quern_index_row index_rows_at(const struct index_rows *set, size_t i)
{
    return (quern_index_row){.number = set->ids[i], .payload = {(const char *)&set->ids[i], i % 9}};
}

void index_rows_add(quern_index_writer *writer, const struct index_rows *set, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        const quern_index_row row = index_rows_at(set, i);
        assert_int_equal(quern_index_add(writer, &row, set->vectors + i * (size_t)set->dimensions, 1, NULL), QUERN_OK);
    }
}

quern_index_writer *index_trial_create(const quern_index_options *options)
{
    quern_index_writer *writer = NULL;
    quern_error error;
    if (quern_index_create(&writer, index_trial_path, options, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    return writer;
}

quern_index *index_trial_open(void)
{
    quern_index *index = NULL;
    quern_error error;
    if (quern_index_open(&index, index_trial_path, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    return index;
}

void index_rows_write(const struct index_rows *set, bool bits)
{
    const quern_index_options options = {.size = sizeof options, .dimensions = set->dimensions, .bits = bits,
                                         .threads = 2};
    quern_index_writer *writer = index_trial_create(&options);
    index_rows_add(writer, set, 0, set->count);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
}

/* ---------------------------------------------------------------- the plain search */

static const struct index_rows *sorted_set;
static const double *sorted_scores;

static int by_score(const void *a, const void *b)
{
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (sorted_scores[i] != sorted_scores[j])
        return sorted_scores[i] < sorted_scores[j] ? 1 : -1;
    return sorted_set->ids[i] < sorted_set->ids[j] ? -1 : 1;
}

/* Compares the hits of a query with those of the plain search. only: rows that may be found; NULL: all. */
void index_rows_check_hits(const struct index_rows *set, const float *query, const quern_search_options *options,
                           const quern_hit *hits, const quern_search_result *result)
{
    size_t *order = malloc(set->count * sizeof *order), count = 0;
    double *scores = malloc(set->count * sizeof *scores);
    for (size_t i = 0; i < set->count; i++) {
        scores[i] = index_trial_score(set->vectors + i * (size_t)set->dimensions, query, set->dimensions);
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
void index_rows_check_search(const struct index_rows *set, const quern_index *index, size_t queries, int threads,
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
            asked[i * dimensions + k] = index_trial_number() + near;
        }
    assert_int_equal(quern_searcher_new(&searcher, index, &made, NULL), QUERN_OK);
    assert_int_equal(quern_search(searcher, asked, queries, options, hits, results, NULL), QUERN_OK);
    for (size_t i = 0; i < queries; i++)
        index_rows_check_hits(set, asked + i * dimensions, options, hits + i * options->hits, &results[i]);
    quern_searcher_free(searcher);
    free(asked);
    free(hits);
    free(results);
}
