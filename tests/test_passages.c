/* Passages, sections, the table of sources, rules of .gitignore, and search by words. */
#include "../passages/ignore_rules.h"
#include "../passages/passage.h"
#include "../passages/row_filter.h"
#include "../passages/sections.h"
#include "../passages/source_table.h"
#include "../passages/text_words.h"
#include "../passages/word_search.h"
#include "array_count.h"
#include "npy_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* ---------------------------------------------------------------- rules of .gitignore */

/* The verdict of rules on a path; a folder has a slash at its end. '-': left out, '+': taken, ' ': neither. */
static char verdict(const char *text, const char *path)
{
    struct quern_ignore_rules rules;
    char *copy = strdup(path);
    const size_t length = strlen(path);
    const bool is_folder = path[length - 1] == '/';
    copy[length - is_folder] = '\0';
    assert_int_equal(quern_ignore_rules_read(&rules, (quern_text){text, strlen(text)}, NULL), QUERN_OK);
    const enum quern_ignore_verdict found = quern_ignore_rules_verdict(&rules, copy, is_folder);
    quern_ignore_rules_free(&rules);
    free(copy);
    return found == QUERN_IGNORE_LEFT_OUT ? '-' : found == QUERN_IGNORE_TAKEN ? '+' : ' ';
}

static void test_ignore_rules(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *path;
        char verdict;
    } cases[] = {
        {"a", "a", '-'}, {"a", "b/a", '-'}, {"a", "ab", ' '}, {"a", "a/", '-'}, {"/a", "a", '-'}, {"/a", "b/a", ' '},
        {"b/a", "b/a", '-'}, {"b/a", "c/b/a", ' '}, {"a/", "a", ' '}, {"a/", "a/", '-'}, {"a/", "b/a/", '-'},
        {"/a/", "b/a/", ' '}, {"*.c\n!b.c", "a.c", '-'}, {"*.c\n!b.c", "x/b.c", '+'}, {"!b.c\n*.c", "b.c", '-'},
        {"*", ".a", '-'}, {"a/*", "a/b", '-'}, {"a/*", "a/b/c", ' '}, {"**/a", "a", '-'}, {"**/a", "b/c/a", '-'},
        {"a/**", "a/", ' '}, {"a/**", "a/b/c", '-'}, {"a/**/b", "a/b", '-'}, {"a/**/b", "a/c/d/b", '-'},
        {"a/**/b", "ab", ' '}, {"x/a**b", "x/acb", '-'}, {"x/a**b", "x/a/b", ' '}, {"**", "a", '-'},
        {"/**/*/", "a/", '-'}, {"/**/*/", "a", ' '}, {"**/b/*/d", "a/b/b/c/d", '-'}, {"a*b*c", "aXbYbZc", '-'},
        {"a?c", "abc", '-'}, {"x/a?c", "x/a/c", ' '}, {"[a-c]", "b", '-'}, {"[!a-c]", "b", ' '}, {"[^a-c]", "d", '-'},
        {"[]a]", "]", '-'}, {"[a-]", "-", '-'}, {"[\\]]", "]", '-'}, {"[[:digit:]x]", "7", '-'},
        {"[[:nope:]]", "n", ' '}, {"[a", "[a", ' '}, {"\\*", "*", '-'}, {"\\*", "a", ' '}, {"\\!a", "!a", '-'},
        {"#a", "#a", ' '}, {"\\#a", "#a", '-'}, {"a  ", "a", '-'}, {"a\\ ", "a ", '-'}, {"a\t", "a", ' '},
        {"a\r\nb\r", "a", '-'}, {"a\r\nb\r", "b", '-'}, {"\xef\xbb\xbf" "a", "a", '-'}, {"a\\", "a\\", ' '},
        {"//a", "a", ' '}, {"\n\n/\n!\n!/\n", "a", ' '}, {"\xff", "\xff", '-'}, {"[\xfe-\xff]", "\xff", '-'},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++)
        if (verdict(cases[i].rules, cases[i].path) != cases[i].verdict)
            fail_msg("rules '%s', path '%s': expected '%c'", cases[i].rules, cases[i].path, cases[i].verdict);
}

/* A pattern with many stars takes no more than its length times that of the path. */
static void test_many_stars(void **state)
{
    (void)state;
    char pattern[4001], path[4001];
    for (size_t i = 0; i < 4000; i++) {
        pattern[i] = "a*/**/*"[i % 7];
        path[i] = i % 200 == 199 ? '/' : 'a';
    }
    pattern[3999] = 'b';
    pattern[4000] = path[4000] = '\0';
    assert_int_equal(verdict(pattern, path), ' ');
}

