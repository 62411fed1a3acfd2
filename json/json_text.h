/* Numbers and strings as JSON writes them, for the command and the server. */
#ifndef QUERN_JSON_TEXT_H
#define QUERN_JSON_TEXT_H

#include "quern.h"

#define QUERN_JSON_FLOAT 24 /* bytes a number takes at most */

/* Writes a number that reads back as the same float32, of at most 9 significant digits, or null for one that is not
 * finite. No terminator. Returns its length. */
size_t quern_json_float(char out[QUERN_JSON_FLOAT], float value);

/* Length of the well-formed UTF-8 character at the beginning of text; 0: there is none. length is not 0. */
size_t quern_json_character(const char *text, size_t length);

/* Writes the beginning of text as it stands between the quotes of a string: what is not UTF-8 becomes U+FFFD. Takes as
 * much as surely fits into capacity, at least 7 bytes; *used says how much. Returns the length written. */
size_t quern_json_string(char *out, size_t capacity, quern_text text, size_t *used);

#endif
