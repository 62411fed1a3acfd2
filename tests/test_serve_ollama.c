/* Ollama's dialect from end to end. usage: test_serve_ollama QUERN */
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

static const char *const no_options[] = {NULL};

static void test_vectors(void **state)
{
    (void)state;
    quern_embed_options options = {.size = sizeof options};
    json_t *answer = serve_ask("/api/embed", "{\"model\":\"m\",\"input\":[\"a red apple\",\"rain\",\"\"]}", 200);
    const json_t *vectors = json_object_get(answer, "embeddings");
    assert_string_equal(json_string_value(json_object_get(answer, "model")), "m");
    assert_int_equal(json_array_size(vectors), 3);
    serve_check(json_array_get(vectors, 0), "a red apple", &options);
    serve_check(json_array_get(vectors, 1), "rain", &options);
    serve_check(json_array_get(vectors, 2), "", &options);
    assert_true(json_integer_value(json_object_get(answer, "total_duration")) > 1000);
    assert_true(json_is_integer(json_object_get(answer, "load_duration")));
    assert_true(json_integer_value(json_object_get(answer, "prompt_eval_count")) >= 9);
    json_decref(answer);

    answer = serve_ask("/api/embeddings", "{\"model\":\"m\",\"prompt\":\"rain\",\"keep_alive\":\"5m\"}", 200);
    serve_check(json_object_get(answer, "embedding"), "rain", &options);
    json_decref(answer);

    options = (quern_embed_options){.size = sizeof options, .task = QUERN_TASK_QUERY, .dimensions = 8};
    serve_check_raw("/api/embed", "{\"model\":\"m:query\",\"input\":\"rain\",\"dimensions\":8}", "rain", &options);
    serve_check_raw("/api/embeddings", "{\"prompt\":\"rain\",\"task\":\"query\",\"dimensions\":8}", "rain", &options);
}

static void test_nothing_is_the_question_whether_the_model_is_there(void **state)
{
    (void)state;
    serve_expect("/api/embed", "{\"model\":\"m\"}", 200, "{\"model\":\"m\",\"embeddings\":[]}");
    serve_expect("/api/embed", "{\"input\":[]}", 200, "\"embeddings\":[]}");
    serve_expect("/api/embed", "{\"input\":\"\"}", 200, "\"embeddings\":[]}");
    serve_expect("/api/embeddings", "{\"model\":\"m\",\"prompt\":\"\"}", 200, "{\"embedding\":[]}");
    serve_expect("/api/embeddings", "{}", 200, "{\"embedding\":[]}");
}

static void test_long_texts_are_cut_unless_forbidden(void **state)
{
    (void)state;
    char text[2001] = "", body[2100];
    quern_embed_options options = {.size = sizeof options, .flags = QUERN_TRUNCATE};
    while (strlen(text) < sizeof text - 5)
        strcat(text, "word ");
    snprintf(body, sizeof body, "{\"input\":\"%s\"}", text);
    serve_check_raw("/api/embed", body, text, &options);
    snprintf(body, sizeof body, "{\"prompt\":\"%s\"}", text);
    serve_check_raw("/api/embeddings", body, text, &options);
    snprintf(body, sizeof body, "{\"input\":\"%s\",\"truncate\":false}", text);
    serve_expect("/api/embed", body, 400, "{\"error\":\"the input length exceeds the context length: input 0 has ");
}

