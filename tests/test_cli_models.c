#include "../cli/pull/pull.h"
#include "base/count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HUB "https://hub.example"
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct quern_cli_source source;
static char reason[QUERN_CLI_REASON];

static bool find(const char *name, const char *sha256)
{
    reason[0] = '\0';
    bool found = quern_cli_source_find(&source, name, sha256, HUB, reason);
    assert_int_equal(found, reason[0] == '\0');
    return found;
}

static void test_published(void **state)
{
    (void)state;
    assert_string_equal(quern_cli_catalog[0].name, "embeddinggemma");
    assert_false(quern_cli_catalog[0].lacks_head);
    for (const struct quern_cli_published *published = quern_cli_catalog; published->name != NULL; published++) {
        char digest[QUERN_CLI_DIGEST] = "";
        const bool pinned = published->sha256 != NULL;
        if (pinned) {
            assert_true(quern_cli_digest_read(digest, published->sha256, strlen(published->sha256)));
            assert_string_equal(digest, published->sha256);
            assert_int_equal(strlen(published->revision), 40);
        }
        assert_int_equal(published->is_inferred, !pinned);
        assert_non_null(quern_cli_published_known(published).repository);
        assert_true(quern_cli_is_model_file(quern_cli_published_file(published)));
        assert_ptr_equal(quern_cli_published_find(published->name), published);
        assert_true(find(published->name, NULL));
        assert_string_equal(source.file, quern_cli_published_file(published));
        assert_string_equal(source.sha256, digest);
        assert_int_equal(source.size, pinned ? published->size : 0);
        assert_int_equal(find(published->name, DIGEST), !pinned);
        for (const struct quern_cli_published *other = quern_cli_catalog; other < published; other++) {
            assert_string_not_equal(other->name, published->name);
            assert_string_not_equal(quern_cli_published_file(other), quern_cli_published_file(published));
        }
    }
    assert_null(quern_cli_published_find("embeddinggemma:"));
    assert_null(quern_cli_published_find(""));
}

/* A model that is known, but of which no file is: the message says what to do instead. */
static void test_known_without_file(void **state)
{
    (void)state;
    assert_false(find("bge-m3", NULL));
    assert_non_null(strstr(reason, "hf:OWNER/REPOSITORY/FILE.gguf"));
    assert_non_null(strstr(reason, "BAAI/bge-m3"));
    assert_false(find("e5-smal", NULL));
    assert_non_null(strstr(reason, "did you mean 'e5-small'"));
}

static void test_hub_names(void **state)
{
    (void)state;
    assert_true(find("hf:owner/repo-1.0/some/folder/Model_Q8.gguf", NULL));
    assert_string_equal(source.url, HUB "/owner/repo-1.0/resolve/main/some/folder/Model_Q8.gguf");
    assert_string_equal(source.origin, "hf:owner/repo-1.0/some/folder/Model_Q8.gguf");
    assert_string_equal(source.file, "Model_Q8.gguf");
    assert_string_equal(source.hub, HUB);
    assert_string_equal(source.sha256, "");
    assert_int_equal(source.size, 0);
    assert_true(quern_cli_source_find(&source, "hf:a/b/c.gguf", DIGEST, "https://mirror.example:8443/hub//", reason));
    assert_string_equal(source.url, "https://mirror.example:8443/hub/a/b/resolve/main/c.gguf");
    assert_string_equal(source.sha256, DIGEST);
    static const char *const bad[] = {
        "hf:", "hf:a", "hf:a/b", "hf:a/b/", "hf:a/b/c", "hf:a/b/.gguf", "hf:a/b/c.gguf/", "hf:a//c.gguf",
        "hf:/b/c.gguf",
        "hf:a/../c.gguf", "hf:../b/c.gguf", "hf:a/b/./c.gguf", "hf:a/b/c.gguf?x", "hf:a/b/c%2f.gguf", "hf:a/b/c .gguf",
        "hf:a/b/c.gguf\n", "hf:a/b/\\c.gguf", "hf:a/b/c.GGUF", "hf:a/b/c.gguf.part", "hf:https://a/b/c.gguf",
    };
    for (size_t i = 0; i < QUERN_COUNT(bad); i++)
        assert_false(find(bad[i], NULL));
    char name[QUERN_CLI_FILE + 32] = "hf:a/b/";
    memset(name + 7, 'x', QUERN_CLI_FILE - 6);
    strcpy(name + 7 + QUERN_CLI_FILE - 6, ".gguf");
    assert_true(find(name + 0, NULL) == (strlen(name + 7) < QUERN_CLI_FILE));
    strcpy(name + 7 + QUERN_CLI_FILE - 5, ".gguf");
    name[7 + QUERN_CLI_FILE - 6] = 'x';
    assert_false(find(name, NULL));
}

