/* Texts that are too long: which tokens are embedded, and which part of a text fits. */
#include "base/count.h"
#include "base/utf8.h"
#include "formats/formats.h"
#include "long_texts.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST_IDS = 1 << 15 };

static quern_model *model;
static quern_context *context;
static quern_error error;
static int32_t ids[MOST_IDS], whole[MOST_IDS];
static bool is_wordpiece;

static int open_model(void **state)
{
    (void)state;
    model = trial_model(QUERN_TYPE_Q8_0, true, NULL);
    context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    return 0;
}

/* The same with WordPiece, in which any number of bytes may stand for one token, or for none. */
static int open_wordpiece(void **state)
{
    (void)state;
    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, true);
    char path[TRIAL_PATH];
    recipe.tokenizer = "bert";
    is_wordpiece = true;
    trial_make(path, &recipe);
    model = trial_open(path, NULL);
    context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    unlink(path);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    quern_context_free(context);
    quern_model_close(model);
    return 0;
}

static size_t tokenize(quern_text text, quern_embed_options options, int32_t *out)
{
    size_t count;
    options.size = sizeof options;
    options.flags &= QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL;
    assert_int_equal(quern_tokenize(context, text, &options, out, MOST_IDS, &count, &error), QUERN_OK);
    return count;
}

/* ---------------------------------------------------------------- tokens */

static void test_tokens_are_cut(void **state)
{
    (void)state;
    static const int32_t all[6] = {1, 2, 3, 4, 5, 6};
    static const struct {
        size_t limit, left;
        unsigned flags;
        int32_t expected[6];
    } cases[] = {
        {9, 6, QUERN_TRUNCATE, {1, 2, 3, 4, 5, 6}}, {6, 6, QUERN_TRUNCATE_START, {1, 2, 3, 4, 5, 6}},
        {4, 4, QUERN_TRUNCATE, {1, 2, 3, 6}},       {4, 4, QUERN_TRUNCATE_START, {1, 4, 5, 6}},
        {2, 2, QUERN_TRUNCATE, {1, 6}},             {2, 2, QUERN_TRUNCATE_START, {1, 6}},
        {1, 1, QUERN_TRUNCATE, {6}},                {1, 1, QUERN_TRUNCATE_START, {6}},
        {0, 0, QUERN_TRUNCATE, {0}},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        int32_t cut[6];
        memcpy(cut, all, sizeof all);
        assert_int_equal(quern_truncate_tokens(cut, 6, cases[i].limit, cases[i].flags), cases[i].left);
        assert_memory_equal(cut, cases[i].expected, cases[i].left * sizeof *cut);
    }
}

/* The tokens of quern_prepare give the vector of quern_embed, and are the right part of all tokens. */
static void check_prepared(quern_text text, const quern_embed_options *options)
{
    float vector[TRIAL_WIDTH], of_ids[TRIAL_WIDTH];
    quern_result prepared, embedded;
    int code = quern_prepare(context, text, options, ids, TRIAL_CONTEXT, &prepared, &error);
    assert_int_equal(code, QUERN_OK);
    assert_int_equal(prepared.code, QUERN_OK);
    code = quern_embed(context, &text, 1, options, vector, TRIAL_WIDTH, &embedded, &error);
    assert_int_equal(code, QUERN_OK);
    assert_memory_equal(&prepared, &embedded, sizeof prepared);
    const quern_tokens tokens = {ids, prepared.tokens};
    code = quern_embed_tokens(context, &tokens, 1, NULL, of_ids, TRIAL_WIDTH, NULL, &error);
    assert_int_equal(code, QUERN_OK);
    assert_memory_equal(vector, of_ids, sizeof vector);

    const size_t count = tokenize(text, *options, whole);
    const size_t prompt = tokenize((quern_text){"", 0}, *options, whole + count);
    assert_int_equal(prepared.tokens, count < TRIAL_CONTEXT ? count : TRIAL_CONTEXT);
    assert_true(prepared.at_least == 0 || is_wordpiece);
    assert_true(prepared.tokens + prepared.truncated <= count);
    if (prepared.at_least == 0)
        assert_int_equal(prepared.tokens + prepared.truncated, count);
    assert_int_equal(ids[0], whole[0]);
    assert_int_equal(ids[prepared.tokens - 1], whole[count - 1]);
    if (options->flags & QUERN_TRUNCATE_START) {
        const size_t end = prepared.tokens - prompt;
        assert_memory_equal(ids + prompt, whole + count - end, end * sizeof *ids);
        assert_memory_equal(ids, whole, (prompt - 2) * sizeof *ids); /* the prompt's last token may join the text */
    } else {
        assert_memory_equal(ids, whole, (prepared.tokens - 1) * sizeof *ids);
    }
}

