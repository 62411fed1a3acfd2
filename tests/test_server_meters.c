/* The counters of the server, without a server. */
#include "../server/requests/dialect.h"
#include "../server/requests/prometheus.h"
#include "base/count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct quern_server_options options;
static struct quern_served served;
static struct quern_batcher batcher;
static struct quern_service service;

static int setup(void **state)
{
    (void)state;
    served = (struct quern_served){.name = "a \"model\"\n\\\xc3\xa9\xff", .info.kernels = "spec"};
    service = (struct quern_service){.options = &options, .batcher = &batcher, .models = &served, .model_count = 1};
    return quern_batcher_init(&batcher, 100, 1000);
}

static int teardown(void **state)
{
    (void)state;
    quern_batcher_free(&batcher);
    return 0;
}

static bool parse_nothing(struct quern_request *request)
{
    (void)request;
    return true;
}

static const struct quern_route
    embed = {"POST", "/embed", QUERN_ROUTE_VECTORS, parse_nothing, quern_metrics_write, NULL},
    embed_too = {"POST", "/embed", QUERN_ROUTE_KEYED, parse_nothing, quern_metrics_write, NULL},
    look = {"GET", "/look", QUERN_ROUTE_KEYED, NULL, quern_metrics_write, NULL};

static void assert_tells(const char *line)
{
    struct quern_request request;
    struct quern_answer answer;
    quern_request_init(&request, &service, NULL);
    quern_answer_init(&answer);
    quern_metrics_write(&request, NULL, &answer);
    assert_false(answer.body.failed);
    quern_buffer_add(&answer.body, "", 1);
    if (strstr(answer.body.data, line) == NULL)
        fail_msg("no %s in:\n%s", line, answer.body.data);
    quern_request_free(&request);
    quern_answer_free(&answer);
}

static void test_bounds_belong_to_their_bucket(void **state)
{
    (void)state;
    struct quern_histogram histogram = {0};
    static const struct {
        double value;
        int bucket;
    } table[] = {{0, 0},         {-1, 0},        {1e-9, 0},      {0x1p-14, 0},  {0x1.01p-14, 1},
                 {1, 14},        {1.001, 15},    {2, 15},        {0x1p18, 32},  {0x1.1p18, 33},
                 {1e300, 33},    {1e-300, 0}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        memset(&histogram, 0, sizeof histogram);
        quern_histogram_add(&histogram, table[i].value);
        assert_int_equal(histogram.counts[table[i].bucket], 1);
        assert_true(histogram.sum == table[i].value);
    }
}

static void test_requests_are_counted_once(void **state)
{
    (void)state;
    struct quern_request_input inputs[3] = {{.result = {.tokens = 10}}, {.result = {.tokens = 20, .truncated = 5}},
                                            {.is_ids = true, .result = {.tokens = 30}}};
    struct quern_request request = {
        .service = &service, .served = &served, .route = &embed, .inputs = inputs, .input_count = 3, .tokenized = 3,
        .options.task = QUERN_TASK_NONE, .arrived_ns = 1000000000, .received_ns = 1500000000};
    struct quern_answer answer = {.status = 200, .written_ns = 5000000000, .encode_ns = 250000000};
    const struct quern_job job = {.submitted_ns = 2000000000, .started_ns = 3000000000, .finished_ns = 4500000000};
    quern_meters_count(&service.meters, &request, &job, &answer, 6000000000);
    assert_tells("\nquern_requests_total{method=\"POST\",route=\"/embed\",status=\"200\"} 1\n");
    assert_tells("\nte_request_count{method=\"batch\"} 1\n");
    assert_tells("\nte_request_success{method=\"batch\"} 1\n");
    assert_tells("\nte_embed_count 3\n");
    assert_tells("\nte_embed_success 3\n");
    assert_tells("\nquern_tokens_total 60\n");
    assert_tells("\nquern_texts_without_prompt_total 2\n");
    assert_tells("\nquern_texts_truncated_total 1\n");
    assert_tells("\nte_request_input_length_bucket{le=\"16\"} 1\n");
    assert_tells("\nquern_request_receive_duration_sum 0.5\n");
    assert_tells("\nte_request_tokenization_duration_sum 0.5\n");
    assert_tells("\nte_request_queue_duration_sum 1\n");
    assert_tells("\nte_request_inference_duration_sum 1.5\n");
    assert_tells("\nquern_request_encode_duration_sum 0.25\n");
    assert_tells("\nquern_request_send_duration_sum 1\n");
    assert_tells("\nte_request_duration_sum 5\n");
    assert_tells("\nte_request_duration_bucket{le=\"+Inf\"} 1\n");
    assert_tells("\nquern_model_requests_total{model=\"a \\\"model\\\"\\n\\\\\xc3\xa9?\"} 1\n");
    assert_tells("\nquern_model_texts_total{model=\"a \\\"model\\\"\\n\\\\\xc3\xa9?\"} 3\n");

    /* Its client has left: its job was given up, and may still be with the worker. */
    answer.status = 499;
    request.options.task = QUERN_TASK_QUERY;
    quern_meters_count(&service.meters, &request, NULL, &answer, 6000000000);
    assert_tells("\nte_request_failure{err=\"cancelled\"} 1\n");
    assert_tells("\nte_request_inference_duration_count 1\n");
    assert_tells("\nquern_texts_without_prompt_total 2\n");
    assert_tells("\nte_embed_success 3\n");

    /* Its vectors were not computed in time. */
    request.refusal.fault = QUERN_FAULT_DEADLINE;
    answer.status = 503;
    quern_meters_count(&service.meters, &request, NULL, &answer, 6000000000);
    assert_tells("\nte_request_count{method=\"batch\"} 3\n");
    assert_tells("\nte_request_failure{err=\"timeout\"} 1\n");
    assert_tells("\nte_embed_count 9\n");

    /* Another dialect's route with the same path, which is not for vectors: neither its answers nor its refusals are
     * counted as such. */
    struct quern_request tokens = {.service = &service, .served = &served, .route = &embed_too};
    answer.status = 200;
    quern_meters_count(&service.meters, &tokens, NULL, &answer, 1);
    assert_tells("\nquern_requests_total{method=\"POST\",route=\"/embed\",status=\"200\"} 2\n");
    tokens.refusal.fault = QUERN_FAULT_VALUE;
    answer.status = 400;
    quern_meters_count(&service.meters, &tokens, NULL, &answer, 1);
    assert_tells("\nquern_requests_total{method=\"POST\",route=\"/embed\",status=\"400\"} 1\n");
    assert_tells("\nte_request_count{method=\"single\"} 0\n");
    assert_tells("\nte_request_failure{err=\"validation\"} 0\n");

    struct quern_request other = {.service = &service, .served = &served, .route = &look};
    answer.status = 200;
    quern_meters_count(&service.meters, &other, NULL, &answer, 1);
    other.route = NULL;
    answer.status = 404;
    quern_meters_count(&service.meters, &other, NULL, &answer, 1);
    quern_meters_count(&service.meters, &other, NULL, &answer, 1);
    assert_tells("\nquern_requests_total{method=\"GET\",route=\"/look\",status=\"200\"} 1\n");
    assert_tells("\nquern_requests_total{method=\"-\",route=\"-\",status=\"404\"} 2\n");
    assert_tells("\nte_request_duration_count 3\n"); /* only of requests for vectors */
}

