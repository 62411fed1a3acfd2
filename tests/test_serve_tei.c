/* TEI's dialect from end to end. usage: test_serve_tei QUERN */
#include "base/count.h"
#include "serve_trial.h"

#include <math.h>
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
    json_t *answer = serve_ask("/embed", "{\"inputs\":[\"a red apple\",\"rain\"],\"truncate\":null}", 200);
    assert_int_equal(json_array_size(answer), 2);
    serve_check(json_array_get(answer, 0), "a red apple", &options);
    serve_check(json_array_get(answer, 1), "rain", &options);
    json_decref(answer);
    serve_check_raw("/", "{\"inputs\":\"rain\"}", "rain", &options);
    options.flags = QUERN_NO_NORMALIZE;
    serve_check_raw("/embed", "{\"inputs\":\"rain\",\"normalize\":false}", "rain", &options);
}

static void test_prompt_names_are_tasks(void **state)
{
    (void)state;
    quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY, .dimensions = 8};
    serve_check_raw("/embed", "{\"inputs\":\"rain\",\"prompt_name\":\"query\",\"dimensions\":8}", "rain", &options);
    serve_check_raw("/embed", "{\"inputs\":\"rain\",\"prompt_name\":\"Retrieval-query\",\"dimensions\":8}", "rain",
                    &options);
    serve_check_raw("/embed", "{\"inputs\":\"rain\",\"model\":\"m:query\",\"dimensions\":8}", "rain", &options);
    options.task = QUERN_TASK_SIMILARITY;
    serve_check_raw("/embed", "{\"inputs\":\"rain\",\"prompt_name\":\"STS\",\"model\":\"m:query\",\"dimensions\":8}",
                    "rain", &options);
    options.task = QUERN_TASK_DOCUMENT;
    options.title = (quern_text){"weather", 7};
    serve_check_raw("/embed", "{\"inputs\":\"rain\",\"title\":\"weather\",\"dimensions\":8}", "rain", &options);
}

static void test_fields_tell_what_it_took(void **state)
{
    (void)state;
    static const char *const fields[] = {"\r\nX-Compute-Type: cpu\r\n", "\r\nX-Compute-Characters: 7\r\n",
                                         "\r\nX-Compute-Tokens: ", "\r\nX-Compute-Time: ", "\r\nX-Total-Time: ",
                                         "\r\nX-Tokenization-Time: ", "\r\nX-Queue-Time: ", "\r\nX-Inference-Time: "};
    struct reply reply;
    client_ask(&serve_server, "/embed", "", "{\"inputs\":[\"rain\",\"\\u00e9\\ud83d\\ude00x\"]}", &reply);
    for (size_t i = 0; i < QUERN_COUNT(fields); i++)
        if (strstr(reply.head, fields[i]) == NULL)
            fail_msg("no %s in %s", fields[i], reply.head);
    reply_free(&reply);
}

