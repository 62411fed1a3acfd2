/* One index file and many processes: one changes it, one compacts it, some search in it, and writers are killed at any
 * moment. At every moment the file must hold exactly what some commit left there, no commit may be lost, and an index
 * that is open must not change.
 *
 * The note of the index is the number of its generation. What the rows of a generation are follows from the number, so
 * every process can tell what must be there.
 * usage: test_index_processes [KILLS] */
#include "quern_index.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { IDS = 700, CHANGES = 60, DIMENSIONS = 37, READERS = 4, HITS = 10, USUAL_KILLS = 25 };

static char path[] = "/dev/shm/quern-processes-XXXXXX/shared.qidx";
static long kills = USUAL_KILLS;

/* What processes tell each other. */
static struct shared {
    atomic_uint_fast64_t committed; /* the last generation that a writer knows to be on the disk */
    atomic_uint_fast64_t searches, compactions;
    atomic_int stop;
} *shared;

/* Ends a process that has found a fault. */
#define EXPECT(condition, ...) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
            fprintf(stderr, __VA_ARGS__); \
            fputc('\n', stderr); \
            _exit(1); \
        } \
    } while (0)

/* ---------------------------------------------------------------- generations */

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x7fb5d329728ea185);
    x ^= x >> 27;
    x *= UINT64_C(0x81dadef4bc2dd44d);
    return x ^ x >> 33;
}

/* Which generation set each row; 0: it is not there. */
struct rows {
    uint64_t generation;
    uint64_t set_by[IDS];
};

static uint64_t changed_id(uint64_t generation, int change)
{
    return mix(generation * CHANGES + (uint64_t)change) % IDS;
}

/* A third of the changes are removals. */
static bool is_removal(uint64_t generation, uint64_t id)
{
    return mix(generation ^ id << 32) % 3 == 0;
}

static void advance(struct rows *rows, uint64_t generation)
{
    for (; rows->generation < generation;) {
        rows->generation++;
        for (int i = 0; i < CHANGES; i++) {
            const uint64_t id = changed_id(rows->generation, i);
            rows->set_by[id] = is_removal(rows->generation, id) ? 0 : rows->generation;
        }
    }
}

/* Whole numbers, so that scores are exact, and many of them equal. */
static void make_vector(uint64_t id, uint64_t set_by, float *vector)
{
    for (uint64_t k = 0; k < DIMENSIONS; k++)
        vector[k] = (float)(mix((id << 40) + (set_by << 8) + k) % 7) - 3;
}

/* ---------------------------------------------------------------- writing */

static void change(quern_index_writer *writer, uint64_t generation)
{
    static float vectors[CHANGES][DIMENSIONS];
    quern_index_row added[CHANGES], removed[CHANGES];
    size_t add = 0, remove = 0;
    char note[24];
    quern_error error;
    for (int i = 0; i < CHANGES; i++) {
        const quern_index_row row = {.number = changed_id(generation, i)};
        if (is_removal(generation, row.number)) {
            removed[remove++] = row;
        } else {
            make_vector(row.number, generation, vectors[add]);
            added[add++] = row;
        }
    }
    snprintf(note, sizeof note, "%llu", (unsigned long long)generation);
    EXPECT(quern_index_add(writer, added, vectors[0], add, &error) == QUERN_OK, "%s", error.text);
    EXPECT(quern_index_remove(writer, removed, remove, NULL, &error) == QUERN_OK, "%s", error.text);
    EXPECT(quern_index_set_note(writer, (quern_text){note, strlen(note)}, &error) == QUERN_OK, "%s", error.text);
    EXPECT(quern_index_commit(writer, &error) == QUERN_OK, "%s", error.text);
}

static uint64_t generation_of(const quern_index *index)
{
    quern_index_info info = {.size = sizeof info};
    quern_error error;
    char note[24] = "";
    EXPECT(quern_index_describe(index, &info, &error) == QUERN_OK, "%s", error.text);
    EXPECT(info.note.length > 0 && info.note.length < sizeof note, "a note of %zu bytes", info.note.length);
    memcpy(note, info.note.data, info.note.length);
    return strtoull(note, NULL, 10);
}

static quern_index *open_index(void)
{
    quern_index *index = NULL;
    quern_error error;
    EXPECT(quern_index_open(&index, path, &error) == QUERN_OK, "%s", error.text);
    return index;
}

/* Whether an error says that another process has the file. */
static bool is_taken(int code, const quern_error *error)
{
    return code == QUERN_EIO && strstr(error->text, "another process") != NULL;
}

