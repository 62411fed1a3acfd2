/* A short request while a step of long texts is computed. usage: test_serve_urgent QUERN */
#include "serve_trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* All texts of the large request are one step. */
enum { TEXTS = 100, WORDS = 400, ROUNDS = 100 };
static const char *const large_steps[] = {"--step-tokens", "65536", NULL};
static const char query[] = "{\"inputs\":\"which planet is red\",\"task\":\"query\"}";

static double metric(const char *name)
{
    char line[100];
    struct reply reply;
    client_ask(&serve_server, "/metrics", "", NULL, &reply);
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = reply.body != NULL ? strstr(reply.body, line) : NULL;
    assert_non_null(at);
    const double value = strtod(at + strlen(line), NULL);
    reply_free(&reply);
    return value;
}

/* Text i of the large request; the model's context holds a part of it. */
static void make_text(int i, char *text)
{
    for (int word = 0; word < WORDS; word++)
        text += sprintf(text, "%s%d", word > 0 ? " " : "", (i + 1) * word);
}

static char *large_request(void)
{
    char *body = malloc(TEXTS * WORDS * 10), *at = body;
    at += sprintf(at, "{\"truncate\":true,\"inputs\":[");
    for (int i = 0; i < TEXTS; i++) {
        at += sprintf(at, "%s\"", i > 0 ? "," : "");
        make_text(i, at);
        at += strlen(at);
        at += sprintf(at, "\"");
    }
    strcpy(at, "]}");
    return body;
}

static void check_vectors(const struct reply *reply)
{
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_TRUNCATE};
    float expected[TRIAL_WIDTH];
    char text[WORDS * 10];
    assert_int_equal(reply->status, 200);
    assert_int_equal(reply->length, TEXTS * sizeof expected);
    for (int i = 0; i < TEXTS; i++) {
        make_text(i, text);
        serve_embed(text, &options, expected);
        assert_memory_equal(reply->body + (size_t)i * sizeof expected, expected, sizeof expected);
    }
}

/* Sends the query while the large request is computed. Returns whether it was answered before the large one. */
static bool query_meanwhile(const char *large)
{
    const quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY};
    const double steps = metric("te_batch_next_size_count"), urgent = metric("quern_urgent_steps_total");
    const int client = client_connect(&serve_server);
    struct reply reply;
    client_post(client, "/embed", "Accept: application/octet-stream\r\n", large);
    while (metric("te_batch_next_size_count") <= steps && metric("quern_running_texts") < TEXTS)
        usleep(100);
    serve_check_raw("/embed", query, "which planet is red", &options);
    const bool before =
        metric("te_batch_next_size_count") == steps + 1 && metric("quern_urgent_steps_total") == urgent + 1;
    client_read(client, &reply);
    check_vectors(&reply);
    reply_free(&reply);
    close(client);
    return before;
}

/* The system may stop the test until the large step has ended, so there are several rounds. */
static void test_a_query_does_not_wait_for_the_step(void **state)
{
    (void)state;
    char *large = large_request();
    int round = 0;
    while (round < ROUNDS && !query_meanwhile(large))
        round++;
    assert_in_range(round, 0, ROUNDS - 1);
    free(large);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_query_does_not_wait_for_the_step),
    };
    return serve_run(tests, argc, argv, large_steps);
}
