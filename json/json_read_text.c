/* The texts of a reader: names and values. */
#include "json_parts.h"
#include "json_text.h"

#include "base/utf8.h"

#include <string.h>

bool quern_json_begin_text(struct quern_json_reader *reader, bool is_name)
{
    reader->text_start = reader->at++;
    reader->text = reader->data + reader->at;
    reader->text_length = 0;
    reader->text_is_name = is_name;
    reader->text_bad = 0;
    reader->state = QUERN_JSON_AT_TEXT;
    return true;
}

static void put_byte(struct quern_json_reader *reader, char c)
{
    reader->text[reader->text_length++] = c;
}

static void put_code(struct quern_json_reader *reader, unsigned code)
{
    reader->text_length += quern_utf8_write((unsigned char *)reader->text + reader->text_length, code);
}

/* The code of four hexadecimal digits behind "\u" at this place; -1: they are not there. */
static int read_unit(const struct quern_json_reader *reader, size_t at)
{
    static const char digits[] = "0123456789abcdef";
    int unit = 0;
    if (reader->length - at < 6 || reader->data[at] != '\\' || reader->data[at + 1] != 'u')
        return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        const char c = reader->data[i];
        const char *digit = memchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c, 16);
        if (digit == NULL)
            return -1;
        unit = 16 * unit + (int)(digit - digits);
    }
    return unit;
}

static bool read_escape(struct quern_json_reader *reader)
{
    static const char escapes[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    if (reader->length - reader->at < 2)
        return quern_json_fail_at(reader, QUERN_JSON_WRONG, reader->text_start, "a string is not closed");
    const char c = reader->data[reader->at + 1], *escape = memchr(escapes, c, sizeof escapes - 1);
    if (escape != NULL) {
        put_byte(reader, bytes[escape - escapes]);
        reader->at += 2;
        return true;
    }
    if (c != 'u')
        return quern_json_fail(reader, "there is no such escape in JSON; a backslash itself is written twice");
    const int unit = read_unit(reader, reader->at);
    const int low = unit >= 0xd800 && unit < 0xdc00 ? read_unit(reader, reader->at + 6) : -1;
    if (unit < 0)
        return quern_json_fail(reader, "behind \\u there must be four hexadecimal digits");
    if (low >= 0xdc00 && low < 0xe000) {
        put_code(reader, 0x10000u + ((unsigned)unit - 0xd800) * 1024 + ((unsigned)low - 0xdc00));
        reader->at += 12;
        return true;
    }
    put_code(reader, unit >= 0xd800 && unit < 0xe000 ? 0xfffd : (unsigned)unit);
    reader->at += 6;
    return true;
}

static bool keep_text(struct quern_json_reader *reader)
{
    const uint32_t length = (uint32_t)reader->text_length;
    struct quern_value *kept;
    put_byte(reader, '\0');
    reader->state = QUERN_JSON_AT_AFTER;
    return quern_json_keep(
        reader, (struct quern_value){.kind = QUERN_VALUE_TEXT, .count = length, .is.text = reader->text}, &kept);
}

/* Goes to another place with what is left of the slice. */
static void go_to(struct quern_json_reader *reader, size_t at)
{
    const size_t left = reader->limit > reader->at ? reader->limit - reader->at : 0;
    reader->at = at;
    reader->limit = left < reader->length - at ? at + left : reader->length;
}

/* U+FFFD is longer than the byte that it replaces. So the text, which lies in the data without its escapes, is read
 * once more, and written to memory of its own. */
static bool begin_replacing(struct quern_json_reader *reader)
{
    char *text = quern_json_take(reader, reader->text_length + 2 * reader->text_bad + 1);
    if (text == NULL)
        return false;
    reader->text_end = reader->at;
    go_to(reader, (size_t)(reader->text - reader->data));
    reader->replaced_end = reader->at + reader->text_length;
    reader->text = text;
    reader->text_length = 0;
    reader->state = QUERN_JSON_AT_REPLACING;
    return true;
}

bool quern_json_read_replaced(struct quern_json_reader *reader)
{
    while (reader->at < reader->limit && reader->at < reader->replaced_end) {
        const size_t size = quern_json_character(reader->data + reader->at, reader->replaced_end - reader->at);
        if (size == 0)
            put_code(reader, 0xfffd);
        for (size_t i = 0; i < size; i++)
            put_byte(reader, reader->data[reader->at + i]);
        reader->at += size > 0 ? size : 1;
    }
    if (reader->at < reader->replaced_end)
        return true;
    go_to(reader, reader->text_end);
    return keep_text(reader);
}

static bool end_text(struct quern_json_reader *reader)
{
    reader->at++;
    if (reader->text_is_name)
        return quern_json_begin_member(reader, (quern_text){reader->text, reader->text_length});
    return reader->text_bad > 0 && quern_json_top(reader)->place != NULL ? begin_replacing(reader) : keep_text(reader);
}

/* Reads one character of a text, or its end. */
static bool read_character(struct quern_json_reader *reader)
{
    const unsigned char c = (unsigned char)reader->data[reader->at];
    if (c == '"')
        return end_text(reader);
    if (c == '\\')
        return read_escape(reader);
    if (c < 0x20)
        return quern_json_fail(reader, c == '\n' || c == '\r'
                                ? "a line break in a string must be written as \\n, or the string is not closed"
                                : "a control character in a string must be written as an escape");
    const size_t size = quern_json_character(reader->data + reader->at, reader->length - reader->at);
    if (size == 0 && !reader->options.replaces)
        return quern_json_fail_at(reader, QUERN_JSON_BYTES, reader->at, "a byte is not UTF-8");
    reader->text_bad += size == 0;
    put_byte(reader, (char)c);
    for (size_t i = 1; i < size; i++)
        put_byte(reader, reader->data[reader->at + i]);
    reader->at += size > 0 ? size : 1;
    return true;
}

bool quern_json_read_text(struct quern_json_reader *reader)
{
    while (reader->state == QUERN_JSON_AT_TEXT && reader->at < reader->limit) {
        const unsigned char c = (unsigned char)reader->data[reader->at];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            put_byte(reader, (char)c);
            reader->at++;
        } else if (!read_character(reader)) {
            return false;
        }
    }
    return true;
}
