/* Where tokens stand in a text, and the text that tokens stand for. test_merging tries random ones. */
#include "base/count.h"
#include "base/view.h"
#include "support/naive_tokenizer.h"
#include "text/tokenizer_kind.h"
#include "vocabulary_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MOST 64 /* tokens of a text */

enum { BOS = 2, EOS = 1, UNKNOWN = 3 };

static struct quern_made_vocabulary made;
static struct quern_vocabulary *vocabulary, *spaced; /* spaced puts a space before texts */
static struct quern_tokenizer *tokenizer, *spaced_tokenizer;

static int make_vocabularies(void **state)
{
    (void)state;
    assert_int_equal(quern_vocabulary_make(&made, QUERN_VOCABULARY_TINY, NULL), QUERN_OK);
    struct quern_vocabulary_source source = {
        .tokenizer = &quern_sentencepiece_bpe_kind, .texts = made.texts, .scores = made.scores, .kinds = made.kinds,
        .count = made.count, .bos = BOS, .eos = EOS, .unknown = UNKNOWN, .add_bos = true, .add_eos = true};
    assert_int_equal(quern_vocabulary_new(&vocabulary, &source, NULL), QUERN_OK);
    source.add_space_prefix = true;
    assert_int_equal(quern_vocabulary_new(&spaced, &source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&tokenizer, vocabulary, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&spaced_tokenizer, spaced, NULL), QUERN_OK);
    return 0;
}

static int free_vocabularies(void **state)
{
    (void)state;
    quern_tokenizer_free(tokenizer);
    quern_tokenizer_free(spaced_tokenizer);
    quern_vocabulary_free(vocabulary);
    quern_vocabulary_free(spaced);
    quern_vocabulary_unmake(&made);
    return 0;
}

/* Writes the parts of a text as its spans cut them, with '|' between: a part of the prompt in [], an added token as
 * '+'. */
static const char *cut(struct quern_tokenizer *t, const char *prompt, const char *text, unsigned flags)
{
    static char out[512];
    const quern_text parts[] = {quern_text_of(prompt), quern_text_of(text)};
    int32_t ids[MOST];
    quern_token_span spans[MOST];
    size_t count, used = 0;

    assert_int_equal(quern_tokenizer_run(t, parts, 2, flags, ids, MOST, &count, NULL), QUERN_OK);
    assert_in_range(count, 0, MOST);
    assert_int_equal(quern_tokenizer_spans(t, parts, 2, flags, ids, count, spans, NULL), QUERN_OK);
    assert_true(quern_spans_cover(spans, count, strlen(prompt), strlen(text)));
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const quern_token_span *span = &spans[i];
        const bool is_prompt = span->part == QUERN_PART_PROMPT;
        if (span->part == QUERN_PART_ADDED)
            used += (size_t)snprintf(out + used, sizeof out - used, "%s+", i > 0 ? "|" : "");
        else
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%s%.*s%s", i > 0 ? "|" : "",
                                     is_prompt ? "[" : "", (int)(span->end - span->begin),
                                     (is_prompt ? prompt : text) + span->begin, is_prompt ? "]" : "");
    }
    return out;
}

static void test_spans(void **state)
{
    (void)state;
    assert_string_equal(cut(tokenizer, "", " the of", 0), "+| the| of|+");
    assert_string_equal(cut(tokenizer, "", " the of", QUERN_NO_SPECIAL), " the| of");
    assert_string_equal(cut(tokenizer, "", "", 0), "+|+");
    assert_string_equal(cut(tokenizer, "", " the\n\n     of", QUERN_NO_SPECIAL), " the|\n\n|    | of");
    /* a character of several byte tokens: a byte for each */
    assert_string_equal(cut(tokenizer, "", "\u20ac", QUERN_NO_SPECIAL), "\xe2|\x82|\xac");
    assert_string_equal(cut(tokenizer, "", "\u2581the\u2581of", QUERN_NO_SPECIAL), "\u2581the|\u2581of");
}

/* Only the tokens that are put around a text stand nowhere. */
static void test_special_tokens_in_a_text(void **state)
{
    (void)state;
    assert_string_equal(cut(tokenizer, "", "<bos> the<eos>", QUERN_PARSE_SPECIAL), "+|<bos>| the|<eos>|+");
    assert_string_equal(cut(tokenizer, "", "<eos>", QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL), "<eos>");
    assert_string_equal(cut(spaced_tokenizer, "", "<bos>the", QUERN_PARSE_SPECIAL), "+|<bos>|the|+");
}

