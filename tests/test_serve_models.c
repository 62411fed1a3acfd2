/* A server of several models, from end to end. usage: test_serve_models QUERN */
#include "base/count.h"
#include "serve_trial.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Beside the default model, two of 2.4 MB and another width. Two of all three fit into 3 MB, but not these two. */
enum { WIDE = 256, OTHERS = 2 };
static const char *const names[OTHERS] = {"wide", "broad"};
static char paths[OTHERS][TRIAL_PATH], named[OTHERS][2 * TRIAL_PATH];
static quern_model *models[OTHERS];
static quern_context *contexts[OTHERS];

static int setup(void **state)
{
    for (int i = 0; i < OTHERS; i++) {
        struct quern_recipe recipe = quern_recipe_wide();
        recipe.seed = (uint64_t)i + 2;
        trial_make(paths[i], &recipe);
        snprintf(named[i], sizeof named[i], "%s=%.40s", names[i], paths[i]);
        models[i] = trial_open(paths[i], NULL);
        contexts[i] = trial_context(models[i], QUERN_PATH_FAST, 1, 0);
    }
    return serve_setup(state);
}

static int teardown(void **state)
{
    for (int i = 0; i < OTHERS; i++) {
        quern_context_free(contexts[i]);
        quern_model_close(models[i]);
        unlink(paths[i]);
    }
    return serve_teardown(state);
}

/* Starts a server of all three models, with more options. */
static void start(const char *const *more)
{
    const char *options[16] = {"-m", serve_path, "-m", named[0], "-m", named[1]};
    int count = 6;
    while (*more != NULL)
        options[count++] = *more++;
    options[count] = NULL;
    serve_switch(options);
}

/* Whether a reply has the vector of another model, bit for bit. */
static void check(const struct reply *reply, int i, const char *text, int task)
{
    float expected[WIDE];
    const quern_text given = {text, strlen(text)};
    const quern_embed_options options = {.size = sizeof options, .task = task};
    assert_int_equal(quern_embed(contexts[i], &given, 1, &options, expected, WIDE, NULL, NULL), QUERN_OK);
    if (reply->status != 200)
        fail_msg("%d %s", reply->status, reply->body != NULL ? reply->body : "");
    assert_int_equal(reply->length, sizeof expected);
    assert_memory_equal(reply->body, expected, sizeof expected);
}

/* Asks another model for the vector of a text. */
static void ask(int i, const char *where, const char *body, const char *text, int task)
{
    struct reply reply;
    client_ask(&serve_server, where, "Accept: application/octet-stream\r\n", body, &reply);
    check(&reply, i, text, task);
    reply_free(&reply);
}

/* How many models are in memory. */
static size_t count_loaded(void)
{
    json_t *answer = serve_ask("/api/ps", NULL, 200);
    const size_t count = json_array_size(json_object_get(answer, "models"));
    json_decref(answer);
    return count;
}

/* Waits until so many models are in memory. */
static void await_loaded(size_t count)
{
    static const struct timespec nap = {0, 5000000};
    for (int i = 0; count_loaded() != count; i++) {
        if (i == 4000)
            fail_msg("there are not %zu models in memory", count);
        nanosleep(&nap, NULL);
    }
}

/* A value of /metrics. */
static double measure(const char *name)
{
    struct reply reply;
    client_ask(&serve_server, "/metrics", "", NULL, &reply);
    const char *line = strstr(reply.body, name);
    if (line == NULL)
        fail_msg("/metrics has no %s", name);
    const double value = strtod(line + strlen(name), NULL);
    reply_free(&reply);
    return value;
}

