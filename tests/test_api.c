/* The public interface: what options do, and what is refused. */
#include "base/count.h"
#include "formats/formats.h"
#include "trial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A model and a context that most tests share. */
static quern_model *model;
static quern_context *context;
static quern_error error;

static int open_model(void **state)
{
    (void)state;
    model = trial_model(QUERN_TYPE_Q8_0, true, NULL);
    context = trial_context(model, QUERN_PATH_FAST, 2, 0);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    quern_context_free(context);
    quern_model_close(model);
    return 0;
}

static quern_text text_of(const char *string)
{
    return (quern_text){string, strlen(string)};
}

static int embed(quern_text text, const quern_embed_options *options, float *vector)
{
    return quern_embed(context, &text, 1, options, vector, TRIAL_WIDTH, NULL, &error);
}

static int embed_ids(const int32_t *ids, size_t count, const quern_embed_options *options, float *vector)
{
    const quern_tokens tokens = {ids, count};
    return quern_embed_tokens(context, &tokens, 1, options, vector, TRIAL_WIDTH, NULL, &error);
}

/* ---------------------------------------------------------------- vectors */

static void test_dimensions(void **state)
{
    (void)state;
    float raw[TRIAL_WIDTH], cut[TRIAL_WIDTH + 1];
    quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_NORMALIZE};
    assert_int_equal(embed(text_of("some words"), &options, raw), QUERN_OK);
    for (int dimensions = 1; dimensions <= TRIAL_WIDTH; dimensions++) {
        double squares = 0;
        options = (quern_embed_options){.size = sizeof options, .dimensions = dimensions};
        cut[dimensions] = 7;
        assert_int_equal(embed(text_of("some words"), &options, cut), QUERN_OK);
        assert_true(cut[dimensions] == 7);
        for (int i = 0; i < dimensions; i++)
            squares += (double)raw[i] * raw[i];
        for (int i = 0; i < dimensions; i++)
            assert_true(fabs(cut[i] - raw[i] / sqrt(squares)) < 1e-6);
        options.flags = QUERN_NO_NORMALIZE;
        assert_int_equal(embed(text_of("some words"), &options, cut), QUERN_OK);
        assert_memory_equal(cut, raw, (size_t)dimensions * sizeof *raw);
    }
}

/* A text's vector is that of its prompt and text in one, and of its ids. */
static void test_tasks(void **state)
{
    (void)state;
    for (int task = QUERN_TASK_NONE; quern_task_name((quern_task)task) != NULL; task++) {
        float vector[TRIAL_WIDTH], joined[TRIAL_WIDTH], of_ids[TRIAL_WIDTH];
        char text[200] = "";
        int32_t ids[200];
        size_t count;
        const quern_embed_options options = {.size = sizeof options, .task = task};
        strcat(strcat(text, quern_model_prompt(model, (quern_task)task)), "a text");
        assert_int_equal(embed(text_of("a text"), &options, vector), QUERN_OK);
        assert_int_equal(embed(text_of(text), NULL, joined), QUERN_OK);
        assert_int_equal(quern_tokenize(context, text_of("a text"), &options, ids, 200, &count, NULL), QUERN_OK);
        assert_int_equal(embed_ids(ids, count, NULL, of_ids), QUERN_OK);
        assert_memory_equal(vector, joined, sizeof vector);
        assert_memory_equal(vector, of_ids, sizeof vector);
    }
}

static void test_title(void **state)
{
    (void)state;
    float vector[TRIAL_WIDTH], joined[TRIAL_WIDTH];
    quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_DOCUMENT, .title = text_of("The name")};
    assert_int_equal(embed(text_of("a text"), &options, vector), QUERN_OK);
    assert_int_equal(embed(text_of("title: The name | text: a text"), NULL, joined), QUERN_OK);
    assert_memory_equal(vector, joined, sizeof vector);
    options.task = QUERN_TASK_QUERY;
    expect_error(embed(text_of("a text"), &options, vector), QUERN_EINVAL, "title");
    options = (quern_embed_options){.size = sizeof options, .task = QUERN_TASK_DOCUMENT, .title = {NULL, 3}};
    expect_error(embed(text_of("a text"), &options, vector), QUERN_EINVAL, "title");
}

