#include "batcher.h"

#include "server_clock.h"

int quern_batcher_init(struct quern_batcher *batcher, uint64_t budget, uint64_t most_tokens)
{
    *batcher = (struct quern_batcher){.budget = budget, .most_tokens = most_tokens, .now_ns = quern_clock_ns};
    if (pthread_mutex_init(&batcher->lock, NULL) != 0)
        return QUERN_ENOMEM;
    if (pthread_cond_init(&batcher->work, NULL) != 0) {
        pthread_mutex_destroy(&batcher->lock);
        return QUERN_ENOMEM;
    }
    return QUERN_OK;
}

void quern_batcher_free(struct quern_batcher *batcher)
{
    pthread_cond_destroy(&batcher->work);
    pthread_mutex_destroy(&batcher->lock);
}

/* ---------------------------------------------------------------- helpers, called under the lock */

static void add(struct quern_batcher *batcher, struct quern_job *job)
{
    job->before = batcher->last;
    job->after = NULL;
    if (batcher->last != NULL)
        batcher->last->after = job;
    else
        batcher->first = job;
    batcher->last = job;
    batcher->waiting_jobs++;
}

static void leave(struct quern_batcher *batcher, struct quern_job *job)
{
    if (job->before != NULL)
        job->before->after = job->after;
    else
        batcher->first = job->after;
    if (job->after != NULL)
        job->after->before = job->before;
    else
        batcher->last = job->before;
    job->before = job->after = NULL;
    batcher->waiting_jobs--;
}

static bool is_short(const struct quern_job *job)
{
    return job->tokens <= QUERN_URGENT_TOKENS;
}

static bool short_wait(const struct quern_batcher *batcher)
{
    return batcher->short_tokens > 0;
}

static bool long_wait(const struct quern_batcher *batcher)
{
    return batcher->waiting_tokens > batcher->short_tokens;
}

/* Tokens of wanted text i of a job. */
static uint64_t tokens_of(const struct quern_job *job, size_t i)
{
    return job->texts[job->wanted[i]].count;
}

/* Counts texts that begin to wait, of so many tokens. */
static void count_in(struct quern_batcher *batcher, const struct quern_job *job, size_t texts, uint64_t tokens)
{
    batcher->waiting_texts += texts;
    batcher->waiting_tokens += tokens;
    if (is_short(job))
        batcher->short_tokens += tokens;
}

/* Counts a text that waits no longer. */
static void count_out(struct quern_batcher *batcher, const struct quern_job *job, uint64_t tokens)
{
    batcher->waiting_texts--;
    batcher->waiting_tokens -= tokens;
    if (is_short(job))
        batcher->short_tokens -= tokens;
}

/* Removes the texts that have not started from the queue. */
static void drop_rest(struct quern_batcher *batcher, struct quern_job *job)
{
    if (job->taken == job->wanted_count)
        return;
    for (size_t i = job->taken; i < job->wanted_count; i++) {
        count_out(batcher, job, tokens_of(job, i));
        job->computed++;
    }
    job->taken = job->wanted_count;
    leave(batcher, job);
}

/* Which jobs may have texts in a step. */
enum kind { ALL_JOBS, SHORT_JOBS, LONG_JOBS };

static bool is_of(const struct quern_job *job, enum kind kind)
{
    return kind == ALL_JOBS || is_short(job) == (kind == SHORT_JOBS);
}

/* Whether the next text of a job may follow those that a step has. */
static bool fits(const struct quern_job *job, const struct quern_step *step, uint64_t budget)
{
    const uint64_t room = step->tokens < budget ? budget - step->tokens : 0;
    return step->count == 0 || (job->engine == step->engine && tokens_of(job, job->taken) <= room);
}

