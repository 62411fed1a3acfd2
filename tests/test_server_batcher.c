/* Which texts share a step, without an engine: steps are examined, or computed by a function that fails when it is told
 * to. */
#include "../server/steps/worker.h"
#include "support/batcher_trial.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct quern_bell bell; /* of the workers */

/* ---------------------------------------------------------------- steps */

static void test_requests_share_a_step(void **state)
{
    (void)state;
    static struct trial_asked a[5];
    struct quern_step step;
    for (int i = 0; i < 5; i++)
        trial_submit(&a[i], 1, 20);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_int_equal(step.count, 5);
    assert_int_equal(step.tokens, 100);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(step.jobs[i], &a[i].job); /* the oldest first */
    trial_finish(&step);
    size_t collected = 0;
    for (struct quern_job *job = quern_batcher_collect(&trial_batcher); job != NULL; job = job->after)
        collected++;
    assert_int_equal(collected, 5);
    assert_null(quern_batcher_collect(&trial_batcher));
}

static void test_texts_of_a_request_stay_in_order(void **state)
{
    (void)state;
    static struct trial_asked a;
    struct quern_step step;
    size_t next = 0;
    trial_submit(&a, 33, 30);
    while (a.job.computed < a.job.count) {
        assert_true(quern_batcher_take(&trial_batcher, &step));
        assert_in_range(step.tokens, 1, TRIAL_BUDGET);
        assert_int_equal(step.count, next + 3 <= 33 ? 3 : 33 - next);
        for (size_t i = 0; i < step.count; i++)
            assert_int_equal(step.texts[i], next++);
        assert_null(quern_batcher_collect(&trial_batcher));
        trial_finish(&step);
    }
    assert_ptr_equal(quern_batcher_collect(&trial_batcher), &a.job);
    assert_int_equal(trial_batcher.waiting_tokens, 0);
}

static void test_a_query_passes_a_long_document_that_came_with_it(void **state)
{
    (void)state;
    static struct trial_asked document, query;
    struct quern_step step;
    trial_submit(&document, 1, TRIAL_LONGEST);
    trial_submit(&query, 1, 10);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_true(trial_has(&step, &query));
    assert_false(trial_has(&step, &document)); /* the budget would be exceeded */
    trial_finish(&step);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_true(trial_has(&step, &document));
    trial_finish(&step);
    quern_batcher_collect(&trial_batcher);
}

static void test_queries_pass_a_large_request(void **state)
{
    (void)state;
    static struct trial_asked large, queries[7]; /* more than an urgent step takes */
    struct quern_step step;
    trial_submit(&large, 200, 30);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    for (int i = 0; i < 7; i++)
        trial_submit(&queries[i], 1, 10); /* while a step runs */
    trial_finish(&step);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_int_equal(step.tokens, TRIAL_BUDGET);
    for (int i = 0; i < 7; i++)
        assert_true(trial_has(&step, &queries[i]));
    assert_true(trial_has(&step, &large)); /* the rest of the step is used, too */
    trial_finish(&step);
    assert_non_null(quern_batcher_collect(&trial_batcher));
    quern_batcher_cancel(&trial_batcher, &large.job);
}

/* A long document is computed although short texts keep coming: after about as many tokens as it has. */
static void test_long_texts_do_not_starve(void **state)
{
    (void)state;
    static struct trial_asked document, queries[40];
    struct quern_step step;
    uint64_t before = 0;
    trial_submit(&document, 1, TRIAL_LONGEST);
    for (int i = 0; i < 40; i++) {
        trial_submit(&queries[i], 3, 33);
        assert_true(quern_batcher_take(&trial_batcher, &step));
        if (trial_has(&step, &document))
            break;
        before += step.tokens;
        trial_finish(&step);
        quern_batcher_collect(&trial_batcher);
    }
    assert_true(trial_has(&step, &document));
    assert_in_range(before, 1, 30 * 99); /* a request starts at the queue's clock: about TRIAL_LONGEST / 33 of them */
    trial_finish(&step);
    while (trial_batcher.first != NULL && quern_batcher_take(&trial_batcher, &step))
        trial_finish(&step);
    quern_batcher_collect(&trial_batcher);
}

/* Two large requests get half of the tokens each. */
static void test_requests_share_by_tokens(void **state)
{
    (void)state;
    static struct trial_asked small_texts, large_texts;
    struct quern_step step;
    uint64_t taken[2] = {0};
    trial_submit(&small_texts, 600, 5);
    trial_submit(&large_texts, 60, 50);
    for (int i = 0; i < 30; i++) {
        assert_true(quern_batcher_take(&trial_batcher, &step));
        for (size_t j = 0; j < step.count; j++)
            taken[step.jobs[j] == &large_texts.job] += step.jobs[j]->texts[0].count;
        trial_finish(&step);
    }
    assert_in_range(taken[0], taken[1] - 100, taken[1] + 100);
    quern_batcher_cancel(&trial_batcher, &small_texts.job);
    quern_batcher_cancel(&trial_batcher, &large_texts.job);
}

