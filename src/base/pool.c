#include "base/pool.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/pages.h"
#include "base/system/system.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* A worker watches for the next job this long before it sleeps: longer than the pauses between the products of one
 * forward pass. The caller watches for the last tile this long before it sleeps: a worker that needs longer for it has
 * probably lost its CPU, and gets the caller's CPU when the caller sleeps. */
#define WORKER_SPIN_NS 50000
#define CALLER_SPIN_NS 100000

/* After this time, a thread that watches gives its CPU to any other thread that wants it: this may be the thread that
 * it waits for. Measured with two threads on two CPUs, of which a busy process wants one: jobs of 36 us then take 1.1
 * times as long as with one thread alone, and not 1.5 times. */
#define PAUSE_NS 20000
#define CACHE_LINE 64

/* The job is published as one 64-bit ticket: the number of its tiles in the upper 32 bits, the next tile to claim in
 * the lower ones. A thread claims a tile by adding one. The value before tells it whether it got a tile of the job that
 * is current at this moment. So a worker that comes late finds nothing, whichever job it wanted to join. run, argument
 * and tiles are written before the ticket, and cannot change before all tiles of the job are done. When all
 * tiles are claimed, each thread adds to the ticket at most once more, so the lower 32 bits cannot overflow. */
struct quern_pool {
    alignas(CACHE_LINE) _Atomic uint64_t ticket;
    alignas(CACHE_LINE) _Atomic uint32_t done; /* tiles of the current job that have returned */
    alignas(CACHE_LINE) quern_pool_fn *run;
    void *argument;
    uint32_t tiles;
    int threads;            /* the caller included */
    int references;
    size_t bytes;           /* of this structure, with its workers */
    void (*begin)(void), (*end)(void); /* of each worker; NULL: nothing */
    atomic_bool stop;
    atomic_bool waiting;    /* the caller sleeps until done == tiles */
    _Atomic int sleepers;   /* workers that sleep until a ticket is open */
    pthread_mutex_t mutex;  /* held around falling asleep, so that no wake-up is lost */
    pthread_cond_t opened, finished;
    struct worker {
        struct quern_pool *pool;
        int number;
        pthread_t thread;
    } workers[];
};

static bool is_open(uint64_t ticket)
{
    return (uint32_t)ticket < (uint32_t)(ticket >> 32);
}

static bool worker_ready(struct quern_pool *pool)
{
    return is_open(atomic_load(&pool->ticket)) || atomic_load(&pool->stop);
}

static bool caller_ready(struct quern_pool *pool)
{
    return atomic_load(&pool->done) == pool->tiles;
}

static void relax_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* Watches for ready for at most limit_ns. */
static bool spin(struct quern_pool *pool, bool (*ready)(struct quern_pool *), int64_t limit_ns)
{
    int64_t start = 0, waited = 0;
    for (unsigned turn = 1; waited < limit_ns; turn++) {
        if (ready(pool))
            return true;
        if (waited < PAUSE_NS)
            relax_cpu();
        else
            sched_yield();
        if (waited < PAUSE_NS && turn % 32 != 0)
            continue; /* asking for the time takes as long as a few looks */
        if (start == 0)
            start = quern_now_ns();
        else
            waited = quern_now_ns() - start;
    }
    return ready(pool);
}

/* Claims and runs tiles until the job has none left. All tiles that one call runs are of one job, because a job cannot
 * end before they are reported. */
static void run_tiles(struct quern_pool *pool, int thread)
{
    uint32_t ran = 0, tiles = 0;
    for (;;) {
        uint64_t ticket = atomic_fetch_add_explicit(&pool->ticket, 1, memory_order_acquire);
        if (!is_open(ticket))
            break;
        tiles = (uint32_t)(ticket >> 32);
        pool->run(pool->argument, (int)(uint32_t)ticket, thread);
        ran++;
    }
    if (ran == 0 || atomic_fetch_add(&pool->done, ran) + ran != tiles || thread == 0 || !atomic_load(&pool->waiting))
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->finished);
    pthread_mutex_unlock(&pool->mutex);
}