/* When the start is cut off, the prompt and the last tokens stay. */
static void test_the_start_can_be_cut_off(void **state)
{
    (void)state;
    static const char *const ways[] = {"\"truncate\":true,\"truncation_direction\":\"Left\"", "\"truncate\":\"start\""};
    char text[3000] = "", body[3200];
    int32_t ids[4096], prompt[64];
    float expected[TRIAL_WIDTH];
    size_t count, opening, kept = 0;
    struct reply reply;
    const quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY};
    for (int i = 0; strlen(text) < 2900; i++)
        sprintf(text + strlen(text), "word %d ", i * i);
    assert_int_equal(quern_tokenize(serve_context, (quern_text){text, strlen(text)}, &options, ids, 4096, &count, NULL),
                     QUERN_OK);
    assert_int_equal(quern_tokenize(serve_context, (quern_text){"", 0}, &options, prompt, 64, &opening, NULL),
                     QUERN_OK);
    while (prompt[kept] == ids[kept])
        kept++;
    assert_true(kept > 4 && count > TRIAL_CONTEXT);
    memmove(ids + kept, ids + count - (TRIAL_CONTEXT - kept), (TRIAL_CONTEXT - kept) * sizeof ids[0]);
    assert_int_equal(quern_embed_tokens(serve_context, &(quern_tokens){ids, TRIAL_CONTEXT}, 1, NULL, expected,
                                        TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    for (int i = 0; i < 2; i++) {
        snprintf(body, sizeof body, "{\"inputs\":\"%s\",\"prompt_name\":\"query\",%s}", text, ways[i]);
        client_ask(&serve_server, "/embed", "Accept: application/octet-stream\r\n", body, &reply);
        assert_int_equal(reply.length, sizeof expected);
        assert_memory_equal(reply.body, expected, sizeof expected);
        reply_free(&reply);
    }
    /* Without truncate it is not cut. */
    snprintf(body, sizeof body, "{\"inputs\":\"%s\",\"truncation_direction\":\"Left\"}", text);
    serve_expect("/embed", body, 413, "\"error_type\":\"Validation\"");
}

static void test_similarity(void **state)
{
    (void)state;
    static const char *const texts[] = {"a red apple", "a red apple", "rain", "ripe fruit"};
    float vectors[4][TRIAL_WIDTH];
    quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_SIMILARITY};
    json_t *answer = serve_ask("/similarity", "{\"inputs\":{\"source_sentence\":\"a red apple\",\"sentences\":"
                               "[\"a red apple\",\"rain\",\"ripe fruit\"]},\"parameters\":{\"prompt_name\":\"STS\"}}",
                               200);
    assert_int_equal(json_array_size(answer), 3);
    for (int i = 0; i < 4; i++)
        quern_embed(serve_context, &(quern_text){texts[i], strlen(texts[i])}, 1, &options, vectors[i], TRIAL_WIDTH,
                    NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        double sum = 0;
        for (int j = 0; j < TRIAL_WIDTH; j++)
            sum += (double)vectors[0][j] * vectors[i + 1][j];
        assert_true(fabs(json_number_value(json_array_get(answer, i)) - sum) < 1e-6);
    }
    assert_true(json_number_value(json_array_get(answer, 0)) <= 1);
    json_decref(answer);
    serve_expect("/similarity", "{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[\"a\"]},\"dimensions\":1}", 200,
                 "[1]");
}

/* Checks that a body of /similarity is answered with the dot product of two texts embedded with these options. */
static void check_similarity(const char *fields, const quern_embed_options *options)
{
    char body[512];
    float vectors[2][TRIAL_WIDTH];
    const int width = serve_embed("a red apple", options, vectors[0]);
    serve_embed("rain", options, vectors[1]);
    snprintf(body, sizeof body, "{\"inputs\":{\"source_sentence\":\"a red apple\",\"sentences\":[\"rain\"]}%s}",
             fields);
    json_t *answer = serve_ask("/similarity", body, 200);
    const double expected = quern_dot(vectors[0], vectors[1], width);
    assert_true(fabs(json_number_value(json_array_get(answer, 0)) - expected) < 1e-6);
    json_decref(answer);
}

/* Options count wherever they stand, and defaults fill in only what no object has. */
static void test_options_of_similarity(void **state)
{
    (void)state;
    quern_embed_options options = {.size = sizeof options};
    check_similarity("", &options);
    check_similarity(",\"parameters\":{}", &options);
    options.task = QUERN_TASK_QUERY;
    check_similarity(",\"model\":\"any:query\"", &options);
    check_similarity(",\"parameters\":{},\"model\":\"any:query\"", &options);
    check_similarity(",\"parameters\":{\"model\":\"any:query\"}", &options);
    check_similarity(",\"parameters\":{\"task\":\"query\"}", &options);
    check_similarity(",\"parameters\":{\"task\":\"query\"},\"model\":\"any:document\"", &options);
    check_similarity(",\"parameters\":{\"task\":\"document\"},\"task\":\"query\"", &options);
    check_similarity(",\"prompt_name\":\"query\"", &options);
    check_similarity(",\"parameters\":{\"prompt_name\":\"query\"},\"model\":\"any:document\"", &options);
    options.dimensions = 8;
    check_similarity(",\"parameters\":{\"dimensions\":8},\"model\":\"any:query\"", &options);
    options.task = QUERN_TASK_DOCUMENT;
    options.title = (quern_text){"weather", 7};
    check_similarity(",\"parameters\":{\"title\":\"weather\"},\"dimensions\":8", &options);
    check_similarity(",\"title\":\"weather\",\"parameters\":{\"task\":\"document\"},\"dimensions\":8", &options);
    serve_expect("/similarity", "{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[\"b\"]},\"title\":\"t\","
                 "\"parameters\":{\"task\":\"query\"}}", 422, "only the task document");
}

