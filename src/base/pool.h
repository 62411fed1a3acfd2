/* A team of threads that shares out the tiles of one job after another.
 *
 * The caller works too. A worker spins for some microseconds after a job, then sleeps. Tiles are claimed one at a
 * time. A job ends when all its tiles are done; it does not wait for a worker that is late. There is no global state. A
 * pool belongs to one calling thread at a time. */
#ifndef QUERN_BASE_POOL_H
#define QUERN_BASE_POOL_H

#include "quern.h"

struct quern_pool;

/* Makes a pool of `threads` threads. The caller is one of them, and the others are started. 1 <= threads <=
 * QUERN_MOST_THREADS. Each started thread calls begin before its first tile, and end before it exits; NULL: nothing. */
int quern_pool_new(struct quern_pool **pool, int threads, void (*begin)(void), void (*end)(void), quern_error *error);

/* Makes another reference to a pool and returns it: the same pointer. quern_pool_free gives one back, and the last one
 * ends the threads. NULL is allowed. */
struct quern_pool *quern_pool_share(struct quern_pool *pool);
void quern_pool_free(struct quern_pool *pool);

int quern_pool_threads(const struct quern_pool *pool);

/* Calls run(argument, tile, thread) once for every tile in [0, tiles), in any order, on up to as many threads as the
 * pool has, and returns when all have returned; what they wrote is visible to the caller. thread is the number of the
 * thread, 0 for the caller: an index into per-thread scratch memory. tiles is 0 or more. With one tile or one thread
 * nothing is handed over. Never fails, never allocates. */
typedef void quern_pool_fn(void *argument, int tile, int thread);
void quern_pool_run(struct quern_pool *pool, quern_pool_fn *run, void *argument, int tiles);

#endif