static void test_special_in_text(void **state)
{
    (void)state;
    int32_t ids[40];
    size_t spelled, parsed, bare;
    quern_embed_options options = {.size = sizeof options};
    assert_int_equal(quern_tokenize(context, text_of("<eos>"), &options, ids, 40, &spelled, NULL), QUERN_OK);
    options.flags = QUERN_PARSE_SPECIAL;
    assert_int_equal(quern_tokenize(context, text_of("<eos>"), &options, ids, 40, &parsed, NULL), QUERN_OK);
    assert_int_equal(parsed, 3);
    assert_true(spelled > 3);
    options.flags = QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL;
    assert_int_equal(quern_tokenize(context, text_of("<eos>"), &options, ids, 40, &bare, NULL), QUERN_OK);
    assert_int_equal(bare, 1);
}

/* A text has a length, so no byte in it is special. */
static void test_any_bytes(void **state)
{
    (void)state;
    static const quern_text texts[] = {{NULL, 0},   {"", 0},          {"\0", 1},
                                       {"a\0b", 3}, {"\xff\xfe\xc3", 3}, {"\xed\xa0\x80", 3}};
    enum { COUNT = QUERN_COUNT(texts) };
    float vectors[COUNT][TRIAL_WIDTH];
    quern_result results[COUNT];
    const int code = quern_embed(context, texts, COUNT, NULL, vectors[0], COUNT * TRIAL_WIDTH, results, &error);
    assert_int_equal(code, QUERN_OK);
    assert_int_equal(results[0].tokens, 2);
    assert_int_equal(results[3].tokens, 5);
    assert_memory_equal(vectors[0], vectors[1], sizeof vectors[0]);
    assert_memory_not_equal(vectors[2], vectors[1], sizeof vectors[0]);
}

/* ---------------------------------------------------------------- long texts */

/* 300 tokens between the two special ones. */
static quern_text long_text(char buffer[300])
{
    memset(buffer, '5', 300);
    return (quern_text){buffer, 300};
}

static void test_truncation(void **state)
{
    (void)state;
    char buffer[300];
    int32_t ids[302];
    size_t count;
    float vector[TRIAL_WIDTH], of_ids[TRIAL_WIDTH];
    quern_text text = long_text(buffer);
    quern_result result;
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_TRUNCATE};

    assert_int_equal(quern_tokenize(context, text, NULL, ids, 302, &count, NULL), QUERN_OK);
    assert_int_equal(count, 302);
    assert_int_equal(quern_embed(context, &text, 1, &options, vector, TRIAL_WIDTH, &result, NULL), QUERN_OK);
    assert_int_equal(result.tokens, TRIAL_CONTEXT);
    assert_int_equal(result.truncated, 302 - TRIAL_CONTEXT);
    /* ids, cut and closed by hand, and cut by the library */
    const int32_t closing = ids[301], other = ids[TRIAL_CONTEXT - 1];
    assert_int_equal(embed_ids(ids, 302, &options, of_ids), QUERN_OK);
    assert_memory_equal(vector, of_ids, sizeof vector);
    ids[TRIAL_CONTEXT - 1] = closing;
    assert_int_equal(embed_ids(ids, TRIAL_CONTEXT, NULL, of_ids), QUERN_OK);
    assert_memory_equal(vector, of_ids, sizeof vector);
    assert_int_not_equal(closing, other);
    /* a text that just fits is whole */
    text.length = TRIAL_CONTEXT - 2;
    assert_int_equal(quern_embed(context, &text, 1, NULL, vector, TRIAL_WIDTH, &result, NULL), QUERN_OK);
    assert_int_equal(result.tokens, TRIAL_CONTEXT);
    assert_int_equal(result.truncated, 0);
}

