#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool quern_cli_quiet;

static void say(const char *format, va_list list)
{
    fputs("quern: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
}

void quern_cli_say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say(format, list);
    va_end(list);
}

void quern_cli_notice(const char *format, ...)
{
    va_list list;
    if (quern_cli_quiet)
        return;
    va_start(list, format);
    say(format, list);
    va_end(list);
}

bool quern_cli_is_terminal(int descriptor)
{
    const char *kind = getenv("TERM");
    return isatty(descriptor) && kind != NULL && kind[0] != '\0' && strcmp(kind, "dumb") != 0;
}

int quern_cli_fail(const char *place, const quern_error *error)
{
    char text[32] = "";
    if (error->index >= 0)
        snprintf(text, sizeof text, "%stext %lld", place != NULL ? ", " : "", (long long)error->index + 1);
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
