#include "serve_trial.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct served serve_server;
quern_model *serve_model;
quern_context *serve_context;
char serve_path[TRIAL_PATH], serve_name[TRIAL_PATH];
static const char *command;
static const char *const *options;

bool serve_prepare(int argc, char **argv, const char *const *given)
{
    command = argc == 2 ? argv[1] : NULL;
    options = given;
    return command != NULL;
}

bool serve_start(struct served *server, const char *const *given)
{
    return served_start(server, command, serve_path, given);
}

int serve_setup(void **state)
{
    (void)state;
    const struct quern_recipe recipe = trial_recipe(8 /* Q8_0 */, true);
    trial_make(serve_path, &recipe);
    strcpy(serve_name, strrchr(serve_path, '/') + 1);
    serve_model = trial_open(serve_path, NULL);
    serve_context = trial_context(serve_model, QUERN_PATH_FAST, 1, 0);
    return serve_start(&serve_server, options) ? 0 : -1;
}

int serve_teardown(void **state)
{
    (void)state;
    const int code = served_end(&serve_server, SIGTERM);
    quern_context_free(serve_context);
    quern_model_close(serve_model);
    unlink(serve_path);
    return code;
}

void serve_switch(const char *const *given)
{
    static struct served usual;
    if (given != NULL) {
        usual = serve_server;
        assert_true(serve_start(&serve_server, given));
    } else {
        assert_int_equal(served_end(&serve_server, SIGTERM), 0);
        serve_server = usual;
    }
}

json_t *serve_ask(const char *where, const char *body, int status)
{
    struct reply reply;
    client_ask(&serve_server, where, "", body, &reply);
    json_t *json = reply.body != NULL ? json_loads(reply.body, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    if (reply.status != status || json == NULL || strstr(reply.head, "Content-Type: application/json\r\n") == NULL)
        fail_msg("%s %s: %d %s", where, body != NULL ? body : "", reply.status, reply.body != NULL ? reply.body : "");
    reply_free(&reply);
    return json;
}

void serve_expect(const char *where, const char *body, int status, const char *text)
{
    struct reply reply;
    client_ask(&serve_server, where, "", body, &reply);
    if (reply.status != status || reply.body == NULL || strstr(reply.body, text) == NULL)
        fail_msg("%s %s: %d %s, not %d %s", where, body != NULL ? body : "", reply.status,
                 reply.body != NULL ? reply.body : "", status, text);
    reply_free(&reply);
}

int serve_embed(const char *text, const quern_embed_options *how, float vector[TRIAL_WIDTH])
{
    const quern_text given = {text, strlen(text)};
    quern_error error;
    if (quern_embed(serve_context, &given, 1, how, vector, TRIAL_WIDTH, NULL, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    return how->dimensions > 0 ? how->dimensions : TRIAL_WIDTH;
}

void serve_check(const json_t *vector, const char *text, const quern_embed_options *how)
{
    float expected[TRIAL_WIDTH];
    const int dimensions = serve_embed(text, how, expected);
    assert_int_equal(json_array_size(vector), dimensions);
    for (int i = 0; i < dimensions; i++)
        assert_true((float)json_number_value(json_array_get(vector, (size_t)i)) == expected[i]);
}

void serve_check_raw(const char *where, const char *body, const char *text, const quern_embed_options *how)
{
    float expected[TRIAL_WIDTH];
    const size_t dimensions = (size_t)serve_embed(text, how, expected);
    struct reply reply;
    client_ask(&serve_server, where, "Accept: application/octet-stream\r\n", body, &reply);
    if (reply.status != 200)
        fail_msg("%s %.200s: %d %.500s", where, body, reply.status, reply.body != NULL ? reply.body : "");
    assert_int_equal(reply.length, dimensions * sizeof(float));
    assert_memory_equal(reply.body, expected, reply.length);
    reply_free(&reply);
}
