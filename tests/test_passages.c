/* Passages, sections, and the table of sources. */
#include "../passages/passage.h"
#include "../passages/sections.h"
#include "../passages/source_table.h"
#include "array_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(string) ((quern_text){string, sizeof(string) - 1})

static void assert_text(quern_text text, const char *expected)
{
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.data, expected, text.length);
}

/* ---------------------------------------------------------------- payloads and names */

static void test_payload(void **state)
{
    (void)state;
    char payload[QUERN_PASSAGE_LINE + 16];
    const struct quern_passage written = {.line = 3, .last_line = UINT64_MAX, .begin = 10, .end = 14,
                                          .title = TEXT("A\ntitle\x01"), .text = TEXT("a\nb ")};
    struct quern_passage read;
    size_t length = quern_passage_put_line(payload, &written);
    memcpy(payload + length, written.text.data, written.text.length);
    length += written.text.length;
    assert_text((quern_text){payload, length}, "3 18446744073709551615 10 14 A title \na\nb ");
    assert_true(quern_passage_read(&read, (quern_text){payload, length}));
    assert_int_equal(read.line, 3);
    assert_true(read.last_line == UINT64_MAX);
    assert_int_equal(read.begin, 10);
    assert_int_equal(read.end, 14);
    assert_text(read.title, "A title ");
    assert_text(read.text, "a\nb ");
}

static void test_payload_of_others(void **state)
{
    (void)state;
    static const char *const others[] = {"", "the red planet", "1 2 3\nx", "1 2 3 4\nx",
                                         "1 2 3 18446744073709551616 \nx", "1 2 3 4 no newline", "-1 2 3 4 \nx",
                                         " 1 2 3 4 \nx"};
    struct quern_passage passage;
    for (size_t i = 0; i < QUERN_COUNT(others); i++) {
        assert_false(quern_passage_read(&passage, (quern_text){others[i], strlen(others[i])}));
        assert_text(passage.text, others[i]);
        assert_int_equal(passage.line, 0);
    }
}

static void test_title_is_cut_at_a_character(void **state)
{
    (void)state;
    char title[QUERN_PASSAGE_TITLE], given[QUERN_PASSAGE_TITLE + 1];
    memset(given, 'a', sizeof given);
    memcpy(given + QUERN_PASSAGE_TITLE - 1, "\xc3\xa9", 2);
    assert_int_equal(quern_passage_title(title, (quern_text){given, sizeof given}).length, QUERN_PASSAGE_TITLE - 1);
    assert_int_equal(quern_passage_title(title, (quern_text){given, 5}).length, 5);
}

static void test_names(void **state)
{
    (void)state;
    char name[64];
    const size_t length = quern_passage_put_name(name, TEXT("/a#b#2"), 17);
    assert_text((quern_text){name, length}, "/a#b#2#17");
    assert_text(quern_passage_path((quern_text){name, length}), "/a#b#2");
    assert_text(quern_passage_path(TEXT("planet")), "planet");
    assert_text(quern_passage_path(TEXT("planet 17")), "planet 17");
    assert_text(quern_passage_path(TEXT("#17")), "#17");
    assert_text(quern_passage_path(TEXT("")), "");
}

/* ---------------------------------------------------------------- sections */

/* The sections of a text, with '|' between them. */
static const char *sections(const char *string, bool is_markdown)
{
    static char out[512];
    const quern_text text = {string, strlen(string)};
    size_t length = 0;
    for (size_t at = 0, end; at < text.length; at = end) {
        end = quern_section_end(text, at, is_markdown);
        assert_true(end > at);
        length += (size_t)snprintf(out + length, sizeof out - length, "%s%.*s", at > 0 ? "|" : "", (int)(end - at),
                                   text.data + at);
    }
    return out;
}

static void test_sections_of_markdown(void **state)
{
    (void)state;
    assert_string_equal(sections("a\n\nb\n# c\nd\n## e\nf\n#g\n", true), "a\n\nb\n|# c\nd\n|## e\nf\n#g\n");
    assert_string_equal(sections("# a\n\n## b\nc\n# d\n", true), "# a\n\n## b\nc\n|# d\n"); /* no heading alone */
    assert_string_equal(sections("a\n```\n# b\n```\n# c\n", true), "a\n```\n# b\n```\n|# c\n");
}

