/* Models of the architecture bert: vectors against figures that were computed apart from this library, and what a model
 * without a tokenizer refuses. */
#include "base/count.h"
#include "formats/formats.h"
#include "golden/bert.h"
#include "trial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static quern_model *open_model(const struct quern_recipe *recipe, const char *kernels)
{
    char path[TRIAL_PATH];
    trial_make(path, recipe);
    quern_model *model = trial_open(path, kernels);
    unlink(path);
    return model;
}

/* The tiny BERT with a tokenizer that quern does not have. */
static struct quern_recipe wordless_recipe(void)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.tokenizer = "unknown";
    return recipe;
}

static quern_model *open_golden(const struct golden_bert *golden, uint32_t type, const char *kernels)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.pooling = golden->pooling;
    recipe.heads = recipe.kv_heads = golden->heads;
    recipe.head_dimensions = GOLDEN_BERT_WIDTH / golden->heads;
    recipe.fused = golden->fused;
    recipe.type = type;
    return open_model(&recipe, kernels);
}

static void embed(quern_model *model, int path, int tokens, float *vector)
{
    int32_t ids[TRIAL_CONTEXT];
    const quern_tokens text = {ids, (size_t)tokens};
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_NORMALIZE};
    quern_context *context = trial_context(model, path, 2, 0);
    trial_ids(ids, tokens);
    assert_int_equal(quern_embed_tokens(context, &text, 1, &options, vector, GOLDEN_BERT_WIDTH, NULL, NULL), QUERN_OK);
    quern_context_free(context);
}

/* 1 - cosine, from the difference of unit vectors: |a - b|^2 / 2. */
static double distance(const float *v, const struct golden_bert *golden)
{
    double a = 0, b = 0, squares = 0;
    for (int i = 0; i < GOLDEN_BERT_WIDTH; i++) {
        a += (double)v[i] * v[i];
        b += (double)golden->vector[i] * golden->vector[i];
    }
    for (int i = 0; i < GOLDEN_BERT_WIDTH; i++) {
        const double d = v[i] / sqrt(a) - golden->vector[i] / sqrt(b);
        squares += d * d;
    }
    return squares / 2;
}

static void check_vector(const struct golden_bert *g, uint32_t type, int path, const char *kernels, double most)
{
    float v[GOLDEN_BERT_WIDTH];
    quern_model *model = open_golden(g, type, kernels);
    embed(model, path, g->tokens, v);
    quern_model_close(model);
    if (!(distance(v, g) <= most))
        fail_msg("%s, path %d, pooling %d, %d heads, fused %d, %d tokens: 1 - cos %.3g", kernels, path, g->pooling,
                 g->heads, g->fused, g->tokens, distance(v, g));
    const double length = sqrt(quern_dot(v, v, GOLDEN_BERT_WIDTH));
    assert_true(fabs(length / g->length - 1) < (most < 1e-6 ? 2e-5 : 0.04));
}

/* On every table, with one type of weights and one path. most_tiles: the bound for tables whose fast products also
 * round float weights, to bfloat16. */
static void check_vectors(uint32_t type, int path, double most, double most_tiles)
{
    const struct golden_bert *const end = golden_bert_vectors + QUERN_COUNT(golden_bert_vectors);
    const char *kernels;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++)
        for (const struct golden_bert *g = golden_bert_vectors; g < end; g++)
            check_vector(g, type, path, kernels, strcmp(kernels, "amx") == 0 ? most_tiles : most);
}

static void test_exact_vectors(void **state)
{
    (void)state;
    check_vectors(QUERN_TYPE_F32, QUERN_PATH_EXACT, 1e-12, 1e-12);
}

/* Float weights. Except on tiles, only attention differs from the exact path. */
static void test_fast_vectors(void **state)
{
    (void)state;
    check_vectors(QUERN_TYPE_F32, QUERN_PATH_FAST, 1e-7, 1e-4);
}

/* Quantised weights, together with biases and norms. */
static void test_rounded_weights(void **state)
{
    (void)state;
    check_vectors(QUERN_TYPE_Q8_0, QUERN_PATH_EXACT, 2e-4, 2e-4);
    check_vectors(QUERN_TYPE_Q8_0, QUERN_PATH_FAST, 1e-3, 1e-3);
}

static void test_description(void **state)
{
    (void)state;
    const struct quern_recipe recipe = wordless_recipe();
    quern_model *model = open_model(&recipe, NULL);
    quern_model_info info = {.size = sizeof info};
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_string_equal(info.architecture, "bert");
    assert_null(info.notice);
    assert_int_equal(info.dimensions, GOLDEN_BERT_WIDTH);
    assert_int_equal(info.context_length, recipe.context);
    assert_int_equal(info.sliding_window, 0);
    assert_int_equal(info.has_head, 0);
    assert_int_equal(info.has_prompts, 0);
    assert_string_equal(info.pooling, "mean");
    quern_model_close(model);
}

