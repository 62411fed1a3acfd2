/* Unigram tokenizers: the character map, grapheme clusters, words, pieces and spans, on a small vocabulary and on
 * random ones. Prints its seed; QUERN_TEST_SEED=N repeats a run. */
#include "base/count.h"
#include "base/view.h"
#include "support/charsmap_maker.h"
#include "support/naive_unigram.h"
#include "text/charsmap.h"
#include "text/grapheme.h"
#include "text/tokenizer_kind.h"

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
#define MOST_IDS 256

#define REPLACE(key, text) {{key, sizeof key - 1}, {text, sizeof text - 1}}
static const struct quern_replacement replacements[] = {
    REPLACE("\t", " "), REPLACE("\n", " "), REPLACE("\r", " "), REPLACE("\u3000", " "), REPLACE("\x01", ""),
    REPLACE("\u200b", ""), REPLACE("\ufb01", "fi"), REPLACE("\uff41", "a"), REPLACE("e\u0301", "\u00e9"),
    REPLACE("o\u0302", "\u00f4"), REPLACE("o\u0302\u0301", "\u1ed1"), REPLACE("\u304b\u3099", "\u304c"),
    REPLACE("\u00bd", "1\u20442"), REPLACE("\u00a9", "(c)"), REPLACE("\u0958", "\u0915\u093c"),
    REPLACE("\u02d8", " \u0306"), REPLACE("\ufffd", "?"), REPLACE("\U0001D400", "A"), REPLACE("\ufdfa", "a a \u2581"),
};

struct piece {
    const char *text;
    float score;
    int kind;
};
enum { BOS, PAD, EOS, UNKNOWN };
static const struct piece pieces[] = {
    {"<s>", 0, QUERN_PIECE_CONTROL}, {"<pad>", 0, QUERN_PIECE_CONTROL}, {"</s>", 0, QUERN_PIECE_CONTROL},
    {"<unk>", 0, QUERN_PIECE_UNKNOWN}, {"<mask>", 0, QUERN_PIECE_CONTROL}, {"[PAD5]", -10000, QUERN_PIECE_UNUSED},
    {B, -4, QUERN_PIECE_NORMAL}, {"a", -5, QUERN_PIECE_NORMAL}, {"b", -5, QUERN_PIECE_NORMAL},
    {"c", -5, QUERN_PIECE_NORMAL}, {"ab", -7, QUERN_PIECE_NORMAL}, {"bc", -7, QUERN_PIECE_NORMAL},
    {B "a", -6, QUERN_PIECE_NORMAL}, {B "fi", -6, QUERN_PIECE_NORMAL}, {"\u00e9", -6, QUERN_PIECE_NORMAL},
    {"\u00f4", -6, QUERN_PIECE_NORMAL}, {"\u1ed1", -6, QUERN_PIECE_NORMAL}, {"\u304b", -6, QUERN_PIECE_NORMAL},
    {"\u3099", -6, QUERN_PIECE_NORMAL}, {"\u304c", -6, QUERN_PIECE_NORMAL}, {"e", -6, QUERN_PIECE_NORMAL},
    {"1", -6, QUERN_PIECE_NORMAL}, {"2", -6, QUERN_PIECE_NORMAL}, {"\u2044", -6, QUERN_PIECE_NORMAL},
    {"?", -6, QUERN_PIECE_NORMAL}, {"<", -6, QUERN_PIECE_NORMAL}, {"s", -6, QUERN_PIECE_NORMAL},
    {">", -6, QUERN_PIECE_NORMAL}, {"\u4e2d\u6587", -9, QUERN_PIECE_NORMAL}, {"A", -6, QUERN_PIECE_NORMAL},
    {"d", 0, QUERN_PIECE_USER_DEFINED}, {"bbbb", -1000, QUERN_PIECE_UNUSED},
};

