#include "http.h"

#include "array_count.h"

#include <string.h>

enum { BAD = 400, BAD_EXPECTATION = 417, TOO_MANY = 431, BAD_CODING = 501, BAD_VERSION = 505 };

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

/* Splits "http://name/path" into name, which moves to the left for its NUL, and path. */
static int split_url(char *url, char **name, char **path)
{
    char *at = strstr(url, "://");
    if (at == NULL)
        return BAD;
    *at = '\0';
    const bool is_http = matches(url, "http") || matches(url, "https");
    const size_t length = strcspn(at + 3, "/?");
    *name = memmove(at + 2, at + 3, length);
    *path = at + 3 + length;
    (*name)[length] = '\0';
    return is_http && length > 0 ? 0 : BAD;
}

/* Reads a target: "/path?query", "http://name/path?query", or the "*" of OPTIONS. name: NULL, or the name in it. */
static int parse_target(struct quern_head *head, char *target, char **name)
{
    char *path = target;
    for (const char *c = target; *c != '\0'; c++)
        if ((unsigned char)*c > 0x7e)
            return BAD;
    const bool is_star = strcmp(target, "*") == 0 && strcmp(head->method, "OPTIONS") == 0;
    if (target[0] != '/' && !is_star && split_url(target, name, &path) != 0)
        return BAD;
    char *query = strchr(path, '?');
    head->query = query != NULL ? query + 1 : "";
    if (query != NULL)
        *query = '\0';
    head->path = path[0] != '\0' ? path : "/";
    return 0;
}

/* A later version 1.x is read as 1.1, as it must be. */
static int parse_version(struct quern_head *head, const char *text)
{
    static const char digits[] = "0123456789";
    if (strncmp(text, "HTTP/", 5) != 0 || strlen(text) != 8 || text[6] != '.' || strchr(digits, text[5]) == NULL ||
        strchr(digits, text[7]) == NULL)
        return BAD;
    head->is_old = text[7] == '0';
    return text[5] == '1' ? 0 : BAD_VERSION;
}

/* Reads "POST /path?query HTTP/1.1". */
static int parse_request_line(struct quern_head *head, char *line, char **name)
{
    char *at = line;
    while (quern_http_is_token(*at))
        at++;
    if (at == line || *at != ' ')
        return BAD;
    *at++ = '\0';
    char *target = at;
    while (*at > ' ') /* visible ASCII; what is not is negative or fails the next test */
        at++;
    if (at == target || *at != ' ')
        return BAD;
    *at++ = '\0';
    head->method = line;
    const int status = parse_version(head, at);
    return status != 0 ? status : parse_target(head, target, name);
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

/* Whether one of the fields Connection has a word. */
static bool wants_connection(const struct quern_head *head, const char *word)
{
    for (int i = 0; i < head->field_count; i++)
        if (strcmp(head->fields[i].name, "connection") == 0 && has_word(head->fields[i].value, word))
            return true;
    return false;
}

/* Checks the field Host, and gives it the name of the target, if there is one: it counts more. */
static int parse_host(struct quern_head *head, const char *name)
{
    int i = 0;
    while (i < head->field_count && strcmp(head->fields[i].name, "host") != 0)
        i++;
    const bool is_there = i < head->field_count;
    if (!is_there && !head->is_old)
        return BAD;
    if (name != NULL && i < QUERN_HEAD_FIELDS) {
        head->fields[i] = (struct quern_head_field){"host", name};
        head->field_count += !is_there;
    }
    const char *host = quern_head_find(head, "host");
    return host == NULL || strpbrk(host, " \t/@,\\?#\"<>") == NULL ? 0 : BAD;
}

/* Reads the fields about the message itself: length, coding, connection. */
static int parse_framing(struct quern_head *head)
{
    const char *length = quern_head_find(head, "content-length"), *coding = quern_head_find(head, "transfer-encoding");
    const char *expect = quern_head_find(head, "expect");
    if (coding != NULL && (length != NULL || head->is_old))
        return BAD;
    if (coding != NULL && !matches(coding, "chunked"))
        return BAD_CODING;
    head->chunked = coding != NULL;
    if (expect != NULL && !head->is_old) {
        if (!matches(expect, "100-continue"))
            return BAD_EXPECTATION;
        head->expects_continue = true;
    }
    head->keep_alive = !wants_connection(head, "close") && (!head->is_old || wants_connection(head, "keep-alive"));
    return length != NULL ? parse_length(head, length) : 0;
}

int quern_head_parse(struct quern_head *head, char *data, size_t length)
{
    char *end = data + length, *line = data, *name = NULL;
    *head = (struct quern_head){.query = ""};
    char *next = cut_line(line, end);
    int status = next != NULL ? parse_request_line(head, line, &name) : BAD;
    while (status == 0) {
        line = next;
        next = cut_line(line, end);
        if (next == NULL)
            return BAD;
        if (*line == '\0')
            break;
        status = parse_field(head, line);
    }
    if (status == 0)
        status = next == end ? parse_host(head, name) : BAD;
    return status == 0 ? parse_framing(head) : status;
}

const char *quern_head_find(const struct quern_head *head, const char *name)
{
    for (int i = 0; i < head->field_count; i++)
        if (strcmp(head->fields[i].name, name) == 0)
            return head->fields[i].value;
    return NULL;
}
