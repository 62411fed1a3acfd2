/* The tokenizer "gemma4". test_merging tries random vocabularies and texts. */
#include "base/count.h"
#include "base/view.h"
#include "text/tokenizer_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/out_of_memory.h"

#define B QUERN_METASPACE

enum { BOS, EOS, CALL, RESPONSE, NAMED, SPACE, A, B_, C, AB, BC, ABC, SPACE_A, SPACES, LINE, LINES, E_ACUTE, AA, AAA, X,
       WORDS };

static const char *const names[WORDS] = {
    "<bos>", "<eos>", "<|tool_call>", "<|tool_response>", "<table>", B, "a", "b", "c", "ab", "bc", "abc", B "a", B B,
    "\n", "\n\n", "\u00e9", "aa", "aaa", "x"};

static const char *const merges[] = {"\n \n", B " " B, "b c", "a b", "a bc", "ab c", B " a", "aa a", "a aa", "a a"};

struct fixture {
    quern_text texts[WORDS + 256], merge_texts[QUERN_COUNT(merges)];
    int32_t kinds[WORDS + 256];
    char bytes[256][8];
    struct quern_vocabulary_source source;
    struct quern_vocabulary *vocabulary;
    struct quern_tokenizer *tokenizer;
};

static struct fixture fixture;

static void fill_source(void)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.source = {
        .tokenizer = &quern_character_bpe_kind, .texts = f->texts, .kinds = f->kinds, .count = WORDS + 256,
        .merges = f->merge_texts, .merge_count = QUERN_COUNT(merges), .bos = BOS, .eos = EOS, .unknown = -1,
        .add_bos = true, .add_eos = true}};
    for (size_t i = 0; i < WORDS; i++) {
        f->texts[i] = quern_text_of(names[i]);
        f->kinds[i] = i < CALL ? QUERN_PIECE_CONTROL : i < NAMED ? QUERN_PIECE_USER_DEFINED : QUERN_PIECE_NORMAL;
    }
    for (unsigned i = 0; i < 256; i++) {
        snprintf(f->bytes[i], sizeof f->bytes[i], "<0x%02X>", i);
        f->texts[WORDS + i] = quern_text_of(f->bytes[i]);
        f->kinds[WORDS + i] = QUERN_PIECE_BYTE;
    }
    for (size_t i = 0; i < QUERN_COUNT(merges); i++)
        f->merge_texts[i] = quern_text_of(merges[i]);
}

