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

static const char first_line[] = "the first line must be a method, a target and a version, with a space between two",
                  not_ascii[] = "the target has a byte that is not ASCII: write it as %XX";

static int refuse(struct quern_head *head, const char *problem)
{
    head->problem = problem;
    return BAD;
}

/* Ends the line at *next with a NUL, and moves *next to where the next line begins. */
static int cut_line(struct quern_head *head, char **next, char *end)
{
    char *data = *next, *line = memchr(data, '\r', (size_t)(end - data));
    if (line == NULL || line + 1 == end || line[1] != '\n')
        return refuse(head, "a line has a CR or an LF that is not its end");
    *line = '\0';
    for (const char *at = data; at < line; at++)
        if (*at == '\0' || *at == '\n' || *at == 0x7f || ((unsigned char)*at < 0x20 && *at != '\t'))
            return refuse(head, *at == '\n' ? "a line must end with CR LF, and ends with LF alone"
                                            : "a line has a control character");
    *next = line + 2;
    return 0;
}

/* Splits "http://name/path" into name, which moves to the left for its NUL, and path. */
static int split_url(struct quern_head *head, char *url, char **name, char **path)
{
    char *at = strstr(url, "://");
    if (at == NULL)
        return refuse(head, "the target must be a path that begins with /, or a whole URL");
    *at = '\0';
    const bool is_http = matches(url, "http") || matches(url, "https");
    const size_t length = strcspn(at + 3, "/?");
    *name = memmove(at + 2, at + 3, length);
    *path = at + 3 + length;
    (*name)[length] = '\0';
    return is_http && length > 0 ? 0 : refuse(head, "a URL as target must begin with http:// or https:// and a name");
}

/* Reads a target: "/path?query", "http://name/path?query", or the "*" of OPTIONS, which proxies are sent as a URL
 * without path and query. name: NULL, or the name in it. */
static int parse_target(struct quern_head *head, char *target, char **name)
{
    char *path = target;
    for (const char *c = target; *c != '\0'; c++)
        if ((unsigned char)*c > 0x7e)
            return refuse(head, not_ascii);
    const bool is_star = strcmp(target, "*") == 0;
    if (strcmp(head->method, "CONNECT") == 0)
        return refuse(head, "CONNECT is for proxies, and this server is none");
    if (is_star && strcmp(head->method, "OPTIONS") != 0)
        return refuse(head, "the target * is for OPTIONS alone: name a path");
    if (target[0] != '/' && !is_star && split_url(head, target, name, &path) != 0)
        return BAD;
    char *query = strchr(path, '?');
    head->query = query != NULL ? query + 1 : "";
    if (query != NULL)
        *query = '\0';
    const char *whole = query == NULL && strcmp(head->method, "OPTIONS") == 0 ? "*" : "/";
    head->path = path[0] != '\0' ? path : whole;
    return 0;
}

/* A later version 1.x is read as 1.1, as it must be. */
static int parse_version(struct quern_head *head, const char *text)
{
    static const char digits[] = "0123456789";
    if (strncmp(text, "HTTP/", 5) != 0 || strlen(text) != 8 || text[6] != '.' || strchr(digits, text[5]) == NULL ||
        strchr(digits, text[7]) == NULL)
        return refuse(head, "the first line must end with a version, such as HTTP/1.1");
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
        return refuse(head, first_line);
    *at++ = '\0';
    char *target = at;
    while (*at > ' ') /* visible ASCII; what is not is negative or fails the next test */
        at++;
    if (at == target || *at != ' ')
        return refuse(head, (unsigned char)*at > 0x7e ? not_ascii : first_line);
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
    if (line[0] == ' ' || line[0] == '\t')
        return refuse(head, "a field is continued on the next line: write it on one");
    if (colon == line || *colon != ':')
        return refuse(head, "a field must be a name and a colon, without a space between them");
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    char *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    if (head->field_count == QUERN_HEAD_FIELDS)
        return TOO_MANY;
    for (size_t i = 0; i < QUERN_COUNT(single); i++)
        if (strcmp(line, single[i]) == 0 && quern_head_find(head, line) != NULL)
            return refuse(head, "a field that may come only once comes twice, such as Host or Content-Length");
    head->fields[head->field_count++] = (struct quern_head_field){line, value};
    return 0;
}

static int parse_length(struct quern_head *head, const char *text)
{
    if (text[0] == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return refuse(head, "Content-Length must be a number of at most 18 digits");
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
        return refuse(head, "the field Host is missing");
    if (name != NULL && i < QUERN_HEAD_FIELDS) {
        head->fields[i] = (struct quern_head_field){"host", name};
        head->field_count += !is_there;
    }
    const char *host = quern_head_find(head, "host");
    if (host != NULL && strpbrk(host, " \t/@,\\?#\"<>") != NULL)
        return refuse(head, "Host must be one name or address, with a port or without");
    return 0;
}

/* Reads the fields about the message itself: length, coding, connection. */
static int parse_framing(struct quern_head *head)
{
    const char *length = quern_head_find(head, "content-length"), *coding = quern_head_find(head, "transfer-encoding");
    const char *expect = quern_head_find(head, "expect");
    if (coding != NULL && length != NULL)
        return refuse(head, "it has both Content-Length and Transfer-Encoding: send one of them");
    if (coding != NULL && head->is_old)
        return refuse(head, "HTTP/1.0 has no Transfer-Encoding: send Content-Length");
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
    char *next = data;
    int status = cut_line(head, &next, end);
    if (status == 0)
        status = parse_request_line(head, line, &name);
    while (status == 0) {
        line = next;
        status = cut_line(head, &next, end);
        if (*line == '\0')
            break;
        if (status == 0)
            status = parse_field(head, line);
    }
    if (status == 0 && next != end)
        status = refuse(head, "it has bytes behind its end");
    if (status == 0)
        status = parse_host(head, name);
    return status == 0 ? parse_framing(head) : status;
}

const char *quern_head_find(const struct quern_head *head, const char *name)
{
    for (int i = 0; i < head->field_count; i++)
        if (strcmp(head->fields[i].name, name) == 0)
            return head->fields[i].value;
    return NULL;
}