static void test_hubs(void **state)
{
    (void)state;
    static const char *const bad[] = {"http://hub.example", "hub.example", "https://", "https://user@hub.example",
                                      "https://hub.example?x=", "https://hub.example/#", "https://hub .example", "",
                                      "https://hub.example\r\nX: y", "file:///tmp", "https://h\\@evil.example"};
    for (size_t i = 0; i < QUERN_COUNT(bad); i++)
        assert_false(quern_cli_source_find(&source, "hf:a/b/c.gguf", NULL, bad[i], reason));
    char *long_hub = calloc(1, QUERN_CLI_URL + 100);
    memset(long_hub, 'a', QUERN_CLI_URL + 50);
    memcpy(long_hub, "https://", 8);
    assert_false(quern_cli_source_find(&source, "hf:a/b/c.gguf", NULL, long_hub, reason));
    free(long_hub);
}

static void test_urls(void **state)
{
    (void)state;
    assert_true(find("https://example.com/a/b.gguf?download=true#x", DIGEST));
    assert_string_equal(source.file, "b.gguf");
    assert_string_equal(source.url, "https://example.com/a/b.gguf?download=true#x");
    assert_string_equal(source.hub, "");
    assert_false(find("https://example.com/a/b.gguf", NULL));
    assert_false(find("https://example.com/a/b.bin", DIGEST));
    assert_false(find("https://example.com", DIGEST));
    assert_false(find("https://example.com?/b.gguf", DIGEST) && strchr(source.file, '?') != NULL);
    assert_false(find("http://example.com/b.gguf", DIGEST));
    assert_false(find("file:///b.gguf", DIGEST));
    assert_false(find("https://example.com/b.gguf", "12"));
    assert_false(find("https://example.com/b.gguf", DIGEST "0"));
    assert_false(find("embeddinggemma", DIGEST));

    static const char *const allowed[] = {"https://a", "HTTPS://a.b/", "https://1.2.3.4:443/x",
                                          "https://[2001:db8::1]/",
                                          "http://127.0.0.1:80/", "http://localhost/", "http://LocalHost:1/",
                                          "http://[::1]:8080/x", "http://127.255.0.9"};
    for (size_t i = 0; i < QUERN_COUNT(allowed); i++) {
        assert_true(quern_cli_url_allowed(allowed[i], NULL));
        assert_true(quern_cli_url_allowed(allowed[i], "http://127.0.0.1/"));
        assert_int_equal(quern_cli_url_allowed(allowed[i], "https://a/"), allowed[i][4] == 's' || allowed[i][4] == 'S');
    }
    static const char *const refused[] = {"", "https:/a", "https://", "https:///a", "ftp://a/", "file:///a",
                                          "http://a/",
                                          "http://127.0.0.1.example.com/", "http://127.0.0.1@example.com/",
                                          "http://localhost.example.com/", "http://localhost@example.com/",
                                          "https://a:b/", "https://a:/", "https://a:123456/", "https://a@b/",
                                          "https://a:80@b/", "https://a\\b/", "https://a b/", "https://a/ ",
                                          "https://a/\x7f", "https://a/\xc3\xa9", "https://[::1", "https://[]/",
                                          "https://[::1]x/", "https://a%2eb/", "http://127.0.0/", "http://128.0.0.1/",
                                          "http://127..0.1/", "http://0.0.0.0/", "http://[::]/"};
    for (size_t i = 0; i < QUERN_COUNT(refused); i++)
        assert_false(quern_cli_url_allowed(refused[i], NULL));
    assert_true(quern_cli_url_same_origin("https://a:1/x", "https://A:1/y?z"));
    assert_true(quern_cli_url_same_origin("https://a", "https://a/y"));
    assert_false(quern_cli_url_same_origin("https://a", "http://a"));
    assert_false(quern_cli_url_same_origin("https://a", "https://a:1"));
    assert_false(quern_cli_url_same_origin("https://a", "https://a.b"));
    assert_false(quern_cli_url_same_origin("https://a.b", "https://a"));
    assert_false(quern_cli_url_same_origin("https://a", ""));
}

