/* The public interface to models: what is told of one, how it is opened, its spaces, and files that go bad. */
#include "gguf/gguf.h"
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

/* A model that most tests share. */
static quern_model *model;
static quern_error error;

static int open_model(void **state)
{
    (void)state;
    model = trial_model(QUERN_TYPE_Q8_0, true, NULL);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    quern_model_close(model);
    return 0;
}

static quern_text text_of(const char *string)
{
    return (quern_text){string, strlen(string)};
}

static void test_describe(void **state)
{
    (void)state;
    quern_model_info info = {.size = sizeof info};
    quern_model_info part = {.size = offsetof(quern_model_info, notice), .notice = "mine"};
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_string_equal(info.architecture, "gemma-embedding");
    assert_string_equal(info.types, "Q8_0 x 45, F32 x 37");
    assert_null(info.notice);
    assert_int_equal(info.dimensions, TRIAL_WIDTH);
    assert_int_equal(info.context_length, TRIAL_CONTEXT);
    assert_int_equal(info.most_context_length, TRIAL_CONTEXT);
    assert_int_equal(info.has_head, 1);
    assert_int_equal(info.head_hidden_dimensions, 128);
    assert_int_equal(info.vocabulary, 640);
    assert_int_equal(info.sliding_window, 16);
    assert_true(info.parameters > 640 * TRIAL_WIDTH && info.file_bytes > info.parameters && info.packed_bytes > 0);
    /* a caller who knows fewer fields */
    assert_int_equal(quern_model_describe(model, &part, NULL), QUERN_OK);
    assert_string_equal(part.name, info.name);
    assert_string_equal(part.notice, "mine");
    part.size = 3;
    expect_error(quern_model_describe(model, &part, &error), QUERN_EINVAL, "size");

    quern_model *headless = trial_model(QUERN_TYPE_Q8_0, false, NULL);
    assert_int_equal(quern_model_describe(headless, &info, NULL), QUERN_OK);
    assert_int_equal(info.has_head, 0);
    assert_non_null(strstr(info.notice, "lacks the dense head"));
    quern_model_close(headless);
}

/* A file that says it takes no prompts is not EmbeddingGemma, so there is no notice about a missing head. */
static void test_prompts_of_models(void **state)
{
    (void)state;
    quern_model_info info = {.size = sizeof info};
    quern_model *other = NULL;
    char path[TRIAL_PATH];
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_int_equal(info.has_prompts, 1);
    int longest = 0;
    for (int32_t id = 0; id < info.vocabulary; id++) {
        quern_piece piece;
        assert_int_equal(quern_piece_get(model, id, &piece, NULL), QUERN_OK);
        longest = (int)piece.text.length > longest ? (int)piece.text.length : longest;
    }
    quern_tokenizer_info tokenizer = {.size = sizeof tokenizer};
    assert_int_equal(quern_tokenizer_describe(model, &tokenizer, NULL), QUERN_OK);
    assert_int_equal(tokenizer.longest_piece, longest);

    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, false);
    recipe.prompts = "none";
    trial_make(path, &recipe);
    other = trial_open(path, NULL);
    unlink(path);
    assert_int_equal(quern_model_describe(other, &info, NULL), QUERN_OK);
    assert_int_equal(info.has_prompts, 0);
    assert_null(info.notice);
    quern_model_close(other);

    recipe.prompts = "nonesuch";
    trial_make(path, &recipe);
    expect_error(quern_model_open(&other, path, NULL, &error), QUERN_EUNSUPPORTED, "quern.prompts");
    unlink(path);
}

static void test_pieces(void **state)
{
    (void)state;
    quern_piece piece;
    quern_tokenizer_info info = {.size = sizeof info};
    assert_int_equal(quern_tokenizer_describe(model, &info, NULL), QUERN_OK);
    assert_int_equal(info.bos, 2);
    assert_int_equal(info.eos, 1);
    assert_int_equal(quern_piece_get(model, info.bos, &piece, NULL), QUERN_OK);
    assert_int_equal(piece.kind, QUERN_PIECE_CONTROL);
    assert_int_equal(piece.text.length, 5);
    assert_memory_equal(piece.text.data, "<bos>", 5);
    assert_int_equal(quern_piece_get(model, 639, &piece, NULL), QUERN_OK);
    expect_error(quern_piece_get(model, 640, &piece, &error), QUERN_EINVAL, "token 640");
    expect_error(quern_piece_get(model, -1, &piece, &error), QUERN_EINVAL, "token -1");
}

