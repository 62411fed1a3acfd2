#include "arguments.h"

#include "environment.h"

#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_OPTIONS 64   /* of a verb, the common ones and an empty one included */
#define MOST_BYTES 0x1p46 /* 65536G */
#define FIRST_LONG 256  /* what getopt returns for the first long option: above every letter */

const struct quern_cli_option quern_cli_common_options[] = {
    {.name = "quiet", .letter = 'q', .help = "say nothing but errors"},
    {.name = "help", .letter = 'h', .help = "show this help"},
    {0},
};
enum { QUIET, HELP, COMMON_OPTIONS };

static size_t count_options(const struct quern_cli_verb *verb)
{
    size_t count = 0;
    while (verb->table[count].name != NULL)
        count++;
    return count;
}

/* Option i of a verb; the common ones come after the verb's own, which are count. */
static const struct quern_cli_option *option_at(const struct quern_cli_verb *verb, size_t count, size_t i)
{
    return i < count ? &verb->table[i] : &quern_cli_common_options[i - count];
}

/* ---------------------------------------------------------------- help */

/* The first column of an option: "-m, --model FILE". Returns its length. */
static int write_names(char out[64], const struct quern_cli_option *option)
{
    const char letter[] = {'-', option->letter, ',', ' ', '\0'};
    return snprintf(out, 64, "%s--%s%s%s", option->letter != '\0' ? letter : "    ", option->name,
                    option->argument != NULL ? " " : "", option->argument != NULL ? option->argument : "");
}

/* Prints the names of all tasks, in lines that begin at column `indent`. */
static void print_tasks(int indent)
{
    enum { WIDTH = 100 };
    size_t column = (size_t)(indent + printf("what the texts are for:"));
    const char *name;
    for (int task = 0; (name = quern_task_name((quern_task)task)) != NULL; task++)
        if (column + 1 + strlen(name) > WIDTH)
            column = (size_t)printf("\n%*s%s", indent, "", name) - 1;
        else
            column += (size_t)printf(" %s", name);
}

static void print_option(const struct quern_cli_option *option, int width)
{
    char names[64];
    write_names(names, option);
    printf("  %-*s  ", width, names);
    if (option->help != NULL)
        fputs(option->help, stdout);
    else if (option->kind == QUERN_CLI_KIND_TASK)
        print_tasks(width + 4);
    else
        printf("%s; the first is the default", option->words);
    putchar('\n');
}

static void print_help(const struct quern_cli_verb *verb)
{
    const size_t count = count_options(verb);
    char names[64];
    int width = 0;
    printf("usage: quern %s [OPTION...]%s%s\n\n%s\n\noptions:\n", verb->name, verb->arguments != NULL ? " " : "",
           verb->arguments != NULL ? verb->arguments : "", verb->summary);
    for (size_t i = 0; i < count + COMMON_OPTIONS; i++) {
        const int length = write_names(names, option_at(verb, count, i));
        width = length > width ? length : width;
    }
    for (size_t i = 0; i < count + COMMON_OPTIONS; i++)
        print_option(option_at(verb, count, i), width);
    printf("\n%s", verb->more);
}

/* ---------------------------------------------------------------- reading arguments */

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

/* A number of bytes, at least a million. K, M and G are units of 1,024, 1,024 K and 1,024 M. */
static bool read_bytes(const char *text, size_t *bytes)
{
    static const char units[] = "KMG";
    double number = 0;
    const char *end = read_decimal(text, &number);
    const char *unit = end != NULL && *end != '\0' ? strchr(units, toupper((unsigned char)*end)) : NULL;
    const double value = unit != NULL ? ldexp(number, 10 * (int)(unit - units + 1)) : number;
    if (end == NULL || end[unit != NULL] != '\0' || !(value >= 1e6 && value <= MOST_BYTES))
        return false;
    *bytes = (size_t)value;
    return true;
}

/* The place of a word in a list with '|' between the words; -1: it is not there. */
static int find_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    int place = 0;
    for (const char *at = words;; at = strchr(at, '|') + 1, place++) {
        if (strncmp(at, word, length) == 0 && (at[length] == '|' || at[length] == '\0'))
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
    case QUERN_CLI_KIND_BYTES: return read_bytes(argument, field);
    case QUERN_CLI_KIND_TASK: return (*(int *)field = quern_task_find(argument)) >= 0;
    case QUERN_CLI_KIND_WORD: return (*(int *)field = find_word(option->words, argument)) >= 0;
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
    case QUERN_CLI_KIND_BYTES: snprintf(out, 128, "a size from 1M to 65536G, for example 256M"); break;
    default: snprintf(out, 128, "%s", option->words); break;
    }
}

/* Offers the words of a list with '|' between them; NULL is an empty list. */
static void offer_words(struct quern_cli_nearest *nearest, const char *words)
{
    while (words != NULL) {
        const size_t length = strcspn(words, "|");
        quern_cli_nearest_offer(nearest, words, length);
        words = words[length] == '|' ? words + length + 1 : NULL;
    }
}

static int refuse_task(const struct quern_cli_verb *verb, const char *label, const char *asked)
{
    struct quern_cli_nearest nearest = {.asked = asked};
    char list[256] = "", hint[QUERN_CLI_HINT];
    size_t length = 0;
    const char *name;
    for (int task = 0; (name = quern_task_name((quern_task)task)) != NULL && length < sizeof list; task++) {
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", task > 0 ? ", " : "", name);
        quern_cli_nearest_offer(&nearest, name, strlen(name));
    }
    return quern_cli_misuse(verb->name, "%s: there is no task '%s'%s; the tasks are %s", label, asked,
                            quern_cli_nearest_hint(&nearest, hint), list);
}

