#include "json_reader.h"

#include "json_text.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_BLOCK 1024
#define MOST_BLOCK 262144

enum state {
    VALUE,      /* a value must follow */
    FIRST_ITEM, /* a value, or the end of an empty array */
    NAME,       /* a name must follow */
    FIRST_NAME, /* a name, or the end of an empty object */
    COLON,
    AFTER,      /* behind a value: a comma, or the end of what it stands in */
    TEXT,
    REPLACING,  /* a text that was read is copied, with U+FFFD for each byte that is not UTF-8 */
    NUMBER
};

/* Where the reader is in a number: behind which part of it. */
enum number_state { MINUS, ZERO, DIGITS, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS };

struct quern_json_block {
    struct quern_json_block *before;
    size_t used, size; /* of bytes */
    _Alignas(8) char bytes[];
};

/* ---------------------------------------------------------------- faults and memory */

static bool fail_at(struct quern_json_reader *reader, enum quern_json_fault fault, size_t at, const char *problem)
{
    reader->fault = fault;
    reader->problem_at = at;
    reader->problem = problem;
    return false;
}

static bool fail(struct quern_json_reader *reader, const char *problem)
{
    return fail_at(reader, QUERN_JSON_WRONG, reader->at, problem);
}

/* Takes memory that lives as long as the values. NULL: there is none, and the reader has failed. */
static void *take(struct quern_json_reader *reader, size_t size)
{
    struct quern_json_block *block = reader->blocks;
    const struct quern_json_options *options = &reader->options;
    size = (size + 7) / 8 * 8;
    if (block == NULL || block->size - block->used < size) {
        size_t room = block == NULL ? LEAST_BLOCK : block->size < MOST_BLOCK / 2 ? 2 * block->size : MOST_BLOCK;
        room = room < size ? size : room;
        struct quern_json_block *next =
            options->hold == NULL || options->hold(options->owner, sizeof *next + room) ? malloc(sizeof *next + room)
                                                                                        : NULL;
        if (next == NULL) {
            fail_at(reader, QUERN_JSON_MEMORY, reader->at, "there is no memory for it");
            return NULL;
        }
        *next = (struct quern_json_block){.before = block, .size = room};
        reader->blocks = block = next;
    }
    block->used += size;
    return block->bytes + block->used - size;
}

void quern_json_reader_free(struct quern_json_reader *reader)
{
    for (struct quern_json_block *block = reader->blocks, *before; block != NULL; block = before) {
        before = block->before;
        free(block);
    }
    reader->blocks = NULL;
    reader->root = NULL;
}

/* ---------------------------------------------------------------- values */

static struct quern_json_level *top(struct quern_json_reader *reader)
{
    return &reader->levels[reader->depth];
}

/* Keeps a value where the innermost array or object wants it. *kept: NULL if it is skipped. */
static bool keep(struct quern_json_reader *reader, struct quern_value value, struct quern_value **kept)
{
    struct quern_json_level *level = top(reader);
    *kept = NULL;
    if (level->place == NULL)
        return true;
    if (reader->values == QUERN_JSON_VALUES)
        return fail_at(reader, QUERN_JSON_LIMIT, reader->at, "it has more than 1048576 values");
    struct quern_value *node = take(reader, sizeof *node);
    if (node == NULL)
        return false;
    reader->values++;
    struct quern_value *old = *level->place; /* of an earlier member with this name */
    *node = value;
    node->next = old != NULL ? old->next : NULL;
    *level->place = node;
    if (old == NULL || level->end == &old->next)
        level->end = &node->next;
    if (level->value != NULL && old == NULL)
        level->value->count++;
    *kept = node;
    return true;
}

/* Finds the name of a member that begins, and sets where its value goes. */
static bool begin_member(struct quern_json_reader *reader, quern_text name)
{
    struct quern_json_level *level = top(reader);
    const char *const *known = reader->options.names;
    while (*known != NULL && (strlen(*known) != name.length || memcmp(*known, name.data, name.length) != 0))
        known++;
    level->name = *known;
    level->place = NULL;
    reader->state = COLON;
    if (*known == NULL || level->value == NULL)
        return true;
    struct quern_value *at = level->value->is.first;
    while (at != NULL && at->is.text != *known)
        at = at->next->next;
    if (at == NULL) {
        at = take(reader, sizeof *at);
        if (at == NULL)
            return false;
        *at = (struct quern_value){.kind = QUERN_VALUE_TEXT, .count = (uint32_t)name.length, .is.text = *known};
        *level->end = at;
        level->end = &at->next;
    }
    level->place = &at->next;
    return true;
}

