#include "base/count.h"
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MOST_TILES 5000

struct job {
    int visits[MOST_TILES]; /* plain ints: a tile that ran twice, or is not visible to the caller, shows */
    atomic_bool stray;      /* a tile or thread out of range was seen */
    int tiles, threads;
};

static void visit(void *argument, int tile, int thread)
{
    struct job *job = argument;
    if (tile < 0 || tile >= job->tiles || thread < 0 || thread >= job->threads) {
        atomic_store(&job->stray, true);
        return;
    }
    job->visits[tile]++;
}

static void sleep_us(long microseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

/* Runs a job and checks that each tile ran once. */
static void check_job(struct quern_pool *pool, struct job *job, int tiles)
{
    job->tiles = tiles;
    job->threads = quern_pool_threads(pool);
    memset(job->visits, 0, sizeof job->visits);
    quern_pool_run(pool, visit, job, tiles);
    for (int i = 0; i < MOST_TILES; i++)
        if (job->visits[i] != (i < tiles))
            fail_msg("%d threads, %d tiles: tile %d ran %d times", job->threads, tiles, i, job->visits[i]);
    assert_false(atomic_load(&job->stray));
}

static struct quern_pool *new_pool(int threads)
{
    struct quern_pool *pool = NULL;
    quern_error error;
    if (quern_pool_new(&pool, threads, NULL, NULL, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(quern_pool_threads(pool), threads);
    return pool;
}

static void test_every_tile_once(void **state)
{
    (void)state;
    static struct job job;
    static const int thread_counts[] = {1, 2, 3, 4, 7, 16};
    srand(1);
    for (size_t t = 0; t < QUERN_COUNT(thread_counts); t++) {
        struct quern_pool *pool = new_pool(thread_counts[t]);
        for (int tiles = 0; tiles < 8; tiles++)
            check_job(pool, &job, tiles);
        for (int round = 0; round < 500; round++)
            check_job(pool, &job, rand() % (round % 10 == 0 ? MOST_TILES : 40));
        quern_pool_free(pool);
    }
}

/* Workers that sleep, or will sleep in a moment, still work on the next job. */
static void test_jobs_after_pauses(void **state)
{
    (void)state;
    static struct job job;
    struct quern_pool *pool = new_pool(3);
    for (int round = 0; round < 200; round++) {
        sleep_us(round % 4 == 0 ? 1000 : 30 + round % 40);
        check_job(pool, &job, 2 + round % 50);
    }
    quern_pool_free(pool);
}

/* Each job reads what the job before wrote, also in tiles of other threads. It is visible without any other call. */
#define CHAIN 512
struct chain {
    const uint32_t *from;
    uint32_t *to;
};

static void add_neighbours(void *argument, int tile, int thread)
{
    const struct chain *chain = argument;
    (void)thread;
    chain->to[tile] = chain->from[tile] + chain->from[(tile + 1) % CHAIN] + 1;
}

static void test_writes_are_visible(void **state)
{
    (void)state;
    static uint32_t memory[2][CHAIN], expected[2][CHAIN];
    struct quern_pool *pool = new_pool(4);
    for (int round = 0; round < 2000; round++) {
        struct chain chain = {memory[round % 2], memory[(round + 1) % 2]};
        struct chain plain = {expected[round % 2], expected[(round + 1) % 2]};
        quern_pool_run(pool, add_neighbours, &chain, CHAIN);
        for (int i = 0; i < CHAIN; i++)
            add_neighbours(&plain, i, 0);
        assert_memory_equal(chain.to, plain.to, sizeof memory[0]);
    }
    quern_pool_free(pool);
}

/* A tile that waits for another one to start ends only when two threads work: so workers do wake up. */
struct meeting {
    _Atomic int present;
    atomic_bool met;
};

static void meet(void *argument, int tile, int thread)
{
    struct meeting *meeting = argument;
    (void)tile;
    (void)thread;
    atomic_fetch_add(&meeting->present, 1);
    for (int i = 0; i < 100000 && atomic_load(&meeting->present) < 2; i++)
        sleep_us(100);
    if (atomic_load(&meeting->present) == 2)
        atomic_store(&meeting->met, true);
}

static void test_sleeping_workers_wake(void **state)
{
    (void)state;
    struct quern_pool *pool = new_pool(2);
    for (int round = 0; round < 20; round++) {
        struct meeting meeting = {0};
        sleep_us(2000);
        quern_pool_run(pool, meet, &meeting, 2);
        assert_true(atomic_load(&meeting.met));
    }
    quern_pool_free(pool);
}

/* A tile that takes long on a worker makes the caller sleep, and wakes it. */
static void be_slow_elsewhere(void *argument, int tile, int thread)
{
    struct job *job = argument;
    if (thread != 0)
        sleep_us(1000);
    job->visits[tile]++;
}

static void test_caller_waits_for_slow_workers(void **state)
{
    (void)state;
    static struct job job;
    struct quern_pool *pool = new_pool(4);
    for (int round = 0; round < 100; round++) {
        memset(job.visits, 0, sizeof job.visits);
        quern_pool_run(pool, be_slow_elsewhere, &job, 6);
        for (int i = 0; i < 6; i++)
            assert_int_equal(job.visits[i], 1);
    }
    quern_pool_free(pool);
}

static void test_made_and_freed_at_once(void **state)
{
    (void)state;
    static struct job job;
    for (int round = 0; round < 100; round++) {
        struct quern_pool *pool = new_pool(1 + round % 5);
        if (round % 2 == 0)
            check_job(pool, &job, round);
        quern_pool_free(pool);
    }
    quern_pool_free(NULL);
}

/* What the started threads have called. */
static _Atomic int begun, ended, missed;
static _Thread_local bool has_begun;

static void begin_thread(void)
{
    has_begun = true;
    atomic_fetch_add(&begun, 1);
}

static void end_thread(void)
{
    atomic_fetch_add(&ended, has_begun ? 1 : 1000);
}

static void visit_begun(void *argument, int tile, int thread)
{
    (void)argument, (void)tile;
    if (thread != 0 && !has_begun)
        atomic_fetch_add(&missed, 1);
}

static void test_workers_begin_and_end(void **state)
{
    (void)state;
    struct quern_pool *pool = NULL;
    quern_error error;
    assert_int_equal(quern_pool_new(&pool, 4, begin_thread, end_thread, &error), QUERN_OK);
    for (int i = 0; i < 100; i++)
        quern_pool_run(pool, visit_begun, NULL, 8);
    assert_int_equal(atomic_load(&ended), 0);
    quern_pool_free(pool);
    assert_int_equal(atomic_load(&missed), 0);
    assert_int_equal(atomic_load(&begun), 3);
    assert_int_equal(atomic_load(&ended), 3);
    assert_false(has_begun); /* the caller's own thread */
}

static void test_thread_counts_are_checked(void **state)
{
    (void)state;
    struct quern_pool *pool = NULL;
    quern_error error;
    assert_int_equal(quern_pool_new(&pool, 0, NULL, NULL, &error), QUERN_EINVAL);
    assert_int_equal(quern_pool_new(&pool, -1, NULL, NULL, &error), QUERN_EINVAL);
    assert_int_equal(quern_pool_new(&pool, QUERN_MOST_THREADS + 1, NULL, NULL, &error), QUERN_EINVAL);
    assert_string_equal(error.text, "257 threads: give 1 to 256");
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tile_once),          cmocka_unit_test(test_jobs_after_pauses),
        cmocka_unit_test(test_writes_are_visible),       cmocka_unit_test(test_sleeping_workers_wake),
        cmocka_unit_test(test_caller_waits_for_slow_workers), cmocka_unit_test(test_made_and_freed_at_once),
        cmocka_unit_test(test_workers_begin_and_end),    cmocka_unit_test(test_thread_counts_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
