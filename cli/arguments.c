#include "arguments.h"

#include "environment.h"

#include <ctype.h>
#include <getopt.h>
#include <string.h>

#define TEXT 1          /* what getopt returns for a word that is no option */
#define FIRST_LONG 256  /* what getopt returns for the first long option: above every letter */

const struct quern_cli_option quern_cli_common_options[] = {
    {.name = "quiet", .letter = 'q', .help = "say nothing but errors", .kind = QUERN_CLI_KIND_QUIET},
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

/* ---------------------------------------------------------------- the command line */

/* A verb's options as getopt_long needs them. */
struct known {
    struct option names[QUERN_CLI_MOST_OPTIONS];
    char letters[2 * QUERN_CLI_MOST_OPTIONS + 2];
};

static void describe(struct known *known, const struct quern_cli_verb *verb, size_t count)
{
    size_t length = 0;
    known->letters[length++] = '-'; /* getopt returns TEXT for a text, wherever it stands, also with $POSIXLY_CORRECT */
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

/* The option that a word names, up to a "=": by its whole name, or also by its letter. NULL: none. */
static const struct quern_cli_option *named_option(const struct quern_cli_verb *verb, const char *word, bool or_letter)
{
    const size_t count = count_options(verb), length = strcspn(word, "=");
    for (size_t i = 0; i < count + COMMON_OPTIONS; i++) {
        const struct quern_cli_option *option = option_at(verb, count, i);
        if ((strlen(option->name) == length && memcmp(word, option->name, length) == 0) ||
            (or_letter && length == 1 && word[0] == option->letter))
            return option;
    }
    return NULL;
}

/* Words that other programs have for options. An entry counts for verbs that have its option. */
static const struct {
    const char *names, *option;
} other_names[] = {{"dimension|dimensions|dim", "dims"}, {"input-type|prompt-name|prompt", "task"},
                   {"output-format|output-type", "format"}, {"file|text-file|in", "input"},
                   {"out|output-file", "output"}, {"cors|cors-origins|origins", "cors-origin"}, {"silent", "quiet"},
                   {"alias|served-model-name", "model-name"}, {"num-threads|jobs|workers", "threads"},
                   {"bind|address|listen|hostname", "host"}, {"truncation", "truncate"}, {"null-data|print0", "null"},
                   {"no-normalise|raw", "no-normalize"}, {"json-log|json", "log-format"}, {"json", "format"},
                   {"quantization", "type"}};

/* Finds the option that is probably meant by a name. Returns how many options begin with it. */
static int find_nearest(const struct quern_cli_verb *verb, struct quern_nearest *nearest)
{
    const size_t count = count_options(verb), length = strlen(nearest->asked);
    int beginnings = 0;
    for (size_t i = 0; i < count + COMMON_OPTIONS; i++) {
        const char *word = option_at(verb, count, i)->name;
        beginnings += strncmp(word, nearest->asked, length) == 0;
        quern_nearest_offer(nearest, word, strlen(word));
    }
    for (size_t i = 0; i < QUERN_COUNT(other_names); i++)
        if (named_option(verb, other_names[i].option, false) != NULL)
            quern_nearest_offer_names(nearest, other_names[i].names, other_names[i].option);
    return beginnings;
}

/* Says what is wrong with a letter that is no option. word: what it stands in, which may be a long name behind one
 * hyphen. */
static int refuse_letter(const struct quern_cli_verb *verb, int letter, const char *word)
{
    char asked[64], hint[QUERN_NEAREST_HINT];
    struct quern_nearest nearest = {.asked = asked, .prefix = "--"};
    snprintf(asked, sizeof asked, "%.*s", (int)strcspn(word + 1, "="), word + 1);
    if (strlen(asked) > 2)
        find_nearest(verb, &nearest);
    if (nearest.word != NULL)
        return quern_cli_misuse(verb->name, "there is no option '-%s'%s", asked,
                                quern_nearest_hint(&nearest, hint));
    return quern_cli_misuse(verb->name, "there is no option '-%c'", isprint(letter) ? letter : '?');
}

/* Says what is wrong with an option that getopt does not take. key: what it returned; words: where it stopped, the word
 * before this place and the one there, or NULL. */
static int refuse_option(const struct quern_cli_verb *verb, size_t count, int key, char *const words[2])
{
    const char *argument = words[0];
    const size_t length = strcspn(argument, "="), name = length > 2 ? length - 2 : 0;
    struct quern_nearest nearest = {.prefix = "--"};
    char asked[64], hint[QUERN_NEAREST_HINT];
    if (key == ':' || optopt >= FIRST_LONG) {
        const struct quern_cli_option *option = option_at(verb, count, find_option(verb, count, optopt));
        return option->argument != NULL /* key does not tell: it is always ':' in the getopt of BSD */
                   ? quern_cli_misuse(verb->name, "--%s needs %s", option->name, option->argument)
                   : quern_cli_misuse(verb->name, "--%s takes no argument", option->name);
    }
    if (optopt != 0) { /* unless the letter is the last one of a word, getopt still stands before the word */
        const bool is_inside = words[1] != NULL && words[1][0] == '-' && words[1][1] != '-' &&
                               strchr(words[1], optopt) != NULL;
        return refuse_letter(verb, optopt, words[is_inside]);
    }
    snprintf(asked, sizeof asked, "%.*s", (int)(name < sizeof asked ? name : sizeof asked - 1), argument + 2);
    nearest.asked = asked;
    if (find_nearest(verb, &nearest) > 1)
        return quern_cli_misuse(verb->name, "'--%s' is the beginning of more than one option", asked);
    return quern_cli_misuse(verb->name, "there is no option '--%s'%s", asked, quern_nearest_hint(&nearest, hint));
}

/* Refuses an option of other programs that getopt takes for the beginning of one that wants something else: a key,
 * which would be taken for the name of a file and repeated in a message. -1: it is none. word: the option as it is
 * given. */
static int refuse_key(const struct quern_cli_verb *verb, const char *word)
{
    static const char option[] = "--api-key";
    if (strncmp(word, option, strlen(option)) != 0 || strchr("=", word[strlen(option)]) == NULL)
        return -1;
    return quern_cli_misuse(verb->name, "there is no option %s, because other users of the machine can see what a "
                            "command line holds: write the key to a file for --api-key-file, or to $QUERN_API_KEY",
                            option);
}

/* Refuses a long name behind one hyphen, as in "-model x", which otherwise is -m with the argument "odel". -1: it is
 * none. word: the argument of the command line that getopt has read last; value: what it takes as the option's. */
static int refuse_one_hyphen(const struct quern_cli_verb *verb, const char *word, const char *value)
{
    const struct quern_cli_option *option = value == word + 2 ? named_option(verb, word + 1, false) : NULL;
    return option == NULL ? -1 : quern_cli_misuse(verb->name, "a long option has two hyphens, not as in '%s' (did you "
                                                  "mean '--%s'?)", word, option->name);
}

/* Refuses options that begin with a dash in place of hyphens, as programs that set texts write them: otherwise they
 * would be texts. "--" before them says that they are. */
static int refuse_dashes(const struct quern_cli_verb *verb, char **words, int count)
{
    static const char *const dashes[] = {"\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212"};
    for (int i = 0; i < count; i++)
        for (size_t j = 0; j < QUERN_COUNT(dashes); j++) {
            const char *rest = words[i] + strlen(dashes[j]);
            if (strncmp(words[i], dashes[j], strlen(dashes[j])) != 0)
                continue;
            rest += strncmp(rest, dashes[j], strlen(dashes[j])) == 0 ? strlen(dashes[j]) : 0;
            const struct quern_cli_option *option = named_option(verb, rest, true);
            if (option != NULL)
                return quern_cli_misuse(verb->name, "'%s' begins with a dash, options with hyphens (did you mean "
                                        "'--%s'?); for a text, put -- before it", words[i], option->name);
        }
    return -1;
}

/* given[i]: whether the command line has option i. *texts: how many words are no options; they stand behind argv[0]
 * afterwards. */
static int take_command_line(const struct quern_cli_verb *verb, int argc, char **argv,
                             bool given[QUERN_CLI_MOST_OPTIONS], int *texts)
{
    const size_t count = count_options(verb);
    struct known known = {0};
    char label[64];
    int code = -1, key;
    describe(&known, verb, count);
    while (code < 0 && (key = getopt_long(argc, argv, known.letters, known.names, NULL)) != -1) {
        if (key == TEXT) {
            argv[1 + (*texts)++] = optarg; /* over a word that getopt has read */
            continue;
        }
        if (key == '?' || key == ':')
            return refuse_option(verb, count, key, argv + optind - 1);
        const size_t i = find_option(verb, count, key);
        if (i == count + HELP) {
            print_help(verb);
            return QUERN_CLI_DONE;
        }
        const struct quern_cli_option *option = option_at(verb, count, i);
        if (optarg != NULL && key < FIRST_LONG && (code = refuse_one_hyphen(verb, argv[optind - 1], optarg)) >= 0)
            return code;
        if (key >= FIRST_LONG && (code = refuse_key(verb, argv[optind - 1 - (optarg == argv[optind - 1])])) >= 0)
            return code;
        if (given[i] && option->kind != QUERN_CLI_KIND_TEXTS)
            return quern_cli_misuse(verb->name, "--%s is given twice", option->name);
        given[i] = true;
        snprintf(label, sizeof label, "--%s", option->name);
        code = quern_cli_take(verb, option, label, optarg);
    }
    if (code < 0 && strcmp(argv[optind - 1], "--") != 0)
        code = refuse_dashes(verb, argv + 1, *texts);
    while (code < 0 && optind < argc)
        argv[1 + (*texts)++] = argv[optind++];
    return code;
}

int quern_cli_parse(const struct quern_cli_verb *verb, int argc, char **argv, struct quern_cli_arguments *arguments)
{
    bool given[QUERN_CLI_MOST_OPTIONS] = {false};
    int texts = 0, code = take_command_line(verb, argc, argv, given, &texts);
    if (code < 0 && verb->environment)
        code = quern_cli_take_environment(verb, given);
    *arguments = (struct quern_cli_arguments){argv + 1, texts, 0};
    quern_cli_too_long_hint = named_option(verb, "truncate", false) != NULL ? " (--truncate)" : "";
    for (size_t i = 0; i < count_options(verb); i++)
        arguments->given |= (uint64_t)given[i] << i;
    for (int i = 0; code < 0 && verb->takes_names && i < arguments->count; i++)
        if (arguments->texts[i][0] == '\0')
            code = quern_cli_misuse(verb->name, "argument %d is empty; a name must stand there", i + 1);
    return code;
}

int quern_cli_allow(const struct quern_cli_verb *verb, struct quern_cli_arguments arguments, const char *names,
                    const char *use)
{
    for (size_t i = 0; i < count_options(verb); i++)
        if ((arguments.given >> i & 1) != 0 && quern_cli_find_word(names, verb->table[i].name) < 0)
            return quern_cli_misuse(verb->name, "--%s does not go with %s", verb->table[i].name, use);
    return QUERN_CLI_DONE;
}
