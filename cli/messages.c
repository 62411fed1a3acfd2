#include "cli.h"

#include <stdarg.h>

void quern_cli_say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("quern: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

const char *quern_cli_option_for(int code)
{
    return code == QUERN_ETOOLONG ? " with --truncate" : "";
}

int quern_cli_misuse(const char *verb, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("quern: ", stderr);
    vfprintf(stderr, format, list);
    fprintf(stderr, "; see 'quern %s%s--help'\n", verb != NULL ? verb : "", verb != NULL ? " " : "");
    va_end(list);
    return QUERN_CLI_USAGE;
}