static void test_too_long(void **state)
{
    (void)state;
    char buffer[300];
    float before[TRIAL_WIDTH], vectors[3][TRIAL_WIDTH];
    quern_text texts[3] = {text_of("first"), long_text(buffer), text_of("third")};
    assert_int_equal(embed(texts[0], NULL, before), QUERN_OK);
    int code = quern_embed(context, texts, 3, NULL, vectors[0], 3 * TRIAL_WIDTH, NULL, &error);
    expect_error(code, QUERN_ETOOLONG, "the text has 302 tokens");
    assert_int_equal(error.index, 1);
    expect_error(code, QUERN_ETOOLONG, "takes 256");
    texts[1].length = TRIAL_CONTEXT - 1; /* one token too many */
    code = quern_embed(context, texts, 3, NULL, vectors[0], 3 * TRIAL_WIDTH, NULL, &error);
    expect_error(code, QUERN_ETOOLONG, "the text has 257 tokens");
    assert_int_equal(error.index, 1);
    /* the text that was queued before the failure does not come back */
    assert_int_equal(embed(texts[0], NULL, vectors[0]), QUERN_OK);
    assert_memory_equal(vectors[0], before, sizeof before);
}

/* ---------------------------------------------------------------- arguments */

static void test_capacity(void **state)
{
    (void)state;
    float vectors[2 * TRIAL_WIDTH];
    const quern_text texts[2] = {text_of("a"), text_of("b")};
    quern_embed_options options = {.size = sizeof options, .dimensions = 10};
    expect_error(quern_embed(context, texts, 2, NULL, vectors, 2 * TRIAL_WIDTH - 1, NULL, &error), QUERN_ETOOLONG,
                 "2 vectors of 64 dimensions do not fit into 127 floats");
    assert_int_equal(quern_embed(context, texts, 2, &options, vectors, 20, NULL, &error), QUERN_OK);
    expect_error(quern_embed(context, texts, 2, &options, vectors, 19, NULL, &error), QUERN_ETOOLONG, "19 floats");
    expect_error(quern_embed(context, texts, SIZE_MAX / 4, &options, vectors, 20, NULL, &error), QUERN_ETOOLONG, "fit");
    assert_int_equal(quern_embed(context, NULL, 0, NULL, NULL, 0, NULL, &error), QUERN_OK);

    int32_t ids[8] = {[3] = -1};
    size_t count = 0;
    expect_error(quern_tokenize(context, text_of("1234"), NULL, ids, 3, &count, &error), QUERN_ETOOLONG, "6 tokens");
    assert_int_equal(count, 6);
    assert_int_equal(ids[3], -1);
    assert_int_equal(quern_tokenize(context, text_of("1234"), NULL, NULL, 0, &count, NULL), QUERN_ETOOLONG);
    assert_int_equal(count, 6);
}

