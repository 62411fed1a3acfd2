/* Which rows of an index a filter chooses. */
#include "../passages/row_filter.h"
#include "array_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_path_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool matches;
    } table[] = {
        {"docs", "/home/docs/a/b.md", true},      {"docs/", "/home/docs/a/b.md", true},
        {"./docs", "/home/docs/a/b.md", true},    {"doc", "/home/docs/a/b.md", false},
        {"ocs", "/home/docs/a/b.md", false},      {"docs/*", "/home/docs/a/b.md", true},
        {"docs/*", "/home/docs", false},          {"docs/*.md", "/home/docs/a/b.md", false},
        {"docs/*.md", "/home/docs/b.md", true},   {"docs/**/*.md", "/home/docs/a/b/c.md", true},
        {"docs/**/*.md", "/home/docs/c.md", true}, {"docs/**.md", "/home/docs/a/c.md", true},
        {"*.md", "/home/docs/a/b.md", true},      {"*.md", "/home/docs/a/b.txt", false},
        {"*.md", "b.md", true},                   {"/home", "/home/docs/a", true},
        {"/docs", "/home/docs/a", false},         {"/", "/home/docs/a", true},
        {"/*/docs", "/home/docs/a", true},        {"/**/a", "/home/docs/a", true},
        {"/**/a", "/a", true},                    {"a?c", "/abc", true},
        {"a?c", "/a\xc3\xa9" "c", true},          {"a?c", "/a/c", false},
        {"?\xa9", "/?\xa9", true},
        {"a??", "/ab", false},                    {"*a*b*c", "/xaxbxbxc", true},
        {"*a*b*c/d", "/aa/abc/d", true},          {"**a**b/*c", "/xa/xb/xb/xc", true},
        {"text:*", "text:0123", true},            {"b.md/c", "/b.md", false},
        {"note 1", "note 1", true},               {"**", "/a", true},
        {"a*", "", false},                        {"***", "x", true},
        {"a/**", "/a", false},                    {"a/**", "/a/b", true},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const quern_text path = {table[i].path, strlen(table[i].path)},
                         pattern = {table[i].pattern, strlen(table[i].pattern)};
        if (quern_path_matches(path, pattern) != table[i].matches)
            fail_msg("%s and %s", table[i].pattern, table[i].path);
    }
}

/* A pattern that makes a matcher which tries everything run for ever. */
static void test_hostile_pattern(void **state)
{
    (void)state;
    char path[4000], pattern[4000];
    memset(path, 'a', sizeof path);
    for (size_t i = 0; i < sizeof pattern; i += 2)
        memcpy(pattern + i, i % 40 == 0 ? "**" : "*a", 2);
    assert_true(quern_path_matches((quern_text){path, sizeof path}, (quern_text){pattern, sizeof pattern - 2000}));
    pattern[1999] = 'b';
    assert_false(quern_path_matches((quern_text){path, sizeof path}, (quern_text){pattern, 2000}));
}

