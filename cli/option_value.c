/* Reads the argument of an option, wherever it comes from: the command line or the environment. */
#include "arguments.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SIZE 0x1p46 /* 65536G */

static bool read_number(const char *text, int least, int most, int *value)
{
    char *end;
    const long number = strtol(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || number < least || number > most)
        return false;
    *value = (int)number;
    return true;
}

static bool read_numbers(const char *text, const struct quern_cli_option *option, struct quern_cli_numbers *numbers)
{
    numbers->count = 0;
    for (const char *part = text;; part++) {
        char number[16];
        const size_t length = strcspn(part, ",");
        if (length >= sizeof number || numbers->count == QUERN_CLI_NUMBERS)
            return false;
        memcpy(number, part, length);
        number[length] = '\0';
        if (!read_number(number, option->least, option->most, &numbers->values[numbers->count++]))
            return false;
        part += length;
        if (*part == '\0')
            return true;
    }
}

/* Reads digits, which may have a point between them: no sign, no exponent, no spaces. Returns what follows them, or
 * NULL. */
static const char *read_decimal(const char *text, double *value)
{
    static const char digits[] = "0123456789";
    const size_t whole = strspn(text, digits), part = text[whole] == '.' ? 1 + strspn(text + whole + 1, digits) : 0;
    char copy[32];
    if (whole == 0 || part == 1 || whole + part >= sizeof copy)
        return NULL;
    snprintf(copy, sizeof copy, "%.*s", (int)(whole + part), text);
    *value = strtod(copy, NULL);
    return text + whole + part;
}

static bool read_seconds(const char *text, int most, double *value)
{
    const char *end = read_decimal(text, value);
    return end != NULL && *end == '\0' && *value <= most;
}

/* Reads a decimal number, which may have a sign and an exponent. */
static bool read_score(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return text[strspn(text, "+-.0123456789eE")] == '\0' && end > text && *end == '\0' && isfinite(*value);
}

/* A number of bytes, at least a million. K, M and G are units of 1,024, 1,024 K and 1,024 M. */
static bool read_bytes(const char *text, size_t *bytes)
{
    static const char units[] = "KMG";
    double number = 0;
    const char *end = read_decimal(text, &number);
    const char *unit = end != NULL && *end != '\0' ? strchr(units, toupper((unsigned char)*end)) : NULL;
    const double value = unit != NULL ? ldexp(number, 10 * (int)(unit - units + 1)) : number;
    if (end == NULL || end[unit != NULL] != '\0' || !(value >= 1e6 && value <= MOST_SIZE))
        return false;
    *bytes = (size_t)value;
    return true;
}

int quern_cli_find_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    int place = 0;
    for (const char *at = words;; at = strchr(at, '|') + 1, place++) {
        if (strcspn(at, "|") == length && strncmp(at, word, length) == 0)
            return place;
        if (strchr(at, '|') == NULL)
            return -1;
    }
}

static bool read_text(const char *text, struct quern_cli_texts *texts)
{
    if (texts->count == QUERN_CLI_TEXTS)
        return false;
    texts->values[texts->count++] = text;
    return true;
}

/* Reads an argument into the option's field; false when the option does not take it. */
static bool read_argument(const struct quern_cli_option *option, const char *argument, void *field)
{
    switch (option->kind) {
    case QUERN_CLI_KIND_TEXT: *(const char **)field = argument; return true;
    case QUERN_CLI_KIND_TEXTS: return read_text(argument, field);
    case QUERN_CLI_KIND_TITLE: *(quern_text *)field = (quern_text){argument, strlen(argument)}; return true;
    case QUERN_CLI_KIND_SWITCH: *(bool *)field = true; return true;
    case QUERN_CLI_KIND_FLAG: *(unsigned *)field |= (unsigned)option->most; return true;
    case QUERN_CLI_KIND_NUMBER: return read_number(argument, option->least, option->most, field);
    case QUERN_CLI_KIND_NUMBERS: return read_numbers(argument, option, field);
    case QUERN_CLI_KIND_SECONDS: return read_seconds(argument, option->most, field);
    case QUERN_CLI_KIND_SCORE: return read_score(argument, field);
    case QUERN_CLI_KIND_BYTES: return read_bytes(argument, field);
    case QUERN_CLI_KIND_TASK: return (*(int *)field = quern_task_find(argument)) >= 0;
    case QUERN_CLI_KIND_QUIET: return quern_cli_quiet = true;
    case QUERN_CLI_KIND_WORD: return (*(int *)field = quern_cli_find_word(option->words, argument)) >= 0;
    }
    return false;
}