/* A space that the vocabulary puts before a text is not in the text. */
static void test_spaces_that_are_put(void **state)
{
    (void)state;
    assert_string_equal(cut(spaced_tokenizer, "", "the of", QUERN_NO_SPECIAL), "the| of");
    assert_string_equal(cut(spaced_tokenizer, "", "the\nof", QUERN_NO_SPECIAL), "the|\n|of");
    assert_string_equal(cut(spaced_tokenizer, "", " the", QUERN_NO_SPECIAL), "| the");
}

static void test_prompts(void **state)
{
    (void)state;
    assert_string_equal(cut(tokenizer, " of:", " the", QUERN_NO_SPECIAL), "[ of]|[:]| the");
    /* a token that begins in the prompt and ends in the text belongs to the text */
    assert_string_equal(cut(tokenizer, " of: ", "the", QUERN_NO_SPECIAL), "[ of]|[:]|the");
    assert_string_equal(cut(tokenizer, " of: ", "", QUERN_NO_SPECIAL), "[ of]|[:]|[ ]");
}

static void test_tokens_of_another_text(void **state)
{
    (void)state;
    const quern_text text = quern_text_of("the word");
    int32_t ids[MOST];
    quern_token_span spans[MOST];
    size_t count;
    quern_error error = {0};
    assert_int_equal(quern_tokenizer_run(tokenizer, &text, 1, 0, ids, MOST, &count, NULL), QUERN_OK);
    for (size_t fewer = 0; fewer < count; fewer++)
        assert_int_equal(quern_tokenizer_spans(tokenizer, &text, 1, 0, ids, fewer, spans, NULL), QUERN_EINVAL);
    ids[count] = EOS;
    assert_int_equal(quern_tokenizer_spans(tokenizer, &text, 1, 0, ids, count + 1, spans, NULL), QUERN_EINVAL);
    assert_int_equal(quern_tokenizer_spans(tokenizer, &text, 1, QUERN_NO_SPECIAL, ids, count, spans, NULL),
                     QUERN_EINVAL);
    ids[1]++;
    assert_int_equal(quern_tokenizer_spans(tokenizer, &text, 1, 0, ids, count, spans, &error), QUERN_EINVAL);
    assert_non_null(strstr(error.text, "not those of the text"));
}

/* A space that is not a piece becomes three byte tokens. The first one stands for all of it. */
static void test_space_of_byte_tokens(void **state)
{
    (void)state;
    static char names[256][8];
    static quern_text texts[256];
    static float scores[256];
    static int32_t kinds[256];
    struct quern_vocabulary_source source = {
        .tokenizer = &quern_sentencepiece_bpe_kind, .texts = texts, .scores = scores, .kinds = kinds, .count = 256,
        .bos = -1, .eos = -1, .unknown = -1};
    struct quern_vocabulary *bytes;
    struct quern_tokenizer *t;
    for (size_t i = 0; i < 256; i++) {
        snprintf(names[i], sizeof names[i], "<0x%02X>", (unsigned)i);
        texts[i] = quern_text_of(names[i]);
        kinds[i] = QUERN_PIECE_BYTE;
    }
    assert_int_equal(quern_vocabulary_new(&bytes, &source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&t, bytes, NULL), QUERN_OK);
    assert_string_equal(cut(t, "", "a b", 0), "a| |||b");
    assert_string_equal(cut(t, "", "\xe4 b", 0), "\xe4| |||b"); /* the space is torn */
    quern_tokenizer_free(t);
    source.add_space_prefix = true;
    quern_vocabulary_free(bytes);
    assert_int_equal(quern_vocabulary_new(&bytes, &source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&t, bytes, NULL), QUERN_OK);
    assert_string_equal(cut(t, "", "a", 0), "|||a");
    quern_tokenizer_free(t);
    quern_vocabulary_free(bytes);
}

/* ---------------------------------------------------------------- text */

/* Tokenises a text and returns the text that its tokens stand for. */
static const char *again(struct quern_tokenizer *t, const char *text, unsigned tokenize_flags, unsigned flags)
{
    static char out[256];
    const quern_text part = quern_text_of(text);
    int32_t ids[MOST];
    size_t count, length;

    assert_int_equal(quern_tokenizer_run(t, &part, 1, tokenize_flags, ids, MOST, &count, NULL), QUERN_OK);
    assert_in_range(count, 0, MOST);
    assert_int_equal(quern_vocabulary_detokenize(t->vocabulary, ids, count, flags, out, sizeof out - 1, &length, NULL),
                     QUERN_OK);
    out[length] = '\0';
    return out;
}

