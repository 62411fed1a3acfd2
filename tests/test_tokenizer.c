#include "base/count.h"
#include "support/allocations.h"
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

struct piece {
    const char *text;
    size_t length;
    float score;
    int kind;
};
#define PIECE(text, score, kind) {text, sizeof text - 1, score, QUERN_PIECE_##kind}

/* Like the vocabulary of Gemma 3: user-defined runs and tags, special pieces, words; the fixture adds all bytes. */
static const struct piece pieces[] = {
    PIECE("<bos>", 0, CONTROL),
    PIECE("<eos>", 0, CONTROL),
    PIECE("<unk>", 0, UNKNOWN),
    PIECE("<mask>", -1000, CONTROL),
    PIECE("<unused1>", -1000, CONTROL),
    PIECE("<unused12>", -1000, CONTROL),
    PIECE("\n", -1000, USER_DEFINED),
    PIECE("\n\n", -1000, USER_DEFINED),
    PIECE("\n\n\n", -1000, USER_DEFINED),
    PIECE("  ", -1000, USER_DEFINED),
    PIECE("   ", -1000, USER_DEFINED),
    PIECE("</s>", -1000, USER_DEFINED),
    PIECE("<b>", -1000, USER_DEFINED),
    PIECE("[multi]", -1000, USER_DEFINED),
    /* merges: ab before bc; xy and yz have equal scores; def is reached from ef */
    PIECE("ab", -1, NORMAL),
    PIECE("bc", -2, NORMAL),
    PIECE("xy", -3, NORMAL),
    PIECE("yz", -3, NORMAL),
    PIECE("aa", -4, NORMAL),
    PIECE("aaaa", -5, NORMAL),
    PIECE("ef", -6, NORMAL),
    PIECE("def", -7, NORMAL),
    PIECE(B "a", -8, NORMAL),
    PIECE(B "ab", -9, NORMAL),
    PIECE(B "m", -10, NORMAL),
    /* parts of special pieces; merging must not join them to a special piece */
    PIECE("<m", -20, NORMAL),
    PIECE("as", -21, NORMAL),
    PIECE("ask", -22, NORMAL),
    PIECE("ask>", -23, NORMAL),
    PIECE("<0", -24, NORMAL),
    PIECE("<0x", -25, NORMAL),
    PIECE("41", -26, NORMAL),
    PIECE("41>", -27, NORMAL),
    PIECE("<u", -28, NORMAL),
    PIECE("nk", -29, NORMAL),
    PIECE("nk>", -30, NORMAL),
    /* two characters that are no pieces on their own; NUL; an unused piece; characters of two to four bytes */
    PIECE("\u00fe\u00ff", -31, NORMAL),
    PIECE("n\0", -32, NORMAL),
    PIECE("12", -33, UNUSED),
    PIECE("\u4e2d\u6587", -34, NORMAL),
    PIECE("\U0001F600", -35, NORMAL),
    PIECE(B, -40, NORMAL),
    PIECE("a", -41, NORMAL),
    PIECE("b", -42, NORMAL),
    PIECE("c", -43, NORMAL),
    PIECE("d", -44, NORMAL),
    PIECE("x", -45, NORMAL),
    PIECE("y", -46, NORMAL),
    PIECE("z", -47, NORMAL),
    PIECE("n", -48, NORMAL),
    PIECE("\u00e9", -49, NORMAL),
    PIECE("<", -50, NORMAL),
    PIECE(">", -51, NORMAL),
    PIECE("\u4e2d", -52, NORMAL),
};
#define WORDS QUERN_COUNT(pieces)
#define PIECES (WORDS + 256)

struct fixture {
    quern_text texts[PIECES];
    float scores[PIECES];
    int32_t kinds[PIECES];
    char bytes[256][8];
    struct quern_vocabulary_source source;
    struct quern_vocabulary *vocabulary;
    struct quern_tokenizer *tokenizer;
    char shown[4096];
};

