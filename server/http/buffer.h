/* A buffer that grows, for answers. A failure to get memory is remembered: the caller checks once, at the end. */
#ifndef QUERN_SERVER_BUFFER_H
#define QUERN_SERVER_BUFFER_H

#include "quern.h"

#include <stdbool.h>

struct quern_buffer {
    char *data; /* malloc'd */
    size_t length, capacity;
    bool failed; /* there was no memory: the contents must not be used */
};

void quern_buffer_free(struct quern_buffer *buffer);

/* Makes room for size more bytes, and returns where they go; NULL: no memory. The caller increases length itself. */
char *quern_buffer_room(struct quern_buffer *buffer, size_t size);

void quern_buffer_add(struct quern_buffer *buffer, const void *data, size_t length);
void quern_buffer_text(struct quern_buffer *buffer, const char *text);
void quern_buffer_print(struct quern_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add JSON. A string gets its quotes; bytes that are not UTF-8 become U+FFFD; NULL becomes null. */
void quern_buffer_string(struct quern_buffer *buffer, const char *text);
void quern_buffer_quote(struct quern_buffer *buffer, quern_text text); /* the same; may contain NULs */
void quern_buffer_escape(struct quern_buffer *buffer, quern_text text); /* the same without the quotes */
void quern_buffer_number(struct quern_buffer *buffer, unsigned long long number);
void quern_buffer_floats(struct quern_buffer *buffer, const float *values, size_t count); /* [0.1,-0.2] */

/* Adds base64 of the standard alphabet, padded, without quotes. */
void quern_buffer_base64(struct quern_buffer *buffer, const void *data, size_t length);

#endif
