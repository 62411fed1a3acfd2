/* Models of the architecture gemma-embedding2: vectors against figures that were computed apart from this library, and
 * what the faults that such an engine may have would give. */
#include "base/count.h"
#include "golden/gemma2.h"
#include "trial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DIMENSIONS = GOLDEN_GEMMA2_DIMENSIONS };

/* 1 - cosine on the exact path: float32 gives 2e-11. */
static const double most_exact = 1e-10;

static quern_model *open_model(const struct quern_recipe *recipe, const char *kernels)
{
    char path[TRIAL_PATH];
    trial_make(path, recipe);
    quern_model *model = trial_open(path, kernels);
    unlink(path);
    return model;
}

static quern_model *open_type(uint32_t type, const char *kernels)
{
    struct quern_recipe recipe = quern_recipe_gemma2();
    recipe.type = type;
    return open_model(&recipe, kernels);
}

static void embed(quern_model *model, int path, int tokens, int dimensions, float *vector)
{
    int32_t ids[TRIAL_CONTEXT];
    const quern_tokens text = {ids, (size_t)tokens};
    const quern_embed_options options = {
        .size = sizeof options, .flags = QUERN_NO_NORMALIZE, .dimensions = dimensions};
    quern_context *context = trial_context(model, path, 2, 0);
    trial_ids(ids, tokens);
    assert_int_equal(quern_embed_tokens(context, &text, 1, &options, vector, (size_t)dimensions, NULL, NULL), QUERN_OK);
    quern_context_free(context);
}

/* 1 - cosine, from the difference of unit vectors: |a - b|^2 / 2. */
static double distance(const float *v, const int32_t *golden)
{
    double a = 0, b = 0, squares = 0;
    for (int i = 0; i < DIMENSIONS; i++) {
        a += (double)v[i] * v[i];
        b += (double)golden[i] * golden[i];
    }
    for (int i = 0; i < DIMENSIONS; i++) {
        const double d = v[i] / sqrt(a) - golden[i] / sqrt(b);
        squares += d * d;
    }
    return squares / 2;
}

/* Against all vectors of one type of weights, on every table. most_tiles: the bound for tables whose fast products also
 * round float weights, to bfloat16. */
static void check_vectors(uint32_t type, int path, double most, double most_tiles)
{
    const char *kernels;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++) {
        quern_model *model = open_type(type, kernels);
        const double bound = strcmp(kernels, "amx") == 0 ? most_tiles : most;
        for (size_t i = 0; i < QUERN_COUNT(golden_gemma2_vectors); i++) {
            const struct golden_gemma2 *g = &golden_gemma2_vectors[i];
            float v[DIMENSIONS];
            if (g->type != type)
                continue;
            embed(model, path, g->tokens, DIMENSIONS, v);
            if (!(distance(v, g->vector) <= bound))
                fail_msg("%s, path %d, type %u, %d tokens: 1 - cos %.3g", kernels, path, type, g->tokens,
                         distance(v, g->vector));
            const double length = sqrt(quern_dot(v, v, DIMENSIONS));
            assert_true(fabs(length / g->length - 1) < (bound <= most_exact ? 5e-6 : 0.1));
        }
        quern_model_close(model);
    }
}

static void test_exact_vectors(void **state)
{
    (void)state;
    static const uint32_t types[] = {QUERN_TYPE_F32, QUERN_TYPE_Q8_0, QUERN_TYPE_Q4_0, QUERN_TYPE_BF16};
    for (size_t i = 0; i < QUERN_COUNT(types); i++)
        check_vectors(types[i], QUERN_PATH_EXACT, most_exact, most_exact);
}

/* With random weights errors grow from layer to layer, so the bounds are wide. */
static void test_fast_vectors(void **state)
{
    (void)state;
    check_vectors(QUERN_TYPE_F32, QUERN_PATH_FAST, 1e-6, 5e-3);
    check_vectors(QUERN_TYPE_BF16, QUERN_PATH_FAST, 1e-6, 5e-3);
    check_vectors(QUERN_TYPE_Q8_0, QUERN_PATH_FAST, 2e-2, 2e-2);
    check_vectors(QUERN_TYPE_Q4_0, QUERN_PATH_FAST, 3e-2, 3e-2);
}

/* Every fault is farther from our vector than the exact path may be: the tests above would find it. */
static void test_faults(void **state)
{
    (void)state;
    float v[DIMENSIONS];
    quern_model *model = open_type(QUERN_TYPE_F32, NULL);
    embed(model, QUERN_PATH_EXACT, 40, DIMENSIONS, v);
    quern_model_close(model);
    for (size_t i = 0; i < QUERN_COUNT(golden_gemma2_faults); i++)
        if (!(distance(v, golden_gemma2_faults[i].vector) > 100 * most_exact))
            fail_msg("the vectors do not show that %s: 1 - cos %.3g", golden_gemma2_faults[i].name,
                     distance(v, golden_gemma2_faults[i].vector));
}

