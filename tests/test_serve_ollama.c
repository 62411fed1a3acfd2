/* Ollama's dialect from end to end. usage: test_serve_ollama QUERN */
#include "base/count.h"
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
    snprintf(name, sizeof name, "{\"name\":\"%s\",\"model\":\"\"}", serve_name); /* as Go's client has it */
    serve_expect("/api/show", name, 200, "\"capabilities\":[\"embedding\"]");
    snprintf(name, sizeof name, "{\"model\":\"%s\",\"name\":\"\"}", serve_name);
    serve_expect("/api/show", name, 200, "\"capabilities\":[\"embedding\"]");
    serve_expect("/api/show", "{}", 200, "\"capabilities\":[\"embedding\"]");
    serve_expect("/api/show", "{\"model\":\"nomic-embed-text\"}", 404, "{\"error\":\"model not found: this server has");
    serve_expect("/api/show", "{\"name\":\"nomic-embed-text:latest\"}", 404, "{\"error\":\"model not found: ");
    serve_expect("/api/version", NULL, 200, "{\"version\":\"0.13.0\",\"quern\":\"");
    serve_expect("/api/version", NULL, 200, quern_version());
    serve_expect("/", NULL, 200, "Ollama is running\n(This is quern ");
}

/* Fields that other servers have for texts are read, and nothing is answered only when there is none of them. */
static void test_texts_under_other_names(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
    } table[] = {{"/api/embed", "{\"prompt\":\"rain\"}"},          {"/api/embed", "{\"inputs\":[\"rain\"]}"},
                 {"/api/embed", "{\"content\":\"rain\"}"},         {"/api/embed", "{\"texts\":[\"rain\"]}"},
                 {"/api/embed", "{\"input\":null,\"prompt\":\"rain\"}"},
                 {"/api/embed", "{\"prompt\":\"rain\",\"input\":[\"rain\"]}"},
                 {"/api/embed", "{\"prompt\":\"rain\",\"input\":\"\"}"},
                 {"/v1/embeddings", "{\"prompt\":\"\",\"input\":\"rain\",\"texts\":[],\"content\":null}"},
                 {"/api/embeddings", "{\"input\":\"rain\"}"},      {"/api/embeddings", "{\"inputs\":\"rain\"}"},
                 {"/v1/embeddings", "{\"prompt\":\"rain\"}"},      {"/v1/embeddings", "{\"texts\":[\"rain\"]}"},
                 {"/v1/embeddings", "{\"inputs\":[\"rain\"]}"},    {"/embed", "{\"input\":\"rain\"}"},
                 {"/embed", "{\"texts\":[\"rain\"]}"},             {"/", "{\"content\":\"rain\"}"},
                 {"/embedding", "{\"prompt\":\"rain\"}"},          {"/embedding", "{\"inputs\":[\"rain\"]}"}};
    const quern_embed_options options = {.size = sizeof options};
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        serve_check_raw(table[i].path, table[i].body, "rain", &options);
}

/* A field is never dropped silently because another one says something else. */
static void test_two_fields_that_differ(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body, *says;
    } table[] = {
        {"/api/embed", "{\"prompt\":\"snow\",\"input\":\"rain\"}", "input and prompt have different texts"},
        {"/api/embeddings", "{\"prompt\":\"snow\",\"input\":\"rain\"}", "prompt and input have different texts"},
        {"/v1/embeddings", "{\"input\":[\"a\",\"b\"],\"texts\":[\"a\",\"c\"]}", "input and texts have different"},
        {"/v1/embeddings", "{\"input\":\"\",\"texts\":\"a\",\"content\":\"b\"}", "content and texts have different"},
        {"/embed", "{\"inputs\":\"snow\",\"input\":\"rain\"}", "inputs and input have different texts"},
        {"/embedding", "{\"content\":\"snow\",\"prompt\":\"rain\"}", "content and prompt have different texts"},
        {"/tokenize", "{\"content\":\"snow\",\"prompt\":\"rain\"}", "content and prompt have different texts"},
        {"/tokenize", "{\"inputs\":\"snow\",\"content\":\"rain\"}", "inputs and content have different texts"},
        {"/embedding", "{\"content\":\"a\",\"normalize\":true,\"embd_normalize\":-1}", "normalize and embd_normalize"},
        {"/api/show", "{\"model\":\"a\",\"name\":\"b\"}", "model and name are different"},
        {"/api/pull", "{\"model\":\"a\",\"name\":\"b\"}", "model and name are different"},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const bool is_tei = strstr(table[i].body, "\"inputs\"") != NULL;
        serve_expect(table[i].path, table[i].body, is_tei ? 422 : 400, table[i].says);
    }
    serve_expect("/embedding", "{\"content\":\"a\",\"normalize\":false,\"embd_normalize\":-1}", 200, "embedding");
    serve_expect("/tokenize", "{\"prompt\":\"rain\"}", 200, "{\"tokens\":[");
}

