/* A whole model with a unigram tokenizer: texts of which one token, or none, stands for any number of bytes are cut,
 * chunked and refused in time that depends on the text. */
#include "base/count.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { BOS = 2, EOS = 1, LONG = 200000 };

static quern_model *model;
static quern_context *context;
static quern_error error;
static char text_bytes[8 * LONG];
static int32_t whole[4 * LONG], ids[TRIAL_CONTEXT];

static int open_model(void **state)
{
    struct quern_recipe recipe = quern_recipe_bert();
    char path[TRIAL_PATH];
    (void)state;
    recipe.unigram = recipe.spaced = true;
    trial_make(path, &recipe);
    model = trial_open(path, NULL);
    unlink(path);
    context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    quern_context_free(context);
    quern_model_close(model);
    return 0;
}

/* first, then middle again and again, then last. */
static quern_text make_text(const char *first, const char *middle, size_t times, const char *last)
{
    size_t length = strlen(first);
    memcpy(text_bytes, first, length);
    for (size_t i = 0; i < times; i++, length += strlen(middle))
        memcpy(text_bytes + length, middle, strlen(middle));
    memcpy(text_bytes + length, last, strlen(last));
    return (quern_text){text_bytes, length + strlen(last)};
}

static size_t count_tokens(quern_text text)
{
    size_t count;
    assert_int_equal(quern_tokenize(context, text, NULL, whole, QUERN_COUNT(whole), &count, &error), QUERN_OK);
    assert_int_equal(whole[0], BOS);
    assert_int_equal(whole[count - 1], EOS);
    return count;
}

static void truncate_to(quern_text text, size_t tokens, unsigned flags, size_t expected)
{
    const quern_embed_options options = {.size = sizeof options, .flags = flags};
    quern_text part;
    assert_int_equal(quern_truncate(context, text, &options, tokens, &part, &error), QUERN_OK);
    assert_int_equal(part.length, expected);
    assert_ptr_equal(part.data, flags & QUERN_TRUNCATE_START ? text.data + text.length - expected : text.data);
}

/* White space has no tokens, but for the user-defined ones of this vocabulary, which are of spaces, tabs and line
 * feeds. A part of a text goes up to the next token. */
static void test_white_space(void **state)
{
    (void)state;
    const quern_text text = make_text("the", "\r", LONG, "of");
    quern_result result;
    assert_int_equal(count_tokens(text), 4);
    truncate_to(text, 4, 0, text.length);
    truncate_to(text, 3, 0, 3 + LONG);
    truncate_to(text, 3, QUERN_TRUNCATE_START, LONG + 2);
    assert_int_equal(quern_prepare(context, text, NULL, ids, TRIAL_CONTEXT, &result, &error), QUERN_OK);
    assert_int_equal(result.tokens, 4);
    assert_int_equal(result.at_least, 0);
}

/* One token stands for all unknown characters that follow each other. */
static void test_unknown_characters(void **state)
{
    (void)state;
    const quern_text text = make_text("the ", "\U00010380", LONG, " of");
    const size_t count = count_tokens(text);
    quern_result result;
    assert_in_range(count, 5, 6); /* the space before the unknown characters may be a token */
    truncate_to(text, count - 1, 0, text.length - 2);
    assert_int_equal(quern_prepare(context, text, NULL, ids, TRIAL_CONTEXT, &result, &error), QUERN_OK);
    assert_int_equal(result.tokens, count);
    assert_memory_equal(ids, whole, count * sizeof *ids);
}

static void test_many_tokens(void **state)
{
    (void)state;
    const quern_text text = make_text("", "the of ", LONG, "");
    const size_t count = count_tokens(text);
    quern_embed_options options = {.size = sizeof options};
    quern_result result;
    assert_int_equal(count, 2 * LONG + 2);
    expect_error(quern_prepare(context, text, &options, ids, TRIAL_CONTEXT, &result, &error), QUERN_ETOOLONG,
                 "at least");
    assert_int_equal(result.at_least, 1);
    assert_in_range(result.tokens, TRIAL_CONTEXT + 1, count);
    options.flags = QUERN_TRUNCATE;
    assert_int_equal(quern_prepare(context, text, &options, ids, TRIAL_CONTEXT, &result, &error), QUERN_OK);
    assert_int_equal(result.tokens, TRIAL_CONTEXT);
    assert_int_equal(result.at_least, 1);
    assert_in_range(result.truncated, 1, count - TRIAL_CONTEXT);
    assert_memory_equal(ids, whole, (TRIAL_CONTEXT - 1) * sizeof *ids);
    assert_int_equal(ids[TRIAL_CONTEXT - 1], EOS);
    options.flags = QUERN_TRUNCATE_START;
    assert_int_equal(quern_prepare(context, text, &options, ids, TRIAL_CONTEXT, &result, &error), QUERN_OK);
    assert_int_equal(ids[0], BOS);
    assert_memory_equal(ids + 1, whole + count - (TRIAL_CONTEXT - 1), (TRIAL_CONTEXT - 1) * sizeof *ids);
    truncate_to(text, 100, 0, 98 / 2 * 7);
}

static void test_chunks(void **state)
{
    (void)state;
    const quern_text text = make_text("the of\r", "the\r\r\rof and\r", 300, "of\r");
    const quern_chunk_options options = {.size = sizeof options, .tokens = 32};
    static quern_chunk chunks[1000];
    size_t count, end = 0, tokens = 0;
    assert_int_equal(quern_chunk_text(context, text, NULL, &options, chunks, QUERN_COUNT(chunks), &count, &error),
                     QUERN_OK);
    for (size_t i = 0; i < count; i++) {
        assert_in_range(chunks[i].tokens, 3, 32);
        for (; end < chunks[i].begin; end++)
            assert_true(text.data[end] == ' ' || text.data[end] == '\r');
        end = chunks[i].end;
        tokens += chunks[i].tokens - 2;
    }
    assert_int_equal(tokens, count_tokens(text) - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_white_space),
        cmocka_unit_test(test_unknown_characters),
        cmocka_unit_test(test_many_tokens),
        cmocka_unit_test(test_chunks),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