static void test_a_request_chooses_its_model(void **state)
{
    (void)state;
    char body[128];
    const quern_embed_options plain = {.size = sizeof plain};
    start((const char *const[]){NULL});
    assert_int_equal(count_loaded(), 1);
    serve_check_raw("/v1/embeddings", "{\"input\":\"rain\"}", "rain", &plain);
    serve_check_raw("/v1/embeddings", "{\"model\":\"\",\"input\":\"rain\"}", "rain", &plain);
    assert_int_equal(count_loaded(), 1);
    ask(0, "/v1/embeddings", "{\"model\":\"wide\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
    ask(0, "/api/embed", "{\"model\":\"wide:latest\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
    ask(0, "/embed", "{\"model\":\"wide:query\",\"inputs\":\"rain\"}", "rain", QUERN_TASK_QUERY);
    assert_int_equal(count_loaded(), 2);
    ask(1, "/embed", "{\"parameters\":{\"model\":\"broad\"},\"inputs\":\"rain\"}", "rain", QUERN_TASK_NONE);
    ask(1, "/embedding", "{\"model\":\"broad\",\"content\":\"snow\"}", "snow", QUERN_TASK_NONE);
    assert_int_equal(count_loaded(), 3);
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"input\":\"snow\"}", serve_name);
    serve_check_raw("/v1/embeddings", body, "snow", &plain);
    serve_expect("/v1/embeddings", "{\"model\":\"wide\",\"input\":\"a\",\"dimensions\":2}", 200, "\"model\":\"wide\"");
    serve_expect("/v1/embeddings", "{\"model\":\"wide\",\"input\":\"a\",\"dimensions\":256}", 200, "\"embedding\":[");
    serve_expect("/v1/embeddings", "{\"input\":\"a\",\"dimensions\":256}", 400, "from 1 to 64");
    serve_expect("/tokenize", "{\"model\":\"broad\",\"content\":\"a\"}", 200, "{\"tokens\":[");

    snprintf(body, sizeof body, "there is %s, wide, broad", serve_name);
    serve_expect("/v1/embeddings", "{\"model\":\"secret\",\"input\":\"a\"}", 404, body);
    serve_expect("/v1/embeddings", "{\"model\":\"secret\",\"input\":\"a\"}", 404, "\"code\":\"model_not_found\"");
    serve_expect("/api/embed", "{\"model\":\"wide:9b\",\"input\":\"a\"}", 404, "model not found: there is no model");
    serve_expect("/embed", "{\"model\":\"secret\",\"inputs\":\"a\"}", 404, body);
    serve_expect("/v1/embeddings", "{\"model\":7,\"input\":\"a\"}", 400, "model must be a string");
    serve_expect("/v1/models/wide", NULL, 200, "{\"id\":\"wide\",");
    serve_expect("/v1/models/wide:query", NULL, 200, "{\"id\":\"wide:query\",");
    serve_expect("/v1/models/secret", NULL, 404, body);
    serve_switch(NULL);
}

static void test_lists(void **state)
{
    (void)state;
    char expected[128];
    start((const char *const[]){"--default-task", "document", NULL});
    json_t *answer = serve_ask("/api/tags", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "models")), 3);
    json_decref(answer);
    serve_expect("/api/tags", NULL, 200, "\"model\":\"broad:latest\"");
    serve_expect("/api/tags", NULL, 200, "\"digest\":\"0000000000000000\"");
    serve_expect("/v1/models", NULL, 200, "\"id\":\"wide\"");
    serve_expect("/v1/models", NULL, 200, "\"id\":\"broad:query\"");
    serve_expect("/api/show", "{\"name\":\"wide\"}", 200, "\"gemma-embedding.embedding_length\":256");
    serve_expect("/api/pull", "{\"model\":\"wide\",\"stream\":false}", 200, "success");
    serve_expect("/info", NULL, 200, "{\"name\":\"wide\",\"loaded\":false,\"dimensions\":256,");
    serve_expect("/info", NULL, 200, "\"dimensions\":64,\"space\":\"64n-");
    assert_int_equal(count_loaded(), 1); /* none of this loads a model */
    serve_expect("/api/embed", "{\"model\":\"wide\"}", 200, "{\"model\":\"wide\",\"embeddings\":[]}");
    assert_int_equal(count_loaded(), 2); /* this does */
    serve_expect("/info", NULL, 200, "{\"name\":\"wide\",\"loaded\":true,\"dimensions\":256,");
    serve_expect("/info", NULL, 200, "\"space\":\"256n-");
    serve_expect("/api/embed", "{\"model\":\"wide\",\"input\":[\"a\",\"b\"]}", 200, "\"embeddings\":[[");
    assert_true(measure("\nquern_model_loads_total{model=\"wide\"} ") == 1);
    assert_true(measure("\nquern_model_loaded{model=\"broad\"} ") == 0);
    assert_true(measure("\nquern_model_texts_total{model=\"wide\"} ") == 2);
    assert_true(measure("\nquern_model_bytes{model=\"wide\"} ") > 2e6);
    snprintf(expected, sizeof expected, "\nquern_model_texts_total{model=\"%s\"} ", serve_name);
    assert_true(measure(expected) == 0);
    serve_switch(NULL);
}

