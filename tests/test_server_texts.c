/* Who tokenises: the loop takes short texts, and leaves long ones to a thread. The tokens are the same. And what the
 * threads do when the file of a model is lost. */
#include "../server/requests/request_tokens.h"
#include "../server/steps/worker.h"
#include "trial.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG = 20000, SHORT = 1000 };

static quern_model *model;
static quern_context *context;
static const struct quern_server_options options = {
    .queue_bytes = 1 << 24, .queue_tokens = 1 << 20, .max_body = 1 << 20};
static struct quern_served served = {.info.size = sizeof served.info};
static struct quern_service service = {.options = &options, .models = &served, .model_count = 1};
static char text[LONG];

static int setup(void **state)
{
    (void)state;
    model = trial_model(8 /* Q8_0 */, true, NULL);
    context = trial_context(model, QUERN_PATH_FAST, 1, 1);
    served.model = model;
    served.tokenizer = context;
    for (size_t i = 0; i < LONG; i++)
        text[i] = "the red house, \xc3\xa9 "[i % 17];
    return quern_model_describe(model, &served.info, NULL);
}

static int teardown(void **state)
{
    (void)state;
    quern_context_free(context);
    quern_model_close(model);
    return 0;
}

/* A request with one text of so many bytes. */
static void ask(struct quern_request *request, size_t length)
{
    quern_request_init(request, &service, NULL);
    request->inputs = calloc(1, sizeof *request->inputs);
    request->inputs[0].text = (quern_text){text, length};
    request->input_count = request->input_capacity = 1;
    request->options.task = QUERN_TASK_NONE;
}

static void assert_tokens(const struct quern_request *request, size_t length)
{
    static int32_t ids[LONG + 2];
    size_t count;
    assert_int_equal(quern_tokenize(context, (quern_text){text, length}, NULL, ids, LONG + 2, &count, NULL), QUERN_OK);
    assert_int_equal(request->inputs[0].result.tokens, count);
    assert_memory_equal(request->ids, ids, count * sizeof ids[0]);
}

static void test_a_short_text_is_done_at_once(void **state)
{
    (void)state;
    struct quern_request request;
    ask(&request, SHORT);
    request.options.only_tokens = request.options.wants_places = true;
    assert_int_equal(quern_request_tokenize(&request, SIZE_MAX), 1);
    assert_tokens(&request, SHORT);
    assert_non_null(request.inputs[0].places);
    quern_request_free(&request);
}

/* Each step of a long text is done elsewhere: its tokens, and then their places. */
static void test_a_long_text_is_done_elsewhere(void **state)
{
    (void)state;
    struct quern_request request;
    bool has_tokens = false, has_places = false;
    int code;
    ask(&request, LONG);
    request.options.only_tokens = request.options.wants_places = true;
    while ((code = quern_request_tokenize(&request, SIZE_MAX)) == QUERN_TOKENS_AWAY) {
        has_tokens |= request.text_job.work == QUERN_TEXT_TOKENIZE;
        has_places |= request.text_job.work == QUERN_TEXT_PLACES;
        quern_text_job_run(&request.text_job, context);
    }
    assert_int_equal(code, 1);
    assert_true(has_tokens && has_places);
    assert_tokens(&request, LONG);
    assert_int_equal(request.inputs[0].places[request.inputs[0].result.tokens - 2].end, LONG);
    quern_request_free(&request);

    ask(&request, LONG); /* to be embedded */
    request.options.truncate = QUERN_TRUNCATE;
    assert_int_equal(quern_request_tokenize(&request, SIZE_MAX), QUERN_TOKENS_AWAY);
    assert_int_equal(request.text_job.work, QUERN_TEXT_PREPARE);
    quern_text_job_run(&request.text_job, context);
    assert_int_equal(quern_request_tokenize(&request, SIZE_MAX), 1);
    assert_int_equal(request.inputs[0].result.tokens, TRIAL_CONTEXT);
    quern_request_free(&request);
}

/* A text with more tokens than there was room for at first comes a second time. */
static void test_a_text_of_many_tokens(void **state)
{
    (void)state;
    struct quern_request request;
    int steps = 0;
    memset(text, '\x7f', LONG); /* each byte is a token */
    ask(&request, LONG);
    request.options.only_tokens = true;
    for (; quern_request_tokenize(&request, SIZE_MAX) == QUERN_TOKENS_AWAY; steps++)
        quern_text_job_run(&request.text_job, context);
    assert_int_equal(steps, 2);
    assert_int_equal(request.tokenized, 1);
    assert_tokens(&request, LONG);
    quern_request_free(&request);
}