/* ---------------------------------------------------------------- search by words */

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
    assert_int_equal(quern_word_search(&(struct quern_word_query){TEXT("Red planet, red"), NULL, 1}, index, 4, hits,
                                       &count, NULL), QUERN_OK);
    assert_int_equal(count, 2);
    assert_int_equal(hits[0].place, 0);
    assert_int_equal(hits[1].place, 1);
    /* Three rows are there, of 4, 4 and 1 words: the mean is 3. "red" is in two of them, "planet" in one. */
    const double red = 0.4700036292457356, planet = 0.9808292530117262, norm = 1.2 * (0.25 + 0.75 * 4 / 3);
    assert_float_equal(hits[0].score, (red + planet) * 2.2 / (1 + norm), 1e-9);
    assert_float_equal(hits[1].score, red * 2 * 2.2 / (2 + norm), 1e-9);
    assert_int_equal(quern_word_search(&(struct quern_word_query){TEXT("red"), &(uint64_t){2}, 2}, index, 4, hits,
                                       &count, NULL), QUERN_OK);
    assert_int_equal(count, 1);
    assert_int_equal(hits[0].place, 1);
    assert_float_equal(hits[0].score, red * 2 * 2.2 / (2 + norm), 1e-9);
    assert_int_equal(quern_word_search(&(struct quern_word_query){TEXT("..."), NULL, 1}, index, 4, hits, &count,
                                       NULL), QUERN_OK);
    assert_int_equal(count, 0);
    quern_index_close(index);
    unlink(path);
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
    struct quern_word_query query = {TEXT("rare 3 row 19999"), NULL, 1};
    assert_int_equal(quern_word_search(&query, index, HITS, one, &count, NULL), QUERN_OK);
    assert_int_equal(count, HITS);
    for (query.threads = 2; query.threads <= 100; query.threads += 49) {
        assert_int_equal(quern_word_search(&query, index, HITS, many, &count, NULL), QUERN_OK);
        assert_int_equal(count, HITS);
        assert_memory_equal(many, one, sizeof one);
    }
    quern_index_close(index);
    unlink(path);
}

/* ---------------------------------------------------------------- filters */

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

/* ---------------------------------------------------------------- arrays */

static int open_array(struct quern_npy_file *npy, const void *bytes, size_t length)
{
    static char path[] = "/tmp/quern-array-XXXXXX";
    strcpy(path, "/tmp/quern-array-XXXXXX");
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0 && write(descriptor, bytes, length) == (ssize_t)length);
    close(descriptor);
    const int code = quern_npy_file_open(npy, path, NULL);
    unlink(path);
    return code;
}

static void test_arrays(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int code;
    } cases[] = {{"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n", QUERN_OK},
                 {"{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }\n", QUERN_OK},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", QUERN_OK},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 0), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'shape': (1, 2), }\n", QUERN_EFORMAT}};
    const unsigned char data[8] = {0, 0x3c, 0, 0x40, 0, 0, 0, 0x3f};
    struct quern_npy_file npy;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        unsigned char bytes[160] = "\x93NUMPY\1";
        const size_t length = strlen(cases[i].header);
        bytes[8] = (unsigned char)length;
        memcpy(bytes + 10, cases[i].header, length);
        memcpy(bytes + 10 + length, data, sizeof data);
        assert_int_equal(open_array(&npy, bytes, 10 + length + sizeof data), cases[i].code);
        if (i == 1) {
            float rows[4];
            assert_int_equal(quern_npy_file_read(&npy, 2, rows, NULL), QUERN_OK);
            assert_float_equal(rows[0], 1, 0);
            assert_float_equal(rows[1], 2, 0);
            assert_float_equal(rows[3], 1.75, 0);
            assert_int_equal(quern_npy_file_read(&npy, 1, rows, NULL), QUERN_EIO);
        }
        quern_npy_file_close(&npy);
    }
    assert_int_equal(open_array(&npy, "GGUF", 4), QUERN_EFORMAT);
    quern_npy_file_close(&npy);
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
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_ignore_rules),
        cmocka_unit_test(test_many_stars),
        cmocka_unit_test(test_joined_hits),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_words_of_languages),
        cmocka_unit_test(test_word_search),
        cmocka_unit_test(test_word_search_threads),
        cmocka_unit_test(test_path_patterns),
        cmocka_unit_test(test_hostile_pattern),
        cmocka_unit_test(test_filter_by_name),
        cmocka_unit_test(test_filter_by_number),
        cmocka_unit_test(test_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