static void test_sections_of_others(void **state)
{
    (void)state;
    assert_string_equal(sections("int a;\n\nint b()\n{\n\n    c();\n}\n\nint d;\n", false),
                        "int a;\n\n|int b()\n{\n\n    c();\n}\n\n|int d;\n");
    assert_string_equal(sections("# a\n# b\n", false), "# a\n# b\n");
    assert_string_equal(sections("\n\na\n", false), "\n\na\n");
}

static void test_sentences(void **state)
{
    (void)state;
    const quern_text text = TEXT("It is 3.5 m long. Really! no\nend here\n\n- item\nlast");
    static const char *const expected[] = {"It is 3.5 m long.", " Really!", " no\nend here\n", "\n- item\nlast"};
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        const size_t end = quern_sentence_end(text, at);
        assert_text((quern_text){text.data + at, end - at}, expected[i]);
        at = end;
    }
    assert_int_equal(at, text.length);
    assert_int_equal(quern_sentence_end(TEXT("\xe4\xb8\x80\xe3\x80\x82\xe4\xba\x8c"), 0), 6);
}

static void test_titles(void **state)
{
    (void)state;
    assert_text(quern_document_title(TEXT("x\n\n## A title ##\n"), "/b/c.md", true), "A title");
    assert_text(quern_document_title(TEXT("---\nx: y\ntitle: \"Other\"\n---\n# A\n"), "/b/c.md", true), "Other");
    assert_text(quern_document_title(TEXT("```\n# no\n```\n"), "/b/c.md", true), "c.md");
    assert_text(quern_document_title(TEXT("# no\n"), "c.py", false), "c.py");
    assert_true(quern_is_markdown("a.MD"));
    assert_true(quern_is_markdown("a.md.gz"));
    assert_false(quern_is_markdown(".md"));
    assert_false(quern_is_markdown("a.c"));
}

/* ---------------------------------------------------------------- the table */

/* A table with two sources, as a note, to be freed. */
static char *make_note(size_t *length)
{
    char *roots[] = {"/a"}, *note;
    struct quern_source sources[] = {
        {.path = "/a/\n\xff", .size = 7, .mtime = -1, .rows = 2, .state = QUERN_SOURCE_DONE, .digest = {1, 2},
         .bad_records = 3, .bad_line = 5},
        {.path = "/a/b", .state = QUERN_SOURCE_NOT_TEXT}};
    const struct quern_source_table table = {.model = "m.gguf", .tokens = 256, .exact = true, .takes_ignored = true,
                                             .roots = roots, .root_count = 1, .sources = sources, .count = 2};
    assert_int_equal(quern_source_table_write(&table, &note, length, NULL), QUERN_OK);
    return note;
}

static void test_table(void **state)
{
    (void)state;
    struct quern_source_table table;
    size_t length, again;
    bool found;
    char *note = make_note(&length), *copy;
    assert_int_equal(quern_source_table_read(&table, (quern_text){note, length}, NULL), QUERN_OK);
    assert_string_equal(table.model, "m.gguf");
    assert_string_equal(table.known, "");
    assert_int_equal(table.tokens, 256);
    assert_true(table.exact);
    assert_true(table.takes_ignored);
    assert_int_equal(table.count, 2);
    assert_string_equal(table.sources[0].path, "/a/\n\xff");
    assert_int_equal(table.sources[0].mtime, -1);
    assert_int_equal(table.sources[0].bad_records, 3);
    assert_int_equal(table.sources[0].bad_line, 5);
    assert_int_equal(quern_source_table_find(&table, "/a/b", &found), 1);
    assert_true(found);
    assert_int_equal(quern_source_table_find(&table, "/a/a", &found), 1);
    assert_false(found);
    assert_int_equal(quern_source_table_write(&table, &copy, &again, NULL), QUERN_OK);
    assert_int_equal(again, length);
    assert_memory_equal(copy, note, length);
    quern_source_table_free(&table);
    free(copy);
    free(note);
}