/* Fills the source. A test may change it before it calls open_fixture. */
static struct fixture *new_fixture(void)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    for (size_t i = 0; i < WORDS; i++) {
        f->texts[i] = (quern_text){pieces[i].text, pieces[i].length};
        f->scores[i] = pieces[i].score;
        f->kinds[i] = pieces[i].kind;
    }
    for (size_t i = 0; i < 256; i++) {
        snprintf(f->bytes[i], sizeof f->bytes[i], "<0x%02X>", (unsigned)i);
        f->texts[WORDS + i] = (quern_text){f->bytes[i], 6};
        f->kinds[WORDS + i] = QUERN_PIECE_BYTE;
    }
    f->source = (struct quern_vocabulary_source){
        .tokenizer = &quern_sentencepiece_bpe_kind, .texts = f->texts, .scores = f->scores, .kinds = f->kinds,
        .count = PIECES, .bos = 0, .eos = 1, .unknown = 2};
    return f;
}

static void open_fixture(struct fixture *f)
{
    quern_error error;

    if (quern_vocabulary_new(&f->vocabulary, &f->source, &error) != QUERN_OK ||
        quern_tokenizer_new(&f->tokenizer, f->vocabulary, &error) != QUERN_OK)
        fail_msg("%s", error.text);
}

static void free_fixture(struct fixture *f)
{
    quern_tokenizer_free(f->tokenizer);
    quern_vocabulary_free(f->vocabulary);
    free(f);
}

static int set_up(void **state)
{
    struct fixture *f = new_fixture();
    open_fixture(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    free_fixture(*state);
    return 0;
}

/* Writes the pieces of ids, with '|' between them, and '@' for a NUL. */
static const char *show(struct fixture *f, const int32_t *ids, size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        quern_text text = f->texts[ids[i]];
        assert_true(used + text.length + 2 < sizeof f->shown);
        if (i > 0)
            f->shown[used++] = '|';
        for (size_t k = 0; k < text.length; k++)
            f->shown[used++] = text.data[k] ? text.data[k] : '@';
    }
    f->shown[used] = '\0';
    return f->shown;
}

static const char *tokens(struct fixture *f, const char *text, size_t length, unsigned flags)
{
    int32_t ids[512];
    size_t count;
    quern_error error;
    quern_text part = {text, length};

    if (quern_tokenizer_run(f->tokenizer, &part, 1, flags, ids, 512, &count, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    assert_true(count <= 512);
    return show(f, ids, count);
}
#define CHECK(f, text, flags, expected) assert_string_equal(tokens(f, text, sizeof text - 1, flags), expected)

/* ---------------------------------------------------------------- merging */

static void test_best_score_first(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "abc", 0, "ab|c");
    CHECK(f, "bcb", 0, "bc|b");
    CHECK(f, "def", 0, "def");
    CHECK(f, "aaaaaaa", 0, "aaaa|aa|a");
    CHECK(f, "abab cab", 0, "ab|ab|" B "|c|ab");
}

static void test_leftmost_of_equals(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "xyz", 0, "xy|z");
    CHECK(f, "yzxyz", 0, "yz|xy|z");
    CHECK(f, "aaa", 0, "aa|a");
}

static void test_negative_zero_is_zero(void **state)
{
    struct fixture *f = new_fixture();
    (void)state;
    f->scores[16] = -0.0f; /* xy */
    f->scores[17] = 0.0f;  /* yz */
    open_fixture(f);
    CHECK(f, "xyz", 0, "xy|z");
    free_fixture(f);
}

static void test_positive_scores(void **state)
{
    struct fixture *f = new_fixture();
    (void)state;
    f->scores[14] = 1.5f; /* ab */
    f->scores[15] = 2.5f; /* bc */
    open_fixture(f);
    CHECK(f, "abc", 0, "a|bc");
    free_fixture(f);
}

static void test_characters_that_are_no_pieces(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "\u00fe\u00ff\u00fe", 0, "\u00fe\u00ff|<0xC3>|<0xBE>");
    CHECK(f, "\u6587\u4e2d\u6587\U0001F600\u00e9", 0, "<0xE6>|<0x96>|<0x87>|\u4e2d\u6587|\U0001F600|\u00e9");
    CHECK(f, "12", 0, "12"); /* a piece of the kind "unused" is used all the same */
}

