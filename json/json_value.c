#include "json_value.h"

#include <math.h>
#include <string.h>

bool quern_value_is(const struct quern_value *value, enum quern_value_kind kind)
{
    return value != NULL && value->kind == kind;
}

bool quern_value_is_true(const struct quern_value *value)
{
    return quern_value_is(value, QUERN_VALUE_BOOLEAN) && value->is.truth;
}

int64_t quern_value_integer(const struct quern_value *value)
{
    return quern_value_is(value, QUERN_VALUE_INTEGER) ? value->is.integer : 0;
}

double quern_value_number(const struct quern_value *value)
{
    return quern_value_is(value, QUERN_VALUE_NUMBER) ? value->is.number
           : quern_value_is(value, QUERN_VALUE_INTEGER) ? (double)value->is.integer : NAN;
}

const char *quern_value_kind_name(const struct quern_value *value)
{
    static const char *const names[] = {
        [QUERN_VALUE_NULL] = "null",       [QUERN_VALUE_BOOLEAN] = "true or false", [QUERN_VALUE_INTEGER] = "a number",
        [QUERN_VALUE_NUMBER] = "a number", [QUERN_VALUE_TEXT] = "a string",         [QUERN_VALUE_ARRAY] = "a list",
        [QUERN_VALUE_OBJECT] = "an object"};
    return value != NULL ? names[value->kind] : "missing";
}

/* Members are lists, too, of names and values. */
static bool lists_are_equal(const struct quern_value *a, const struct quern_value *b)
{
    while (a != NULL && b != NULL && quern_value_equals(a, b))
        a = a->next, b = b->next;
    return a == NULL && b == NULL;
}

bool quern_value_equals(const struct quern_value *a, const struct quern_value *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind || a->count != b->count)
        return a == b;
    switch (a->kind) {
    case QUERN_VALUE_NULL: return true;
    case QUERN_VALUE_BOOLEAN: return a->is.truth == b->is.truth;
    case QUERN_VALUE_INTEGER: return a->is.integer == b->is.integer;
    case QUERN_VALUE_TEXT: return memcmp(a->is.text, b->is.text, a->count) == 0;
    case QUERN_VALUE_ARRAY:
    case QUERN_VALUE_OBJECT: return lists_are_equal(a->is.first, b->is.first);
    case QUERN_VALUE_NUMBER: break;
    }
    return false;
}

quern_text quern_value_text(const struct quern_value *value)
{
    return quern_value_is(value, QUERN_VALUE_TEXT) ? (quern_text){value->is.text, value->count} : (quern_text){0};
}

const char *quern_value_string(const struct quern_value *value)
{
    const quern_text text = quern_value_text(value);
    return text.data != NULL && strlen(text.data) == text.length ? text.data : NULL;
}

size_t quern_value_size(const struct quern_value *array)
{
    return quern_value_is(array, QUERN_VALUE_ARRAY) ? array->count : 0;
}

const struct quern_value *quern_value_first(const struct quern_value *array)
{
    return quern_value_is(array, QUERN_VALUE_ARRAY) ? array->is.first : NULL;
}

const struct quern_value *quern_value_next(const struct quern_value *item)
{
    return item->next;
}

const struct quern_value *quern_value_member(const struct quern_value *object, const char *name)
{
    const struct quern_value *at = quern_value_is(object, QUERN_VALUE_OBJECT) ? object->is.first : NULL;
    while (at != NULL && strcmp(at->is.text, name) != 0)
        at = at->next->next;
    return at != NULL ? at->next : NULL;
}
