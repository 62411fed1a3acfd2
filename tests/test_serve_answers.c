/* quern serve from end to end, on a tiny model: what clients get for what they ask.
 * usage: test_serve_answers QUERN */
#include "serve_trial.h"

#include "base/count.h"
#include "quern.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WHERE "/v1/embeddings"

static const char *const no_options[] = {"--allow-token-ids", "--read-timeout", "10", NULL};

/* ---------------------------------------------------------------- vectors */

static void test_vectors_are_the_librarys_bit_for_bit(void **state)
{
    (void)state;
    quern_embed_options options = {.size = sizeof options};
    serve_check_raw(WHERE, "{\"model\":\"m\",\"input\":\"a red apple\"}", "a red apple", &options);
    options.dimensions = 24;
    serve_check_raw(WHERE, "{\"model\":\"m\",\"input\":\"a red apple\",\"dimensions\":24}", "a red apple", &options);
    options.flags = QUERN_NO_NORMALIZE;
    serve_check_raw(WHERE, "{\"model\":\"m\",\"input\":\"a red apple\",\"dimensions\":24,\"normalize\":false}",
                    "a red apple", &options);
    options = (quern_embed_options){.size = sizeof options, .task = QUERN_TASK_QUERY};
    serve_check_raw(WHERE, "{\"model\":\"m:query\",\"input\":[\"a red apple\"]}", "a red apple", &options);
    serve_check_raw(WHERE, "{\"model\":\"m:document\",\"input\":\"a red apple\",\"task\":\"query\"}",
                    "a red apple", &options);
    options.task = QUERN_TASK_DOCUMENT;
    options.title = (quern_text){"fruit", 5};
    serve_check_raw(WHERE, "{\"model\":\"m\",\"input\":\"a red apple\",\"title\":\"fruit\"}", "a red apple", &options);
    serve_check_raw(WHERE, "{\"model\":\"m\",\"input\":[\"a red apple\"],\"title\":[\"fruit\"]}", "a red apple",
                    &options);
    options = (quern_embed_options){.size = sizeof options};
    serve_check_raw(WHERE, "{\"model\":\"m\",\"input\":\"\\u00e9\\ud83d\\ude00\"}",
                    "\xc3\xa9\xf0\x9f\x98\x80", &options);
}

static void test_long_texts_are_cut_as_in_the_library(void **state)
{
    (void)state;
    char text[3000], json[4000];
    quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY, .flags = QUERN_TRUNCATE};
    struct reply reply;
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = "abcde fgh"[i % 9];
    text[sizeof text - 1] = '\0';
    snprintf(json, sizeof json, "{\"model\":\"m:query\",\"truncate\":true,\"input\":\"%s\"}", text);
    serve_check_raw(WHERE, json, text, &options);
    snprintf(json, sizeof json, "{\"model\":\"m:query\",\"input\":[\"a\",\"%s\"]}", text);
    client_ask(&serve_server, WHERE, "", json, &reply);
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.body, "\"code\":\"context_length_exceeded\",\"index\":1,\"tokens\":"));
    assert_non_null(strstr(reply.body, "\"limit\":256"));
    assert_null(strstr(reply.body, "abcde"));
    reply_free(&reply);
}

