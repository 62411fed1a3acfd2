/* Base64, as the C library of Linux has it in this header. */
#ifndef QUERN_WINDOWS_RESOLV_H
#define QUERN_WINDOWS_RESOLV_H

#include <stddef.h>

/* The bytes of a text in base64; how many, or -1 when it is none or bytes[room] is too short. */
#define b64_pton quern_windows_b64_pton
int quern_windows_b64_pton(const char *text, unsigned char *bytes, size_t room);

#endif
