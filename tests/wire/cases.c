/* Sends the requests of a file, and compares the answers with those of the file. tests/conformance/README.md describes
 * the format. */
#include "client.h"
#include "wire.h"

#include <ctype.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sys/socket.h>

#define ANSWER_MS 20000
#define MOST_ANSWERS 4
#define MOST_PATTERNS 16

struct text {
    char *data;
    size_t length;
};

struct expected {
    char status[32];                    /* "200", "4xx", "close", "4xx or close" */
    char *patterns[MOST_PATTERNS];      /* that the body must match; after '!' must not match */
    char *fields[MOST_PATTERNS];        /* "Name: pattern" */
    int pattern_count, field_count;
    bool in_body;
};

struct test_case {
    char name[256];
    struct text raw;         /* sent as it is; empty: the request is made of the fields below */
    struct text line, fields, body;
    bool has_body, in_body;
    struct expected answers[MOST_ANSWERS];
    int answer_count;
};

static char problem[1024];

static bool complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem, sizeof problem, format, arguments);
    va_end(arguments);
    for (char *at = problem; *at; at++) /* TAP has one line for each test */
        *at = (unsigned char)*at < ' ' ? ' ' : *at;
    return false;
}

/* ---------------------------------------------------------------- reading the file */

static void append(struct text *text, const char *data, size_t length)
{
    text->data = realloc(text->data, text->length + length + 1);
    if (!text->data) {
        perror("wire");
        exit(1);
    }
    memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = '\0';
}

/* Replaces \r \n \t \\ \xNN, and \{N:TEXT} by TEXT, N times. Other escapes stay, because JSON has its own. */
static void append_escaped(struct text *text, const char *from, bool all)
{
    append(text, "", 0);
    for (; *from; from++) {
        unsigned byte;
        int used = 0;
        unsigned long count;
        char repeated[64];
        if (sscanf(from, "\\{%lu:%63[^}]}%n", &count, repeated, &used) == 2 && used) {
            for (unsigned long i = 0; i < count; i++)
                append_escaped(text, repeated, all);
            from += used - 1;
        } else if (sscanf(from, "\\x%2x%n", &byte, &used) == 1 && used == 4) {
            append(text, &(char){(char)byte}, 1);
            from += 3;
        } else if (all && *from == '\\' && strchr("rnt\\", from[1])) {
            append(text, &"\r\n\t\\"[strchr("rnt\\", from[1]) - "rnt\\"], 1);
            from++;
        } else {
            append(text, from, 1);
        }
    }
}

static void free_case(struct test_case *test)
{
    free(test->raw.data);
    free(test->line.data);
    free(test->fields.data);
    free(test->body.data);
    for (int i = 0; i < test->answer_count; i++) {
        for (int j = 0; j < test->answers[i].pattern_count; j++)
            free(test->answers[i].patterns[j]);
        for (int j = 0; j < test->answers[i].field_count; j++)
            free(test->answers[i].fields[j]);
    }
    *test = (struct test_case){0};
}

static void take_request_line(struct test_case *test, const char *text)
{
    if (!test->line.data) {
        append_escaped(&test->line, text, false);
    } else if (test->in_body) {
        if (test->has_body)
            append(&test->body, "\n", 1);
        append_escaped(&test->body, text, false);
        test->has_body = true;
    } else if (*text) {
        append_escaped(&test->fields, text, false);
        append(&test->fields, "\r\n", 2);
    } else {
        test->in_body = true;
    }
}

static bool take_answer_line(struct test_case *test, const char *text)
{
    bool begins = isdigit((unsigned char)text[0]) || strncmp(text, "close", 5) == 0;
    struct expected *answer = test->answers + test->answer_count - 1;
    if (begins && (test->answer_count == 0 || !answer->in_body || strlen(text) == 3)) {
        if (test->answer_count == MOST_ANSWERS)
            return complain("too many answers");
        answer = test->answers + test->answer_count++;
        snprintf(answer->status, sizeof answer->status, "%s", text);
        return true;
    }
    if (test->answer_count == 0)
        return complain("an answer begins with its status");
    if (!*text) {
        answer->in_body = true;
        return true;
    }
    int *count = answer->in_body ? &answer->pattern_count : &answer->field_count;
    if (*count == MOST_PATTERNS)
        return complain("too many patterns");
    (answer->in_body ? answer->patterns : answer->fields)[(*count)++] = strdup(text);
    return true;
}

/* ---------------------------------------------------------------- one case */

static bool has_field(const struct text *fields, const char *name)
{
    for (const char *at = fields->data; at && *at; at = strstr(at, "\r\n") ? strstr(at, "\r\n") + 2 : NULL)
        if (strncasecmp(at, name, strlen(name)) == 0)
            return true;
    return false;
}

static struct text whole_request(const struct test_case *test)
{
    struct text all = {0};
    char length[64];
    if (test->raw.data) {
        append(&all, test->raw.data, test->raw.length);
        return all;
    }
    append(&all, test->line.data, test->line.length);
    append(&all, " HTTP/1.1\r\n", 11);
    if (!has_field(&test->fields, "Host:"))
        append(&all, "Host: localhost\r\n", 17);
    if (test->has_body && !has_field(&test->fields, "Content-Type:"))
        append(&all, "Content-Type: application/json\r\n", 32);
    if (test->has_body || strncmp(test->line.data, "POST", 4) == 0) {
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", test->body.length);
        append(&all, length, strlen(length));
    }
    append(&all, test->fields.data ? test->fields.data : "", test->fields.length);
    append(&all, "\r\n", 2);
    append(&all, test->body.data ? test->body.data : "", test->body.length);
    return all;
}

