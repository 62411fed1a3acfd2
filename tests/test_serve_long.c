/* Very long texts, which are not tokenised to their end. usage: test_serve_long QUERN */
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

enum { BYTES = 300000 };
static const char *const no_options[] = {NULL};

/* Texts of that length: words, a single stretch, characters of many bytes, runs, tags, a mixture. */
static void make_text(int kind, char *text)
{
    static const char *const parts[] = {
        "the red house by the river was found by people ", "a", "\xe4\xb8\xad\xe6\x96\x87", "\\n    \\n",
        "<table><tr>x",
        "word\xf0\x9f\x8f\x94 42abab \xe2\x96\x81\xe2\x96\x81 "};
    const size_t length = strlen(parts[kind]);
    char *at = text;
    for (; at + length < text + BYTES; at += length)
        memcpy(at, parts[kind], length);
    *at = '\0';
}

/* Replaces the two bytes \n, which stand for a newline in JSON, by a newline. */
static char *unescape(const char *text)
{
    char *copy = malloc(strlen(text) + 1), *at = copy;
    for (; *text != '\0'; text++)
        *at++ = text[0] == '\\' && text[1] == 'n' ? (text++, '\n') : *text;
    *at = '\0';
    return copy;
}

static void test_the_vector_of_the_beginning_is_the_librarys(void **state)
{
    (void)state;
    char *text = malloc(BYTES + 1), *body = malloc(BYTES + 200);
    const quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY, .flags = QUERN_TRUNCATE};
    for (int kind = 0; kind < 6; kind++) {
        make_text(kind, text);
        sprintf(body, "{\"inputs\":\"%s\",\"task\":\"query\",\"truncate\":true}", text);
        char *plain = unescape(text);
        serve_check_raw("/embed", body, plain, &options);
        free(plain);
    }
    free(text);
    free(body);
}

/* A text whose start is cut off has the vector of its last tokens. */
static void test_the_vector_of_the_end(void **state)
{
    (void)state;
    char *text = malloc(BYTES + 1), *body = malloc(BYTES + 200);
    int32_t *ids = malloc(BYTES * sizeof *ids), last[TRIAL_CONTEXT];
    float expected[TRIAL_WIDTH];
    struct reply reply;
    size_t count;
    for (int kind = 0; kind < 6; kind += 5) {
        make_text(kind, text);
        const quern_text whole = {text, strlen(text)};
        assert_int_equal(quern_tokenize(serve_context, whole, NULL, ids, BYTES, &count, NULL), QUERN_OK);
        last[0] = ids[0];
        memcpy(last + 1, ids + count - (TRIAL_CONTEXT - 1), (TRIAL_CONTEXT - 1) * sizeof last[0]);
        assert_int_equal(quern_embed_tokens(serve_context, &(quern_tokens){last, TRIAL_CONTEXT}, 1, NULL, expected,
                                            TRIAL_WIDTH, NULL, NULL), QUERN_OK);
        sprintf(body, "{\"input\":\"%s\",\"truncate\":\"start\"}", text);
        client_ask(&serve_server, "/embedding", "Accept: application/octet-stream\r\n", body, &reply);
        assert_int_equal(reply.length, sizeof expected);
        assert_memory_equal(reply.body, expected, sizeof expected);
        reply_free(&reply);
    }
    free(text);
    free(body);
    free(ids);
}

/* The ids in an answer: numbers, or objects with a number "id". */
static size_t read_ids(const json_t *list, int32_t *ids)
{
    const size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        ids[i] = (int32_t)json_integer_value(json_is_object(item) ? json_object_get(item, "id") : item);
    }
    return count;
}

/* Where the tokens stand covers the text without a gap. */
static void check_places(const json_t *list, size_t length)
{
    size_t at = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        assert_int_equal(json_integer_value(json_object_get(item, "start")), at);
        at = (size_t)json_integer_value(json_object_get(item, "stop"));
    }
    assert_int_equal(at, length);
}

/* From a long text to its tokens and back, in every dialect that can. Tokens that are bytes tear characters, and the
 * text has them whole. */
