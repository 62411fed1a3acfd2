/* Long texts in chunks: what every chunking must keep, and where chunks end. */
#include "api/boundary.h"
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

enum { MOST_CHUNKS = 1 << 14 };

static quern_model *model;
static quern_context *context;
static quern_error error;
static quern_chunk chunks[MOST_CHUNKS];

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

static size_t count_tokens(quern_text text, size_t begin, size_t end, const quern_embed_options *options)
{
    size_t count = 0;
    quern_tokenize(context, (quern_text){text.data + begin, end - begin}, options, NULL, 0, &count, NULL);
    return count;
}

static size_t chunk(quern_text text, const quern_embed_options *options, size_t tokens, size_t overlap)
{
    const quern_chunk_options how = {.size = sizeof how, .tokens = tokens, .overlap = overlap};
    size_t count = 0;
    int code = quern_chunk_text(context, text, options, &how, chunks, MOST_CHUNKS, &count, &error);
    if (code != QUERN_OK)
        fail_msg("%s", error.text);
    return count;
}

/* ---------------------------------------------------------------- what always holds */

static void check_chunks(quern_text text, const quern_embed_options *options, size_t tokens, size_t overlap)
{
    const size_t count = chunk(text, options, tokens, overlap);
    size_t covered = 0;
    for (size_t i = 0; i < count; i++) {
        const quern_chunk *c = &chunks[i];
        assert_true(c->begin < c->end && c->end <= text.length);
        assert_true(quern_utf8_is_boundary(text, c->begin) && quern_utf8_is_boundary(text, c->end));
        assert_int_equal(quern_white_skip(text, c->begin), c->begin);
        assert_int_equal(quern_white_trim(text, c->begin, c->end), c->end);
        assert_int_equal(c->tokens, count_tokens(text, c->begin, c->end, options));
        assert_true(c->tokens <= tokens);
        /* nothing but white space between this chunk and those before, and something new in it */
        assert_true(quern_white_skip(text, covered) >= c->begin);
        assert_true(c->end > covered);
        if (i > 0)
            assert_true(c->begin > chunks[i - 1].begin);
        if (i > 0 && overlap == 0)
            assert_true(c->begin >= covered);
        if (i > 0 && c->begin < covered) /* a token more than asked for, as the cut itself changes tokens */
            assert_true(count_tokens(text, c->begin, covered, options) <=
                        count_tokens(text, 0, 0, options) + overlap + 8);
        covered = c->end;
    }
    assert_int_equal(quern_white_skip(text, covered), text.length);
}

static void test_properties(void **state)
{
    (void)state;
    static const quern_embed_options options[] = {
        {.size = sizeof options[0]},
        {.size = sizeof options[0], .task = QUERN_TASK_QUERY},
    };
    static const size_t lengths[] = {0, 1, 30, 5000}, limits[] = {60, 100, 256}, overlaps[] = {0, 1, 7};
    for (size_t o = 0; o < QUERN_COUNT(options); o++)
        for (size_t l = 0; l < QUERN_COUNT(lengths); l++)
            for (int i = 0;; i++) {
                const quern_text text = trial_text(i, lengths[l]);
                if (text.data == NULL)
                    break;
                for (size_t k = 0; k < QUERN_COUNT(limits); k++)
                    for (size_t v = 0; v < QUERN_COUNT(overlaps); v++)
                        check_chunks(text, &options[o], limits[k], overlaps[v]);
                free((char *)text.data);
            }
}

/* Time is linear in the length. */
static void test_large_texts(void **state)
{
    (void)state;
    for (int i = 0;; i++) {
        const quern_text text = trial_text(i, (size_t)1 << 18);
        const quern_embed_options options = {.size = sizeof options};
        if (text.data == NULL)
            break;
        check_chunks(text, &options, 256, 20);
        free((char *)text.data);
    }
}