static void test_token_ids_are_embedded_as_they_are(void **state)
{
    (void)state;
    const int32_t ids[] = {2, 300, 400, 1};
    const quern_tokens text = {ids, 4};
    float expected[2][TRIAL_WIDTH];
    struct reply reply;
    assert_int_equal(quern_embed_tokens(serve_context, &text, 1, NULL, expected[0], TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    memcpy(expected[1], expected[0], sizeof expected[0]);
    client_ask(&serve_server, WHERE, "Accept: application/octet-stream\r\n",
               "{\"model\":\"m\",\"input\":[[2,300,400,1],[2,300,400,1]]}", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.length, sizeof expected);
    assert_memory_equal(reply.body, expected, sizeof expected);
    reply_free(&reply);
}

/* Texts may stand among ids, as llama-server takes them: they are tokenised, the first one with what opens a text. */
static void test_texts_among_token_ids(void **state)
{
    (void)state;
    int32_t ids[64] = {2, 300}, opened[64];
    size_t count, opened_count;
    float expected[2][TRIAL_WIDTH];
    struct reply reply;
    const quern_text rain = {"rain", 4};
    const quern_embed_options bare = {.size = sizeof bare, .flags = QUERN_NO_SPECIAL};
    assert_int_equal(quern_tokenize(serve_context, rain, &bare, ids + 2, 60, &count, NULL), QUERN_OK);
    ids[count + 2] = 1;
    assert_int_equal(quern_tokenize(serve_context, rain, NULL, opened, 60, &opened_count, NULL), QUERN_OK);
    opened[opened_count] = 400;
    const quern_tokens texts[] = {{ids, count + 3}, {opened, opened_count + 1}};
    assert_int_equal(quern_embed_tokens(serve_context, texts, 2, NULL, expected[0], 2 * TRIAL_WIDTH, NULL, NULL),
                     QUERN_OK);
    client_ask(&serve_server, WHERE, "Accept: application/octet-stream\r\n",
               "{\"input\":[[2,300,\"rain\",1],[\"rain\",400]]}", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.length, sizeof expected);
    assert_memory_equal(reply.body, expected, sizeof expected);
    reply_free(&reply);
    client_ask(&serve_server, "/embedding", "Accept: application/octet-stream\r\n",
               "{\"content\":[\"rain\",400]}", &reply);
    assert_int_equal(reply.length, sizeof expected[1]);
    assert_memory_equal(reply.body, expected[1], sizeof expected[1]);
    reply_free(&reply);
    serve_expect(WHERE, "{\"input\":[[2,true]]}", 400, "must contain only token ids");
    serve_expect(WHERE, "{\"input\":[[2],[\"a\",\"b\"]]}", 400, "item 1 of input is a list, but it must be a string");
    serve_expect("/embed", "{\"inputs\":[[\"a\"]]}", 422, "item 0 of inputs is a list, but it must be a string");
    serve_expect(WHERE, "{\"input\":{\"prompt_string\":\"a\",\"multimodal_data\":[\"b\"]}}", 400, "must be a string");
    serve_expect(WHERE, "{\"input\":{\"prompt_string\":7}}", 400,
                 "prompt_string in item 0 of input is a number");
    const quern_embed_options plain = {.size = sizeof plain};
    serve_check_raw(WHERE, "{\"input\":{\"prompt_string\":\"rain\"}}", "rain", &plain);
}

/* The largest allowed number of inputs, of many lengths, is answered in order; one input more is refused. */
static void test_many_inputs(void **state)
{
    (void)state;
    enum { MOST = 2048 };
    char *json = NULL;
    size_t length = 0;
    float *expected = malloc(MOST * sizeof(float[TRIAL_WIDTH]));
    quern_embed_options options = {.size = sizeof options};
    for (int extra = 0; extra < 2; extra++) {
        struct reply reply;
        FILE *file = open_memstream(&json, &length);
        fputs("{\"model\":\"m\",\"input\":[", file);
        for (int i = 0; i < MOST + extra; i++)
            fprintf(file, "%s\"%.*s %d\"", i > 0 ? "," : "", i % 12, "a long text of forty letters and some more", i);
        fputs("]}", file);
        fclose(file);
        client_ask(&serve_server, WHERE, "Accept: application/octet-stream\r\n", json, &reply);
        free(json);
        if (extra == 1) {
            assert_int_equal(reply.status, 400);
        } else {
            assert_int_equal(reply.status, 200);
            assert_int_equal(reply.length, MOST * sizeof(float[TRIAL_WIDTH]));
            for (int i = 0; i < MOST; i++) {
                char text[64];
                snprintf(text, sizeof text, "%.*s %d", i % 12, "a long text of forty letters and some more", i);
                serve_embed(text, &options, expected + i * TRIAL_WIDTH);
            }
            assert_memory_equal(reply.body, expected, reply.length);
        }
        reply_free(&reply);
    }
    free(expected);
}

/* ---------------------------------------------------------------- answers */

static int letter_value(char letter)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(letters, letter);
    return at != NULL ? (int)(at - letters) : 0;
}

static void test_answers_have_openais_shape(void **state)
{
    (void)state;
    float expected[TRIAL_WIDTH], got[TRIAL_WIDTH];
    quern_embed_options options = {.size = sizeof options};
    struct reply reply;
    serve_embed("apple", &options, expected);

    client_ask(&serve_server, WHERE, "", "{\"model\":\"any name\",\"input\":\"apple\",\"user\":\"me\"}", &reply);
    const char start[] = "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[";
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.head, "Content-Type: application/json\r\n"));
    assert_memory_equal(reply.body, start, strlen(start));
    char *at = reply.body + strlen(start);
    for (int i = 0; i < TRIAL_WIDTH; i++, at++)
        got[i] = strtof(at, &at);
    assert_memory_equal(got, expected, sizeof expected);
    assert_non_null(strstr(reply.body, "],\"model\":\"any name\",\"usage\":{\"prompt_tokens\":"));
    reply_free(&reply);

    client_ask(&serve_server, WHERE, "", "{\"model\":\"m\",\"input\":\"apple\",\"encoding_format\":\"base64\"}",
               &reply);
    assert_memory_equal(reply.body, start, strlen(start) - 1);
    at = reply.body + strlen(start) - 1;
    assert_int_equal(*at++, '"');
    unsigned char *bytes = (unsigned char *)got;
    for (size_t i = 0; i < sizeof got; i++, bytes++) { /* three bytes from four letters */
        const char *four = at + i / 3 * 4;
        const unsigned bits = (unsigned)(letter_value(four[0]) << 18 | letter_value(four[1]) << 12 |
                                         letter_value(four[2]) << 6 | letter_value(four[3]));
        *bytes = (unsigned char)(bits >> (16 - 8 * (i % 3)));
    }
    assert_memory_equal(got, expected, sizeof expected);
    reply_free(&reply);
}