/* ---------------------------------------------------------------- what is cut out first */

static void test_user_defined_pieces(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "a<b>b", 0, "a|<b>|b");
    CHECK(f, "[multi]<b", 0, "[multi]|<|b");
    CHECK(f, "a</s>b", 0, "a|</s>|b");
    CHECK(f, "\n\n\n\n\n", 0, "\n\n\n|\n\n");
    CHECK(f, "a\nb", 0, "a|\n|b");
}

static void test_special_pieces_only_when_parsed(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "<mask>", 0, "<m|ask>");
    CHECK(f, "<mask>", QUERN_PARSE_SPECIAL, "<mask>");
    CHECK(f, "a<unk>b", 0, "a|<u|nk>|b");
    CHECK(f, "a<unk>b", QUERN_PARSE_SPECIAL, "a|<unk>|b");
    CHECK(f, "<unused12><unused1><b>", QUERN_PARSE_SPECIAL, "<unused12>|<unused1>|<b>");
    CHECK(f, "<bos>", QUERN_PARSE_SPECIAL, "<bos>");
    CHECK(f, "<0x41>", 0, "<0x|41>");
    CHECK(f, "<0x41>", QUERN_PARSE_SPECIAL, "<0x|41>");
}

static void test_longest_match_wins(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "<unused1", QUERN_PARSE_SPECIAL, "<u|n|<0x75>|<0x73>|<0x65>|d|<0x31>");
    CHECK(f, "<unused123>", QUERN_PARSE_SPECIAL, "<u|n|<0x75>|<0x73>|<0x65>|d|12|<0x33>|>");
    CHECK(f, "<<b>", 0, "<|<b>");
}

static void test_runs_of_spaces(void **state)
{
    struct fixture *f = *state;
    CHECK(f, " a", 0, B "a");
    CHECK(f, "  a", 0, "  |a");
    CHECK(f, "    a", 0, "   |" B "a");
    CHECK(f, "a     ", 0, "a|   |  ");
    CHECK(f, "a       b", 0, "a|   |   |" B "|b");
    CHECK(f, " ", 0, B);
    CHECK(f, "  \n  ", 0, "  |\n|  ");
}

/* The published tokenizer first matches runs of U+2581 in the raw text, then replaces spaces by U+2581, then merges. */
static void test_blanks_spelled_out(void **state)
{
    struct fixture *f = *state;
    CHECK(f, B, 0, B);
    CHECK(f, B "a", 0, B "a");
    CHECK(f, B B "a", 0, "  |a");
    CHECK(f, B B B B "a", 0, "   |" B "a");
    CHECK(f, " " B "a", 0, "  |a");
    CHECK(f, B " a", 0, "  |a");
    CHECK(f, " " B B "a", 0, B "|  |a");
    CHECK(f, B B "  a", 0, "  |  |a");
    CHECK(f, B B B B " a", 0, "   |  |a");
    CHECK(f, "a" B " " B "b", 0, "a|   |b");
}

/* A control piece that is spelled like a user-defined run is not matched in its place. */
static void test_run_and_special_alike(void **state)
{
    struct fixture *f = new_fixture();
    (void)state;
    f->texts[3] = (quern_text){B B, 6}; /* in place of <mask> */
    open_fixture(f);
    CHECK(f, B B "a", 0, "  |a");
    CHECK(f, B B "a", QUERN_PARSE_SPECIAL, "  |a");
    free_fixture(f);
}

static void test_space_prefix(void **state)
{
    struct fixture *f = new_fixture();
    (void)state;
    f->source.add_space_prefix = true;
    open_fixture(f);
    CHECK(f, "ab", 0, B "ab");
    CHECK(f, "a", 0, B "a");
    CHECK(f, "m", 0, B "m");
    CHECK(f, "", 0, "");
    CHECK(f, "<b>a<b><b>", 0, "<b>|" B "a|<b>|<b>");
    CHECK(f, "a<mask>a", QUERN_PARSE_SPECIAL, B "a|<mask>|" B "a");
    free_fixture(f);
}

