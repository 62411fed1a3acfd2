#include "json_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the reader is in a number: behind which part of it. */
enum number_state { MINUS, ZERO, DIGITS, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS };

/* ---------------------------------------------------------------- values */

static bool begin_level(struct quern_json_reader *reader, bool is_object)
{
    struct quern_value *value, empty = {.kind = is_object ? QUERN_VALUE_OBJECT : QUERN_VALUE_ARRAY};
    if (reader->depth == QUERN_JSON_DEPTH)
        return quern_json_fail_at(reader, QUERN_JSON_LIMIT, reader->at, "it is nested deeper than 64 levels");
    if (!quern_json_keep(reader, empty, &value))
        return false;
    reader->levels[++reader->depth] = (struct quern_json_level){.is_object = is_object, .value = value};
    struct quern_json_level *level = quern_json_top(reader);
    level->end = value != NULL ? &value->is.first : NULL;
    level->place = is_object ? NULL : level->end;
    reader->state = is_object ? QUERN_JSON_AT_FIRST_NAME : QUERN_JSON_AT_FIRST_ITEM;
    reader->at++;
    return true;
}

static bool end_level(struct quern_json_reader *reader)
{
    reader->depth--;
    reader->state = QUERN_JSON_AT_AFTER;
    reader->at++;
    return true;
}

static bool read_word(struct quern_json_reader *reader, const char *word, struct quern_value value)
{
    const size_t length = strlen(word);
    struct quern_value *kept;
    if (reader->length - reader->at < length || memcmp(reader->data + reader->at, word, length) != 0)
        return quern_json_fail(reader, "a word is neither true, false nor null");
    reader->at += length;
    reader->state = QUERN_JSON_AT_AFTER;
    return quern_json_keep(reader, value, &kept);
}

/* What to say of a byte that begins no value. */
static const char *describe(const struct quern_json_reader *reader, char c)
{
    switch (c) {
    case '\'': return "a string must have double quotes, not single ones";
    case 'N':
    case 'I': return "NaN, Infinity and None are not JSON: send a number or null";
    case 'T':
    case 'F': return "true and false are written in lower case";
    case 'u': return "undefined is not JSON: send null, or leave the field out";
    case '/':
    case '#': return "JSON has no comments";
    case '+':
    case '.': return "a number must begin with a digit or a minus";
    case ',': return "a value is missing before a comma";
    case ']':
    case '}': return reader->state == QUERN_JSON_AT_VALUE && reader->levels[reader->depth].item > 0 && c == ']'
                         ? "there is a comma before the closing bracket"
                         : "a value is missing before a closing bracket";
    default: return "a value must begin here: a string in double quotes, a number, a list or an object";
    }
}

static bool begin_value(struct quern_json_reader *reader, char c)
{
    switch (c) {
    case '{': return begin_level(reader, true);
    case '[': return begin_level(reader, false);
    case '"': return quern_json_begin_text(reader, false);
    case 't': return read_word(reader, "true", (struct quern_value){.kind = QUERN_VALUE_BOOLEAN, .is.truth = true});
    case 'f': return read_word(reader, "false", (struct quern_value){.kind = QUERN_VALUE_BOOLEAN});
    case 'n': return read_word(reader, "null", (struct quern_value){.kind = QUERN_VALUE_NULL});
    case ']':
        if (reader->state == QUERN_JSON_AT_FIRST_ITEM)
            return end_level(reader);
        break;
    default: break;
    }
    if (c != '-' && (c < '0' || c > '9'))
        return quern_json_fail(reader, describe(reader, c));
    reader->number_start = reader->at;
    reader->is_negative = c == '-';
    reader->is_whole = true;
    reader->integer = reader->is_negative ? 0 : -(c - '0');
    reader->number_state = c == '-' ? MINUS : c == '0' ? ZERO : DIGITS;
    reader->state = QUERN_JSON_AT_NUMBER;
    reader->at++;
    return true;
}

/* ---------------------------------------------------------------- numbers */

