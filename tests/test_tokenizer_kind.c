/* A second kind of tokenizer, in the manner of WordPiece: it shows what the interface of kinds allows. Its pieces have
 * no scores; it changes a text before it looks for pieces, and leaves bytes out; a word without pieces is one unknown
 * token. */
#include "base/count.h"
#include "base/view.h"
#include "text/tokenizer_kind.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_TEXT 100

struct word_tokenizer {
    struct quern_tokenizer base;
    unsigned char normal[MOST_TEXT + QUERN_WORD_SLACK]; /* the text in lower case, without '-' */
    const unsigned char *places[MOST_TEXT];             /* where its bytes stand in the text */
};

static int merges; /* how many words were merged */

static int build(struct quern_vocabulary *vocabulary, quern_error *error)
{
    (void)vocabulary, (void)error;
    return QUERN_OK;
}

static void release_vocabulary(struct quern_vocabulary *vocabulary)
{
    (void)vocabulary;
}

static size_t count_bytes(const struct quern_vocabulary *vocabulary)
{
    (void)vocabulary;
    return 0;
}

static void release_tokenizer(struct quern_tokenizer *t)
{
    (void)t;
}

static int put_word(struct word_tokenizer *t, size_t begin, size_t end, struct quern_ids *ids, quern_error *error)
{
    return begin < end ? quern_tokenizer_put_word(&t->base, t->normal + begin, end - begin, ids, error) : QUERN_OK;
}

static int split(struct quern_tokenizer *base, unsigned char *text, const unsigned char *end, struct quern_ids *ids,
                 quern_error *error)
{
    struct word_tokenizer *t = (struct word_tokenizer *)base;
    size_t begin = 0, length = 0;

    assert_in_range(end - text, 1, MOST_TEXT);
    for (const unsigned char *p = text; p < end; p++) {
        if (*p == ' ') {
            QUERN_TRY(put_word(t, begin, length, ids, error));
            begin = length;
        } else if (*p != '-') {
            t->places[length] = p;
            t->normal[length++] = (unsigned char)tolower(*p);
        }
    }
    QUERN_TRY(put_word(t, begin, length, ids, error));
    return quern_tokenizer_flush(base, ids, error); /* the next stretch has the same memory */
}

/* The longest piece that a word goes on with; pieces behind the first one begin with "##" in the vocabulary. */
static int32_t longest_piece(const struct quern_vocabulary *v, const unsigned char *text, size_t left, bool first,
                             size_t *length)
{
    const size_t mark = first ? 0 : 2;
    int32_t id = -1;

    *length = 0;
    for (size_t i = 0; i < v->source.count; i++) {
        const quern_text piece = v->source.texts[i];
        if (v->kinds[i] == QUERN_PIECE_NORMAL && piece.length > mark + *length && piece.length - mark <= left &&
            memcmp(piece.data, "##", mark) == 0 && memcmp(piece.data + mark, text, piece.length - mark) == 0) {
            id = (int32_t)i;
            *length = piece.length - mark;
        }
    }
    return id;
}

static void merge_word(struct word_tokenizer *t, const struct quern_new_word *word, struct quern_ids *ids)
{
    const unsigned char *const *places = t->places + (word->text - t->normal);
    const size_t before = ids->count;

    merges++;
    for (size_t at = 0, step; at < word->length; at += step) {
        const int32_t id = longest_piece(t->base.vocabulary, word->text + at, word->length - at, at == 0, &step);
        if (id < 0) {
            ids->count = before;
            quern_ids_put_span(ids, t->base.vocabulary->source.unknown, places[0], places[word->length - 1] + 1);
            break;
        }
        quern_ids_put_span(ids, id, places[at], places[at + step - 1] + 1);
    }
}

static int merge(struct quern_tokenizer *base, const struct quern_new_word *new_words, size_t count, size_t *ends,
                 struct quern_ids *ids, quern_error *error)
{
    (void)error;
    for (size_t i = 0; i < count; i++) {
        merge_word((struct word_tokenizer *)base, &new_words[i], ids);
        ends[i] = ids->count;
    }
    return QUERN_OK;
}

static size_t piece_text(const struct quern_vocabulary *vocabulary, int32_t id, bool skip_space, char *out, size_t room)
{
    const quern_text text = vocabulary->source.texts[id];
    (void)skip_space;
    if (room > 0)
        memcpy(out, text.data, text.length < room ? text.length : room);
    return text.length;
}