static void test_embed_options(void **state)
{
    (void)state;
    static const struct {
        quern_embed_options options;
        const char *fragment;
    } bad[] = {
        {{.size = 0}, "size"},
        {{.size = 7}, "size"},
        {{.size = 1 << 20}, "size"},
        {{.size = sizeof(quern_embed_options), .task = -1}, "no task -1"},
        {{.size = sizeof(quern_embed_options), .task = 10}, "no task 10"},
        {{.size = sizeof(quern_embed_options), .dimensions = -1}, "1 to 64"},
        {{.size = sizeof(quern_embed_options), .dimensions = TRIAL_WIDTH + 1}, "65 dimensions"},
        {{.size = sizeof(quern_embed_options), .flags = QUERN_NO_SPECIAL}, "flags 0x8"},
        {{.size = sizeof(quern_embed_options), .flags = 1u << 31}, "flags 0x80000000"},
    };
    for (size_t i = 0; i < QUERN_COUNT(bad); i++) {
        float vector[TRIAL_WIDTH] = {5};
        expect_error(embed(text_of("a"), &bad[i].options, vector), QUERN_EINVAL, bad[i].fragment);
        assert_true(vector[0] == 5);
    }
    struct {
        quern_embed_options known;
        int later;
    } newer = {{.size = sizeof newer}, 0};
    float vector[TRIAL_WIDTH];
    assert_int_equal(embed(text_of("a"), &newer.known, vector), QUERN_OK);
    newer.later = 1;
    expect_error(embed(text_of("a"), &newer.known, vector), QUERN_EINVAL, "does not know");
    const quern_embed_options older = {.size = sizeof older.size, .task = 99}; /* fields behind its end are ignored */
    assert_int_equal(embed(text_of("a"), &older, vector), QUERN_OK);

    const quern_embed_options truncate = {.size = sizeof truncate, .flags = QUERN_TRUNCATE};
    size_t count;
    expect_error(quern_tokenize(context, text_of("a"), &truncate, NULL, 0, &count, &error), QUERN_EINVAL, "flags 0x1");
}

static void test_token_arguments(void **state)
{
    (void)state;
    float vector[TRIAL_WIDTH];
    const quern_embed_options task = {.size = sizeof task, .task = QUERN_TASK_QUERY};
    const quern_embed_options parse = {.size = sizeof parse, .flags = QUERN_PARSE_SPECIAL};
    const int32_t ids[] = {2, 639, 1, 640, -1};
    assert_int_equal(embed_ids(ids, 3, NULL, vector), QUERN_OK);
    expect_error(embed_ids(ids, 4, NULL, vector), QUERN_EINVAL, "token 640");
    expect_error(embed_ids(ids + 4, 1, NULL, vector), QUERN_EINVAL, "token -1");
    expect_error(embed_ids(ids, 0, NULL, vector), QUERN_EINVAL, "no tokens");
    expect_error(embed_ids(NULL, 1, NULL, vector), QUERN_EINVAL, "NULL");
    expect_error(embed_ids(ids, 3, &task, vector), QUERN_EINVAL, "task");
    expect_error(embed_ids(ids, 3, &parse, vector), QUERN_EINVAL, "special");
}