static int set_up(void **state)
{
    (void)state;
    fill_source();
    assert_int_equal(quern_vocabulary_new(&fixture.vocabulary, &fixture.source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&fixture.tokenizer, fixture.vocabulary, NULL), QUERN_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    quern_tokenizer_free(fixture.tokenizer);
    quern_vocabulary_free(fixture.vocabulary);
    return 0;
}

static void check(const char *text, size_t length, unsigned flags, const int32_t *expected, size_t expected_count)
{
    const quern_text part = {text, length};
    int32_t ids[64];
    size_t count;

    for (int time = 0; time < 2; time++) { /* the second time from the cache */
        assert_int_equal(quern_tokenizer_run(fixture.tokenizer, &part, 1, flags, ids, 64, &count, NULL), QUERN_OK);
        assert_int_equal(count, expected_count);
        assert_memory_equal(ids, expected, count * sizeof *ids);
    }
}
#define IDS(text, flags, ...)                                                                                          \
    do {                                                                                                               \
        const int32_t list[] = {__VA_ARGS__};                                                                          \
        check(text, sizeof text - 1, flags, list, QUERN_COUNT(list));                                                  \
    } while (0)
#define BYTE(byte) (WORDS + (byte))

static void test_order_of_the_list(void **state)
{
    (void)state;
    IDS("abc", QUERN_NO_SPECIAL, ABC);
    IDS("abb", QUERN_NO_SPECIAL, AB, B_);
    IDS("aabc", QUERN_NO_SPECIAL, A, ABC);          /* "b c" comes before "a b", and "a bc" before "a a" */
    IDS("aaaa", QUERN_NO_SPECIAL, AAA, A);          /* the leftmost pair first, and then "aa a" before "a a" */
    IDS("aaaaa", QUERN_NO_SPECIAL, AAA, AA);
    IDS("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", QUERN_NO_SPECIAL, AAA, AAA, AAA, AAA, AAA, AAA, AAA, AAA, AAA, AAA,
        AAA); /* longer than the cache takes */
    IDS("<table>", QUERN_NO_SPECIAL, BYTE('<'), BYTE('t'), AB, BYTE('l'), BYTE('e'), BYTE('>')); /* no merge makes it */
}

static void test_spaces_and_lines(void **state)
{
    (void)state;
    IDS("", 0, BOS, EOS);
    IDS(" a", 0, BOS, SPACE_A, EOS);
    IDS("a  a", QUERN_NO_SPECIAL, A, SPACES, A); /* "a a" is no merge over a space, and the runs come first */
    IDS("\u2581a \u2581b", QUERN_NO_SPECIAL, SPACE_A, SPACES, B_);
    IDS("\n\n\na", QUERN_NO_SPECIAL, LINES, LINE, A);
}

static void test_unknown_characters(void **state)
{
    (void)state;
    IDS("\u00e9\u20ac", QUERN_NO_SPECIAL, E_ACUTE, BYTE(0xe2), BYTE(0x82), BYTE(0xac));
    IDS("a\0b", QUERN_NO_SPECIAL, A, BYTE(0), B_);
    /* not UTF-8: a first byte alone, a byte that continues nothing, a surrogate, a long form, the end too early */
    IDS("\xe4" "bc", QUERN_NO_SPECIAL, BYTE(0xe4), BC);
    IDS("ab\x81 a", QUERN_NO_SPECIAL, AB, BYTE(0x81), SPACE_A);
    IDS("\xed\xa0\x80", QUERN_NO_SPECIAL, BYTE(0xed), BYTE(0xa0), BYTE(0x80));
    IDS("\xc1\xa1" "a", QUERN_NO_SPECIAL, BYTE(0xc1), BYTE(0xa1), A);
    IDS("a\xc3", QUERN_NO_SPECIAL, A, BYTE(0xc3));
}

static void test_special_pieces(void **state)
{
    (void)state;
    IDS("<bos>", QUERN_NO_SPECIAL | QUERN_PARSE_SPECIAL, BOS);
    IDS("a<|tool_call>a", QUERN_NO_SPECIAL, A, CALL, A);
    IDS("<|tool_response>", QUERN_NO_SPECIAL | QUERN_PARSE_SPECIAL, RESPONSE);
    int32_t expected[16];
    for (int i = 0; i < 16; i++) {
        const char byte = names[RESPONSE][i];
        expected[i] = BYTE(byte);
    }
    check(names[RESPONSE], 16, QUERN_NO_SPECIAL, expected, 16);
    assert_int_equal(quern_vocabulary_piece(fixture.vocabulary, RESPONSE).kind, QUERN_PIECE_CONTROL);
}

static void test_text_of_pieces(void **state)
{
    (void)state;
    const int32_t ids[] = {BOS, SPACE_A, BYTE(0xe4), LINES, SPACES, RESPONSE, EOS};
    quern_tokenizer_info info = {0};
    char out[32];
    size_t length;
    assert_int_equal(quern_vocabulary_detokenize(fixture.vocabulary, ids, QUERN_COUNT(ids), QUERN_NO_SPECIAL, out,
                                                 sizeof out, &length, NULL), QUERN_OK);
    assert_int_equal(length, 7);
    assert_memory_equal(out, " a\xe4\n\n  ", 7);
    quern_vocabulary_describe(fixture.vocabulary, &info);
    assert_string_equal(info.kind, "character-bpe");
    assert_false(quern_tokenizer_uses_scores(&quern_character_bpe_kind));
    assert_true(quern_tokenizer_uses_merges(&quern_character_bpe_kind));
}

/* A pair of the piece 0 with itself, whose key is that of a place in the table that is free. */
static void test_first_piece_twice(void **state)
{
    fill_source();
    fixture.texts[0] = quern_text_of(names[A]);
    fixture.texts[A] = quern_text_of(names[0]);
    fixture.kinds[A] = fixture.kinds[0];
    fixture.kinds[0] = QUERN_PIECE_NORMAL;
    fixture.source.bos = A;
    assert_int_equal(quern_vocabulary_new(&fixture.vocabulary, &fixture.source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&fixture.tokenizer, fixture.vocabulary, NULL), QUERN_OK);
    IDS("aa", QUERN_NO_SPECIAL, AA);
    IDS("abcaa", QUERN_NO_SPECIAL, ABC, AA);
    tear_down(state);
}

/* ---------------------------------------------------------------- vocabularies that are refused */

static void refuse(const char *message)
{
    quern_error error = {0};

    assert_int_equal(quern_vocabulary_new(&fixture.vocabulary, &fixture.source, &error), QUERN_EFORMAT);
    if (strstr(error.text, message) == NULL)
        fail_msg("%s", error.text);
    fill_source();
}

static void test_refuses_merges(void **state)
{
    static const struct {
        const char *merge, *message;
    } cases[] = {
        {"", "merge 3 of the vocabulary, \"\", is not two pieces with a space between"},
        {"ab", "is not two pieces with a space between"},
        {" a", "is not two pieces with a space between"},
        {"a ", "is not two pieces with a space between"},
        {"abcabcabcabcabcabcabcabc abc", "is not two pieces with a space between"},
        {"a c", "is not two plain pieces that make a third one"},
        {"a q", "is not two plain pieces that make a third one"},
        {"<bos >", "is not two plain pieces that make a third one"},
        {"a  b", "is not two plain pieces that make a third one"},
        {"b c", "merge 3 of the vocabulary, \"b c\", is there twice"},
    };
    (void)state;

    fill_source();
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        fixture.merge_texts[3] = quern_text_of(cases[i].merge);
        refuse(cases[i].message);
    }
    fixture.kinds[ABC] = QUERN_PIECE_CONTROL;
    refuse("merge 4 of the vocabulary, \"a bc\", is not two plain pieces");
    fixture.source.merge_count = 33554431;
    refuse("a vocabulary of 33554431 merges: it may have 33554430");
}