static void test_spaces_tokens_and_cuts_are_told(void **state)
{
    (void)state;
    char space[QUERN_SPACE_SIZE], line[QUERN_SPACE_SIZE + 20];
    quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY, .dimensions = 16};
    struct reply reply;
    quern_space(serve_model, &options, space, NULL);
    snprintf(line, sizeof line, "X-Quern-Space: %s\r\n", space);
    client_ask(&serve_server, WHERE, "X-Request-Id: my-id.7\r\n",
               "{\"model\":\"m:query\",\"input\":\"apple\",\"dimensions\":16}", &reply);
    assert_non_null(strstr(reply.head, line));
    assert_non_null(strstr(reply.head, "X-Request-Id: my-id.7\r\n"));
    assert_non_null(strstr(reply.head, "X-Quern-Truncated: 0\r\n"));
    assert_non_null(strstr(reply.head, "X-Quern-Task: query\r\n"));
    reply_free(&reply);
    client_ask(&serve_server, WHERE, "", "{\"input\":\"apple\",\"dimensions\":0}", &reply);
    assert_non_null(strstr(reply.head, "X-Quern-Task: none\r\n"));
    reply_free(&reply);
}

/* Each word that a service has for a task, under each field, on each path. */
static void test_words_for_tasks(void **state)
{
    (void)state;
    static const struct {
        const char *field, *word;
        quern_task task;
    } table[] = {{"input_type", "search_query", QUERN_TASK_QUERY},
                 {"input_type", "search_document", QUERN_TASK_DOCUMENT},
                 {"input_type", "classification", QUERN_TASK_CLASSIFICATION},
                 {"input_type", "clustering", QUERN_TASK_CLUSTERING},
                 {"input_type", "query", QUERN_TASK_QUERY},
                 {"input_type", "passage", QUERN_TASK_DOCUMENT},
                 {"prompt_name", "document", QUERN_TASK_DOCUMENT},
                 {"prompt_name", "Retrieval-query", QUERN_TASK_QUERY},
                 {"prompt_name", "STS", QUERN_TASK_SIMILARITY},
                 {"prompt_name", "InstructionRetrieval", QUERN_TASK_CODE},
                 {"task", "retrieval.query", QUERN_TASK_QUERY},
                 {"task", "retrieval.passage", QUERN_TASK_DOCUMENT},
                 {"task", "text-matching", QUERN_TASK_SIMILARITY},
                 {"task", "separation", QUERN_TASK_CLUSTERING},
                 {"task", "question-answering", QUERN_TASK_QUESTION_ANSWERING},
                 {"task_type", "RETRIEVAL_QUERY", QUERN_TASK_QUERY},
                 {"task_type", "SEMANTIC_SIMILARITY", QUERN_TASK_SIMILARITY},
                 {"taskType", "RETRIEVAL_DOCUMENT", QUERN_TASK_DOCUMENT},
                 {"taskType", "QUESTION_ANSWERING", QUERN_TASK_QUESTION_ANSWERING},
                 {"taskType", "FACT_VERIFICATION", QUERN_TASK_FACT_CHECKING},
                 {"taskType", "CODE_RETRIEVAL_QUERY", QUERN_TASK_CODE},
                 {"inputType", "passage", QUERN_TASK_DOCUMENT},
                 {"promptName", "query", QUERN_TASK_QUERY},
                 {"prompt_type", "query", QUERN_TASK_QUERY}};
    static const char *const paths[] = {WHERE, "/embeddings", "/embedding", "/embed", "/", "/api/embed",
                                        "/api/embeddings"};
    char body[160];
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const quern_embed_options options = {.size = sizeof options, .task = table[i].task};
        snprintf(body, sizeof body, "{\"model\":\"m:query\",\"input\":\"rain\",\"%s\":\"%s\"}", table[i].field,
                 table[i].word);
        for (size_t j = 0; j < QUERN_COUNT(paths); j++)
            serve_check_raw(paths[j], body, "rain", &options);
    }
    for (size_t j = 0; j < QUERN_COUNT(paths); j++) {
        const int status = strcmp(paths[j], "/") == 0 || strcmp(paths[j], "/embed") == 0 ? 422 : 400;
        serve_expect(paths[j], "{\"input\":\"a\",\"input_type\":\"nonsense\"}", status,
                     "input_type names no task: the tasks are none, query, document");
        serve_expect(paths[j], "{\"input\":\"a\",\"prompt_name\":7}", status, "prompt_name names no task");
        serve_expect(paths[j], "{\"input\":\"a\",\"task\":\"query\",\"input_type\":\"document\"}", status,
                     "task and input_type name different tasks");
        serve_expect(paths[j], "{\"input\":\"a\",\"task\":\"query\",\"input_type\":\"search_query\"}", 200, "[");
    }
}

