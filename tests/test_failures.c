/* Over the whole life of a model, each request of the library to the system fails once. Each time there must be a clean
 * error, and nothing may be left behind. Embedding makes no requests. */
#include "allocations.h"
#include "formats/formats.h"
#include "trial.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[TRIAL_PATH];

static int make(void **state)
{
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q4_0, true);
    (void)state;
    trial_make(path, &recipe);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* Opens, embeds texts and closes. Threads are started for packing and for computing. */
static int live(int numeric_path, float *vectors, quern_error *error)
{
    static char longer[300];
    const quern_text texts[2] = {{"two words", 9}, {longer, sizeof longer}};
    const quern_model_options how_to_open = {.size = sizeof how_to_open, .threads = 2};
    const quern_context_options how_to_compute = {.size = sizeof how_to_compute, .threads = 3, .path = numeric_path};
    const quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY, .flags = QUERN_TRUNCATE};
    quern_model *model = NULL;
    quern_context *context = NULL;
    memset(longer, 'x', sizeof longer);
    int code = quern_model_open(&model, path, &how_to_open, error);
    if (code == QUERN_OK)
        code = quern_context_new(&context, model, &how_to_compute, error);
    if (code == QUERN_OK)
        code = quern_embed(context, texts, 2, &options, vectors, 2 * TRIAL_WIDTH, NULL, error);
    quern_context_free(context);
    quern_model_close(model);
    return code;
}

static int next_descriptor(void)
{
    const int file = dup(0);
    close(file);
    return file;
}

/* Refuses the request number *failed of *requests, for every number. Returns how many refusals made the life fail. */
static int fail_each(size_t *requests, size_t *failed, int numeric_path)
{
    float vectors[2][TRIAL_WIDTH], expected[2][TRIAL_WIDTH];
    const int descriptor = next_descriptor();
    int failures = 0;
    *requests = 0;
    assert_int_equal(live(numeric_path, expected[0], NULL), QUERN_OK);
    const size_t total = *requests, held = quern_memory_held;
    assert_true(total > 0);
    for (size_t i = 1; i <= total; i++) {
        quern_error error = {0};
        *requests = 0;
        *failed = i;
        const int code = live(numeric_path, vectors[0], &error);
        *failed = 0;
        assert_int_equal(quern_memory_held, held);
        assert_int_equal(next_descriptor(), descriptor);
        if (code == QUERN_OK) { /* the library could go on without it */
            assert_memory_equal(vectors, expected, sizeof vectors);
            continue;
        }
        failures++;
        if ((code != QUERN_ENOMEM && code != QUERN_EIO) || error.code != code || error.text[0] == '\0')
            fail_msg("request %zu of %zu: code %d, \"%s\"", i, total, code, error.text);
    }
    print_message("%d of %zu requests that are refused make the call fail\n", failures, total);
    return failures;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int numeric_path = 0; numeric_path < 2; numeric_path++)
        assert_true(fail_each(&quern_allocations, &quern_allocation_failed, numeric_path) >= 15);
}

/* At least: opening, measuring and mapping the file, one thread that packs, two that compute. */
static void test_out_of_files_and_threads(void **state)
{
    (void)state;
    assert_true(fail_each(&quern_system_calls, &quern_system_call_failed, QUERN_PATH_FAST) >= 6);
}

static void test_fewer_threads_advised(void **state)
{
    (void)state;
    quern_error error;
    quern_context *context = NULL;
    quern_model *model = trial_open(path, NULL);
    const quern_context_options options = {.size = sizeof options, .threads = 3};
    quern_system_calls = 0;
    quern_system_call_failed = 2;
    assert_int_equal(quern_context_new(&context, model, &options, &error), QUERN_ENOMEM);
    quern_system_call_failed = 0;
    assert_non_null(strstr(error.text, "fewer threads"));
    assert_null(context);
    quern_model_close(model);
}

/* Not even the first call on ids allocates; on texts, only one that is longer than any before. */
static void test_embedding_allocates_nothing(void **state)
{
    (void)state;
    static const char first[] = "some words to embed", second[] = "others of that size";
    quern_model *model = trial_open(path, NULL);
    for (int numeric_path = 0; numeric_path < 2; numeric_path++) {
        float vectors[2][TRIAL_WIDTH];
        int32_t ids[TRIAL_CONTEXT];
        const quern_tokens tokens[2] = {{ids, TRIAL_CONTEXT}, {ids, 5}};
        const quern_text text = {first, sizeof first - 1}, other = {second, sizeof second - 1}, part = {first, 4};
        quern_context *context = trial_context(model, numeric_path, 2, 0);
        trial_ids(ids, TRIAL_CONTEXT);

        size_t before = quern_allocations;
        assert_int_equal(quern_embed_tokens(context, tokens, 2, NULL, vectors[0], 2 * TRIAL_WIDTH, NULL, NULL),
                         QUERN_OK);
        assert_int_equal(quern_allocations, before);
        assert_int_equal(quern_embed(context, &text, 1, NULL, vectors[0], TRIAL_WIDTH, NULL, NULL), QUERN_OK);
        before = quern_allocations;
        assert_int_equal(quern_embed(context, &text, 1, NULL, vectors[0], TRIAL_WIDTH, NULL, NULL), QUERN_OK);
        assert_int_equal(quern_embed(context, &other, 1, NULL, vectors[0], TRIAL_WIDTH, NULL, NULL), QUERN_OK);
        assert_int_equal(quern_embed(context, &part, 1, NULL, vectors[0], TRIAL_WIDTH, NULL, NULL), QUERN_OK);
        assert_int_equal(quern_allocations, before);
        quern_context_free(context);
    }
    quern_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_out_of_files_and_threads),
        cmocka_unit_test(test_fewer_threads_advised),
        cmocka_unit_test(test_embedding_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, make, remove_file);
}
