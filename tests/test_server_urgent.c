/* Urgent steps, without an engine: which there are, and what clients see of them, by a clock of its own. */
#include "support/batcher_trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- urgent steps */

static void test_a_short_request_runs_between_layers(void **state)
{
    (void)state;
    static struct trial_asked large, longer, queries[7];
    struct quern_step step, urgent;
    trial_time_ns += 1000;
    trial_submit(&large, 200, 30);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_false(step.urgent);
    assert_false(quern_batcher_take_urgent(&trial_batcher, &urgent)); /* nobody waits but the large request */
    trial_submit(&longer, 1, QUERN_URGENT_TOKENS + 1);
    assert_false(quern_batcher_take_urgent(&trial_batcher, &urgent));
    for (int i = 0; i < 7; i++)
        trial_submit(&queries[i], 1, 10);
    assert_true(quern_batcher_take_urgent(&trial_batcher, &urgent));
    assert_true(urgent.urgent);
    assert_int_equal(urgent.count, 6); /* 60 of 64 tokens */
    for (size_t i = 0; i < urgent.count; i++)
        assert_ptr_equal(urgent.jobs[i], &queries[i].job);
    trial_finish(&urgent);
    size_t collected = 0;
    for (struct quern_job *job = quern_batcher_collect(&trial_batcher); job != NULL; job = job->after)
        collected++;
    assert_int_equal(collected, 6);
    trial_finish(&step);
    assert_true(quern_batcher_take(&trial_batcher, &step)); /* instead of the next step */
    assert_true(step.urgent);
    assert_int_equal(step.count, 1);
    assert_ptr_equal(step.jobs[0], &queries[6].job);
    assert_false(quern_batcher_take_urgent(&trial_batcher, &urgent));
    trial_finish(&step);
    quern_batcher_cancel(&trial_batcher, &large.job);
    quern_batcher_cancel(&trial_batcher, &longer.job);
    quern_batcher_collect(&trial_batcher);
}

/* When the account is empty, the next step is for the large request, and the query comes between its layers as soon as
 * there is time for it. */
static void test_a_short_request_waits_for_the_account(void **state)
{
    (void)state;
    static struct trial_asked large, query;
    struct quern_step step, urgent;
    const int64_t start_ns = trial_time_ns;
    trial_submit(&large, 200, 30);
    trial_submit(&query, 1, 10);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_false(trial_has(&step, &query));
    assert_int_equal(step.count, 3);
    assert_false(quern_batcher_take_urgent(&trial_batcher, &urgent));
    trial_time_ns += QUERN_URGENT_PART;
    assert_true(quern_batcher_take_urgent(&trial_batcher, &urgent));
    trial_time_ns += 1000;
    trial_finish(&urgent);
    assert_ptr_equal(quern_batcher_collect(&trial_batcher), &query.job);
    trial_submit(&query, 1, 10);
    trial_time_ns += QUERN_URGENT_PART * 999; /* the account had 1 ns, and pays 1000 */
    assert_false(quern_batcher_take_urgent(&trial_batcher, &urgent));
    trial_time_ns += QUERN_URGENT_PART;
    assert_true(quern_batcher_take_urgent(&trial_batcher, &urgent));
    trial_time_ns += 500;
    trial_finish(&urgent);
    trial_finish(&step);
    quern_batcher_collect(&trial_batcher);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    trial_time_ns += 2000;
    trial_finish(&step);
    quern_batcher_cancel(&trial_batcher, &large.job);
    /* The time of a step is its own, so the sum is all time. */
    assert_int_equal(trial_batcher.steps.urgent, 2);
    const double all = (double)(trial_time_ns - start_ns) * 1e-9;
    assert_true(trial_batcher.steps.seconds.sum > 0.9999 * all && trial_batcher.steps.seconds.sum < 1.0001 * all);
}

static void test_the_account_holds_so_much(void **state)
{
    (void)state;
    static struct trial_asked large;
    struct quern_step step;
    trial_time_ns += INT64_C(3600000000000);
    trial_submit(&large, 1, 100);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_int_equal(trial_batcher.account_ns, QUERN_URGENT_MOST_NS);
    trial_finish(&step);
    quern_batcher_collect(&trial_batcher);
}

