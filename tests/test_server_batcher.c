/* Which texts share a step, without an engine: steps are examined, or computed by a function that fails when it is told
 * to. */
#include "../server/steps/batcher.h"
#include "../server/steps/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define BUDGET 100
#define MOST 10000
#define LONGEST 1000

static const int32_t ids[LONGEST];
static struct quern_batcher batcher;

/* A request of count texts of so many tokens each. */
struct asked {
    struct quern_job job;
    quern_tokens texts[2048];
    size_t wanted[2048];
    float vectors[2048];
};

/* Makes the job of an asked request, whose texts are set; all of them are wanted. */
static void make_job(struct asked *asked, size_t count)
{
    for (size_t i = 0; i < count; i++)
        asked->wanted[i] = i;
    asked->job = (struct quern_job){.texts = asked->texts, .vectors = asked->vectors, .count = count,
                                    .wanted = asked->wanted, .wanted_count = count};
}

static void ask(struct asked *asked, size_t count, size_t tokens)
{
    for (size_t i = 0; i < count; i++)
        asked->texts[i] = (quern_tokens){ids, tokens};
    make_job(asked, count);
}

static void submit(struct asked *asked, size_t count, size_t tokens)
{
    ask(asked, count, tokens);
    assert_true(quern_batcher_submit(&batcher, &asked->job));
}

static bool has(const struct quern_step *step, const struct asked *asked)
{
    for (size_t i = 0; i < step->count; i++)
        if (step->jobs[i] == &asked->job)
            return true;
    return false;
}

static void finish(const struct quern_step *step)
{
    quern_result results[QUERN_STEP_TEXTS] = {{0}};
    quern_batcher_finish(&batcher, step, results);
}

static int setup(void **state)
{
    (void)state;
    return quern_batcher_init(&batcher, BUDGET, MOST);
}

static int teardown(void **state)
{
    (void)state;
    quern_batcher_free(&batcher);
    return 0;
}

/* ---------------------------------------------------------------- steps */

static void test_requests_share_a_step(void **state)
{
    (void)state;
    static struct asked a[5];
    struct quern_step step;
    for (int i = 0; i < 5; i++)
        submit(&a[i], 1, 20);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_int_equal(step.count, 5);
    assert_int_equal(step.tokens, 100);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(step.jobs[i], &a[i].job); /* the oldest first */
    finish(&step);
    size_t collected = 0;
    for (struct quern_job *job = quern_batcher_collect(&batcher); job != NULL; job = job->after)
        collected++;
    assert_int_equal(collected, 5);
    assert_null(quern_batcher_collect(&batcher));
}

static void test_texts_of_a_request_stay_in_order(void **state)
{
    (void)state;
    static struct asked a;
    struct quern_step step;
    size_t next = 0;
    submit(&a, 33, 30);
    while (a.job.computed < a.job.count) {
        assert_true(quern_batcher_take(&batcher, &step));
        assert_in_range(step.tokens, 1, BUDGET);
        assert_int_equal(step.count, next + 3 <= 33 ? 3 : 33 - next);
        for (size_t i = 0; i < step.count; i++)
            assert_int_equal(step.texts[i], next++);
        assert_null(quern_batcher_collect(&batcher));
        finish(&step);
    }
    assert_ptr_equal(quern_batcher_collect(&batcher), &a.job);
    assert_int_equal(batcher.waiting_tokens, 0);
}

static void test_a_query_passes_a_long_document_that_came_with_it(void **state)
{
    (void)state;
    static struct asked document, query;
    struct quern_step step;
    submit(&document, 1, LONGEST);
    submit(&query, 1, 10);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_true(has(&step, &query));
    assert_false(has(&step, &document)); /* the budget would be exceeded */
    finish(&step);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_true(has(&step, &document));
    finish(&step);
    quern_batcher_collect(&batcher);
}

static void test_a_query_passes_a_large_request(void **state)
{
    (void)state;
    static struct asked large, query;
    struct quern_step step;
    submit(&large, 200, 30);
    assert_true(quern_batcher_take(&batcher, &step));
    submit(&query, 1, 10); /* while a step runs */
    finish(&step);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_true(has(&step, &query) && has(&step, &large)); /* the rest of the step is used, too */
    finish(&step);
    assert_ptr_equal(quern_batcher_collect(&batcher), &query.job);
    quern_batcher_cancel(&batcher, &large.job);
}