static bool matches(const char *pattern, const char *text)
{
    regex_t compiled;
    bool wanted = pattern[0] != '!';
    if (regcomp(&compiled, pattern + !wanted, REG_EXTENDED | REG_NOSUB) != 0)
        return complain("no regular expression: %s", pattern);
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found == wanted;
}

static bool status_fits(const char *wanted, int status)
{
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    for (int i = 0; i < 3; i++)
        if (wanted[i] != 'x' && wanted[i] != text[i])
            return false;
    return true;
}

static bool check_field(const struct quern_wire_answer *answer, const char *expected)
{
    char name[128], value[4096];
    const char *colon = strchr(expected, ':');
    if (!colon || (size_t)(colon - expected) >= sizeof name)
        return complain("no field: %s", expected);
    snprintf(name, sizeof name, "%.*s", (int)(colon - expected), expected);
    bool present = quern_answer_field(answer, name, value, sizeof value);
    const char *pattern = colon + 1 + strspn(colon + 1, " ");
    if (strcmp(pattern, "none") == 0)
        return !present || complain("%s should not be there: %s", name, value);
    return present ? matches(pattern, value) || complain("%s should be %s: %s", name, pattern, value)
                   : complain("no field %s", name);
}

static bool check_answer(struct quern_wire *wire, const struct expected *expected, const struct test_case *test)
{
    struct quern_wire_answer answer;
    bool is_head = test->line.data && strncmp(test->line.data, "HEAD ", 5) == 0;
    enum quern_outcome outcome = quern_wire_receive(wire, &answer, is_head, ANSWER_MS);
    bool good = true;
    if (outcome != QUERN_ANSWERED)
        good = (outcome == QUERN_CLOSED && strstr(expected->status, "close")) ||
               complain("expected %s, got %s", expected->status,
                        outcome == QUERN_CLOSED ? "a close" : outcome == QUERN_SILENT ? "nothing" : "garbage");
    else if (!status_fits(expected->status, answer.status))
        good = complain("expected %s, got %d: %.300s", expected->status, answer.status, answer.body);
    for (int i = 0; outcome == QUERN_ANSWERED && good && i < expected->field_count; i++)
        good = check_field(&answer, expected->fields[i]);
    for (int i = 0; outcome == QUERN_ANSWERED && good && i < expected->pattern_count; i++)
        good = matches(expected->patterns[i], answer.body) ||
               complain("%d, but the body should match %s: %.500s", answer.status, expected->patterns[i], answer.body);
    quern_wire_answer_free(&answer);
    return good;
}

static bool run_case(const char *address, const struct test_case *test)
{
    struct quern_wire wire;
    if (!test->raw.data && !test->line.data)
        return complain("the case has no request");
    if (test->answer_count == 0)
        return complain("the case has no answer");
    if (!quern_wire_open(&wire, address))
        return complain("nobody listens at %s", address);
    struct text request = whole_request(test);
    quern_wire_send(&wire, request.data, request.length, ANSWER_MS); /* a server may refuse before it has read all */
    free(request.data);
    if (strstr(test->answers[test->answer_count - 1].status, "close"))
        shutdown(wire.fd, SHUT_WR);
    bool good = true;
    for (int i = 0; good && i < test->answer_count; i++)
        good = check_answer(&wire, &test->answers[i], test);
    if (good && quern_wire_has_surplus(&wire))
        good = complain("more came than was asked for: %.200s", wire.data ? wire.data : "");
    quern_wire_close(&wire);
    return good;
}

/* ---------------------------------------------------------------- all */

static int number, failures;

static void finish_case(const char *address, const char *file, struct test_case *test)
{
    if (!test->name[0])
        return;
    problem[0] = '\0';
    bool good = run_case(address, test);
    printf("%s %d - %s: %s\n", good ? "ok" : "not ok", ++number, file, test->name);
    if (!good)
        printf("# %s\n", problem);
    fflush(stdout);
    failures += !good;
    free_case(test);
}

/* Reads one line of a file. False: it is not of the four kinds. */
static bool take_line(const char *address, const char *file, struct test_case *test, const char *line)
{
    const char *rest = line + strspn(line, "<>");
    rest += *rest == ' ';
    if (strncmp(line, "## ", 3) == 0) {
        finish_case(address, file, test);
        snprintf(test->name, sizeof test->name, "%s", line + 3);
    } else if (strncmp(line, ">>", 2) == 0) {
        append_escaped(&test->raw, rest, true);
    } else if (line[0] == '>') {
        take_request_line(test, rest);
    } else if (line[0] == '<') {
        return take_answer_line(test, rest);
    } else {
        return line[0] == '\0' || line[0] == '#' || complain("not understood");
    }
    return true;
}

static bool run_file(const char *address, const char *path)
{
    FILE *in = fopen(path, "r");
    const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    struct test_case test = {0};
    char *line = NULL;
    size_t capacity = 0;
    bool good = in || complain("cannot be read");
    for (int at = 1; good && getline(&line, &capacity, in) >= 0; at++) {
        line[strcspn(line, "\n")] = '\0';
        good = take_line(address, file, &test, line);
        if (!good)
            fprintf(stderr, "line %d: ", at);
    }
    if (good)
        finish_case(address, file, &test);
    else
        fprintf(stderr, "%s: %s\n", path, problem);
    free_case(&test);
    free(line);
    if (in)
        fclose(in);
    return good;
}

int quern_wire_cases(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    for (int i = 2; i < argc; i++)
        if (!run_file(argv[1], argv[i]))
            return 1;
    printf("1..%d\n", number);
    return failures > 0;
}
