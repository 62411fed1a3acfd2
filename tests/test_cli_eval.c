/* Measures and baselines of quern eval against figures computed by hand, and its files. */
#include "../cli/quality/eval_lines.h"
#include "../cli/quality/lexical.h"
#include "../cli/quality/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9))
        fail_msg("%.12f is not %.12f", value, expected);
}

/* ---------------------------------------------------------------- correlation */

static void test_pearson(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4}, y[] = {2, 4, 6, 8}, z[] = {1, 3, 2, 4}, flat[] = {5, 5, 5, 5};
    assert_near(quern_eval_pearson(x, y, 4), 1);
    assert_near(quern_eval_pearson(x, z, 4), 0.8); /* sums of products 4, of squares 5 and 5 */
    assert_true(isnan(quern_eval_pearson(x, flat, 4)));
}

static void test_spearman(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4}, cubes[] = {1, 8, 27, 64}, falling[] = {9, 7, 3, 1}, flat[] = {5, 5, 5, 5};
    assert_near(quern_eval_spearman(x, cubes, 4), 1);
    assert_near(quern_eval_spearman(x, falling, 4), -1);
    assert_true(isnan(quern_eval_spearman(flat, x, 4)));
    /* Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: sum of products 4.5, of squares 4.5 and 5. */
    const double tied[] = {1, 2, 2, 7};
    assert_near(quern_eval_spearman(tied, x, 4), 4.5 / sqrt(4.5 * 5));
    /* Ranks 1, 1, 1, 3 against 0.5, 0.5, 2, 3: sum of products 3, of squares 3 and 4.5. */
    const double three[] = {4, 4, 4, 6}, two[] = {0, 0, 1, 2};
    assert_near(quern_eval_spearman(three, two, 4), 3 / sqrt(3 * 4.5));
}

/* ---------------------------------------------------------------- searches */

static void test_top(void **state)
{
    (void)state;
    struct quern_eval_top top = {0};
    quern_eval_top_add(&top, 7, 0.5);
    quern_eval_top_add(&top, 8, 0.9);
    quern_eval_top_add(&top, 9, 0.5); /* as good, and later */
    assert_int_equal(top.count, 3);
    assert_int_equal(top.best[0].document, 8);
    assert_int_equal(top.best[1].document, 7);
    assert_int_equal(top.best[2].document, 9);
    for (size_t i = 0; i < 200; i++)
        quern_eval_top_add(&top, 100 + i, 1 + (double)i);
    assert_int_equal(top.count, QUERN_EVAL_TOP);
    assert_int_equal(top.best[0].document, 299);
    assert_int_equal(top.best[99].document, 200);
    quern_eval_top_add(&top, 1, 101); /* as good as the last one, and later */
    quern_eval_top_add(&top, 2, NAN);
    assert_int_equal(top.best[99].document, 200);
}

/* Documents 0, 1, 2, ... in this order. */
static struct quern_eval_top found(size_t count)
{
    struct quern_eval_top top = {0};
    for (size_t i = 0; i < count; i++)
        quern_eval_top_add(&top, i, (double)(count - i));
    return top;
}

static void test_graded_search(void **state)
{
    (void)state;
    const struct quern_eval_top top = found(20);
    const struct quern_eval_grade grades[] = {{0, 2, 3}, {0, 0, 1}, {0, 12, 1}, {0, 1, 0}, {0, 3, -1}};
    struct quern_eval_search search = {0};
    quern_eval_search_add(&search, &top, grades, 5);
    assert_int_equal(search.queries, 1);
    assert_near(search.recall_1, 1 / 3.0);
    assert_near(search.recall_10, 2 / 3.0);
    assert_near(search.recall_100, 1);
    assert_near(search.mrr_10, 1);
    /* Found: grade 1 at rank 1, 3 at rank 3. Best: 3, 1, 1. */
    assert_near(search.ndcg_10, (1 + 3 / 2.0) / (3 + 1 / log2(3) + 1 / 2.0));
}

static void test_searches_add_up(void **state)
{
    (void)state;
    const struct quern_eval_top top = found(20);
    const struct quern_eval_grade late[] = {{0, 10, 1}}, missing[] = {{1, 1, 1}, {1, SIZE_MAX, 1}};
    struct quern_eval_search search = {0};
    quern_eval_search_add(&search, &top, late, 1); /* at rank 11: in recall@100 only */
    assert_near(search.mrr_10 + search.ndcg_10 + search.recall_10, 0);
    assert_near(search.recall_100, 1);
    quern_eval_search_add(&search, &top, missing, 2); /* one at rank 2, one that no search finds */
    assert_int_equal(search.queries, 2);
    assert_near(search.mrr_10, 0.5);
    assert_near(search.recall_10, 0.5);
    assert_near(search.recall_100, 1.5);
    assert_near(search.ndcg_10, (1 / log2(3)) / (1 + 1 / log2(3)));
}

/* ---------------------------------------------------------------- words */

static struct quern_eval_bags bags_of(const char *const *texts, size_t count, size_t documents)
{
    struct quern_eval_bags bags;
    quern_text views[8];
    for (size_t i = 0; i < count; i++)
        views[i] = (quern_text){texts[i], strlen(texts[i])};
    assert_int_equal(quern_eval_bags_make(&bags, views, count, documents), 0);
    return bags;
}

static void test_words(void **state)
{
    (void)state;
    const char *texts[] = {"Don't stop, Don!", "ÄPFEL und_so äpfel", "\xff\xfe stop\xc3", "", "  \t"};
    struct quern_eval_bags bags = bags_of(texts, 5, 5);
    assert_int_equal(bags.words, 5); /* don, t, stop, äpfel, und_so */
    assert_near(bags.lengths[0], 4);
    assert_near(bags.lengths[1], 3);
    assert_near(bags.lengths[2], 1);
    assert_near(bags.lengths[3] + bags.lengths[4], 0);
    assert_int_equal(bags.text_begin[2] - bags.text_begin[1], 2); /* both spellings are one word */
    assert_near(quern_eval_tfidf_cosine(&bags, 3, 4), 0);
    quern_eval_bags_free(&bags);
}

