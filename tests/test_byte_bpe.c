/* The tokenizer "gpt2", and the normal form that it needs. Random texts over random vocabularies: the ids are those
 * that the definition gives. Prints its seed; QUERN_TEST_SEED=N repeats a run. */
#include "base/count.h"
#include "base/utf8.h"
#include "base/view.h"
#include "merge_maker.h"
#include "support/naive_byte_bpe.h"
#include "support/naive_tokenizer.h"
#include "text/normal_form.h"
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
#include "support/seeded.h"

#define MOST_PIECES 320
#define MOST_TEXT 80

static const char *const symbols[] = {
    "a", "b", " ", " ", "s", "T", "'", "l", "1", ".", "\n", "\r", "\t", "e", "\u0301", "\u0323", "\u0327", "\u017f",
    "\u00e9", "\u212b", "\u1100", "\u1161", "\u11a8", "\u0958", "\u2581", "\u00a0", "\u3000", "\u00bd", "\u4e2d",
    "\U0001F600", "\U0001d15e", "\xe4", "\xf0", "\x81", "\xff"};

/* Appends up to most symbols and returns the length. */
static size_t random_text(char *out, unsigned most, unsigned kinds)
{
    size_t length = 0;

    for (unsigned left = below(most + 1); left > 0; left--) {
        const char *symbol = symbols[below(kinds)];
        memcpy(out + length, symbol, strlen(symbol));
        length += strlen(symbol);
    }
    return length;
}

/* ---------------------------------------------------------------- vocabularies */

struct vocabulary {
    quern_text texts[MOST_PIECES];
    int32_t kinds[MOST_PIECES];
    char bytes[MOST_PIECES][64];
    struct quern_vocabulary_source source;
    struct quern_made_merges merges;
    struct quern_vocabulary *made;
    struct quern_tokenizer *tokenizer;
};

static struct vocabulary v;

/* Adds a piece, unless it is there. A plain one is spelled in the alphabet of bytes. */
static void add(const char *text, size_t length, int kind)
{
    const size_t i = v.source.count;
    const bool is_plain = quern_piece_is_plain(kind) && kind != QUERN_PIECE_USER_DEFINED;

    if (is_plain)
        length = quern_naive_spell(text, length, v.bytes[i]);
    else
        memcpy(v.bytes[i], text, length);
    v.texts[i] = (quern_text){v.bytes[i], length};
    v.kinds[i] = kind;
    for (size_t k = 0; k < i; k++)
        if (v.texts[k].length == length && memcmp(v.bytes[k], v.bytes[i], length) == 0)
            return;
    v.source.count += length > 0;
}

static void begin(const char *pre)
{
    v = (struct vocabulary){.source = {
        .tokenizer = &quern_byte_bpe_kind, .texts = v.texts, .kinds = v.kinds, .pre = quern_text_of(pre), .bos = -1,
        .eos = -1, .unknown = -1}};
}

static void add_bytes(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        add(&(const char){(char)i}, 1, QUERN_PIECE_NORMAL);
}

static void finish(uint64_t seed)
{
    assert_int_equal(quern_merges_make(&v.merges, &v.source, seed, NULL), QUERN_OK);
    v.source.merges = v.merges.texts;
    v.source.merge_count = v.merges.count;
    assert_int_equal(quern_vocabulary_new(&v.made, &v.source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&v.tokenizer, v.made, NULL), QUERN_OK);
}

static void end(void)
{
    quern_tokenizer_free(v.tokenizer);
    quern_vocabulary_free(v.made);
    quern_merges_unmake(&v.merges);
}

/* ---------------------------------------------------------------- random texts */