static void test_num_ctx_is_a_limit(void **state)
{
    (void)state;
    int32_t ids[64];
    size_t count;
    float expected[TRIAL_WIDTH];
    char body[128];
    struct reply reply;
    static const char text[] = "a red apple falls far from the tree";
    assert_int_equal(quern_tokenize(serve_context, (quern_text){text, strlen(text)}, NULL, ids, 64, &count, NULL),
                     QUERN_OK);
    assert_true(count > 5);
    count = quern_truncate_tokens(ids, count, 5, QUERN_TRUNCATE);
    assert_int_equal(quern_embed_tokens(serve_context, &(quern_tokens){ids, count}, 1, NULL, expected, TRIAL_WIDTH,
                                        NULL, NULL), QUERN_OK);
    client_ask(&serve_server, "/api/embed", "Accept: application/octet-stream\r\n",
               "{\"input\":\"a red apple falls far from the tree\",\"options\":{\"num_ctx\":5,\"num_gpu\":1}}", &reply);
    assert_int_equal(reply.length, sizeof expected);
    assert_memory_equal(reply.body, expected, sizeof expected);
    assert_null(strstr(reply.head, "X-Quern-Truncated: 0\r\n"));
    reply_free(&reply);
    const quern_embed_options options = {.size = sizeof options};
    serve_check_raw("/api/embed", "{\"input\":\"rain\",\"options\":{\"num_ctx\":99999}}", "rain", &options);
    serve_check_raw("/api/embed", "{\"input\":\"rain\",\"options\":{\"num_ctx\":null}}", "rain", &options);
    serve_check_raw("/api/embed", "{\"input\":\"rain\",\"options\":null}", "rain", &options);
    serve_expect("/api/embed", "{\"input\":\"a red apple falls\",\"truncate\":false,\"options\":{\"num_ctx\":3}}", 400,
                 "{\"error\":\"the input length exceeds the context length: input 0 has ");
    serve_expect("/api/embed", "{\"input\":\"a\",\"options\":{\"num_ctx\":2}}", 400, "exceeds maximum context length");
    static const char *const no_integers[] = {"\"big\"", "5.5", "1e9", "true", "1000000000000000000000000000000"};
    for (size_t i = 0; i < QUERN_COUNT(no_integers); i++) {
        snprintf(body, sizeof body, "{\"input\":\"a\",\"options\":{\"num_ctx\":%s}}", no_integers[i]);
        serve_expect("/api/embed", body, 400, "an integer from 3 to 9223372036854775807");
    }
    static const char *const no_objects[] = {"[]", "\"num_ctx=5\"", "5", "true"};
    for (size_t i = 0; i < QUERN_COUNT(no_objects); i++) {
        snprintf(body, sizeof body, "{\"prompt\":\"a\",\"options\":%s}", no_objects[i]);
        serve_expect("/api/embed", body, 400, ", but it must be an object");
        serve_expect("/api/embeddings", body, 400, "{\"error\":\"options is ");
    }
    serve_expect("/api/embed", "{\"input\":\"a\",\"truncate\":\"start\",\"options\":{\"num_ctx\":3}}", 400,
                 "cuts the end");
}

/* What may stand beside options is not passed over in them. */
static void test_fields_in_options(void **state)
{
    (void)state;
    const quern_embed_options query = {.size = sizeof query, .task = QUERN_TASK_QUERY},
                              document = {.size = sizeof document, .task = QUERN_TASK_DOCUMENT, .dimensions = 8};
    serve_check_raw("/api/embed", "{\"input\":\"rain\",\"options\":{\"task\":\"query\"}}", "rain", &query);
    serve_check_raw("/api/embeddings", "{\"prompt\":\"rain\",\"options\":{\"input_type\":\"search_query\"}}", "rain",
                    &query);
    serve_check_raw("/api/embed", "{\"input\":\"rain\",\"task\":\"document\",\"options\":{\"task\":\"query\","
                    "\"dimensions\":8,\"num_ctx\":64.0}}", "rain", &document);
    serve_expect("/api/embed", "{\"input\":\"a\",\"options\":{\"task\":\"nonsense\"}}", 400, "task names no task");
    serve_expect("/api/embed", "{\"input\":\"a\",\"options\":{\"encoding_format\":\"base64\"}}", 200,
                 "\"embeddings\":[\"");
}

static void test_many_inputs(void **state)
{
    (void)state;
    char *body = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&body, &length);
    fputs("{\"dimensions\":0,\"input\":[\"a\"", file);
    for (int i = 0; i < 2500; i++)
        fputs(",\"a\"", file);
    fputs("]}", file);
    fclose(file);
    json_t *answer = serve_ask("/api/embed", body, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "embeddings")), 2501);
    json_decref(answer);
    free(body);
    serve_switch((const char *const[]){"--queue-tokens", "1000", NULL});
    serve_expect("/api/embed", "{\"input\":[\"a\",\"b\"]}", 200, "\"embeddings\":[[");
    serve_switch(NULL);
}

