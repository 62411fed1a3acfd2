/* Words of texts, and search by them. */
#include "../passages/text_words.h"
#include "../passages/word_search.h"
#include "array_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT(string) ((quern_text){string, sizeof(string) - 1})

/* Counts the words of a text as a search does, and beside that one by one. Returns how many there are. */
static size_t count_words(quern_text text, const char *query, uint16_t *times)
{
    struct quern_text_words reader;
    struct quern_wanted_words wanted;
    uint16_t slow[QUERN_MOST_WANTED_WORDS] = {0};
    uint64_t word;
    size_t count = 0;
    quern_wanted_words_read(&wanted, (quern_text){query, strlen(query)});
    quern_text_words_of(&reader, text);
    for (; quern_text_words_next(&reader, &word); count++)
        for (size_t i = 0; i < wanted.count; i++)
            slow[i] = (uint16_t)(slow[i] + (wanted.words[i] == word));
    memset(times, 0, wanted.count * sizeof *times);
    assert_int_equal(quern_wanted_words_count(&wanted, text, times), count);
    assert_memory_equal(times, slow, wanted.count * sizeof *times);
    return count;
}

static void test_words(void **state)
{
    (void)state;
    uint16_t times[QUERN_MOST_WANTED_WORDS];
    const quern_text text = TEXT("Red planet_9, \xc3\x84pfel na\xc3\xafve RED \xff x9\xff 9x K\xe2\x84\xaa \xc3\xa4hre "
                                 "\xe6\x97\xa5\xe6\x9c\xac r\xc3\xa9sum\xc3\xa9 -- re-do _a");
    const uint16_t expected[] = {2, 1, 1, 1, 1, 1, 1, 1, 0};
    assert_int_equal(count_words(text, "red PLANET_9 \xc3\xa4PFEL kk x9 na\xc3\x8fve do _A planet red", times), 14);
    assert_memory_equal(times, expected, sizeof expected);
    assert_int_equal(count_words(TEXT(""), "red", times), 0);
    /* words of all lengths, on all places of the parts that are looked at together, among bytes of all kinds */
    static const char signs[] = "aAzZ09_@[`{/:. \xc3\xa4\xff\xe4\xb8\x80";
    char mixed[2000];
    uint32_t random = 1;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof mixed; i++) {
            random = random * 1664525 + 1013904223;
            mixed[i] = signs[(random >> 16) % (round % 2 == 0 ? 15 : sizeof signs)];
        }
        for (size_t length = sizeof mixed - 140; length <= sizeof mixed; length++)
            count_words((quern_text){mixed, length}, "a z 0 _ aa az 9a \xc3\xa4 a\xc3\xa4 z_0", times);
    }
}

/* The words of texts, which are divided by bars: the same on all systems. */
static void test_words_of_languages(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {u8"Ärger über STRASSE straße", u8"ärger|über|strasse|straße"},
        {u8"ΣΟΦΟΣ σοφός Ａ１ Ǆ", u8"σοφοσ|σοφόσ|ａ１|ǆ"},
        {u8"Москва, Ёлка І", u8"москва|ёлка|і"},
        {u8"ısı İ ſaw Kelvin Ǆǅǆ", u8"ısı|İ|saw|kelvin|ǆǆǆ"},
        {u8"e\u0301te\u0301 हिन्दी العربيَّة", u8"e\u0301te\u0301|हिन्दी|العربيَّة"},
        {u8"한국어 말", u8"한국어|말"},
        {u8"日本語の文。京 12年a", u8"日本|本語|語の|の文|京|12|年|a"},
        {u8"中a文 中，文", u8"中|a|文|中|文"},
        {u8"ไทย ສະ", u8"ไท|ทย|ສະ"},
        {u8"カタカナー", u8"カタ|タカ|カナ|ナー"},
        {u8"a‿b a-b ② ½", u8"a‿b|a|b|②|½"},
        {u8"\U00010400x \U0001F600 \U00020000\U00020001", u8"\U00010428x|\U00020000\U00020001"},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        struct quern_text_words reader, expected;
        uint64_t word, other;
        const char *at = cases[i].words;
        quern_text_words_of(&reader, (quern_text){cases[i].text, strlen(cases[i].text)});
        for (size_t length; *at != '\0'; at += length + (at[length] != '\0')) {
            length = strcspn(at, "|");
            quern_text_words_of(&expected, (quern_text){at, length});
            assert_true(quern_text_words_next(&expected, &other));
            if (!quern_text_words_next(&reader, &word) || word != other)
                fail_msg("'%s' has not the word '%.*s'", cases[i].text, (int)length, at);
        }
        if (quern_text_words_next(&reader, &word))
            fail_msg("'%s' has more words than '%s'", cases[i].text, cases[i].words);
        uint16_t times[QUERN_MOST_WANTED_WORDS];
        count_words((quern_text){cases[i].text, strlen(cases[i].text)}, cases[i].words, times);
    }
}

