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
 * - The texts of a request are taken in their order.
 * - Take a text of t tokens, with no other text of its request before it. First it waits for the step that runs, which
 *   has at most max(budget, longest text) tokens. Then it waits for texts of other requests: for at most t tokens and
 *   one more text of each of them. It waits for this one more text only if that has a lower mark. (Of two texts that
 *   came at the same time, the shorter one has the lower mark.) So a query does not wait for a long document that came
 *   with it, nor for 2,047 of another request's 2,048 texts.
 * - No text waits forever. Each text that is taken moves the clock on, so texts that come later get larger marks.
 *
 * Several models share the queue. A step has texts of one engine only: of the one whose text has the smallest mark.
 * Texts of other engines are passed over. A step takes texts with larger marks than one that it passes over only when
 * no text with a smaller one is left for its engine. So a text waits, beyond what is said above, for one step of each
 * other engine at most.
 *
 * Short requests need not wait for a step of long ones. A request is short if it wants at most QUERN_URGENT_TOKENS
 * tokens, and else it is long. An urgent step has texts of short requests only, by their marks, and at most so many
 * tokens. Urgent steps have an account of time. It gains a part of all time in which no urgent step runs, 1 ns in
 * QUERN_URGENT_PART ns, but holds at most QUERN_URGENT_MOST_NS. It pays the time of each urgent step. While it is above
 * zero, an urgent step is computed
 *
 * - between two layers of a step that has a text of a long request, or
 * - instead of the next step, when long requests wait too.
 *
 * While it is not, the next step has texts of long requests only if the short ones that wait fit into one urgent step,
 * which will soon be computed between its layers. If they do not, all texts are taken by their marks. So:
 *
 * - While the account is above zero, a short request waits for one layer of the step that runs, for the urgent step
 *   that runs, and for the short requests before it.
 * - An urgent step of time t leaves the account at -t or above. So it is above zero again after at most
 *   QUERN_URGENT_PART * t of other steps.
 * - Take any time T, and let U be the part of it in which urgent steps run. U is at most what the account had, what it
 *   gains, (T - U) / QUERN_URGENT_PART, and one urgent step by which it is overdrawn. So U is less than
 *   T / (QUERN_URGENT_PART + 1) + QUERN_URGENT_MOST_NS + one urgent step. All other time is for other steps: three
 *   quarters in the long run, however many short requests come.
 *
 * Where requests are all short, or all long, there are no urgent steps, and no text waits while a step has room. */
#ifndef QUERN_SERVER_BATCHER_H
#define QUERN_SERVER_BATCHER_H

#include "histogram.h"
#include "job.h"
#include "quern.h"

#include <pthread.h>
#include <stdbool.h>

#define QUERN_STEP_TEXTS 512 /* of a step at most */
#define QUERN_URGENT_TOKENS 64
#define QUERN_URGENT_PART 3
#define QUERN_URGENT_MOST_NS 50000000

struct quern_step {
    struct quern_step_engine *engine; /* of all its jobs */
    size_t count;
    uint64_t tokens;
    bool urgent;
    int64_t started_ns;
    struct quern_job *jobs[QUERN_STEP_TEXTS];
    size_t texts[QUERN_STEP_TEXTS]; /* the number of the text in its job */
};

/* What is counted of each step that is finished. */
struct quern_step_meters {
    struct quern_histogram texts, tokens, fill; /* fill: tokens as a share of the budget */
    struct quern_histogram seconds; /* of computing; of a step without those of the urgent steps between its layers */
    uint64_t urgent;                /* steps of this kind */
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
    uint64_t short_tokens;                /* those of short jobs among them */
    size_t waiting_jobs, waiting_texts, running_texts;
    bool runs_long;       /* the step that runs has a text of a long job */
    int64_t account_ns;   /* of urgent time, as it was at account_at_ns */
    int64_t account_at_ns;
    int64_t inside_ns;    /* of urgent steps between the layers of the step that runs */
    struct quern_step_meters steps;
    bool ending;
    int64_t (*now_ns)(void); /* quern_clock_ns; a test may put another clock in its place */
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

/* Fills a step; waits until there is work. False: the batcher is ending. The step must be given back before the next
 * one is taken. */
bool quern_batcher_take(struct quern_batcher *batcher, struct quern_step *step);

/* Fills an urgent step if one must run between the layers of the step that runs; never waits. False: none must. It must
 * be given back before the step that runs. */
bool quern_batcher_take_urgent(struct quern_batcher *batcher, struct quern_step *step);

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