/* ---------------------------------------------------------------- limits, and ends */

static void test_the_queue_is_bounded(void **state)
{
    (void)state;
    static struct trial_asked a, b, c;
    struct quern_step step;
    trial_submit(&a, 90, 100);
    trial_ask(&b, 11, 100);
    assert_false(quern_batcher_submit(&trial_batcher, &b.job));
    trial_submit(&c, 10, 100);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_int_equal(trial_batcher.waiting_tokens, TRIAL_MOST - TRIAL_BUDGET);
    trial_finish(&step);
    assert_true(quern_batcher_cancel(&trial_batcher, &a.job));
    assert_int_equal(trial_batcher.waiting_tokens, 1000);
    assert_true(quern_batcher_cancel(&trial_batcher, &c.job));
    assert_int_equal(trial_batcher.waiting_tokens, 0);
    trial_submit(&a, 200, 100); /* an empty queue takes any job */
    assert_true(quern_batcher_cancel(&trial_batcher, &a.job));
    assert_null(trial_batcher.first);
}

static void test_cancelled_work_does_not_start(void **state)
{
    (void)state;
    static struct trial_asked a, b;
    struct quern_step step;
    trial_submit(&a, 10, 50);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_false(quern_batcher_cancel(&trial_batcher, &a.job)); /* two texts are being computed */
    trial_submit(&b, 1, 50);
    trial_finish(&step);
    assert_ptr_equal(quern_batcher_collect(&trial_batcher), &a.job);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_int_equal(step.count, 1);
    assert_ptr_equal(step.jobs[0], &b.job);
    trial_finish(&step);
    assert_false(quern_batcher_cancel(&trial_batcher, &b.job)); /* finished, not yet collected */
    assert_ptr_equal(quern_batcher_collect(&trial_batcher), &b.job);
}

/* A job may want some of its texts only, as when the cache has the others; vectors go to their places. */
static void test_only_wanted_texts_are_computed(void **state)
{
    (void)state;
    static struct trial_asked a;
    struct quern_step step;
    trial_ask(&a, 5, 10);
    a.texts[1].count = 20;
    a.job.wanted_count = 2;
    a.wanted[0] = 3;
    a.wanted[1] = 1;
    assert_true(quern_batcher_submit(&trial_batcher, &a.job));
    assert_int_equal(trial_batcher.waiting_tokens, 30);
    assert_int_equal(trial_batcher.waiting_texts, 2);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_int_equal(step.count, 2);
    assert_int_equal(step.tokens, 30);
    assert_int_equal(step.texts[0], 3);
    assert_int_equal(step.texts[1], 1);
    trial_finish(&step);
    assert_ptr_equal(quern_batcher_collect(&trial_batcher), &a.job);
}

/* Texts of two models come one after the other. A step has those of one; the other has to wait for one step. */
static void test_a_step_has_texts_of_one_engine(void **state)
{
    (void)state;
    static struct trial_asked asked[6];
    struct quern_step_engine engines[2] = {{.width = 1}, {.width = 2}};
    struct quern_step step;
    for (int i = 0; i < 6; i++) {
        trial_ask(&asked[i], 1, (size_t)(10 + i));
        asked[i].job.engine = &engines[i % 2];
        assert_true(quern_batcher_submit(&trial_batcher, &asked[i].job));
    }
    for (int e = 0; e < 2; e++) {
        assert_true(quern_batcher_take(&trial_batcher, &step));
        assert_ptr_equal(step.engine, &engines[e]);
        assert_int_equal(step.count, 3);
        for (int i = 0; i < 6; i++)
            assert_int_equal(trial_has(&step, &asked[i]), i % 2 == e);
        trial_finish(&step);
    }
    quern_batcher_collect(&trial_batcher);
}

/* A model with a large request cannot keep the texts of another one waiting. */
static void test_engines_share_by_tokens(void **state)
{
    (void)state;
    static struct trial_asked large, other;
    struct quern_step_engine engines[2] = {{.width = 1}, {.width = 1}};
    struct quern_step step;
    trial_ask(&large, 200, 30);
    large.job.engine = &engines[0];
    assert_true(quern_batcher_submit(&trial_batcher, &large.job));
    assert_true(quern_batcher_take(&trial_batcher, &step));
    trial_finish(&step);
    trial_ask(&other, 20, 70);
    other.job.engine = &engines[1];
    assert_true(quern_batcher_submit(&trial_batcher, &other.job));
    for (int i = 0, steps = 0; i < 20; steps++) {
        assert_true(quern_batcher_take(&trial_batcher, &step));
        assert_int_equal(trial_has(&step, &large), step.engine == &engines[0]);
        trial_finish(&step);
        i += step.engine == &engines[1];
        assert_true(steps <= 2 * i + 2);
    }
    assert_ptr_equal(quern_batcher_collect(&trial_batcher), &other.job);
    quern_batcher_cancel(&trial_batcher, &large.job);
    quern_batcher_collect(&trial_batcher);
}