static const struct quern_tokenizer_kind words = {
    .name = "words",
    .gguf_name = "words",
    .defaults = {.tokenizer = &words, .bos = 0, .eos = 1, .unknown = 2, .add_bos = true, .add_eos = true},
    .vocabulary_size = sizeof(struct quern_vocabulary),
    .tokenizer_size = sizeof(struct word_tokenizer),
    .build = build,
    .release_vocabulary = release_vocabulary,
    .bytes = count_bytes,
    .release_tokenizer = release_tokenizer,
    .split = split,
    .merge = merge,
    .piece_text = piece_text,
};

enum { CLS, SEP, UNK, MASK, THE, PLAY, ING };
static const quern_text texts[] = {{"[CLS]", 5}, {"[SEP]", 5}, {"[UNK]", 5}, {"[MASK]", 6},
                                   {"the", 3},   {"play", 4},  {"##ing", 5}};
static const int32_t kinds[] = {QUERN_PIECE_CONTROL, QUERN_PIECE_CONTROL, QUERN_PIECE_UNKNOWN, QUERN_PIECE_CONTROL,
                                QUERN_PIECE_NORMAL,  QUERN_PIECE_NORMAL,  QUERN_PIECE_NORMAL};

static struct quern_vocabulary *vocabulary;
static struct quern_tokenizer *tokenizer;

static int set_up(void **state)
{
    (void)state;
    struct quern_vocabulary_source source = quern_tokenizer_defaults(&words);
    source.texts = texts;
    source.kinds = kinds;
    source.count = QUERN_COUNT(texts);
    assert_int_equal(quern_vocabulary_new(&vocabulary, &source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&tokenizer, vocabulary, NULL), QUERN_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
    return 0;
}

static void test_ids_and_spans(void **state)
{
    (void)state;
    static const int32_t expected[] = {CLS, THE, PLAY, ING, UNK, MASK, PLAY, SEP};
    static const quern_token_span places[] = {{0, 0, QUERN_PART_ADDED},   {0, 3, QUERN_PART_PROMPT},
                                              {0, 4, QUERN_PART_TEXT},    {5, 8, QUERN_PART_TEXT},
                                              {10, 14, QUERN_PART_TEXT},  {15, 21, QUERN_PART_TEXT},
                                              {21, 25, QUERN_PART_TEXT},  {0, 0, QUERN_PART_ADDED}};
    const quern_text parts[] = {quern_text_of("The "), quern_text_of("PLAY-ing  what [MASK]play")};
    quern_token_span spans[QUERN_COUNT(expected)];
    int32_t ids[16];
    size_t count;

    for (int i = 0; i < 2; i++) {
        merges = 0;
        assert_int_equal(quern_tokenizer_run(tokenizer, parts, 2, QUERN_PARSE_SPECIAL, ids, 16, &count, NULL),
                         QUERN_OK);
        assert_int_equal(merges, i == 0 ? 4 : 0); /* then the words are in the cache */
        assert_int_equal(count, QUERN_COUNT(expected));
        assert_memory_equal(ids, expected, sizeof expected);
    }
    assert_int_equal(quern_tokenizer_spans(tokenizer, parts, 2, QUERN_PARSE_SPECIAL, ids, count, spans, NULL),
                     QUERN_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(spans[i].part, places[i].part);
        assert_int_equal(spans[i].begin, places[i].begin);
        assert_int_equal(spans[i].end, places[i].end);
    }
}

static void test_facts_and_text(void **state)
{
    (void)state;
    const int32_t ids[] = {CLS, THE, SEP};
    quern_tokenizer_info info = {0};
    char out[16];
    size_t length;
    quern_vocabulary_describe(vocabulary, &info);
    assert_string_equal(info.kind, "words");
    assert_int_equal(info.eos, SEP);
    assert_true(quern_vocabulary_piece(vocabulary, THE).score == 0);
    assert_false(quern_tokenizer_uses_scores(&words));
    assert_true(quern_tokenizer_uses_scores(&quern_sentencepiece_bpe_kind));
    assert_int_equal(quern_vocabulary_detokenize(vocabulary, ids, 3, QUERN_NO_SPECIAL, out, sizeof out, &length, NULL),
                     QUERN_OK);
    assert_int_equal(length, 3);
    assert_memory_equal(out, "the", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ids_and_spans), cmocka_unit_test(test_facts_and_text)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
