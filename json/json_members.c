#include "json_members.h"

#include <string.h>

static size_t skip_space(quern_text text, size_t at)
{
    while (at < text.length && strchr(" \t\r\n", text.data[at]) != NULL && text.data[at] != '\0')
        at++;
    return at;
}

/* The end of a string that begins at its quote. */
static size_t skip_string(quern_text text, size_t at)
{
    for (at++; at < text.length && text.data[at] != '"'; at++)
        if (text.data[at] == '\\')
            at++;
    return at < text.length ? at + 1 : text.length;
}

/* The end of a value: where a comma or a bracket follows that is not part of it. */
static size_t skip_value(quern_text text, size_t at)
{
    size_t depth = 0;
    while (at < text.length) {
        const char c = text.data[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
    }
    return at;
}

bool quern_json_next_member(quern_text object, size_t *at, struct quern_json_member *member)
{
    size_t i = skip_space(object, *at);
    if (i == object.length || object.data[i] != (*at == 0 ? '{' : ','))
        return false;
    const size_t name = skip_space(object, i + 1);
    if (name == object.length || object.data[name] != '"')
        return false;
    const size_t name_end = skip_string(object, name), colon = skip_space(object, name_end);
    const size_t value = colon < object.length ? skip_space(object, colon + 1) : object.length;
    size_t value_end = skip_value(object, value);
    *at = value_end;
    while (value_end > value && strchr(" \t\r\n", object.data[value_end - 1]) != NULL)
        value_end--;
    if (name_end < name + 2 || value == value_end)
        return false;
    member->name = (quern_text){object.data + name + 1, name_end - name - 2};
    member->value = (quern_text){object.data + value, value_end - value};
    return true;
}
