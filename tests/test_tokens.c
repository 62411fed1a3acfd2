/* What programs ask about tokens: where they stand in a text, and which text they stand for. */
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

enum { MOST_IDS = 1 << 14, MOST_TEXT = 1 << 16 };

/* One whose vocabulary puts a space before a text, and one whose does not. */
static quern_model *models[2];
static quern_context *contexts[2];
static quern_error error;
static int32_t ids[MOST_IDS];
static quern_token_span spans[MOST_IDS];
static char out[MOST_TEXT], wanted[MOST_TEXT];

static int open_models(void **state)
{
    (void)state;
    for (int spaced = 0; spaced < 2; spaced++) {
        char path[TRIAL_PATH];
        struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, false);
        recipe.spaced = spaced;
        trial_make(path, &recipe);
        models[spaced] = trial_open(path, NULL);
        unlink(path);
        contexts[spaced] = trial_context(models[spaced], QUERN_PATH_FAST, 1, 0);
    }
    return 0;
}

static int close_models(void **state)
{
    (void)state;
    for (int spaced = 0; spaced < 2; spaced++) {
        quern_context_free(contexts[spaced]);
        quern_model_close(models[spaced]);
    }
    return 0;
}

static size_t tokenize(int spaced, quern_text text, const quern_embed_options *options)
{
    size_t count = 0;
    assert_int_equal(quern_tokenize(contexts[spaced], text, options, ids, MOST_IDS, &count, &error), QUERN_OK);
    return count;
}

static void test_describe(void **state)
{
    (void)state;
    for (int spaced = 0; spaced < 2; spaced++) {
        quern_tokenizer_info info = {.size = sizeof info};
        assert_int_equal(quern_tokenizer_describe(models[spaced], &info, &error), QUERN_OK);
        assert_string_equal(info.kind, "sentencepiece");
        assert_int_equal(info.vocabulary, 640);
        assert_int_equal(info.bos, 2);
        assert_int_equal(info.eos, 1);
        assert_int_equal(info.unknown, 3);
        assert_int_equal(info.puts_space, spaced);
        info.size = 1;
        expect_error(quern_tokenizer_describe(models[spaced], &info, &error), QUERN_EINVAL, "size");
        expect_error(quern_tokenizer_describe(models[spaced], NULL, &error), QUERN_EINVAL, "NULL");
        expect_error(quern_tokenizer_describe(NULL, &info, &error), QUERN_EINVAL, "NULL");
    }
}

/* A rule for words that the library does not know is refused by name. Two rules are two spaces. */
static void test_rules_for_words(void **state)
{
    (void)state;
    static const char *const rules[] = {"qwen2", "gpt-2", "other-bpe"};
    const quern_text text = {"the word", 8};
    char spaces[QUERN_COUNT(rules)][QUERN_SPACE_SIZE];
    size_t count;
    for (size_t i = 0; i < QUERN_COUNT(rules); i++) {
        char path[TRIAL_PATH];
        quern_tokenizer_info info = {.size = sizeof info};
        struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, false);
        recipe.tokenizer = "gpt2";
        recipe.merges = true;
        recipe.pre = rules[i];
        trial_make(path, &recipe);
        quern_model *model = trial_open(path, NULL);
        unlink(path);
        quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
        assert_int_equal(quern_space(model, NULL, spaces[i], &error), QUERN_OK);
        if (i < 2) {
            assert_int_equal(quern_tokenizer_describe(model, &info, &error), QUERN_OK);
            assert_string_equal(info.kind, "byte-bpe");
            assert_int_equal(quern_tokenize(context, text, NULL, ids, MOST_IDS, &count, &error), QUERN_OK);
            assert_true(count > 2);
        } else {
            expect_error(quern_tokenize(context, text, NULL, ids, MOST_IDS, &count, &error), QUERN_EUNSUPPORTED,
                         "tokenizer.ggml.pre is \"other-bpe\", a rule for the words of a \"gpt2\" tokenizer");
        }
        quern_context_free(context);
        quern_model_close(model);
    }
    assert_string_not_equal(spaces[0], spaces[1]);
}

