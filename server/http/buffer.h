/* Bytes that grow: what answers are written to. Running out of memory is remembered, and asked for once at the end. */
#ifndef QUERN_SERVER_BUFFER_H
#define QUERN_SERVER_BUFFER_H

#include "quern.h"

#include <stdbool.h>

struct quern_buffer {
    char *data; /* malloc'd */
    size_t length, capacity;
    bool failed; /* no memory: the contents are not to be used */
};

void quern_buffer_free(struct quern_buffer *buffer);
char *quern_buffer_room(struct quern_buffer *buffer, size_t size); /* for size more bytes, not counted yet; NULL */
void quern_buffer_add(struct quern_buffer *buffer, const void *data, size_t length);
void quern_buffer_text(struct quern_buffer *buffer, const char *text);
void quern_buffer_print(struct quern_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As JSON. A string has its quotes; what is not UTF-8 in it becomes U+FFFD; NULL becomes null. */
void quern_buffer_string(struct quern_buffer *buffer, const char *text);
void quern_buffer_quote(struct quern_buffer *buffer, quern_text text); /* the same, NULs allowed */
void quern_buffer_number(struct quern_buffer *buffer, unsigned long long number);
void quern_buffer_floats(struct quern_buffer *buffer, const float *values, size_t count); /* [0.1,-0.2] */

/* Standard alphabet, padded, without quotes. */
void quern_buffer_base64(struct quern_buffer *buffer, const void *data, size_t length);

#endif