/* The name of the space depends on the file only: not on what a table rounds for its fast path. */
static void test_spaces(void **state)
{
    (void)state;
    char first[QUERN_SPACE_SIZE] = "", space[QUERN_SPACE_SIZE];
    const char *kernels;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++) {
        quern_model *model = open_type(QUERN_TYPE_Q8_0, kernels);
        assert_int_equal(quern_space(model, NULL, space, NULL), QUERN_OK);
        quern_model_close(model);
        if (k == 0)
            strcpy(first, space);
        assert_string_equal(space, first);
    }
    assert_string_equal(first, "96n-de154f037a301c7a-none");
}

/* Fewer dimensions are the leading ones, in every bit. */
static void test_dimensions(void **state)
{
    (void)state;
    float all[DIMENSIONS], some[DIMENSIONS];
    quern_model *model = open_type(QUERN_TYPE_Q8_0, NULL);
    for (int path = 0; path < 2; path++) {
        embed(model, path, 40, DIMENSIONS, all);
        for (int n = 1; n < DIMENSIONS; n += 30) {
            embed(model, path, 40, n, some);
            assert_memory_equal(all, some, (size_t)n * sizeof *all);
        }
    }
    quern_model_close(model);
}

/* A text's vector depends neither on the other texts of its step nor on the threads. */
static void test_texts_together(void **state)
{
    (void)state;
    enum { TEXTS = 6 };
    static const size_t lengths[TEXTS] = {3, 64, 1, 9, 33, 20};
    int32_t ids[TEXTS][TRIAL_CONTEXT];
    quern_tokens texts[TEXTS];
    float together[TEXTS][DIMENSIONS], alone[DIMENSIONS];
    const char *kernels;
    for (int i = 0; i < TEXTS; i++) {
        trial_ids(ids[i], (int)lengths[i]);
        texts[i] = (quern_tokens){ids[i], lengths[i]};
    }
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++) {
        quern_model *model = open_type(QUERN_TYPE_Q8_0, kernels);
        for (int path = 0; path < 2; path++) {
            quern_context *several = trial_context(model, path, 3, 0), *one = trial_context(model, path, 1, 0);
            assert_int_equal(quern_embed_tokens(several, texts, TEXTS, NULL, together[0], TEXTS * DIMENSIONS, NULL,
                                                NULL), QUERN_OK);
            for (int i = 0; i < TEXTS; i++) {
                assert_int_equal(quern_embed_tokens(one, &texts[i], 1, NULL, alone, DIMENSIONS, NULL, NULL), QUERN_OK);
                assert_memory_equal(together[i], alone, sizeof alone);
            }
            quern_context_free(several);
            quern_context_free(one);
        }
        quern_model_close(model);
    }
}

static void test_description(void **state)
{
    (void)state;
    const struct quern_recipe recipe = quern_recipe_gemma2();
    quern_model *model = open_model(&recipe, NULL);
    quern_model_info info = {.size = sizeof info};
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_string_equal(info.architecture, "gemma-embedding2");
    assert_null(info.notice);
    assert_int_equal(info.dimensions, DIMENSIONS);
    assert_int_equal(info.has_head, 1);
    assert_int_equal(info.head_hidden_dimensions, 0);
    assert_int_equal(info.context_length, recipe.context);
    assert_int_equal(info.heads, 4);
    assert_int_equal(info.kv_heads, 2);
    assert_int_equal(info.head_dimensions, 32);
    assert_int_equal(info.sliding_window, 16);
    assert_int_equal(info.has_prompts, 1);
    assert_string_equal(quern_model_prompt(model, QUERN_TASK_SUMMARIZATION),
                        "task: sentence similarity | query: ");
    quern_model_close(model);
}

/* Files name the context of another model; the publisher's is the usual one. */
static void test_usual_context(void **state)
{
    (void)state;
    char path[TRIAL_PATH];
    struct quern_recipe recipe = quern_recipe_gemma2();
    const quern_model_options options = {.size = sizeof options, .context_length = 8200};
    quern_model_info info = {.size = sizeof info};
    quern_model *model = NULL;
    recipe.context = 262144;
    trial_make(path, &recipe);
    assert_int_equal(quern_model_open(&model, path, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_int_equal(info.context_length, 8192);
    assert_int_equal(info.most_context_length, 262144);
    quern_model_close(model);
    assert_int_equal(quern_model_open(&model, path, &options, NULL), QUERN_OK);
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_int_equal(info.context_length, 8200);
    quern_model_close(model);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_vectors), cmocka_unit_test(test_fast_vectors),
        cmocka_unit_test(test_faults),        cmocka_unit_test(test_dimensions),
        cmocka_unit_test(test_texts_together), cmocka_unit_test(test_description),
        cmocka_unit_test(test_usual_context), cmocka_unit_test(test_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