static void test_tfidf(void **state)
{
    (void)state;
    const char *texts[] = {"red apple", "red red car", "red apple", "nothing"};
    struct quern_eval_bags bags = bags_of(texts, 4, 4);
    const double red = 1 + log(5 / 4.0), apple = 1 + log(5 / 3.0), car = 1 + log(5 / 2.0);
    assert_near(quern_eval_tfidf_cosine(&bags, 0, 2), 1);
    assert_near(quern_eval_tfidf_cosine(&bags, 0, 3), 0);
    const double expected = 2 * red * red / (hypot(red, apple) * hypot(2 * red, car));
    assert_near(quern_eval_tfidf_cosine(&bags, 0, 1), expected);
    double scores[4];
    quern_eval_tfidf_search(&bags, 0, scores);
    assert_near(scores[1], expected);
    assert_near(scores[3], 0);
    quern_eval_bags_free(&bags);
}

static void test_bm25(void **state)
{
    (void)state;
    const char *texts[] = {"red apple", "red red car at sea", "green", "red red apple", "unheard"};
    struct quern_eval_bags bags = bags_of(texts, 5, 3); /* three documents, two queries */
    double scores[3];
    quern_eval_bm25_search(&bags, 3, scores);
    /* red is in 2 of 3 documents, apple in 1; lengths 2, 5, 1, of 8/3 in the mean */
    const double red = log(1 + 1.5 / 2.5), apple = log(1 + 2.5 / 1.5);
    const double norm_0 = 1.2 * (0.25 + 0.75 * 2 / (8 / 3.0)), norm_1 = 1.2 * (0.25 + 0.75 * 5 / (8 / 3.0));
    assert_near(scores[0], (red + apple) * 2.2 / (1 + norm_0));
    assert_near(scores[1], red * 2 * 2.2 / (2 + norm_1));
    assert_near(scores[2], 0);
    quern_eval_bm25_search(&bags, 4, scores);
    assert_near(scores[0] + scores[1] + scores[2], 0);
    quern_eval_bags_free(&bags);
}

/* ---------------------------------------------------------------- lines */

static char path[] = "/tmp/quern-eval-XXXXXX";

static void write_file(const char *content, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void test_lines(void **state)
{
    (void)state;
    struct quern_eval_lines lines;
    char *text = malloc(100000);
    assert_non_null(text);
    memset(text, 'x', 100000);
    memcpy(text, "one\r\n\n", 6);
    text[90000] = '\n';
    write_file(text, 100000);
    assert_int_equal(quern_eval_lines_open(&lines, path, false), 0);
    assert_int_equal(quern_eval_lines_next(&lines), 1);
    assert_string_equal(lines.line, "one");
    assert_int_equal(quern_eval_lines_next(&lines), 1);
    assert_int_equal(lines.number, 3); /* the empty one counts */
    assert_int_equal(lines.length, 90000 - 6);
    assert_int_equal(quern_eval_lines_next(&lines), 1);
    assert_int_equal(lines.length, 9999); /* without a newline at its end */
    assert_int_equal(quern_eval_lines_next(&lines), 0);
    quern_eval_lines_close(&lines);

    write_file("fine\nwith \0 NUL\n", 16);
    assert_int_equal(quern_eval_lines_open(&lines, path, false), 0);
    assert_int_equal(quern_eval_lines_next(&lines), 1);
    assert_int_equal(quern_eval_lines_next(&lines), -1);
    quern_eval_lines_close(&lines);
    free(text);

    assert_int_equal(quern_eval_lines_open(&lines, "/tmp/no/such/file", false), QUERN_CLI_FAILED);
    assert_int_equal(quern_eval_lines_open(&lines, "/tmp/no/such/file", true), QUERN_CLI_DONE);
    assert_null(lines.stream);
    quern_eval_lines_close(&lines);
}

static void test_split(void **state)
{
    (void)state;
    char with_tabs[] = "a b\t\tc\td", with_spaces[] = "  a b\t c ", *fields[3];
    struct quern_eval_lines lines = {.line = with_tabs};
    assert_int_equal(quern_eval_lines_split(&lines, false, fields, 3), 4);
    assert_string_equal(fields[0], "a b");
    assert_string_equal(fields[1], "");
    assert_string_equal(fields[2], "c");
    lines.line = with_spaces;
    assert_int_equal(quern_eval_lines_split(&lines, true, fields, 3), 3);
    assert_string_equal(fields[0], "a");
    assert_string_equal(fields[2], "c");
}

static void test_numbers(void **state)
{
    (void)state;
    double number;
    assert_true(quern_eval_number("-2.5e1", &number));
    assert_near(number, -25);
    assert_false(quern_eval_number("", &number));
    assert_false(quern_eval_number("nan", &number));
    assert_false(quern_eval_number("inf", &number));
    assert_false(quern_eval_number("1x", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pearson),         cmocka_unit_test(test_spearman), cmocka_unit_test(test_top),
        cmocka_unit_test(test_graded_search),   cmocka_unit_test(test_searches_add_up),
        cmocka_unit_test(test_words),           cmocka_unit_test(test_tfidf),    cmocka_unit_test(test_bm25),
        cmocka_unit_test(test_lines),           cmocka_unit_test(test_split),    cmocka_unit_test(test_numbers),
    };
    int file = mkstemp(path);
    if (file < 0)
        return 1;
    close(file);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
