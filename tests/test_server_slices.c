/* Work in slices: the turns of the loop, and answers that are the same however they are cut. */
#include "../server/loop/turns.h"
#include "../server/requests/answer_vectors.h"
#include "base/count.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- turns */

enum { WORKERS = 3, SLICES = 4 };

static struct quern_turns turns;
static struct worker {
    struct quern_turn turn;
    int left; /* slices */
    char name;
} workers[WORKERS];
static char order[WORKERS * SLICES + 1];

static void work(void *owner)
{
    struct worker *worker = owner;
    order[strlen(order)] = worker->name;
    if (--worker->left > 0)
        quern_turns_add(&turns, &worker->turn);
}

static void test_turns_go_round_one_at_a_time(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    assert_true(quern_turns_init(&turns, base));
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){
            .turn = {.take = work, .owner = &workers[i]}, .left = SLICES, .name = (char)('a' + i)};
        quern_turns_add(&turns, &workers[i].turn);
        quern_turns_add(&turns, &workers[i].turn); /* it is there already */
    }
    for (size_t i = 1; i <= 4; i++) {
        event_base_loop(base, EVLOOP_ONCE);
        assert_int_equal(strlen(order), i); /* so the loop looks at the sockets in between */
    }
    quern_turns_remove(&turns, &workers[1].turn);
    quern_turns_remove(&turns, &workers[1].turn);
    event_base_dispatch(base);
    assert_string_equal(order, "abcacacac");
    quern_turns_free(&turns);
    event_base_free(base);
}

/* ---------------------------------------------------------------- answers */

enum { VECTORS = 5, WIDTH = 16 };

/* Answers the same vectors, about so many bytes at a time. */
static struct quern_buffer answer_in_slices(const struct quern_request_options *options, size_t slice, int *slices)
{
    static struct quern_served served = {.info.dimensions = WIDTH};
    static struct quern_service service = {.models = &served, .model_count = 1};
    struct quern_job *job = quern_job_new(VECTORS, WIDTH);
    struct quern_request request;
    struct quern_answer answer;
    quern_request_init(&request, &service, NULL);
    quern_answer_init(&answer);
    request.options = *options;
    for (int i = 0; i < VECTORS * WIDTH; i++)
        job->vectors[i] = (float)(i * i % 31) - 12.25f;
    for (*slices = 0; quern_vectors_finish(&request, job, &answer, slice) == 0; ++*slices)
        continue;
    answer.put_part = quern_vectors_put;
    for (size_t i = 0; i < VECTORS && options->form == QUERN_VECTORS_JSON; i++) {
        quern_buffer_text(&answer.body, i > 0 ? ",\n" : "[");
        quern_answer_add_part(&answer, VECTORS - 1 - i);
    }
    if (options->form == QUERN_VECTORS_JSON) {
        quern_buffer_text(&answer.body, "]");
        for (; quern_answer_fill(&request, job, &answer, slice) == 0; ++*slices)
            continue;
    } else {
        for (; quern_vectors_add_raw(&request, job, &answer, slice) == 0; ++*slices)
            continue;
    }
    assert_false(answer.body.failed);
    const struct quern_buffer body = answer.body;
    answer.body = (struct quern_buffer){0};
    quern_request_free(&request);
    quern_answer_free(&answer);
    quern_job_free(job);
    return body;
}

static void test_answers_are_the_same_in_slices(void **state)
{
    (void)state;
    static const struct quern_request_options table[] = {
        {.normalize = true},
        {.normalize = true, .dimensions = 8},
        {.base64 = true, .dimensions = 8},
        {.normalize = true, .dtype = QUERN_DTYPE_F16},
        {.normalize = true, .dtype = QUERN_DTYPE_F16, .base64 = true},
        {.normalize = true, .dtype = QUERN_DTYPE_INT8},
        {.dtype = QUERN_DTYPE_BINARY},
        {.form = QUERN_VECTORS_RAW, .dimensions = 8},
        {.normalize = true, .form = QUERN_VECTORS_RAW, .dtype = QUERN_DTYPE_INT8},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        int slices;
        struct quern_buffer whole = answer_in_slices(&table[i], SIZE_MAX, &slices);
        assert_int_equal(slices, 0);
        for (size_t slice = 1; slice < 200; slice = 2 * slice + 1) {
            struct quern_buffer cut = answer_in_slices(&table[i], slice, &slices);
            assert_true(slices > 0);
            assert_int_equal(cut.length, whole.length);
            assert_memory_equal(cut.data, whole.data, whole.length);
            quern_buffer_free(&cut);
        }
        quern_buffer_free(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns_go_round_one_at_a_time),
        cmocka_unit_test(test_answers_are_the_same_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