static bool begin_level(struct quern_json_reader *reader, bool is_object)
{
    struct quern_value *value;
    if (reader->depth == QUERN_JSON_DEPTH)
        return fail_at(reader, QUERN_JSON_LIMIT, reader->at, "it is nested deeper than 16 levels");
    if (!keep(reader, (struct quern_value){.kind = is_object ? QUERN_VALUE_OBJECT : QUERN_VALUE_ARRAY}, &value))
        return false;
    reader->levels[++reader->depth] = (struct quern_json_level){.is_object = is_object, .value = value};
    struct quern_json_level *level = top(reader);
    level->end = value != NULL ? &value->is.first : NULL;
    level->place = is_object ? NULL : level->end;
    reader->state = is_object ? FIRST_NAME : FIRST_ITEM;
    reader->at++;
    return true;
}

static bool end_level(struct quern_json_reader *reader)
{
    reader->depth--;
    reader->state = AFTER;
    reader->at++;
    return true;
}

static bool read_word(struct quern_json_reader *reader, const char *word, struct quern_value value)
{
    const size_t length = strlen(word);
    struct quern_value *kept;
    if (reader->length - reader->at < length || memcmp(reader->data + reader->at, word, length) != 0)
        return fail(reader, "a word is neither true, false nor null");
    reader->at += length;
    reader->state = AFTER;
    return keep(reader, value, &kept);
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
    case '}': return reader->state == VALUE && reader->levels[reader->depth].item > 0 && c == ']'
                         ? "there is a comma before the closing bracket"
                         : "a value is missing before a closing bracket";
    default: return "a value must begin here: a string in double quotes, a number, a list or an object";
    }
}

static bool begin_text(struct quern_json_reader *reader, bool is_name)
{
    reader->text_start = reader->at++;
    reader->text = reader->data + reader->at;
    reader->text_length = 0;
    reader->text_is_name = is_name;
    reader->text_bad = 0;
    reader->state = TEXT;
    return true;
}

static bool begin_value(struct quern_json_reader *reader, char c)
{
    switch (c) {
    case '{': return begin_level(reader, true);
    case '[': return begin_level(reader, false);
    case '"': return begin_text(reader, false);
    case 't': return read_word(reader, "true", (struct quern_value){.kind = QUERN_VALUE_BOOLEAN, .is.truth = true});
    case 'f': return read_word(reader, "false", (struct quern_value){.kind = QUERN_VALUE_BOOLEAN});
    case 'n': return read_word(reader, "null", (struct quern_value){.kind = QUERN_VALUE_NULL});
    case ']':
        if (reader->state == FIRST_ITEM)
            return end_level(reader);
        break;
    default: break;
    }
    if (c != '-' && (c < '0' || c > '9'))
        return fail(reader, describe(reader, c));
    reader->is_negative = c == '-';
    reader->is_whole = true;
    reader->integer = reader->is_negative ? 0 : -(c - '0');
    reader->number_state = c == '-' ? MINUS : c == '0' ? ZERO : DIGITS;
    reader->state = NUMBER;
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

static bool end_number(struct quern_json_reader *reader)
{
    struct quern_value value = {.kind = QUERN_VALUE_NUMBER}, *kept;
    if (reader->is_whole && (reader->is_negative || reader->integer != INT64_MIN))
        value = (struct quern_value){.kind = QUERN_VALUE_INTEGER,
                                     .is.integer = reader->is_negative ? reader->integer : -reader->integer};
    reader->state = AFTER;
    return keep(reader, value, &kept);
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
            return fail(reader, "a number must not begin with a zero");
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
        else
            reader->is_whole = false;
        reader->number_state = next;
        reader->at++;
        return true;
    }
    const int state = reader->number_state;
    if (state == MINUS && (c == 'I' || c == 'N'))
        return fail(reader, describe(reader, c));
    if (state == MINUS || state == POINT || state == EXPONENT || state == EXPONENT_SIGN)
        return fail(reader, "a digit is missing in a number");
    return end_number(reader);
}

/* ---------------------------------------------------------------- texts */

static void put_byte(struct quern_json_reader *reader, char c)
{
    reader->text[reader->text_length++] = c;
}

