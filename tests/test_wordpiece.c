/* WordPiece tokenizers: normalisation, words, pieces and spans, on a small vocabulary and on random texts. Prints its
 * seed; QUERN_TEST_SEED=N repeats a run. */
#include "base/count.h"
#include "base/utf8.h"
#include "base/view.h"
#include "support/naive_wordpiece.h"
#include "text/tokenizer_kind.h"
#include "text/wordpiece_characters.h"

#include <limits.h>
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

#define B QUERN_METASPACE
#define MOST_IDS 512

/* Pieces for the start of a word begin with U+2581. */
static const char *const pieces[] = {
    "[CLS]", "[SEP]", "[UNK]", "[MASK]", "[PAD4]", /* "[PAD4]" is unused, the others are control pieces */
    B "the", B "play", "ing", "s", B "un", "aff", "able", B "a", "a", B "b", "b", "ab", B "e", "e", B "i", "i",
    B "!", B ".", B "[", B "]", B "=", B "<", "mask", B "mask", "cls", B "\u4e2d", "\u4e2d", B "\u1112", "\u1161",
    "\u11ab", B "\u03c3", "\u03c3", B "x", "x", B "ss", B "\u00df", "\u0307", B "The", B "E", B "\u00e9", B "\u00c9",
    B "\u0915", "\u093f", B "\U0001D157", "\U0001D165", "\U0001D16D", "\U00001B44", B, "pad", B B,
    B "\u0e01", "\u0e32", B "h", "i\u0307", "4"};
enum { CLS, SEP, UNK, MASK, UNUSED };

struct fixture {
    quern_text texts[QUERN_COUNT(pieces)];
    int32_t kinds[QUERN_COUNT(pieces)];
    struct quern_vocabulary_source source;
    struct quern_vocabulary *vocabulary;
    struct quern_tokenizer *tokenizer;
};

static struct fixture *new_fixture(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    for (size_t i = 0; i < QUERN_COUNT(pieces); i++) {
        f->texts[i] = quern_text_of(pieces[i]);
        f->kinds[i] = i < UNUSED ? QUERN_PIECE_CONTROL : i == UNUSED ? QUERN_PIECE_UNUSED : QUERN_PIECE_NORMAL;
    }
    f->source = quern_tokenizer_defaults(quern_tokenizer_kind_find(quern_text_of("bert")));
    f->source.texts = f->texts;
    f->source.kinds = f->kinds;
    f->source.count = QUERN_COUNT(pieces);
    f->source.bos = CLS;
    f->source.eos = SEP;
    f->source.unknown = UNK;
    return f;
}

static int open_fixture(struct fixture *f, quern_error *error)
{
    const int code = quern_vocabulary_new(&f->vocabulary, &f->source, error);
    return code == QUERN_OK ? quern_tokenizer_new(&f->tokenizer, f->vocabulary, error) : code;
}

static void close_fixture(struct fixture *f)
{
    quern_tokenizer_free(f->tokenizer);
    quern_vocabulary_free(f->vocabulary);
    f->tokenizer = NULL;
    f->vocabulary = NULL;
}

static void reopen(struct fixture *f, bool lowercase, bool strip_accents)
{
    close_fixture(f);
    f->source.lowercase = lowercase;
    f->source.strip_accents = strip_accents;
    assert_int_equal(open_fixture(f, NULL), QUERN_OK);
}

static int set_up(void **state)
{
    struct fixture *f = new_fixture();
    assert_int_equal(open_fixture(f, NULL), QUERN_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    close_fixture(*state);
    free(*state);
    return 0;
}

static size_t run(struct fixture *f, quern_text text, unsigned flags, int32_t *ids)
{
    size_t count;
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &text, 1, flags, ids, MOST_IDS, &count, NULL), QUERN_OK);
    assert_in_range(count, 0, MOST_IDS);
    return count;
}

/* The pieces of a text with '|' between them, and '_' for U+2581 at their start. Each text is tokenised twice: then the
 * words are in the cache. */