int quern_cli_take(const struct quern_cli_verb *verb, const struct quern_cli_option *option, const char *label,
                   const char *argument)
{
    char expected[128], hint[QUERN_CLI_HINT];
    struct quern_cli_nearest nearest = {.asked = argument};
    if (option->argument != NULL && argument[0] == '\0' && option->kind != QUERN_CLI_KIND_TITLE)
        return quern_cli_misuse(verb->name, "%s: %s is empty", label, option->argument);
    if (read_argument(option, argument, (char *)verb->options + option->offset))
        return -1;
    if (option->kind == QUERN_CLI_KIND_TASK)
        return refuse_task(verb, label, argument);
    describe_arguments(option, expected);
    offer_words(&nearest, option->words);
    return quern_cli_misuse(verb->name, "%s takes %s, not '%s'%s", label, expected, argument,
                            quern_cli_nearest_hint(&nearest, hint));
}

/* ---------------------------------------------------------------- the command line */

/* A verb's options as getopt_long needs them. */
struct known {
    struct option names[MOST_OPTIONS];
    char letters[2 * MOST_OPTIONS];
};

static void describe(struct known *known, const struct quern_cli_verb *verb, size_t count)
{
    size_t length = 0;
    known->letters[length++] = ':'; /* getopt returns ':' for a missing argument, and prints nothing */
    for (size_t i = 0; i < count + COMMON_OPTIONS; i++) {
        const struct quern_cli_option *option = option_at(verb, count, i);
        const int argument = option->argument != NULL ? required_argument : no_argument;
        known->names[i] = (struct option){.name = option->name, .has_arg = argument, .val = (int)(FIRST_LONG + i)};
        if (option->letter == '\0')
            continue;
        known->letters[length++] = option->letter;
        if (option->argument != NULL)
            known->letters[length++] = ':';
    }
}

/* The place of the option that getopt has found. */
static size_t find_option(const struct quern_cli_verb *verb, size_t count, int key)
{
    size_t i = 0;
    if (key >= FIRST_LONG)
        return (size_t)(key - FIRST_LONG);
    while (option_at(verb, count, i)->letter != key)
        i++;
    return i;
}

/* Says what is wrong with an option that getopt does not take. key: what it returned; argument: where it stopped. */
static int refuse_option(const struct quern_cli_verb *verb, size_t count, int key, const char *argument)
{
    const size_t length = strcspn(argument, "="), name = length > 2 ? length - 2 : 0;
    struct quern_cli_nearest nearest = {.prefix = "--"};
    char asked[64], hint[QUERN_CLI_HINT];
    int beginnings = 0;
    if (key == ':' || optopt >= FIRST_LONG) {
        const struct quern_cli_option *option = option_at(verb, count, find_option(verb, count, optopt));
        return key == ':' ? quern_cli_misuse(verb->name, "--%s needs %s", option->name, option->argument)
                          : quern_cli_misuse(verb->name, "--%s takes no argument", option->name);
    }
    if (optopt != 0)
        return quern_cli_misuse(verb->name, "there is no option '-%c'", isprint(optopt) ? optopt : '?');
    snprintf(asked, sizeof asked, "%.*s", (int)(name < sizeof asked ? name : sizeof asked - 1), argument + 2);
    nearest.asked = asked;
    for (size_t i = 0; i < count + COMMON_OPTIONS; i++) {
        const char *word = option_at(verb, count, i)->name;
        beginnings += strncmp(word, asked, name) == 0;
        quern_cli_nearest_offer(&nearest, word, strlen(word));
    }
    if (beginnings > 1)
        return quern_cli_misuse(verb->name, "'--%s' is the beginning of more than one option", asked);
    return quern_cli_misuse(verb->name, "there is no option '--%s'%s", asked, quern_cli_nearest_hint(&nearest, hint));
}

/* given[i]: whether the command line has option i. */
static int take_command_line(const struct quern_cli_verb *verb, int argc, char **argv, bool given[MOST_OPTIONS])
{
    const size_t count = count_options(verb);
    struct known known = {0};
    char label[64];
    int code = -1, key;
    describe(&known, verb, count);
    while (code < 0 && (key = getopt_long(argc, argv, known.letters, known.names, NULL)) != -1) {
        if (key == '?' || key == ':')
            return refuse_option(verb, count, key, argv[optind - 1]);
        const size_t i = find_option(verb, count, key);
        if (i == count + HELP) {
            print_help(verb);
            return QUERN_CLI_DONE;
        }
        const struct quern_cli_option *option = option_at(verb, count, i);
        if (given[i] && option->kind != QUERN_CLI_KIND_TEXTS)
            return quern_cli_misuse(verb->name, "--%s is given twice", option->name);
        given[i] = true;
        if (i == count + QUIET) {
            quern_cli_quiet = true;
            continue;
        }
        snprintf(label, sizeof label, "--%s", option->name);
        code = quern_cli_take(verb, option, label, optarg);
    }
    return code;
}

int quern_cli_parse(const struct quern_cli_verb *verb, int argc, char **argv, struct quern_cli_arguments *arguments)
{
    bool given[MOST_OPTIONS] = {false};
    int code = take_command_line(verb, argc, argv, given);
    if (code < 0 && verb->environment)
        code = quern_cli_take_environment(verb, given);
    *arguments = (struct quern_cli_arguments){argv + optind, argc - optind};
    return code;
}
