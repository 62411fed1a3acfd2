#include "ignore_rules.h"

#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CLASS = 16 }; /* bytes of a name such as alpha, with what closes it */

struct quern_ignore_rule {
    const char *pattern;   /* without marks at its ends */
    bool is_exception;     /* it began with ! */
    bool is_for_folders;   /* it ended with a slash */
    bool is_for_any_level; /* it has no slash: it matches names, not paths */
};

/* ---------------------------------------------------------------- patterns */

struct bracket {
    const char *end; /* behind the bracket; NULL: it is not closed, and matches nothing */
    bool matches;
};

static bool is_between(char c, char first, char last)
{
    return (unsigned char)c >= (unsigned char)first && (unsigned char)c <= (unsigned char)last;
}

/* Whether a character is in a class such as alpha, which has `length` bytes. *is_class: whether there is such a one. */
static bool is_in_class(char c, const char *name, size_t length, bool *is_class)
{
    static const char *const names[] = {"alnum", "alpha", "blank", "cntrl", "digit", "graph",
                                        "lower", "print", "punct", "space", "upper", "xdigit", NULL};
    const bool lower = is_between(c, 'a', 'z'), upper = is_between(c, 'A', 'Z'), digit = is_between(c, '0', '9');
    const bool graph = is_between(c, '!', '~');
    const bool is_in[] = {lower || upper || digit, lower || upper, c == ' ' || c == '\t',
                          is_between(c, '\0', '\x1f') || c == '\x7f', digit, graph,
                          lower, graph || c == ' ', graph && !(lower || upper || digit),
                          c == ' ' || is_between(c, '\t', '\r'), upper,
                          digit || is_between(c, 'a', 'f') || is_between(c, 'A', 'F')};
    for (size_t i = 0; names[i] != NULL; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
            *is_class = true;
            return is_in[i];
        }
    *is_class = false;
    return false;
}

/* A character of a bracket, which may be escaped; moves behind it. NUL: the pattern ends. */
static char bracket_character(const char **at)
{
    if (**at == '\\')
        (*at)++;
    return **at == '\0' ? '\0' : *(*at)++;
}

/* Reads an element of a bracket: a class, a range or a character. Returns whether c is in it; *at becomes NULL when the
 * bracket is none. */
static bool match_element(const char **at, char c)
{
    const char *close = strncmp(*at, "[:", 2) == 0 ? memchr(*at + 2, ']', strnlen(*at + 2, MOST_CLASS)) : NULL;
    if (close != NULL && close[-1] == ':' && close > *at + 2) {
        bool is_class;
        const bool matches = is_in_class(c, *at + 2, (size_t)(close - 1 - (*at + 2)), &is_class);
        *at = is_class ? close + 1 : NULL;
        return matches;
    }
    const char first = bracket_character(at);
    char last = first;
    if (first != '\0' && (*at)[0] == '-' && (*at)[1] != ']') {
        (*at)++;
        last = bracket_character(at);
    }
    if (last == '\0')
        *at = NULL;
    return last != '\0' && is_between(c, first, last);
}

/* Matches a character with the bracket whose inside begins at `at`. */
static struct bracket match_bracket(const char *at, char c)
{
    const bool is_inverse = *at == '!' || *at == '^';
    bool matches = false;
    at += is_inverse;
    do /* a ] at the beginning is a character */
        matches |= match_element(&at, c);
    while (at != NULL && *at != ']');
    return (struct bracket){at == NULL ? NULL : at + 1, matches != is_inverse && c != '/'};
}

/* Matches a character with what stands at `at`, which is no star. Returns where the pattern goes on; NULL: it does not
 * match. */
static const char *match_one(const char *at, char c)
{
    if (*at == '?')
        return c != '/' ? at + 1 : NULL;
    if (*at == '[') {
        const struct bracket bracket = match_bracket(at + 1, c);
        return bracket.end != NULL && bracket.matches ? bracket.end : NULL;
    }
    if (*at == '\\')
        at++; /* at the end of a pattern it matches nothing */
    return *at == c ? at + 1 : NULL;
}

/* Where a pattern begins for stars: git compares what stands before its first special character by itself. So two stars
 * and a slash behind it match any number of folders, as they do at the beginning. */
static const char *begin_of_stars(const char *pattern)
{
    return strchr(pattern, '/') != NULL ? pattern + strcspn(pattern, "*?[\\") : pattern;
}

/* Where the stars at `at` end, if there are two or more alone between slashes or ends, so that they match any number of
 * folders; else NULL. begin: of the pattern, for stars. */
static const char *end_of_stars(const char *begin, const char *at)
{
    const size_t count = at == begin || (at > begin && at[-1] == '/') ? strspn(at, "*") : 0;
    return count >= 2 && (at[count] == '/' || at[count] == '\0') ? at + count : NULL;
}