static const char *tokens(struct fixture *f, const char *text, size_t length, unsigned flags)
{
    static char shown[4096];
    int32_t ids[MOST_IDS], again[MOST_IDS];
    const size_t count = run(f, (quern_text){text, length}, flags, ids);
    size_t used = 0;
    assert_int_equal(run(f, (quern_text){text, length}, flags, again), count);
    if (count > 0)
        assert_memory_equal(ids, again, count * sizeof *ids);
    shown[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[ids[i]];
        const bool starts = strncmp(piece, B, 3) == 0;
        used += (size_t)snprintf(shown + used, sizeof shown - used, "%s%s%s", i > 0 ? "|" : "", starts ? "_" : "",
                                 piece + (starts ? 3 : 0));
    }
    return shown;
}
#define CHECK(f, text, expected) assert_string_equal(tokens(f, text, sizeof text - 1, QUERN_NO_SPECIAL), expected)

/* ---------------------------------------------------------------- words and pieces */

static void test_longest_piece_first(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "the plays", "_the|_play|s");
    CHECK(f, "playing", "_play|ing");
    CHECK(f, "unaffable", "_un|aff|able");
    CHECK(f, "aab", "_a|ab");
    CHECK(f, "thes!", "_the|s|_!");
}

static void test_unknown_words(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "playq the", "[UNK]|_the");  /* the whole word, also when it begins with a piece */
    CHECK(f, "qplay", "[UNK]");
    CHECK(f, "s", "[UNK]");               /* not at the start of a word */
    CHECK(f, "aplay", "[UNK]");           /* only there */
    CHECK(f, "\u4e2d\u6587", "_\u4e2d|[UNK]");
    CHECK(f, "[PAD4]", "_[|[UNK]|_]");    /* an unused piece stands for no text */
}

static void test_opening_and_closing_tokens(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(tokens(f, "a", 1, 0), "[CLS]|_a|[SEP]");
    assert_string_equal(tokens(f, "", 0, 0), "[CLS]|[SEP]");
    CHECK(f, "", "");
    CHECK(f, " \t\r\n", "");
}

static void test_special_pieces(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "[MASK]", "_[|_mask|_]");
    assert_string_equal(tokens(f, "a[MASK]b [mask]", 15, QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL),
                        "_a|[MASK]|_b|_[|_mask|_]");
    assert_string_equal(tokens(f, "[CLS]a[UNK]", 11, QUERN_PARSE_SPECIAL), "[CLS]|[CLS]|_a|[UNK]|[SEP]");
}

/* A word of 100 characters is looked up, a longer one is unknown. Only what is left of it counts. */
static void test_longest_word(void **state)
{
    struct fixture *f = *state;
    char text[1000], expected[2000] = "_a";
    memset(text, 'a', sizeof text);
    for (int i = 1; i < 100; i++)
        strcat(expected, "|a");
    assert_string_equal(tokens(f, text, 100, QUERN_NO_SPECIAL), expected);
    assert_string_equal(tokens(f, text, 101, QUERN_NO_SPECIAL), "[UNK]");
    assert_string_equal(tokens(f, text, 1000, QUERN_NO_SPECIAL), "[UNK]");
    for (int i = 100; i < 1000; i += 2)
        memcpy(text + i, "\u0301", 2);
    assert_string_equal(tokens(f, text, 1000, QUERN_NO_SPECIAL), expected);
    for (int i = 0; i < 34; i++)
        memcpy(text + 3 * i, "\ud55c", 3); /* one character that becomes three */
    assert_string_equal(tokens(f, text, 102, QUERN_NO_SPECIAL), "[UNK]");
}

/* ---------------------------------------------------------------- normalisation */

static void test_what_ends_words(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "a\u00a0b\u3000a\u2028b", "_a|_b|_a|_b");
    CHECK(f, "a\x0b" "b", "_a|b");              /* a line tabulation is left out */
    CHECK(f, "a\xc2\x85" "b\u200bb", "_a|b|b");
    CHECK(f, "a.b\u2260=", "_a|_.|_b|_=|_=");   /* U+2260 is = with an accent */
    CHECK(f, "a\u4e2da", "_a|_\u4e2d|_a");
    CHECK(f, "a+", "_a|[UNK]");                 /* all of ASCII that is no letter or digit */
}