/* ---------------------------------------------------------------- spans */

/* The text with a space for each U+2581, as these tokenizers do not tell the two apart. */
static size_t with_spaces(quern_text text, char *spaced)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        const bool is_space = text.length - i >= 3 && memcmp(text.data + i, "\xe2\x96\x81", 3) == 0;
        spaced[length++] = is_space ? ' ' : text.data[i];
        i += is_space ? 2 : 0;
    }
    return length;
}

static bool is_utf8(quern_text text)
{
    for (size_t i = 0, length; i < text.length; i += length) {
        length = quern_utf8_length((const unsigned char *)text.data + i, text.length - i);
        if (length == 0)
            return false;
    }
    return true;
}

/* Spans cover prompt and text without gaps, in order; and detokenising valid UTF-8 gives the text again. */
static void check_text(int spaced, quern_text text, const quern_embed_options *options)
{
    const size_t count = tokenize(spaced, text, options);
    size_t covered[3] = {0}, length;
    assert_int_equal(quern_token_spans(contexts[spaced], text, options, ids, count, spans, &error), QUERN_OK);
    for (size_t i = 0; i < count; i++) {
        const quern_token_span *span = &spans[i];
        assert_true(span->part >= QUERN_PART_ADDED && span->part <= QUERN_PART_TEXT);
        assert_int_equal(span->part == QUERN_PART_ADDED, i == 0 || i == count - 1);
        assert_int_equal(span->begin, covered[span->part]);
        assert_true(span->end >= span->begin);
        covered[span->part] = span->end;
    }
    assert_int_equal(covered[QUERN_PART_TEXT], text.length);
    if (options->task != QUERN_TASK_NONE || !is_utf8(text))
        return;
    assert_int_equal(quern_detokenize(models[spaced], ids, count, QUERN_NO_SPECIAL, out, MOST_TEXT, &length, &error),
                     QUERN_OK);
    assert_int_equal(length, with_spaces(text, wanted));
    assert_memory_equal(out, wanted, length);
}

static void test_texts(void **state)
{
    (void)state;
    static const quern_embed_options options[] = {
        {.size = sizeof options[0]},
        {.size = sizeof options[0], .task = QUERN_TASK_QUERY},
        {.size = sizeof options[0], .task = QUERN_TASK_DOCUMENT, .title = {"A title", 7}},
    };
    for (int spaced = 0; spaced < 2; spaced++)
        for (size_t o = 0; o < QUERN_COUNT(options); o++)
            for (int i = 0;; i++) {
                const quern_text text = trial_text(i, 1000);
                if (text.data == NULL)
                    break;
                check_text(spaced, text, &options[o]);
                free((char *)text.data);
            }
}

static void test_spans_of_prompts(void **state)
{
    (void)state;
    const quern_text text = {"12", 2};
    const quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY};
    const size_t count = tokenize(0, text, &options), prompt = strlen(quern_model_prompt(models[0], QUERN_TASK_QUERY));
    assert_int_equal(quern_token_spans(contexts[0], text, &options, ids, count, spans, &error), QUERN_OK);
    assert_int_equal(spans[count - 4].part, QUERN_PART_PROMPT);
    assert_int_equal(spans[count - 4].end, prompt);
    for (size_t i = 0; i < 2; i++) {
        const quern_token_span *span = &spans[count - 3 + i];
        assert_true(span->begin == i && span->end == i + 1 && span->part == QUERN_PART_TEXT);
    }
    assert_int_equal(spans[count - 1].part, QUERN_PART_ADDED);
}

