/* The batcher decides which texts are computed next. It has one lock. The loop submits and cancels jobs. The worker
 * takes and finishes steps.
 *
 * Requests share the engine fairly by tokens, as packets share a wire (self-clocked fair queueing). Texts are taken in
 * the order of their marks. The queue has a clock that counts tokens: the largest mark that was taken so far. The next
 * text of a request has the mark
 *
 *     max(clock when the request came, mark of the request's text before it) + the text's tokens
 *
 * A step takes the text with the smallest mark, and of equal marks the text of the older request. It goes on until its
 * budget of tokens is full. A text that is too long for the rest of the budget is passed over. A later step takes it
 * first, however long it is. From this follows:
 *
 * - The texts of a request are taken in their order, and so are its results.
 * - No text waits while a step has room for it.
 * - Take a text of t tokens, with no other text of its request before it. First it waits for the step that runs, which
 *   has at most max(budget, longest text) tokens. Then it waits for texts of other requests: for at most t tokens and
 *   one more text of each of them. It waits for this one more text only if that has a lower mark. (Of two texts that
 *   came at the same time, the shorter one has the lower mark.) So a query does not wait for a long document that came
 *   with it, nor for 2,047 of another request's 2,048 texts.
 * - No text waits forever. Each text that is taken moves the clock on, so texts that come later get larger marks. */
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

/* What is counted of each step that is finished. */
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

/* Gives a step back. results[i].code says whether text i of the step was computed. When a text has failed, its job gets
 * this code, the job's texts that still wait are removed, and the job is finished. True if there is something to
 * collect. */
bool quern_batcher_finish(struct quern_batcher *batcher, const struct quern_step *step, const quern_result *results);

/* Returns all finished jobs, linked by `after`. */
struct quern_job *quern_batcher_collect(struct quern_batcher *batcher);

/* Copies the state of the batcher. */
void quern_batcher_look(struct quern_batcher *batcher, struct quern_batcher_state *state);

/* Wakes the worker for the last time; jobs that are still queued stay. */
void quern_batcher_end(struct quern_batcher *batcher);

#endif