static void test_what_is_left_out(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "a\0b", "_a|b");
    CHECK(f, "a\u00adb\ufeff", "_a|b");
    CHECK(f, "\u200d", "");
    CHECK(f, "a \u0301 b", "_a|_b");
    CHECK(f, "a\xff" "b\xe4\xb8", "_a|b");      /* bytes that are not UTF-8 */
    CHECK(f, "\xc0\x80", "");
    CHECK(f, "\ue000\U000F0000\U0010FFFD", "");
    CHECK(f, "\U0010FFFF", "[UNK]");
}

static void test_accents_and_capitals(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "The \u00c9e\u0301", "_the|_e|e");
    CHECK(f, "\u0130I\u0131", "[UNK]");
    CHECK(f, "\u0130I", "_i|i");
    CHECK(f, "\u03a3\u03a3", "_\u03c3|\u03c3"); /* also at the end of a word */
    CHECK(f, "\u1e9e", "_\u00df");
    CHECK(f, "\ud55c", "_\u1112|\u1161|\u11ab");
    CHECK(f, "\ud558", "_\u1112|\u1161");
    CHECK(f, "\u0915\u093f\u0941", "_\u0915|\u093f"); /* a vowel sign that is no accent, and one that is */
    CHECK(f, "\u0e01\u0e32\u0e48", "_\u0e01|\u0e32");
}

static void test_choices(void **state)
{
    struct fixture *f = *state;
    reopen(f, false, false);
    CHECK(f, "The \u00c9 \u00e9 \u2260 a\u4e2d", "_The|_\u00c9|_\u00e9|[UNK]|_a|_\u4e2d");
    reopen(f, true, false);
    CHECK(f, "The \u00c9 \u00e9 h\u0130", "_the|_\u00e9|_\u00e9|_h|i\u0307");
    CHECK(f, "\ud55c", "[UNK]");
    reopen(f, false, true);
    CHECK(f, "The \u00c9 e\u0301", "_The|_E|_e");
}

/* Marks that stay are sorted, as in canonical decomposition. */
static void test_order_of_marks(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "\U0001D157\U0001D16D\U0001D165", "_\U0001D157|\U0001D165|\U0001D16D");
    CHECK(f, "\U0001D157\U0001D16D\u0301\u200d\U0001D165\u1b44", "_\U0001D157|\u1b44|\U0001D165|\U0001D16D");
    CHECK(f, "\U0001D157\U0001D16D\u0941\U0001D165", "_\U0001D157|\U0001D16D|\U0001D165"); /* not across U+0941 */
    CHECK(f, "\U0001D15E\u1b44", "_\U0001D157|\u1b44|\U0001D165"); /* U+1D15E becomes two */
    reopen(f, true, false);
    CHECK(f, "\U0001D157\U0001D16D\U0001D165", "_\U0001D157|\U0001D16D|\U0001D165");
}

/* U+2581 in a text is a character like others. */
static void test_the_mark_of_pieces_in_a_text(void **state)
{
    struct fixture *f = *state;
    CHECK(f, B, "_" B);
    CHECK(f, "a" B, "_a|_");         /* the piece U+2581 alone is none for the start of a word */
    CHECK(f, "a" B "b", "_a|_|b");
    CHECK(f, "a" B "play", "[UNK]");
}

/* ---------------------------------------------------------------- spans and texts */

/* The parts of a text that its tokens stand for. */
static const char *cut(struct fixture *f, const char *text)
{
    static char shown[512];
    const quern_text part = quern_text_of(text);
    int32_t ids[MOST_IDS];
    quern_token_span spans[MOST_IDS];
    const size_t count = run(f, part, QUERN_NO_SPECIAL, ids);
    size_t used = 0, end = 0;
    assert_int_equal(quern_tokenizer_spans(f->tokenizer, &part, 1, QUERN_NO_SPECIAL, ids, count, spans, NULL),
                     QUERN_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(spans[i].part, QUERN_PART_TEXT);
        assert_in_range(spans[i].begin, end, spans[i].end);
        end = spans[i].end;
        used += (size_t)snprintf(shown + used, sizeof shown - used, "%s%.*s", i > 0 ? "|" : "",
                                 (int)(end - spans[i].begin), text + spans[i].begin);
    }
    return shown;
}

