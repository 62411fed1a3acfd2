/* Measures an index of random vectors: how long it takes to build, and to search. */
#include "bench.h"

#include "quern_index.h"

#include "base/count.h"
#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIMENSIONS = 768, ADDED_TOGETHER = 4096, MOST_ASKED = 256, FOUND = 10 };

struct searching {
    struct quern_bench *bench;
    struct quern_cli_temporary temporary;
    quern_index *index;
    quern_searcher *searcher;
    float *queries; /* [MOST_ASKED][DIMENSIONS] */
    quern_hit *hits, *exact; /* [MOST_ASKED][FOUND]; exact: of certified searches */
    quern_search_result results[MOST_ASKED];
    size_t asked; /* queries at once */
    quern_search_options options;
};

/* About normally distributed, so that a vector has length 1 or nearly so. */
static void make_vectors(float *vectors, size_t count, uint64_t *random)
{
    for (size_t i = 0; i < count * DIMENSIONS; i++) {
        float sum = 0;
        *random ^= *random << 13; /* xorshift64 */
        *random ^= *random >> 7;
        *random ^= *random << 17;
        for (int part = 0; part < 64; part += 16)
            sum += (float)(*random >> part & 0xFFFF);
        vectors[i] = (sum / 65535 - 2) * 0.0625f;
    }
}

/* Writes an index of so many vectors, and counts the time without that of making them. */
static int build(struct searching *s, size_t count, double *ns)
{
    quern_index_writer *writer = NULL;
    const quern_index_options options = {.size = sizeof options, .dimensions = DIMENSIONS, .bits = 1,
                                         .threads = s->bench->options.session.threads};
    quern_index_row *rows = calloc(ADDED_TOGETHER, sizeof *rows);
    float *vectors = malloc((size_t)ADDED_TOGETHER * DIMENSIONS * sizeof *vectors);
    uint64_t random = 88172645463325252u;
    int code = rows != NULL && vectors != NULL
                   ? quern_index_create(&writer, s->temporary.file, &options, &s->bench->error)
                   : quern_fail(&s->bench->error, QUERN_ENOMEM, "no memory for vectors");
    *ns = 0;
    for (size_t first = 0; first < count && code == QUERN_OK; first += ADDED_TOGETHER) {
        const size_t together = count - first < ADDED_TOGETHER ? count - first : ADDED_TOGETHER;
        make_vectors(vectors, together, &random);
        for (size_t i = 0; i < together; i++)
            rows[i].number = first + i;
        const double begin = quern_bench_now_ns();
        code = quern_index_add(writer, rows, vectors, together, &s->bench->error);
        *ns += quern_bench_now_ns() - begin;
    }
    const double begin = quern_bench_now_ns();
    if (code == QUERN_OK)
        code = quern_index_commit(writer, &s->bench->error);
    *ns += quern_bench_now_ns() - begin;
    quern_index_writer_free(writer);
    free(rows);
    free(vectors);
    return code;
}

static int search(void *user)
{
    struct searching *s = user;
    return quern_search(s->searcher, s->queries, s->asked, &s->options, s->hits, s->results, &s->bench->error);
}

/* The part of the hits of certified searches that searches with s->options find, over all queries. */
static int measure_recall(struct searching *s, double *recall)
{
    size_t same = 0;
    s->asked = MOST_ASKED;
    QUERN_TRY(search(s));
    if (s->options.oversampling == 0)
        memcpy(s->exact, s->hits, (size_t)MOST_ASKED * FOUND * sizeof *s->exact);
    for (size_t i = 0; i < (size_t)MOST_ASKED * FOUND; i++)
        for (size_t k = i / FOUND * FOUND; k < (i / FOUND + 1) * FOUND; k++)
            same += s->exact[i].place == s->hits[k].place;
    *recall = (double)same / ((double)MOST_ASKED * FOUND);
    return QUERN_OK;
}