/* Short requests among themselves share steps, and nothing runs between the layers of these. */
static void test_short_requests_share_steps(void **state)
{
    (void)state;
    static struct trial_asked queries[3];
    struct quern_step step, urgent;
    trial_time_ns += 1000;
    for (int i = 0; i < 2; i++)
        trial_submit(&queries[i], 2, 10);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    assert_false(step.urgent);
    assert_int_equal(step.count, 4);
    trial_submit(&queries[2], 1, 10);
    assert_false(quern_batcher_take_urgent(&trial_batcher, &urgent));
    trial_finish(&step);
    quern_batcher_cancel(&trial_batcher, &queries[2].job);
    quern_batcher_collect(&trial_batcher);
}

static void test_nothing_urgent_runs_when_the_batcher_ends(void **state)
{
    (void)state;
    static struct trial_asked large, query;
    struct quern_step step, urgent;
    trial_time_ns += 1000;
    trial_submit(&large, 1, 100);
    assert_true(quern_batcher_take(&trial_batcher, &step));
    trial_submit(&query, 1, 10);
    quern_batcher_end(&trial_batcher);
    assert_false(quern_batcher_take_urgent(&trial_batcher, &urgent));
    trial_finish(&step);
    quern_batcher_collect(&trial_batcher);
    quern_batcher_cancel(&trial_batcher, &query.job);
}

/* ---------------------------------------------------------------- urgent steps, simulated */

#define MS INT64_C(1000000)
#define LAYERS 24
#define LAYER_NS (3 * MS)
#define URGENT_NS (6 * MS)
#define MOST_CLIENTS 100

struct query {
    struct quern_job job;
    quern_tokens text;
    size_t wanted;
    bool waits;
};

/* Two clients send large requests, each the next one after its answer. `clients` others send a query of 12 tokens every
 * every_ns, one of them each time, if one has no query under way. */
struct simulation {
    int64_t every_ns, next_ns, start_ns;
    size_t clients, answered, large_texts;
    struct trial_asked large[2];
    struct query queries[MOST_CLIENTS];
    int64_t longest_ns; /* of a query, from when it was sent to its vector */
    int64_t urgent_ns, least, most_excess; /* see check_share */
};

static void send_query(struct simulation *s)
{
    size_t i = 0;
    while (i < s->clients && s->queries[i].waits)
        i++;
    if (i == s->clients)
        return;
    struct query *query = &s->queries[i];
    query->text = (quern_tokens){trial_zeros, 12};
    query->job = (struct quern_job){.texts = &query->text, .count = 1, .wanted = &query->wanted, .wanted_count = 1,
                                    .owner = query};
    query->waits = true;
    assert_true(quern_batcher_submit(&trial_batcher, &query->job));
}

static void pass_time(struct simulation *s, int64_t ns)
{
    const int64_t end = trial_time_ns + ns;
    for (; s->next_ns <= end; s->next_ns += s->every_ns) {
        trial_time_ns = s->next_ns;
        send_query(s);
    }
    trial_time_ns = end;
}

/* Of any time T, urgent steps have a part of at most T / 4 and some excess. So their time less a quarter of all time is
 * followed from the start, and most_excess is the most that it rose from any earlier moment to any later one. */
static void check_share(struct simulation *s)
{
    const int64_t excess = s->urgent_ns - (trial_time_ns - s->start_ns) / (QUERN_URGENT_PART + 1);
    if (excess < s->least)
        s->least = excess;
    if (excess - s->least > s->most_excess)
        s->most_excess = excess - s->least;
}

static void end_step(struct simulation *s, const struct quern_step *step)
{
    trial_finish(step);
    for (struct quern_job *job = quern_batcher_collect(&trial_batcher), *after; job != NULL; job = after) {
        struct query *query = job->owner;
        after = job->after;
        if (query == NULL) {
            s->large_texts += job->count;
            assert_true(quern_batcher_submit(&trial_batcher, job));
            continue;
        }
        query->waits = false;
        s->answered++;
        if (job->finished_ns - job->submitted_ns > s->longest_ns)
            s->longest_ns = job->finished_ns - job->submitted_ns;
    }
}