static void random_vocabulary(unsigned symbol_kinds)
{
    static const char *const rules[] = {"gpt-2", "olmo", "modern-bert", "qwen2"};
    char text[32];

    begin(rules[below(QUERN_COUNT(rules))]);
    for (unsigned i = below(60); i > 0; i--) {
        const size_t length = random_text(text, 1 + below(5), symbol_kinds);
        add(text, length, below(4) ? QUERN_PIECE_NORMAL : (int)(1 + below(5)));
    }
    add_bytes(below(4) ? 256 : below(256));
    if (v.source.count == 0)
        add("a", 1, QUERN_PIECE_NORMAL);
    v.source.bos = (int32_t)below((unsigned)v.source.count + 1) - 1;
    v.source.eos = (int32_t)below((unsigned)v.source.count + 1) - 1;
    v.source.unknown = (int32_t)below((unsigned)v.source.count + 1) - 1;
    v.source.add_bos = below(2);
    v.source.add_eos = below(2);
    v.source.add_space_prefix = below(4) == 0;
    finish(below(1000));
}

static bool is_normal_form_rule(void)
{
    return v.source.pre.data[0] == 'm' || v.source.pre.data[0] == 'q';
}

static void check_text(unsigned symbol_kinds)
{
    static char text[MOST_TEXT * 4];
    static int32_t expected[QUERN_NAIVE_BYTE_TOKENS(sizeof text)], ids[QUERN_NAIVE_BYTE_TOKENS(sizeof text)];
    static quern_token_span spans[QUERN_NAIVE_BYTE_TOKENS(sizeof text)];
    const size_t length = random_text(text, 1 + below(MOST_TEXT), symbol_kinds), half = below((unsigned)length + 1);
    const unsigned flags = (below(2) ? QUERN_PARSE_SPECIAL : 0) | (below(2) ? QUERN_NO_SPECIAL : 0);
    const quern_text whole = {text, length}, parts[] = {{text, half}, {text + half, length - half}};
    const int expected_count = quern_naive_byte_bpe(&v.source, whole, flags, expected);
    size_t count;

    const int code = quern_tokenizer_run(v.tokenizer, parts, 2, flags, ids, QUERN_COUNT(ids), &count, NULL);
    if (expected_count < 0) {
        assert_int_equal(code, QUERN_EFORMAT);
        return;
    }
    assert_int_equal(code, QUERN_OK);
    assert_int_equal(count, expected_count);
    assert_memory_equal(ids, expected, count * sizeof *ids);
    assert_int_equal(quern_tokenizer_spans(v.tokenizer, parts, 2, flags, ids, count, spans, NULL), QUERN_OK);
    assert_true(quern_spans_cover(spans, count, half, length - half));
    if (flags & QUERN_NO_SPECIAL && !(flags & QUERN_PARSE_SPECIAL) && !is_normal_form_rule())
        assert_true(quern_text_returns(&v.source, v.made, whole, ids, count));
}

static void test_random_texts(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        const unsigned symbol_kinds = 3 + below(QUERN_COUNT(symbols) - 2);
        random_vocabulary(symbol_kinds);
        for (int k = 0; k < 20; k++)
            check_text(symbol_kinds);
        end();
    }
}

/* ---------------------------------------------------------------- words */

/* Writes the words of a text, with '|' between. Each word is one token, because its pieces all make one. */
static void check_words(const char *pre, const char *text, const char *expected)
{
    char out[256] = "";
    const quern_text part = quern_text_of(text);
    quern_token_span spans[64];
    int32_t ids[64];
    size_t count, used = 0;

    begin(pre);
    add_bytes(256);
    for (size_t length = 2; length < 20; length++)
        for (size_t at = 0; at + length <= part.length && v.source.count < MOST_PIECES; at++)
            add(text + at, length, QUERN_PIECE_NORMAL);
    finish(0);
    assert_int_equal(quern_tokenizer_run(v.tokenizer, &part, 1, 0, ids, 64, &count, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_spans(v.tokenizer, &part, 1, 0, ids, count, spans, NULL), QUERN_OK);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%.*s", i > 0 ? "|" : "",
                                 (int)(spans[i].end - spans[i].begin), text + spans[i].begin);
    assert_string_equal(out, expected);
    end();
}