static void test_opening_and_closing_tokens(void **state)
{
    struct fixture *f = new_fixture();
    (void)state;
    f->source.add_bos = f->source.add_eos = true;
    open_fixture(f);
    CHECK(f, "", 0, "<bos>|<eos>");
    CHECK(f, "a", 0, "<bos>|a|<eos>");
    CHECK(f, "a", QUERN_NO_SPECIAL, "a");
    CHECK(f, "<bos>", QUERN_PARSE_SPECIAL, "<bos>|<bos>|<eos>");
    assert_int_equal(quern_vocabulary_bos(f->vocabulary), 0);
    assert_int_equal(quern_vocabulary_eos(f->vocabulary), 1);
    free_fixture(f);
}

/* ---------------------------------------------------------------- any bytes */

static void test_invalid_utf8(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "\xff", 0, "<0xFF>");
    CHECK(f, "a\xe4\xb8", 0, "a|<0xE4>|<0xB8>");
    CHECK(f, "\xa9" "a", 0, "<0xA9>|a");
    CHECK(f, "\xc3" "ab", 0, "<0xC3>|<0x61>|b");        /* by its first byte, the character has two bytes */
    CHECK(f, "\xf0\x9f<b>", 0, "<0xF0>|<0x9F>|<b>");     /* it does not reach into a special piece */
    CHECK(f, "\xe4  a", 0, "<0xE4>|  |a");
    CHECK(f, "\xe4 ab", 0, "<0xE4>|<0xE2>|<0x96>|<0x81>|ab"); /* two of the three bytes of U+2581 belong to it */
    CHECK(f, "\xc3 a", 0, "<0xC3>|<0xE2>|<0x96>|<0x81>|a");
    CHECK(f, "\xf0\x9f a", 0, "<0xF0>|<0x9F>|<0xE2>|<0x96>|<0x81>|a");
}

static void test_nul(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "\0", 0, "<0x00>");
    CHECK(f, "n", 0, "n");
    CHECK(f, "n\0", 0, "n@");
    CHECK(f, "n\0\0", 0, "n@|<0x00>");
    CHECK(f, "n", 0, "n"); /* not the word "n\0", which is in the cache now */
}

static void test_unknown_bytes(void **state)
{
    struct fixture *f = new_fixture();
    (void)state;
    f->source.count = PIECES - 1; /* <0xFF> is missing */
    open_fixture(f);
    CHECK(f, "\xff\xfe", 0, "<unk>");
    CHECK(f, "a\xfe", 0, "a|<0xFE>");
    CHECK(f, "\u00fe\xc3\xff", 0, "<0xC3>|<0xBE>|<unk>"); /* one token for the whole character */
    free_fixture(f);
}

static void test_no_piece_for_a_byte(void **state)
{
    struct fixture *f = new_fixture();
    quern_text text = {"\xff", 1};
    quern_error error = {0};
    size_t count = 7;
    (void)state;
    f->source.count = WORDS;
    f->source.unknown = -1;
    open_fixture(f);
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &text, 1, 0, NULL, 0, &count, &error), QUERN_EFORMAT);
    assert_non_null(strstr(error.text, "0xFF"));
    assert_int_equal(count, 7);
    CHECK(f, "abc", 0, "ab|c");
    free_fixture(f);
}

/* ---------------------------------------------------------------- parts, capacity, memory */

static void test_parts_are_one_text(void **state)
{
    struct fixture *f = *state;
    const quern_text parts[] = {{"x a", 3}, {NULL, 0}, {"b\xe4\xb8", 3}, {"\xad \n", 3}, {"\n<b", 3}, {">", 1}};
    int32_t ids[32];
    size_t count;
    assert_int_equal(quern_tokenizer_run(f->tokenizer, parts, 6, 0, ids, 32, &count, NULL), QUERN_OK);
    assert_string_equal(show(f, ids, count), "x|" B "ab|\u4e2d|" B "|\n\n|<b>");
    assert_int_equal(quern_tokenizer_run(f->tokenizer, NULL, 0, 0, ids, 32, &count, NULL), QUERN_OK);
    assert_int_equal(count, 0);
}