/* Chunks with an overlap share about so many tokens, and begin at a word. */
static void test_overlap(void **state)
{
    (void)state;
    const quern_text text = trial_text(1, 20000);
    const quern_embed_options options = {.size = sizeof options, .flags = 0};
    for (size_t overlap = 5; overlap <= 100; overlap += 19) {
        const size_t count = chunk(text, &options, 256, overlap);
        assert_true(count > 20);
        for (size_t i = 1; i < count; i++) {
            const size_t shared = count_tokens(text, chunks[i].begin, chunks[i - 1].end, &options) - 2;
            assert_true(chunks[i].begin < chunks[i - 1].end && shared <= overlap + 1 && shared + 10 >= overlap);
            assert_int_equal(text.data[chunks[i].begin - 1], ' ');
        }
    }
    free((char *)text.data);
}

/* ---------------------------------------------------------------- where chunks end */

/* The chunks of text as "first|second|third". */
static void expect_chunks(const char *string, size_t tokens, const char *expected)
{
    char joined[1000] = "";
    const quern_text text = {string, strlen(string)};
    const quern_embed_options options = {.size = sizeof options, .flags = 0};
    const size_t count = chunk(text, &options, tokens, 0);
    for (size_t i = 0; i < count; i++) {
        strcat(joined, i > 0 ? "|" : "");
        strncat(joined, string + chunks[i].begin, chunks[i].end - chunks[i].begin);
    }
    assert_string_equal(joined, expected);
}

/* A digit is a token, and so is a single space, so that 42 tokens are 40 bytes here. */
static void test_order_of_preference(void **state)
{
    (void)state;
    expect_chunks("", 42, "");
    expect_chunks(" \n ", 42, "");
    expect_chunks("  123\n", 42, "123");
    expect_chunks("12345678901234567890123456789012345678901234567890", 42,
                  "1234567890123456789012345678901234567890|1234567890");
    expect_chunks("1234567890123456789012345678 1 3.\n\n5\n6 7890123456", 42,
                  "1234567890123456789012345678 1 3.|5\n6 7890123456");
    expect_chunks("1234567890123456789012345678 1 3.\n5. 6 7890123456", 42,
                  "1234567890123456789012345678 1 3.|5. 6 7890123456");
    expect_chunks("1234567890123456789012345678 1 3. 5 6 7890123456", 42,
                  "1234567890123456789012345678 1 3.|5 6 7890123456");
    expect_chunks("1234567890123456789012345678 1 3 5 6 7890123456", 42,
                  "1234567890123456789012345678 1 3 5 6|7890123456");
    /* outside the last quarter, which begins behind 30 bytes, nothing counts */
    expect_chunks("1234567890123456789012345.\n8901234567890123 567890", 42,
                  "1234567890123456789012345.\n8901234567890|123 567890");
    expect_chunks("123. 678901234567890123456789012345678901234567890", 42,
                  "123. 67890123456789012345678901234567890|1234567890");
}

static void test_boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *before, *behind;
        enum quern_boundary boundary;
    } cases[] = {
        {"a", "b", QUERN_BOUNDARY_NONE},
        {"a ", "b", QUERN_BOUNDARY_NONE},
        {"a", " b", QUERN_BOUNDARY_WORD},
        {"a", "\xc2\xa0", QUERN_BOUNDARY_WORD},
        {"a", "", QUERN_BOUNDARY_WORD},
        {"a.", " b", QUERN_BOUNDARY_SENTENCE},
        {"a.", "b", QUERN_BOUNDARY_NONE},
        {"a?\")", " b", QUERN_BOUNDARY_SENTENCE},
        {"a.\xe2\x80\x9d", "\tb", QUERN_BOUNDARY_SENTENCE},
        {"\xe6\x97\xa5\xe3\x80\x82", "\xe6\x97\xa5", QUERN_BOUNDARY_SENTENCE},
        {"\xe6\x97\xa5\xe3\x80\x82", "\xe3\x80\x8d\xe6\x97\xa5", QUERN_BOUNDARY_NONE},
        {"\xe6\x97\xa5\xe3\x80\x82\xe3\x80\x8d", "\xe6\x97\xa5", QUERN_BOUNDARY_SENTENCE},
        {"a", "\nb", QUERN_BOUNDARY_LINE},
        {"a.", " \r\n b", QUERN_BOUNDARY_LINE},
        {"a", "\r\n\r\nb", QUERN_BOUNDARY_PARAGRAPH},
        {"a", "\r\rb", QUERN_BOUNDARY_PARAGRAPH},
        {"a", " \n \t\nb", QUERN_BOUNDARY_PARAGRAPH},
        {"a", "\xe2\x80\xa9", QUERN_BOUNDARY_PARAGRAPH},
        {"a\n", "\n\nb", QUERN_BOUNDARY_NONE},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        char text[40];
        snprintf(text, sizeof text, "%s%s", cases[i].before, cases[i].behind);
        assert_int_equal(quern_boundary_at((quern_text){text, strlen(text)}, strlen(cases[i].before)),
                         cases[i].boundary);
    }
}