static void test_texts_return(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "the", " the", "the word  and\n\n\nmore", "\u20ac\U0001F3D4 ",
                                        "<table><eos>x", "\xff", "   ", "\n the\nword"};
    for (size_t i = 0; i < QUERN_COUNT(texts); i++) {
        assert_string_equal(again(tokenizer, texts[i], 0, QUERN_NO_SPECIAL), texts[i]);
        assert_string_equal(again(spaced_tokenizer, texts[i], 0, QUERN_NO_SPECIAL), texts[i]);
    }
}

static void test_control_tokens(void **state)
{
    (void)state;
    assert_string_equal(again(tokenizer, "the", 0, 0), "<bos>the<eos>");
    assert_string_equal(again(tokenizer, "the", 0, QUERN_NO_SPECIAL), "the");
    assert_string_equal(again(tokenizer, "a<mask>b", QUERN_PARSE_SPECIAL, QUERN_NO_SPECIAL), "ab");
}

static void test_kept_spaces(void **state)
{
    (void)state;
    assert_string_equal(again(spaced_tokenizer, "the\nword", 0, QUERN_NO_SPECIAL | QUERN_KEEP_SPACE), " the\n word");
    assert_string_equal(again(tokenizer, "the\nword", 0, QUERN_NO_SPECIAL | QUERN_KEEP_SPACE), "the\nword");
    /* a control token that is left out does not part the text around it */
    assert_string_equal(again(spaced_tokenizer, "the<mask>word", QUERN_PARSE_SPECIAL, QUERN_NO_SPECIAL), "the word");
}

static void test_detokenize_refuses(void **state)
{
    (void)state;
    const quern_text text = quern_text_of("the word");
    int32_t ids[MOST];
    size_t count, length = 0;
    char out[16] = "unchanged";
    quern_error error = {0};
    assert_int_equal(quern_tokenizer_run(tokenizer, &text, 1, 0, ids, MOST, &count, NULL), QUERN_OK);
    assert_int_equal(quern_vocabulary_detokenize(vocabulary, ids, count, QUERN_NO_SPECIAL, out, 7, &length, NULL),
                     QUERN_ETOOLONG);
    assert_int_equal(length, 8);
    assert_string_equal(out, "unchanged");
    assert_int_equal(quern_vocabulary_detokenize(vocabulary, ids, count, QUERN_NO_SPECIAL, out, 8, &length, NULL),
                     QUERN_OK);
    assert_memory_equal(out, "the wordd", 9);
    const int32_t bad[] = {-1, (int32_t)made.count, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < QUERN_COUNT(bad); i++)
        assert_int_equal(quern_vocabulary_detokenize(vocabulary, &bad[i], 1, 0, out, 16, &length, &error),
                         QUERN_EINVAL);
    assert_non_null(strstr(error.text, "outside the vocabulary of 640"));
}

static void test_facts(void **state)
{
    (void)state;
    quern_tokenizer_info info = {.size = 7};
    quern_vocabulary_describe(spaced, &info);
    assert_int_equal(info.size, 7);
    assert_string_equal(info.kind, "sentencepiece");
    assert_int_equal(info.vocabulary, made.count);
    assert_int_equal(info.bos, BOS);
    assert_int_equal(info.eos, EOS);
    assert_int_equal(info.unknown, UNKNOWN);
    assert_int_equal(info.puts_space, 1);
    quern_vocabulary_describe(vocabulary, &info);
    assert_int_equal(info.puts_space, 0);
    assert_ptr_equal(quern_tokenizer_kind_find(quern_text_of("llama")), &quern_sentencepiece_bpe_kind);
    assert_null(quern_tokenizer_kind_find(quern_text_of("llama2")));
    assert_null(quern_tokenizer_kind_find(quern_text_of("")));
    assert_true(quern_tokenizer_defaults(&quern_sentencepiece_bpe_kind).add_bos);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_special_tokens_in_a_text),
        cmocka_unit_test(test_spaces_that_are_put),
        cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_tokens_of_another_text),
        cmocka_unit_test(test_space_of_byte_tokens),
        cmocka_unit_test(test_texts_return),
        cmocka_unit_test(test_control_tokens),
        cmocka_unit_test(test_kept_spaces),
        cmocka_unit_test(test_detokenize_refuses),
        cmocka_unit_test(test_facts),
    };
    return cmocka_run_group_tests(tests, make_vocabularies, free_vocabularies);
}