static void test_ending_wakes_the_worker(void **state)
{
    (void)state;
    struct quern_step step;
    quern_batcher_end(&trial_batcher);
    assert_false(quern_batcher_take(&trial_batcher, &step));
}
/* ---------------------------------------------------------------- the worker */

/* Writes each text's first id; a text whose first id is 13 fails. */
static void fake_embed(void *context, const quern_tokens *texts, size_t count, float *vectors, size_t capacity,
                       quern_result *results)
{
    ++*(int *)context;
    assert_int_equal(capacity, QUERN_STEP_TEXTS);
    for (size_t i = 0; i < count; i++) {
        results[i] = (quern_result){.code = texts[i].ids[0] == 13 ? QUERN_ENUMERIC : QUERN_OK};
        vectors[i] = (float)texts[i].ids[0];
    }
}

static void test_a_text_fails_alone(void **state)
{
    (void)state;
    static struct trial_asked good, bad;
    static const int32_t numbers[] = {1, 2, 13, 4};
    int calls = 0;
    float vectors[QUERN_STEP_TEXTS];
    struct quern_step step;
    struct quern_worker worker = {.batcher = &trial_batcher, .finished = &bell};
    struct quern_step_engine engine = {.embed = fake_embed, .context = &calls, .width = 1, .vectors = vectors};
    for (int i = 0; i < 2; i++) {
        good.texts[i] = (quern_tokens){numbers + i, 1};
        bad.texts[i] = (quern_tokens){numbers + 2 + i, 1};
    }
    trial_make_job(&good, 2);
    trial_make_job(&bad, 2);
    good.job.engine = bad.job.engine = &engine;
    assert_true(quern_batcher_submit(&trial_batcher, &good.job) && quern_batcher_submit(&trial_batcher, &bad.job));
    assert_true(quern_batcher_take(&trial_batcher, &step));
    quern_worker_step(&worker, &step);
    assert_int_equal(good.job.code, QUERN_OK);
    assert_true(good.vectors[0] == 1 && good.vectors[1] == 2);
    assert_int_equal(bad.job.code, QUERN_ENUMERIC);
    assert_true(bad.vectors[0] == 0); /* not what was written for the bad text */
    assert_non_null(quern_batcher_collect(&trial_batcher)->after); /* both */
    assert_int_equal(calls, 1);
}

/* A context that pauses after the first text of a step. Then a query comes; there is none for the context of urgent
 * steps. */
struct pausing {
    struct quern_worker *worker;
    struct trial_asked *query;
    bool answered; /* in the pause */
};

static void pausing_embed(void *context, const quern_tokens *texts, size_t count, float *vectors, size_t capacity,
                          quern_result *results)
{
    struct pausing *pausing = context;
    assert_int_equal(capacity, pausing->query != NULL ? QUERN_STEP_TEXTS : QUERN_URGENT_TOKENS);
    for (size_t i = 0; i < count; i++) {
        if (i == 1 && pausing->query != NULL) {
            assert_true(quern_batcher_submit(&trial_batcher, &pausing->query->job));
            quern_worker_pause(pausing->worker);
            pausing->answered = quern_batcher_collect(&trial_batcher) == &pausing->query->job;
        }
        results[i] = (quern_result){.code = QUERN_OK};
        vectors[i] = (float)texts[i].ids[0];
    }
}

static void test_a_query_is_answered_in_a_pause(void **state)
{
    (void)state;
    enum { TEXTS = QUERN_URGENT_TOKENS + 1 };
    static struct trial_asked large, query;
    static int32_t numbers[TEXTS];
    static const int32_t number = 7;
    static float vectors[QUERN_STEP_TEXTS + QUERN_URGENT_TOKENS];
    struct pausing contexts[2] = {{.query = &query}, {.query = NULL}};
    struct quern_step step;
    struct quern_worker worker = {.batcher = &trial_batcher, .finished = &bell};
    struct quern_step_engine engine = {.embed = pausing_embed, .context = &contexts[0], .urgent = &contexts[1],
                                       .width = 1, .vectors = vectors};
    contexts[0].worker = &worker;
    for (int i = 0; i < TEXTS; i++) {
        numbers[i] = 100 + i;
        large.texts[i] = (quern_tokens){&numbers[i], 1};
    }
    trial_make_job(&large, TEXTS);
    query.texts[0] = (quern_tokens){&number, 1};
    trial_make_job(&query, 1);
    large.job.engine = query.job.engine = &engine;
    assert_true(quern_batcher_submit(&trial_batcher, &large.job));
    assert_true(quern_batcher_take(&trial_batcher, &step));
    quern_worker_step(&worker, &step);
    assert_true(contexts[0].answered);
    assert_true(query.vectors[0] == 7);
    assert_ptr_equal(quern_batcher_collect(&trial_batcher), &large.job);
    for (int i = 0; i < TEXTS; i++)
        assert_true(large.vectors[i] == (float)(100 + i));
}

