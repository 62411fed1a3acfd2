/* Which texts are computed next. There is one lock; the loop submits and cancels, the worker takes and finishes.
 *
 * Requests share the engine fairly by tokens, as packets share a wire (self-clocked fair queueing). The queue has a
 * clock that counts tokens: the mark of the text taken last. A request's next text has the mark
 *
 *     max(clock when it came, mark of its text before) + its tokens,
 *
 * and a step takes texts by the smallest mark, the older request first among equals, until its budget of tokens is
 * full; a text too long for what is left is passed over, and leads a later step, whatever its length. So:
 *
 * - Within a request texts are taken in order, and the request's results stand in order.
 * - Work is never kept waiting while a step has room for it.
 * - A text of t tokens whose request has nothing before it waits for the step that runs, at most max(budget, longest
 *   text) tokens, and then from every other request for at most t tokens and one text; for one text only when that text
 *   is marked lower, which one that came at the same time is if it is shorter. So a query does not wait for a long
 *   document that came with it, nor for 2,047 of another request's 2,048 texts.
 * - No text starves: every text taken moves the clock by what others are ahead. */
#ifndef QUERN_SERVER_BATCHER_H
#define QUERN_SERVER_BATCHER_H

#include "histogram.h"
#include "job.h"
#include "quern.h"

#include <pthread.h>
#include <stdbool.h>

#define QUERN_STEP_TEXTS 512 /* of a step at most */

struct quern_step {
    size_t count;
    uint64_t tokens;
    int64_t started_ns;
    struct quern_job *jobs[QUERN_STEP_TEXTS];
    size_t texts[QUERN_STEP_TEXTS]; /* the number of the text in its job */
};

/* Of each step that is finished. */
struct quern_step_meters {
    struct quern_histogram texts, tokens, fill, seconds; /* fill: tokens as a share of the budget */
};

struct quern_batcher_state {
    uint64_t budget, waiting_tokens;
    size_t waiting_texts, running_texts;
    double oldest_seconds; /* how long the oldest text has waited */
    struct quern_step_meters steps;
};

struct quern_batcher {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct quern_job *first, *last;       /* jobs with texts that are not taken yet, in order of arrival */
    struct quern_job *finished;           /* jobs to be collected, the latest first */
    uint64_t clock, budget;               /* tokens */
    uint64_t waiting_tokens, most_tokens; /* tokens that are not taken yet, and their limit */
    size_t waiting_jobs, waiting_texts, running_texts;
    struct quern_step_meters steps;
    bool ending;
};

/* budget: tokens of a step; most_tokens: tokens that may wait. QUERN_ENOMEM. */
int quern_batcher_init(struct quern_batcher *batcher, uint64_t budget, uint64_t most_tokens);
void quern_batcher_free(struct quern_batcher *batcher);

/* Queues a job that wants at least one text. True: the batcher has the job until quern_batcher_collect or
 * quern_batcher_cancel gives it back. False: too many tokens wait already, try later; a job always fits into an empty
 * queue. */
bool quern_batcher_submit(struct quern_batcher *batcher, struct quern_job *job);

/* Removes the texts of a job that have not started. True: the job is the caller's again. False: a text of it is being
 * computed, or the job is finished; it will still come out of quern_batcher_collect. */
bool quern_batcher_cancel(struct quern_batcher *batcher, struct quern_job *job);

/* Fills a step; waits until there is work. False: the batcher is ending. */
bool quern_batcher_take(struct quern_batcher *batcher, struct quern_step *step);

/* Gives a step back; results[i].code is what became of its text i. A job with a text that failed gets this code, its
 * texts that wait are removed, and it is finished. True if there is something to collect. */
bool quern_batcher_finish(struct quern_batcher *batcher, const struct quern_step *step, const quern_result *results);

/* All finished jobs, linked by after. */
struct quern_job *quern_batcher_collect(struct quern_batcher *batcher);

void quern_batcher_look(struct quern_batcher *batcher, struct quern_batcher_state *state);

/* Wakes the worker for the last time; jobs that are still queued stay. */
void quern_batcher_end(struct quern_batcher *batcher);

#endif