static void test_spans_refuse(void **state)
{
    (void)state;
    const quern_text text = {"1234", 4};
    const quern_embed_options truncate = {.size = sizeof truncate, .flags = QUERN_TRUNCATE};
    const size_t count = tokenize(0, text, NULL);
    quern_context *c = contexts[0];
    expect_error(quern_token_spans(c, text, NULL, ids, count - 1, spans, &error), QUERN_EINVAL, "");
    expect_error(quern_token_spans(c, (quern_text){"1243", 4}, NULL, ids, count, spans, &error), QUERN_EINVAL, "");
    expect_error(quern_token_spans(c, text, &truncate, ids, count, spans, &error), QUERN_EINVAL, "flags 0x1");
    expect_error(quern_token_spans(NULL, text, NULL, ids, count, spans, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_token_spans(c, text, NULL, NULL, count, spans, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_token_spans(c, text, NULL, ids, count, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_token_spans(c, (quern_text){NULL, 1}, NULL, ids, count, spans, &error), QUERN_EINVAL, "NULL");
}

/* ---------------------------------------------------------------- text of tokens */

static void expect_text(int spaced, size_t count, unsigned flags, const char *string)
{
    size_t length;
    assert_int_equal(quern_detokenize(models[spaced], ids, count, flags, out, MOST_TEXT, &length, &error), QUERN_OK);
    assert_int_equal(length, strlen(string));
    assert_memory_equal(out, string, length);
}

static void test_detokenize(void **state)
{
    (void)state;
    const quern_text text = {"5 \n6", 4};
    size_t count = tokenize(0, text, NULL);
    expect_text(0, count, 0, "<bos>5 \n6<eos>");
    expect_text(0, count, QUERN_NO_SPECIAL, "5 \n6");
    expect_text(0, count, QUERN_NO_SPECIAL | QUERN_KEEP_SPACE, "5 \n6");
    expect_text(0, 0, 0, "");
    count = tokenize(1, text, NULL);
    expect_text(1, count, 0, "<bos>5 \n6<eos>");
    expect_text(1, count, QUERN_NO_SPECIAL, "5 \n6");
    expect_text(1, count, QUERN_NO_SPECIAL | QUERN_KEEP_SPACE, " 5 \n 6"); /* a special piece begins a text anew */
}

static void test_detokenize_refuses(void **state)
{
    (void)state;
    const size_t count = tokenize(0, (quern_text){"1234", 4}, NULL);
    size_t length = 0;
    memcpy(out, "kept", 4);
    expect_error(quern_detokenize(models[0], ids, count, QUERN_NO_SPECIAL, out, 3, &length, &error), QUERN_ETOOLONG,
                 "3");
    assert_int_equal(length, 4);
    assert_memory_equal(out, "kept", 4);
    length = 0;
    expect_error(quern_detokenize(models[0], ids, count, QUERN_NO_SPECIAL, NULL, 0, &length, &error), QUERN_ETOOLONG,
                 "0");
    assert_int_equal(length, 4);
    ids[1] = 640;
    expect_error(quern_detokenize(models[0], ids, count, 0, out, 9, &length, &error), QUERN_EINVAL, "640");
    expect_error(quern_detokenize(models[0], ids, 1, QUERN_TRUNCATE, out, 9, &length, &error), QUERN_EINVAL, "0x1");
    expect_error(quern_detokenize(NULL, ids, 1, 0, out, 9, &length, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_detokenize(models[0], NULL, 1, 0, out, 9, &length, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_detokenize(models[0], ids, 1, 0, NULL, 9, &length, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_detokenize(models[0], ids, 1, 0, out, 9, NULL, &error), QUERN_EINVAL, "NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_rules_for_words),       cmocka_unit_test(test_texts),
        cmocka_unit_test(test_spans_of_prompts), cmocka_unit_test(test_spans_refuse),
        cmocka_unit_test(test_detokenize),     cmocka_unit_test(test_detokenize_refuses),
    };
    return cmocka_run_group_tests(tests, open_models, close_models);
}
