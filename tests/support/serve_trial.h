/* What tests of the server's dialects share: a server with a tiny model, and the library with the same model to compare
 * with. A failure fails the test that runs. */
#ifndef QUERN_TESTS_SERVE_TRIAL_H
#define QUERN_TESTS_SERVE_TRIAL_H

#include "http_client.h"
#include "trial.h"

#include <jansson.h>

extern struct served serve_server;
extern quern_model *serve_model;
extern quern_context *serve_context;
extern char serve_path[TRIAL_PATH], serve_name[TRIAL_PATH]; /* of the model */

/* Runs tests with a server; the arguments are those of main: QUERN. OPTIONS as in served_start. */
#define serve_run(tests, argc, argv, options)                                                                          \
    (serve_prepare(argc, argv, options) ? cmocka_run_group_tests(tests, serve_setup, serve_teardown) : 2)
bool serve_prepare(int argc, char **argv, const char *const *options);
int serve_setup(void **state);
int serve_teardown(void **state);

/* Starts one more server with the same model. False: it did not become ready. The caller calls served_end in both
 * cases. */
bool serve_start(struct served *server, const char *const *options);

/* From now on, requests go to another server, with these options. NULL: they go to the usual server again, after the
 * other one has ended well. */
void serve_switch(const char *const *options);

/* Sends a request, and checks status and content type. Returns the answer's JSON, which the caller decrefs. body NULL:
 * GET. */
json_t *serve_ask(const char *path, const char *body, int status);

/* Sends a request, and checks its status and that the answer contains a text. */
void serve_expect(const char *path, const char *body, int status, const char *text);

/* The library's vector of a text; its length. */
int serve_embed(const char *text, const quern_embed_options *options, float vector[TRIAL_WIDTH]);

/* Whether an array of numbers is the library's vector of a text, bit for bit. */
void serve_check(const json_t *vector, const char *text, const quern_embed_options *options);

/* The same for raw bytes: of one text, which the body embeds. */
void serve_check_raw(const char *path, const char *body, const char *text, const quern_embed_options *options);

#endif