/* The server's default task is used only when the request names none, on every route. */
static void test_a_default_task(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
    } plain[] = {{"/embed", "{\"inputs\":\"rain\"%s}"},
                 {"/v1/embeddings", "{\"input\":\"rain\",\"model\":\"m\"%s}"},
                 {"/api/embed", "{\"input\":\"rain\"%s}"},
                 {"/api/embeddings", "{\"prompt\":\"rain\"%s}"},
                 {"/embedding", "{\"content\":\"rain\"%s}"}};
    quern_embed_options document = {.size = sizeof document, .task = QUERN_TASK_DOCUMENT};
    quern_embed_options query = {.size = sizeof query, .task = QUERN_TASK_QUERY};
    quern_embed_options none = {.size = sizeof none};
    serve_switch((const char *const[]){"--default-task", "document", NULL});
    for (size_t i = 0; i < QUERN_COUNT(plain); i++) {
        char body[128];
        snprintf(body, sizeof body, plain[i].body, "");
        serve_check_raw(plain[i].path, body, "rain", &document);
        snprintf(body, sizeof body, plain[i].body, ",\"task\":\"query\"");
        serve_check_raw(plain[i].path, body, "rain", &query);
        snprintf(body, sizeof body, plain[i].body, ",\"task\":\"none\"");
        serve_check_raw(plain[i].path, body, "rain", &none);
    }
    check_similarity("", &document);
    check_similarity(",\"model\":\"any:query\"", &query);
    check_similarity(",\"parameters\":{\"model\":\"any:query\"}", &query);
    check_similarity(",\"parameters\":{\"task\":\"none\"}", &none);
    serve_switch(NULL);
}

/* A model that takes no prompts ignores every way to ask for one, and embeds texts as they are. */
static void test_a_model_without_prompts(void **state)
{
    (void)state;
    static const char *const tasks[] = {"\"task\":\"query\"", "\"prompt_name\":\"STS\"", "\"model\":\"m:document\"",
                                        "\"title\":\"t\"", "\"task\":\"none\""};
    char path[TRIAL_PATH + 8], body[128];
    struct reply plain, reply;
    struct quern_recipe recipe = quern_recipe_tiny();
    recipe.prompts = "none";
    snprintf(path, sizeof path, "%s.none", serve_path);
    assert_int_equal(quern_model_make(path, &recipe, NULL), QUERN_OK);
    serve_switch((const char *const[]){"-m", path, "--default-task", "document", NULL});
    client_ask(&serve_server, "/embed", "", "{\"inputs\":\"rain\"}", &plain);
    for (size_t i = 0; i < QUERN_COUNT(tasks); i++) {
        snprintf(body, sizeof body, "{\"inputs\":\"rain\",%s}", tasks[i]);
        client_ask(&serve_server, "/embed", "", body, &reply);
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, plain.body);
        assert_non_null(strstr(reply.head, "X-Quern-Task: none\r\n"));
        assert_non_null(strstr(reply.head, "-none\r\n"));
        reply_free(&reply);
    }
    reply_free(&plain);
    assert_true(served_logs(&serve_server, "this model has no prompts: all texts are embedded as they are"));
    serve_expect("/info", NULL, 200, "-none\"");
    serve_expect("/tokenize", "{\"inputs\":\"rain\",\"prompt_name\":\"query\"}", 200, "[[{");
    serve_expect("/embed", "{\"inputs\":\"rain\",\"task\":\"nonsense\"}", 422, "names no task");
    serve_switch(NULL);
    unlink(path);
}

/* /info names the pooling of the model in TEI's words. */
static void test_poolings(void **state)
{
    (void)state;
    static const char *const names[] = {"mean", "cls", "last_token"};
    for (int pooling = 1; pooling <= 3; pooling++) {
        char path[TRIAL_PATH + 8], expected[64];
        struct quern_recipe recipe = pooling == 3 ? quern_recipe_qwen3() : quern_recipe_bert();
        recipe.pooling = pooling;
        snprintf(path, sizeof path, "%s.pool", serve_path);
        assert_int_equal(quern_model_make(path, &recipe, NULL), QUERN_OK);
        serve_switch((const char *const[]){"-m", path, NULL});
        snprintf(expected, sizeof expected, "{\"embedding\":{\"pooling\":\"%s\"}}", names[pooling - 1]);
        serve_expect("/info", NULL, 200, expected);
        serve_switch(NULL);
        unlink(path);
    }
}