struct fixture {
    quern_text texts[QUERN_COUNT(pieces)], map;
    float scores[QUERN_COUNT(pieces)];
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
        f->texts[i] = quern_text_of(pieces[i].text);
        f->scores[i] = pieces[i].score;
        f->kinds[i] = pieces[i].kind;
    }
    f->map = quern_charsmap_make(replacements, QUERN_COUNT(replacements));
    f->source = quern_tokenizer_defaults(quern_tokenizer_kind_find(quern_text_of("t5")));
    f->source.texts = f->texts;
    f->source.scores = f->scores;
    f->source.kinds = f->kinds;
    f->source.count = QUERN_COUNT(pieces);
    f->source.charsmap = f->map;
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

static void free_fixture(struct fixture *f)
{
    close_fixture(f);
    free((char *)f->map.data);
    free(f);
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
    free_fixture(*state);
    return 0;
}

/* The pieces of a text with '|' between them, and '_' for U+2581. Each text is tokenised twice: then the words are in
 * the cache. The spans of the tokens are those that cut() shows. */
static const char *tokens(struct fixture *f, const char *text, size_t length, unsigned flags)
{
    static char shown[2048];
    int32_t ids[MOST_IDS], again[MOST_IDS];
    size_t count, count_again, used = 0;
    const quern_text part = {text, length};
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, flags, ids, MOST_IDS, &count, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, flags, again, MOST_IDS, &count_again, NULL), QUERN_OK);
    assert_in_range(count, 0, MOST_IDS);
    assert_int_equal(count, count_again);
    if (count > 0)
        assert_memory_equal(ids, again, count * sizeof *ids);
    shown[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const bool is_space = strncmp(pieces[ids[i]].text, B, 3) == 0;
        used += (size_t)snprintf(shown + used, sizeof shown - used, "%s%s%s", i > 0 ? "|" : "", is_space ? "_" : "",
                                 pieces[ids[i]].text + (is_space ? 3 : 0));
    }
    return shown;
}
#define CHECK(f, text, expected) assert_string_equal(tokens(f, text, sizeof text - 1, QUERN_NO_SPECIAL), expected)

/* ---------------------------------------------------------------- words and pieces */

static void test_words(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "", "");
    CHECK(f, "a", "_a");
    CHECK(f, "b", "_|b");
    CHECK(f, "a b", "_a|_|b");
    CHECK(f, "  a \t\r\n b  ", "_a|_|b");
    CHECK(f, "a\u3000b\u00a0a\u2028a", "_a|_|b|_a|_a");
    CHECK(f, " \n", "");
    assert_string_equal(tokens(f, "a", 1, 0), "<s>|_a|</s>");
    assert_string_equal(tokens(f, "", 0, 0), "<s>|</s>");
}

/* A U+2581 in a text begins a word, also when nothing follows it. */
static void test_space_signs_in_a_text(void **state)
{
    struct fixture *f = *state;
    CHECK(f, B, "_");
    CHECK(f, B "a", "_a");
    CHECK(f, "a" B, "_a|_");
    CHECK(f, "a" B B "a", "_a|_|_a");
    CHECK(f, "a " B " a", "_a|_|_a");
}

static void test_greatest_sum(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "ab", "_|ab");    /* -4 - 7, rather than -6 - 5: equal sums, and the piece that begins first stays */
    CHECK(f, "abc", "_a|bc");  /* -6 - 7 */
    CHECK(f, "bab", "_|b|ab"); /* -7 rather than -5 - 5 */
    CHECK(f, "bbbb", "_|b|b|b|b"); /* an unused piece stands for no text */
}

static void test_unknown_characters(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "x", "_|<unk>");
    CHECK(f, "xyz", "_|<unk>");
    CHECK(f, "xay", "_|<unk>|a|<unk>");
    CHECK(f, "x y", "_|<unk>|_|<unk>");
    CHECK(f, "\u4e2d", "_|<unk>");
    CHECK(f, "\u4e2d\u6587", "_|\u4e2d\u6587");
    CHECK(f, "a\0b", "_a|<unk>|b");
}