static void test_what_there_is(void **state)
{
    (void)state;
    static const char *const lists[] = {"/api/tags", "/api/ps"};
    char name[64];
    snprintf(name, sizeof name, "%s:latest", serve_name);
    for (int i = 0; i < 2; i++) {
        json_t *answer = serve_ask(lists[i], NULL, 200);
        const json_t *model = json_array_get(json_object_get(answer, "models"), 0);
        const json_t *details = json_object_get(model, "details");
        assert_string_equal(json_string_value(json_object_get(model, "name")), name);
        assert_string_equal(json_string_value(json_object_get(model, "model")), name);
        assert_int_equal(strlen(json_string_value(json_object_get(model, "digest"))), 16);
        assert_true(json_integer_value(json_object_get(model, "size")) > 1000);
        assert_string_equal(json_string_value(json_object_get(details, "family")), "gemma-embedding");
        assert_string_equal(json_string_value(json_object_get(details, "quantization_level")), "Q8_0");
        json_decref(answer);
    }
    snprintf(name, sizeof name, "{\"model\":\"%s:latest\"}", serve_name);
    json_t *answer = serve_ask("/api/show", name, 200);
    const json_t *info = json_object_get(answer, "model_info");
    assert_int_equal(json_integer_value(json_object_get(info, "gemma-embedding.context_length")), TRIAL_CONTEXT);
    assert_int_equal(json_integer_value(json_object_get(info, "gemma-embedding.embedding_length")), TRIAL_WIDTH);
    assert_string_equal(json_string_value(json_array_get(json_object_get(answer, "capabilities"), 0)), "embedding");
    json_decref(answer);
    serve_expect("/api/version", NULL, 200, quern_version());
    serve_expect("/", NULL, 200, "Ollama is running");
}

static void test_names_with_tags_are_ours(void **state)
{
    (void)state;
    static const char *const strict[] = {"--strict-model", "--model-name", "gemma", NULL};
    serve_switch(strict);
    serve_expect("/api/embed", "{\"model\":\"gemma\",\"input\":\"a\"}", 200, "\"embeddings\":[[");
    serve_expect("/api/embed", "{\"model\":\"gemma:latest\",\"input\":\"a\"}", 200, "\"embeddings\":[[");
    serve_expect("/api/embed", "{\"model\":\"gemma:query\",\"input\":\"a\"}", 200, "\"embeddings\":[[");
    serve_expect("/api/embed", "{\"model\":\"secret\",\"input\":\"a\"}", 404, "{\"error\":\"model not found: ");
    serve_expect("/api/show", "{\"model\":\"gemma:9b\"}", 404, "{\"error\":\"model not found: ");
    serve_switch(NULL);
}

static void test_refusals(void **state)
{
    (void)state;
    serve_expect("/api/embed", "", 400, "{\"error\":\"missing request body");
    serve_expect("/api/embed", "{", 400, "{\"error\":\"the body is not JSON");
    serve_expect("/api/embed", "{\"input\":7}", 400, "{\"error\":\"invalid input type");
    serve_expect("/api/embed", "{\"input\":{}}", 400, "{\"error\":\"invalid input type");
    serve_expect("/api/embed", "{\"input\":[\"a\",{}]}", 400, "{\"error\":\"item 1 of input");
    serve_expect("/api/embed", "{\"input\":[1,2]}", 400, "--allow-token-ids");
    serve_expect("/api/embed", "{\"input\":\"a\",\"dimensions\":65}", 400, "{\"error\":\"dimensions");
    serve_expect("/api/embed", "{\"input\":\"a\",\"task\":\"secret\"}", 400, "{\"error\":\"there is no such task");
    serve_expect("/api/embeddings", "{\"prompt\":[\"a\"]}", 400, "{\"error\":\"invalid input type");
    serve_expect("/api/generate", "{}", 404, "{\"error\":\"there is nothing");
    serve_expect("/api/embed", NULL, 405, "{\"error\":\"this path takes POST");
    serve_expect("/api/tags", "{}", 405, "{\"error\":\"this path takes GET");
}

static void test_a_full_queue_is_503(void **state)
{
    (void)state;
    static const char *const small[] = {"--queue-bytes", "65536", NULL};
    static char body[60001];
    snprintf(body, sizeof body, "{\"input\":\"a\"%59985s}", "");
    serve_switch(small);
    const int slow = client_connect(&serve_server); /* its body fills the memory in part */
    client_print(slow, "POST /api/embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n%40000s", "");
    usleep(50000);
    serve_expect("/api/embed", body, 503, "{\"error\":\"server busy, please try again");
    close(slow);
    serve_switch(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_nothing_is_the_question_whether_the_model_is_there),
        cmocka_unit_test(test_long_texts_are_cut_unless_forbidden),
        cmocka_unit_test(test_what_there_is),
        cmocka_unit_test(test_names_with_tags_are_ours),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_full_queue_is_503),
    };
    return serve_run(tests, argc, argv, no_options);
}