/* Checks that ids are the library's, and that start and stop mark the text of each token. */
static void check_tokens(const char *text, const char *body, const quern_embed_options *options)
{
    int32_t ids[256];
    size_t count, at = 0;
    char whole[256];
    assert_int_equal(quern_tokenize(serve_context, (quern_text){text, strlen(text)}, options, ids, 256, &count, NULL),
                     QUERN_OK);
    snprintf(whole, sizeof whole, "%s%s", quern_model_prompt(serve_model, (quern_task)options->task), text);
    json_t *answer = serve_ask("/tokenize", body, 200);
    const json_t *tokens = json_array_get(answer, 0);
    assert_int_equal(json_array_size(tokens), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *token = json_array_get(tokens, i);
        const json_t *start = json_object_get(token, "start"), *stop = json_object_get(token, "stop");
        const json_t *piece = json_object_get(token, "text");
        assert_int_equal(json_integer_value(json_object_get(token, "id")), ids[i]);
        if (json_is_true(json_object_get(token, "special"))) {
            assert_true(json_is_null(start) && json_is_null(stop));
            assert_string_equal(json_string_value(piece), ids[i] == 2 ? "<bos>" : "<eos>");
            continue;
        }
        const size_t from = (size_t)json_integer_value(start), to = (size_t)json_integer_value(stop);
        assert_true(json_is_integer(start) && from == at && to > from);
        if (strncmp(json_string_value(piece), "\xef\xbf\xbd", 3) != 0) /* a part of a character */
            assert_memory_equal(json_string_value(piece), whole + from, to - from);
        at = to;
    }
    assert_int_equal(at, strlen(whole));
    json_decref(answer);
}

static void test_tokens(void **state)
{
    (void)state;
    quern_embed_options options = {.size = sizeof options};
    check_tokens("a red apple", "{\"inputs\":\"a red apple\"}", &options);
    check_tokens("\xe2\x96\x81 <eos>  \n<table>\xf0\x9f\x8f\x94 \xc3\xa9",
                 "{\"inputs\":\"\\u2581 <eos>  \\n<table>\\ud83c\\udfd4 \\u00e9\",\"add_special_tokens\":true}",
                 &options);
    options.task = QUERN_TASK_QUERY;
    check_tokens("rain", "{\"inputs\":[\"rain\",\"x\"],\"prompt_name\":\"query\"}", &options);
    options.flags = QUERN_NO_SPECIAL;
    check_tokens("rain", "{\"inputs\":\"rain\",\"prompt_name\":\"query\",\"add_special_tokens\":false}", &options);
}

static void test_text_goes_to_tokens_and_back(void **state)
{
    (void)state;
    char body[512] = "{\"ids\":[[";
    json_t *answer = serve_ask("/tokenize", "{\"inputs\":\"rain \\u20ac\\ud83c\\udfd4  <eos>\"}", 200);
    const json_t *tokens = json_array_get(answer, 0);
    for (size_t i = 0; i < json_array_size(tokens); i++)
        sprintf(body + strlen(body), "%s%lld", i > 0 ? "," : "",
                (long long)json_integer_value(json_object_get(json_array_get(tokens, i), "id")));
    json_decref(answer);
    const size_t length = strlen(body);
    strcpy(body + length, "],[2,1]]}");
    serve_expect("/decode", body, 200, "[\"rain \xe2\x82\xac\xf0\x9f\x8f\x94  <eos>\",\"\"]");
    strcpy(body + length, "]],\"skip_special_tokens\":false}");
    serve_expect("/decode", body, 200, "[\"<bos>rain \xe2\x82\xac\xf0\x9f\x8f\x94  <eos><eos>\"]");
}