/* Adds a digit to the integer, which is kept negative because there is one more negative number than positive ones. */
static void add_digit(struct quern_json_reader *reader, int digit)
{
    if (reader->integer < (INT64_MIN + digit) / 10)
        reader->is_whole = false; /* beyond 64 bits */
    else
        reader->integer = 10 * reader->integer - digit;
}

/* The number that ends here. */
static double read_double(const struct quern_json_reader *reader)
{
    char text[64];
    const size_t length = reader->at - reader->number_start;
    if (length >= sizeof text)
        return NAN;
    memcpy(text, reader->data + reader->number_start, length);
    text[length] = '\0';
    return strtod(text, NULL);
}

static bool end_number(struct quern_json_reader *reader)
{
    struct quern_value value = {.kind = QUERN_VALUE_NUMBER}, *kept;
    if (reader->is_whole && (reader->is_negative || reader->integer != INT64_MIN))
        value = (struct quern_value){.kind = QUERN_VALUE_INTEGER,
                                     .is.integer = reader->is_negative ? reader->integer : -reader->integer};
    else
        value.is.number = read_double(reader);
    reader->state = QUERN_JSON_AT_AFTER;
    return quern_json_keep(reader, value, &kept);
}

/* Reads one byte of a number, or ends it before the byte. */
static bool read_number(struct quern_json_reader *reader, char c)
{
    const bool is_digit = c >= '0' && c <= '9', is_e = c == 'e' || c == 'E';
    int next = -1;
    switch ((enum number_state)reader->number_state) {
    case MINUS: next = !is_digit ? -1 : c == '0' ? ZERO : DIGITS; break;
    case ZERO:
        if (is_digit)
            return quern_json_fail(reader, "a number must not begin with a zero");
        next = c == '.' ? POINT : is_e ? EXPONENT : -1;
        break;
    case DIGITS: next = is_digit ? DIGITS : c == '.' ? POINT : is_e ? EXPONENT : -1; break;
    case POINT: next = is_digit ? FRACTION : -1; break;
    case FRACTION: next = is_digit ? FRACTION : is_e ? EXPONENT : -1; break;
    case EXPONENT: next = is_digit ? EXPONENT_DIGITS : c == '+' || c == '-' ? EXPONENT_SIGN : -1; break;
    case EXPONENT_SIGN:
    case EXPONENT_DIGITS: next = is_digit ? EXPONENT_DIGITS : -1; break;
    }
    if (next >= 0) {
        if (next == ZERO || next == DIGITS)
            add_digit(reader, c - '0');
        else if (next != POINT && (next != FRACTION || c != '0'))
            reader->is_whole = false;
        reader->number_state = next;
        reader->at++;
        return true;
    }
    const int state = reader->number_state;
    if (state == MINUS && (c == 'I' || c == 'N'))
        return quern_json_fail(reader, describe(reader, c));
    if (state == MINUS || state == POINT || state == EXPONENT || state == EXPONENT_SIGN)
        return quern_json_fail(reader, "a digit is missing in a number");
    return end_number(reader);
}

/* ---------------------------------------------------------------- the whole */

/* Reads what follows a value: a comma, or the end of what the value stands in. */
static bool read_after(struct quern_json_reader *reader, char c)
{
    struct quern_json_level *level = quern_json_top(reader);
    if (reader->depth == 0)
        return quern_json_fail(reader, "there is more text behind the end of the value");
    if (c == (level->is_object ? '}' : ']'))
        return end_level(reader);
    if (c == '}' || c == ']')
        return quern_json_fail(reader, c == ']' ? "an object is closed with the bracket of a list"
                                     : "a list is closed with the bracket of an object");
    if (c != ',')
        return quern_json_fail(reader, "a comma is missing before this, or a quote before it was not written as \\\"");
    level->item++;
    level->name = NULL;
    level->place = level->is_object ? NULL : level->end;
    reader->state = level->is_object ? QUERN_JSON_AT_NAME : QUERN_JSON_AT_VALUE;
    reader->at++;
    return true;
}

