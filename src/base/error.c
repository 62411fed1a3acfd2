#include "base/error.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Whether a well-formed character is a control character: one of ASCII, or U+0080 to U+009F. */
static bool is_control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7F || (s[0] == 0xC2 && s[1] < 0xA0);
}

void quern_copy_clean(char *out, size_t size, const char *text)
{
    const unsigned char *in = (const unsigned char *)text, *end = in + strlen(text);
    size_t used = 0;
    while (in < end) {
        size_t length = quern_utf8_length(in, (size_t)(end - in));
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
    if (error != NULL) {
        /* Longer than the text by a character: a character that vsnprintf cuts off would not fit into the text. */
        char line[sizeof error->text + 4];
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
    enum { PATH_BYTES = 80 }; /* of a longer path, only the last bytes are shown */
    const size_t length = strlen(path);
    if (error != NULL) {
        const quern_error within = *error;
        quern_fail(error, code, "%s%s: %s", length > PATH_BYTES ? "..." : "",
                   path + (length > PATH_BYTES ? length - PATH_BYTES : 0),
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
