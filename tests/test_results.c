/* A call with texts that fail: the other texts are embedded, and results and error say which one failed and why. */
#include "base/count.h"
#include "formats/formats.h"
#include "trial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXTS = 30, LONG = 300 };

static quern_model *model;
static char too_long[LONG];

static int open_model(void **state)
{
    (void)state;
    model = trial_model(QUERN_TYPE_Q8_0, true, NULL);
    memset(too_long, '5', sizeof too_long);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    quern_model_close(model);
    return 0;
}

/* Good texts of many lengths, with bad ones between them. */
static void make_texts(quern_text texts[TEXTS], int codes[TEXTS])
{
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = (quern_text){too_long, i * 5};
        codes[i] = QUERN_OK;
        if (i % 7 == 3) {
            texts[i] = (quern_text){too_long, LONG};
            codes[i] = QUERN_ETOOLONG;
        } else if (i % 11 == 9) {
            texts[i] = (quern_text){NULL, 5};
            codes[i] = QUERN_EINVAL;
        }
    }
}

static void check_results(quern_context *context, size_t first)
{
    quern_text all[TEXTS];
    int all_codes[TEXTS];
    make_texts(all, all_codes);
    const quern_text *texts = all + first;
    const int *codes = all_codes + first;
    const size_t count = TEXTS - first;
    static float vectors[TEXTS][TRIAL_WIDTH];
    float alone[TRIAL_WIDTH];
    quern_result results[TEXTS];
    quern_error error;
    size_t bad = 0;
    while (codes[bad] == QUERN_OK)
        bad++;
    assert_int_equal(quern_embed(context, texts, count, NULL, vectors[0], TEXTS * TRIAL_WIDTH, results, &error),
                     codes[bad]);
    assert_int_equal(error.code, codes[bad]);
    assert_int_equal(error.index, bad);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(results[i].code, codes[i]);
        assert_int_equal(results[i].truncated, 0);
        assert_int_equal(results[i].tokens, codes[i] == QUERN_EINVAL ? 0 : texts[i].length + 2);
        assert_int_equal(results[i].at_least, 0);
        if (codes[i] != QUERN_OK)
            continue;
        assert_int_equal(quern_embed(context, &texts[i], 1, NULL, alone, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
        assert_memory_equal(alone, vectors[i], sizeof alone);
    }
    /* without results the call returns the same */
    assert_int_equal(quern_embed(context, texts, count, NULL, vectors[0], TEXTS * TRIAL_WIDTH, NULL, &error),
                     codes[bad]);
    assert_int_equal(error.index, bad);
}

/* Whatever the step: one text, some texts, all of them. */
static void test_bad_texts(void **state)
{
    (void)state;
    static const int steps[] = {TRIAL_CONTEXT, 700, 1 << 14};
    for (size_t i = 0; i < QUERN_COUNT(steps); i++) {
        quern_context *context = trial_context(model, QUERN_PATH_FAST, 2, steps[i]);
        for (size_t first = 0; first < 12; first += 3) /* bad ones are first, second and later */
            check_results(context, first);
        quern_context_free(context);
    }
}

static void test_bad_tokens(void **state)
{
    (void)state;
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    int32_t ids[LONG];
    trial_ids(ids, LONG);
    const int32_t outside[] = {2, 640, 1};
    const quern_tokens texts[] = {{ids, 5}, {outside, 3}, {ids, LONG}, {NULL, 1}, {ids, 0}, {ids, 7}};
    static const int codes[] = {QUERN_OK, QUERN_EINVAL, QUERN_ETOOLONG, QUERN_EINVAL, QUERN_EINVAL, QUERN_OK};
    float vectors[6][TRIAL_WIDTH], alone[TRIAL_WIDTH];
    quern_result results[6];
    quern_error error;
    assert_int_equal(quern_embed_tokens(context, texts, 6, NULL, vectors[0], 6 * TRIAL_WIDTH, results, &error),
                     QUERN_EINVAL);
    assert_int_equal(error.index, 1);
    assert_non_null(strstr(error.text, "token 640"));
    for (int i = 0; i < 6; i++)
        assert_int_equal(results[i].code, codes[i]);
    assert_int_equal(quern_embed_tokens(context, &texts[5], 1, NULL, alone, TRIAL_WIDTH, NULL, &error), QUERN_OK);
    assert_memory_equal(alone, vectors[5], sizeof alone);
    quern_context_free(context);
}

/* A failure that no text has caused is the result of every text. */
static void test_wrong_call(void **state)
{
    (void)state;
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    const quern_text texts[3] = {{"a", 1}, {"b", 1}, {"c", 1}};
    const quern_embed_options bad = {.size = sizeof bad, .dimensions = -1};
    float vectors[3 * TRIAL_WIDTH];
    quern_result results[3] = {{.tokens = 5}};
    quern_error error;
    assert_int_equal(quern_embed(context, texts, 3, &bad, vectors, QUERN_COUNT(vectors), results, &error),
                     QUERN_EINVAL);
    assert_int_equal(error.index, -1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(results[i].code, QUERN_EINVAL);
    assert_int_equal(quern_embed(context, texts, 3, NULL, vectors, 2 * TRIAL_WIDTH, results, &error), QUERN_ETOOLONG);
    assert_int_equal(error.index, -1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(results[i].code, QUERN_ETOOLONG);
    quern_context_free(context);
}

/* The file is lost in the middle of a call: texts of steps that were computed before keep their vectors. Here no step
 * was, so all texts fail but the one that failed on its own. */
static void test_lost_file(void **state)
{
    (void)state;
    char path[TRIAL_PATH];
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_F32, true);
    trial_make(path, &recipe);
    quern_model *made = trial_open(path, NULL);
    quern_context *context = trial_context(made, QUERN_PATH_EXACT, 1, 0);
    const int32_t good[] = {2, 600, 1}, outside[] = {2, -5, 1};
    const quern_tokens texts[3] = {{good, 3}, {outside, 3}, {good, 3}};
    float vectors[3 * TRIAL_WIDTH];
    quern_result results[3];
    quern_error error;
    trial_cut_off(path, 100);
    assert_int_equal(quern_embed_tokens(context, texts, 3, NULL, vectors, QUERN_COUNT(vectors), results,
                                        &error), QUERN_EIO);
    assert_int_equal(error.index, -1);
    assert_int_equal(results[0].code, QUERN_EIO);
    assert_int_equal(results[1].code, QUERN_EINVAL);
    assert_int_equal(results[2].code, QUERN_EIO);
    quern_context_free(context);
    quern_model_close(made);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_bad_tokens),
        cmocka_unit_test(test_wrong_call),
    };
    /* Apart from the others: cmocka puts its own handler of SIGBUS in place before each test, and one that lies over
     * the library's would get the fault. */
    const struct CMUnitTest lost[] = {cmocka_unit_test(test_lost_file)};
    return cmocka_run_group_tests(lost, NULL, NULL) + cmocka_run_group_tests(tests, open_model, close_model);
}