/* ---------------------------------------------------------------- arguments */

static void test_capacity(void **state)
{
    (void)state;
    const quern_text text = trial_text(0, 5000);
    const quern_chunk_options how = {.size = sizeof how, .tokens = 100};
    quern_chunk two[3] = {[2] = {.tokens = 12345}};
    size_t count = 0, again = 0;
    expect_error(quern_chunk_text(context, text, NULL, &how, NULL, 0, &count, &error), QUERN_ETOOLONG, "room for 0");
    expect_error(quern_chunk_text(context, text, NULL, &how, two, 2, &again, &error), QUERN_ETOOLONG, "room for 2");
    assert_int_equal(count, again);
    assert_int_equal(two[2].tokens, 12345);
    assert_int_equal(chunk(text, NULL, 100, 0), count);
    assert_memory_equal(chunks, two, 2 * sizeof *two);
    /* without options a chunk may be as long as a text of the model */
    assert_int_equal(quern_chunk_text(context, text, NULL, NULL, chunks, MOST_CHUNKS, &again, &error), QUERN_OK);
    assert_true(again < count);
    free((char *)text.data);
}

static void test_refused(void **state)
{
    (void)state;
    const quern_text text = {"\xe6\x97\xa5 some words that are to be cut", 34};
    size_t count = 77;
    static const struct {
        quern_embed_options options;
        quern_chunk_options how;
        const char *fragment;
    } bad[] = {
        {{.size = sizeof bad[0].options}, {.size = 1}, "size"},
        {{.size = sizeof bad[0].options}, {.size = sizeof bad[0].how, .tokens = 257}, "the model takes 256"},
        {{.size = sizeof bad[0].options}, {.size = sizeof bad[0].how, .tokens = 2}, "too small"},
        {{.size = sizeof bad[0].options}, {.size = sizeof bad[0].how, .tokens = 3}, "too small"},
        {{.size = sizeof bad[0].options}, {.size = sizeof bad[0].how, .tokens = 12, .overlap = 5}, "overlap"},
        {{.size = sizeof bad[0].options, .task = QUERN_TASK_QUERY}, {.size = sizeof bad[0].how, .tokens = 10}, "small"},
        {{.size = sizeof bad[0].options, .flags = QUERN_NO_SPECIAL}, {.size = sizeof bad[0].how}, "flags 0x8"},
    };
    for (size_t i = 0; i < QUERN_COUNT(bad); i++)
        expect_error(quern_chunk_text(context, text, &bad[i].options, &bad[i].how, chunks, 9, &count, &error),
                     QUERN_EINVAL, bad[i].fragment);
    expect_error(quern_chunk_text(NULL, text, NULL, NULL, chunks, 9, &count, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_chunk_text(context, text, NULL, NULL, NULL, 9, &count, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_chunk_text(context, text, NULL, NULL, chunks, 9, NULL, &error), QUERN_EINVAL, "NULL");
    expect_error(quern_chunk_text(context, (quern_text){NULL, 1}, NULL, NULL, chunks, 9, &count, &error), QUERN_EINVAL,
                 "NULL");
    assert_int_equal(count, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties), cmocka_unit_test(test_large_texts),
        cmocka_unit_test(test_overlap),    cmocka_unit_test(test_order_of_preference),
        cmocka_unit_test(test_boundaries), cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_refused),
    };
    const struct CMUnitTest of_wordpiece[] = {cmocka_unit_test(test_properties), cmocka_unit_test(test_large_texts)};
    return cmocka_run_group_tests(tests, open_model, close_model) +
           cmocka_run_group_tests(of_wordpiece, open_wordpiece, close_model);
}
