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

int quern_cli_fail(const char *place, const quern_error *error)
{
    char text[32] = "";
    if (error->index >= 0)
        snprintf(text, sizeof text, "%stext %lld", place != NULL ? ", " : "", (long long)error->index);
    else
        place = NULL;
    quern_cli_say("%s%s%s%s%s", place != NULL ? place : "", text, text[0] != '\0' ? ": " : "", error->text,
                  text[0] != '\0' && error->code == QUERN_ETOOLONG ? " (--truncate)" : "");
    return QUERN_CLI_FAILED;
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