/* A word behind the model's name that is nearly a task must not be taken for a tag: the prompt would be missing. */
static void test_misspelt_tasks_in_names(void **state)
{
    (void)state;
    static const char *const wrong[] = {"any:querry", "any:querry:latest", "any:latest:querry", "m:serach_query"},
                     *const right[] = {"m:v1.5", "m:300m-qat-q4_0", "m:q8_0", "m:latest", "org/m:free", "querry"};
    static const char *const paths[] = {WHERE, "/embedding", "/embed", "/api/embed"};
    char body[160];
    for (size_t j = 0; j < QUERN_COUNT(paths); j++) {
        for (size_t i = 0; i < QUERN_COUNT(wrong); i++) {
            snprintf(body, sizeof body, "{\"model\":\"%s\",\"input\":\"a\"}", wrong[i]);
            serve_expect(paths[j], body, strcmp(paths[j], "/embed") == 0 ? 422 : 400, "(did you mean ':query'?)");
        }
        for (size_t i = 0; i < QUERN_COUNT(right); i++) {
            snprintf(body, sizeof body, "{\"model\":\"%s\",\"input\":\"a\"}", right[i]);
            serve_expect(paths[j], body, 200, "[");
        }
    }
}

/* Every way that clients write a path leads to the route that is meant, with OpenAI's shape for OpenAI's bodies. */
static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body, *says;
    } table[] = {{"/embeddings", "{\"model\":\"m\",\"input\":\"a\"}", "{\"object\":\"list\",\"data\":[{"},
                 {"/embeddings", "{\"input\":\"a\",\"encoding_format\":\"base64\"}", "\"embedding\":\""},
                 {"/embeddings", "{\"input\":\"a\",\"user\":\"u\"}", "{\"object\":\"list\",\"data\":[{"},
                 {"/embeddings", "{\"input\":\"a\",\"dimensions\":64.0}", "{\"object\":\"list\",\"data\":[{"},
                 {"/embeddings", "{\"input\":\"a\"}", "[{\"index\":0,\"embedding\":[["},
                 {"/embeddings", "{\"content\":\"a\",\"model\":\"m\"}", "[{\"index\":0,\"embedding\":[["},
                 {"/embeddings", "{\"input\":\"a\",\"embd_normalize\":2,\"model\":\"m\"}", "[{\"index\":0,"},
                 {"/v1/embeddings/", "{\"input\":\"a\"}", "{\"object\":\"list\""},
                 {"/v1//embeddings", "{\"input\":\"a\"}", "{\"object\":\"list\""},
                 {"/v1/v1/embeddings", "{\"input\":\"a\"}", "{\"object\":\"list\""},
                 {"/api/v1/embeddings", "{\"input\":\"a\"}", "{\"object\":\"list\""},
                 {"/openai/v1/embeddings", "{\"input\":\"a\"}", "{\"object\":\"list\""},
                 {"/openai/deployments/m/embeddings?api-version=1", "{\"input\":\"a\"}", "{\"object\":\"list\""},
                 {"/./v1/../v1/embeddings", "{\"input\":\"a\"}", "{\"object\":\"list\""},
                 {"//api/embed", "{\"input\":\"a\"}", "\"embeddings\":[["},
                 {"/v1/api/embed", "{\"input\":\"a\"}", "\"embeddings\":[["},
                 {"/models", NULL, "{\"object\":\"list\",\"data\":[{"},
                 {"/v1/models/", NULL, "{\"object\":\"list\",\"data\":[{"},
                 {"/page//app.js", NULL, "import "},
                 {"/v1/models?limit=1", NULL, "{\"object\":\"list\""}};
    char path[128];
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        serve_expect(table[i].path, table[i].body, 200, table[i].says);
    snprintf(path, sizeof path, "/models/%s%%3Aquery", serve_name);
    serve_expect(path, NULL, 200, ":query\",\"object\":\"model\"");
}