static void test_capacity(void **state)
{
    struct fixture *f = *state;
    quern_text text = {"abc<b>  abc\x80 def", 16};
    int32_t ids[16] = {0};
    size_t count, all;
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &text, 1, 0, NULL, 0, &all, NULL), QUERN_OK);
    assert_int_equal(all, 9); /* ab c <b> "  " ab c <0x80>, the space, def */
    for (size_t capacity = 0; capacity < 12; capacity++) {
        memset(ids, 0x55, sizeof ids);
        assert_int_equal(quern_tokenizer_run(f->tokenizer, &text, 1, 0, ids, capacity, &count, NULL), QUERN_OK);
        assert_int_equal(count, all);
        for (size_t i = capacity < all ? capacity : all; i < 16; i++)
            assert_int_equal(ids[i], 0x55555555);
    }
    assert_string_equal(show(f, ids, all), "ab|c|<b>|  |ab|c|<0x80>|" B "|def");
}

/* The cache keeps words up to a length and a number of tokens. Tries each length below and above these twice. */
static void test_known_words(void **state)
{
    struct fixture *f = *state;
    char text[80], expected[512];
    for (size_t length = 1; length < sizeof text; length++) {
        size_t used = 0;
        memset(text, 'a', length);
        for (size_t left = length, piece; left > 0; left -= piece) {
            piece = left >= 4 ? 4 : left >= 2 ? 2 : 1;
            used += (size_t)sprintf(expected + used, "%s%.*s", used ? "|" : "", (int)piece, "aaaa");
        }
        for (int i = 0; i < 2; i++)
            assert_string_equal(tokens(f, text, length, 0), expected);
    }
}

/* Appends word number i of some hundred: many short ones, some that are longer than the cache holds, pieces that are
 * cut out, and words of which only the last byte differs. Spaces stand between them. */
static size_t make_word(char *out, unsigned i)
{
    static const char *const parts[] = {"ab", "c", "xyz", "def", "\u4e2d\u6587",
                                        "<b>", "aaaa", "\n", "bc", "</s>"};
    size_t length = 0;

    out[length++] = ' ';
    for (unsigned left = i % 11 == 0 ? 16 : 1 + i % 4; left > 0; left--, i = i * 7 + 3)
        length += (size_t)sprintf(out + length, "%s", parts[i / 3 % QUERN_COUNT(parts)]);
    out[length++] = (char)('a' + i % 5);
    return length;
}

/* Many words in one text have the ids that they have alone, with an empty cache. */
static void test_many_words(void **state)
{
    struct fixture *f = *state, *alone = new_fixture();
    enum { WORDS_IN_TEXT = 700, MOST_WORD = 128 };
    static char text[WORDS_IN_TEXT * MOST_WORD];
    static int32_t ids[WORDS_IN_TEXT * MOST_WORD], expected[WORDS_IN_TEXT * MOST_WORD];
    size_t length = 0, count = 0, got;

    open_fixture(alone);
    for (unsigned i = 0; i < WORDS_IN_TEXT; i++) {
        const quern_text word = {text + length, make_word(text + length, i * i % 331)};
        assert_in_range(word.length, 1, MOST_WORD - 1);
        quern_tokenizer_free(alone->tokenizer);
        assert_int_equal(quern_tokenizer_new(&alone->tokenizer, alone->vocabulary, NULL), QUERN_OK);
        assert_int_equal(quern_tokenizer_run(alone->tokenizer, &word, 1, 0, expected + count, MOST_WORD, &got, NULL),
                         QUERN_OK);
        length += word.length;
        count += got;
    }
    for (int i = 0; i < 2; i++) {
        const quern_text part = {text, length};
        assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, 0, ids, QUERN_COUNT(ids), &got, NULL), QUERN_OK);
        assert_int_equal(got, count);
        assert_memory_equal(ids, expected, count * sizeof *ids);
    }
    free_fixture(alone);
}

