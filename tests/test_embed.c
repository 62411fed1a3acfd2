/* Vectors and token ids of tiny models against figures that were computed apart from this library. */
#include "base/count.h"
#include "golden/tiny.h"
#include "golden/wide.h"
#include "trial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    TEXTS = QUERN_COUNT(golden_texts)
};

/* A set of figures, and the models that they belong to. */
static const struct goldens {
    const struct golden_vector *vectors, *end;
    struct quern_recipe (*recipe)(void);
} sets[] = {{golden_vectors, golden_vectors + QUERN_COUNT(golden_vectors), quern_recipe_tiny},
            {golden_wide, golden_wide + QUERN_COUNT(golden_wide), quern_recipe_wide}};

/* How large the error of a path may be: 1 - cosine of one vector, its mean over all vectors of a model, and the
 * relative error of a vector's length. float32 limits the exact path, and the unit of the figures (1e-7) costs 3e-14.
 * The fast path has smaller errors on the true shape, where more of them cancel. */
static const struct bar {
    double one, mean, length;
} bars[] = {[QUERN_PATH_FAST] = {2.5e-3, 6e-4, 0.04}, [QUERN_PATH_EXACT] = {1e-10, 1e-11, 1e-5}};

static double length_of(const float *v)
{
    double squares = 0;
    for (int i = 0; i < GOLDEN_WIDTH; i++)
        squares += (double)v[i] * v[i];
    return sqrt(squares);
}

/* 1 - cosine, from the difference of unit vectors: |a - b|^2 / 2. */
static double distance(const float *v, const struct golden_vector *golden)
{
    double scale = 0, squares = 0;
    for (int i = 0; i < GOLDEN_WIDTH; i++)
        scale += (double)golden->vector[i] * golden->vector[i];
    for (int i = 0; i < GOLDEN_WIDTH; i++) {
        const double d = v[i] / length_of(v) - golden->vector[i] / sqrt(scale);
        squares += d * d;
    }
    return squares / 2;
}

static void embed(quern_context *context, int tokens, float *vector)
{
    int32_t ids[TRIAL_CONTEXT];
    const quern_tokens text = {ids, (size_t)tokens};
    const quern_embed_options options = {
        .size = sizeof options, .dimensions = GOLDEN_WIDTH, .flags = QUERN_NO_NORMALIZE};
    quern_result result;
    trial_ids(ids, tokens);
    assert_int_equal(quern_embed_tokens(context, &text, 1, &options, vector, GOLDEN_WIDTH, &result, NULL), QUERN_OK);
    assert_int_equal(result.tokens, tokens);
    assert_int_equal(result.truncated, 0);
}

static quern_model *open_model(const struct goldens *set, const struct golden_vector *golden, const char *kernels)
{
    char path[TRIAL_PATH];
    struct quern_recipe recipe = set->recipe();
    recipe.type = golden->type;
    recipe.head = golden->head;
    trial_make(path, &recipe);
    quern_model *model = trial_open(path, kernels);
    unlink(path);
    return model;
}

/* The goldens of one model, from the first on, on one path. Returns the first of the next model. */
static const struct golden_vector *check_model(const char *kernels, const struct goldens *set,
                                               const struct golden_vector *first, int path)
{
    const struct bar *bar = &bars[path];
    quern_model *model = open_model(set, first, kernels);
    quern_context *context = trial_context(model, path, 2, 0);
    const struct golden_vector *g = first;
    double sum = 0;
    for (; g < set->end && g->type == first->type && g->head == first->head; g++) {
        float v[GOLDEN_WIDTH];
        embed(context, g->tokens, v);
        const double off = distance(v, g), off_length = fabs(length_of(v) / g->length - 1);
        if (!(off <= bar->one && off_length <= bar->length))
            fail_msg("%s, path %d, type %u, head %d, %d tokens: 1 - cos %.3g, length off by %.3g", kernels, path,
                     g->type, g->head, g->tokens, off, off_length);
        sum += off;
    }
    const double mean = sum / (double)(g - first);
    if (mean > bar->mean)
        fail_msg("%s, path %d, type %u, head %d: 1 - cos %.3g on average", kernels, path, first->type, first->head,
                 mean);
    quern_context_free(context);
    quern_model_close(model);
    return g;
}

static void check_path(int path)
{
    const char *kernels;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++)
        for (size_t s = 0; s < QUERN_COUNT(sets); s++)
            for (const struct golden_vector *g = sets[s].vectors; g < sets[s].end;)
                g = check_model(kernels, &sets[s], g, path);
}

static void test_exact_vectors(void **state)
{
    (void)state;
    check_path(QUERN_PATH_EXACT);
}

static void test_int8_vectors(void **state)
{
    (void)state;
    check_path(QUERN_PATH_FAST);
}

static void test_tokens(void **state)
{
    (void)state;
    quern_model *model = trial_model(QUERN_TYPE_Q8_0, false, NULL);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    for (const struct golden_text *g = golden_texts; g < golden_texts + TEXTS; g++) {
        int32_t ids[64];
        size_t count = 0;
        const quern_text text = {g->text, strlen(g->text)};
        const quern_embed_options options = {.size = sizeof options, .flags = g->parsed ? QUERN_PARSE_SPECIAL : 0};
        assert_int_equal(quern_tokenize(context, text, &options, ids, 64, &count, NULL), QUERN_OK);
        assert_int_equal(count, g->count);
        assert_memory_equal(ids, g->ids, count * sizeof *ids);
    }
    quern_context_free(context);
    quern_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_vectors),
        cmocka_unit_test(test_int8_vectors),
        cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