/* A long document is computed although short texts keep coming: after about as many tokens as it has. */
static void test_long_texts_do_not_starve(void **state)
{
    (void)state;
    static struct asked document, queries[40];
    struct quern_step step;
    uint64_t before = 0;
    submit(&document, 1, LONGEST);
    for (int i = 0; i < 40; i++) {
        submit(&queries[i], 3, 33);
        assert_true(quern_batcher_take(&batcher, &step));
        if (has(&step, &document))
            break;
        before += step.tokens;
        finish(&step);
        quern_batcher_collect(&batcher);
    }
    assert_true(has(&step, &document));
    assert_in_range(before, 1, 30 * 99); /* each request starts at the queue's clock: about LONGEST / 33 requests */
    finish(&step);
    while (batcher.first != NULL && quern_batcher_take(&batcher, &step))
        finish(&step);
    quern_batcher_collect(&batcher);
}

/* Two large requests get half of the tokens each. */
static void test_requests_share_by_tokens(void **state)
{
    (void)state;
    static struct asked small_texts, large_texts;
    struct quern_step step;
    uint64_t taken[2] = {0};
    submit(&small_texts, 600, 5);
    submit(&large_texts, 60, 50);
    for (int i = 0; i < 30; i++) {
        assert_true(quern_batcher_take(&batcher, &step));
        for (size_t j = 0; j < step.count; j++)
            taken[step.jobs[j] == &large_texts.job] += step.jobs[j]->texts[0].count;
        finish(&step);
    }
    assert_in_range(taken[0], taken[1] - 100, taken[1] + 100);
    quern_batcher_cancel(&batcher, &small_texts.job);
    quern_batcher_cancel(&batcher, &large_texts.job);
}

/* ---------------------------------------------------------------- limits, and ends */

static void test_the_queue_is_bounded(void **state)
{
    (void)state;
    static struct asked a, b, c;
    struct quern_step step;
    submit(&a, 90, 100);
    ask(&b, 11, 100);
    assert_false(quern_batcher_submit(&batcher, &b.job));
    submit(&c, 10, 100);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_int_equal(batcher.waiting_tokens, MOST - BUDGET);
    finish(&step);
    assert_true(quern_batcher_cancel(&batcher, &a.job));
    assert_int_equal(batcher.waiting_tokens, 1000);
    assert_true(quern_batcher_cancel(&batcher, &c.job));
    assert_int_equal(batcher.waiting_tokens, 0);
    submit(&a, 200, 100); /* an empty queue takes any job */
    assert_true(quern_batcher_cancel(&batcher, &a.job));
    assert_null(batcher.first);
}

static void test_cancelled_work_does_not_start(void **state)
{
    (void)state;
    static struct asked a, b;
    struct quern_step step;
    submit(&a, 10, 50);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_false(quern_batcher_cancel(&batcher, &a.job)); /* two texts are being computed */
    submit(&b, 1, 50);
    finish(&step);
    assert_ptr_equal(quern_batcher_collect(&batcher), &a.job);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_int_equal(step.count, 1);
    assert_ptr_equal(step.jobs[0], &b.job);
    finish(&step);
    assert_false(quern_batcher_cancel(&batcher, &b.job)); /* finished, not yet collected */
    assert_ptr_equal(quern_batcher_collect(&batcher), &b.job);
}

/* A job may want some of its texts only, as when the cache has the others; vectors go to their places. */
static void test_only_wanted_texts_are_computed(void **state)
{
    (void)state;
    static struct asked a;
    struct quern_step step;
    ask(&a, 5, 10);
    a.texts[1].count = 20;
    a.job.wanted_count = 2;
    a.wanted[0] = 3;
    a.wanted[1] = 1;
    assert_true(quern_batcher_submit(&batcher, &a.job));
    assert_int_equal(batcher.waiting_tokens, 30);
    assert_int_equal(batcher.waiting_texts, 2);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_int_equal(step.count, 2);
    assert_int_equal(step.tokens, 30);
    assert_int_equal(step.texts[0], 3);
    assert_int_equal(step.texts[1], 1);
    finish(&step);
    assert_ptr_equal(quern_batcher_collect(&batcher), &a.job);
}