static bool read_name(struct quern_json_reader *reader, char c)
{
    if (c == '"')
        return quern_json_begin_text(reader, true);
    if (c == '}' && reader->state == QUERN_JSON_AT_FIRST_NAME)
        return end_level(reader);
    return quern_json_fail(reader, c == '}'               ? "there is a comma before the closing bracket"
                        : c == '\''            ? "the name of a field must have double quotes, not single ones"
                        : c == '/' || c == '#' ? "JSON has no comments"
                                               : "the name of a field must begin here, in double quotes");
}

static bool read_colon(struct quern_json_reader *reader, char c)
{
    if (c != ':')
        return quern_json_fail(reader, "a colon is missing behind the name of a field");
    reader->state = QUERN_JSON_AT_VALUE;
    reader->at++;
    return true;
}

/* Reads one token or a part of one. */
static bool step(struct quern_json_reader *reader)
{
    const char c = reader->data[reader->at];
    if (reader->state == QUERN_JSON_AT_TEXT)
        return quern_json_read_text(reader);
    if (reader->state == QUERN_JSON_AT_REPLACING)
        return quern_json_read_replaced(reader);
    if (reader->state == QUERN_JSON_AT_NUMBER)
        return read_number(reader, c);
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        reader->at++;
        reader->line += c == '\n';
        reader->line_start = c == '\n' ? reader->at : reader->line_start;
        return true;
    }
    switch (reader->state) {
    case QUERN_JSON_AT_NAME:
    case QUERN_JSON_AT_FIRST_NAME: return read_name(reader, c);
    case QUERN_JSON_AT_COLON: return read_colon(reader, c);
    case QUERN_JSON_AT_AFTER: return read_after(reader, c);
    default: return begin_value(reader, c);
    }
}

/* At the end of the data: whether the value is whole. */
static bool end(struct quern_json_reader *reader)
{
    if (reader->state == QUERN_JSON_AT_TEXT)
        return quern_json_fail_at(reader, QUERN_JSON_WRONG, reader->text_start, "a string is not closed");
    if (reader->state == QUERN_JSON_AT_NUMBER && reader->depth == 0)
        return read_number(reader, ' ');
    if (reader->state != QUERN_JSON_AT_AFTER || reader->depth > 0)
        return quern_json_fail(reader, reader->depth > 0 ? "it ends before its last bracket is closed" : "it is empty");
    return true;
}

void quern_json_reader_begin(struct quern_json_reader *reader, const struct quern_json_options *options, char *data,
                             size_t length)
{
    const bool has_mark = length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
    *reader = (struct quern_json_reader){.options = *options, .data = data, .length = length, .at = has_mark ? 3 : 0};
    reader->line_start = reader->at;
    reader->levels[0].end = reader->levels[0].place = &reader->root;
}

int quern_json_reader_go_on(struct quern_json_reader *reader, size_t slice)
{
    reader->limit = slice < reader->length - reader->at ? reader->at + slice : reader->length;
    while (reader->at < reader->limit)
        if (!step(reader))
            return -1;
    if (reader->at < reader->length)
        return 0;
    return end(reader) ? 1 : -1;
}

const struct quern_value *quern_json_read_whole(struct quern_json_reader *reader, const char *const *names, char *data,
                                                size_t length)
{
    const struct quern_json_options options = {.names = names};
    int code;
    quern_json_reader_begin(reader, &options, data, length);
    do
        code = quern_json_reader_go_on(reader, length + 1);
    while (code == 0);
    return code == 1 ? reader->root : NULL;
}

void quern_json_reader_locate(const struct quern_json_reader *reader, size_t *line, size_t *column, const char **field,
                              size_t *item)
{
    *line = reader->line + 1;
    *column = reader->problem_at - reader->line_start + 1;
    *field = NULL;
    *item = SIZE_MAX;
    for (int i = reader->depth; i > 0 && *field == NULL; i--) {
        const struct quern_json_level *level = &reader->levels[i];
        if (!level->is_object)
            *item = level->item;
        else if (level->name != NULL)
            *field = level->name;
        else
            *item = SIZE_MAX; /* of a field that is not on the list */
    }
    if (*field == NULL)
        *item = SIZE_MAX;
}