static void test_pull(void **state)
{
    (void)state;
    char body[128];
    static const char *const forms[] = {"{\"model\":\"%s\"}", "{\"name\":\"%s:latest\",\"stream\":true}"};
    for (int i = 0; i < 2; i++) {
        struct reply reply;
        snprintf(body, sizeof body, forms[i], serve_name);
        client_ask(&serve_server, "/api/pull", "", body, &reply);
        assert_int_equal(reply.status, 200);
        assert_non_null(strstr(reply.head, "Content-Type: application/x-ndjson\r\n"));
        assert_non_null(strstr(reply.body, "{\"status\":\"pulling manifest\"}\n{\"status\":\"pulling "));
        assert_string_equal(strrchr(reply.body, '{'), "{\"status\":\"success\"}\n");
        reply_free(&reply);
    }
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"stream\":false}", serve_name);
    json_t *answer = serve_ask("/api/pull", body, 200);
    assert_string_equal(json_string_value(json_object_get(answer, "status")), "success");
    json_decref(answer);
    serve_expect("/api/pull", "{\"model\":\"nomic-embed-text\"}", 404, "quern pull");
    serve_expect("/api/pull", "{\"name\":\"nomic-embed-text\"}", 404, "{\"error\":\"model not found: ");
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
    serve_expect("/api/show", "{\"name\":\"gemma:9b\"}", 404, "{\"error\":\"model not found: ");
    serve_switch((const char *const[]){"--strict-model", "--model-name", "gemma:latest", NULL});
    serve_expect("/api/embed", "{\"model\":\"gemma\",\"input\":\"a\"}", 200, "\"embeddings\":[[");
    serve_expect("/v1/embeddings", "{\"model\":\"gemma:latest\",\"input\":\"a\"}", 200, "\"embedding\":[");
    serve_switch(NULL);
}

static void test_refusals(void **state)
{
    (void)state;
    serve_expect("/api/embed", "", 400, "{\"error\":\"missing request body");
    serve_expect("/api/embed", "{", 400, "{\"error\":\"the body is not JSON");
    serve_expect("/api/embed", "{\"input\":7}", 400, "{\"error\":\"invalid input type");
    serve_expect("/api/embed", "{\"input\":{}}", 400, "{\"error\":\"invalid input type");
    serve_expect("/api/embed", "{\"input\":[\"a\",{}]}", 400, "{\"error\":\"item 1 of input is an object, but it must");
    serve_expect("/api/embed", "{\"input\":[\"a\",7]}", 400, "{\"error\":\"item 1 of input is a number, but it must");
    serve_expect("/api/embed", "{\"input\":[7,\"a\"]}", 400, "{\"error\":\"item 0 of input is a number");
    serve_expect("/api/embed", "{\"input\":[\"a\",7.5]}", 400, "{\"error\":\"item 1 of input is a number");
    serve_expect("/api/embed", "{\"input\":[\"a\",[\"b\"]]}", 400, "{\"error\":\"item 1 of input is a list, but it");
    serve_expect("/api/embed", "{\"input\":[\"a\",true]}", 400, "{\"error\":\"item 1 of input is true or false");
    serve_expect("/api/embed", "{\"input\":[1,2]}", 400, "--allow-token-ids");
    serve_expect("/api/embed", "{\"input\":\"a\",\"dimensions\":65}", 400, "{\"error\":\"dimensions");
    serve_expect("/api/embed", "{\"input\":\"a\",\"task\":\"secret\"}", 400,
                 "{\"error\":\"task names no task: the tasks are none, query,");
    serve_expect("/api/embeddings", "{\"prompt\":[\"a\"]}", 400, "{\"error\":\"invalid input type");
    serve_expect("/api/embeddings", "{\"input\":[\"a\"]}", 400, "POST /api/embed takes several");
    serve_expect("/api/generate", "{}", 400, "{\"error\":\"this model does not support generate");
    serve_expect("/api/chat", "{\"messages\":[]}", 400, "{\"error\":\"this model does not support generate or chat");
    serve_expect("/api/copy", "{}", 400, "{\"error\":\"this server has one model");
    serve_expect("/api/delete", NULL, 405, "{\"error\":\"this path takes DELETE");
    serve_expect("/api/nothing", "{}", 404, "{\"error\":\"there is nothing");
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
        cmocka_unit_test(test_texts_under_other_names),
        cmocka_unit_test(test_two_fields_that_differ),
        cmocka_unit_test(test_num_ctx_is_a_limit),
        cmocka_unit_test(test_fields_in_options),
        cmocka_unit_test(test_many_inputs),
        cmocka_unit_test(test_pull),
        cmocka_unit_test(test_names_with_tags_are_ours),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_full_queue_is_503),
    };
    return serve_run(tests, argc, argv, no_options);
}