static void test_info_counts_texts_without_a_prompt(void **state)
{
    (void)state;
    char space[QUERN_SPACE_SIZE];
    json_int_t texts[2], bare[2];
    quern_model_info model = {.size = sizeof model};
    assert_int_equal(quern_model_describe(serve_model, &model, NULL), QUERN_OK);
    quern_space(serve_model, NULL, space, NULL);
    for (int i = 0; i < 2; i++) {
        json_t *info = serve_ask("/info", NULL, 200);
        assert_string_equal(json_string_value(json_object_get(info, "space")), space);
        assert_string_equal(json_string_value(json_object_get(info, "general_name")), model.name);
        assert_true(model.name[0] != '\0');
        assert_int_equal(json_integer_value(json_object_get(info, "max_input_length")), TRIAL_CONTEXT);
        assert_int_equal(json_integer_value(json_object_get(info, "max_client_batch_size")), 2048);
        texts[i] = json_integer_value(json_object_get(info, "texts"));
        bare[i] = json_integer_value(json_object_get(info, "texts_without_prompt"));
        json_decref(info);
        serve_expect("/embed", "{\"inputs\":[\"a\",\"b\"]}", 200, "[[");
        serve_expect("/embed", "{\"inputs\":[\"a\",\"b\",\"c\"],\"task\":\"query\"}", 200, "[[");
    }
    assert_int_equal(texts[1] - texts[0], 5);
    assert_int_equal(bare[1] - bare[0], 2);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
        int status;
        const char *type, *says;
    } table[] = {
        {"/embed", "{}", 422, "Validation", "inputs is missing"},
        {"/embed", "{\"inputs\":7}", 422, "Validation", "inputs is a number, but it must be a string"},
        {"/embed", "{\"inputs\":[\"a\",null]}", 422, "Validation", "item 1 of inputs is null"},
        {"/embed", "7", 422, "Validation", "the body is JSON, but it is a number"},
        {"/embed", "{\"inputs\":", 400, "Validation", "the body is not JSON"},
        {"/similarity", "{}", 422, "Validation", "source_sentence"},
        {"/decode", "{}", 422, "Validation", "ids is missing"},
        {"/embed", "{\"inputs\":\"\"}", 400, "Empty", "empty string"},
        {"/embed", "{\"inputs\":[]}", 400, "Empty", "empty array"},
        {"/embed", "{\"inputs\":[\"a\",\"\"]}", 400, "Empty", "input 1"},
        {"/embed", "{\"inputs\":[1]}", 422, "Validation", "--allow-token-ids"},
        {"/embed", "{\"inputs\":\"a\",\"prompt_name\":\"secret\"}", 422, "Validation", "prompt_name names no task"},
        {"/embed", "{\"inputs\":\"a\",\"prompt_name\":1}", 422, "Validation", "prompt_name names no task"},
        {"/embed", "{\"inputs\":\"a\",\"truncation_direction\":\"Up\"}", 422, "Validation", "Left or Right"},
        {"/embed", "{\"inputs\":\"a\",\"dimensions\":65}", 422, "Validation", "1 to 64"},
        {"/embed_all", "{\"inputs\":\"a\"}", 422, "Validation", "POST /embed"},
        {"/embed_sparse", "{\"inputs\":\"a\"}", 404, "Validation", "dense vectors: POST /embed"},
        {"/similarity", "{\"inputs\":\"a\"}", 422, "Validation", "source_sentence"},
        {"/similarity", "{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[]}}", 400, "Empty", "sentences"},
        {"/similarity", "{\"inputs\":{\"source_sentence\":\"\",\"sentences\":[\"a\"]}}", 400, "Empty", "input 0"},
        {"/tokenize", "{\"inputs\":[7.5]}", 422, "Validation", "inputs"},
        {"/tokenize", "{\"inputs\":[1]}", 422, "Validation", "token ids"},
        {"/decode", "{\"ids\":\"a\"}", 422, "Validation", "ids is a string"},
        {"/decode", "{\"ids\":[]}", 400, "Empty", "empty"},
        {"/decode", "{\"ids\":[[1],[]]}", 400, "Empty", "input 1"},
        {"/decode", "{\"ids\":[[1],\"a\"]}", 422, "Validation", "item 1 of ids is a string"},
        {"/decode", "{\"ids\":[-1]}", 422, "Validation", "must contain only token ids"},
        {"/decode", "{\"ids\":[[1,2],[99999999]]}", 422, "Validation", "input 1"},
        {"/decode", "{\"ids\":[1,[2]]}", 422, "Validation", "must contain only token ids"},
        {"/info", "{}", 405, "Validation", "this path takes GET"},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        serve_expect(table[i].path, table[i].body, table[i].status, table[i].says);
        json_t *answer = serve_ask(table[i].path, table[i].body, table[i].status);
        assert_string_equal(json_string_value(json_object_get(answer, "error_type")), table[i].type);
        assert_true(json_is_string(json_object_get(answer, "error")));
        json_decref(answer);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_prompt_names_are_tasks),
        cmocka_unit_test(test_fields_tell_what_it_took),
        cmocka_unit_test(test_the_start_can_be_cut_off),
        cmocka_unit_test(test_similarity),
        cmocka_unit_test(test_options_of_similarity),
        cmocka_unit_test(test_a_default_task),
        cmocka_unit_test(test_poolings),
        cmocka_unit_test(test_a_model_without_prompts),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_text_goes_to_tokens_and_back),
        cmocka_unit_test(test_info_counts_texts_without_a_prompt),
        cmocka_unit_test(test_refusals),
    };
    return serve_run(tests, argc, argv, no_options);
}