static void test_special_pieces(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "<s>", "_|<|s|>");
    assert_string_equal(tokens(f, "a <mask> a<s>a", 14, QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL),
                        "_a|<mask>|_a|<s>|_a");
    assert_string_equal(tokens(f, "<s>a", 4, QUERN_PARSE_SPECIAL), "<s>|<s>|_a|</s>");
    CHECK(f, "[PAD5]", "_|<unk>|A|<unk>");
    CHECK(f, "ada", "_a|d|_a"); /* a user-defined piece is always cut out */
}

/* ---------------------------------------------------------------- normalisation */

static void test_clusters(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "\ufb01", "_fi");
    CHECK(f, "\uff41", "_a");
    CHECK(f, "e\u0301", "_|\u00e9");
    CHECK(f, "o\u0302\u0301", "_|\u00f4");         /* the shortest key, and what follows it in the cluster is lost */
    CHECK(f, "\uff41\u0301b", "_|ab");            /* so it is here */
    CHECK(f, "\uff41\u0301\u0301b", "_a|<unk>|b"); /* 7 bytes: each character by itself */
    CHECK(f, "\u304b\u3099", "_|\u304b|\u3099");   /* 6 bytes */
    CHECK(f, "\u00bd", "_|1|\u2044|2");
    CHECK(f, "a\u0301", "_a|<unk>");               /* no key */
    CHECK(f, "\U0001D400\U0001D400", "_|A|A");
    CHECK(f, "\u02d8", "_|<unk>");                 /* a space and a mark */
    CHECK(f, "a\u02d8", "_a|_|<unk>");
    CHECK(f, "\ufdfa", "_a|_a|_");
}

static void test_what_is_deleted(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "a\x01" "b", "_|ab");
    CHECK(f, "a\u200bb", "_|ab");
    CHECK(f, "\x01", "");
    CHECK(f, "\x01 \u200b", "");
}

/* Marks belong to the blank before them. */
static void test_marks_behind_blanks(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "a \u0301b", "_a|_|<unk>|b");
    CHECK(f, "a\n\u0301b", "_a|_|<unk>|b"); /* but not to a line feed */
    CHECK(f, "a\u3000\u0301b", "_a|_|b");   /* replaced with the mark */
    CHECK(f, "a \u00e9", "_a|_|\u00e9");
}

static void test_invalid_utf8(void **state)
{
    struct fixture *f = *state;
    CHECK(f, "\xff", "_|?");
    CHECK(f, "a\xe4\xb8", "_a|?|?");
    CHECK(f, "a\xff\u0301b", "_a|?|b"); /* U+FFFD and a mark are 5 bytes */
    CHECK(f, "\xff \xc3", "_|?|_|?");
}

/* CR and LF are one cluster. So CR ends no word at once when the two become something else. */
static void test_carriage_returns(void **state)
{
    static const struct quern_replacement both[] = {REPLACE("\r\n", "b"), REPLACE("\n", " ")};
    static const struct quern_replacement feed[] = {REPLACE("\r", " "), REPLACE("\n", "b")};
    struct fixture *f = *state;
    CHECK(f, "a\r\nb\rb\nb", "_a|_|b|_|b|_|b");
    close_fixture(f);
    f->source.charsmap = quern_charsmap_make(both, 2);
    assert_int_equal(open_fixture(f, NULL), QUERN_OK);
    CHECK(f, "a\r\na\ra", "_|ab|a|_a");
    close_fixture(f);
    free((char *)f->source.charsmap.data);
    f->source.charsmap = quern_charsmap_make(feed, 2);
    assert_int_equal(open_fixture(f, NULL), QUERN_OK);
    CHECK(f, "a\r\na\ra\n", "_a|_a|_|ab");
    free((char *)f->source.charsmap.data);
}

static void test_without_a_map(void **state)
{
    struct fixture *f = *state;
    close_fixture(f);
    f->source.charsmap = (quern_text){NULL, 0};
    assert_int_equal(open_fixture(f, NULL), QUERN_OK);
    CHECK(f, "\ufb01 a\tb\r\na", "_|<unk>|_a|_|b|_a");
}

/* ---------------------------------------------------------------- spans and texts */