/* Whether a pattern matches all of a path. When something does not match, the last star takes one more character. A
 * star takes no slash; when that would be needed, the last two stars take one more folder. Earlier stars need not be
 * tried again: they have taken the least, so that all which could follow was possible. */
static bool matches(const char *pattern, const char *path)
{
    const char *at = pattern, *begin = begin_of_stars(pattern);
    const char *star = NULL, *taken = NULL;    /* behind the star; what follows what it has taken */
    const char *stars = NULL, *skipped = NULL; /* the same of two stars and their slash */
    while (*path != '\0' || *at != '\0') {
        const char *end = end_of_stars(begin, at);
        if (end != NULL) {
            if (*end == '\0')
                return *path != '\0' || (at > pattern && at[-1] != '/');
            stars = at = end + 1;
            skipped = path;
            star = NULL;
            continue;
        }
        if (*at == '*') {
            star = ++at;
            taken = path;
            continue;
        }
        const char *next = *path != '\0' && *at != '\0' ? match_one(at, *path) : NULL;
        if (next != NULL) {
            at = next;
            path++;
        } else if (star != NULL && *taken != '\0' && *taken != '/') {
            at = star;
            path = ++taken;
        } else if (stars != NULL && (skipped = strchr(skipped, '/')) != NULL) {
            at = stars;
            path = ++skipped;
            star = NULL;
        } else {
            return false;
        }
    }
    return true;
}

/* ---------------------------------------------------------------- rules */

/* The length of a line without the spaces at its end, unless they are escaped. */
static size_t without_spaces(const char *line, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length; i++)
        if (line[i] == '\\' && i + 1 < length)
            kept = ++i + 1;
        else if (line[i] != ' ')
            kept = i + 1;
    return kept;
}

/* Takes a line, which is copied to `to`. Returns how many bytes of that are used. */
static size_t take_line(struct quern_ignore_rules *rules, const char *line, size_t length, char *to)
{
    struct quern_ignore_rule rule = {.pattern = to};
    length = strnlen(line, length); /* git's lines end at a NUL */
    if (length == 0 || line[0] == '#')
        return 0;
    length = without_spaces(line, length);
    rule.is_exception = length > 0 && line[0] == '!';
    line += rule.is_exception;
    length -= rule.is_exception;
    rule.is_for_folders = length > 0 && line[length - 1] == '/';
    length -= rule.is_for_folders;
    rule.is_for_any_level = memchr(line, '/', length) == NULL;
    if (length > 0 && line[0] == '/') {
        line++;
        length--;
    }
    if (length == 0 || length > QUERN_IGNORE_MOST_PATTERN)
        return 0;
    memcpy(to, line, length);
    to[length] = '\0';
    rules->rules[rules->count++] = rule;
    return length + 1;
}

int quern_ignore_rules_read(struct quern_ignore_rules *rules, quern_text text, quern_error *error)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'}; /* of UTF-8 */
    size_t lines = 1, used = 0, at = 0;
    *rules = (struct quern_ignore_rules){.count = 0};
    for (size_t i = 0; i < text.length; i++)
        lines += text.data[i] == '\n';
    rules->patterns = malloc(text.length + lines);
    rules->rules = calloc(lines, sizeof *rules->rules);
    if (rules->patterns == NULL || rules->rules == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the rules of .gitignore");
    if (text.length >= sizeof mark && memcmp(text.data, mark, sizeof mark) == 0)
        at = sizeof mark;
    while (at < text.length) {
        const char *line = text.data + at, *newline = memchr(line, '\n', text.length - at);
        size_t length = newline != NULL ? (size_t)(newline - line) : text.length - at;
        at += length + 1;
        if (length > 0 && line[length - 1] == '\r')
            length--;
        used += take_line(rules, line, length, rules->patterns + used);
    }
    return QUERN_OK;
}

enum quern_ignore_verdict quern_ignore_rules_verdict(const struct quern_ignore_rules *rules, const char *path,
                                                     bool is_folder)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    for (size_t i = rules->count; i-- > 0;) {
        const struct quern_ignore_rule *rule = &rules->rules[i];
        if ((is_folder || !rule->is_for_folders) && matches(rule->pattern, rule->is_for_any_level ? name : path))
            return rule->is_exception ? QUERN_IGNORE_TAKEN : QUERN_IGNORE_LEFT_OUT;
    }
    return QUERN_IGNORE_SILENT;
}

void quern_ignore_rules_free(struct quern_ignore_rules *rules)
{
    free(rules->patterns);
    free(rules->rules);
    *rules = (struct quern_ignore_rules){.count = 0};
}