/* What only OpenAI documents is understood on every path. */
static void test_encoding_format_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *path, *begins;
    } table[] = {{"/v1/embeddings", "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,"
                                    "\"embedding\":\""},
                 {"/embedding", "[{\"index\":0,\"embedding\":[\""},
                 {"/embed", "[\""},
                 {"/api/embed", "{\"model\":\"m\",\"embeddings\":[\""},
                 {"/api/embeddings", "{\"embedding\":\""}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        serve_expect(table[i].path, "{\"model\":\"m\",\"input\":\"a\",\"encoding_format\":\"base64\"}", 200,
                     table[i].begins);
        serve_expect(table[i].path, "{\"model\":\"m\",\"input\":\"a\",\"encoding_format\":\"hex\"}",
                     strcmp(table[i].path, "/embed") == 0 ? 422 : 400, "encoding_format must be float or base64");
    }
}

/* A field of another dialect that is null is named, too. */
static void test_null_inputs(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body, *says;
        int status;
    } table[] = {{WHERE, "{\"input\":null}", "input is null, but it must be a string", 400},
                 {WHERE, "{\"inputs\":null}", "inputs is null, but it must be a string", 400},
                 {WHERE, "{\"text\":null,\"input\":null}", "input is null, but it must be a string", 400},
                 {WHERE, "{}", "the field input is missing", 400},
                 {"/embed", "{\"input\":null}", "input is null, but it must be a string", 422},
                 {"/embedding", "{\"input\":null}", "input is null, but it must be a string", 400},
                 {"/tokenize", "{\"text\":null}", "text is null, but it must be a string", 400},
                 {"/api/embed", "{\"inputs\":null}", "\"embeddings\":[]", 200}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        serve_expect(table[i].path, table[i].body, table[i].status, table[i].says);
}

/* When the model's file is lost, a path that two dialects share is answered in the form of the one that asks. */
static void test_a_lost_model_in_each_dialect(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body, *begins;
    } table[] = {{"/tokenize", "{\"content\":\"a\"}", "{\"error\":{\"code\":503,"},
                 {"/tokenize", "{\"inputs\":\"a\"}", "{\"error\":\""},
                 {"/embeddings", "{\"content\":\"a\"}", "{\"error\":{\"code\":503,"},
                 {"/embeddings", "{\"input\":\"a\",\"model\":\"m\"}", "{\"error\":{\"message\":"},
                 {"/api/embed", "{\"input\":\"a\"}", "{\"error\":\""}};
    char copy[TRIAL_PATH + 8], command[2 * TRIAL_PATH + 32];
    snprintf(copy, sizeof copy, "%s.lost", serve_path);
    snprintf(command, sizeof command, "cp '%s' '%s'", serve_path, copy);
    assert_int_equal(system(command), 0);
    const char *const options[] = {"-m", copy, NULL};
    struct served other;
    struct reply reply;
    assert_true(serve_start(&other, options));
    assert_int_equal(truncate(copy, 4096), 0);
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        client_ask(&other, table[i].path, "", table[i].body, &reply);
        assert_int_equal(reply.status, 503);
        if (strncmp(reply.body, table[i].begins, strlen(table[i].begins)) != 0)
            fail_msg("%s: %s", table[i].path, reply.body);
        reply_free(&reply);
    }
    served_end(&other, SIGTERM);
    unlink(copy);
}

