/* Values of JavaScript. */
#include "node_addon.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool quern_node_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments)
{
    size_t given = count;
    if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) == napi_ok && given == count)
        return true;
    quern_node_throw(env, "wrong number of arguments");
    return false;
}

napi_value quern_node_throw(napi_env env, const char *text)
{
    bool is_pending = false;
    if (napi_is_exception_pending(env, &is_pending) == napi_ok && !is_pending)
        napi_throw_type_error(env, NULL, text);
    return NULL;
}

void *quern_node_take(napi_env env, size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (memory == NULL)
        quern_node_throw(env, "there is no memory");
    return memory;
}

bool quern_node_word(napi_env env, napi_value value, char *out, size_t capacity)
{
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length >= capacity)
        return false;
    return napi_get_value_string_utf8(env, value, out, capacity, &length) == napi_ok && strlen(out) == length;
}

napi_value quern_node_string(napi_env env, const char *text)
{
    napi_value value = NULL;
    if (text == NULL)
        napi_get_null(env, &value);
    else
        napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
    return value;
}

void quern_node_set(napi_env env, napi_value object, const char *name, napi_value value)
{
    if (value != NULL)
        napi_set_named_property(env, object, name, value);
}

void quern_node_set_number(napi_env env, napi_value object, const char *name, double number)
{
    napi_value value = NULL;
    napi_create_double(env, number, &value);
    quern_node_set(env, object, name, value);
}

static const char *code_name(int code)
{
    switch (code) {
    case QUERN_EINVAL:
        return "QUERN_EINVAL";
    case QUERN_ENOMEM:
        return "QUERN_ENOMEM";
    case QUERN_EIO:
        return "QUERN_EIO";
    case QUERN_EFORMAT:
        return "QUERN_EFORMAT";
    case QUERN_EUNSUPPORTED:
        return "QUERN_EUNSUPPORTED";
    case QUERN_ETOOLONG:
        return "QUERN_ETOOLONG";
    case QUERN_ENUMERIC:
        return "QUERN_ENUMERIC";
    default:
        return "QUERN_UNKNOWN";
    }
}

void quern_node_set_error(quern_error *error, int code, const char *text)
{
    error->code = code;
    error->index = -1;
    snprintf(error->text, sizeof error->text, "%s", text);
}

napi_value quern_node_error(napi_env env, const quern_error *error)
{
    napi_value object = NULL;
    if (napi_create_object(env, &object) != napi_ok)
        return NULL;
    quern_node_set(env, object, "code", quern_node_string(env, code_name(error->code)));
    quern_node_set(env, object, "text", quern_node_string(env, error->text));
    if (error->index >= 0)
        quern_node_set_number(env, object, "index", (double)error->index);
    else
        quern_node_set(env, object, "index", quern_node_string(env, NULL));
    return object;
}

napi_value quern_node_bytes(napi_env env, const void *bytes, size_t count)
{
    void *data = NULL;
    napi_value buffer = NULL;
    if (napi_create_arraybuffer(env, count, &data, &buffer) != napi_ok)
        return NULL;
    if (count > 0)
        memcpy(data, bytes, count);
    return buffer;
}

bool quern_node_elements(napi_env env, napi_value array, napi_typedarray_type type, void **data, size_t *count)
{
    napi_typedarray_type found = napi_int8_array;
    bool is_array = false;
    return napi_is_typedarray(env, array, &is_array) == napi_ok && is_array &&
           napi_get_typedarray_info(env, array, &found, count, data, NULL, NULL) == napi_ok && found == type;
}
