#include "http.h"

#include "array_count.h"

#include <string.h>

enum { BAD = 400, BAD_EXPECTATION = 417, TOO_MANY = 431 };

/* Fields that may come only once: with two, two readers could choose different ones. */
static const char *const single[] = {"host", "content-length", "transfer-encoding", "content-type", "authorization",
                                     "x-api-key", "api-key", "expect", "origin", "x-timeout-ms"};

bool quern_http_is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether two texts are the same except for case; one of them is in lower case already. */
static bool matches(const char *text, const char *lower_case)
{
    while (*text != '\0' && lower(*text) == *lower_case)
        text++, lower_case++;
    return *text == '\0' && *lower_case == '\0';
}

/* Whether a list with commas contains a word. */
static bool has_word(const char *list, const char *word)
{
    char part[16];
    while (*list != '\0') {
        const size_t length = strcspn(list, ", \t");
        if (length < sizeof part) {
            memcpy(part, list, length);
            part[length] = '\0';
            if (matches(part, word))
                return true;
        }
        list += length + strspn(list + length, ", \t");
    }
    return false;
}

/* Ends the line at data with a NUL, and returns where the next line begins; NULL: the line is malformed. */
static char *cut_line(char *data, char *end)
{
    char *line = memchr(data, '\r', (size_t)(end - data));
    if (line == NULL || line + 1 == end || line[1] != '\n')
        return NULL;
    *line = '\0';
    for (const char *at = data; at < line; at++)
        if (*at == '\0' || *at == '\n' || *at == 0x7f || ((unsigned char)*at < 0x20 && *at != '\t'))
            return NULL;
    return line + 2;
}

/* Reads "POST /path?query HTTP/1.1". */
static int parse_request_line(struct quern_head *head, char *line)
{
    char *at = line;
    while (quern_http_is_token(*at))
        at++;
    if (at == line || *at != ' ')
        return BAD;
    *at++ = '\0';
    char *path = at;
    while (*at > ' ') /* visible ASCII; what is not is negative or fails the next test */
        at++;
    if (path[0] != '/' || *at != ' ')
        return BAD;
    *at++ = '\0';
    for (const char *c = path; *c != '\0'; c++)
        if ((unsigned char)*c > 0x7e)
            return BAD;
    head->method = line;
    head->path = path;
    char *query = strchr(path, '?');
    head->query = query != NULL ? query + 1 : "";
    if (query != NULL)
        *query = '\0';
    if (strcmp(at, "HTTP/1.1") == 0)
        head->keep_alive = true; /* version 1.0 is never kept */
    else if (strcmp(at, "HTTP/1.0") != 0)
        return BAD;
    return 0;
}

static int parse_field(struct quern_head *head, char *line)
{
    char *colon = line;
    while (quern_http_is_token(*colon)) {
        *colon = lower(*colon);
        colon++;
    }
    if (colon == line || *colon != ':')
        return BAD;
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    char *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    if (head->field_count == QUERN_HEAD_FIELDS)
        return TOO_MANY;
    for (size_t i = 0; i < QUERN_COUNT(single); i++)
        if (strcmp(line, single[i]) == 0 && quern_head_find(head, line) != NULL)
            return BAD;
    head->fields[head->field_count++] = (struct quern_head_field){line, value};
    return 0;
}

static int parse_length(struct quern_head *head, const char *text)
{
    if (text[0] == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return BAD;
    for (; *text != '\0'; text++)
        head->length = head->length * 10 + (uint64_t)(*text - '0');
    head->has_length = true;
    return 0;
}

/* Reads the fields about the message itself: length, coding, connection. */
static int parse_framing(struct quern_head *head)
{
    const char *length = quern_head_find(head, "content-length"), *coding = quern_head_find(head, "transfer-encoding");
    const char *expect = quern_head_find(head, "expect"), *connection = quern_head_find(head, "connection");
    const bool is_old = !head->keep_alive; /* HTTP/1.0 */
    if (!is_old && quern_head_find(head, "host") == NULL)
        return BAD;
    if (coding != NULL && (length != NULL || is_old))
        return BAD;
    if (coding != NULL && !matches(coding, "chunked"))
        return BAD;
    head->chunked = coding != NULL;
    if (expect != NULL && !is_old) {
        if (!matches(expect, "100-continue"))
            return BAD_EXPECTATION;
        head->expects_continue = true;
    }
    if (connection != NULL && has_word(connection, "close"))
        head->keep_alive = false;
    return length != NULL ? parse_length(head, length) : 0;
}

int quern_head_parse(struct quern_head *head, char *data, size_t length)
{
    char *end = data + length, *line = data;
    *head = (struct quern_head){.query = ""};
    char *next = cut_line(line, end);
    int status = next != NULL ? parse_request_line(head, line) : BAD;
    while (status == 0) {
        line = next;
        next = cut_line(line, end);
        if (next == NULL)
            return BAD;
        if (*line == '\0')
            return next == end ? parse_framing(head) : BAD;
        status = parse_field(head, line);
    }
    return status;
}

const char *quern_head_find(const struct quern_head *head, const char *name)
{
    for (int i = 0; i < head->field_count; i++)
        if (strcmp(head->fields[i].name, name) == 0)
            return head->fields[i].value;
    return NULL;
}
