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
#include <stdio.h>
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

/* ---------------------------------------------------------------- the closing piece */

/* Overwrites `size` bytes of a file behind the first place where it has the bytes of `text`. */
static void patch(const char *path, const char *text, size_t behind, const void *bytes, size_t size)
{
    static char data[1 << 20];
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    const size_t count = fread(data, 1, sizeof data, file);
    const char *at = memmem(data, count, text, strlen(text));
    assert_non_null(at);
    assert_int_equal(fseek(file, (long)(at - data) + (long)strlen(text) + (long)behind, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static int32_t id_of(quern_model *model, const char *text)
{
    quern_piece piece;
    for (int32_t id = 0; quern_piece_get(model, id, &piece, NULL) == QUERN_OK; id++)
        if (piece.text.length == strlen(text) && memcmp(piece.text.data, text, strlen(text)) == 0)
            return id;
    return -1;
}

static size_t tokenize(quern_model *model, const char *text, int32_t ids[16])
{
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_PARSE_SPECIAL};
    quern_context *context = trial_context(model, QUERN_PATH_EXACT, 1, 0);
    size_t count = 0;
    assert_int_equal(quern_tokenize(context, (quern_text){text, strlen(text)}, &options, ids, 16, &count, NULL),
                     QUERN_OK);
    quern_context_free(context);
    return count;
}

/* The piece closes every text, and only once. A file that names another one has a notice and the same space. */
static void test_closing_piece(void **state)
{
    (void)state;
    static const char key[] = "tokenizer.ggml.eos_token_id", piece[] = "<|endoftext|>";
    char file[TRIAL_PATH], spaces[2][QUERN_SPACE_SIZE];
    int32_t ids[2][16], closing = -1;
    const struct quern_recipe recipe = quern_recipe_qwen3();
    trial_make(file, &recipe);
    patch(file, "<start_of_turn>", 8, piece, sizeof piece - 1); /* in the place of <end_of_turn> */
    for (int named = 0; named < 2; named++) {
        if (named)
            patch(file, key, 4, &closing, sizeof closing);
        quern_model *model = trial_open(file, NULL);
        quern_model_info info = {.size = sizeof info};
        assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
        assert_true((info.notice != NULL && strstr(info.notice, piece) != NULL) == !named);
        closing = id_of(model, piece);
        const size_t count = tokenize(model, "the words", ids[0]);
        assert_true(closing >= 0 && ids[0][count - 1] == closing && ids[0][count - 2] != closing);
        assert_int_equal(tokenize(model, "the words<|endoftext|>", ids[1]), count);
        assert_memory_equal(ids[0], ids[1], count * sizeof ids[0][0]);
        assert_int_equal(quern_space(model, NULL, spaces[named], NULL), QUERN_OK);
        quern_model_close(model);
    }
    assert_string_equal(spaces[0], spaces[1]);
    unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_vectors),
        cmocka_unit_test(test_fast_vectors),
        cmocka_unit_test(test_defects),
        cmocka_unit_test(test_closing_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
