/* Random texts over random vocabularies: the tokenizer gives the ids that its definition gives, the spans of the ids
 * cover the text, and the ids give the text back. Prints its seed; QUERN_TEST_SEED=N repeats a run. */
#include "base/count.h"
#include "merge_maker.h"
#include "support/naive_tokenizer.h"
#include "text/sentencepiece_bpe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/seeded.h"

#define MOST_PIECES 320
#define MOST_TEXT 120

/* Few different ones, so that texts meet pieces; whole characters and parts of them. */
static const char *const symbols[] = {"a", "a", "b", "c", " ", " ", "\u2581", "\n", "<", ">", "\u00e9", "\u4e2d",
                                      "\U0001F600", "\xe4", "\xf0", "\x81", "\xe2", "\xff"};

/* Appends up to most symbols and returns the length. */
static size_t random_text(char *out, unsigned most, unsigned kinds)
{
    size_t length = 0;

    for (unsigned left = below(most + 1); left > 0; left--) {
        const char *symbol = below(200) ? symbols[below(kinds)] : "";
        size_t size = *symbol ? strlen(symbol) : 1; /* now and then a NUL */
        memcpy(out + length, symbol, size);
        length += size;
    }
    return length;
}

struct random_vocabulary {
    quern_text texts[MOST_PIECES];
    float scores[MOST_PIECES];
    int32_t kinds[MOST_PIECES];
    char bytes[MOST_PIECES][32];
    struct quern_vocabulary_source source;
    struct quern_made_merges merges;
};

static void add(struct random_vocabulary *v, size_t length, int kind)
{
    size_t i = v->source.count;

    for (size_t k = 0; k < i; k++)
        if (v->texts[k].length == length && memcmp(v->bytes[k], v->bytes[i], length) == 0)
            return;
    if (length == 0)
        return;
    v->texts[i] = (quern_text){v->bytes[i], length};
    v->scores[i] = (float)below(12) - 8; /* many are alike */
    v->kinds[i] = kind;
    v->source.count++;
}

static void random_vocabulary(struct random_vocabulary *v, unsigned symbol_kinds)
{
    unsigned wanted = 1 + below(60), bytes = below(3) ? 256 : below(256), kinds = below(2) ? 6 : 1 + below(5);

    *v = (struct random_vocabulary){.source = {
        .tokenizer = below(2) ? &quern_sentencepiece_bpe_kind : &quern_character_bpe_kind, .texts = v->texts,
        .scores = v->scores, .kinds = v->kinds}};
    if (v->source.tokenizer == &quern_character_bpe_kind) { /* which must have these pieces */
        bytes = 256;
        strcpy(v->bytes[0], QUERN_METASPACE);
        add(v, QUERN_METASPACE_LENGTH, QUERN_PIECE_NORMAL);
    }
    for (unsigned i = 0; i < wanted; i++)
        add(v, random_text(v->bytes[v->source.count], 1 + below(6), symbol_kinds),
            below(3) ? QUERN_PIECE_NORMAL : (int)(1 + below(kinds)));
    for (unsigned i = 0; i < bytes; i++) {
        snprintf(v->bytes[v->source.count], sizeof *v->bytes, "<0x%02X>", i);
        add(v, 6, below(30) ? QUERN_PIECE_BYTE : QUERN_PIECE_NORMAL);
    }
    if (v->source.tokenizer == &quern_character_bpe_kind) {
        assert_int_equal(quern_merges_make(&v->merges, &v->source, below(1000), NULL), QUERN_OK);
        v->source.merges = v->merges.texts;
        v->source.merge_count = v->merges.count;
    }
    if (v->source.count == 0) {
        v->bytes[0][0] = 'a';
        add(v, 1, QUERN_PIECE_NORMAL);
    }
    v->source.bos = (int32_t)below((unsigned)v->source.count + 1) - 1;
    v->source.eos = (int32_t)below((unsigned)v->source.count + 1) - 1;
    v->source.unknown = (int32_t)below((unsigned)v->source.count + 1) - 1;
    v->source.add_bos = below(2);
    v->source.add_eos = below(2);
    v->source.add_space_prefix = below(2);
}

static void check_text(const struct random_vocabulary *v, const struct quern_vocabulary *vocabulary,
                       struct quern_tokenizer *tokenizer, unsigned symbol_kinds)
{
    static char text[MOST_TEXT * 4];
    static int32_t expected[QUERN_NAIVE_TOKENS(sizeof text)], ids[QUERN_NAIVE_TOKENS(sizeof text)];
    static quern_token_span spans[QUERN_NAIVE_TOKENS(sizeof text)];
    size_t length = random_text(text, 1 + below(MOST_TEXT), symbol_kinds), count;
    unsigned flags = (below(2) ? QUERN_PARSE_SPECIAL : 0) | (below(2) ? QUERN_NO_SPECIAL : 0);
    size_t first = below((unsigned)length + 1), second = first + below((unsigned)(length - first) + 1);
    const quern_text parts[] = {{text, first}, {text + first, second - first}, {text + second, length - second}};

