/* Models of several architectures: vectors against figures that were computed apart from this library, which also show
 * that no likely defect passes. */
#include "base/count.h"
#include "golden/families.h"
#include "trial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WIDEST = 256 };

static struct quern_recipe recipe_of(enum quern_recipe_arch arch)
{
    switch (arch) {
    case QUERN_RECIPE_NOMIC_BERT: return quern_recipe_nomic();
    case QUERN_RECIPE_QWEN3: return quern_recipe_qwen3();
    case QUERN_RECIPE_MODERN_BERT: return quern_recipe_modern();
    default: return quern_recipe_bert();
    }
}

static void make_golden(char path[TRIAL_PATH], const struct golden_family *g)
{
    struct quern_recipe recipe = recipe_of(g->arch);
    recipe.pooling = g->pooling;
    recipe.fused = g->fused;
    recipe.activation = g->activation;
    recipe.type = g->type;
    if (g->wide) {
        recipe.embedding = WIDEST;
        recipe.ffn = 512;
        recipe.head_dimensions = 64;
        recipe.heads = 4;
        recipe.kv_heads = g->arch == QUERN_RECIPE_QWEN3 ? 2 : 4;
    }
    trial_make(path, &recipe);
}

static void embed(quern_model *model, int path, int tokens, float vector[WIDEST])
{
    int32_t ids[TRIAL_CONTEXT];
    const quern_tokens text = {ids, (size_t)tokens};
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_NORMALIZE};
    quern_context *context = trial_context(model, path, 2, 0);
    trial_ids(ids, tokens);
    assert_int_equal(quern_embed_tokens(context, &text, 1, &options, vector, WIDEST, NULL, NULL), QUERN_OK);
    quern_context_free(context);
}

static double length_of(const float *v)
{
    return sqrt(quern_dot(v, v, GOLDEN_FAMILY_ELEMENTS));
}

static double golden_length(const int32_t *golden)
{
    double squares = 0;
    for (int i = 0; i < GOLDEN_FAMILY_ELEMENTS; i++)
        squares += (double)golden[i] * golden[i];
    return sqrt(squares);
}

/* 1 - cosine, from the difference of unit vectors: |a - b|^2 / 2. */
static double distance(const float *v, const int32_t *golden)
{
    const double a = length_of(v), b = golden_length(golden);
    double squares = 0;
    for (int i = 0; i < GOLDEN_FAMILY_ELEMENTS; i++) {
        const double d = v[i] / a - golden[i] / b;
        squares += d * d;
    }
    return squares / 2;
}

static void check_vector(const struct golden_family *g, const char *file, int path, const char *kernels, double most)
{
    float v[WIDEST];
    quern_model *model = trial_open(file, kernels);
    embed(model, path, g->tokens, v);
    quern_model_close(model);
    if (!(distance(v, g->vector) <= most))
        fail_msg("%s, path %d, architecture %d, pooling %d, fused %d, type %d, %d tokens: 1 - cos %.3g", kernels, path,
                 (int)g->arch, g->pooling, g->fused, (int)g->type, g->tokens, distance(v, g->vector));
    const double relative = length_of(v) / (golden_length(g->vector) * GOLDEN_FAMILY_UNIT);
    assert_true(fabs(relative - 1) < (path == QUERN_PATH_EXACT ? 2e-5 : 0.1));
}

static bool is_float(enum quern_type type)
{
    return type == QUERN_TYPE_F32 || type == QUERN_TYPE_F16 || type == QUERN_TYPE_BF16;
}

/* On the fast path, float weights leave attention and nothing else to be rounded, except on tiles. */
static double most_distance(const struct golden_family *g, int path, const char *kernels)
{
    if (path == QUERN_PATH_EXACT)
        return 1e-11;
    return is_float(g->type) && strcmp(kernels, "amx") != 0 ? 1e-6 : 4e-3;
}

static void check_vectors(int path)
{
    const struct golden_family *const end = golden_families + QUERN_COUNT(golden_families);
    for (const struct golden_family *g = golden_families; g < end; g++) {
        char file[TRIAL_PATH];
        const char *kernels;
        make_golden(file, g);
        for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++)
            check_vector(g, file, path, kernels, most_distance(g, path, kernels));
        unlink(file);
    }
}

static void test_exact_vectors(void **state)
{
    (void)state;
    check_vectors(QUERN_PATH_EXACT);
}

static void test_fast_vectors(void **state)
{
    (void)state;
    check_vectors(QUERN_PATH_FAST);
}

/* Our vector is far from that of every defect, and test_exact_vectors says that it is right. */
static void test_defects(void **state)
{
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(golden_defects); i++) {
        const struct golden_defect *d = &golden_defects[i];
        struct quern_recipe recipe = recipe_of(d->arch);
        char file[TRIAL_PATH];
        float v[WIDEST];
        trial_make(file, &recipe);
        quern_model *model = trial_open(file, NULL);
        unlink(file);
        embed(model, QUERN_PATH_EXACT, GOLDEN_DEFECT_TOKENS, v);
        quern_model_close(model);
        if (!(distance(v, d->vector) > 1e-4))
            fail_msg("architecture %d: %s would pass", (int)d->arch, d->defect);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_vectors),
        cmocka_unit_test(test_fast_vectors),
        cmocka_unit_test(test_defects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