/* The parts of a text that its tokens stand for. */
static const char *cut(struct fixture *f, const char *text)
{
    static char shown[512];
    const quern_text part = quern_text_of(text);
    int32_t ids[MOST_IDS];
    quern_token_span spans[MOST_IDS];
    size_t count, used = 0, end = 0;
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, QUERN_NO_SPECIAL, ids, MOST_IDS, &count, NULL),
                     QUERN_OK);
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
    assert_string_equal(cut(f, "a bc"), "a||bc");
    assert_string_equal(cut(f, " \ufb01 e\u0301x"), "\ufb01||e\u0301|x");
    assert_string_equal(cut(f, "b\u00bd"), "|b|\u00bd||"); /* the first of three tokens stands for all of it */
    assert_string_equal(cut(f, "a\ufdfa"), "a|\ufdfa||");
    assert_string_equal(cut(f, "a" B "xyz"), "a|" B "|xyz");
    assert_string_equal(cut(f, "o\u0302\u0301\xff"), "|o\u0302\u0301|\xff");
    assert_string_equal(cut(f, "ada"), "a|d|a");
}

static void test_detokenize(void **state)
{
    struct fixture *f = *state;
    const int32_t ids[] = {BOS, 12, 10, 6, 8, UNKNOWN, EOS}; /* _a ab _ b */
    char out[64];
    size_t length;
    assert_int_equal(quern_vocabulary_detokenize(f->vocabulary, ids, 7, QUERN_NO_SPECIAL, out, 64, &length, NULL),
                     QUERN_OK);
    assert_int_equal(length, 10);
    assert_memory_equal(out, "aab b<unk>", 10);
}

/* ---------------------------------------------------------------- what is refused */

static void refused(struct fixture *f, int code, const char *words)
{
    quern_error error = {0};
    close_fixture(f);
    assert_int_equal(quern_vocabulary_new(&f->vocabulary, &f->source, &error), code);
    assert_null(f->vocabulary);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, error.text);
}

static void test_vocabularies_refused(void **state)
{
    struct fixture *f = *state;
    static char longest[256];
    memset(longest, 'a', sizeof longest);
    f->source.add_space_prefix = false;
    refused(f, QUERN_EUNSUPPORTED, "add_space_prefix");
    f->source.add_space_prefix = true;
    f->kinds[7] = QUERN_PIECE_BYTE;
    refused(f, QUERN_EUNSUPPORTED, "stands for a byte");
    f->kinds[7] = QUERN_PIECE_NORMAL;
    f->texts[7] = (quern_text){longest, 256};
    refused(f, QUERN_EUNSUPPORTED, "256 bytes");
    f->texts[7] = f->texts[8];
    refused(f, QUERN_EFORMAT, "pieces 7 and 8 of the vocabulary have the same text");
    f->texts[7] = quern_text_of("[PAD5]"); /* the text of an unused piece */
    refused(f, QUERN_EFORMAT, "pieces 5 and 7 ");
    f->source.count = 6;
    refused(f, QUERN_EFORMAT, "no normal pieces");
}

static void test_no_unknown_piece(void **state)
{
    struct fixture *f = *state;
    const quern_text text = quern_text_of("a \u00ff");
    quern_error error = {0};
    size_t count;
    close_fixture(f);
    f->source.unknown = -1;
    assert_int_equal(open_fixture(f, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &text, 1, 0, NULL, 0, &count, &error), QUERN_EFORMAT);
    assert_non_null(strstr(error.text, "U+00FF"));
    CHECK(f, "a b", "_a|_|b");
}

static void test_any_length(void **state)
{
    struct fixture *f = *state;
    quern_tokenizer_info info = {.size = sizeof info};
    quern_vocabulary_describe(f->vocabulary, &info);
    assert_string_equal(info.kind, "unigram");
    assert_int_equal(info.longest_piece, INT_MAX);
    assert_int_equal(info.bos, BOS);
    assert_int_equal(info.eos, EOS);
    assert_int_equal(info.unknown, UNKNOWN);
}