    int expected_count = quern_naive_tokenize(&v->source, (quern_text){text, length}, flags, expected);
    int code = quern_tokenizer_run(tokenizer, parts, 3, flags, ids, QUERN_COUNT(ids), &count, NULL);
    if (expected_count < 0) {
        assert_int_equal(code, QUERN_EFORMAT);
        return;
    }
    assert_int_equal(code, QUERN_OK);
    assert_int_equal(count, expected_count);
    assert_memory_equal(ids, expected, count * sizeof *ids);
    assert_int_equal(quern_tokenizer_spans(tokenizer, parts, 3, flags, ids, count, spans, NULL), QUERN_OK);
    assert_true(quern_spans_cover(spans, count, second, length - second));
    if (flags & QUERN_NO_SPECIAL)
        assert_true(quern_text_returns(&v->source, vocabulary, (quern_text){text, length}, ids, count));
}

static void test_random_texts(void **state)
{
    static struct random_vocabulary v;
    (void)state;

    for (int i = 0; i < 300; i++) {
        struct quern_vocabulary *vocabulary;
        struct quern_tokenizer *tokenizer;
        unsigned symbol_kinds = 3 + below(QUERN_COUNT(symbols) - 2);
        random_vocabulary(&v, symbol_kinds);
        assert_int_equal(quern_vocabulary_new(&vocabulary, &v.source, NULL), QUERN_OK);
        assert_int_equal(quern_tokenizer_new(&tokenizer, vocabulary, NULL), QUERN_OK);
        for (int k = 0; k < 20; k++)
            check_text(&v, vocabulary, tokenizer, symbol_kinds);
        quern_tokenizer_free(tokenizer);
        quern_vocabulary_free(vocabulary);
        quern_merges_unmake(&v.merges);
    }
}

/* Makes a vocabulary of these pieces, which has no other ones, and its tokenizer. */
static void open_pieces(struct random_vocabulary *v, const char *const *texts, size_t count,
                        struct quern_vocabulary **vocabulary, struct quern_tokenizer **tokenizer)
{
    v->source = (struct quern_vocabulary_source){
        .tokenizer = &quern_sentencepiece_bpe_kind, .texts = v->texts, .scores = v->scores, .kinds = v->kinds,
        .bos = -1, .eos = -1, .unknown = -1};
    for (size_t i = 0; i < count; i++) {
        strcpy(v->bytes[i], texts[i]);
        add(v, strlen(texts[i]), QUERN_PIECE_NORMAL);
    }
    assert_int_equal(quern_vocabulary_new(vocabulary, &v->source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(tokenizer, *vocabulary, NULL), QUERN_OK);
}

/* In a vocabulary of so many pieces that a short word cannot number them, short words are merged like long ones. */
static void test_very_large_vocabulary(void **state)
{
    static const char *const texts[] = {"a", "b", "ab"};
    static struct random_vocabulary v;
    struct quern_vocabulary *vocabulary;
    struct quern_tokenizer *tokenizer;
    int32_t ids[8];
    size_t count;
    (void)state;

    open_pieces(&v, texts, QUERN_COUNT(texts), &vocabulary, &tokenizer);
    vocabulary->source.count = 100000000; /* nothing reads them, because merging finds the three */
    ((struct quern_sentencepiece_bpe *)vocabulary)->end = 200000000;
    const quern_text part = {"abba", 4};
    assert_int_equal(quern_tokenizer_run(tokenizer, &part, 1, 0, ids, 8, &count, NULL), QUERN_OK);
    const int32_t expected[] = {2, 1, 0};
    assert_int_equal(count, QUERN_COUNT(expected));
    assert_memory_equal(ids, expected, sizeof expected);
    vocabulary->source.count = v.source.count;
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
}

/* So many words that they push each other out of the cache, of lengths around what it takes, each twice. */
static void test_many_words(void **state)
{
    static const char *const texts[] = {"a", "b", "aa", "ab", "ba", "bb", "aba", "bbaa"};
    static struct random_vocabulary v;
    struct quern_vocabulary *vocabulary;
    struct quern_tokenizer *tokenizer;
    (void)state;

    open_pieces(&v, texts, QUERN_COUNT(texts), &vocabulary, &tokenizer);
    for (int i = 0; i < 20000; i++) {
        char text[40];
        int32_t expected[QUERN_NAIVE_TOKENS(sizeof text)], ids[QUERN_NAIVE_TOKENS(sizeof text)];
        size_t length = 12 + below(sizeof text - 12), count;
        for (size_t k = 0; k < length; k++)
            text[k] = below(2) ? 'a' : 'b';
        quern_text part = {text, length};
        int expected_count = quern_naive_tokenize(&v.source, part, 0, expected);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(quern_tokenizer_run(tokenizer, &part, 1, 0, ids, 80, &count, NULL), QUERN_OK);
            assert_int_equal(count, expected_count);
            assert_memory_equal(ids, expected, count * sizeof *ids);
        }
    }
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_texts), cmocka_unit_test(test_many_words),
                                       cmocka_unit_test(test_very_large_vocabulary)};
    return cmocka_run_group_tests(tests, set_seed, NULL);
}