static void test_joined_hits(void **state)
{
    (void)state;
    const quern_hit a[] = {{7, 0.9}, {8, 0.8}, {9, 0.7}}, b[] = {{9, 12}, {5, 3}};
    quern_hit out[4];
    assert_int_equal(quern_join_hits(a, 3, b, 2, out, 4), 4);
    assert_int_equal(out[0].place, 9); /* 1/63 + 1/61 */
    assert_float_equal(out[0].score, 1.0 / 63 + 1.0 / 61, 1e-12);
    assert_int_equal(out[1].place, 7); /* 1/61 */
    assert_int_equal(out[2].place, 5); /* 1/62, as 8, which has the greater place */
    assert_int_equal(out[3].place, 8);
    assert_int_equal(quern_join_hits(a, 3, b, 2, out, 1), 1);
    assert_int_equal(out[0].place, 9);
}

/* Searches for one text. hits[4]. */
static int search(const char *text, const uint64_t *only, const quern_index *index, quern_hit *hits, size_t *count)
{
    const quern_text query = {text, strlen(text)};
    return quern_word_search(&(struct quern_word_queries){&query, 1, only, 1}, index, 4, hits, count, NULL);
}

static void test_word_search(void **state)
{
    (void)state;
    char path[] = "/tmp/quern-words-XXXXXX";
    static const char *const texts[] = {"1 1 0 9 t\nThe red planet", "a RED red apple", "nothing", "red"};
    const quern_index_options options = {.size = sizeof options, .dimensions = 2};
    const float vector[] = {1, 0};
    quern_index_writer *writer = NULL;
    quern_index *index = NULL;
    quern_hit hits[4];
    size_t count;
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(quern_index_create(&writer, path, &options, NULL), QUERN_OK);
    for (size_t i = 0; i < 4; i++) {
        const quern_index_row row = {.number = i, .payload = {texts[i], strlen(texts[i])}};
        assert_int_equal(quern_index_add(writer, &row, vector, 1, NULL), QUERN_OK);
    }
    const quern_index_row last = {.number = 3};
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    assert_int_equal(quern_index_remove(writer, &last, 1, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    assert_int_equal(quern_index_open(&index, path, NULL), QUERN_OK);
    assert_int_equal(search("Red planet, red", NULL, index, hits, &count), QUERN_OK);
    assert_int_equal(count, 2);
    assert_int_equal(hits[0].place, 0);
    assert_int_equal(hits[1].place, 1);
    /* Three rows are there, of 4, 4 and 1 words: the mean is 3. "red" is in two of them, "planet" in one. */
    const double red = 0.4700036292457356, planet = 0.9808292530117262, norm = 1.2 * (0.25 + 0.75 * 4 / 3);
    assert_float_equal(hits[0].score, (red + planet) * 2.2 / (1 + norm), 1e-9);
    assert_float_equal(hits[1].score, red * 2 * 2.2 / (2 + norm), 1e-9);
    assert_int_equal(search("red", &(uint64_t){2}, index, hits, &count), QUERN_OK);
    assert_int_equal(count, 1);
    assert_int_equal(hits[0].place, 1);
    assert_float_equal(hits[0].score, red * 2 * 2.2 / (2 + norm), 1e-9);
    assert_int_equal(search("...", NULL, index, hits, &count), QUERN_OK);
    assert_int_equal(count, 0);
    quern_index_close(index);
    unlink(path);
}

/* Queries find together what each of them finds alone, also when they have more words than share a reading. */
static void check_together(const quern_index *index)
{
    enum { QUERIES = 150, MOST = 20 };
    static char texts[QUERIES][400];
    static quern_hit together[QUERIES][MOST], alone[MOST];
    quern_text queries[QUERIES];
    size_t counts[QUERIES], count, found = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        size_t length = 0;
        for (size_t word = 0; word < i % 90; word++) /* and queries with more words than are taken, and with none */
            length += (size_t)snprintf(texts[i] + length, sizeof texts[i] - length, "%zu ",
                                       (i * 131 + word * word) % 999);
        queries[i] = (quern_text){texts[i], length};
    }
    const struct quern_word_queries all = {queries, QUERIES, NULL, 2};
    assert_int_equal(quern_word_search(&all, index, MOST, together[0], counts, NULL), QUERN_OK);
    for (size_t i = 0; i < QUERIES; i++) {
        const struct quern_word_queries one = {&queries[i], 1, NULL, 1};
        assert_int_equal(quern_word_search(&one, index, MOST, alone, &count, NULL), QUERN_OK);
        assert_int_equal(counts[i], count);
        assert_memory_equal(together[i], alone, count * sizeof *alone);
        found += count;
    }
    assert_true(found > QUERIES);
}

/* The hits of a large index do not depend on how many threads read it. */
static void test_word_search_threads(void **state)
{
    (void)state;
    enum { ROWS = 20000, HITS = 50 };
    char path[] = "/tmp/quern-words-XXXXXX", text[100];
    const quern_index_options options = {.size = sizeof options, .dimensions = 1};
    quern_index_writer *writer = NULL;
    quern_index *index = NULL;
    quern_hit one[HITS], many[HITS];
    size_t count;
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(quern_index_create(&writer, path, &options, NULL), QUERN_OK);
    for (size_t i = 0; i < ROWS; i++) {
        const char *word = i % 97 == 0 ? "rare" : "usual";
        const int length = snprintf(text, sizeof text, "row %zu of %zu %s %.*s", i, i % 7, word, (int)(i % 40),
                                    "a b c d e f g h i j k l m n o p q r s t u v w x y");
        const quern_index_row row = {.number = i, .payload = {text, (size_t)length}};
        assert_int_equal(quern_index_add(writer, &row, &(float){1}, 1, NULL), QUERN_OK);
    }
    const quern_index_row gone = {.number = ROWS / 2};
    assert_int_equal(quern_index_remove(writer, &gone, 1, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    assert_int_equal(quern_index_open(&index, path, NULL), QUERN_OK);
    struct quern_word_queries query = {&TEXT("rare 3 row 19999"), 1, NULL, 1};
    assert_int_equal(quern_word_search(&query, index, HITS, one, &count, NULL), QUERN_OK);
    assert_int_equal(count, HITS);
    for (query.threads = 2; query.threads <= 100; query.threads += 49) {
        assert_int_equal(quern_word_search(&query, index, HITS, many, &count, NULL), QUERN_OK);
        assert_int_equal(count, HITS);
        assert_memory_equal(many, one, sizeof one);
    }
    check_together(index);
    quern_index_close(index);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_words_of_languages),
        cmocka_unit_test(test_joined_hits),
        cmocka_unit_test(test_word_search),
        cmocka_unit_test(test_word_search_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