/* With the thread and two engines: each of many requests gets its own numbers back. */
static void test_the_thread_answers_all(void **state)
{
    (void)state;
    enum { REQUESTS = 50, TEXTS = 40 };
    static struct trial_asked asked[REQUESTS];
    static int32_t numbers[REQUESTS][TEXTS];
    int calls[2] = {0}, answered = 0;
    struct quern_worker worker = {.batcher = &trial_batcher, .finished = &bell};
    struct quern_step_engine engines[2] = {{.embed = fake_embed, .context = &calls[0], .width = 1},
                                           {.embed = fake_embed, .context = &calls[1], .width = 1}};
    for (int e = 0; e < 2; e++)
        assert_int_equal(quern_step_engine_reserve(&engines[e]), QUERN_OK);
    assert_int_equal(quern_worker_start(&worker), QUERN_OK);
    for (int r = 0; r < REQUESTS; r++) {
        for (int i = 0; i < TEXTS; i++) {
            numbers[r][i] = 1000 * (r + 1) + i;
            asked[r].texts[i] = (quern_tokens){&numbers[r][i], 1};
        }
        trial_make_job(&asked[r], TEXTS);
        asked[r].job.engine = &engines[r % 2];
        assert_true(quern_batcher_submit(&trial_batcher, &asked[r].job));
    }
    while (answered < REQUESTS) {
        assert_int_equal(poll(&(struct pollfd){.fd = bell.heard, .events = POLLIN}, 1, 20000), 1);
        quern_bell_quiet(&bell);
        for (struct quern_job *job = quern_batcher_collect(&trial_batcher); job != NULL; job = job->after, answered++)
            assert_int_equal(job->code, QUERN_OK);
    }
    for (int r = 0; r < REQUESTS; r++)
        for (int i = 0; i < TEXTS; i++)
            assert_true(asked[r].vectors[i] == (float)numbers[r][i]);
    quern_worker_stop(&worker);
    quern_worker_stop(&worker); /* allowed */
    for (int e = 0; e < 2; e++) {
        assert_true(calls[e] > 0);
        quern_step_engine_release(&engines[e]);
    }
}

/* Many rings without a listener: none waits, and all are heard at once. */
static void test_a_bell_never_waits(void **state)
{
    (void)state;
    enum { RINGS = 100000 };
    for (int i = 0; i < RINGS; i++)
        quern_bell_ring(&bell);
    int heard = 0;
    for (; poll(&(struct pollfd){.fd = bell.heard, .events = POLLIN}, 1, 0) == 1; heard++)
        quern_bell_quiet(&bell);
    assert_in_range(heard, 1, RINGS / 10);
    quern_bell_ring(&bell);
    assert_int_equal(poll(&(struct pollfd){.fd = bell.heard, .events = POLLIN}, 1, 0), 1);
    quern_bell_quiet(&bell);
    quern_bell_quiet(&bell); /* nothing to hear: it does not wait either */
}

static int open_bell(void **state)
{
    (void)state;
    return quern_bell_open(&bell) ? 0 : -1;
}

static int close_bell(void **state)
{
    (void)state;
    quern_bell_close(&bell);
    quern_bell_close(&bell); /* allowed */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests_share_a_step, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_texts_of_a_request_stay_in_order, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_a_query_passes_a_long_document_that_came_with_it,
                                        trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_queries_pass_a_large_request, trial_setup_clock, trial_teardown),
        cmocka_unit_test_setup_teardown(test_long_texts_do_not_starve, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_requests_share_by_tokens, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_the_queue_is_bounded, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_cancelled_work_does_not_start, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_only_wanted_texts_are_computed, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_a_step_has_texts_of_one_engine, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_engines_share_by_tokens, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_ending_wakes_the_worker, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_a_text_fails_alone, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_a_query_is_answered_in_a_pause, trial_setup, trial_teardown),
        cmocka_unit_test_setup_teardown(test_the_thread_answers_all, trial_setup, trial_teardown),
        cmocka_unit_test(test_a_bell_never_waits),
    };
    return cmocka_run_group_tests(tests, open_bell, close_bell);
}