static void test_refuses_pieces(void **state)
{
    (void)state;
    fill_source();
    fixture.texts[BYTE(0x41)] = quern_text_of("<0x4141>");
    refuse("the vocabulary has no piece <0x41>");
    fixture.kinds[SPACE] = QUERN_PIECE_CONTROL;
    fixture.source.merge_count = 1;
    refuse("the vocabulary has no piece U+2581");
    fixture.texts[X] = quern_text_of("c");
    refuse("have the same text");
}

/* ---------------------------------------------------------------- memory */

static int run_all(void *argument, quern_error *error)
{
    (void)argument;
    static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const quern_text part = {text, sizeof text - 1};
    struct quern_vocabulary *vocabulary = NULL;
    struct quern_tokenizer *tokenizer = NULL;
    size_t count;
    int code = quern_vocabulary_new(&vocabulary, &fixture.source, error);
    if (code == QUERN_OK)
        code = quern_tokenizer_new(&tokenizer, vocabulary, error);
    if (code == QUERN_OK)
        code = quern_tokenizer_run(tokenizer, &part, 1, 0, NULL, 0, &count, error);
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
    return code;
}

/* Each allocation fails once, and gives an error; only the trie may fail to shrink without one. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fill_source();
    quern_fail_each_allocation(run_all, NULL, 1);
}

static void test_long_text(void **state)
{
    enum { LENGTH = 1000000 };
    char *text = malloc(LENGTH);
    const quern_text part = {text, LENGTH};
    size_t count;
    (void)state;
    assert_non_null(text);
    memset(text, 'a', LENGTH);
    assert_int_equal(quern_tokenizer_run(fixture.tokenizer, &part, 1, 0, NULL, 0, &count, NULL), QUERN_OK);
    assert_int_equal(count, LENGTH / 3 + 1 + 2);
    free(text);
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_order_of_the_list),       FIXED(test_spaces_and_lines),
        FIXED(test_unknown_characters),      FIXED(test_special_pieces),
        FIXED(test_text_of_pieces),          FIXED(test_long_text),
        cmocka_unit_test(test_first_piece_twice),
        cmocka_unit_test(test_refuses_merges), cmocka_unit_test(test_refuses_pieces),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
