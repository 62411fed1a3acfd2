/* Numbers and strings in JSON's notation, for jobs, the command and the server. */
#ifndef QUERN_JSON_TEXT_H
#define QUERN_JSON_TEXT_H

#include "quern.h"

#include <stdbool.h>
#include <stdio.h>

#define QUERN_JSON_FLOAT 24 /* most bytes of a number */

/* Writes a number of at most 9 significant digits that reads back as the same float32, or null for one that is not
 * finite. No terminator. Returns its length. */
size_t quern_json_float(char out[QUERN_JSON_FLOAT], float value);

/* Returns the length of the well-formed UTF-8 character at the beginning of text; 0: there is none. length is not 0. */
size_t quern_json_character(const char *text, size_t length);

/* Whether all of a text is UTF-8. */
bool quern_json_is_utf8(quern_text text);

/* Writes the beginning of text as it stands between the quotes of a JSON string. Bytes that are not UTF-8 become
 * U+FFFD. Takes as much of the text as certainly fits into capacity, which is at least 7 bytes; *used is how much that
 * is. Returns the length written. */
size_t quern_json_string(char *out, size_t capacity, quern_text text, size_t *used);

/* Writes data[length] in base64 of the standard alphabet, padded, without quotes and terminator, to out. Returns the
 * length written. */
#define QUERN_JSON_BASE64(length) (((length) + 2) / 3 * 4)
size_t quern_json_base64(char *out, const void *data, size_t length);

/* A number and a string into a file; a string with its quotes. Failures are left to ferror. */
void quern_json_put_float(FILE *file, float value);
void quern_json_put_string(FILE *file, quern_text text);

/* Writes "key": "value", a member of an object. The key may begin with ", ", which is then written before it. */
void quern_json_put_member(FILE *file, const char *key, const char *value);

#endif