static void run_urgent(struct simulation *s, const struct quern_step *step)
{
    check_share(s);
    pass_time(s, URGENT_NS);
    s->urgent_ns += URGENT_NS;
    check_share(s);
    end_step(s, step);
}

static void run_step(struct simulation *s)
{
    struct quern_step step, urgent;
    assert_true(quern_batcher_take(&trial_batcher, &step));
    if (step.urgent) {
        run_urgent(s, &step);
        return;
    }
    for (int layer = 0; layer < LAYERS; layer++) {
        if (layer > 0 && quern_batcher_take_urgent(&trial_batcher, &urgent))
            run_urgent(s, &urgent);
        pass_time(s, LAYER_NS);
    }
    end_step(s, &step);
}

/* Runs for 20 s with the budget that the server has, and this much time in the account. Returns the share of the large
 * requests, of what they have alone: 5 texts in a step. */
static double simulate(struct simulation *s, size_t clients, int64_t every_ns, int64_t account_ns)
{
    const int64_t length_ns = 20000 * MS;
    *s = (struct simulation){.clients = clients, .every_ns = every_ns, .next_ns = trial_time_ns + every_ns,
                             .start_ns = trial_time_ns};
    trial_batcher.budget = 512;
    trial_batcher.account_ns = account_ns;
    for (int i = 0; i < 2; i++)
        trial_submit(&s->large[i], 40, 100);
    while (trial_time_ns < s->start_ns + length_ns)
        run_step(s);
    const double texts = (double)(s->large_texts + s->large[0].job.computed + s->large[1].job.computed);
    return texts / (5.0 * (double)length_ns / (double)(LAYERS * LAYER_NS));
}

static void test_a_query_now_and_then(void **state)
{
    (void)state;
    static struct simulation s;
    const double share = simulate(&s, 1, 251 * MS, QUERN_URGENT_MOST_NS);
    assert_in_range(s.answered, 78, 80);
    assert_in_range(s.longest_ns, URGENT_NS, LAYER_NS + URGENT_NS);
    assert_true(share > 0.95);
}

/* Each of these sends the next query at once after its answer. */
static void test_queries_without_end(void **state)
{
    (void)state;
    static struct simulation s;
    const double share = simulate(&s, 5, MS, QUERN_URGENT_MOST_NS);
    assert_in_range(s.longest_ns, URGENT_NS, QUERN_URGENT_PART * URGENT_NS + LAYER_NS + 2 * URGENT_NS);
    assert_in_range(s.most_excess, QUERN_URGENT_MOST_NS / 2, QUERN_URGENT_MOST_NS + URGENT_NS);
    assert_true(share > 0.74);
}

/* More than urgent steps can serve. They and the large requests share all other steps as if there were no urgent ones:
 * so the large requests keep three quarters of what they would have then. */
static void test_too_many_queries(void **state)
{
    (void)state;
    static struct simulation s;
    const double with = simulate(&s, MOST_CLIENTS, MS, QUERN_URGENT_MOST_NS);
    assert_in_range(s.most_excess, QUERN_URGENT_MOST_NS / 2, QUERN_URGENT_MOST_NS + URGENT_NS);
    assert_int_equal(trial_teardown(state), 0);
    assert_int_equal(trial_setup_clock(state), 0);
    const double without = simulate(&s, MOST_CLIENTS, MS, INT64_MIN / 2);
    assert_int_equal(s.urgent_ns, 0);
    assert_true(with > 0.74 * without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_short_request_runs_between_layers, trial_setup_clock, trial_teardown),
        cmocka_unit_test_setup_teardown(test_a_short_request_waits_for_the_account, trial_setup_clock, trial_teardown),
        cmocka_unit_test_setup_teardown(test_the_account_holds_so_much, trial_setup_clock, trial_teardown),
        cmocka_unit_test_setup_teardown(test_short_requests_share_steps, trial_setup_clock, trial_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_urgent_runs_when_the_batcher_ends,
                                        trial_setup_clock, trial_teardown),
        cmocka_unit_test_setup_teardown(test_a_query_now_and_then, trial_setup_clock, trial_teardown),
        cmocka_unit_test_setup_teardown(test_queries_without_end, trial_setup_clock, trial_teardown),
        cmocka_unit_test_setup_teardown(test_too_many_queries, trial_setup_clock, trial_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
