/* quern serve from end to end, on a tiny model: what good clients get, and what bad ones get.
 * usage: test_serve QUERN */
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
#include <sys/socket.h>
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
        {"{\"model\":\"m\",\"input\":[[[[[[[[[[[[[[[[[[[[\"a\"]]]]]]]]]]]]]]]]]]]]}", 400, "nested"},
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

/* ---------------------------------------------------------------- HTTP */

#define BODY "{\"model\":\"m\",\"input\":\"a\"}"
#define START "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n"

static void test_http_as_it_should_not_be(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int status;
    } table[] = {
        {"\x16\x03\x01\x02\x00", 400},
        {"\n\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: localhost\n\n", 400},
        {"get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505},
        {"GET / HTTP/0.9\r\nHost: localhost\r\n\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"GET / HTTP/11\r\nHost: localhost\r\n\r\n", 400},
        {"GET / http/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET http:///health HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET http://me@localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET http://localhost/health HTTP/1.1\r\n\r\n", 400},
        {"GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 403},
        {"GET localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost, localhost\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nA b: c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\rc\r\n\r\n", 400},
        {"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
        {"GET /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {"BREW /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {START "\r\n", 411},
        {START "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
        {START "Content-Length: 3, 3\r\n\r\nabc", 400},
        {START "Content-Length : 3\r\n\r\nabc", 400},
        {START "Content-Length: +3\r\n\r\nabc", 400},
        {START "Content-Length: -3\r\n\r\nabc", 400},
        {START "Content-Length: 0x3\r\n\r\nabc", 400},
        {START "Content-Length: 99999999999999999999\r\n\r\n", 400},
        {START "Content-Length: 999999999999\r\n\r\n", 413},
        {START "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {START "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {START "Transfer-Encoding: xchunked\r\n\r\n", 501},
        {START "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {START "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
        {START "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400},
        {START "Transfer-Encoding: chunked\r\n\r\n3\nabc\n", 400},
        {START "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 400},
        {START "Expect: tea\r\nContent-Length: 3\r\n\r\nabc", 417},
        {START "Content-Type: multipart/form-data\r\nContent-Length: 3\r\n\r\nabc", 415},
        {"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
        {"GET /v1/models HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n", 403},
        {"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n", 403},
        {"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403},
        {"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:99\r\nOrigin: http://127.0.0.1:99\r\n\r\n", 200},
        {"GET /v1/models HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200},
        {"GET /v1/models?a=b HTTP/1.0\r\n\r\n", 200},
        {"HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200},
        {"\r\n\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
        {"GET http://localhost:9/health?a=b HTTP/1.1\r\nHost: other\r\n\r\n", 200},
        {"GET HTTPS://127.0.0.1/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
        {"GET http://localhost/health HTTP/1.0\r\n\r\n", 200},
        {"GET http://localhost?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
        {"GET /health HTTP/1.9\r\nHost: localhost\r\n\r\n", 200},
        {"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 204},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const int client = client_connect(&serve_server);
        struct reply reply;
        client_send(client, table[i].bytes, strlen(table[i].bytes));
        if (strncmp(table[i].bytes, "HEAD", 4) == 0 || table[i].status == 204)
            reply = (struct reply){.status = table[i].status}; /* read below: it has no body */
        else
            client_read(client, &reply);
        if (reply.status != table[i].status)
            fail_msg("%s: %d, not %d", table[i].bytes, reply.status, table[i].status);
        reply_free(&reply);
        close(client);
    }
}

static void test_a_head_that_does_not_end(void **state)
{
    (void)state;
    const int client = client_connect(&serve_server);
    struct reply reply;
    client_print(client, "GET / HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 300; i++)
        client_print(client, "X-%d: %0100d\r\n", i, 0);
    client_read(client, &reply);
    assert_int_equal(reply.status, 431);
    assert_non_null(strstr(reply.body, "16384 bytes and 100 fields"));
    reply_free(&reply);
    assert_true(client_is_closed(client));
    close(client);
}

/* A refusal of a head or a body names what is wrong, or the limit that was passed. */
static void test_limits_are_named(void **state)
{
    (void)state;
    static const char *const options[] = {"--max-body", "20", NULL};
    static const struct {
        const char *bytes, *says;
        int status;
    } table[] = {
        {"\x16\x03\x01\x02\x00", "it seems to be TLS", 400},
        {"get / HTTP/1.1\r\n\r\n", "a method in capital letters", 400},
        {"GET / HTTP/1.1\nHost: localhost\n\n", "ends with LF alone", 400},
        {"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1: CONNECT is for proxies", 400},
        {START "Transfer-Encoding: chunked\r\n\r\nz", "malformed: a size must be hexadecimal digits", 400},
        {"GET /%20000d", "more than 16384 bytes", 414},
        {START "Expect: tea\r\nContent-Length: 3\r\n\r\n", "only be 100-continue", 417},
        {START "Content-Length: 21\r\n\r\n", "has 21 bytes, a request may have 20", 413},
        {START "Transfer-Encoding: chunked\r\n\r\n32\r\n" BODY BODY, "more than the 20 bytes", 413},
        {START "Transfer-Encoding: gzip, chunked\r\n\r\n", "only be chunked", 501},
        {"GET / HTTP/3.0\r\n\r\n", "1.1 or 1.0", 505},
    };
    struct served other;
    assert_true(serve_start(&other, options));
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const int client = client_connect(&other);
        struct reply reply;
        if (strchr(table[i].bytes, '%') != NULL)
            client_print(client, "GET /%020000d", 0);
        else
            client_send(client, table[i].bytes, strlen(table[i].bytes));
        client_read(client, &reply);
        if (reply.status != table[i].status || strstr(reply.body, table[i].says) == NULL)
            fail_msg("%s: %d %s", table[i].bytes, reply.status, reply.body != NULL ? reply.body : "");
        reply_free(&reply);
        close(client);
    }
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

/* A client that closes its side after its requests may still read the answers. */
static void test_half_closed_clients(void **state)
{
    (void)state;
    int client = client_connect(&serve_server);
    struct reply reply;
    for (int i = 0; i < 2; i++)
        client_post(client, WHERE, "", BODY);
    shutdown(client, SHUT_WR);
    for (int i = 0; i < 2; i++) {
        client_read(client, &reply);
        assert_int_equal(reply.status, 200);
        assert_non_null(strstr(reply.body, "\"usage\""));
        reply_free(&reply);
    }
    assert_true(client_is_closed(client));
    close(client);

    client = client_connect(&serve_server);
    client_print(client, START "Content-Length: 100\r\n\r\nabc");
    shutdown(client, SHUT_WR);
    client_read(client, &reply);
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.body, "ended before the body"));
    reply_free(&reply);
    close(client);
}

/* An answer says whether, and how long, the connection stays open: also to a client of HTTP/1.0 that asks for it. */
static void test_connections_are_kept(void **state)
{
    (void)state;
    static const char kept[] = "Connection: keep-alive\r\nKeep-Alive: timeout=180\r\n";
    static const struct {
        const char *version, *fields;
        bool is_kept;
    } table[] = {{"1.1", "", true},
                 {"1.1", "Connection: keep-alive\r\nConnection: x, Close\r\n", false},
                 {"1.0", "", false},
                 {"1.0", "Connection: Keep-Alive\r\n", true},
                 {"1.0", "Connection: keep-alive, close\r\n", false}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const int client = client_connect(&serve_server);
        struct reply reply;
        for (int again = 0; again <= table[i].is_kept; again++) {
            client_print(client, "GET /health HTTP/%s\r\nHost: localhost\r\n%s\r\n\r\n", table[i].version,
                         table[i].fields);
            client_read(client, &reply);
            assert_int_equal(reply.status, 200);
            assert_non_null(strstr(reply.head, table[i].is_kept ? kept : "Connection: close\r\n"));
            reply_free(&reply);
        }
        if (!table[i].is_kept)
            assert_true(client_is_closed(client));
        close(client);
    }
}

static void test_one_connection_many_requests(void **state)
{
    (void)state;
    const int client = client_connect(&serve_server);
    struct reply reply;
    /* Pipelined requests; chunks of odd sizes, with an extension and a trailer; a refusal between them. */
    client_print(client, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" START "Content-Length: %zu\r\n\r\n" BODY,
                 strlen(BODY));
    client_print(client,
                 START "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n%.5s\r\n%zx\r\n%s\r\n0\r\nTrailer: t\r\n\r\n", BODY,
                 strlen(BODY) - 5, &BODY[5]);
    client_print(client,
                 "HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_read(client, &reply);
    assert_string_equal(reply.body, "{\"status\":\"ok\"}\n");
    reply_free(&reply);
    for (int i = 0; i < 2; i++) {
        client_read(client, &reply);
        assert_int_equal(reply.status, 200);
        assert_non_null(strstr(reply.body, "\"usage\""));
        reply_free(&reply);
    }
    char head[1024] = "";
    for (size_t i = 0; i + 1 < sizeof head && strstr(head, "\r\n\r\n") == NULL; i++)
        assert_int_equal(read(client, head + i, 1), 1);
    assert_non_null(strstr(head, "Content-Length: 16\r\n"));
    client_read(client, &reply);
    assert_int_equal(reply.status, 404);
    reply_free(&reply);

    client_print(client, START "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n", strlen(BODY));
    client_read(client, &reply);
    assert_int_equal(reply.status, 100);
    reply_free(&reply);
    client_print(client, BODY);
    client_read(client, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    close(client);
}

static void test_slow_clients(void **state)
{
    (void)state;
    static const char *const options[] = {"--read-timeout", "0.2", "--idle-timeout", "0.2", NULL};
    struct served other;
    struct reply reply;
    assert_true(serve_start(&other, options));
    const int idle = client_connect(&other), head = client_connect(&other), body = client_connect(&other);
    client_print(head, "GET /health HTTP/1.1\r\n");
    client_print(body, START "Content-Length: 100\r\n\r\nabc");
    client_read(head, &reply);
    assert_int_equal(reply.status, 408);
    reply_free(&reply);
    client_read(body, &reply);
    assert_int_equal(reply.status, 408);
    reply_free(&reply);
    assert_true(client_is_closed(idle) && client_is_closed(head) && client_is_closed(body));
    close(idle);
    close(head);
    close(body);
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

/* ---------------------------------------------------------------- limits */

static void test_what_is_too_much(void **state)
{
    (void)state;
    static const char *const never[] = {"--queue-bytes", "65536", "--max-body", "200000", NULL};
    static const char *const options[] = {"--queue-bytes", "65536", "--queue-tokens", "100", NULL};
    struct served other;
    struct reply reply;
    char *large = calloc(1, 60000);
    memset(large, ' ', 59999);
    assert_false(serve_start(&other, never));
    assert_true(served_logs(&other, "--max-body 200000 is more than --queue-bytes 65536"));
    assert_int_equal(served_end(&other, 0), 2);
    assert_true(serve_start(&other, options));
    const int slow = client_connect(&other); /* its body fills the memory in part */
    client_print(slow, START "Content-Length: 50000\r\n\r\n%.40000s", large);
    usleep(50000);
    client_ask(&other, WHERE, "", large, &reply);
    close(slow);
    assert_true(served_logs(&other, " warn the server has no memory left for requests"));
    assert_int_equal(reply.status, 429);
    assert_non_null(strstr(reply.head, "Retry-After: 1\r\n"));
    assert_non_null(strstr(reply.head, "X-Should-Retry: true\r\n"));
    assert_non_null(strstr(reply.body, "\"type\":\"tokens\""));
    assert_non_null(strstr(reply.body, "\"code\":\"rate_limit_exceeded\""));
    reply_free(&reply);
    client_ask(&other, WHERE, "", BODY, &reply); /* the memory was given back */
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_ask(&other, WHERE, "",
               "{\"model\":\"m:query\",\"input\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]}", &reply);
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.body, "send fewer"));
    reply_free(&reply);
    assert_int_equal(served_end(&other, SIGTERM), 0);
    free(large);
}

/* A request that could never be taken, however empty the server is, is not told to try again. */
static void test_what_can_never_fit(void **state)
{
    (void)state;
    static const char *const options[] = {"--queue-bytes", "65536", NULL};
    static char body[4096] = "{\"input\":[\"a\"";
    struct served other;
    struct reply reply;
    for (int i = 1; i < 400; i++)
        strcat(body, ",\"a\"");
    strcat(body, "]}");
    assert_true(serve_start(&other, options));
    client_ask(&other, WHERE, "", body, &reply);
    assert_int_equal(reply.status, 413);
    assert_null(strstr(reply.head, "Retry-After"));
    assert_non_null(strstr(reply.body, "--queue-bytes"));
    reply_free(&reply);
    client_ask(&other, WHERE, "", BODY, &reply); /* the memory was given back */
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

/* More clients than connections, each of which sends its request some time after it has connected. */
static void test_young_connections_stay(void **state)
{
    (void)state;
    enum { CLIENTS = 24 };
    static const char *const options[] = {"--max-connections", "2", NULL};
    struct served other;
    struct reply reply;
    int clients[CLIENTS];
    assert_true(serve_start(&other, options));
    for (int i = 0; i < CLIENTS; i++) { /* the system connects them; the server accepts two */
        clients[i] = client_connect(&other);
        usleep(1000);
    }
    for (int i = 0; i < CLIENTS; i++)
        client_post(clients[i], WHERE, "Connection: close\r\n", BODY);
    for (int i = 0; i < CLIENTS; i++) {
        client_read(clients[i], &reply);
        assert_int_equal(reply.status, 200);
        reply_free(&reply);
        close(clients[i]);
    }
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

static void test_connections_are_limited(void **state)
{
    (void)state;
    static const char *const options[] = {"--max-connections", "4", NULL};
    struct served other;
    struct reply reply;
    int clients[6];
    assert_true(serve_start(&other, options));
    for (int i = 0; i < 6; i++) /* idle connections are closed to make room */
        clients[i] = client_connect(&other);
    client_ask(&other, WHERE, "", BODY, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    for (int i = 0; i < 6; i++)
        close(clients[i]);
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

/* A request that takes some time to compute. */
static char *long_request(int texts)
{
    char *json = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&json, &length);
    fputs("{\"model\":\"m:query\",\"input\":[", file);
    for (int i = 0; i < texts; i++)
        fprintf(file, "%s\"some text that is computed, number %d\"", i > 0 ? "," : "", i);
    fputs("]}", file);
    fclose(file);
    return json;
}

static void test_deadlines(void **state)
{
    (void)state;
    struct reply reply;
    char *json = long_request(400);
    const int client = client_connect(&serve_server);
    client_post(client, WHERE, "X-Timeout-Ms: 1\r\n", json);
    client_read(client, &reply);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, "deadline_exceeded"));
    reply_free(&reply);
    client_post(client, WHERE, "X-Timeout-Ms: 20000\r\n", BODY); /* on the same connection */
    client_read(client, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_post(client, WHERE, "X-Timeout-Ms: soon\r\n", BODY);
    client_read(client, &reply);
    assert_int_equal(reply.status, 400);
    reply_free(&reply);
    close(client);
    free(json);
}

static void test_clients_that_leave(void **state)
{
    (void)state;
    static const char *const options[] = {"--threads", "1", "--queue-tokens", "10000000", NULL};
    struct served other;
    struct reply reply;
    char *json = long_request(2000);
    assert_true(serve_start(&other, options));
    for (int i = 0; i < 40; i++) { /* more than a second of work */
        const int client = client_connect(&other);
        client_post(client, WHERE, "X-Request-Id: left\r\n", json);
        close(client);
    }
    assert_true(served_logs(&other, " 499 "));
    client_ask(&other, WHERE, "", BODY, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    assert_int_equal(served_end(&other, SIGTERM), 0);
    free(json);
}

/* ---------------------------------------------------------------- operation */

static void test_keys(void **state)
{
    (void)state;
    char path[] = "/tmp/quern-keys-XXXXXX";
    const int file = mkstemp(path);
    const char *const options[] = {"--api-key-file", path, "--cors-origin", "https://a.example", NULL};
    struct served other;
    struct reply reply;
    dprintf(file, "# keys\n\nfirst\nsecond\n");
    assert_true(serve_start(&other, options));
    static const struct {
        const char *fields;
        int status;
    } table[] = {{"", 401}, {"Authorization: Bearer wrong\r\n", 401}, {"Authorization: Bearer firs\r\n", 401},
                 {"Authorization: Basic first\r\n", 401}, {"Authorization: Bearer \r\n", 401},
                 {"Authorization: Bearer first\r\n", 200}, {"X-Api-Key: second\r\n", 200}, {"Api-Key: first\r\n", 200}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        client_ask(&other, "/v1/embeddings", table[i].fields, BODY, &reply);
        assert_int_equal(reply.status, table[i].status);
        assert_true((strstr(reply.head, "WWW-Authenticate: Bearer\r\n") != NULL) == (table[i].status == 401));
        reply_free(&reply);
    }
    client_ask(&other, "/ready", "", NULL, &reply); /* probes need no key */
    assert_int_equal(reply.status, 200);
    reply_free(&reply);

    const int client = client_connect(&other);
    client_print(
        client,
        "OPTIONS /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, x-stainless-os\r\n\r\n");
    client_read(client, &reply);
    assert_int_equal(reply.status, 204);
    assert_non_null(strstr(reply.head, "Access-Control-Allow-Origin: https://a.example\r\n"));
    assert_non_null(strstr(reply.head, "Access-Control-Allow-Headers: authorization, x-stainless-os\r\n"));
    reply_free(&reply);
    close(client);

    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(pwrite(file, "third\n", 6, 0), 6);
    kill(other.pid, SIGHUP);
    assert_true(served_logs(&other, "read 1 API keys"));
    client_ask(&other, WHERE, "Authorization: Bearer third\r\n", BODY, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_ask(&other, WHERE, "Authorization: Bearer first\r\n", BODY, &reply);
    assert_int_equal(reply.status, 401);
    reply_free(&reply);
    assert_int_equal(served_end(&other, SIGTERM), 0);
    unlink(path);
    close(file);
}

static void test_other_addresses_need_a_key(void **state)
{
    (void)state;
    static const char *const open[] = {"--host", "0.0.0.0", NULL};
    static const char *const insecure[] = {"--host", "0.0.0.0", "--insecure", NULL};
    struct served other;
    assert_false(serve_start(&other, open));
    assert_true(served_logs(&other, "--insecure"));
    assert_int_equal(served_end(&other, 0), 1);
    assert_true(serve_start(&other, insecure));
    assert_int_equal(served_end(&other, SIGINT), 0);
}

static void test_unix_sockets(void **state)
{
    (void)state;
    char host[64];
    snprintf(host, sizeof host, "unix:%s.sock", serve_path);
    const char *const options[] = {"--host", host, NULL};
    struct served other;
    struct reply reply;
    for (int i = 0; i < 2; i++) { /* the second time there is a stale socket */
        assert_true(serve_start(&other, options));
        const int client = client_connect_unix(host + 5);
        client_post(client, WHERE, "", BODY);
        client_read(client, &reply);
        assert_int_equal(reply.status, 200);
        reply_free(&reply);
        close(client);
        assert_int_equal(served_end(&other, i == 0 ? SIGKILL : SIGTERM), i == 0 ? -1 : 0);
        assert_int_equal(access(host + 5, F_OK), i == 0 ? 0 : -1);
    }
}

/* When the server must end, it answers what it has accepted, refuses the rest, and exits with status 0. */
static void test_draining(void **state)
{
    (void)state;
    static const char *const options[] = {"--threads", "1", NULL};
    struct served other;
    struct reply reply;
    char *json = long_request(60);
    assert_true(serve_start(&other, options));
    int clients[4];
    const int late = client_connect(&other);
    client_print(late, START); /* not yet a whole request */
    for (int i = 0; i < 4; i++) {
        clients[i] = client_connect(&other);
        client_post(clients[i], WHERE, "Expect: 100-continue\r\n", json);
    }
    usleep(20000);
    kill(other.pid, SIGTERM);
    assert_true(served_logs(&other, "ending"));
    client_print(late, "Content-Length: %zu\r\n\r\n" BODY, strlen(BODY));
    client_read(late, &reply);
    assert_true(reply.status == 503 || reply.status == 0); /* the server may have ended by then */
    if (reply.status == 503)
        assert_non_null(strstr(reply.head, "Retry-After"));
    reply_free(&reply);
    for (int i = 0; i < 4; i++) {
        client_read(clients[i], &reply);
        if (reply.status == 100) {
            reply_free(&reply);
            client_read(clients[i], &reply);
        }
        assert_true(reply.status == 200 || reply.status == 503); /* 503: the request was not read before */
        reply_free(&reply);
        close(clients[i]);
    }
    close(late);
    assert_int_equal(served_end(&other, 0), 0);
    free(json);
}

static void test_logs_have_nothing_of_the_input(void **state)
{
    (void)state;
    static const char *const options[] = {"--log-format", "json", "--strict-model", "--model-name", "ours", NULL};
    static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct served other;
    struct reply reply;
    char fields[256];
    snprintf(fields, sizeof fields, "traceparent: %s\r\nX-Request-Id: sec\"ret\r\nUser-Agent: secret\r\n", trace);
    assert_true(serve_start(&other, options));
    client_ask(&other, "/v1/embeddings", fields, "{\"model\":\"ours:query\",\"input\":\"secret\",\"user\":\"secret\"}",
               &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_ask(&other, "/v1/embeddings", fields, "{\"model\":\"secret\",\"input\":\"secret\"}", &reply);
    assert_int_equal(reply.status, 404);
    assert_null(strstr(reply.body, "secret"));
    reply_free(&reply);
    client_ask(&other, "/secret", fields, NULL, &reply);
    assert_int_equal(reply.status, 404);
    assert_null(strstr(reply.body, "secret"));
    reply_free(&reply);
    assert_true(served_logs(&other, "\"path\":\"-\",\"status\":404"));
    assert_true(served_logs(&other, trace));
    char grep[128];
    snprintf(grep, sizeof grep, "! grep -q 'sec\"*ret' %s", other.log);
    assert_int_equal(system(grep), 0);
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

static void test_options_come_from_the_environment(void **state)
{
    (void)state;
    static const char *const none[] = {NULL}, *const plain[] = {"--log-format", "plain", NULL};
    struct served other;
    setenv("QUERN_LOG_FORMAT", "json", 1);
    setenv("QUERN_MODEL_NAME", "named", 1);
    assert_true(serve_start(&other, none));
    assert_true(served_logs(&other, "{\"time\":") && served_logs(&other, "model named"));
    assert_int_equal(served_end(&other, SIGTERM), 0);
    assert_true(serve_start(&other, plain)); /* the command line counts more */
    assert_true(served_logs(&other, " info ready on "));
    assert_int_equal(served_end(&other, SIGTERM), 0);
    unsetenv("QUERN_LOG_FORMAT");
    setenv("QUERN_PORT", "tcp://10.96.0.1:8080", 1); /* not read: the command line has --port */
    assert_true(serve_start(&other, none));
    assert_int_equal(served_end(&other, SIGTERM), 0);
    unsetenv("QUERN_PORT");
    setenv("QUERN_TIMEOUT", "many", 1);
    assert_false(serve_start(&other, none));
    assert_true(served_logs(&other, "$QUERN_TIMEOUT takes seconds from 0 to 86400, not 'many'"));
    assert_int_equal(served_end(&other, 0), 2);
    unsetenv("QUERN_TIMEOUT");
    unsetenv("QUERN_MODEL_NAME");
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
        cmocka_unit_test(test_http_as_it_should_not_be),
        cmocka_unit_test(test_a_head_that_does_not_end),
        cmocka_unit_test(test_limits_are_named),
        cmocka_unit_test(test_half_closed_clients),
        cmocka_unit_test(test_connections_are_kept),
        cmocka_unit_test(test_one_connection_many_requests),
        cmocka_unit_test(test_slow_clients),
        cmocka_unit_test(test_what_is_too_much),
        cmocka_unit_test(test_what_can_never_fit),
        cmocka_unit_test(test_young_connections_stay),
        cmocka_unit_test(test_connections_are_limited),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_clients_that_leave),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_other_addresses_need_a_key),
        cmocka_unit_test(test_unix_sockets),
        cmocka_unit_test(test_draining),
        cmocka_unit_test(test_logs_have_nothing_of_the_input),
        cmocka_unit_test(test_options_come_from_the_environment),
    };
    return serve_run(tests, argc, argv, no_options);
}
