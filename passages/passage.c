#include "passage.h"

#include <stdio.h>
#include <string.h>

quern_text quern_passage_title(char out[QUERN_PASSAGE_TITLE], quern_text title)
{
    size_t length = title.length < QUERN_PASSAGE_TITLE ? title.length : QUERN_PASSAGE_TITLE;
    if (length < title.length) /* no part of a character of UTF-8 */
        while (length > 0 && ((unsigned char)title.data[length] & 0xc0) == 0x80)
            length--;
    for (size_t i = 0; i < length; i++)
        out[i] = (unsigned char)title.data[i] < ' ' || title.data[i] == 0x7f ? ' ' : title.data[i];
    return (quern_text){out, length};
}

size_t quern_passage_put_line(char out[QUERN_PASSAGE_LINE], const struct quern_passage *passage)
{
    size_t length = (size_t)sprintf(out, "%llu %llu %llu %llu ", (unsigned long long)passage->line,
                                    (unsigned long long)passage->last_line, (unsigned long long)passage->begin,
                                    (unsigned long long)passage->end);
    length += quern_passage_title(out + length, passage->title).length;
    out[length++] = '\n';
    return length;
}

/* Reads a number and the space behind it. */
static bool read_number(quern_text text, size_t *at, uint64_t *number)
{
    const size_t first = *at;
    *number = 0;
    for (; *at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at) {
        const uint64_t digit = (uint64_t)(text.data[*at] - '0');
        if (*number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return *at > first && *at < text.length && text.data[(*at)++] == ' ';
}

bool quern_passage_read(struct quern_passage *passage, quern_text payload)
{
    struct quern_passage read = {.line = 0};
    const size_t most = payload.length < QUERN_PASSAGE_LINE ? payload.length : QUERN_PASSAGE_LINE;
    const char *newline = most > 0 ? memchr(payload.data, '\n', most) : NULL;
    const quern_text line = {payload.data, newline != NULL ? (size_t)(newline - payload.data) : 0};
    size_t at = 0;
    *passage = (struct quern_passage){.text = payload};
    if (newline == NULL || !read_number(line, &at, &read.line) || !read_number(line, &at, &read.last_line) ||
        !read_number(line, &at, &read.begin) || !read_number(line, &at, &read.end))
        return false;
    read.title = (quern_text){line.data + at, line.length - at};
    read.text = (quern_text){newline + 1, payload.length - line.length - 1};
    *passage = read;
    return true;
}

size_t quern_passage_put_name(char *out, quern_text path, uint64_t number)
{
    memcpy(out, path.data, path.length);
    return path.length + (size_t)sprintf(out + path.length, "#%llu", (unsigned long long)number);
}

quern_text quern_passage_path(quern_text name)
{
    size_t digits = 0;
    while (digits < name.length && name.data[name.length - 1 - digits] >= '0' &&
           name.data[name.length - 1 - digits] <= '9')
        digits++;
    if (digits == 0 || digits + 2 > name.length || name.data[name.length - 1 - digits] != '#')
        return name;
    return (quern_text){name.data, name.length - digits - 1};
}