static void test_words(void **state)
{
    (void)state;
    check_words("qwen2", "it's 'S 12", "it|'s| '|S| |1|2");
    check_words("qwen2", "(a) _b!?\n\nc", "(a|)| _|b|!?\n\n|c");
    check_words("qwen2", "a  \n\n  b ", "a|  \n\n| | b| ");
    check_words("qwen2", "a'LL\tb", "a|'LL|\tb");
    check_words("gpt-2", "it's 'S 12", "it|'s| '|S| 12");
    check_words("gpt-2", "(a) _b!?\n\nc", "(|a|)| _|b|!?|\n|\n|c");
    check_words("modern-bert", "a  b \t", "a| | b| \t");
}

/* Pieces of spaces that users have defined are cut out, the longest first. U+2581 is a character like others. */
static void test_pieces_of_spaces(void **state)
{
    (void)state;
    int32_t ids[16];
    size_t count;
    begin("modern-bert");
    add("  ", 2, QUERN_PIECE_USER_DEFINED);
    add("   ", 3, QUERN_PIECE_USER_DEFINED);
    add_bytes(256);
    finish(0);
    const quern_text spaces = quern_text_of("a       b"), other = quern_text_of("\u2581\u2581");
    assert_int_equal(quern_tokenizer_run(v.tokenizer, &spaces, 1, 0, ids, 16, &count, NULL), QUERN_OK);
    const int32_t expected[] = {2 + 'a', 1, 1, 2 + ' ', 2 + 'b'};
    assert_int_equal(count, QUERN_COUNT(expected));
    assert_memory_equal(ids, expected, sizeof expected);
    assert_int_equal(quern_tokenizer_run(v.tokenizer, &other, 1, 0, ids, 16, &count, NULL), QUERN_OK);
    assert_int_equal(count, 6);
    end();
}

/* ---------------------------------------------------------------- normal form */

static void check_normal(const char *text, const char *expected)
{
    struct quern_normal_segment segment = {0};
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *e = (const unsigned char *)expected, *end = e + strlen(expected);

    assert_int_equal(quern_normal_segment_read(&segment, p, p + strlen(text), NULL), QUERN_OK);
    for (size_t i = 0, length; i < segment.count; i++, e += length) {
        assert_true(e < end);
        length = quern_utf8_length(e, (size_t)(end - e));
        assert_int_equal(segment.codes[i], quern_utf8_code(e, length));
    }
    assert_ptr_equal(e, end);
    quern_normal_segment_release(&segment);
}

static void test_normal_form(void **state)
{
    (void)state;
    check_normal("e\u0301", "\u00e9");
    check_normal("q\u0307\u0323", "q\u0323\u0307");
    check_normal("\u1e9b\u0323", "\u1e9b\u0323");
    check_normal("s\u0323\u0307", "\u1e69");
    check_normal("s\u0307\u0323", "\u1e69");
    check_normal("\u00ea\u0323", "\u1ec7");
    check_normal("a\u05ae\u0300\u0315b", "\u00e0\u05ae\u0315b");
    check_normal("a\u0328\u0300\u0301", "\u0105\u0300\u0301");
    check_normal("\u212b\u2126\u212a", "\u00c5\u03a9K");
    check_normal("\u0344", "\u0308\u0301");
    check_normal("\u0958", "\u0915\u093c");
    check_normal("\u09c7\u09be", "\u09cb");
    check_normal("\u1100\u1161\u11a8", "\uac01");
    check_normal("\uac00\u11a8\u11a8", "\uac01\u11a8");
    check_normal("\u1100\u1100\u1161", "\u1100\uac00");
    check_normal("\u1f82", "\u1f82");
    check_normal("\u03b1\u0313\u0300\u0345", "\u1f82");
    check_normal("\ufb2c", "\u05e9\u05bc\u05c1");
    check_normal("\U0001d160", "\U0001d158\U0001d165\U0001d16e");
    check_normal("\U0002f800", "\u4e3d");
    check_normal("\u0301\u0323a\u0301", "\u0323\u0301\u00e1");
}

