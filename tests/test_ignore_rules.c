/* Rules of .gitignore. */
#include "../passages/ignore_rules.h"
#include "array_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
        {"a**/*", "ab", '-'}, {"a**/*", "a", '-'}, {"a**/b", "ac/b", '-'}, {"a**/b", "acd", ' '},
        {"a/b**", "a/b", '-'}, {"?a**/b", "xac", ' '}, {"?a**/b", "xac/b", '-'}, {"?a**/b", "xac/d/b", ' '},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ignore_rules),
        cmocka_unit_test(test_many_stars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