static void test_prepared_tokens(void **state)
{
    (void)state;
    static const quern_embed_options options[] = {
        {.size = sizeof options[0], .flags = QUERN_TRUNCATE},
        {.size = sizeof options[0], .flags = QUERN_TRUNCATE_START},
        {.size = sizeof options[0], .flags = QUERN_TRUNCATE_START, .task = QUERN_TASK_QUERY},
        {.size = sizeof options[0], .flags = QUERN_TRUNCATE, .task = QUERN_TASK_DOCUMENT, .title = {"A title", 7}},
        {.size = sizeof options[0], .flags = QUERN_TRUNCATE_START, .task = QUERN_TASK_DOCUMENT, .title = {"name", 4}},
        {.size = sizeof options[0], .flags = QUERN_TRUNCATE_START | QUERN_PARSE_SPECIAL},
    };
    static const size_t lengths[] = {0, 1, 100, 1000, 3000};
    for (size_t o = 0; o < QUERN_COUNT(options); o++)
        for (size_t l = 0; l < QUERN_COUNT(lengths); l++)
            for (int i = 0;; i++) {
                const quern_text text = trial_text(i, lengths[l]);
                if (text.data == NULL)
                    break;
                check_prepared(text, &options[o]);
                free((char *)text.data);
            }
}

/* A prompt that takes more than half of the tokens does not stay: the text would have no room. */
static void test_long_title(void **state)
{
    (void)state;
    char title[200], data[400];
    memset(title, '7', sizeof title);
    memset(data, '5', sizeof data);
    quern_result result;
    const quern_text text = {data, sizeof data};
    const quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_DOCUMENT,
                                         .title = {title, sizeof title}, .flags = QUERN_TRUNCATE_START};
    const size_t count = tokenize(text, options, whole);
    assert_int_equal(quern_prepare(context, text, &options, ids, TRIAL_CONTEXT, &result, &error), QUERN_OK);
    assert_int_equal(result.tokens, TRIAL_CONTEXT);
    assert_int_equal(ids[0], whole[0]);
    assert_memory_equal(ids + 1, whole + count - (TRIAL_CONTEXT - 1), (TRIAL_CONTEXT - 1) * sizeof *ids);
}

/* Of a text far too long, only a part is tokenised: the number of tokens is a lower bound. */
static void test_very_long_text(void **state)
{
    (void)state;
    const size_t length = (size_t)64 << 20;
    char *data = malloc(length);
    quern_result result;
    quern_embed_options options = {.size = sizeof options};
    quern_tokenizer_info info = {.size = sizeof info};
    assert_non_null(data);
    memset(data, '5', length);
    memcpy(data + length - 3, "end", 3);
    const quern_text text = {data, length};
    assert_int_equal(quern_tokenizer_describe(model, &info, &error), QUERN_OK);
    expect_error(quern_prepare(context, text, &options, ids, TRIAL_CONTEXT, &result, &error), QUERN_ETOOLONG,
                 "at least");
    assert_int_equal(result.code, QUERN_ETOOLONG);
    assert_int_equal(result.tokens, (length + (size_t)info.longest_piece - 1) / (size_t)info.longest_piece);
    assert_int_equal(result.at_least, 1);
    options.flags = QUERN_TRUNCATE;
    assert_int_equal(quern_prepare(context, text, &options, ids, TRIAL_CONTEXT, &result, &error), QUERN_OK);
    assert_int_equal(result.tokens, TRIAL_CONTEXT);
    assert_int_equal(result.at_least, 1);
    assert_true(result.truncated >= length / (size_t)info.longest_piece - TRIAL_CONTEXT && result.truncated < length);
    options.flags = QUERN_TRUNCATE_START;
    assert_int_equal(quern_prepare(context, text, &options, ids, TRIAL_CONTEXT, &result, &error), QUERN_OK);
    assert_int_equal(result.tokens, TRIAL_CONTEXT);
    const size_t count = tokenize((quern_text){data + length - 300, 300}, options, whole);
    assert_memory_equal(ids + 2, whole + count - (TRIAL_CONTEXT - 2), (TRIAL_CONTEXT - 2) * sizeof *ids);
    free(data);
}

