#include "buffer.h"

#include "json_text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART 4096 /* bytes of a string that are written at once */

void quern_buffer_free(struct quern_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct quern_buffer){0};
}

char *quern_buffer_room(struct quern_buffer *buffer, size_t size)
{
    if (buffer->failed || size > SIZE_MAX / 4 - buffer->length) {
        buffer->failed = true;
        return NULL;
    }
    if (size > buffer->capacity - buffer->length) {
        size_t capacity = buffer->capacity + buffer->capacity / 2;
        if (capacity < buffer->length + size)
            capacity = buffer->length + size + 256;
        char *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->length;
}

void quern_buffer_add(struct quern_buffer *buffer, const void *data, size_t length)
{
    char *room = length > 0 ? quern_buffer_room(buffer, length) : NULL;
    if (room == NULL)
        return;
    memcpy(room, data, length);
    buffer->length += length;
}

void quern_buffer_text(struct quern_buffer *buffer, const char *text)
{
    quern_buffer_add(buffer, text, strlen(text));
}

void quern_buffer_print(struct quern_buffer *buffer, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    char *room = length >= 0 ? quern_buffer_room(buffer, (size_t)length + 1) : NULL;
    if (room == NULL) {
        buffer->failed = true;
        return;
    }
    va_start(list, format);
    vsnprintf(room, (size_t)length + 1, format, list);
    va_end(list);
    buffer->length += (size_t)length;
}

void quern_buffer_string(struct quern_buffer *buffer, const char *text)
{
    if (text == NULL)
        quern_buffer_text(buffer, "null");
    else
        quern_buffer_quote(buffer, (quern_text){text, strlen(text)});
}

void quern_buffer_escape(struct quern_buffer *buffer, quern_text rest)
{
    for (size_t used; rest.length > 0; rest.data += used, rest.length -= used) {
        char *room = quern_buffer_room(buffer, PART);
        if (room == NULL)
            return;
        buffer->length += quern_json_string(room, PART, rest, &used);
    }
}

void quern_buffer_quote(struct quern_buffer *buffer, quern_text text)
{
    quern_buffer_text(buffer, "\"");
    quern_buffer_escape(buffer, text);
    quern_buffer_text(buffer, "\"");
}

void quern_buffer_number(struct quern_buffer *buffer, unsigned long long number)
{
    char digits[24], *at = digits + sizeof digits;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    quern_buffer_add(buffer, at, (size_t)(digits + sizeof digits - at));
}

void quern_buffer_floats(struct quern_buffer *buffer, const float *values, size_t count)
{
    char *room = quern_buffer_room(buffer, 2 + count * (QUERN_JSON_FLOAT + 1));
    if (room == NULL)
        return;
    char *at = room;
    *at++ = '[';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *at++ = ',';
        at += quern_json_float(at, values[i]);
    }
    *at++ = ']';
    buffer->length += (size_t)(at - room);
}

void quern_buffer_base64(struct quern_buffer *buffer, const void *data, size_t length)
{
    char *room = length > 0 ? quern_buffer_room(buffer, QUERN_JSON_BASE64(length)) : NULL;
    if (room != NULL)
        buffer->length += quern_json_base64(room, data, length);
}