/* Opens an index of rows with these ids, names or numbers; the second one is removed again. */
static quern_index *make_rows(const quern_index_row *rows, size_t count, quern_index_ids ids)
{
    char path[] = "/tmp/quern-filter-XXXXXX";
    const quern_index_options options = {.size = sizeof options, .dimensions = 2, .ids = ids};
    const float vector[] = {1, 0};
    quern_index_writer *writer = NULL;
    quern_index *index = NULL;
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(quern_index_create(&writer, path, &options, NULL), QUERN_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(quern_index_add(writer, &rows[i], vector, 1, NULL), QUERN_OK);
    assert_int_equal(quern_index_remove(writer, &rows[1], 1, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    assert_int_equal(quern_index_open(&index, path, NULL), QUERN_OK);
    unlink(path);
    return index;
}

/* Asserts which rows a filter chooses: bits from row 0 on. */
static void assert_chosen(const quern_index *index, const struct quern_row_filter *filter, uint64_t expected)
{
    uint64_t *bitmap = NULL, count;
    assert_int_equal(quern_row_filter_select(filter, index, &bitmap, &count, NULL), QUERN_OK);
    assert_int_equal(bitmap[0], expected);
    assert_int_equal(count, __builtin_popcountll(expected));
    free(bitmap);
}

static void test_filter_by_name(void **state)
{
    (void)state;
    static const quern_index_row rows[] = {{.name = {"/a/x.md#0", 9}}, {.name = {"/a/x.md#1", 9}},
                                           {.name = {"/a/x.md#2", 9}}, {.name = {"/b/y.txt#0", 10}},
                                           {.name = {"other", 5}}};
    static const quern_text patterns[] = {{"a", 1}, {"*.txt", 5}, {"other", 5}};
    static const quern_index_row ids[] = {{.name = {"other", 5}}, {.name = {"/a/x.md", 7}},
                                          {.name = {"/b/y.txt#0", 10}}, {.name = {"nowhere", 7}}, {.number = 1}};
    quern_index *index = make_rows(rows, QUERN_COUNT(rows), QUERN_INDEX_NAMES);
    uint64_t *bitmap = NULL, count;
    assert_chosen(index, &(struct quern_row_filter){0}, 0x1d);
    assert_chosen(index, &(struct quern_row_filter){.by_path = true, .patterns = patterns, .pattern_count = 1}, 5);
    assert_chosen(index, &(struct quern_row_filter){.by_path = true, .patterns = patterns, .pattern_count = 3}, 0x1d);
    assert_chosen(index, &(struct quern_row_filter){.by_path = true}, 0);
    assert_chosen(index, &(struct quern_row_filter){.by_id = true}, 0);
    assert_chosen(index, &(struct quern_row_filter){.by_id = true, .ids = ids, .id_count = 1}, 0x10);
    assert_chosen(index, &(struct quern_row_filter){.by_id = true, .ids = ids, .id_count = 4}, 0x1d);
    assert_chosen(index, &(struct quern_row_filter){.by_id = true, .ids = ids + 2, .id_count = 2}, 8);
    assert_chosen(index, &(struct quern_row_filter){.by_id = true, .ids = ids, .id_count = 4, .by_path = true,
                                                    .patterns = patterns, .pattern_count = 2}, 13);
    const struct quern_row_filter number = {.by_id = true, .ids = ids + 4, .id_count = 1},
                                  empty = {.by_path = true, .patterns = &(quern_text){"", 0}, .pattern_count = 1};
    assert_int_equal(quern_row_filter_select(&number, index, &bitmap, &count, NULL), QUERN_EINVAL);
    free(bitmap);
    assert_int_equal(quern_row_filter_select(&empty, index, &bitmap, &count, NULL), QUERN_EINVAL);
    free(bitmap);
    quern_index_close(index);
}

static void test_filter_by_number(void **state)
{
    (void)state;
    static const quern_index_row rows[] = {{.number = 7}, {.number = 8}, {.number = 9}};
    static const quern_index_row name = {.name = {"7", 1}};
    static const quern_text pattern = {"7", 1};
    quern_index *index = make_rows(rows, QUERN_COUNT(rows), QUERN_INDEX_NUMBERS);
    uint64_t *bitmap = NULL, count;
    assert_chosen(index, &(struct quern_row_filter){.by_id = true, .ids = rows, .id_count = 2}, 1);
    assert_chosen(index, &(struct quern_row_filter){.by_id = true, .ids = rows, .id_count = 3}, 5);
    const struct quern_row_filter named = {.by_id = true, .ids = &name, .id_count = 1},
                                  pathed = {.by_path = true, .patterns = &pattern, .pattern_count = 1};
    assert_int_equal(quern_row_filter_select(&named, index, &bitmap, &count, NULL), QUERN_EINVAL);
    free(bitmap);
    assert_int_equal(quern_row_filter_select(&pathed, index, &bitmap, &count, NULL), QUERN_EINVAL);
    free(bitmap);
    quern_index_close(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_patterns),
        cmocka_unit_test(test_hostile_pattern),
        cmocka_unit_test(test_filter_by_name),
        cmocka_unit_test(test_filter_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