static void test_prepare_refuses(void **state)
{
    (void)state;
    quern_result result;
    quern_embed_options options = {.size = sizeof options};
    const quern_text text = {"1234", 4}, bad = {NULL, 1};
    ids[4] = -7;
    expect_error(quern_prepare(context, text, &options, ids, 4, &result, &error), QUERN_ETOOLONG, "room for 4");
    assert_int_equal(result.tokens, 6);
    result.tokens = 99;
    expect_error(quern_prepare(context, bad, &options, ids, 9, &result, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_prepare(NULL, text, &options, ids, 9, &result, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_prepare(context, text, &options, NULL, 9, &result, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_prepare(context, text, &options, ids, 9, NULL, &error), QUERN_EINVAL, "NULL");
    options.flags = QUERN_KEEP_SPACE;
    expect_error(quern_prepare(context, text, &options, ids, 9, &result, &error), QUERN_EINVAL, "flags 0x20");
    assert_int_equal(result.tokens, 99);
    assert_int_equal(ids[4], -7);
    assert_int_equal(quern_prepare(context, text, NULL, ids, 6, &result, &error), QUERN_OK);
    assert_int_equal(result.tokens, 6);
}

/* A word of which a part of the text has the first 90 characters, each a token, is longer, and so is one unknown token.
 * The word begins at many places, because one of them is that far before the end of the part that is tokenised. */
static void test_word_beside_the_cut(void **state)
{
    (void)state;
    enum { WORDS = 235, WORD = 1000, FIRST = 1700, LAST = 2400, LENGTH = LAST + WORD + 2 * TRIAL_CONTEXT };
    static const quern_embed_options options = {.size = sizeof options, .flags = QUERN_TRUNCATE};
    char data[LENGTH];
    for (size_t begin = FIRST; begin <= LAST; begin += 10) {
        memset(data, 1, sizeof data); /* characters that are left out */
        for (size_t i = 0; i < WORDS; i++)
            memcpy(data + 2 * i, "h ", 2);
        memset(data + begin, 'h', WORD);
        for (size_t i = begin + WORD; i + 2 <= LENGTH; i += 2)
            memcpy(data + i, " h", 2);
        check_prepared((quern_text){data, LENGTH}, &options);
    }
}

/* ---------------------------------------------------------------- parts of texts */

static bool fits(quern_text text, const quern_embed_options *options, size_t tokens)
{
    return tokenize(text, *options, ids) <= tokens;
}

/* The part is the beginning or the end of the text, fits, and does not with one character more. */
static void check_part(quern_text text, const quern_embed_options *options, size_t tokens)
{
    const bool from_end = (options->flags & QUERN_TRUNCATE_START) != 0;
    quern_text part;
    assert_int_equal(quern_truncate(context, text, options, tokens, &part, &error), QUERN_OK);
    assert_true(part.length <= text.length);
    assert_true(part.data == (from_end ? text.data + (text.length - part.length) : text.data));
    assert_true(quern_utf8_is_boundary(text, from_end ? text.length - part.length : part.length));
    if (!fits((quern_text){"", 0}, options, tokens)) {
        assert_int_equal(part.length, 0);
        return;
    }
    assert_true(fits(part, options, tokens));
    if (part.length == text.length)
        return;
    quern_text more = {part.data, quern_utf8_ceil(text, part.length + 1)};
    if (from_end) {
        more.data = text.data + quern_utf8_floor(text, text.length - part.length - 1);
        more.length = (size_t)(text.data + text.length - more.data);
    }
    assert_false(fits(more, options, tokens));
}

static void test_parts(void **state)
{
    (void)state;
    static const quern_embed_options options[] = {
        {.size = sizeof options[0]},
        {.size = sizeof options[0], .flags = QUERN_TRUNCATE_START},
        {.size = sizeof options[0], .flags = QUERN_NO_SPECIAL, .task = QUERN_TASK_QUERY},
        {.size = sizeof options[0], .flags = QUERN_TRUNCATE_START | QUERN_PARSE_SPECIAL, .task = QUERN_TASK_DOCUMENT,
         .title = {"A title", 7}},
    };
    static const size_t lengths[] = {0, 40, 3000}, limits[] = {1, 2, 3, 4, 7, 30, 50, 200, 5000};
    for (size_t o = 0; o < QUERN_COUNT(options); o++)
        for (size_t l = 0; l < QUERN_COUNT(lengths); l++)
            for (int i = 0;; i++) {
                const quern_text text = trial_text(i, lengths[l]);
                if (text.data == NULL)
                    break;
                for (size_t k = 0; k < QUERN_COUNT(limits); k++)
                    check_part(text, &options[o], limits[k]);
                free((char *)text.data);
            }
}

static void test_part_of_context(void **state)
{
    (void)state;
    const quern_text text = trial_text(0, (size_t)8 << 20);
    quern_text part = {"kept", 4};
    quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY};
    assert_int_equal(quern_truncate(context, text, &options, 0, &part, &error), QUERN_OK);
    assert_true(part.length > 0 && fits(part, &options, TRIAL_CONTEXT));
    float vector[TRIAL_WIDTH];
    assert_int_equal(quern_embed(context, &part, 1, &options, vector, TRIAL_WIDTH, NULL, &error), QUERN_OK);
    const quern_text before = part;
    options.flags = QUERN_NO_NORMALIZE;
    expect_error(quern_truncate(context, text, &options, 0, &part, &error), QUERN_EINVAL, "flags 0x4");
    expect_error(quern_truncate(NULL, text, NULL, 0, &part, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_truncate(context, text, NULL, 0, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_truncate(context, (quern_text){NULL, 1}, NULL, 0, &part, &error), QUERN_EINVAL, "NULL");
    assert_true(part.data == before.data && part.length == before.length);
    free((char *)text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_cut), cmocka_unit_test(test_prepared_tokens),
        cmocka_unit_test(test_long_title),     cmocka_unit_test(test_very_long_text),
        cmocka_unit_test(test_prepare_refuses),
        cmocka_unit_test(test_parts),          cmocka_unit_test(test_part_of_context),
    };
    const struct CMUnitTest of_wordpiece[] = {
        cmocka_unit_test(test_prepared_tokens), cmocka_unit_test(test_word_beside_the_cut),
        cmocka_unit_test(test_parts),           cmocka_unit_test(test_part_of_context),
    };
    return cmocka_run_group_tests(tests, open_model, close_model) +
           cmocka_run_group_tests(of_wordpiece, open_wordpiece, close_model);
}