/* What the arguments of an option are, for a message. */
static void describe_arguments(const struct quern_cli_option *option, char out[128])
{
    switch (option->kind) {
    case QUERN_CLI_KIND_NUMBER: snprintf(out, 128, "a number from %d to %d", option->least, option->most); break;
    case QUERN_CLI_KIND_NUMBERS:
        snprintf(out, 128, "up to %d numbers from %d to %d with commas between them", QUERN_CLI_NUMBERS, option->least,
                 option->most);
        break;
    case QUERN_CLI_KIND_TEXTS: snprintf(out, 128, "at most %d values", QUERN_CLI_TEXTS); break;
    case QUERN_CLI_KIND_SECONDS: snprintf(out, 128, "seconds from 0 to %d", option->most); break;
    case QUERN_CLI_KIND_SCORE: snprintf(out, 128, "a number, such as 0.3"); break;
    case QUERN_CLI_KIND_BYTES: snprintf(out, 128, "a size from 1M to 65536G, for example 256M"); break;
    default: snprintf(out, 128, "%s", option->words); break;
    }
}

static int refuse_task(const struct quern_cli_verb *verb, const char *label, const char *asked)
{
    const char *meant = quern_task_name((quern_task)quern_task_guess(asked));
    char list[256] = "", hint[64] = "";
    size_t length = 0;
    const char *name;
    for (int task = 0; (name = quern_task_name((quern_task)task)) != NULL && length < sizeof list; task++)
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", task > 0 ? ", " : "", name);
    if (meant != NULL)
        snprintf(hint, sizeof hint, " (did you mean '%s'?)", meant);
    return quern_cli_misuse(verb->name, "%s: there is no task '%s'%s; the tasks are %s, also in the words of services "
                            "(search_query, passage, STS)", label, asked, hint, list);
}

int quern_cli_take(const struct quern_cli_verb *verb, const struct quern_cli_option *option, const char *label,
                   const char *argument)
{
    char expected[128], hint[QUERN_NEAREST_HINT];
    struct quern_nearest nearest = {.asked = argument};
    if (option->argument != NULL && argument[0] == '\0' && option->kind != QUERN_CLI_KIND_TITLE)
        return quern_cli_misuse(verb->name, "%s: %s is empty", label, option->argument);
    if (read_argument(option, argument, (char *)verb->options + option->offset))
        return -1;
    if (option->kind == QUERN_CLI_KIND_TASK)
        return refuse_task(verb, label, argument);
    describe_arguments(option, expected);
    quern_nearest_offer_list(&nearest, option->words);
    return quern_cli_misuse(verb->name, "%s takes %s, not '%s'%s", label, expected, argument,
                            quern_nearest_hint(&nearest, hint));
}

int quern_cli_read_chunk(const char *verb, const char *text, quern_chunk_options *chunk)
{
    char part[16] = "";
    int tokens = 0, overlap = 0;
    if (text == NULL)
        return QUERN_CLI_DONE;
    const size_t length = strcspn(text, ":");
    snprintf(part, sizeof part, "%.*s", (int)(length < sizeof part ? length : sizeof part - 1), text);
    if (length >= sizeof part || !read_number(part, 1, 1 << 20, &tokens) ||
        (text[length] == ':' && !read_number(text + length + 1, 0, tokens - 1, &overlap)))
        return quern_cli_misuse(verb, "--chunk is '%s', and must be TOKENS or TOKENS:OVERLAP, such as 256:32", text);
    chunk->tokens = (size_t)tokens;
    chunk->overlap = (size_t)overlap;
    return QUERN_CLI_DONE;
}