static int make_map(quern_text bytes)
{
    struct quern_charsmap map = {0};
    const int code = quern_charsmap_new(&map, bytes, NULL);
    quern_charsmap_free(&map);
    return code;
}

static void test_maps_refused(void **state)
{
    struct fixture *f = *state;
    static char text[400];
    char *copy = malloc(f->map.length);
    assert_non_null(copy);
    memcpy(copy, f->map.data, f->map.length);
    assert_int_equal(make_map((quern_text){copy, f->map.length}), QUERN_OK);
    for (size_t length = 1; length < f->map.length; length++) { /* all but the ends of texts are refused */
        const bool ends = copy[length - 1] == '\0' && length > 4u + (unsigned char)copy[0] +
                          256u * (unsigned char)copy[1] + 65536u * (unsigned char)copy[2];
        assert_int_equal(make_map((quern_text){copy, length}), ends ? QUERN_OK : QUERN_EFORMAT);
    }
    copy[0]++; /* no multiple of 4 */
    assert_int_equal(make_map((quern_text){copy, f->map.length}), QUERN_EFORMAT);
    memset(copy, 255, 4);
    assert_int_equal(make_map((quern_text){copy, f->map.length}), QUERN_EFORMAT);
    memset(copy, 0, 4);
    assert_int_equal(make_map((quern_text){copy, f->map.length}), QUERN_EFORMAT);
    memset(text, 'x', sizeof text);
    memcpy(text, "\4\0\0\0\0\0\0\0", 8);
    text[8 + QUERN_LONGEST_REPLACEMENT] = '\0';
    assert_int_equal(make_map((quern_text){text, 9 + QUERN_LONGEST_REPLACEMENT}), QUERN_OK);
    text[8 + QUERN_LONGEST_REPLACEMENT] = 'x';
    text[9 + QUERN_LONGEST_REPLACEMENT] = '\0';
    assert_int_equal(make_map((quern_text){text, 10 + QUERN_LONGEST_REPLACEMENT}), QUERN_EFORMAT);
    free(copy);
}

/* Any unit may be anything: what it leads to is found or not, but nothing outside the map is read. */
static void test_damaged_maps(void **state)
{
    struct fixture *f = *state;
    char *copy = malloc(f->map.length);
    assert_non_null(copy);
    for (size_t i = 4; i < f->map.length && i < 2000; i++) {
        for (unsigned value = 0; value < 256; value += 51) {
            struct quern_charsmap map = {0};
            memcpy(copy, f->map.data, f->map.length);
            copy[i] = (char)value;
            if (quern_charsmap_new(&map, (quern_text){copy, f->map.length}, NULL) == QUERN_OK) {
                for (size_t k = 0; k < QUERN_COUNT(replacements); k++) {
                    quern_text text = {"", 0};
                    const quern_text key = replacements[k].key;
                    quern_charsmap_find(&map, (const unsigned char *)key.data, key.length, &text);
                    assert_in_range(text.length, 0, QUERN_LONGEST_REPLACEMENT);
                }
            }
            quern_charsmap_free(&map);
        }
    }
    free(copy);
}

/* ---------------------------------------------------------------- random ones */

/* At least one character of each class of code points, and few different ones, so that texts meet pieces and keys. */
static const char *const symbols[] = {
    "a", "a", "b", " ", " ", "\u2581", "\u0301", "\u0301", "\u093e", "\u0915", "\u094d", "\u200c", "\u200d", "\u0600",
    "\u00a9", "\u1100", "\u1161", "\u11a8", "\uac00", "\uac01", "\U0001F1E6", "\r", "\n", "\x01", "\u00e9", "\u4e2d",
    "\U0001F600", "\U0001D165", "\xe4", "\x81", "\xff", "\u3000"};

static size_t random_text(char *out, unsigned most, unsigned symbol_kinds)
{
    size_t length = 0;
    for (unsigned left = below(most + 1); left > 0; left--) {
        const char *symbol = symbols[below(symbol_kinds)];
        memcpy(out + length, symbol, strlen(symbol));
        length += strlen(symbol);
    }
    return length;
}