/* A process that opens the file to change it, a few generations at a time. */
static void write_on(void)
{
    while (!atomic_load(&shared->stop)) {
        quern_index_writer *writer = NULL;
        quern_error error;
        const int code = quern_index_change(&writer, path, NULL, &error);
        EXPECT(code == QUERN_OK || is_taken(code, &error), "%s", error.text);
        if (code != QUERN_OK)
            continue;
        quern_index *index = open_index(); /* nobody else changes it now */
        uint64_t generation = generation_of(index);
        quern_index_close(index);
        EXPECT(generation >= atomic_load(&shared->committed), "generation %llu is lost",
               (unsigned long long)atomic_load(&shared->committed));
        for (uint64_t last = generation + 1 + mix(generation) % 7; generation < last;) {
            change(writer, ++generation);
            atomic_store(&shared->committed, generation);
        }
        quern_index_writer_free(writer);
    }
}

static void compact_on(void)
{
    while (!atomic_load(&shared->stop)) {
        quern_error error;
        const int code = quern_index_compact(path, &error);
        EXPECT(code == QUERN_OK || is_taken(code, &error), "%s", error.text);
        if (code == QUERN_OK)
            atomic_fetch_add(&shared->compactions, 1);
        usleep(2000);
    }
}

/* ---------------------------------------------------------------- reading */

/* Fails unless the index holds the rows of its generation, and nothing else. */
static void check_rows(const quern_index *index, const struct rows *rows)
{
    quern_index_info info = {.size = sizeof info};
    quern_error error;
    uint64_t expected = 0, there = 0;
    for (uint64_t id = 0; id < IDS; id++)
        expected += rows->set_by[id] > 0;
    EXPECT(quern_index_describe(index, &info, &error) == QUERN_OK, "%s", error.text);
    EXPECT(info.count == expected, "generation %llu has %llu rows, not %llu", (unsigned long long)rows->generation,
           (unsigned long long)info.count, (unsigned long long)expected);
    for (uint64_t place = 0; place < info.places; place++) {
        quern_index_row row;
        float found[DIMENSIONS], vector[DIMENSIONS];
        if (quern_index_get(index, place, &row, &error) != QUERN_OK)
            continue; /* it was removed */
        EXPECT(row.number < IDS && rows->set_by[row.number] > 0, "row %llu should not be there",
               (unsigned long long)row.number);
        make_vector(row.number, rows->set_by[row.number], vector);
        EXPECT(quern_index_vector(index, place, found, &error) == QUERN_OK, "%s", error.text);
        EXPECT(memcmp(found, vector, sizeof vector) == 0, "row %llu has another vector",
               (unsigned long long)row.number);
        there++;
    }
    EXPECT(there == expected, "%llu rows, not %llu", (unsigned long long)there, (unsigned long long)expected);
    EXPECT(quern_index_check(index, &error) == QUERN_OK, "%s", error.text);
}

/* Fails unless a search finds the best rows of the generation, equal ones by id. */
static void check_search(quern_searcher *searcher, const quern_index *index, const struct rows *rows, uint64_t seed)
{
    const quern_search_options options = {.size = sizeof options, .hits = HITS};
    float query[DIMENSIONS], vector[DIMENSIONS];
    bool taken[IDS] = {false};
    quern_hit hits[HITS];
    quern_search_result result;
    quern_error error;
    make_vector(seed, UINT32_MAX, query);
    EXPECT(quern_search(searcher, query, 1, &options, hits, &result, &error) == QUERN_OK, "%s", error.text);
    for (size_t i = 0; i < result.hits; i++) {
        double best = 0;
        uint64_t best_id = IDS;
        for (uint64_t id = 0; id < IDS; id++) {
            double score = 0;
            make_vector(id, rows->set_by[id], vector);
            for (int k = 0; k < DIMENSIONS; k++)
                score += (double)query[k] * (double)vector[k];
            if (rows->set_by[id] > 0 && !taken[id] && (best_id == IDS || score > best)) {
                best = score;
                best_id = id;
            }
        }
        quern_index_row row;
        EXPECT(quern_index_get(index, hits[i].place, &row, &error) == QUERN_OK, "%s", error.text);
        EXPECT(row.number == best_id, "hit %zu is row %llu, not %llu", i, (unsigned long long)row.number,
               (unsigned long long)best_id);
        taken[best_id] = true;
    }
}

