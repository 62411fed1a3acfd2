/* A JSON value that was read (json_reader.h). Every function takes NULL for a value that is not there, and a value of
 * another kind than it asks for, and then returns "nothing": false, 0, NULL or an empty text. */
#ifndef QUERN_JSON_VALUE_H
#define QUERN_JSON_VALUE_H

#include "quern.h"

#include <stdbool.h>
#include <stdint.h>

enum quern_value_kind {
    QUERN_VALUE_NULL,
    QUERN_VALUE_BOOLEAN,
    QUERN_VALUE_INTEGER, /* of 64 bits; also as some languages write it, with zeros behind a point: 64.0 */
    QUERN_VALUE_NUMBER,  /* any other number */
    QUERN_VALUE_TEXT,
    QUERN_VALUE_ARRAY,
    QUERN_VALUE_OBJECT
};

struct quern_value {
    enum quern_value_kind kind;
    uint32_t count; /* bytes of a text, items of an array, members of an object */
    union {
        bool truth;
        int64_t integer;
        double number;             /* the nearest one; NaN when it is written with more than 63 characters */
        const char *text;          /* with a NUL behind it */
        struct quern_value *first; /* of an array: its first item; of an object: the name of its first member */
    } is;
    struct quern_value *next; /* the next item; of a name: its member's value; of that value: the next member's name */
};

bool quern_value_is(const struct quern_value *value, enum quern_value_kind kind);
bool quern_value_is_true(const struct quern_value *value);
int64_t quern_value_integer(const struct quern_value *value);

/* A number of either kind; NaN for what is none. */
double quern_value_number(const struct quern_value *value);

/* What a value is, for "it is ...": "null", "a number", "a list"...; "missing" for NULL. */
const char *quern_value_kind_name(const struct quern_value *value);

/* Whether two values are the same, with their members in the same order. Numbers that are not integers are not
 * known to be. */
bool quern_value_equals(const struct quern_value *a, const struct quern_value *b);

/* A text; it may contain NULs. data is NULL when the value is not a text. */
quern_text quern_value_text(const struct quern_value *value);

/* The same as a string. NULL when the value is not a text, or is one with a NUL byte: as a string it would be a shorter
 * one. */
const char *quern_value_string(const struct quern_value *value);

/* The items of an array: for (item = quern_value_first(array); item != NULL; item = quern_value_next(item)) */
size_t quern_value_size(const struct quern_value *array);
const struct quern_value *quern_value_first(const struct quern_value *array);
const struct quern_value *quern_value_next(const struct quern_value *item);

/* The value of a member of an object, which may be null; NULL: it has none of this name. Only the names are there that
 * the reader was told to keep. */
const struct quern_value *quern_value_member(const struct quern_value *object, const char *name);

#endif