/* The job of this kind whose next text has the smallest mark, of those that fit. */
static struct quern_job *choose(const struct quern_batcher *batcher, enum kind kind, const struct quern_step *step,
                                uint64_t budget)
{
    struct quern_job *best = NULL;
    for (struct quern_job *job = batcher->first; job != NULL; job = job->after)
        if (is_of(job, kind) && fits(job, step, budget) && (best == NULL || job->mark < best->mark))
            best = job;
    return best;
}

static void take_text(struct quern_batcher *batcher, struct quern_job *job, struct quern_step *step)
{
    const uint64_t tokens = tokens_of(job, job->taken);
    if (job->taken == 0)
        job->started_ns = step->started_ns;
    step->engine = job->engine;
    step->jobs[step->count] = job;
    step->texts[step->count++] = job->wanted[job->taken++];
    step->tokens += tokens;
    count_out(batcher, job, tokens);
    batcher->running_texts++;
    if (job->mark > batcher->clock)
        batcher->clock = job->mark;
    if (job->taken == job->wanted_count)
        leave(batcher, job);
    else
        job->mark += tokens_of(job, job->taken);
}

/* Brings the account of urgent time up to date. No urgent step runs. */
static void save_time(struct quern_batcher *batcher, int64_t now)
{
    batcher->account_ns += (now - batcher->account_at_ns) / QUERN_URGENT_PART;
    batcher->account_at_ns = now;
    if (batcher->account_ns > QUERN_URGENT_MOST_NS)
        batcher->account_ns = QUERN_URGENT_MOST_NS;
}

/* SHORT_JOBS: the step is urgent. */
static void fill(struct quern_batcher *batcher, struct quern_step *step, int64_t now, enum kind kind)
{
    const uint64_t budget = kind == SHORT_JOBS ? QUERN_URGENT_TOKENS : batcher->budget;
    step->started_ns = now;
    step->urgent = kind == SHORT_JOBS;
    while (step->count < QUERN_STEP_TEXTS) {
        struct quern_job *job = choose(batcher, kind, step, budget);
        if (job == NULL)
            break;
        take_text(batcher, job, step);
    }
}

/* The kind of the next step. */
static enum kind next_kind(const struct quern_batcher *batcher)
{
    if (!short_wait(batcher) || !long_wait(batcher))
        return ALL_JOBS;
    if (batcher->account_ns > 0)
        return SHORT_JOBS;
    return batcher->short_tokens <= QUERN_URGENT_TOKENS ? LONG_JOBS : ALL_JOBS;
}

static bool has_long(const struct quern_step *step)
{
    for (size_t i = 0; i < step->count; i++)
        if (!is_short(step->jobs[i]))
            return true;
    return false;
}

/* ---------------------------------------------------------------- the interface */

bool quern_batcher_submit(struct quern_batcher *batcher, struct quern_job *job)
{
    job->taken = job->computed = 0;
    job->code = QUERN_OK;
    job->tokens = 0;
    for (size_t i = 0; i < job->wanted_count; i++)
        job->tokens += tokens_of(job, i);
    job->submitted_ns = job->started_ns = batcher->now_ns();
    pthread_mutex_lock(&batcher->lock);
    const bool fits = batcher->waiting_jobs == 0 || (job->tokens <= batcher->most_tokens &&
                                                     batcher->waiting_tokens <= batcher->most_tokens - job->tokens);
    if (fits) {
        job->mark = batcher->clock + tokens_of(job, 0);
        count_in(batcher, job, job->wanted_count, job->tokens);
        add(batcher, job);
        pthread_cond_signal(&batcher->work);
    }
    pthread_mutex_unlock(&batcher->lock);
    return fits;
}

bool quern_batcher_cancel(struct quern_batcher *batcher, struct quern_job *job)
{
    pthread_mutex_lock(&batcher->lock);
    const bool started = job->taken > job->computed || job->computed == job->wanted_count;
    drop_rest(batcher, job);
    pthread_mutex_unlock(&batcher->lock);
    return !started;
}