static void test_all_tokens_and_back(void **state)
{
    (void)state;
    enum { PART = 30000 };
    char *text = malloc(BYTES + 1), *body = malloc(8 * PART), *at = body;
    int32_t *ids = malloc(PART * sizeof *ids), *expected = malloc(PART * sizeof *ids);
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_SPECIAL | QUERN_PARSE_SPECIAL};
    size_t count, length = PART;
    make_text(5, text);
    while (((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    text[length] = '\0';
    assert_int_equal(quern_tokenize(serve_context, (quern_text){text, length}, &options, expected, PART, &count, NULL),
                     QUERN_OK);
    sprintf(body, "{\"content\":\"%s\"}", text);
    json_t *answer = serve_ask("/tokenize", body, 200);
    assert_int_equal(read_ids(json_object_get(answer, "tokens"), ids), count);
    assert_memory_equal(ids, expected, count * sizeof *ids);
    json_decref(answer);
    sprintf(body, "{\"inputs\":[\"%s\",\"a\"],\"add_special_tokens\":false}", text);
    answer = serve_ask("/tokenize", body, 200);
    assert_int_equal(read_ids(json_array_get(answer, 0), ids), count);
    assert_memory_equal(ids, expected, count * sizeof *ids);
    check_places(json_array_get(answer, 0), length);
    assert_int_equal(json_array_size(json_array_get(answer, 1)), 1);
    json_decref(answer);

    at += sprintf(at, "{\"tokens\":[");
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s%d", i > 0 ? "," : "", (int)ids[i]);
    strcpy(at, "]}");
    assert_int_equal(quern_detokenize(serve_model, ids, count, 0, text, BYTES, &length, NULL), QUERN_OK);
    text[length] = '\0';
    answer = serve_ask("/detokenize", body, 200);
    assert_string_equal(json_string_value(json_object_get(answer, "content")), text);
    json_decref(answer);
    memcpy(body, "{\"ids\":   [", 11);
    answer = serve_ask("/decode", body, 200);
    assert_string_equal(json_string_value(json_array_get(answer, 0)), text);
    json_decref(answer);
    free(text);
    free(body);
    free(ids);
    free(expected);
}

/* A long text among token ids. */
static void test_a_text_among_ids(void **state)
{
    (void)state;
    char *text = malloc(BYTES + 1), *body = malloc(BYTES + 200);
    int32_t *ids = malloc(BYTES * sizeof *ids);
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_SPECIAL};
    float expected[TRIAL_WIDTH];
    struct reply reply;
    size_t count;
    make_text(0, text);
    text[50000] = '\0';
    ids[0] = 2;
    assert_int_equal(quern_tokenize(serve_context, (quern_text){text, 50000}, &options, ids + 1, BYTES, &count, NULL),
                     QUERN_OK);
    ids[count + 1] = 1;
    count = quern_truncate_tokens(ids, count + 2, TRIAL_CONTEXT, QUERN_TRUNCATE);
    assert_int_equal(quern_embed_tokens(serve_context, &(quern_tokens){ids, count}, 1, NULL, expected, TRIAL_WIDTH,
                                        NULL, NULL), QUERN_OK);
    sprintf(body, "{\"content\":[2,\"%s\",1],\"truncate\":true}", text);
    serve_switch((const char *const[]){"--allow-token-ids", NULL});
    client_ask(&serve_server, "/embedding", "Accept: application/octet-stream\r\n", body, &reply);
    assert_int_equal(reply.length, sizeof expected);
    assert_memory_equal(reply.body, expected, sizeof expected);
    reply_free(&reply);
    serve_switch(NULL);
    free(text);
    free(body);
    free(ids);
}

/* Clients that leave while another thread tokenises their text do no harm, nor does the end of the server. */
static void test_clients_that_leave(void **state)
{
    (void)state;
    enum { CLIENTS = 40 };
    char *text = malloc(BYTES + 1), *body = malloc(BYTES + 200);
    int clients[CLIENTS];
    make_text(5, text);
    sprintf(body, "{\"inputs\":\"%s\",\"truncate\":true}", text);
    serve_switch(no_options);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = client_connect(&serve_server);
            client_post(clients[i], "/embed", "", body);
        }
        for (int i = 0; i < CLIENTS; i++)
            close(clients[i]);
        if (round == 0)
            serve_expect("/embed", "{\"inputs\":\"a\"}", 200, "[[");
    }
    serve_switch(NULL);
    free(text);
    free(body);
}

/* For a text that is not read to its end, the server tells a number of tokens between the limit and the true number. */
static void test_its_tokens_are_estimated(void **state)
{
    (void)state;
    char *text = malloc(BYTES + 1), *body = malloc(BYTES + 200);
    struct reply reply;
    size_t count;
    make_text(0, text);
    quern_tokenize(serve_context, (quern_text){text, strlen(text)}, NULL, NULL, 0, &count, NULL);
    sprintf(body, "{\"model\":\"m\",\"input\":[\"a\",\"%s\"]}", text);
    json_t *answer = serve_ask("/v1/embeddings", body, 400);
    const json_t *error = json_object_get(answer, "error");
    const json_int_t told = json_integer_value(json_object_get(error, "tokens"));
    assert_string_equal(json_string_value(json_object_get(error, "code")), "context_length_exceeded");
    assert_int_equal(json_integer_value(json_object_get(error, "index")), 1);
    assert_non_null(strstr(json_string_value(json_object_get(error, "message")), "at least"));
    assert_true(told > TRIAL_CONTEXT && (size_t)told < count);
    json_decref(answer);
    sprintf(body, "{\"input\":\"%s\"}", text);
    client_ask(&serve_server, "/api/embed", "", body, &reply);
    const char *field = strstr(reply.head, "X-Quern-Truncated: ");
    assert_true(reply.status == 200 && field != NULL);
    const unsigned long cut = strtoul(field + 19, NULL, 10);
    assert_true(cut > TRIAL_CONTEXT && cut < count);
    reply_free(&reply);
    free(text);
    free(body);
}

static void test_titles_may_be_long_too(void **state)
{
    (void)state;
    char *text = malloc(BYTES + 1), *body = malloc(BYTES + 200);
    quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_DOCUMENT, .flags = QUERN_TRUNCATE};
    make_text(0, text);
    options.title = (quern_text){text, strlen(text)};
    sprintf(body, "{\"inputs\":\"a\",\"title\":\"%s\",\"truncate\":true}", text);
    serve_check_raw("/embed", body, "a", &options);
    sprintf(body, "{\"inputs\":\"a\",\"title\":\"%s\",\"truncate\":\"start\"}", text);
    serve_expect("/embed", body, 200, "[[");
    sprintf(body, "{\"inputs\":\"a\",\"title\":\"%s\"}", text);
    serve_expect("/embed", body, 413, "at least");
    free(text);
    free(body);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vector_of_the_beginning_is_the_librarys),
        cmocka_unit_test(test_the_vector_of_the_end),
        cmocka_unit_test(test_all_tokens_and_back),
        cmocka_unit_test(test_a_text_among_ids),
        cmocka_unit_test(test_clients_that_leave),
        cmocka_unit_test(test_its_tokens_are_estimated),
        cmocka_unit_test(test_titles_may_be_long_too),
    };
    return serve_run(tests, argc, argv, no_options);
}