/* Very many marks, in no order, take no more time for each of them. */
static void test_many_marks(void **state)
{
    (void)state;
    enum { MARKS = 200000 };
    char *text = malloc(2 * MARKS + 1);
    const quern_text part = {text, 2 * MARKS + 1};
    size_t count;
    assert_non_null(text);
    text[0] = 'e';
    for (int i = 0; i < MARKS; i++)
        memcpy(text + 1 + 2 * i, i % 2 ? "\u0323" : "\u0301", 2);
    begin("qwen2");
    add_bytes(256);
    finish(0);
    assert_int_equal(quern_tokenizer_run(v.tokenizer, &part, 1, 0, NULL, 0, &count, NULL), QUERN_OK);
    assert_int_equal(count, 2 * MARKS - 2 + 3); /* U+1EB9, then the other marks; U+0301 is not composed with it */
    end();
    free(text);
}

/* ---------------------------------------------------------------- facts and refusals */

static void test_facts(void **state)
{
    (void)state;
    quern_tokenizer_info info = {0};
    const struct quern_tokenizer_kind *kind = quern_tokenizer_kind_find(quern_text_of("gpt2"));
    assert_ptr_equal(kind, &quern_byte_bpe_kind);
    assert_true(quern_tokenizer_uses_pre(kind));
    assert_true(quern_tokenizer_takes(kind, quern_text_of("qwen2")));
    assert_false(quern_tokenizer_takes(kind, quern_text_of("llama-bpe")));
    assert_false(quern_tokenizer_takes(kind, quern_text_of("default")));
    assert_true(quern_tokenizer_takes(&quern_character_bpe_kind, quern_text_of("default")));
    begin("qwen2");
    add("abcdef", 6, QUERN_PIECE_NORMAL);
    add_bytes(256);
    finish(0);
    quern_vocabulary_describe(v.made, &info);
    assert_string_equal(info.kind, "byte-bpe");
    assert_int_equal(info.longest_piece, 18); /* three bytes, such as those of U+212A, become one */
    end();
    v.source.pre = quern_text_of("other");
    assert_int_equal(quern_vocabulary_new(&v.made, &v.source, NULL), QUERN_EUNSUPPORTED);
}

static void test_bytes_without_pieces(void **state)
{
    (void)state;
    const quern_text text = quern_text_of("a\xff");
    quern_error error = {0};
    int32_t ids[4];
    size_t count;
    begin("gpt-2");
    add("[UNK]", 5, QUERN_PIECE_UNKNOWN);
    add_bytes(255);
    finish(0);
    assert_int_equal(quern_tokenizer_run(v.tokenizer, &text, 1, 0, ids, 4, &count, &error), QUERN_EFORMAT);
    assert_non_null(strstr(error.text, "no piece for a byte of the text, 0xFF"));
    quern_tokenizer_free(v.tokenizer);
    quern_vocabulary_free(v.made);
    v.source.unknown = 0;
    assert_int_equal(quern_vocabulary_new(&v.made, &v.source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&v.tokenizer, v.made, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_run(v.tokenizer, &text, 1, 0, ids, 4, &count, NULL), QUERN_OK);
    assert_int_equal(count, 2);
    assert_int_equal(ids[1], 0);
    end();
}

static int run_all(void *argument, quern_error *error)
{
    (void)argument;
    const quern_text part = quern_text_of("abababababababababababababababababababe\u0323\u0301e\u0301");
    struct quern_vocabulary *vocabulary = NULL;
    struct quern_tokenizer *tokenizer = NULL;
    size_t count;
    int code = quern_vocabulary_new(&vocabulary, &v.source, error);
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
    begin("qwen2");
    add("ab", 2, QUERN_PIECE_NORMAL);
    add_bytes(256);
    finish(0);
    quern_fail_each_allocation(run_all, NULL, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_texts),     cmocka_unit_test(test_words),
        cmocka_unit_test(test_pieces_of_spaces), cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_many_marks),       cmocka_unit_test(test_facts),
        cmocka_unit_test(test_bytes_without_pieces), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_seed, NULL);
}
