#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool quern_cli_quiet;
const char *quern_cli_too_long_hint = "";

#define LONGEST_MESSAGE 8192 /* bytes; the rest is cut */

const char *quern_cli_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* Whether a control character begins here; also those of U+0080 to U+009F, whose second byte is no character then. */
static bool is_control_at(const unsigned char *at)
{
    return *at < ' ' || *at == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
}

void quern_cli_clean(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++)
        if (is_control_at(at))
            *at = '?';
}

void quern_cli_put_clean(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if (*at == '\n')
            fputs("\\n", stdout);
        else
            putchar(is_control_at(at) ? '?' : *at);
}

/* Writes "quern: MESSAGE". What a name or a text in it could do to a terminal is taken out. */
static void say(const char *format, va_list list)
{
    char message[LONGEST_MESSAGE];
    vsnprintf(message, sizeof message, format, list);
    quern_cli_clean(message);
    fprintf(stderr, "quern: %s\n", message);
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

bool quern_cli_wants_colours(void)
{
    const char *refused = getenv("NO_COLOR");
    return quern_cli_is_terminal(STDOUT_FILENO) && (refused == NULL || refused[0] == '\0');
}

int quern_cli_fail(const char *place, const quern_error *error)
{
    char text[32] = "";
    if (error->index >= 0)
        snprintf(text, sizeof text, "%stext %lld", place != NULL ? ", " : "", (long long)error->index + 1);
    else
        place = NULL;
    quern_cli_say("%s%s%s%s%s", place != NULL ? place : "", text, text[0] != '\0' ? ": " : "", error->text,
                  text[0] != '\0' && error->code == QUERN_ETOOLONG ? quern_cli_too_long_hint : "");
    return QUERN_CLI_FAILED;
}

int quern_cli_misuse(const char *verb, const char *format, ...)
{
    char message[LONGEST_MESSAGE];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    quern_cli_say("%s; see 'quern %s%s--help'", message, verb != NULL ? verb : "", verb != NULL ? " " : "");
    return QUERN_CLI_USAGE;
}