static void test_too_long(void **state)
{
    struct fixture *f = *state;
    const quern_text parts[] = {{"a", 1}, {"a", INT32_MAX}}, huge = {"a", SIZE_MAX};
    size_t count;
    quern_error error;
    assert_int_equal(quern_tokenizer_run(f->tokenizer, parts, 2, 0, NULL, 0, &count, &error), QUERN_EINVAL);
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &huge, 1, 0, NULL, 0, &count, &error), QUERN_EINVAL);
}

/* A megabyte of one character, and one of spaces: neither can be cut into words. */
static void test_long_texts(void **state)
{
    struct fixture *f = *state;
    size_t length = 1000003, count;
    char *text = malloc(length);
    quern_text part = {text, length};
    assert_non_null(text);
    memset(text, 'a', length);
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, 0, NULL, 0, &count, NULL), QUERN_OK);
    assert_int_equal(count, 250002); /* aaaa ..., aa, a */
    memset(text, ' ', length);
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, 0, NULL, 0, &count, NULL), QUERN_OK);
    assert_int_equal(count, 333335); /* three at a time, and one */
    free(text);
}

static void test_allocates_only_to_grow(void **state)
{
    struct fixture *f = *state;
    static char text[3000];
    const size_t lengths[] = {1000, 1000, 10, 999, 3000, 3000}, most[] = {4, 0, 0, 0, 4, 0};
    for (size_t i = 0; i < QUERN_COUNT(lengths); i++) {
        quern_text part = {text, lengths[i]};
        size_t count;
        memset(text, 'a', sizeof text);
        size_t before = quern_allocations;
        assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, 0, NULL, 0, &count, NULL), QUERN_OK);
        assert_in_range(quern_allocations - before, most[i] ? 1 : 0, most[i]);
    }
}

static int run_all(void *argument, quern_error *error)
{
    struct fixture *f = argument;
    quern_text text = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 54};
    size_t count;
    int code = quern_vocabulary_new(&f->vocabulary, &f->source, error);
    if (code == QUERN_OK)
        code = quern_tokenizer_new(&f->tokenizer, f->vocabulary, error);
    if (code == QUERN_OK)
        code = quern_tokenizer_run(f->tokenizer, &text, 1, 0, NULL, 0, &count, error);
    if (code == QUERN_OK)
        assert_int_equal(count, 14);
    quern_tokenizer_free(f->tokenizer);
    quern_vocabulary_free(f->vocabulary);
    f->tokenizer = NULL;
    f->vocabulary = NULL;
    return code;
}

/* Each allocation fails once, and gives an error; only the trie may fail to shrink without one. */
static void test_out_of_memory(void **state)
{
    struct fixture *f = new_fixture();
    (void)state;
    quern_fail_each_allocation(run_all, f, 1);
    free_fixture(f);
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_best_score_first),
        FIXED(test_leftmost_of_equals),
        cmocka_unit_test(test_negative_zero_is_zero),
        cmocka_unit_test(test_positive_scores),
        FIXED(test_characters_that_are_no_pieces),
        FIXED(test_user_defined_pieces),
        FIXED(test_special_pieces_only_when_parsed),
        FIXED(test_longest_match_wins),
        FIXED(test_runs_of_spaces),
        FIXED(test_blanks_spelled_out),
        cmocka_unit_test(test_run_and_special_alike),
        cmocka_unit_test(test_space_prefix),
        cmocka_unit_test(test_opening_and_closing_tokens),
        FIXED(test_invalid_utf8),
        FIXED(test_nul),
        cmocka_unit_test(test_unknown_bytes),
        cmocka_unit_test(test_no_piece_for_a_byte),
        FIXED(test_parts_are_one_text),
        FIXED(test_capacity),
        FIXED(test_known_words),
        FIXED(test_many_words),
        FIXED(test_too_long),
        FIXED(test_long_texts),
        FIXED(test_allocates_only_to_grow),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