static void test_spans(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(cut(f, " The  PLAYing."), "The|PLAY|ing|.");
    assert_string_equal(cut(f, "e\u0301\u00c9 x"), "e\u0301|\u00c9|x");
    assert_string_equal(cut(f, "\u00ada\u00adb \u0301"), "\u00ada\u00ad|b");
    assert_string_equal(cut(f, "a\ud55cb"), "a\ud55cb");                   /* unknown */
    assert_string_equal(cut(f, "\ud55cb"), "\ud55c|||b");                  /* the first of three has all of it */
    assert_string_equal(cut(f, "\U0001D157\U0001D16D\U0001D165"), "\U0001D157\U0001D16D|\U0001D165|"); /* sorted */
    assert_string_equal(cut(f, "q\u4e2d\u2260"), "q|\u4e2d|\u2260");
}

static void test_detokenize(void **state)
{
    struct fixture *f = *state;
    const quern_text text = quern_text_of("The playing, unaffable \u00c9!");
    int32_t ids[MOST_IDS];
    char out[64];
    size_t length, count = run(f, text, 0, ids);
    assert_int_equal(quern_vocabulary_detokenize(f->vocabulary, ids, count, QUERN_NO_SPECIAL, out, 64, &length, NULL),
                     QUERN_OK);
    out[length] = '\0';
    assert_string_equal(out, "the playing unaffable e !"); /* the comma is unknown here */
    assert_int_equal(quern_vocabulary_detokenize(f->vocabulary, ids + 1, 1, QUERN_KEEP_SPACE, out, 64, &length, NULL),
                     QUERN_OK);
    assert_int_equal(length, 4);
    assert_memory_equal(out, " the", 4);
}

static void test_facts(void **state)
{
    struct fixture *f = *state;
    quern_tokenizer_info info = {.size = sizeof info};
    quern_vocabulary_describe(f->vocabulary, &info);
    assert_string_equal(info.kind, "wordpiece");
    assert_int_equal(info.longest_piece, INT_MAX);
    assert_int_equal(info.bos, CLS);
    assert_int_equal(info.eos, SEP);
    assert_true(quern_tokenizer_defaults(&quern_wordpiece_kind).lowercase);
    assert_true(quern_tokenizer_always_encloses(&quern_wordpiece_kind));
    assert_false(quern_tokenizer_always_encloses(&quern_sentencepiece_bpe_kind));
    assert_true(quern_pieces_have_capitals(&f->source));
    for (size_t i = 0; i < QUERN_COUNT(pieces); i++)
        if (strcmp(pieces[i], B "The") == 0 || strcmp(pieces[i], B "E") == 0)
            f->kinds[i] = QUERN_PIECE_UNUSED;
    assert_false(quern_pieces_have_capitals(&f->source));
}

static void test_vocabularies_refused(void **state)
{
    struct fixture *f = *state;
    quern_error error = {0};
    close_fixture(f);
    f->source.unknown = -1;
    assert_int_equal(quern_vocabulary_new(&f->vocabulary, &f->source, &error), QUERN_EFORMAT);
    assert_non_null(strstr(error.text, "no token for unknown words"));
    f->source.unknown = (int32_t)f->source.count;
    assert_int_equal(quern_vocabulary_new(&f->vocabulary, &f->source, &error), QUERN_EFORMAT);
    f->source.unknown = UNK;
    f->texts[7] = f->texts[8];
    assert_int_equal(quern_vocabulary_new(&f->vocabulary, &f->source, &error), QUERN_EFORMAT);
    assert_non_null(strstr(error.text, "have the same text"));
    assert_null(f->vocabulary);
}

/* A vocabulary without pieces for the start of a word. */
static void test_no_starts(void **state)
{
    struct fixture *f = *state;
    close_fixture(f);
    f->source.count = UNUSED + 1;
    assert_int_equal(open_fixture(f, NULL), QUERN_OK);
    CHECK(f, "the a" B, "[UNK]|[UNK]");
}

/* ---------------------------------------------------------------- against the definition */

static size_t encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00u >> length & 0xF0) | code);
    return length;
}

