#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

int quern_server_fail(quern_error *error, int code, const char *format, ...)
{
    va_list list;
    *error = (quern_error){.code = code, .index = -1};
    va_start(list, format);
    vsnprintf(error->text, sizeof error->text, format, list);
    va_end(list);
    return code;
}