static void test_failures_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        enum quern_fault fault;
        const char *name;
    } table[] = {{QUERN_FAULT_VALUE, "validation"},     {QUERN_FAULT_BUSY, "overloaded"},
                 {QUERN_FAULT_DRAINING, "unhealthy"},   {QUERN_FAULT_INTERNAL, "backend"},
                 {QUERN_FAULT_DEADLINE, "timeout"}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        char line[80];
        struct quern_request request = {
            .service = &service, .served = &served, .route = &embed, .refusal.fault = table[i].fault};
        struct quern_answer answer = {.status = 400};
        quern_meters_count(&service.meters, &request, NULL, &answer, 1);
        snprintf(line, sizeof line, "\nte_request_failure{err=\"%s\"} 1\n", table[i].name);
        assert_tells(line);
    }
}

static void test_more_routes_than_expected(void **state)
{
    (void)state;
    struct quern_request request = {.service = &service, .served = &served};
    for (int i = 0; i < 2 * QUERN_METERED_ANSWERS; i++) {
        const struct quern_answer answer = {.status = i};
        quern_meters_count(&service.meters, &request, NULL, &answer, 1);
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < service.meters.answer_kinds; i++)
        sum += service.meters.answers[i].count;
    assert_int_equal(sum, 2 * QUERN_METERED_ANSWERS);
}

static void test_the_queue_is_told(void **state)
{
    (void)state;
    static const int32_t ids[50];
    quern_tokens texts[] = {{ids, 50}, {ids, 25}, {ids, 50}};
    float vectors[3];
    size_t wanted[] = {0, 1, 2};
    const quern_result results[3] = {{.tokens = 50}, {.tokens = 25}, {.tokens = 50}};
    struct quern_job job = {.texts = texts, .vectors = vectors, .count = 3, .wanted = wanted, .wanted_count = 3};
    struct quern_step step;
    struct quern_batcher_state seen;
    quern_batcher_look(&batcher, &seen);
    assert_true(seen.oldest_seconds == 0);
    assert_true(quern_batcher_submit(&batcher, &job));
    assert_tells("\nte_queue_size 3\n");
    assert_tells("\nquern_queue_tokens 125\n");
    assert_tells("\nquern_step_tokens 100\n");
    job.submitted_ns -= 5000000000;
    quern_batcher_look(&batcher, &seen);
    assert_true(seen.oldest_seconds >= 5 && seen.oldest_seconds < 500);
    assert_true(quern_batcher_take(&batcher, &step));
    assert_tells("\nte_queue_size 1\n");
    assert_tells("\nquern_running_texts 2\n");
    assert_false(quern_batcher_finish(&batcher, &step, results));
    assert_tells("\nte_batch_next_size_sum 2\n");
    assert_tells("\nte_batch_next_tokens_sum 75\n");
    assert_tells("\nquern_batch_fill_sum 0.75\n");
    assert_tells("\nquern_step_duration_count 1\n");
    assert_tells("\nquern_urgent_steps_total 0\n");
    assert_false(quern_batcher_cancel(&batcher, &job) && job.computed < job.count);
    assert_tells("\nte_queue_size 0\n");
}

static void test_names_are_quoted(void **state)
{
    (void)state;
    assert_tells("kernels=\"spec\",model=\"a \\\"model\\\"\\n\\\\\xc3\xa9?\"} 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_belong_to_their_bucket),
        cmocka_unit_test_setup_teardown(test_requests_are_counted_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_routes_than_expected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_queue_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_are_quoted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
