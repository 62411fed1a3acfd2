/* The cache of words: which words share a set, and that only the same word is found. */
#include "text/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct quern_words words;
static const int32_t numbers[] = {11, 12, 13, 14, 15, 16, 17, 18, 19};

static int set_up(void **state)
{
    (void)state;
    return quern_words_new(&words, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    quern_words_free(&words);
    return 0;
}

/* The key of a word, in the first set whatever its hash. */
static struct quern_word_key key_of(const char *word, size_t length)
{
    unsigned char text[QUERN_WORD_BYTES + QUERN_WORD_SLACK];
    struct quern_word_key key;

    memset(text, '#', sizeof text); /* what stands behind a word does not count */
    memcpy(text, word, length);
    quern_words_read(&words, text, length, &key);
    key.set = words.sets[0];
    return key;
}

static void keep(const char *word, const int32_t *ids, size_t count)
{
    const struct quern_word_key key = key_of(word, strlen(word));
    quern_words_keep(&key, ids, count);
}

/* The first id of a word; 0: it is not in the cache. Checks that as many ids as expected come one behind the other. */
static int32_t first_id(const char *word, size_t length, size_t expected)
{
    const struct quern_word_key key = key_of(word, length);
    const struct quern_word *found = quern_words_find(&key);
    int32_t ids[2 * QUERN_ENTRY_IDS + 1]; /* one more than there may be */

    if (found == NULL)
        return 0;
    assert_int_equal(quern_word_ids(found, ids), expected);
    for (size_t i = 1; i < expected; i++)
        assert_int_equal(ids[i], ids[0] + (int32_t)i);
    return ids[0];
}
#define FIRST(word, count) first_id(word, sizeof word - 1, count)

static void test_two_short_words(void **state)
{
    (void)state;
    keep("one", numbers, 1);
    keep("fifteen letters", numbers + 1, 4);
    assert_int_equal(FIRST("one", 1), 11);
    assert_int_equal(FIRST("fifteen letters", 4), 12);
    keep("three", numbers + 2, 2);
    assert_int_equal(FIRST("one", 1), 0);
    assert_int_equal(FIRST("fifteen letters", 4), 12);
    assert_int_equal(FIRST("three", 2), 13);
}

static void test_long_word_has_the_set_alone(void **state)
{
    (void)state;
    keep("one", numbers, 1);
    keep("two", numbers, 1);
    keep("sixteen letters!", numbers, 8);
    assert_int_equal(FIRST("sixteen letters!", 8), 11);
    assert_int_equal(FIRST("one", 1), 0);
    assert_int_equal(FIRST("two", 1), 0);
    keep("three", numbers, 1);
    assert_int_equal(FIRST("sixteen letters!", 8), 0);
    assert_int_equal(FIRST("three", 1), 11);
    keep("one", numbers + 1, 1);
    assert_int_equal(FIRST("sixteen letters!", 8), 0);
    assert_int_equal(FIRST("one", 1), 12);
}

static void test_only_the_same_word(void **state)
{
    (void)state;
    keep("one", numbers, 1);
    assert_int_equal(first_id("one\0", 4, 1), 0);
    assert_int_equal(FIRST("on", 1), 0);
    assert_int_equal(FIRST("onf", 1), 0);
    keep("an even longer word of thirty.", numbers, 1);
    assert_int_equal(FIRST("an even longer word of thirty.", 1), 11);
    assert_int_equal(FIRST("an even longer word of thirty!", 1), 0);
    assert_int_equal(FIRST("an even longer word of thirty", 1), 0);
    assert_int_equal(FIRST("an even longer", 1), 0);
    assert_int_equal(FIRST("an even longer!word of thirty.", 1), 0);
    assert_int_equal(FIRST("an even longer word of thirt\0.", 1), 0);
}

static void test_too_many_ids(void **state)
{
    (void)state;
    keep("one", numbers, 5);
    assert_int_equal(FIRST("one", 5), 0);
    keep("sixteen letters!", numbers, 9);
    assert_int_equal(FIRST("sixteen letters!", 9), 0);
    for (size_t count = 1; count <= 8; count++) {
        keep("sixteen letters!", numbers, count);
        assert_int_equal(FIRST("sixteen letters!", count), 11);
    }
}

/* Words that occur together spread over the cache. */
static void test_sets(void **state)
{
    (void)state;
    size_t used = 0;
    for (int i = 0; i < 20000; i++) {
        char text[64] = {0};
        struct quern_word_key key;
        const int length = snprintf(text, sizeof text, i % 2 ? " %d" : " of a number %d", i);
        quern_words_read(&words, (const unsigned char *)text, (size_t)length, &key);
        used += key.set->ids[0] == 0;
        key.set->ids[0] = 1;
    }
    assert_in_range(used, 14000, 20000); /* of 32,768 sets, by chance 14,970 */
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_two_short_words),
        FIXED(test_long_word_has_the_set_alone),
        FIXED(test_only_the_same_word),
        FIXED(test_too_many_ids),
        FIXED(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