#define MOST_PIECES 60
struct random_vocabulary {
    char bytes[MOST_PIECES][32], keys[MOST_PIECES][16], values[MOST_PIECES][16];
    quern_text texts[MOST_PIECES];
    float scores[MOST_PIECES];
    int32_t kinds[MOST_PIECES];
    struct quern_replacement replacements[MOST_PIECES];
    size_t replacement_count;
    struct quern_vocabulary_source source;
};

static bool is_blank(quern_text text)
{
    for (size_t i = 0; i < text.length; i += text.data[i] == ' ' ? 1 : 3)
        if (text.data[i] != ' ' && (text.length - i < 3 || memcmp(text.data + i, B, 3) != 0))
            return false;
    return true;
}

static void add_piece(struct random_vocabulary *v, size_t length, int kind)
{
    const size_t i = v->source.count;
    v->texts[i] = (quern_text){v->bytes[i], length};
    for (size_t k = 0; k < i; k++)
        if (v->texts[k].length == length && memcmp(v->bytes[k], v->bytes[i], length) == 0)
            return;
    if (length == 0)
        return;
    v->scores[i] = (float)below(12) - 13;
    v->kinds[i] = kind == QUERN_PIECE_USER_DEFINED && is_blank(v->texts[i]) ? QUERN_PIECE_NORMAL : kind;
    v->source.count++;
}

static void random_vocabulary(struct random_vocabulary *v, unsigned symbol_kinds)
{
    *v = (struct random_vocabulary){.source = quern_tokenizer_defaults(&quern_unigram_kind)};
    v->bytes[0][0] = 'a';
    add_piece(v, 1, QUERN_PIECE_NORMAL);
    for (unsigned wanted = below(MOST_PIECES - 1); wanted > 0; wanted--)
        add_piece(v, random_text(v->bytes[v->source.count], 1 + below(4), symbol_kinds),
                  below(4) ? QUERN_PIECE_NORMAL : (int)(1 + below(5)));
    v->source.texts = v->texts;
    v->source.scores = v->scores;
    v->source.kinds = v->kinds;
    v->source.bos = v->source.eos = 0;
    v->source.unknown = (int32_t)below((unsigned)v->source.count + 1) - 1;
    for (unsigned wanted = below(20); wanted > 0; wanted--) {
        const size_t i = v->replacement_count;
        const size_t key = random_text(v->keys[i], 3, symbol_kinds), value = random_text(v->values[i], 3, symbol_kinds);
        v->replacements[i] = (struct quern_replacement){{v->keys[i], key}, {v->values[i], value}};
        v->replacement_count += key > 0;
    }
    v->source.charsmap = quern_charsmap_make(v->replacements, v->replacement_count);
}

static void check_text(const struct random_vocabulary *v, struct quern_tokenizer *tokenizer, unsigned symbol_kinds)
{
    static char text[QUERN_NAIVE_UNIGRAM_BYTES];
    static int32_t expected[QUERN_NAIVE_UNIGRAM_IDS], ids[QUERN_NAIVE_UNIGRAM_IDS];
    static quern_token_span spans[QUERN_NAIVE_UNIGRAM_IDS];
    const size_t length = random_text(text, 1 + below(60), symbol_kinds), half = below((unsigned)length + 1);
    const unsigned flags = (below(2) ? QUERN_PARSE_SPECIAL : 0) | (below(2) ? QUERN_NO_SPECIAL : 0);
    const quern_text parts[] = {{text, half}, {text + half, length - half}};
    size_t count, ends[] = {[QUERN_PART_PROMPT] = 0, [QUERN_PART_TEXT] = 0};
    const int expected_count = quern_naive_unigram(&v->source, v->replacements, v->replacement_count,
                                                   (quern_text){text, length}, flags, expected);
    const int code = quern_tokenizer_run(tokenizer, parts, 2, flags, ids, QUERN_COUNT(ids), &count, NULL);
    assert_int_equal(code, expected_count < 0 ? QUERN_EFORMAT : QUERN_OK);
    if (expected_count < 0)
        return;
    assert_int_equal(count, expected_count);
    assert_memory_equal(ids, expected, count * sizeof *ids);
    assert_int_equal(quern_tokenizer_spans(tokenizer, parts, 2, flags, ids, count, spans, NULL), QUERN_OK);
    for (size_t i = 0; i < count; i++) {
        if (spans[i].part == QUERN_PART_ADDED)
            continue;
        assert_in_range(spans[i].begin, ends[spans[i].part], spans[i].end);
        assert_in_range(spans[i].end, 0, parts[spans[i].part == QUERN_PART_TEXT].length);
        ends[spans[i].part] = spans[i].end;
    }
}