/* A file can be described without reading its weights; what needs them is refused. */
static void test_look_only(void **state)
{
    (void)state;
    char path[TRIAL_PATH], space[QUERN_SPACE_SIZE];
    const struct quern_recipe recipe = trial_recipe(8 /* Q8_0 */, true);
    const quern_model_options options = {.size = sizeof options, .look_only = 1};
    quern_model *looked = NULL, *whole;
    quern_context *made = NULL;
    quern_model_info info = {.size = sizeof info}, expected = {.size = sizeof expected};
    trial_make(path, &recipe);
    whole = trial_open(path, NULL);
    assert_int_equal(quern_model_open(&looked, path, &options, &error), QUERN_OK);
    assert_int_equal(quern_model_describe(looked, &info, &error), QUERN_OK);
    assert_int_equal(quern_model_describe(whole, &expected, &error), QUERN_OK);
    assert_int_equal(info.dimensions, expected.dimensions);
    assert_int_equal(info.context_length, expected.context_length);
    assert_int_equal(info.packed_bytes, expected.packed_bytes);
    assert_int_equal(info.vocabulary_bytes, expected.vocabulary_bytes);
    assert_int_equal(info.parameters, expected.parameters);
    assert_int_equal(info.has_prompts, expected.has_prompts);
    assert_string_equal(info.types, expected.types);
    assert_string_equal(quern_model_prompt(looked, QUERN_TASK_QUERY), quern_model_prompt(whole, QUERN_TASK_QUERY));
    expect_error(quern_context_new(&made, looked, NULL, &error), QUERN_EINVAL, "look_only");
    assert_null(made);
    expect_error(quern_space(looked, NULL, space, &error), QUERN_EINVAL, "look_only");
    quern_model_close(looked);
    quern_model_close(whole);
    assert_int_equal(truncate(path, 1000), 0);
    looked = NULL;
    assert_int_equal(quern_model_open(&looked, path, &options, &error), QUERN_EFORMAT);
    assert_null(looked);
    unlink(path);
}

/* A model that is opened for short texts: it refuses longer ones, and the vectors are the same. */
static void test_context_length(void **state)
{
    (void)state;
    enum { MOST = 40 };
    char path[TRIAL_PATH];
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_F32, false);
    const quern_model_options options = {.size = sizeof options, .context_length = MOST};
    quern_model_info info = {.size = sizeof info};
    int32_t ids[MOST + 1];
    const quern_tokens text = {ids, MOST}, longer = {ids, MOST + 1};
    float vectors[2][TRIAL_WIDTH];
    char spaces[2][QUERN_SPACE_SIZE];
    trial_make(path, &recipe);
    trial_ids(ids, MOST + 1);
    for (int i = 0; i < 2; i++) {
        quern_model *made = NULL;
        assert_int_equal(quern_model_open(&made, path, i == 0 ? NULL : &options, NULL), QUERN_OK);
        quern_context *made_context = trial_context(made, QUERN_PATH_EXACT, 1, 0);
        assert_int_equal(quern_embed_tokens(made_context, &text, 1, NULL, vectors[i], TRIAL_WIDTH, NULL, NULL),
                         QUERN_OK);
        assert_int_equal(quern_space(made, NULL, spaces[i], NULL), QUERN_OK);
        assert_int_equal(quern_model_describe(made, &info, NULL), QUERN_OK);
        if (i == 1)
            expect_error(quern_embed_tokens(made_context, &longer, 1, NULL, vectors[0], TRIAL_WIDTH, NULL, &error),
                         QUERN_ETOOLONG, "the model takes 40");
        quern_context_free(made_context);
        quern_model_close(made);
    }
    unlink(path);
    assert_int_equal(info.context_length, MOST);
    assert_int_equal(info.most_context_length, TRIAL_CONTEXT);
    assert_memory_equal(vectors[0], vectors[1], sizeof vectors[0]);
    assert_string_equal(spaces[0], spaces[1]);
}