static void test_models_give_way(void **state)
{
    (void)state;
    const quern_embed_options plain = {.size = sizeof plain};
    start((const char *const[]){"--models-memory", "3M", NULL});
    ask(0, "/v1/embeddings", "{\"model\":\"wide\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
    assert_int_equal(count_loaded(), 2);
    ask(1, "/v1/embeddings", "{\"model\":\"broad\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
    assert_int_equal(count_loaded(), 1);
    serve_check_raw("/v1/embeddings", "{\"input\":\"rain\"}", "rain", &plain);
    assert_int_equal(count_loaded(), 2);
    assert_true(served_logs(&serve_server, "wide: freed"));
    serve_switch(NULL);
}

/* Clients of all models at once, two of which do not fit into memory together: each comes to its turn, and gets the
 * vectors of its model. */
static void test_models_take_turns(void **state)
{
    (void)state;
    enum { CLIENTS = 12, ROUNDS = 4 };
    int clients[CLIENTS];
    char body[128], text[32];
    start((const char *const[]){"--models-memory", "3M", NULL});
    for (int c = 0; c < CLIENTS; c++)
        clients[c] = client_connect(&serve_server);
    for (int r = 0; r < ROUNDS; r++) {
        for (int c = 0; c < CLIENTS; c++) {
            snprintf(body, sizeof body, "{\"model\":\"%s\",\"input\":\"text %d of %d\"}", names[(c + r) % OTHERS], r,
                     c);
            client_post(clients[c], "/v1/embeddings", "Accept: application/octet-stream\r\n", body);
        }
        for (int c = 0; c < CLIENTS; c++) {
            struct reply reply;
            snprintf(text, sizeof text, "text %d of %d", r, c);
            client_read(clients[c], &reply);
            check(&reply, (c + r) % OTHERS, text, QUERN_TASK_NONE);
            reply_free(&reply);
        }
    }
    assert_true(measure("\nquern_model_loads_total{model=\"wide\"} ") >= 2);
    assert_true(measure("\nquern_model_load_failures_total{model=\"wide\"} ") == 0);
    for (int c = 0; c < CLIENTS; c++)
        client_post(clients[c], "/v1/embeddings", "", c % OTHERS == 0 ? "{\"model\":\"wide\",\"input\":\"a\"}"
                                                                      : "{\"model\":\"broad\",\"input\":\"a\"}");
    serve_switch(NULL); /* what was accepted is answered before the end */
    for (int c = 0; c < CLIENTS; c++) {
        struct reply reply;
        client_read(clients[c], &reply);
        assert_int_equal(reply.status, 200);
        reply_free(&reply);
        close(clients[c]);
    }
}

/* Clients that leave while their model is loaded, and requests whose time ends before. */
static void test_waiting_ends(void **state)
{
    (void)state;
    struct reply reply;
    start((const char *const[]){"--models-memory", "3M", NULL});
    for (int i = 0; i < 20; i++) {
        const int client = client_connect(&serve_server);
        client_post(client, "/api/embed", "", i % 2 == 0 ? "{\"model\":\"wide\",\"input\":\"a\"}"
                                                         : "{\"model\":\"broad\",\"input\":\"a\"}");
        close(client);
    }
    for (int i = 0; i < OTHERS; i++) {
        const char *body = i == 0 ? "{\"model\":\"wide\",\"inputs\":\"a\"}" : "{\"model\":\"broad\",\"inputs\":\"a\"}";
        client_ask(&serve_server, "/embed", "X-Timeout-Ms: 1\r\n", body, &reply); /* perhaps it is loaded already */
        assert_true(reply.status == 200 || (reply.status == 503 && strstr(reply.body, "in the time given") != NULL));
        reply_free(&reply);
    }
    ask(0, "/v1/embeddings", "{\"model\":\"wide\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
    ask(1, "/v1/embeddings", "{\"model\":\"broad\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
    assert_int_equal(measure("\nquern_pending_requests "), 1); /* this one */
    serve_switch(NULL);
}

static void test_an_unused_model_is_given_back(void **state)
{
    (void)state;
    const quern_embed_options plain = {.size = sizeof plain};
    serve_switch((const char *const[]){"--unload-after", "0.05", "--cache", "1M", NULL});
    for (int i = 0; i < 3; i++) {
        await_loaded(0);
        serve_expect("/ready", NULL, 200, "ready");
        serve_expect("/props", NULL, 200, "\"is_sleeping\":true");
        serve_check_raw("/v1/embeddings", "{\"model\":\"any\",\"input\":\"rain\"}", "rain", &plain);
    }
    serve_expect("/info", NULL, 200, "\"space\":\"64n-");
    assert_true(measure("\nquern_cache_misses_total ") == 3); /* counters never go back */
    serve_switch(NULL);
}

static void test_keep_alive(void **state)
{
    (void)state;
    static const char *const good[] = {"\"5m\"", "\"1h30m\"", "\"1.5h\"", "300", "300.5", "3e2", "\"300\"", "-1",
                                       "-0.5", "1e300", "-1e300", "\"-1m\"", "null"};
    static const char *const bad[] = {"\"soon\"", "\"5x\"", "\"\"", "\"5m3\"", "true", "[]", "\"5 m\""};
    char body[96];
    start((const char *const[]){NULL});
    for (size_t i = 0; i < QUERN_COUNT(good); i++) {
        snprintf(body, sizeof body, "{\"model\":\"wide\",\"input\":\"a\",\"keep_alive\":%s}", good[i]);
        serve_expect("/api/embed", body, 200, "\"embeddings\":[[");
        const bool is_never = i >= 7;
        struct reply reply;
        client_ask(&serve_server, "/api/ps", "", NULL, &reply);
        const char *wide = strstr(reply.body, "\"name\":\"wide:latest\"");
        assert_non_null(wide);
        assert_int_equal(strstr(wide, "\"expires_at\":\"2999-12-31T23:59:59Z\"") != NULL, is_never);
        reply_free(&reply);
    }
    for (size_t i = 0; i < QUERN_COUNT(bad); i++) {
        snprintf(body, sizeof body, "{\"model\":\"wide\",\"prompt\":\"a\",\"keep_alive\":%s}", bad[i]);
        serve_expect("/api/embeddings", body, 400, "{\"error\":\"keep_alive must be");
    }
    serve_expect("/api/embed", "{\"model\":\"wide\",\"input\":\"a\",\"keep_alive\":0}", 200, "\"embeddings\":[[");
    await_loaded(1);
    serve_expect("/api/embed", "{\"model\":\"wide\",\"input\":\"a\",\"keep_alive\":\"20ms\"}", 200,
                 "\"embeddings\":[[");
    await_loaded(1);
    serve_expect("/api/embed", "{\"model\":\"wide\",\"input\":\"a\"}", 200, "\"embeddings\":[[");
    assert_int_equal(count_loaded(), 2);
    serve_expect("/api/generate", "{\"model\":\"wide\",\"keep_alive\":0}", 200, "\"done_reason\":\"unload\"");
    await_loaded(1);
    serve_expect("/api/generate", "{\"model\":\"wide\",\"keep_alive\":0,\"prompt\":\"x\"}", 400, "does not support");
    serve_switch(NULL);
    /* The one model stays. */
    serve_expect("/api/embed", "{\"input\":\"a\",\"keep_alive\":0}", 200, "\"embeddings\":[[");
    serve_expect("/api/embed", "{\"input\":\"a\"}", 200, "\"load_duration\":0,");
    assert_int_equal(count_loaded(), 1);
}

/* Of a folder, what cannot be served is left out: files that are no models, and names that are taken or are tasks. */
static void test_folder(void **state)
{
    (void)state;
    static const char *const files[] = {"fine.gguf", "late:query.gguf", "wide.gguf", "junk.gguf", "gone.gguf"};
    char folder[] = "/tmp/quern-models-XXXXXX", path[64], made[TRIAL_PATH];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < QUERN_COUNT(files); i++) {
        struct quern_recipe recipe = quern_recipe_wide();
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        if (i < 3) {
            trial_make(made, &recipe);
            assert_int_equal(rename(made, path), 0);
        } else {
            assert_int_equal(symlink(i == 3 ? "/dev/null" : "/nowhere", path), 0);
        }
    }
    start((const char *const[]){"--models", folder, NULL});
    json_t *answer = serve_ask("/api/tags", NULL, 200);
    const json_t *listed = json_object_get(answer, "models");
    assert_int_equal(json_array_size(listed), 1 + OTHERS + 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(listed, 1 + OTHERS), "name")), "fine:latest");
    json_decref(answer);
    ask(0, "/v1/embeddings", "{\"model\":\"wide\",\"input\":\"a\"}", "a", QUERN_TASK_NONE);
    serve_switch(NULL);
    for (size_t i = 0; i < QUERN_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* A model that cannot be loaded fails its own requests only, and is tried again. */
static void test_a_model_that_cannot_be_loaded(void **state)
{
    (void)state;
    static const char body[] = "{\"model\":\"wide\",\"input\":\"rain\"}";
    static const struct timespec nap = {0, 100000000};
    char away[TRIAL_PATH + 8];
    struct reply reply = {0};
    snprintf(away, sizeof away, "%s.away", paths[0]);
    start((const char *const[]){NULL});
    assert_int_equal(rename(paths[0], away), 0);
    for (int i = 0; i < 2; i++)
        serve_expect("/v1/embeddings", body, 503, "the model wide cannot be loaded: its file cannot be read");
    ask(1, "/v1/embeddings", "{\"model\":\"broad\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
    assert_true(measure("\nquern_model_load_failures_total{model=\"wide\"} ") == 1); /* the second was not tried */
    assert_true(served_logs(&serve_server, "wide cannot be loaded: cannot open /tmp/"));
    assert_int_equal(rename(away, paths[0]), 0);
    for (int i = 0; i < 200 && reply.status != 200; i++) {
        reply_free(&reply);
        nanosleep(&nap, NULL);
        client_ask(&serve_server, "/v1/embeddings", "Accept: application/octet-stream\r\n", body, &reply);
    }
    check(&reply, 0, "rain", QUERN_TASK_NONE);
    reply_free(&reply);
    serve_switch(NULL);

    start((const char *const[]){NULL}); /* another file under this name is another model than /info tells of */
    assert_int_equal(rename(paths[0], away), 0);
    assert_int_equal(symlink(paths[1], paths[0]), 0);
    serve_expect("/v1/embeddings", body, 503, "or is another one now");
    assert_int_equal(rename(away, paths[0]), 0);
    serve_switch(NULL);
}

/* Each model has a cache of its own, whose file keeps it while the model is not in memory. */
static void test_caches(void **state)
{
    (void)state;
    char file[TRIAL_PATH + 16], path[TRIAL_PATH + 64];
    snprintf(file, sizeof file, "%s.cache", serve_path);
    start((const char *const[]){"--cache", "1M", "--cache-file", file, "--models-memory", "3M", NULL});
    for (int i = 0; i < 2; i++) { /* each time the other one is freed */
        ask(0, "/v1/embeddings", "{\"model\":\"wide\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
        ask(1, "/v1/embeddings", "{\"model\":\"broad\",\"input\":\"rain\"}", "rain", QUERN_TASK_NONE);
    }
    assert_true(measure("\nquern_cache_misses_total ") == 2);
    assert_true(measure("\nquern_cache_hits_total ") == 2);
    serve_switch(NULL);
    for (int i = 0; i < OTHERS; i++) {
        snprintf(path, sizeof path, "%s.%s", file, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof path, "%s.%s", file, serve_name);
    assert_int_equal(unlink(path), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_chooses_its_model),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_models_give_way),
        cmocka_unit_test(test_models_take_turns),
        cmocka_unit_test(test_waiting_ends),
        cmocka_unit_test(test_an_unused_model_is_given_back),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_a_model_that_cannot_be_loaded),
        cmocka_unit_test(test_caches),
    };
    return serve_prepare(argc, argv, (const char *const[]){NULL}) ? cmocka_run_group_tests(tests, setup, teardown) : 2;
}