static void test_digests(void **state)
{
    (void)state;
    char digest[QUERN_CLI_DIGEST];
    assert_true(quern_cli_digest_read(digest, "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", 64));
    assert_string_equal(digest, DIGEST);
    assert_false(quern_cli_digest_read(digest, DIGEST, 63));
    assert_false(quern_cli_digest_read(digest, "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 64));
}

/* ---------------------------------------------------------------- responses */

static struct quern_cli_response response;

static void line(const char *text)
{
    quern_cli_response_line(&response, text, strlen(text));
}

static void test_responses(void **state)
{
    (void)state;
    line("HTTP/1.1 302 Found\r\n");
    line("X-Linked-ETag: \"" DIGEST "\"\r\n");
    line("x-linked-size:333590944\r\n");
    line("Content-Length: 17 \r\n");
    line("ETag: \"abc\"\r\n");
    line("Retry-After: 5\r\n");
    assert_true(response.has_linked_size && response.has_length && !response.has_range);
    assert_int_equal(response.linked_size, 333590944);
    assert_int_equal(response.length, 17);
    assert_int_equal(response.retry_after, 5);
    assert_string_equal(response.linked_sha256, DIGEST);
    assert_string_equal(response.etag, "\"abc\"");
    line("HTTP/2 206\r\n");
    assert_true(!response.has_linked_size && !response.has_length && response.linked_sha256[0] == '\0');
    line("content-range: bytes 100-199/200\r\n");
    assert_true(response.has_range);
    assert_int_equal(response.first, 100);
    assert_int_equal(response.total, 200);
}

/* A wait that is asked for as a date. */
static void test_dates(void **state)
{
    (void)state;
    const time_t then = time(NULL) + 100;
    char text[64];
    struct tm date;
    strftime(text, sizeof text, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&then, &date));
    line("HTTP/1.1 429 Slow down\r\n");
    line(text);
    assert_in_range(response.retry_after, 60, 100);
    line("HTTP/1.1 429 Slow down\r\n");
    line("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n");
    assert_int_equal(response.retry_after, 1000000);
    static const char *const none[] = {"Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 9015 07:28:00 CET", "tomorrow",
                                       "Fri, 99 Dec 9999 23:59:59 GMT", "-5", "5 s", ""};
    for (size_t i = 0; i < QUERN_COUNT(none); i++) {
        line("HTTP/1.1 429 Slow down\r\n");
        snprintf(text, sizeof text, "Retry-After: %s\r\n", none[i]);
        line(text);
        assert_int_equal(response.retry_after, 0);
    }
}

static void test_bad_responses(void **state)
{
    (void)state;
    static const char *const ranges[] = {"bytes 100-200/200", "bytes 5-4/200", "bytes */200", "bytes 0-1/*",
                                         "bytes 0-1/2x",
                                         "items 0-1/2", "bytes 0-1", "bytes -1/2", "", "bytes 0-1/9999999999999999999"};
    for (size_t i = 0; i < QUERN_COUNT(ranges); i++) {
        char text[128];
        snprintf(text, sizeof text, "Content-Range: %s\r\n", ranges[i]);
        line("HTTP/1.1 206 OK\r\n");
        line(text);
        assert_false(response.has_range);
    }
    line("HTTP/1.1 200 OK\r\n");
    line("Content-Length: -1\r\n");
    assert_false(response.has_length);
    line("Content-Length: 99999999999999999999\r\n");
    assert_false(response.has_length);
    line("Content-Length: 1 2\r\n");
    assert_false(response.has_length);
    line("ETag: W/\"weak\"\r\n");
    assert_string_equal(response.etag, "");
    line("ETag: \"a\"b\"\r\n");
    assert_string_equal(response.etag, "");
    line("ETag: \"\r\n");
    assert_string_equal(response.etag, "");
    line("ETag: \"a\r\nX: y\"\r\n");
    assert_string_equal(response.etag, "");
    line("X-Linked-ETag: \"12\"\r\n");
    assert_string_equal(response.linked_sha256, "");
    line("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n");
    assert_int_equal(response.retry_after, 0);
    line("");
    line("\r\n");
    line(":");
}

/* ---------------------------------------------------------------- records, digests, the cache */

static void test_records(void **state)
{
    (void)state;
    static struct quern_cli_record record = {.origin = "hf:a/b/\"c\".gguf", .sha256 = DIGEST, .etag = "\"e\"",
                                             .size = 1234567890123, .modified_ns = 987654321987654321};
    static struct quern_cli_record back;
    char path[] = "/tmp/quern-record-XXXXXX";
    close(mkstemp(path));
    assert_int_equal(quern_cli_record_write(&record, path), QUERN_CLI_DONE);
    assert_true(quern_cli_record_read(&back, path));
    assert_memory_equal(&back, &record, sizeof record);
    unlink(path);
    assert_false(quern_cli_record_read(&back, path));
    static const char *const bad[] = {
        "", "{", "[]", "null", "{}", "{\"sha256\": \"" DIGEST "\", \"size\": 1}",
        "{\"sha256\": \"" DIGEST "\", \"size\": -1, \"modified_ns\": 0}",
        "{\"sha256\": \"" DIGEST "\", \"size\": 1.5, \"modified_ns\": 0}",
        "{\"sha256\": \"12\", \"size\": 1, \"modified_ns\": 0}", "{\"size\": 1, \"modified_ns\": 0}",
        "{\"sha256\": \"" DIGEST "\", \"size\": 1, \"size\": 1, \"modified_ns\": 0}",
        "{\"origin\": 5, \"sha256\": \"" DIGEST "\", \"size\": 1, \"modified_ns\": 0}",
        "{\"origin\": \"a\\u0000b\", \"sha256\": \"" DIGEST "\", \"size\": 1, \"modified_ns\": 0}",
    };
    for (size_t i = 0; i < QUERN_COUNT(bad); i++)
        assert_false(quern_cli_record_parse(&back, bad[i], strlen(bad[i])));
}

static void write_file(const char *folder, const char *name, const char *content)
{
    char path[QUERN_CLI_PATH];
    assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void test_cache(void **state)
{
    (void)state;
    static struct quern_cli_record record;
    char base[] = "/tmp/quern-cache-XXXXXX", folder[QUERN_CLI_PATH], path[QUERN_CLI_PATH];
    assert_non_null(mkdtemp(base));
    setenv("XDG_CACHE_HOME", base, 1);
    assert_true(quern_cli_cache_folder(folder));
    assert_false(quern_cli_cache_default(path));
    assert_true(quern_cli_make_folder(folder));
    assert_true(quern_cli_make_folder(folder));
    assert_false(quern_cli_cache_default(path));
    write_file(folder, "b.gguf", "GGUFabc");
    write_file(folder, "a.gguf.part", "abc");
    write_file(folder, "a.gguf.json", "abc");
    write_file(folder, ".gguf", "abc");
    assert_true(quern_cli_cache_default(path));
    assert_string_equal(path + strlen(folder), "/b.gguf");
    assert_int_equal(quern_cli_record_of(&record, path, true), QUERN_CLI_DONE);
    assert_string_equal(record.sha256, "23087cd7c7b269c4552f0bd250e0f42c736ae0387c17ce3c3a49c47bfdc763b8");
    assert_int_equal(record.size, 7);
    write_file(folder, "b.gguf", "");
    assert_int_equal(quern_cli_record_of(&record, path, true), QUERN_CLI_DONE);
    assert_string_equal(record.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    write_file(folder, "a.gguf", "abc"); /* no model */
    assert_false(quern_cli_cache_default(path));
    write_file(folder, "a.gguf", "GGUFabc");
    assert_true(quern_cli_cache_default(path));
    assert_string_equal(path + strlen(folder), "/a.gguf");
    write_file(folder, "embeddinggemma-300M-Q8_0.gguf", "abc");
    assert_true(quern_cli_cache_default(path));
    assert_string_equal(path + strlen(folder), "/embeddinggemma-300M-Q8_0.gguf");
    snprintf(path, sizeof path, "%s/fifo.gguf", base);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(quern_cli_record_of(&record, path, true), QUERN_CLI_FAILED);
    setenv("XDG_CACHE_HOME", "relative", 1);
    setenv("HOME", "/home/of", 1);
    assert_true(quern_cli_cache_folder(folder));
    assert_string_equal(folder, "/home/of/.cache/quern");
    unsetenv("HOME");
    assert_false(quern_cli_cache_folder(folder));
    char command[256];
    snprintf(command, sizeof command, "rm -r %s", base);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_known_without_file), cmocka_unit_test(test_hub_names),     cmocka_unit_test(test_hubs),
        cmocka_unit_test(test_urls),      cmocka_unit_test(test_digests),       cmocka_unit_test(test_responses),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_bad_responses), cmocka_unit_test(test_records), cmocka_unit_test(test_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
