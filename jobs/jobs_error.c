#include "jobs_error.h"

#include <stdarg.h>
#include <stdio.h>

int quern_jobs_fail(quern_error *error, int code, const char *format, ...)
{
    va_list list;
    if (error == NULL)
        return code;
    error->code = code;
    error->index = -1;
    va_start(list, format);
    vsnprintf(error->text, sizeof error->text, format, list);
    va_end(list);
    return code;
}
