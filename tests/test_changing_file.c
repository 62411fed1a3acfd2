/* Vocabularies whose texts another process writes to while they are read, as it may do with a model's file. What is
 * read is then worth nothing, but no memory may be read or written that is not there. */
#include "base/clock.h"
#include "base/view.h"
#include "text/charsmap.h"
#include "text/tokenizer_kind.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BYTES = 4096 };

static char *file; /* [BYTES], shared with the other process */
static pid_t writer;
static int64_t end_ns; /* of the test: the other process needs time in which both run */

/* Ends with its parent. */
static void write_in_turn(const char *one, const char *other, size_t length)
{
    volatile char *to = file;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        for (size_t i = 0; i < length; i++)
            to[i] = other[i];
        for (size_t i = 0; i < length; i++)
            to[i] = one[i];
    }
}

/* Begins to write two texts of one length in turn to the file. */
static void begin_writing(const char *one, const char *other, size_t length)
{
    file = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(file != MAP_FAILED);
    memcpy(file, one, length);
    writer = fork();
    assert_true(writer >= 0);
    end_ns = quern_now_ns() + 300000000;
    if (writer == 0)
        write_in_turn(one, other, length);
}

static int end_writing(void **state)
{
    (void)state;
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    munmap(file, BYTES);
    return 0;
}

/* The last text of a map ends in a NUL, also when the file's does not any more. */
static void test_charsmap(void **state)
{
    (void)state;
    static const char with[] = "\4\0\0\0\0\0\0\0ab\0cd", without[] = "\4\0\0\0\0\0\0\0ab\0cde";
    int made = 0;
    begin_writing(with, without, sizeof with);
    while (quern_now_ns() < end_ns) {
        struct quern_charsmap map = {0};
        if (quern_charsmap_new(&map, (quern_text){file, sizeof with}, NULL) == QUERN_OK) {
            assert_int_equal(map.texts[map.text_bytes - 1], '\0');
            made++;
        }
        quern_charsmap_free(&map);
    }
    assert_true(made > 0);
}

/* A source of three pieces, of which the last one is in the file. */
struct pieces {
    quern_text texts[3];
    struct quern_vocabulary_source source;
};

static void fill(struct pieces *pieces, const struct quern_tokenizer_kind *kind, const int32_t kinds[3], size_t length)
{
    static const float scores[3];
    *pieces = (struct pieces){.texts = {{"[UNK]", 5}, {"[CLS]", 5}, {file, length}},
                              .source = quern_tokenizer_defaults(kind)};
    pieces->source.texts = pieces->texts;
    pieces->source.scores = scores;
    pieces->source.kinds = kinds;
    pieces->source.count = 3;
    pieces->source.bos = pieces->source.eos = pieces->source.unknown = 0;
    pieces->source.pre = quern_text_of("gpt-2");
}

/* A piece is one of spaces only when it is read again. */
static void test_special_pieces(void **state)
{
    (void)state;
    static const int32_t kinds[] = {QUERN_PIECE_UNKNOWN, QUERN_PIECE_CONTROL, QUERN_PIECE_USER_DEFINED};
    static const char one[] = " abcdefghijklmnopqrstuvwxyz012345", other[] = "                                 ";
    begin_writing(one, other, sizeof one - 1);
    while (quern_now_ns() < end_ns) {
        struct pieces pieces;
        struct quern_vocabulary *vocabulary = NULL;
        fill(&pieces, &quern_sentencepiece_bpe_kind, kinds, sizeof one - 1);
        if (quern_vocabulary_new(&vocabulary, &pieces.source, NULL) == QUERN_OK)
            quern_vocabulary_free(vocabulary);
    }
}

/* The text of a piece is longer when it is written than when it was measured. */
static void check_detokenising(const struct quern_tokenizer_kind *kind, const char *one, const char *other)
{
    enum { PIECES = 64, ROOM = 64 * PIECES, GUARD = 512 };
    static const int32_t kinds[] = {QUERN_PIECE_UNKNOWN, QUERN_PIECE_CONTROL, QUERN_PIECE_NORMAL};
    static char out[ROOM + GUARD];
    int32_t ids[PIECES];
    struct pieces pieces;
    struct quern_vocabulary *vocabulary = NULL;
    assert_int_equal(strlen(one), strlen(other));
    begin_writing(one, other, strlen(one));
    fill(&pieces, kind, kinds, strlen(one));
    pieces.texts[2].data = one; /* until the vocabulary is made */
    assert_int_equal(quern_vocabulary_new(&vocabulary, &pieces.source, NULL), QUERN_OK);
    pieces.texts[2].data = file;
    for (int i = 0; i < PIECES; i++)
        ids[i] = 2;
    while (quern_now_ns() < end_ns) {
        size_t room = 0, length = 0;
        memset(out, '#', sizeof out);
        quern_vocabulary_detokenize(vocabulary, ids, PIECES, 0, NULL, 0, &room, NULL);
        assert_true(room <= ROOM);
        quern_vocabulary_detokenize(vocabulary, ids, PIECES, 0, out, room, &length, NULL);
        for (size_t k = room; k < room + GUARD; k++)
            if (out[k] != '#')
                fail_msg("byte %zu was written, with room for %zu", k, room);
    }
    quern_vocabulary_free(vocabulary);
}

static void test_texts_with_metaspaces(void **state)
{
    (void)state;
    check_detokenising(&quern_sentencepiece_bpe_kind, QUERN_METASPACE QUERN_METASPACE "a", "abcdefg");
}

static void test_texts_of_byte_bpe(void **state)
{
    (void)state;
    check_detokenising(&quern_byte_bpe_kind, "\xc4\xa0\xc4\xa0\xc4\xa0", "abcdef");
}

static void test_texts_of_wordpiece(void **state)
{
    (void)state;
    check_detokenising(&quern_wordpiece_kind, QUERN_METASPACE "abc", "abcdef");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_charsmap, end_writing),
        cmocka_unit_test_teardown(test_special_pieces, end_writing),
        cmocka_unit_test_teardown(test_texts_with_metaspaces, end_writing),
        cmocka_unit_test_teardown(test_texts_of_byte_bpe, end_writing),
        cmocka_unit_test_teardown(test_texts_of_wordpiece, end_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
