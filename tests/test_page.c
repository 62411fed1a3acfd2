/* The page's files that are built into the program. usage: test_page FOLDER-OF-THE-FILES */
#include "base/count.h"
#include "page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folder;

static void same_as_file(const struct quern_page_file *file, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    unsigned char *bytes = malloc(file->size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, file->size + 1, in), file->size);
    assert_memory_equal(bytes, file->bytes, file->size);
    free(bytes);
    fclose(in);
}

static void every_file_is_whole_and_has_its_type(void **state)
{
    (void)state;
    static const char *const files[][3] = {
        {"/", "index.html", "text/html; charset=utf-8"},
        {"/page/style.css", "style.css", "text/css; charset=utf-8"},
        {"/page/app.js", "app.js", "text/javascript; charset=utf-8"},
        {"/page/icon.svg", "icon.svg", "image/svg+xml"},
    };
    for (size_t i = 0; i < QUERN_COUNT(files); i++) {
        const struct quern_page_file *file = quern_page_find(files[i][0]);
        assert_non_null(file);
        assert_string_equal(file->path, files[i][0]);
        assert_string_equal(file->type, files[i][2]);
        same_as_file(file, files[i][1]);
    }
}

static void etags_differ_with_the_bytes(void **state)
{
    (void)state;
    const char *tag = quern_page_find("/page/app.js")->etag;
    assert_int_equal(strlen(tag), 18);
    assert_int_equal(tag[0], '"');
    assert_int_equal(tag[17], '"');
    assert_string_not_equal(tag, quern_page_find("/page/tabs.js")->etag);
}

static void other_paths_have_no_file(void **state)
{
    (void)state;
    static const char *const paths[] = {"",   "/page", "/page/", "/index.html", "/page/index.html", "/page/none.js",
                                        "//"};
    for (size_t i = 0; i < QUERN_COUNT(paths); i++)
        assert_null(quern_page_find(paths[i]));
}

/* Every path of this server that a file names exists. */
static void names_in_the_page_exist(void **state)
{
    (void)state;
    const struct quern_page_file *page = quern_page_find("/");
    int found = 0;
    for (const unsigned char *at = page->bytes, *end = at + page->size; end - at > 6; at++) {
        char path[64];
        if (memcmp(at, "/page/", 6) == 0 && sscanf((const char *)at, "%63[a-z./_]", path) == 1) {
            assert_non_null(quern_page_find(path));
            found++;
        }
    }
    assert_true(found >= 3);
}

/* The files use nothing that the content policy forbids: in a browser this would fail without a message. */
static void nothing_is_in_place_or_from_elsewhere(void **state)
{
    (void)state;
    const struct quern_page_file *page = quern_page_find("/");
    char *text = calloc(1, page->size + 1);
    assert_non_null(text);
    memcpy(text, page->bytes, page->size);
    static const char *const forbidden[] = {" style=", "<style", " onclick=", "<script>", "http:", "https:",
                                            "src=\"//"};
    for (size_t i = 0; i < QUERN_COUNT(forbidden); i++)
        assert_null(strstr(text, forbidden[i]));
    free(text);
    assert_null(strstr(QUERN_PAGE_POLICY, "unsafe"));
    assert_non_null(strstr(QUERN_PAGE_POLICY, "default-src 'none'"));
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    folder = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_whole_and_has_its_type),
        cmocka_unit_test(etags_differ_with_the_bytes),
        cmocka_unit_test(other_paths_have_no_file),
        cmocka_unit_test(names_in_the_page_exist),
        cmocka_unit_test(nothing_is_in_place_or_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