static void test_accept_is_weighed(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *type;
    } table[] = {{"Accept: application/octet-stream;q=0.1, application/json\r\n", "application/json"},
                 {"Accept: application/json;q=0.1, application/octet-stream\r\n", "application/octet-stream"},
                 {"Accept: application/json\r\nAccept: application/x-npy;q=0.9\r\n", "application/json"},
                 {"Accept: application/json;q=0\r\nAccept: application/x-npy;q=0.9\r\n", "application/x-npy"},
                 {"", "application/json"}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        char line[80];
        struct reply reply;
        client_ask(&serve_server, WHERE, table[i].fields, "{\"input\":\"a\"}", &reply);
        snprintf(line, sizeof line, "\r\nContent-Type: %s\r\n", table[i].type);
        if (strstr(reply.head, line) == NULL)
            fail_msg("%s: %s", table[i].fields, reply.head);
        reply_free(&reply);
    }
}

static void test_number_formats(void **state)
{
    (void)state;
    float vector[TRIAL_WIDTH];
    quern_embed_options options = {.size = sizeof options};
    struct reply reply;
    serve_embed("apple", &options, vector);
    client_ask(&serve_server, WHERE, "Accept: application/octet-stream\r\n",
               "{\"model\":\"m\",\"input\":\"apple\",\"output_dtype\":\"int8\"}", &reply);
    assert_int_equal(reply.length, TRIAL_WIDTH);
    for (int i = 0; i < TRIAL_WIDTH; i++)
        assert_true(((signed char)reply.body[i] - 127 * vector[i]) < 0.51 &&
                    ((signed char)reply.body[i] - 127 * vector[i]) > -0.51);
    reply_free(&reply);
    client_ask(&serve_server, WHERE, "Accept: application/x-npy\r\n",
               "{\"model\":\"m\",\"input\":[\"apple\",\"apple\"],\"output_dtype\":\"binary\"}", &reply);
    assert_int_equal(reply.length, 128 + 2 * TRIAL_WIDTH / 8);
    assert_non_null(strstr(reply.body + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 8), }"));
    for (int i = 0; i < 2 * TRIAL_WIDTH; i++)
        assert_int_equal((unsigned char)reply.body[128 + i / 8] >> (7 - i % 8) & 1, vector[i % TRIAL_WIDTH] > 0);
    reply_free(&reply);
}

