#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Length of the well-formed UTF-8 character at s, 1 to 4 (RFC 3629: shortest form, no surrogates), or 0. s is
 * terminated, so a sequence that is cut off ends in a byte that is no continuation. */
static size_t character_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 0;
    size_t length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    bool malformed = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
                     (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F);
    return malformed ? 0 : length;
}

static bool is_control(const unsigned char *s) /* ASCII's and U+0080 to U+009F */
{
    return s[0] < 0x20 || s[0] == 0x7F || (s[0] == 0xC2 && s[1] < 0xA0);
}

void quern_copy_clean(char *out, size_t size, const char *text)
{
    const unsigned char *in = (const unsigned char *)text;
    size_t used = 0;
    while (*in) {
        size_t length = character_length(in);
        bool bad = length == 0 || is_control(in);
        if (bad)
            length = 1;
        if (used + length >= size)
            break;
        if (bad)
            out[used] = '?';
        else
            memcpy(out + used, in, length);
        used += length;
        in += length;
    }
    out[used] = '\0';
}

int quern_fail(quern_error *error, int code, const char *format, ...)
{
    if (error) {
        char line[sizeof error->text + 4]; /* so much longer that a character it cuts off does not fit anyway */
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(line, sizeof line, format, arguments);
        va_end(arguments);
        error->code = code;
        error->index = -1;
        quern_copy_clean(error->text, sizeof error->text, line);
    }
    return code;
}

int quern_fail_in(quern_error *error, int code, const char *path)
{
    enum { MOST = 80 }; /* bytes of the path, its end */
    const size_t length = strlen(path);
    if (error) {
        const quern_error within = *error;
        quern_fail(error, code, "%s%s: %s", length > MOST ? "..." : "", path + (length > MOST ? length - MOST : 0),
                   within.text);
    }
    return code;
}

const char *quern_error_name(int code)
{
    switch (code) {
    case QUERN_OK: return "ok";
    case QUERN_EINVAL: return "invalid";
    case QUERN_ENOMEM: return "memory";
    case QUERN_EIO: return "io";
    case QUERN_EFORMAT: return "format";
    case QUERN_EUNSUPPORTED: return "unsupported";
    case QUERN_ETOOLONG: return "toolong";
    case QUERN_ENUMERIC: return "numeric";
    default: return "unknown";
    }
}
