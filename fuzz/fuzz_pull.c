/* Names of models, heads of HTTP responses, records: any bytes must be accepted or refused, and what is accepted must
 * be valid. */
#include "fuzz.h"
#include "../cli/pull/pull.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void check_digest(const char *digest)
{
    REQUIRE(strspn(digest, "0123456789abcdef") == strlen(digest) && strlen(digest) == QUERN_CLI_DIGEST - 1);
}

/* Checks that no name leads out of the cache folder, or to another host than the hub unless it is a URL. */
static void try_name(const char *name)
{
    static struct quern_cli_source source;
    static const char hub[] = "https://hub.example";
    char reason[QUERN_CLI_REASON], digest[QUERN_CLI_DIGEST];
    memset(digest, '5', sizeof digest - 1);
    digest[sizeof digest - 1] = '\0';
    if (!quern_cli_source_find(&source, name, quern_cli_published_find(name) != NULL ? NULL : digest, hub, reason))
        return;
    REQUIRE(quern_cli_is_model_file(source.file) && strchr(source.file, '/') == NULL && source.file[0] != '.');
    REQUIRE(quern_cli_url_allowed(source.url, NULL));
    if (source.sha256[0] != '\0') /* else the hub tells it */
        check_digest(source.sha256);
    if (source.hub[0] != '\0')
        REQUIRE(quern_cli_url_same_origin(source.url, hub) && strstr(source.url, "/../") == NULL);
    else
        REQUIRE(strcmp(source.url, name) == 0);
}

/* Checks that a URL that is allowed has no byte that could end a line or a host name too early. */
static void try_url(const char *url)
{
    if (!quern_cli_url_allowed(url, NULL))
        return;
    for (const char *c = url; *c != '\0'; c++)
        REQUIRE(*c > ' ' && *c < 0x7f && *c != '\\');
    const char *host = strstr(url, "://") + 3;
    REQUIRE(memchr(host, '@', strcspn(host, "/?#")) == NULL);
    REQUIRE(quern_cli_url_same_origin(url, url));
    REQUIRE(!quern_cli_url_allowed(url, "https://a/") || strncasecmp(url, "https:", 6) == 0);
}

static void try_head(const char *head, size_t size)
{
    struct quern_cli_response response = {0};
    while (size > 0) {
        const char *end = memchr(head, '\n', size);
        size_t length = end != NULL ? (size_t)(end - head) + 1 : size;
        char *line = malloc(length); /* so that a sanitizer sees a read beyond it */
        REQUIRE(line != NULL);
        memcpy(line, head, length);
        quern_cli_response_line(&response, line, length);
        free(line);
        head += length;
        size -= length;
    }
    if (response.linked_sha256[0] != '\0')
        check_digest(response.linked_sha256);
    REQUIRE(!response.has_range || response.first < response.total);
    REQUIRE(response.retry_after >= 0 && strpbrk(response.etag, "\r\n ") == NULL);
}

static void try_record(const char *text, size_t size)
{
    static struct quern_cli_record record;
    if (!quern_cli_record_parse(&record, text, size))
        return;
    check_digest(record.sha256);
    REQUIRE(record.modified_ns >= 0 && record.size <= INT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    REQUIRE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    try_name(text);
    try_url(text);
    try_head(text, size);
    try_record(text, size);
    free(text);
    return 0;
}