static void test_kernel_limits(void **state)
{
    (void)state;
    char path[TRIAL_PATH];
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_F32, false);
    quern_model *made = NULL;
    quern_model_options options = {.size = sizeof options, .cpu = "abacus"};
    trial_make(path, &recipe);
    expect_error(quern_model_open(&made, path, &options, &error), QUERN_EINVAL, "abacus");
    options = (quern_model_options){.size = sizeof options, .threads = -1};
    expect_error(quern_model_open(&made, path, &options, &error), QUERN_EINVAL, "-1 threads");
    options = (quern_model_options){.size = sizeof options, .context_length = -1};
    expect_error(quern_model_open(&made, path, &options, &error), QUERN_EINVAL, "-1 tokens");
    options.context_length = TRIAL_CONTEXT + 1;
    expect_error(quern_model_open(&made, path, &options, &error), QUERN_EINVAL, "257 tokens asked for; the file allow");
    assert_null(made);
    const char *kernels;
    for (int i = 0; (kernels = trial_kernels(i)) != NULL; i++) {
        quern_model_info info = {.size = sizeof info};
        made = trial_open(path, kernels);
        assert_int_equal(quern_model_describe(made, &info, NULL), QUERN_OK);
        assert_string_equal(info.kernels, kernels);
        assert_non_null(strstr(info.kernels_reason, kernels));
        quern_model_close(made);
    }
    unlink(path);
}

static void space_of(const quern_model *of, quern_embed_options options, char space[QUERN_SPACE_SIZE])
{
    options.size = sizeof options;
    assert_int_equal(quern_space(of, &options, space, NULL), QUERN_OK);
}

static void test_space_of_options(void **state)
{
    (void)state;
    char plain[QUERN_SPACE_SIZE], same[QUERN_SPACE_SIZE], other[QUERN_SPACE_SIZE];
    space_of(model, (quern_embed_options){0}, plain);
    assert_int_equal(strlen(plain), strlen("64n-0123456789abcdef-none"));
    space_of(model, (quern_embed_options){.dimensions = TRIAL_WIDTH, .flags = QUERN_TRUNCATE}, same);
    assert_string_equal(plain, same);
    space_of(model, (quern_embed_options){.dimensions = 32}, other);
    assert_string_not_equal(plain, other);
    space_of(model, (quern_embed_options){.flags = QUERN_NO_NORMALIZE}, other);
    assert_string_not_equal(plain, other);
    space_of(model, (quern_embed_options){.task = QUERN_TASK_QUESTION_ANSWERING}, other);
    assert_string_not_equal(plain, other);
    assert_string_equal(strrchr(other, '-') - strlen("question"), "question-answering");
    const quern_embed_options bad = {.size = sizeof bad, .dimensions = 65};
    expect_error(quern_space(model, &bad, other, &error), QUERN_EINVAL, "65");
}

/* Weights and head make the space; the kernel table, and opening the file again, do not. */
static void test_space_of_models(void **state)
{
    (void)state;
    char space[QUERN_SPACE_SIZE], other[QUERN_SPACE_SIZE], path[TRIAL_PATH];
    space_of(model, (quern_embed_options){0}, space);
    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, true);
    for (int i = 0; i < 3; i++) {
        recipe.head = i != 1;
        recipe.seed = i == 2 ? 2 : 1;
        trial_make(path, &recipe);
        const char *kernels;
        for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++) {
            quern_model *made = trial_open(path, kernels);
            space_of(made, (quern_embed_options){0}, other);
            assert_int_equal(strcmp(space, other) == 0, i == 0);
            quern_model_close(made);
        }
        unlink(path);
    }
}