bool quern_batcher_take(struct quern_batcher *batcher, struct quern_step *step)
{
    step->count = 0;
    step->tokens = 0;
    pthread_mutex_lock(&batcher->lock);
    while (batcher->first == NULL && !batcher->ending)
        pthread_cond_wait(&batcher->work, &batcher->lock);
    if (!batcher->ending) {
        const int64_t now = batcher->now_ns();
        save_time(batcher, now);
        fill(batcher, step, now, next_kind(batcher));
        batcher->runs_long = has_long(step);
        batcher->inside_ns = 0;
    }
    pthread_mutex_unlock(&batcher->lock);
    return step->count > 0;
}

bool quern_batcher_take_urgent(struct quern_batcher *batcher, struct quern_step *step)
{
    step->count = 0;
    step->tokens = 0;
    pthread_mutex_lock(&batcher->lock);
    if (batcher->runs_long && short_wait(batcher) && !batcher->ending) {
        const int64_t now = batcher->now_ns();
        save_time(batcher, now);
        if (batcher->account_ns > 0)
            fill(batcher, step, now, SHORT_JOBS);
    }
    pthread_mutex_unlock(&batcher->lock);
    return step->count > 0;
}

static void count_step(struct quern_batcher *batcher, const struct quern_step *step, int64_t now)
{
    int64_t took = now - step->started_ns;
    if (step->urgent) {
        batcher->account_ns -= took;
        batcher->account_at_ns = now;
        batcher->inside_ns += took;
        batcher->steps.urgent++;
    } else {
        took -= batcher->inside_ns;
    }
    quern_histogram_add(&batcher->steps.texts, (double)step->count);
    quern_histogram_add(&batcher->steps.tokens, (double)step->tokens);
    quern_histogram_add(&batcher->steps.fill, (double)step->tokens / (double)batcher->budget);
    quern_histogram_add(&batcher->steps.seconds, (double)took * 1e-9);
}

bool quern_batcher_finish(struct quern_batcher *batcher, const struct quern_step *step, const quern_result *results)
{
    const int64_t now = batcher->now_ns();
    pthread_mutex_lock(&batcher->lock);
    count_step(batcher, step, now);
    for (size_t i = 0; i < step->count; i++) {
        struct quern_job *job = step->jobs[i];
        batcher->running_texts--;
        job->computed++;
        if (results[i].code != QUERN_OK) {
            job->code = results[i].code;
            job->failed = step->texts[i];
            drop_rest(batcher, job);
        }
        if (job->computed < job->wanted_count)
            continue;
        job->finished_ns = now;
        job->after = batcher->finished;
        batcher->finished = job;
    }
    const bool any = batcher->finished != NULL;
    pthread_mutex_unlock(&batcher->lock);
    return any;
}

struct quern_job *quern_batcher_collect(struct quern_batcher *batcher)
{
    pthread_mutex_lock(&batcher->lock);
    struct quern_job *finished = batcher->finished;
    batcher->finished = NULL;
    pthread_mutex_unlock(&batcher->lock);
    return finished;
}

void quern_batcher_look(struct quern_batcher *batcher, struct quern_batcher_state *state)
{
    const int64_t now = batcher->now_ns();
    pthread_mutex_lock(&batcher->lock);
    *state = (struct quern_batcher_state){
        .budget = batcher->budget, .waiting_tokens = batcher->waiting_tokens, .waiting_texts = batcher->waiting_texts,
        .running_texts = batcher->running_texts, .steps = batcher->steps};
    if (batcher->first != NULL && now > batcher->first->submitted_ns)
        state->oldest_seconds = (double)(now - batcher->first->submitted_ns) * 1e-9;
    pthread_mutex_unlock(&batcher->lock);
}

void quern_batcher_end(struct quern_batcher *batcher)
{
    pthread_mutex_lock(&batcher->lock);
    batcher->ending = true;
    pthread_cond_signal(&batcher->work);
    pthread_mutex_unlock(&batcher->lock);
}