static void test_the_thread_gives_all_jobs_back(void **state)
{
    (void)state;
    enum { JOBS = 50 };
    static int32_t ids[JOBS][SHORT];
    struct quern_text_job jobs[JOBS];
    struct quern_bell bell;
    struct quern_background worker = {.finished = &bell};
    int back = 0, undone = 0;
    assert_true(quern_bell_open(&bell));
    assert_int_equal(quern_background_start(&worker), QUERN_OK);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct quern_text_job){.work = QUERN_TEXT_TOKENIZE, .text = {text, 100 + (size_t)i}, .ids = ids[i],
                                          .capacity = SHORT, .options.size = sizeof jobs[i].options};
        quern_text_job_submit(&jobs[i], &worker, context, &jobs[i]);
    }
    assert_int_equal(poll(&(struct pollfd){.fd = bell.heard, .events = POLLIN}, 1, 20000), 1);
    for (struct quern_background_job *job = quern_background_collect(&worker); job != NULL; job = job->after, back++) {
        const struct quern_text_job *text_job = job->owner;
        assert_true(text_job->is_done && text_job->code == QUERN_OK);
    }
    assert_true(back > 0);
    quern_background_stop(&worker);
    for (struct quern_background_job *job = quern_background_collect(&worker); job != NULL; job = job->after, back++)
        undone += !((const struct quern_text_job *)job->owner)->is_done;
    assert_int_equal(back, JOBS);
    assert_true(undone < JOBS);
    assert_null(quern_background_collect(&worker));
    quern_background_stop(&worker); /* allowed */
    quern_bell_close(&bell);
}

/* ---------------------------------------------------------------- a file that is lost */

struct detokenising {
    struct quern_background_job background;
    const quern_model *model;
    int code;
};

/* Reads the text of a piece, which lies in the model's file. */
static void detokenise(struct quern_background_job *background)
{
    struct detokenising *job = background->owner;
    const int32_t id = 600;
    char out[64];
    size_t length;
    job->code = quern_detokenize(job->model, &id, 1, 0, out, sizeof out, &length, NULL);
}

static int detokenise_elsewhere(const quern_model *lost, const struct quern_bell *bell)
{
    struct quern_background thread = {.finished = bell};
    struct detokenising job = {.background = {.run = detokenise, .owner = &job}, .model = lost};
    assert_int_equal(quern_background_start(&thread), QUERN_OK);
    quern_background_submit(&thread, &job.background);
    assert_int_equal(poll(&(struct pollfd){.fd = bell->heard, .events = POLLIN}, 1, 20000), 1);
    quern_bell_quiet(bell);
    quern_background_stop(&thread);
    return job.code;
}

static int embed_elsewhere(quern_context *lost, const struct quern_bell *bell)
{
    const int32_t id = 600;
    struct quern_batcher batcher;
    struct quern_worker worker = {.batcher = &batcher, .finished = bell};
    struct quern_step_engine engine = {.embed = quern_worker_embed, .context = lost, .width = TRIAL_WIDTH};
    struct quern_job *job = quern_job_new(1, TRIAL_WIDTH);
    assert_non_null(job);
    assert_int_equal(quern_batcher_init(&batcher, 64, 64), QUERN_OK);
    assert_int_equal(quern_step_engine_reserve(&engine), QUERN_OK);
    assert_int_equal(quern_worker_start(&worker), QUERN_OK);
    job->engine = &engine;
    job->texts[0] = (quern_tokens){&id, 1};
    assert_true(quern_batcher_submit(&batcher, job));
    assert_int_equal(poll(&(struct pollfd){.fd = bell->heard, .events = POLLIN}, 1, 20000), 1);
    quern_bell_quiet(bell);
    quern_worker_stop(&worker);
    const int code = job->code;
    quern_job_free(job);
    quern_step_engine_release(&engine);
    quern_batcher_free(&batcher);
    return code;
}

/* A thread that blocked SIGBUS would end the process at the first byte that cannot be read. */
static void test_the_threads_outlive_a_lost_file(void **state)
{
    (void)state;
    char path[TRIAL_PATH];
    struct quern_bell bell;
    const struct quern_recipe recipe = trial_recipe(0 /* F32 */, true);
    trial_make(path, &recipe);
    quern_model *lost_model = trial_open(path, NULL);
    quern_context *lost = trial_context(lost_model, QUERN_PATH_EXACT, 1, 0);
    assert_true(quern_bell_open(&bell));
    trial_cut_off(path, 100);
    assert_int_equal(detokenise_elsewhere(lost_model, &bell), QUERN_EIO);
    assert_int_equal(embed_elsewhere(lost, &bell), QUERN_EIO);
    quern_bell_close(&bell);
    quern_context_free(lost);
    quern_model_close(lost_model);
    unlink(path);
}

int main(void)
{
    /* Apart from the others, and first: cmocka puts its own handler of SIGBUS in place before each test, and that of
     * the library lies over it only when no file was open before. */
    const struct CMUnitTest lost[] = {cmocka_unit_test(test_the_threads_outlive_a_lost_file)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_short_text_is_done_at_once),
        cmocka_unit_test(test_a_long_text_is_done_elsewhere),
        cmocka_unit_test(test_a_text_of_many_tokens),
        cmocka_unit_test(test_the_thread_gives_all_jobs_back),
    };
    return cmocka_run_group_tests(lost, NULL, NULL) + cmocka_run_group_tests(tests, setup, teardown);
}