/* Prompts are the file's own. */
static void test_prompts(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.file_prompts[0].name = "query";
    recipe.file_prompts[0].text = "query: ";
    quern_model *model = open_model(&recipe, NULL);
    quern_model_info info = {.size = sizeof info};
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_int_equal(info.has_prompts, 1);
    assert_string_equal(quern_model_prompt(model, QUERN_TASK_QUERY), "query: ");
    assert_string_equal(quern_model_prompt(model, QUERN_TASK_DOCUMENT), "");
    assert_string_equal(quern_model_prompt(model, QUERN_TASK_CLUSTERING), "");
    quern_model_close(model);
}

static void test_texts_need_a_tokenizer(void **state)
{
    (void)state;
    const struct quern_recipe recipe = wordless_recipe();
    quern_model *model = open_model(&recipe, NULL);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    const quern_text text = {"two words", 9};
    float vector[GOLDEN_BERT_WIDTH];
    char out[9];
    int32_t ids[9] = {1};
    size_t count;
    quern_error error;
    quern_result result;
    quern_text part;
    quern_token_span span;
    quern_chunk chunk;
    quern_piece piece;
    quern_tokenizer_info info = {.size = sizeof info};
    const int codes[] = {
        quern_embed(context, &text, 1, NULL, vector, GOLDEN_BERT_WIDTH, &result, &error),
        quern_prepare(context, text, NULL, ids, 9, &result, NULL),
        quern_tokenize(context, text, NULL, ids, 9, &count, NULL),
        quern_token_spans(context, text, NULL, ids, 1, &span, NULL),
        quern_truncate(context, text, NULL, 5, &part, NULL),
        quern_chunk_text(context, text, NULL, NULL, &chunk, 1, &count, NULL),
        quern_detokenize(model, ids, 1, 0, out, sizeof out, &count, NULL),
        quern_piece_get(model, 1, &piece, NULL),
        quern_tokenizer_describe(model, &info, NULL),
    };
    for (size_t i = 0; i < QUERN_COUNT(codes); i++)
        assert_int_equal(codes[i], QUERN_EUNSUPPORTED);
    assert_int_equal(error.index, -1);
    assert_non_null(strstr(error.text, "tokenizer.ggml.model is \"unknown\""));
    quern_context_free(context);
    quern_model_close(model);
}

/* Vectors of the same weights with another pooling must not be compared, so they belong to another space. */
static void test_spaces(void **state)
{
    (void)state;
    char spaces[2][QUERN_SPACE_SIZE];
    for (int i = 0; i < 2; i++) {
        struct quern_recipe recipe = quern_recipe_bert();
        recipe.pooling = i + 1;
        quern_model *model = open_model(&recipe, NULL);
        assert_int_equal(quern_space(model, NULL, spaces[i], NULL), QUERN_OK);
        quern_model_close(model);
    }
    assert_string_not_equal(spaces[0], spaces[1]);
}

/* A text's vector does not depend on the other texts of its step. */
static void test_texts_together(void **state)
{
    (void)state;
    enum { TEXTS = 5 };
    static const size_t lengths[TEXTS] = {3, 64, 1, 33, 20};
    int32_t ids[TEXTS][TRIAL_CONTEXT];
    quern_tokens texts[TEXTS];
    float together[TEXTS][GOLDEN_BERT_WIDTH], alone[GOLDEN_BERT_WIDTH];
    const struct quern_recipe recipe = quern_recipe_bert();
    quern_model *model = open_model(&recipe, NULL);
    for (int i = 0; i < TEXTS; i++) {
        trial_ids(ids[i], (int)lengths[i]);
        texts[i] = (quern_tokens){ids[i], lengths[i]};
    }
    for (int path = 0; path < 2; path++) {
        quern_context *context = trial_context(model, path, 3, 0);
        assert_int_equal(quern_embed_tokens(context, texts, TEXTS, NULL, together[0], TEXTS * GOLDEN_BERT_WIDTH, NULL,
                                            NULL), QUERN_OK);
        for (int i = 0; i < TEXTS; i++) {
            assert_int_equal(quern_embed_tokens(context, &texts[i], 1, NULL, alone, GOLDEN_BERT_WIDTH, NULL, NULL),
                             QUERN_OK);
            assert_memory_equal(together[i], alone, sizeof alone);
        }
        quern_context_free(context);
    }
    quern_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_vectors),
        cmocka_unit_test(test_fast_vectors),
        cmocka_unit_test(test_rounded_weights),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_texts_need_a_tokenizer),
        cmocka_unit_test(test_spaces),
        cmocka_unit_test(test_texts_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