static void test_null(void **state)
{
    (void)state;
    float vector[TRIAL_WIDTH];
    size_t count;
    int32_t id;
    char space[QUERN_SPACE_SIZE];
    quern_model *no_model = NULL;
    quern_context *no_context = NULL;
    quern_model_info info = {.size = sizeof info};
    quern_context_info about = {.size = sizeof about};
    quern_piece piece;
    const quern_text text = text_of("a"), bad = {NULL, 1};
    expect_error(quern_model_open(NULL, "x", NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_model_open(&no_model, NULL, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_context_new(NULL, model, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_context_new(&no_context, NULL, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_embed(NULL, &text, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_embed(context, NULL, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_embed(context, &text, 1, NULL, NULL, TRIAL_WIDTH, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_embed(context, &bad, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_EINVAL, "data is NULL");
    expect_error(quern_embed_tokens(context, NULL, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_tokenize(NULL, text, NULL, &id, 1, &count, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_tokenize(context, text, NULL, &id, 1, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_tokenize(context, text, NULL, NULL, 1, &count, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_tokenize(context, bad, NULL, &id, 1, &count, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_model_describe(NULL, &info, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_model_describe(model, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_context_describe(NULL, &about, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_space(NULL, NULL, space, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_space(model, NULL, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_piece_get(NULL, 0, &piece, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_piece_get(model, 0, NULL, &error), QUERN_EINVAL, "NULL");
    assert_int_equal(quern_embed(NULL, NULL, 0, NULL, NULL, 0, NULL, NULL), QUERN_EINVAL);
    quern_model_close(NULL);
    quern_context_free(NULL);
}

static void test_making_contexts(void **state)
{
    (void)state;
    quern_model *other = trial_model(QUERN_TYPE_Q8_0, false, NULL);
    quern_context *of_other = trial_context(other, QUERN_PATH_FAST, 1, 0);
    const struct {
        quern_context_options options;
        const char *fragment;
    } bad[] = {
        {{.size = 1}, "size"},
        {{.size = sizeof(quern_context_options), .threads = -1}, "-1 threads"},
        {{.size = sizeof(quern_context_options), .threads = 100000}, "100000 threads"},
        {{.size = sizeof(quern_context_options), .path = 2}, "no path 2"},
        {{.size = sizeof(quern_context_options), .step_tokens = -1}, "-1 tokens"},
        {{.size = sizeof(quern_context_options), .step_tokens = INT32_MAX}, "tokens"},
        {{.size = sizeof(quern_context_options), .threads_of = context, .threads = 2}, "leave out one"},
        {{.size = sizeof(quern_context_options), .threads_of = of_other}, "another model"},
    };
    for (size_t i = 0; i < QUERN_COUNT(bad); i++) {
        quern_context *made = NULL;
        expect_error(quern_context_new(&made, model, &bad[i].options, &error), QUERN_EINVAL, bad[i].fragment);
        assert_null(made);
    }
    quern_context_free(of_other);
    quern_model_close(other);
    quern_context *made = trial_context(model, QUERN_PATH_EXACT, 3, 500);
    quern_context_info info = {.size = sizeof info};
    assert_int_equal(quern_context_describe(made, &info, NULL), QUERN_OK);
    assert_int_equal(info.threads, 3);
    assert_int_equal(info.step_tokens, 500);
    assert_string_equal(info.path, "exact");
    assert_true(info.arena_bytes > 500 * TRIAL_WIDTH * sizeof(float));
    assert_true(strlen(info.threads_reason) > 0);
    const quern_context_options shared = {.size = sizeof shared, .threads_of = made};
    quern_context *second = NULL;
    assert_int_equal(quern_context_new(&second, model, &shared, NULL), QUERN_OK);
    quern_context_free(made);
    assert_int_equal(quern_context_describe(second, &info, NULL), QUERN_OK);
    assert_int_equal(info.threads, 3);
    assert_string_equal(info.threads_reason, "those of another context");
    quern_context_free(second);
}

static void embed_in_its_own_pause(void *argument)
{
    const quern_text text = {"a", 1};
    const quern_tokens tokens = {(const int32_t[]){3}, 1};
    float vector[TRIAL_WIDTH];
    quern_context *paused = *(quern_context **)argument;
    expect_error(quern_embed(paused, &text, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_EINVAL, "pause");
    expect_error(quern_embed_tokens(paused, &tokens, 1, NULL, vector, TRIAL_WIDTH, NULL, &error), QUERN_EINVAL,
                 "pause");
}

static void test_a_context_in_its_own_pause(void **state)
{
    (void)state;
    quern_context *paused = NULL;
    const quern_context_options options = {.size = sizeof options, .pause = embed_in_its_own_pause,
                                           .pause_argument = &paused};
    const quern_text text = {"a text", 6};
    float with[TRIAL_WIDTH], without[TRIAL_WIDTH];
    assert_int_equal(quern_context_new(&paused, model, &options, NULL), QUERN_OK);
    assert_int_equal(quern_embed(paused, &text, 1, NULL, with, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_embed(context, &text, 1, NULL, without, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    assert_memory_equal(with, without, sizeof with);
    quern_context_free(paused);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dimensions),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_title),
        cmocka_unit_test(test_special_in_text),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_embed_options),
        cmocka_unit_test(test_token_arguments),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_making_contexts),
        cmocka_unit_test(test_a_context_in_its_own_pause),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
