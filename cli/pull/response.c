#include "pull.h"

#include <string.h>
#include <strings.h>
#include <time.h>

struct slice {
    const char *text;
    size_t length;
};

static struct slice trim(struct slice slice)
{
    while (slice.length > 0 && (slice.text[0] == ' ' || slice.text[0] == '\t'))
        slice.text++, slice.length--;
    while (slice.length > 0 && strchr(" \t\r\n", slice.text[slice.length - 1]) != NULL)
        slice.length--;
    return slice;
}

/* Takes the number that a slice begins with. */
static bool take_number(struct slice *slice, uint64_t *number)
{
    size_t digits = 0;
    uint64_t value = 0;
    for (; digits < slice->length && slice->text[digits] >= '0' && slice->text[digits] <= '9'; digits++) {
        if (digits == 18) /* no file is that large */
            return false;
        value = value * 10 + (uint64_t)(slice->text[digits] - '0');
    }
    slice->text += digits;
    slice->length -= digits;
    *number = value;
    return digits > 0;
}

static bool is_number(struct slice slice, uint64_t *number)
{
    return take_number(&slice, number) && slice.length == 0;
}

static bool take_text(struct slice *slice, const char *text)
{
    size_t length = strlen(text);
    if (slice->length < length || strncasecmp(slice->text, text, length) != 0)
        return false;
    slice->text += length;
    slice->length -= length;
    return true;
}

/* "bytes 100-199/200" */
static void read_range(struct quern_cli_response *response, struct slice value)
{
    uint64_t first, last, total;
    response->has_range = take_text(&value, "bytes ") && take_number(&value, &first) && take_text(&value, "-") &&
                          take_number(&value, &last) && take_text(&value, "/") && is_number(value, &total) &&
                          first <= last && last < total;
    if (response->has_range) {
        response->first = first;
        response->total = total;
    }
}

/* Only a strong mark, which is in quotes, says that the bytes are the same. */
static void read_etag(struct quern_cli_response *response, struct slice value)
{
    response->etag[0] = '\0';
    if (value.length < 2 || value.length >= QUERN_CLI_ETAG || value.text[0] != '"' ||
        value.text[value.length - 1] != '"')
        return;
    for (size_t i = 0; i < value.length; i++)
        if (value.text[i] < 0x21 || value.text[i] > 0x7e || (value.text[i] == '"' && i > 0 && i + 1 < value.length))
            return;
    memcpy(response->etag, value.text, value.length);
    response->etag[value.length] = '\0';
}

static void read_linked_etag(struct quern_cli_response *response, struct slice value)
{
    if (value.length >= 2 && value.text[0] == '"' && value.text[value.length - 1] == '"')
        value = (struct slice){value.text + 1, value.length - 2};
    if (!quern_cli_digest_read(response->linked_sha256, value.text, value.length))
        response->linked_sha256[0] = '\0';
}

/* Seconds, or the date of their end (RFC 9110, 10.2.3). A date that is over asks for nothing. */
static void read_retry(struct quern_cli_response *response, struct slice value)
{
    enum { MOST_RETRY = 1000000 };
    char text[64];
    struct tm date = {0};
    uint64_t seconds = 0;
    if (value.length >= sizeof text)
        return;
    memcpy(text, value.text, value.length);
    text[value.length] = '\0';
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (end != NULL && *end == '\0') {
        const time_t then = timegm(&date), now = time(NULL);
        seconds = then > now ? (uint64_t)(then - now) : 0;
    } else if (!is_number(value, &seconds)) {
        return;
    }
    response->retry_after = seconds < MOST_RETRY ? (int)seconds : MOST_RETRY;
}

static bool is_field(struct slice name, const char *field)
{
    return name.length == strlen(field) && strncasecmp(name.text, field, name.length) == 0;
}

void quern_cli_response_line(struct quern_cli_response *response, const char *line, size_t length)
{
    struct slice all = {line, length};
    const char *colon = memchr(line, ':', length);
    if (take_text(&all, "HTTP/")) {
        *response = (struct quern_cli_response){0};
        return;
    }
    if (colon == NULL)
        return;
    struct slice name = {line, (size_t)(colon - line)};
    struct slice value = trim((struct slice){colon + 1, length - name.length - 1});
    if (is_field(name, "content-length")) {
        response->has_length = is_number(value, &response->length);
    } else if (is_field(name, "content-range")) {
        read_range(response, value);
    } else if (is_field(name, "etag")) {
        read_etag(response, value);
    } else if (is_field(name, "x-linked-etag")) {
        read_linked_etag(response, value);
    } else if (is_field(name, "x-linked-size")) {
        response->has_linked_size = is_number(value, &response->linked_size);
    } else if (is_field(name, "retry-after")) {
        read_retry(response, value);
    }
}