static void test_references(void **state)
{
    (void)state;
    float before[TRIAL_WIDTH], after[TRIAL_WIDTH];
    const quern_text text = text_of("still here");
    quern_model *first = trial_model(QUERN_TYPE_Q8_0, true, NULL), *second = quern_model_share(first);
    assert_ptr_equal(first, second);
    quern_context *made = trial_context(first, QUERN_PATH_FAST, 2, 0);
    assert_int_equal(quern_embed(made, &text, 1, NULL, before, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    quern_model_close(first);
    quern_model_close(second);
    assert_int_equal(quern_embed(made, &text, 1, NULL, after, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    assert_memory_equal(before, after, sizeof before);
    quern_context_free(made);
}

/* ---------------------------------------------------------------- files that go bad */

static void test_lost_file(void **state)
{
    (void)state;
    char path[TRIAL_PATH];
    float vector[TRIAL_WIDTH];
    char out[64];
    size_t count = 7, length = 7;
    quern_piece piece = {.kind = 7};
    const quern_text text = text_of("lost");
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_F32, true);
    trial_make(path, &recipe);
    quern_model *made = trial_open(path, NULL);
    quern_context *lost = trial_context(made, QUERN_PATH_EXACT, 3, 0);
    assert_int_equal(quern_embed(lost, &text, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_OK);
    trial_cut_off(path, 100);
    expect_error(quern_embed(lost, &text, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_EIO, "cut off");
    const int32_t id = 600;
    const quern_tokens tokens = {&id, 1};
    expect_error(quern_embed_tokens(lost, &tokens, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_EIO, "cut off");
    expect_error(quern_tokenize(lost, text, NULL, NULL, 0, &count, &error), QUERN_EIO, "cut off");
    expect_error(quern_piece_get(made, 300, &piece, &error), QUERN_EIO, "cut off");
    expect_error(quern_detokenize(made, &id, 1, 0, out, sizeof out, &length, &error), QUERN_EIO, "cut off");
    assert_true(count == 7 && length == 7 && piece.kind == 7); /* they are as they were */
    quern_context_free(lost);
    quern_model_close(made);
    unlink(path);
}

/* Puts a NaN into the row of a token. The table is too large to be checked when a model is opened. */
static void spoil_embedding(const char *path, int32_t id)
{
    struct quern_gguf gguf;
    assert_int_equal(quern_gguf_open(&gguf, path, NULL), QUERN_OK);
    const struct quern_gguf_tensor *tensor = quern_gguf_tensor_find(&gguf, "token_embd.weight");
    const long offset = (long)(tensor->data - gguf.map.data) + (long)id * TRIAL_WIDTH * (long)sizeof(float);
    quern_gguf_close(&gguf);
    const float value = NAN;
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(&value, sizeof value, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void test_vector_not_finite(void **state)
{
    (void)state;
    char path[TRIAL_PATH];
    float vectors[2][TRIAL_WIDTH];
    const int32_t good[] = {2, 600, 1}, bad[] = {2, 601, 1};
    const quern_tokens texts[2] = {{good, 3}, {bad, 3}};
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_F32, true);
    trial_make(path, &recipe);
    spoil_embedding(path, 601);
    const char *kernels;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++)
        for (int numeric = 0; numeric < 2; numeric++) {
            quern_model *made = trial_open(path, kernels);
            quern_context *spoilt = trial_context(made, numeric, 2, 0);
            int code = quern_embed_tokens(spoilt, texts, 2, NULL, vectors[0], 2 * TRIAL_WIDTH, NULL, &error);
            expect_error(code, QUERN_ENUMERIC, "not finite");
            assert_int_equal(error.index, 1);
            code = quern_embed_tokens(spoilt, texts, 1, NULL, vectors[0], TRIAL_WIDTH, NULL, &error);
            assert_int_equal(code, QUERN_OK);
            quern_context_free(spoilt);
            quern_model_close(made);
        }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_prompts_of_models),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_look_only),
        cmocka_unit_test(test_context_length),
        cmocka_unit_test(test_kernel_limits),
        cmocka_unit_test(test_space_of_options),
        cmocka_unit_test(test_space_of_models),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_vector_not_finite),
    };
    /* Apart from the others: cmocka puts its own handler of SIGBUS in place before each test, and one that lies over
     * the library's would get the fault. */
    const struct CMUnitTest lost[] = {cmocka_unit_test(test_lost_file)};
    return cmocka_run_group_tests(lost, NULL, NULL) + cmocka_run_group_tests(tests, open_model, close_model);
}
