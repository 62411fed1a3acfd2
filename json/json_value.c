#include "json_value.h"

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

quern_text quern_value_text(const struct quern_value *value)
{
    return quern_value_is(value, QUERN_VALUE_TEXT) ? (quern_text){value->is.text, value->count} : (quern_text){0};
}

const char *quern_value_string(const struct quern_value *value)
{
    return quern_value_text(value).data;
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