static void test_random_texts(void **state)
{
    static struct random_vocabulary v;
    (void)state;
    for (int i = 0; i < 400; i++) {
        struct quern_vocabulary *vocabulary;
        struct quern_tokenizer *tokenizer;
        const unsigned symbol_kinds = 3 + below(QUERN_COUNT(symbols) - 2);
        random_vocabulary(&v, symbol_kinds);
        assert_int_equal(quern_vocabulary_new(&vocabulary, &v.source, NULL), QUERN_OK);
        assert_int_equal(quern_tokenizer_new(&tokenizer, vocabulary, NULL), QUERN_OK);
        for (int k = 0; k < 20; k++)
            check_text(&v, tokenizer, symbol_kinds);
        quern_tokenizer_free(tokenizer);
        quern_vocabulary_free(vocabulary);
        free((char *)v.source.charsmap.data);
    }
}

static void test_random_clusters(void **state)
{
    static const uint32_t codes[] = {'a', '\r', '\n', 1, 0x301, 0x200c, 0x94d, 0x200d, 0x903, 0x600, 0xa9, 0x915,
                                     0x1f1e6, 0x1100, 0x1161, 0x11a8, 0xac00, 0xac01};
    uint32_t text[24];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct quern_grapheme cluster = {0};
        for (size_t at = 0; at < QUERN_COUNT(text); at++) {
            text[at] = codes[below(QUERN_COUNT(codes))];
            const unsigned char class = (unsigned char)quern_grapheme_class(text[at]);
            const bool joins = at > 0 && quern_grapheme_take(&cluster, class);
            assert_int_equal(joins, !quern_naive_boundary(text, at));
            if (!joins)
                cluster = quern_grapheme_begin(class);
        }
    }
}

static void test_classes(void **state)
{
    static unsigned char classes[0x20000];
    (void)state;
    quern_grapheme_classes(classes, QUERN_COUNT(classes));
    for (uint32_t code = 0; code < QUERN_COUNT(classes); code++)
        assert_int_equal(classes[code], quern_grapheme_class(code));
    assert_int_equal(quern_grapheme_class(0x1f3fb), QUERN_GRAPHEME_EXTEND);
    assert_int_equal(quern_grapheme_class(0xe01ef), QUERN_GRAPHEME_EXTEND);
    assert_int_equal(quern_grapheme_class(0x10ffff), QUERN_GRAPHEME_OTHER);
    assert_int_equal(quern_grapheme_class(0xd7a3), QUERN_GRAPHEME_HANGUL_LVT);
}

/* ---------------------------------------------------------------- memory */

/* Words much longer than any before, and many words in the memory for normalised ones. */
static void test_long_texts(void **state)
{
    enum { LENGTH = 300000 };
    struct fixture *f = *state;
    char *text = malloc(3 * LENGTH);
    size_t count;
    assert_non_null(text);
    for (int i = 0; i < LENGTH; i++)
        memcpy(text + 3 * i, "\uff41", 3);
    quern_text part = {text, 3 * LENGTH};
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, QUERN_NO_SPECIAL, NULL, 0, &count, NULL), QUERN_OK);
    assert_int_equal(count, LENGTH);
    for (int i = 0; i < LENGTH; i++)
        memcpy(text + 3 * i, i % 2 ? "\uff41" : "\u3000", 3);
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, QUERN_NO_SPECIAL, NULL, 0, &count, NULL), QUERN_OK);
    assert_int_equal(count, LENGTH / 2);
    memset(text, 'x', 3 * LENGTH);
    assert_int_equal(quern_tokenizer_run(f->tokenizer, &part, 1, QUERN_NO_SPECIAL, NULL, 0, &count, NULL), QUERN_OK);
    assert_int_equal(count, 2);
    free(text);
}