static void test_models(void **state)
{
    (void)state;
    struct reply reply;
    const char *name = serve_name;
    char path[128];
    client_ask(&serve_server, "/v1/models", "", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "\"object\":\"model\",\"created\":"));
    assert_non_null(strstr(reply.body, ":document\""));
    reply_free(&reply);
    snprintf(path, sizeof path, "/v1/models/%s:query", name);
    client_ask(&serve_server, path, "", NULL, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_ask(&serve_server, "/v1/models/gpt", "", NULL, &reply);
    assert_int_equal(reply.status, 404);
    assert_non_null(strstr(reply.body, "\"code\":\"model_not_found\""));
    reply_free(&reply);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *says;
    } table[] = {
        {"", 400, "missing request body"},
        {"{", 400, "not JSON"},
        {"[]", 400, "the body is JSON, but it is a list: send an object"},
        {"null", 400, "the body is JSON, but it is null: send an object"},
        {" -7 ", 400, "the body is JSON, but it is a number: send an object"},
        {"true", 400, "the body is JSON, but it is true or false: send an object"},
        {"\"a\"", 400, "the body is JSON, but it is a string: send an object"},
        {"{\"model\":\"m\",\"input\":[\"a\" \"b\"]}", 400,
         "not JSON: a comma is missing before this, or a quote before it was not written as \\u005c\\u0022 "
         "(line 1, column 27, in item 0 of input)"},
        {"{\"model\":\"m\"}", 400, "\"param\":\"input\",\"code\":null"},
        {"{\"model\":7,\"input\":\"a\"}", 400, "\"param\":\"model\""},
        {"{\"model\":\"m\",\"input\":\"\"}", 400, "empty"},
        {"{\"model\":\"m\",\"input\":[]}", 400, "\"param\":\"input\""},
        {"{\"model\":\"m\",\"input\":[\"a\",null]}", 400, "item 1"},
        {"{\"model\":\"m\",\"input\":[\"a\",\"\"]}", 400, "input 1 must not be an empty"},
        {"{\"model\":\"m\",\"input\":{}}", 400, "\"param\":\"input\""},
        {"{\"model\":\"m\",\"input\":[1,-1]}", 400, "must contain only token ids"},
        {"{\"model\":\"m\",\"input\":[[1],[1,99999999]]}", 400, "but item 1 of it is another one"},
        {"{\"model\":\"m\",\"input\":[1,null]}", 400, "but item 1 of it is null"},
        {"{\"model\":\"m\",\"input\":[[]]}", 400, "empty"},
        {"{\"model\":\"m\",\"input\":[5.5]}", 400, "item 0 of input is a number, but no token id"},
        {"{\"model\":\"m\",\"input\":[5.0,\"a\",1e2]}", 400, "but item 2 of it is a number"},
        {"{\"model\":\"m\",\"input\":\"a\",\"dimensions\":-1}", 400, "\"code\":\"unsupported_value\""},
        {"{\"model\":\"m\",\"input\":\"a\",\"dimensions\":65}", 400, "1 to 64"},
        {"{\"model\":\"m\",\"input\":\"a\",\"dimensions\":8.5}", 400, "integer"},
        {"{\"model\":\"m\",\"input\":\"a\",\"encoding_format\":\"hex\"}", 400, "float or base64"},
        {"{\"model\":\"m\",\"input\":\"a\",\"task\":\"poetry\"}", 400, "task names no task"},
        {"{\"model\":\"m\",\"input\":\"a\",\"task\":\"query\",\"title\":\"t\"}", 400, "only the task document"},
        {"{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"title\":[\"t\"]}", 400, "1 titles for 2"},
        {"{\"model\":\"m\",\"input\":\"a\",\"truncate\":\"middle\"}", 400, "truncate"},
        {"{\"model\":\"m\",\"input\":\"a\",\"normalize\":1}", 400, "normalize"},
        {"{\"model\":\"m\",\"input\":\"a\",\"output_dtype\":\"f64\"}", 400, "output_dtype"},
        {"{\"model\":\"m\",\"input\":\"a\",\"output_dtype\":\"binary\",\"dimensions\":9}", 400, "multiple of 8"},
        {"{\"model\":\"m\",\"input\":"
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 400, "nested"},
        {"{\"model\":\"m\",\"input\":\"\xff\"}", 400, "UTF-8"},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        struct reply reply;
        client_ask(&serve_server, WHERE, "", table[i].body, &reply);
        if (reply.status != table[i].status || strstr(reply.body, table[i].says) == NULL)
            fail_msg("%s: %d %s", table[i].body, reply.status, reply.body != NULL ? reply.body : "");
        assert_non_null(strstr(reply.body, "{\"error\":{\"message\":\""));
        assert_non_null(strstr(reply.body, "\"type\":\"invalid_request_error\",\"param\":"));
        assert_non_null(strstr(reply.head, "X-Should-Retry: false\r\n"));
        reply_free(&reply);
    }
}

/* ---------------------------------------------------------------- */

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_are_the_librarys_bit_for_bit),
        cmocka_unit_test(test_long_texts_are_cut_as_in_the_library),
        cmocka_unit_test(test_token_ids_are_embedded_as_they_are),
        cmocka_unit_test(test_texts_among_token_ids),
        cmocka_unit_test(test_many_inputs),
        cmocka_unit_test(test_answers_have_openais_shape),
        cmocka_unit_test(test_spaces_tokens_and_cuts_are_told),
        cmocka_unit_test(test_words_for_tasks),
        cmocka_unit_test(test_misspelt_tasks_in_names),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_encoding_format_everywhere),
        cmocka_unit_test(test_null_inputs),
        cmocka_unit_test(test_a_lost_model_in_each_dialect),
        cmocka_unit_test(test_accept_is_weighed),
        cmocka_unit_test(test_number_formats),
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_refusals),
    };
    return serve_run(tests, argc, argv, no_options);
}