/* No wake-up is lost. A worker that will sleep counts itself, and then looks at the ticket. The caller writes the
 * ticket, and then looks at the count. All four operations are sequentially consistent, so at least one of the two sees
 * what the other has written. */
static void sleep_until_open(struct quern_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!worker_ready(pool))
        pthread_cond_wait(&pool->opened, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct quern_pool *pool = worker->pool;
    if (pool->begin != NULL)
        pool->begin();
    while (!atomic_load(&pool->stop)) {
        if (!spin(pool, worker_ready, WORKER_SPIN_NS))
            sleep_until_open(pool);
        run_tiles(pool, worker->number);
    }
    if (pool->end != NULL)
        pool->end();
    return NULL;
}

static void publish(struct quern_pool *pool)
{
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    atomic_store(&pool->ticket, (uint64_t)pool->tiles << 32);
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->mutex);
    int useful = atomic_load(&pool->sleepers);
    if ((uint32_t)useful > pool->tiles - 1)
        useful = (int)pool->tiles - 1;
    for (int i = 0; i < useful; i++)
        pthread_cond_signal(&pool->opened);
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_until_done(struct quern_pool *pool)
{
    if (spin(pool, caller_ready, CALLER_SPIN_NS))
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->waiting, true);
    while (!caller_ready(pool))
        pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->waiting, false);
    pthread_mutex_unlock(&pool->mutex);
}

void quern_pool_run(struct quern_pool *pool, quern_pool_fn *run, void *argument, int tiles)
{
    if (tiles <= 1 || pool->threads == 1) {
        for (int tile = 0; tile < tiles; tile++)
            run(argument, tile, 0);
        return;
    }
    pool->run = run;
    pool->argument = argument;
    pool->tiles = (uint32_t)tiles;
    publish(pool);
    run_tiles(pool, 0);
    wait_until_done(pool);
}

int quern_pool_new(struct quern_pool **out, int threads, void (*begin)(void), void (*end)(void), quern_error *error)
{
    if (threads < 1 || threads > QUERN_MOST_THREADS)
        return quern_fail(error, QUERN_EINVAL, "%d threads: give 1 to %d", threads, QUERN_MOST_THREADS);
    size_t bytes = sizeof(struct quern_pool) + (size_t)(threads - 1) * sizeof(struct worker);
    struct quern_pool *pool = quern_pages_take(bytes, error);
    if (pool == NULL)
        return QUERN_ENOMEM;
    pool->bytes = bytes;
    pool->references = 1;
    pool->begin = begin;
    pool->end = end;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->opened, NULL);
    pthread_cond_init(&pool->finished, NULL);
    for (pool->threads = 1; pool->threads < threads; pool->threads++) {
        struct worker *worker = &pool->workers[pool->threads - 1];
        *worker = (struct worker){.pool = pool, .number = pool->threads};
        int code = quern_system_start_thread(&worker->thread, work, worker);
        if (code != 0) {
            int missing = pool->threads + 1;
            quern_pool_free(pool);
            return quern_fail(error, QUERN_ENOMEM, "cannot start thread %d of %d: %s; ask for fewer threads", missing,
                              threads, strerror(code));
        }
    }
    *out = pool;
    return QUERN_OK;
}

struct quern_pool *quern_pool_share(struct quern_pool *pool)
{
    pool->references++;
    return pool;
}

void quern_pool_free(struct quern_pool *pool)
{
    if (pool == NULL || --pool->references > 0)
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stop, true);
    pthread_cond_broadcast(&pool->opened);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->threads - 1; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->opened);
    pthread_mutex_destroy(&pool->mutex);
    quern_pages_release(pool, pool->bytes);
}

int quern_pool_threads(const struct quern_pool *pool)
{
    return pool->threads;
}