/* A process that opens the file again and again. It keeps each index open while others change the file. */
static void read_on(uint64_t seed)
{
    struct rows rows = {0};
    while (!atomic_load(&shared->stop)) {
        const uint64_t committed = atomic_load(&shared->committed);
        quern_searcher *searcher = NULL;
        const quern_searcher_options options = {.size = sizeof options, .threads = 2};
        quern_error error;
        quern_index *index = open_index();
        const uint64_t generation = generation_of(index);
        EXPECT(generation >= committed && generation >= rows.generation, "generation %llu after %llu and %llu",
               (unsigned long long)generation, (unsigned long long)rows.generation, (unsigned long long)committed);
        advance(&rows, generation);
        EXPECT(quern_searcher_new(&searcher, index, &options, &error) == QUERN_OK, "%s", error.text);
        check_search(searcher, index, &rows, seed);
        check_rows(index, &rows);
        check_search(searcher, index, &rows, seed + 1);
        quern_searcher_free(searcher);
        quern_index_close(index);
        seed += READERS;
        atomic_fetch_add(&shared->searches, 1);
    }
}

/* A process that only opens the file, so that commits come while it does. */
static void open_on(void)
{
    while (!atomic_load(&shared->stop)) {
        const uint64_t committed = atomic_load(&shared->committed);
        quern_index *index = open_index();
        EXPECT(generation_of(index) >= committed, "generation %llu is not seen", (unsigned long long)committed);
        quern_index_close(index);
    }
}

/* ---------------------------------------------------------------- processes */

enum role { WRITES, COMPACTS, OPENS, READS };

static pid_t start(enum role role, uint64_t seed)
{
    const pid_t process = fork();
    assert_true(process >= 0);
    if (process != 0)
        return process;
    if (role == WRITES)
        write_on();
    else if (role == COMPACTS)
        compact_on();
    else if (role == OPENS)
        open_on();
    else
        read_on(seed);
    _exit(0);
}

/* Waits for a process; true if it ended by the signal or, with 0, without a fault. */
static bool ended(pid_t process, int by_signal)
{
    int status = 0;
    if (waitpid(process, &status, 0) != process)
        return false;
    return by_signal != 0 ? WIFSIGNALED(status) && WTERMSIG(status) == by_signal
                          : WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void make_first(void)
{
    const quern_index_options options = {.size = sizeof options, .dimensions = DIMENSIONS, .bits = 1};
    quern_index_writer *writer = NULL;
    assert_int_equal(quern_index_create(&writer, path, &options, NULL), QUERN_OK);
    change(writer, 1);
    quern_index_writer_free(writer);
    atomic_store(&shared->committed, 1);
}

/* Waits until the counter has grown, or about ten seconds. */
static void wait_for_more(atomic_uint_fast64_t *counter, uint64_t than)
{
    for (int i = 0; i < 100000 && atomic_load(counter) <= than; i++)
        usleep(100);
}

static void test_processes(void **state)
{
    (void)state;
    make_first();
    pid_t writer = start(WRITES, 0), compactor = start(COMPACTS, 0), readers[READERS];
    for (int i = 0; i < READERS; i++)
        readers[i] = start(i < 2 ? OPENS : READS, (uint64_t)i);
    for (long i = 0; i < kills; i++) {
        pid_t *victim = i % 3 == 2 ? &compactor : &writer;
        wait_for_more(&shared->committed, atomic_load(&shared->committed)); /* work goes on after the last kill */
        usleep((useconds_t)(mix((uint64_t)i) % 20000));
        assert_int_equal(kill(*victim, SIGKILL), 0);
        assert_true(ended(*victim, SIGKILL));
        *victim = start(victim == &writer ? WRITES : COMPACTS, 0);
    }
    wait_for_more(&shared->compactions, 0);
    atomic_store(&shared->stop, 1);
    assert_true(ended(writer, 0));
    assert_true(ended(compactor, 0));
    for (int i = 0; i < READERS; i++)
        assert_true(ended(readers[i], 0));
    print_message("%llu generations, %llu compactions, %llu readings\n",
                  (unsigned long long)atomic_load(&shared->committed),
                  (unsigned long long)atomic_load(&shared->compactions),
                  (unsigned long long)atomic_load(&shared->searches));
    assert_true(atomic_load(&shared->committed) > (uint64_t)kills);
    assert_true(atomic_load(&shared->searches) > 0);
    assert_true(atomic_load(&shared->compactions) > 0);
    assert_int_equal(quern_index_compact(path, NULL), QUERN_OK); /* takes over what a killed one left */
}

/* ---------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    if (access("/dev/shm", W_OK) != 0)
        strcpy(path, "/tmp/quern-processes-XXXXXX/shared.qidx");
    char *slash = strrchr(path, '/');
    *slash = '\0';
    const bool made = mkdtemp(path) != NULL;
    *slash = '/';
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return made && shared != MAP_FAILED ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char *slash = strrchr(path, '/');
    unlink(path);
    *slash = '\0';
    return rmdir(path); /* fails if a file is left over */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_processes)};
    if (argc > 1)
        kills = strtol(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