static void test_ending_wakes_the_worker(void **state)
{
    (void)state;
    struct quern_step step;
    quern_batcher_end(&batcher);
    assert_false(quern_batcher_take(&batcher, &step));
}

/* ---------------------------------------------------------------- the worker */

/* Writes each text's first id; a text whose first id is 13 fails. */
static void fake_embed(void *engine, const quern_tokens *texts, size_t count, float *vectors, size_t capacity,
                       quern_result *results)
{
    ++*(int *)engine;
    assert_int_equal(capacity, QUERN_STEP_TEXTS);
    for (size_t i = 0; i < count; i++) {
        results[i] = (quern_result){.code = texts[i].ids[0] == 13 ? QUERN_ENUMERIC : QUERN_OK};
        vectors[i] = (float)texts[i].ids[0];
    }
}

static void test_a_text_fails_alone(void **state)
{
    (void)state;
    static struct asked good, bad;
    static const int32_t numbers[] = {1, 2, 13, 4};
    int calls = 0;
    float vectors[QUERN_STEP_TEXTS];
    struct quern_step step;
    struct quern_worker worker = {.batcher = &batcher, .embed = fake_embed, .engine = &calls, .width = 1,
                                  .finished = eventfd(0, EFD_NONBLOCK), .vectors = vectors};
    for (int i = 0; i < 2; i++) {
        good.texts[i] = (quern_tokens){numbers + i, 1};
        bad.texts[i] = (quern_tokens){numbers + 2 + i, 1};
    }
    make_job(&good, 2);
    make_job(&bad, 2);
    assert_true(quern_batcher_submit(&batcher, &good.job) && quern_batcher_submit(&batcher, &bad.job));
    assert_true(quern_batcher_take(&batcher, &step));
    quern_worker_step(&worker, &step);
    assert_int_equal(good.job.code, QUERN_OK);
    assert_true(good.vectors[0] == 1 && good.vectors[1] == 2);
    assert_int_equal(bad.job.code, QUERN_ENUMERIC);
    assert_true(bad.vectors[0] == 0); /* not what was written for the bad text */
    assert_non_null(quern_batcher_collect(&batcher)->after); /* both */
    assert_int_equal(calls, 1);
    close(worker.finished);
}

/* With the thread: each of many requests gets its own numbers back. */
static void test_the_thread_answers_all(void **state)
{
    (void)state;
    enum { REQUESTS = 50, TEXTS = 40 };
    static struct asked asked[REQUESTS];
    static int32_t numbers[REQUESTS][TEXTS];
    int calls = 0, answered = 0;
    struct quern_worker worker = {.batcher = &batcher, .embed = fake_embed, .engine = &calls, .width = 1,
                                  .finished = eventfd(0, 0)};
    assert_int_equal(quern_worker_start(&worker), QUERN_OK);
    for (int r = 0; r < REQUESTS; r++) {
        for (int i = 0; i < TEXTS; i++) {
            numbers[r][i] = 1000 * (r + 1) + i;
            asked[r].texts[i] = (quern_tokens){&numbers[r][i], 1};
        }
        make_job(&asked[r], TEXTS);
        assert_true(quern_batcher_submit(&batcher, &asked[r].job));
    }
    while (answered < REQUESTS) {
        uint64_t count;
        assert_int_equal(read(worker.finished, &count, sizeof count), sizeof count);
        for (struct quern_job *job = quern_batcher_collect(&batcher); job != NULL; job = job->after, answered++)
            assert_int_equal(job->code, QUERN_OK);
    }
    for (int r = 0; r < REQUESTS; r++)
        for (int i = 0; i < TEXTS; i++)
            assert_true(asked[r].vectors[i] == (float)numbers[r][i]);
    quern_worker_stop(&worker);
    close(worker.finished);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests_share_a_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts_of_a_request_stay_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_query_passes_a_long_document_that_came_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_query_passes_a_large_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_texts_do_not_starve, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests_share_by_tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_queue_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancelled_work_does_not_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_wanted_texts_are_computed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ending_wakes_the_worker, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_text_fails_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_thread_answers_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