static int run_all(void *argument, quern_error *error)
{
    struct fixture *f = argument;
    const quern_text text = quern_text_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \uff41 a");
    size_t count = 0;
    int code = open_fixture(f, error);
    if (code == QUERN_OK)
        code = quern_tokenizer_run(f->tokenizer, &text, 1, QUERN_NO_SPECIAL, NULL, 0, &count, error);
    if (code == QUERN_OK)
        assert_int_equal(count, 50);
    close_fixture(f);
    return code;
}

static void test_out_of_memory(void **state)
{
    struct fixture *f = *state;
    close_fixture(f);
    quern_fail_each_allocation(run_all, f, 1); /* the trie of special pieces may fail to shrink */
}

/* As many pieces begin at each place as may: all of one letter, and one that is so long that no text becomes it, behind
 * which each search goes on. A sanitizer sees what is written behind the list of matches. */
static void test_most_matches(void **state)
{
    (void)state;
    enum { LONGEST = 255, LENGTH = 1000, COUNT = 4 + LONGEST + 1 };
    static char letters[LENGTH];
    static quern_text texts[COUNT] = {{"<s>", 3}, {"<pad>", 5}, {"</s>", 4}, {"<unk>", 5}};
    static float scores[COUNT];
    static int32_t kinds[COUNT] = {QUERN_PIECE_CONTROL, QUERN_PIECE_CONTROL, QUERN_PIECE_CONTROL, QUERN_PIECE_UNKNOWN};
    struct fixture f = {.source = quern_tokenizer_defaults(&quern_unigram_kind)};
    int32_t ids[LENGTH];
    size_t count;
    memset(letters, 'a', sizeof letters);
    for (int i = 4; i < COUNT; i++) {
        const bool is_last = i == COUNT - 1;
        texts[i] = (quern_text){letters, is_last ? LONGEST + 45 : (size_t)i - 3};
        scores[i] = -1;
        kinds[i] = is_last ? QUERN_PIECE_UNUSED : QUERN_PIECE_NORMAL;
    }
    f.source.texts = texts;
    f.source.scores = scores;
    f.source.kinds = kinds;
    f.source.count = COUNT;
    assert_int_equal(open_fixture(&f, NULL), QUERN_OK);
    const quern_text text = {letters, LENGTH};
    assert_int_equal(quern_tokenizer_run(f.tokenizer, &text, 1, 0, ids, LENGTH, &count, NULL), QUERN_OK);
    assert_in_range(count, 3 + LENGTH / LONGEST, 4 + LENGTH / LONGEST); /* <s>, perhaps U+2581, the longest, </s> */
    close_fixture(&f);
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_words),
        FIXED(test_space_signs_in_a_text),
        FIXED(test_greatest_sum),
        FIXED(test_unknown_characters),
        FIXED(test_special_pieces),
        FIXED(test_clusters),
        FIXED(test_what_is_deleted),
        FIXED(test_marks_behind_blanks),
        FIXED(test_invalid_utf8),
        FIXED(test_carriage_returns),
        FIXED(test_without_a_map),
        FIXED(test_spans),
        FIXED(test_detokenize),
        FIXED(test_vocabularies_refused),
        FIXED(test_no_unknown_piece),
        FIXED(test_any_length),
        FIXED(test_maps_refused),
        FIXED(test_damaged_maps),
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_random_clusters),
        cmocka_unit_test(test_classes),
        FIXED(test_long_texts),
        cmocka_unit_test(test_most_matches),
        FIXED(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_seed, NULL);
}