static void put_code(struct quern_json_reader *reader, unsigned code)
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const int size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    put_byte(reader, (char)(code >> (6 * (size - 1)) | first[size]));
    for (int i = size - 2; i >= 0; i--)
        put_byte(reader, (char)((code >> (6 * i) & 0x3f) | 0x80));
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
        return fail_at(reader, QUERN_JSON_WRONG, reader->text_start, "a string is not closed");
    const char c = reader->data[reader->at + 1], *escape = memchr(escapes, c, sizeof escapes - 1);
    if (escape != NULL) {
        put_byte(reader, bytes[escape - escapes]);
        reader->at += 2;
        return true;
    }
    if (c != 'u')
        return fail(reader, "there is no such escape in JSON; a backslash itself is written twice");
    const int unit = read_unit(reader, reader->at);
    const int low = unit >= 0xd800 && unit < 0xdc00 ? read_unit(reader, reader->at + 6) : -1;
    if (unit < 0)
        return fail(reader, "behind \\u there must be four hexadecimal digits");
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
    struct quern_value *kept;
    put_byte(reader, '\0');
    reader->state = AFTER;
    return keep(reader, (struct quern_value){.kind = QUERN_VALUE_TEXT, .count = (uint32_t)reader->text_length - 1,
                                             .is.text = reader->text}, &kept);
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
    char *text = take(reader, reader->text_length + 2 * reader->text_bad + 1);
    if (text == NULL)
        return false;
    reader->text_end = reader->at;
    go_to(reader, (size_t)(reader->text - reader->data));
    reader->replaced_end = reader->at + reader->text_length;
    reader->text = text;
    reader->text_length = 0;
    reader->state = REPLACING;
    return true;
}

static bool read_replaced(struct quern_json_reader *reader)
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
        return begin_member(reader, (quern_text){reader->text, reader->text_length});
    return reader->text_bad > 0 && top(reader)->place != NULL ? begin_replacing(reader) : keep_text(reader);
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
        return fail(reader, c == '\n' || c == '\r'
                                ? "a line break in a string must be written as \\n, or the string is not closed"
                                : "a control character in a string must be written as an escape");
    const size_t size = quern_json_character(reader->data + reader->at, reader->length - reader->at);
    if (size == 0 && !reader->options.replaces)
        return fail_at(reader, QUERN_JSON_BYTES, reader->at, "a byte is not UTF-8");
    reader->text_bad += size == 0;
    put_byte(reader, (char)c);
    for (size_t i = 1; i < size; i++)
        put_byte(reader, reader->data[reader->at + i]);
    reader->at += size > 0 ? size : 1;
    return true;
}

static bool read_text(struct quern_json_reader *reader)
{
    while (reader->state == TEXT && reader->at < reader->limit) {
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

/* ---------------------------------------------------------------- the whole */

/* Reads what follows a value: a comma, or the end of what the value stands in. */
static bool read_after(struct quern_json_reader *reader, char c)
{
    struct quern_json_level *level = top(reader);
    if (reader->depth == 0)
        return fail(reader, "there is more text behind the end of the value");
    if (c == (level->is_object ? '}' : ']'))
        return end_level(reader);
    if (c == '}' || c == ']')
        return fail(reader, c == ']' ? "an object is closed with the bracket of a list"
                                     : "a list is closed with the bracket of an object");
    if (c != ',')
        return fail(reader, "a comma is missing before this, or a quote before it was not written as \\\"");
    level->item++;
    level->name = NULL;
    level->place = level->is_object ? NULL : level->end;
    reader->state = level->is_object ? NAME : VALUE;
    reader->at++;
    return true;
}

static bool read_name(struct quern_json_reader *reader, char c)
{
    if (c == '"')
        return begin_text(reader, true);
    if (c == '}' && reader->state == FIRST_NAME)
        return end_level(reader);
    return fail(reader, c == '}'               ? "there is a comma before the closing bracket"
                        : c == '\''            ? "the name of a field must have double quotes, not single ones"
                        : c == '/' || c == '#' ? "JSON has no comments"
                                               : "the name of a field must begin here, in double quotes");
}

static bool read_colon(struct quern_json_reader *reader, char c)
{
    if (c != ':')
        return fail(reader, "a colon is missing behind the name of a field");
    reader->state = VALUE;
    reader->at++;
    return true;
}

/* Reads one token or a part of one. */
static bool step(struct quern_json_reader *reader)
{
    const char c = reader->data[reader->at];
    if (reader->state == TEXT)
        return read_text(reader);
    if (reader->state == REPLACING)
        return read_replaced(reader);
    if (reader->state == NUMBER)
        return read_number(reader, c);
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        reader->at++;
        reader->line += c == '\n';
        reader->line_start = c == '\n' ? reader->at : reader->line_start;
        return true;
    }
    switch ((enum state)reader->state) {
    case NAME:
    case FIRST_NAME: return read_name(reader, c);
    case COLON: return read_colon(reader, c);
    case AFTER: return read_after(reader, c);
    default: return begin_value(reader, c);
    }
}

/* At the end of the data: whether the value is whole. */
static bool end(struct quern_json_reader *reader)
{
    if (reader->state == TEXT)
        return fail_at(reader, QUERN_JSON_WRONG, reader->text_start, "a string is not closed");
    if (reader->state == NUMBER && reader->depth == 0)
        return read_number(reader, ' ');
    if (reader->state != AFTER || reader->depth > 0)
        return fail(reader, reader->depth > 0 ? "it ends before its last bracket is closed" : "it is empty");
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
