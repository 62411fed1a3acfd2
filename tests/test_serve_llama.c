/* llama-server's dialect from end to end. usage: test_serve_llama QUERN */
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
    static const char *const paths[] = {"/embedding", "/embeddings"};
    quern_embed_options options = {.size = sizeof options};
    for (int i = 0; i < 2; i++) {
        json_t *answer = serve_ask(paths[i], "{\"content\":[\"a red apple\",\"rain\"]}", 200);
        assert_int_equal(json_array_size(answer), 2);
        for (size_t j = 0; j < 2; j++) {
            const json_t *item = json_array_get(answer, j), *list = json_object_get(item, "embedding");
            assert_int_equal(json_integer_value(json_object_get(item, "index")), j);
            assert_int_equal(json_array_size(list), 1);
            serve_check(json_array_get(list, 0), j == 0 ? "a red apple" : "rain", &options);
        }
        json_decref(answer);
    }
    serve_check_raw("/embedding", "{\"input\":\"rain\",\"embd_normalize\":2}", "rain", &options);
    options.flags = QUERN_NO_NORMALIZE;
    serve_check_raw("/embedding", "{\"content\":\"rain\",\"embd_normalize\":-1}", "rain", &options);
    options = (quern_embed_options){.size = sizeof options, .task = QUERN_TASK_QUERY, .dimensions = 8};
    serve_check_raw("/embedding", "{\"content\":\"rain\",\"model\":\"m:query\",\"dimensions\":8}", "rain", &options);
}

static void check_tokens(const char *text, unsigned flags, const char *body)
{
    int32_t ids[256];
    size_t count;
    const quern_text given = {text, strlen(text)};
    quern_embed_options options = {.size = sizeof options, .flags = flags};
    assert_int_equal(quern_tokenize(serve_context, given, &options, ids, 256, &count, NULL), QUERN_OK);
    json_t *answer = serve_ask("/tokenize", body, 200);
    const json_t *tokens = json_object_get(answer, "tokens");
    assert_int_equal(json_array_size(tokens), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *token = json_array_get(tokens, i), *id = json_object_get(token, "id");
        assert_int_equal(json_integer_value(id != NULL ? id : token), ids[i]);
    }
    json_decref(answer);
}

static void test_tokens_are_the_librarys(void **state)
{
    (void)state;
    check_tokens("a red apple", QUERN_NO_SPECIAL | QUERN_PARSE_SPECIAL, "{\"content\":\"a red apple\"}");
    check_tokens("a red apple", QUERN_PARSE_SPECIAL, "{\"content\":\"a red apple\",\"add_special\":true}");
    check_tokens("a<eos>b", QUERN_NO_SPECIAL | QUERN_PARSE_SPECIAL, "{\"content\":\"a<eos>b\"}");
    check_tokens("a<eos>b", QUERN_NO_SPECIAL, "{\"content\":\"a<eos>b\",\"parse_special\":false}");
    check_tokens("a b", QUERN_PARSE_SPECIAL, "{\"content\":\"a b\",\"add_special\":true,\"with_pieces\":true}");
    check_tokens("", QUERN_NO_SPECIAL, "{\"content\":\"\"}");
}

/* The pieces together are the text, byte for byte. A piece is a string, or a number for a part of a character. */
static void test_pieces(void **state)
{
    (void)state;
    static const char text[] = "rain\xe2\x82\xac \xf0\x9f\x8f\x94  x";
    char got[64] = "";
    size_t length = 0;
    bool bytes = false;
    json_t *answer =
        serve_ask("/tokenize", "{\"content\":\"rain\\u20ac \\ud83c\\udfd4  x\",\"with_pieces\":true}", 200);
    const json_t *tokens = json_object_get(answer, "tokens");
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *piece = json_object_get(json_array_get(tokens, i), "piece");
        const size_t size = json_is_string(piece) ? json_string_length(piece) : 1;
        assert_true(length + size < sizeof got);
        if (json_is_string(piece))
            memcpy(got + length, json_string_value(piece), size);
        else
            got[length] = (char)json_integer_value(json_array_get(piece, 0));
        bytes |= json_is_array(piece);
        length += size;
    }
    assert_true(bytes);
    assert_string_equal(got, text);
    json_decref(answer);
}

static void test_text_goes_to_tokens_and_back(void **state)
{
    (void)state;
    json_t *answer = serve_ask("/tokenize", "{\"content\":\"rain\\u20ac \\ud83c\\udfd4\\u0000  x\\n\"}", 200);
    char *body = json_dumps(answer, 0);
    json_t *back = serve_ask("/detokenize", body, 200);
    const json_t *content = json_object_get(back, "content");
    assert_int_equal(json_string_length(content), 17);
    assert_memory_equal(json_string_value(content), "rain\xe2\x82\xac \xf0\x9f\x8f\x94\0  x\n", 17);
    free(body);
    json_decref(answer);
    json_decref(back);
    serve_expect("/detokenize", "{\"tokens\":[]}", 200, "{\"content\":\"\"}");
    serve_expect("/detokenize", "{\"tokens\":[2]}", 200, "{\"content\":\"<bos>\"}");
}

