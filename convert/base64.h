#ifndef QUERN_CONVERT_BASE64_H
#define QUERN_CONVERT_BASE64_H

#include "quern.h"

/* Bytes that a text in base64 has at most. */
#define QUERN_BASE64_BYTES(length) ((length) / 4 * 3 + 3)

/* Decodes a text to bytes[QUERN_BASE64_BYTES(text.length)]. How many they are, or -1: it is not base64. */
ptrdiff_t quern_base64_decode(quern_text text, unsigned char *bytes);

#endif