static void compare(struct fixture *f, quern_text text, unsigned flags)
{
    static int32_t ids[QUERN_NAIVE_WORDPIECE_IDS(MOST_IDS)], expected[QUERN_COUNT(ids)];
    const size_t count = run(f, text, flags, ids);
    assert_int_equal(quern_naive_wordpiece(&f->source, text, flags, expected), count);
    if (count > 0)
        assert_memory_equal(ids, expected, count * sizeof *ids);
}

/* Characters for which there are rules, put together at random. */
static void test_random_texts(void **state)
{
    static const uint32_t codes[] = {
        ' ', 'a', 'b', 'T', 'h', 'e', 's', '!', '<', '=', '[', 0x0b, 0xad, 0xc9, 0xe9, 0x130, 0x301, 0x338, 0x34f,
        0x3a3, 0x915, 0x93f, 0x941, 0x9cb, 0xe01, 0xe32, 0xe48, 0x1112, 0x1161, 0x1b44, 0x2028, 0x2260, 0x2581, 0x302e,
        0x4e2d, 0xac00, 0xd55c, 0xf900, 0xfffd, 0x1d157, 0x1d15e, 0x1d160, 0x1d165, 0x1d16d, 0x1e9e, 0x2f800, 0xe0100,
        0xf0000};
    struct fixture *f = *state;
    char text[400];
    for (int mode = 0; mode < 4; mode++) {
        reopen(f, mode & 1, mode & 2);
        for (int i = 0; i < 3000; i++) {
            size_t length = 0;
            for (uint32_t left = below(i % 100 == 0 ? 90 : 12); left > 0; left--) {
                if (below(16) == 0)
                    text[length++] = (char)below(256);
                else
                    length += encode(codes[below(QUERN_COUNT(codes))], text + length);
            }
            compare(f, (quern_text){text, length}, below(2) ? QUERN_PARSE_SPECIAL : QUERN_NO_SPECIAL);
        }
    }
}

/* Each code point as a word, and in a word: what is left of it is a piece, or not, as the lists say. */
static void test_all_code_points(void **state)
{
    struct fixture *f = *state;
    static struct quern_wordpiece_characters characters;
    char text[16];
    for (int mode = 0; mode < 4; mode++) {
        reopen(f, mode & 1, mode & 2);
        for (uint32_t code = mode; code < 0x110000; code += code < 0x3000 ? 4 : code < 0x20000 ? 44 : 4444) {
            if (code >= 0xD800 && code < 0xE000)
                continue;
            size_t length = encode('a', text);
            length += encode(code, text + length);
            compare(f, (quern_text){text, length + encode('b', text + length)}, QUERN_NO_SPECIAL);
        }
    }
    quern_wordpiece_characters_fill(&characters, true, true);
    assert_in_range(characters.page_count, 1, QUERN_MOST_PAGES);
}

/* ---------------------------------------------------------------- memory */

static int run_all(void *argument, quern_error *error)
{
    struct fixture *f = argument;
    const quern_text text = quern_text_of("the unaffable \ud55c");
    size_t count = 0;
    int code = open_fixture(f, error);
    if (code == QUERN_OK)
        code = quern_tokenizer_run(f->tokenizer, &text, 1, 0, NULL, 0, &count, error);
    if (code == QUERN_OK)
        assert_int_equal(count, 9);
    close_fixture(f);
    return code;
}

static void test_out_of_memory(void **state)
{
    struct fixture *f = *state;
    close_fixture(f);
    quern_fail_each_allocation(run_all, f, 1); /* the trie of special pieces may fail to shrink */
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_longest_piece_first),
        FIXED(test_unknown_words),
        FIXED(test_opening_and_closing_tokens),
        FIXED(test_special_pieces),
        FIXED(test_longest_word),
        FIXED(test_what_ends_words),
        FIXED(test_what_is_left_out),
        FIXED(test_accents_and_capitals),
        FIXED(test_choices),
        FIXED(test_order_of_marks),
        FIXED(test_the_mark_of_pieces_in_a_text),
        FIXED(test_spans),
        FIXED(test_detokenize),
        FIXED(test_facts),
        FIXED(test_vocabularies_refused),
        FIXED(test_no_starts),
        FIXED(test_random_texts),
        FIXED(test_all_code_points),
        FIXED(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_seed, NULL);
}