/* Some vocabularies put a space before a text, and after newlines. It is not a part of the text. */
static void test_a_space_before_the_text(void **state)
{
    (void)state;
    char path[TRIAL_PATH + 8];
    struct quern_recipe recipe = quern_recipe_tiny();
    recipe.spaced = true;
    snprintf(path, sizeof path, "%s.spaced", serve_path);
    assert_int_equal(quern_model_make(path, &recipe, NULL), QUERN_OK);
    serve_switch((const char *const[]){"-m", path, NULL});
    json_t *answer = serve_ask("/tokenize", "{\"content\":\"rain x\\n\\nx\\n y\",\"add_special\":true}", 200);
    char *body = json_dumps(answer, 0);
    serve_expect("/detokenize", body, 200, "{\"content\":\"<bos>rain x\\u000a\\u000ax\\u000a y<eos>\"}");
    free(body);
    json_decref(answer);
    answer = serve_ask("/tokenize", "{\"inputs\":\"rain x\\n\\nx\"}", 200); /* where each token stands */
    const json_t *tokens = json_array_get(answer, 0), *last = json_array_get(tokens, json_array_size(tokens) - 2);
    assert_int_equal(json_integer_value(json_object_get(last, "start")), 8);
    assert_int_equal(json_integer_value(json_object_get(last, "stop")), 9);
    json_decref(answer);
    serve_switch(NULL);
    unlink(path);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
        int status;
        const char *says;
    } table[] = {
        {"/embedding", "{}", 400, "\"type\":\"invalid_request_error\"}}"},
        {"/embedding", "{\"content\":\"a\",\"embd_normalize\":0}", 400, "embd_normalize must be 2"},
        {"/embedding", "{\"content\":\"a\",\"embd_normalize\":-1,\"output_dtype\":\"int8\"}", 400, "int8"},
        {"/embedding", "{\"content\":[1,2]}", 400, "--allow-token-ids"},
        {"/embedding", "{\"content\":7}", 400, "content is a number, but it must be a string"},
        {"/tokenize", "{}", 400, "content is missing, but it must be a string"},
        {"/tokenize", "{\"content\":7}", 400, "content is a number, but it must be a string"},
        {"/tokenize", "{\"content\":\"a\",\"with_pieces\":1}", 400, "with_pieces must be true or false"},
        {"/detokenize", "{}", 400, "tokens is missing, but it must be an array"},
        {"/detokenize", "{\"tokens\":[\"a\"]}", 400, "must contain only token ids"},
        {"/detokenize", "{\"tokens\":[-1]}", 400, "must contain only token ids"},
        {"/detokenize", "{\"tokens\":[99999999999999]}", 400, "must contain only token ids"},
        {"/embedding", NULL, 405, "this path takes POST"},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        json_t *answer = serve_ask(table[i].path, table[i].body, table[i].status);
        const json_t *code = json_object_get(json_object_get(answer, "error"), "code");
        assert_int_equal(json_integer_value(code), table[i].status);
        json_decref(answer);
        serve_expect(table[i].path, table[i].body, table[i].status, table[i].says);
    }
}

static void test_what_is_too_much(void **state)
{
    (void)state;
    enum { BYTES = 262145 };
    char *body = malloc(BYTES + 100);
    static const char *const few[] = {"--queue-tokens", "300", "--max-body", "1000", NULL};
    const int start = snprintf(body, 100, "{\"content\":\"");
    memset(body + start, 'a', BYTES);
    strcpy(body + start + BYTES, "\"}");
    serve_expect("/tokenize", body, 413, "send it in parts");
    serve_expect("/embedding", body, 400, "\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":");
    serve_switch(few);
    strcpy(body, "{\"tokens\":[5");
    while (strlen(body) < 800)
        strcat(body, ",5");
    strcat(body, "]}");
    serve_expect("/detokenize", body, 400, "a request may have 300");
    serve_switch(NULL);
    free(body);
}

static void test_the_server(void **state)
{
    (void)state;
    json_t *answer = serve_ask("/props", NULL, 200);
    const json_t *settings = json_object_get(answer, "default_generation_settings");
    assert_int_equal(json_integer_value(json_object_get(settings, "n_ctx")), TRIAL_CONTEXT);
    assert_string_equal(json_string_value(json_object_get(answer, "model_path")), serve_name);
    json_decref(answer);
    serve_expect("/v1/health", NULL, 200, "{\"status\":\"ok\"}");
    serve_expect("/health", NULL, 200, "{\"status\":\"ok\"}");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_tokens_are_the_librarys),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_text_goes_to_tokens_and_back),
        cmocka_unit_test(test_a_space_before_the_text),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_is_too_much),
        cmocka_unit_test(test_the_server),
    };
    return serve_run(tests, argc, argv, no_options);
}
