#include "sections.h"

#include <string.h>
#include <strings.h>

enum { TITLE_BYTES = 4096 }; /* bytes in which a title is looked for */

static size_t line_end(quern_text text, size_t at)
{
    const char *newline = at < text.length ? memchr(text.data + at, '\n', text.length - at) : NULL;
    return newline != NULL ? (size_t)(newline - text.data) + 1 : text.length;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_blank(quern_text text, size_t begin, size_t end)
{
    while (begin < end && is_space(text.data[begin]))
        begin++;
    return begin == end;
}

static bool begins_with(quern_text text, size_t at, const char *word)
{
    const size_t length = strlen(word);
    return text.length - at >= length && memcmp(text.data + at, word, length) == 0;
}

static bool is_heading(quern_text text, size_t at)
{
    size_t marks = 0;
    while (at + marks < text.length && text.data[at + marks] == '#')
        marks++;
    return marks > 0 && marks <= 6 && at + marks < text.length && is_space(text.data[at + marks]);
}

bool quern_is_markdown(const char *path)
{
    static const char *const endings[] = {".md", ".markdown", ".md.gz", ".md.zst", NULL};
    const size_t length = strlen(path);
    for (const char *const *ending = endings; *ending != NULL; ending++)
        if (length > strlen(*ending) && strcasecmp(path + length - strlen(*ending), *ending) == 0)
            return true;
    return false;
}

size_t quern_section_end(quern_text text, size_t at, bool is_markdown)
{
    bool in_code = false, after_blank = false, has_body = false;
    for (size_t line = at, next; line < text.length; line = next) {
        next = line_end(text, line);
        const bool blank = is_blank(text, line, next), heading = is_markdown && !in_code && is_heading(text, line);
        if (heading && has_body)
            return line;
        if (!is_markdown && after_blank && has_body && !is_space(text.data[line]))
            return line;
        in_code ^= begins_with(text, line, "```") || begins_with(text, line, "~~~");
        has_body |= !blank && !heading;
        after_blank = blank;
    }
    return text.length;
}

/* Whether a sentence ends before a line that begins at `at`. */
static bool begins_new(quern_text text, size_t at)
{
    return at == text.length || is_space(text.data[at]) || strchr("-*+#|>`", text.data[at]) != NULL ||
           (text.data[at] >= '0' && text.data[at] <= '9');
}

size_t quern_sentence_end(quern_text text, size_t at)
{
    bool has_text = false;
    for (size_t i = at; i < text.length; i++) {
        const char c = text.data[i];
        if (c == '\n' && has_text && begins_new(text, i + 1))
            return i + 1;
        if ((c == '.' || c == '!' || c == '?') && i + 1 < text.length && is_space(text.data[i + 1]) && has_text)
            return i + 1;
        if (begins_with(text, i, "\xe3\x80\x82") || begins_with(text, i, "\xef\xbc\x81") || /* the marks for . ! ? */
            begins_with(text, i, "\xef\xbc\x9f"))
            return i + 3;
        has_text |= !is_space(c);
    }
    return text.length;
}

/* ---------------------------------------------------------------- titles */

/* The part of a line without the white space and the quotes around it. */
static quern_text trim(const char *begin, const char *end)
{
    while (begin < end && (is_space(*begin) || *begin == '"' || *begin == '\''))
        begin++;
    while (begin < end && (is_space(end[-1]) || end[-1] == '"' || end[-1] == '\''))
        end--;
    return (quern_text){begin, (size_t)(end - begin)};
}

/* The title of a Markdown text; length 0: it has none. */
static quern_text find_title(quern_text text)
{
    const bool has_matter = begins_with(text, 0, "---\n") || begins_with(text, 0, "---\r\n");
    bool in_matter = has_matter, in_code = false;
    size_t next = has_matter ? line_end(text, 0) : 0;
    for (size_t line = next; line < text.length && line < TITLE_BYTES; line = next) {
        next = line_end(text, line);
        const char *begin = text.data + line, *end = text.data + next;
        if (in_matter && begins_with(text, line, "---"))
            in_matter = false;
        else if (in_matter && begins_with(text, line, "title:"))
            return trim(begin + 6, end);
        else if (begins_with(text, line, "```") || begins_with(text, line, "~~~"))
            in_code = !in_code;
        else if (!in_matter && !in_code && is_heading(text, line)) {
            while (begin < end && *begin == '#')
                begin++;
            while (end > begin && (end[-1] == '#' || is_space(end[-1])))
                end--;
            return trim(begin, end);
        }
    }
    return (quern_text){NULL, 0};
}

quern_text quern_document_title(quern_text text, const char *path, bool is_markdown)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const quern_text title = is_markdown ? find_title(text) : (quern_text){NULL, 0};
    return title.length > 0 ? title : (quern_text){name, strlen(name)};
}
