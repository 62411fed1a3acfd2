#include "base/count.h"
#include "text/tokenizer_kind.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 5

struct fixture {
    quern_text texts[COUNT];
    float scores[COUNT];
    int32_t kinds[COUNT];
    struct quern_vocabulary_source source;
};

/* A correct vocabulary. Each test below makes one thing wrong. */
static struct fixture *sound(void)
{
    static struct fixture f;

    f = (struct fixture){
        .texts = {{"<s>", 3}, {"</s>", 4}, {"a", 1}, {"b\0", 2}, {"b", 1}},
        .scores = {0, 0, -1, -2.5f, 3},
        .kinds = {QUERN_PIECE_CONTROL, QUERN_PIECE_CONTROL, QUERN_PIECE_NORMAL, QUERN_PIECE_NORMAL,
                  QUERN_PIECE_UNUSED}};
    f.source = (struct quern_vocabulary_source){
        .tokenizer = &quern_sentencepiece_bpe_kind, .texts = f.texts, .scores = f.scores, .kinds = f.kinds,
        .count = COUNT, .bos = 0, .eos = 1, .unknown = -1, .add_bos = true};
    return &f;
}

static void check_refused(const struct fixture *f, const char *about)
{
    struct quern_vocabulary *vocabulary = NULL;
    quern_error error = {0};

    assert_int_equal(quern_vocabulary_new(&vocabulary, &f->source, &error), QUERN_EFORMAT);
    assert_null(vocabulary);
    assert_int_equal(error.code, QUERN_EFORMAT);
    if (!strstr(error.text, about))
        fail_msg("\"%s\" does not say \"%s\"", error.text, about);
}

static void test_sound(void **state)
{
    struct fixture *f = sound();
    struct quern_vocabulary *vocabulary;
    (void)state;

    assert_int_equal(quern_vocabulary_new(&vocabulary, &f->source, NULL), QUERN_OK);
    assert_in_range(quern_vocabulary_bytes(vocabulary), COUNT, 1 << 20);
    assert_int_equal(quern_vocabulary_bos(vocabulary), 0);
    assert_int_equal(quern_vocabulary_eos(vocabulary), -1);
    for (int32_t id = 0; id < COUNT; id++) {
        quern_piece piece = quern_vocabulary_piece(vocabulary, id);
        assert_ptr_equal(piece.text.data, f->texts[id].data);
        assert_int_equal(piece.text.length, f->texts[id].length);
        assert_int_equal(piece.kind, f->kinds[id]);
        assert_true(piece.score == f->scores[id]);
    }
    quern_vocabulary_free(vocabulary);
}

static void test_free_of_nothing(void **state)
{
    (void)state;
    quern_vocabulary_free(NULL);
    quern_tokenizer_free(NULL);
}

static void test_texts(void **state)
{
    struct fixture *f = sound();
    (void)state;
    f->texts[4] = f->texts[3];
    check_refused(f, "pieces 3 and 4");
    f = sound();
    f->texts[3].length = 0;
    check_refused(f, "piece 3");
    f->texts[3].data = NULL;
    check_refused(f, "piece 3");
}

static void test_scores(void **state)
{
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(bad); i++) {
        struct fixture *f = sound();
        f->scores[2] = bad[i];
        check_refused(f, "piece 2");
    }
}

static void test_kinds(void **state)
{
    const int32_t bad[] = {0, 7, -1, INT32_MAX, INT32_MIN, 256 + QUERN_PIECE_NORMAL};
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(bad); i++) {
        struct fixture *f = sound();
        f->kinds[1] = bad[i];
        check_refused(f, "piece 1");
    }
}

static void test_ids(void **state)
{
    const int32_t bad[] = {COUNT, -2, INT32_MAX, INT32_MIN};
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(bad); i++) {
        struct fixture *f = sound();
        f->source.bos = bad[i];
        check_refused(f, "opening");
        f = sound();
        f->source.eos = bad[i];
        check_refused(f, "closing");
        f = sound();
        f->source.unknown = bad[i];
        check_refused(f, "unknown");
    }
}

static void test_count(void **state)
{
    struct fixture *f = sound();
    (void)state;
    f->source.count = 0;
    check_refused(f, "0 pieces");
    f->source.count = (size_t)INT32_MAX + 1;
    check_refused(f, "2147483648 pieces");
}

/* So many pieces that all lengths of texts occur, and collisions in the table. Each piece is found again. */
static void test_many_pieces(void **state)
{
    enum { MANY = 20000 };
    struct fixture *f = sound();
    quern_text *texts = malloc(MANY * sizeof *texts);
    float *scores = calloc(MANY, sizeof *scores);
    int32_t *kinds = malloc(MANY * sizeof *kinds);
    char(*bytes)[64] = malloc(MANY * sizeof *bytes);
    struct quern_vocabulary *vocabulary;
    struct quern_tokenizer *tokenizer;
    (void)state;

    assert_true(texts && scores && kinds && bytes);
    for (int i = 0; i < MANY; i++) {
        int length = snprintf(bytes[i], sizeof *bytes, "<%0*d>", 5 + i % 50, i);
        texts[i] = (quern_text){bytes[i], (size_t)length};
        kinds[i] = QUERN_PIECE_USER_DEFINED;
    }
    f->source = (struct quern_vocabulary_source){
        .tokenizer = &quern_sentencepiece_bpe_kind, .texts = texts, .scores = scores, .kinds = kinds, .count = MANY,
        .bos = -1, .eos = -1, .unknown = -1};
    assert_int_equal(quern_vocabulary_new(&vocabulary, &f->source, NULL), QUERN_OK);
    assert_int_equal(quern_tokenizer_new(&tokenizer, vocabulary, NULL), QUERN_OK);
    for (int i = 0; i < MANY; i++) {
        int32_t id;
        size_t count;
        assert_int_equal(quern_tokenizer_run(tokenizer, &texts[i], 1, 0, &id, 1, &count, NULL), QUERN_OK);
        assert_int_equal(count, 1);
        assert_int_equal(id, i);
    }
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
    free(texts);
    free(scores);
    free(kinds);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_free_of_nothing),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_many_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