static int measure_searches(struct searching *s, struct quern_bench_table *table, size_t rows)
{
    static const struct {
        const char *kind;
        size_t asked;
        int oversampling;
    } kinds[] = {{"certified", 1, 0}, {"bits, 50 times", 1, 50}, {"certified", 8, 0},
                 {"certified", 64, 0}, {"bits, 50 times", 64, 50}, {"certified", 256, 0}};
    for (size_t k = 0; k < QUERN_COUNT(kinds); k++) {
        struct quern_bench_figures f;
        double recall;
        s->options = (quern_search_options){.size = sizeof s->options, .hits = FOUND,
                                            .oversampling = kinds[k].oversampling};
        QUERN_TRY(measure_recall(s, &recall));
        s->asked = kinds[k].asked;
        QUERN_TRY(quern_bench_measure(&f, search, s, s->bench->options.seconds));
        quern_bench_put(&s->bench->report, table, kinds[k].kind, (double)rows, (double)s->asked, f.p50_ns / 1e6,
                        f.min_ns / 1e6, (double)s->asked * 1e9 / f.p50_ns, f.p50_ns / (double)(rows * s->asked),
                        (double)s->results[0].scored, recall);
    }
    return QUERN_OK;
}

static int measure_rows(struct searching *s, struct quern_bench_table *builds, struct quern_bench_table *table,
                        size_t rows)
{
    double ns;
    const quern_searcher_options options = {.size = sizeof options, .most_hits = FOUND, .most_queries = MOST_ASKED,
                                            .threads = s->bench->options.session.threads};
    QUERN_TRY(build(s, rows, &ns));
    quern_bench_put(&s->bench->report, builds, (double)rows, ns / 1e9, (double)rows * 1e9 / ns);
    QUERN_TRY(quern_index_open(&s->index, s->temporary.file, &s->bench->error));
    QUERN_TRY(quern_searcher_new(&s->searcher, s->index, &options, &s->bench->error));
    return measure_searches(s, table, rows);
}

static void end(struct searching *s)
{
    quern_searcher_free(s->searcher);
    quern_index_close(s->index);
    s->searcher = NULL;
    s->index = NULL;
    unlink(s->temporary.file);
}

int quern_bench_search(struct quern_bench *bench)
{
    static const struct quern_bench_column build_columns[] = {
        {"rows", "rows", 0}, {"seconds", "seconds", 2}, {"rows_per_s", "rows/s", 0}, {NULL, NULL, 0}};
    static const struct quern_bench_column columns[] = {
        {"kind", "search", QUERN_BENCH_TEXT}, {"rows", "rows", 0}, {"queries", "queries at once", 0},
        {"p50_ms", "p50, ms", 3}, {"min_ms", "least, ms", 3}, {"queries_per_s", "queries/s", 1},
        {"ns_per_row", "ns for a row and query", 2}, {"scored", "rows scored", 0}, {"recall", "recall", 3},
        {NULL, NULL, 0}};
    struct searching s = {.bench = bench};
    uint64_t random = 362436069;
    struct quern_bench_table *builds = quern_bench_table_add(&bench->report, "index_build", "Building an index",
        "Random vectors of 768 dimensions, as float32, bytes and bits.", build_columns);
    struct quern_bench_table *table = quern_bench_table_add(&bench->report, "search", "Searching an index",
        "The best 10 of random vectors of 768 dimensions. The file is in the page cache.", columns);
    s.queries = malloc((size_t)MOST_ASKED * DIMENSIONS * sizeof *s.queries);
    s.hits = calloc((size_t)MOST_ASKED * FOUND, sizeof *s.hits);
    s.exact = calloc((size_t)MOST_ASKED * FOUND, sizeof *s.exact);
    int code = s.queries != NULL && s.hits != NULL && s.exact != NULL
                   ? QUERN_OK
                   : quern_fail(&bench->error, QUERN_ENOMEM, "no memory for queries");
    if (code == QUERN_OK && quern_cli_temporary_make(&s.temporary, "vectors.qidx", false) != QUERN_CLI_DONE)
        code = quern_fail(&bench->error, QUERN_EIO, "there is no place for an index");
    if (code == QUERN_OK)
        make_vectors(s.queries, MOST_ASKED, &random);
    for (int i = 0; i < bench->rows.count && code == QUERN_OK; i++) {
        code = measure_rows(&s, builds, table, (size_t)bench->rows.values[i]);
        end(&s);
    }
    quern_cli_temporary_remove(&s.temporary);
    free(s.queries);
    free(s.hits);
    free(s.exact);
    return code;
}