/* A note of version 1 lacks the two last numbers of each source. */
static void test_old_table(void **state)
{
    (void)state;
    enum { LAST = 16, PATH = 8 + 4, REST = 4 * 8 + QUERN_SOURCE_DIGEST }; /* the second source is /a/b */
    struct quern_source_table table;
    size_t length;
    char *note = make_note(&length);
    note[8] = 1;
    memmove(note + length - LAST - PATH - REST - LAST, note + length - LAST - PATH - REST, PATH + REST);
    length -= 2 * LAST;
    assert_int_equal(quern_source_table_read(&table, (quern_text){note, length}, NULL), QUERN_OK);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.sources[0].bad_records, 0);
    assert_int_equal(table.sources[0].digest[1], 2);
    assert_string_equal(table.sources[1].path, "/a/b");
    assert_int_equal(table.sources[1].state, QUERN_SOURCE_NOT_TEXT);
    quern_source_table_free(&table);
    free(note);
}

/* Every beginning of a note, and every note with a byte changed, is refused or read, and nothing else. */
static void test_damaged_table(void **state)
{
    (void)state;
    struct quern_source_table table;
    size_t length;
    char *note = make_note(&length);
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(quern_source_table_read(&table, (quern_text){note, cut}, NULL), QUERN_EFORMAT);
    for (char version = 0; version <= 3; version += 3) {
        note[8] = version;
        assert_int_equal(quern_source_table_read(&table, (quern_text){note, length}, NULL), QUERN_EUNSUPPORTED);
    }
    note[8] = 2;
    for (size_t at = 16; at < length; at++) {
        note[at] ^= 0x41;
        if (quern_source_table_read(&table, (quern_text){note, length}, NULL) == QUERN_OK)
            quern_source_table_free(&table);
        note[at] ^= 0x41;
    }
    free(note);
}

/* Roots and paths must be in order, and none twice: paths are looked up by halving. */
static void test_table_out_of_order(void **state)
{
    (void)state;
    char first[] = "/a", second[] = "/b";
    char *right[] = {first, second}, *wrong[] = {second, first}, *same[] = {first, first};
    char **const orders[] = {right, wrong, same};
    for (size_t i = 0; i < QUERN_COUNT(orders); i++)
        for (size_t k = 0; k < QUERN_COUNT(orders); k++) {
            struct quern_source sources[] = {{.path = orders[k][0]}, {.path = orders[k][1]}};
            const struct quern_source_table table = {.model = "", .roots = orders[i], .root_count = 2,
                                                     .sources = sources, .count = 2};
            struct quern_source_table read;
            char *note;
            size_t length;
            assert_int_equal(quern_source_table_write(&table, &note, &length, NULL), QUERN_OK);
            assert_int_equal(quern_source_table_read(&read, (quern_text){note, length}, NULL),
                             i == 0 && k == 0 ? QUERN_OK : QUERN_EFORMAT);
            if (i == 0 && k == 0)
                quern_source_table_free(&read);
            free(note);
        }
}

static void test_roots(void **state)
{
    (void)state;
    struct quern_source_table table = {.count = 0};
    assert_int_equal(quern_source_table_add_root(&table, "/b", NULL), QUERN_OK);
    assert_int_equal(quern_source_table_add_root(&table, "/a", NULL), QUERN_OK);
    assert_int_equal(quern_source_table_add_root(&table, "/b", NULL), QUERN_OK);
    assert_int_equal(table.root_count, 2);
    assert_string_equal(table.roots[0], "/a");
    quern_source_table_free(&table);
    assert_true(quern_source_is_in("/a/b", "/a"));
    assert_true(quern_source_is_in("/a", "/a"));
    assert_true(quern_source_is_in("/a", "/"));
    assert_false(quern_source_is_in("/ab", "/a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_payload_of_others),
        cmocka_unit_test(test_title_is_cut_at_a_character),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_sections_of_markdown),
        cmocka_unit_test(test_sections_of_others),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_old_table),
        cmocka_unit_test(test_damaged_table),
        cmocka_unit_test(test_table_out_of_order),
        cmocka_unit_test(test_roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
