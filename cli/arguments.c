#include "cli.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THREADS 256
#define MOST_DIMENSIONS 65536
#define MOST_SECONDS 3600
#define MOST_RETRIES 1000

/* Every option there is. Those with a lower-case key have it as their short form. */
static const struct {
    char key;
    const char *name, *argument, *help;
} table[] = {
    {'m', "model", "FILE", "the model, a GGUF file or a published name; else $QUERN_MODEL, the cache folder, the bundled one"},
    {'t', "task", "TASK", NULL /* written out below, from the library's list */},
    {'L', "title", "TITLE", "the title of the document, for the task document"},
    {'d', "dims", "DIMS", "leading dimensions to keep (768, 512, 256, 128); default: all"},
    {'D', "dims", "LIST", "dimensions to measure, as 768,256; default: all, and halves down to 64"},
    {'f', "format", "FORMAT", NULL /* depends on the verb */},
    {'i', "input", "FILE", "read texts from FILE, one a line"},
    {'o', "output", "FILE", "write to FILE, which appears when it is complete"},
    {'0', "null", NULL, "texts in the input end with NUL bytes instead of newlines"},
    {'J', "threads", "N", "threads that compute; default: the CPUs this process may use"},
    {'E', "exact", NULL, "compute with float32 activations: slower, within 1e-6 of the exact vector"},
    {'N', "no-normalize", NULL, "leave the length of the vectors as the model gives it"},
    {'C', "truncate", NULL, "cut texts that are longer than the model takes, instead of failing"},
    {'P', "parse-special", NULL, "special tokens spelled in a text become those tokens; for trusted text only"},
    {'S', "no-special", NULL, "leave out the tokens that open and close every text"},
    {'A', "json", NULL, "print JSON"},
    {'K', "tokens", "LENGTHS", "lengths of texts for latency, as 8,16,128"},
    {'B', "batches", "LIST", "batches for throughput, as 64x128,256x16: texts x tokens"},
    {'O', "only", "SECTIONS", "measure these only, as latency,batches"},
    {'W', "seconds", "S", "time for every row; default: 0.5"},
    {'R', "report", "FILE", "write the report to FILE as Markdown"},
    {'X', "texts", "FOLDER", "keep the texts that are tokenised in FOLDER"},
    {'6', "sha256", "DIGEST", "the SHA-256 that the file must have"},
    {'7', "retries", "N", "failures in a row before giving up; default: 5"},
    {'8', "stall", "S", "seconds, about, without a byte before trying again; default: 30"},
    {'5', "list", NULL, "list the published models that have a name"},
    {'h', "help", NULL, "show this help"},
};
#define OPTIONS (sizeof table / sizeof table[0])

static bool takes(const struct quern_cli_verb *verb, char key)
{
    return key == 'h' || strchr(verb->options, key) != NULL;
}

static void print_help(const struct quern_cli_verb *verb)
{
    printf("usage: quern %s %s\n\n%s\n\noptions:\n", verb->name, verb->synopsis, verb->summary);
    for (size_t i = 0; i < OPTIONS; i++) {
        char left[64];
        if (!takes(verb, table[i].key))
            continue;
        bool is_short = islower((unsigned char)table[i].key);
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", is_short ? '-' : ' ', is_short ? table[i].key : ' ',
                 is_short ? ", " : "  ", table[i].name, table[i].argument != NULL ? " " : "",
                 table[i].argument != NULL ? table[i].argument : "");
        printf("  %-22s ", left);
        if (table[i].key == 'f') {
            printf("%s; the first is the default\n", verb->formats);
        } else if (table[i].key == 't') {
            fputs("what the texts are for:", stdout);
            for (int task = 0; quern_task_name(task) != NULL; task++)
                printf("%s%s", task == 5 ? "\n                         " : " ", quern_task_name(task));
            putchar('\n');
        } else {
            puts(table[i].help);
        }
    }
    printf("\n%s", verb->more);
}

/* Whether name is one of the parts of list between '|'. */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *part = list;; part = strchr(part, '|') + 1) {
        if (strncmp(part, name, length) == 0 && (part[length] == '|' || part[length] == '\0') && length > 0)
            return true;
        if (strchr(part, '|') == NULL)
            return false;
    }
}

static bool parse_count(const char *text, int most, int *value)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || number < 1 || number > most)
        return false;
    *value = (int)number;
    return true;
}

static bool parse_seconds(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value > 0 && *value <= MOST_SECONDS;
}

/* Numbers of dimensions, with commas between them. */
static int parse_list(const struct quern_cli_verb *verb, char *argument, struct quern_cli_options *options)
{
    for (char *part = argument;; *part++ = ',') {
        char *end = part + strcspn(part, ",");
        bool is_last = *end == '\0';
        *end = '\0';
        if (options->dims_count == QUERN_CLI_DIMS ||
            !parse_count(part, MOST_DIMENSIONS, &options->dims[options->dims_count++]))
            return quern_cli_misuse(verb->name, "--dims takes at most %d numbers as 768,256, not '%s'", QUERN_CLI_DIMS,
                                    part);
        part = end;
        if (is_last)
            return -1;
    }
}

/* Takes one option over. An exit code, or -1 when it is fine. */
static int apply(const struct quern_cli_verb *verb, struct quern_cli_options *options, int key, char *argument)
{
    switch (key) {
    case 'm': options->model = argument; return -1;
    case 'L': options->title = argument; return -1;
    case 'i': options->input = argument; return -1;
    case 'o': options->output = argument; return -1;
    case '0': options->null = true; return -1;
    case 'E': options->exact = true; return -1;
    case 'N': options->no_normalize = true; return -1;
    case 'C': options->truncate = true; return -1;
    case 'P': options->parse_special = true; return -1;
    case 'S': options->no_special = true; return -1;
    case 'A': options->json = true; return -1;
    case 'K': options->tokens = argument; return -1;
    case 'B': options->batches = argument; return -1;
    case 'O': options->only = argument; return -1;
    case 'R': options->report = argument; return -1;
    case 'X': options->texts_folder = argument; return -1;
    case '6': options->sha256 = argument; return -1;
    case '7':
        return parse_count(argument, MOST_RETRIES, &options->retries)
                   ? -1
                   : quern_cli_misuse(verb->name, "--retries takes 1 to %d, not '%s'", MOST_RETRIES, argument);
    case '8':
        return parse_count(argument, MOST_SECONDS, &options->stall)
                   ? -1
                   : quern_cli_misuse(verb->name, "--stall takes 1 to %d seconds, not '%s'", MOST_SECONDS, argument);
    case '5': options->list = true; return -1;
    case 'h': print_help(verb); return QUERN_CLI_DONE;
    case 't':
        options->task = quern_task_find(argument);
        return options->task >= 0 ? -1 : quern_cli_misuse(verb->name, "there is no task '%s'", argument);
    case 'D': return parse_list(verb, argument, options);
    case 'd':
        return parse_count(argument, MOST_DIMENSIONS, &options->dimensions)
                   ? -1
                   : quern_cli_misuse(verb->name, "-d takes a number of dimensions, not '%s'", argument);
    case 'J':
        return parse_count(argument, MOST_THREADS, &options->threads)
                   ? -1
                   : quern_cli_misuse(verb->name, "--threads takes 1 to %d, not '%s'", MOST_THREADS, argument);
    case 'W':
        return parse_seconds(argument, &options->seconds)
                   ? -1
                   : quern_cli_misuse(verb->name, "--seconds takes a number up to %d, not '%s'", MOST_SECONDS, argument);
    case 'f':
        options->format = argument;
        return is_listed(verb->formats, argument)
                   ? -1
                   : quern_cli_misuse(verb->name, "there is no format '%s', but %s", argument, verb->formats);
    default: /* getopt has said what is wrong */
        fprintf(stderr, "quern: see 'quern %s --help'\n", verb->name);
        return QUERN_CLI_USAGE;
    }
}

int quern_cli_parse(const struct quern_cli_verb *verb, int argc, char **argv, struct quern_cli_options *options)
{
    static char program[] = "quern";
    struct option known[OPTIONS + 1] = {0};
    char letters[2 * OPTIONS + 1];
    size_t count = 0, length = 0;
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!takes(verb, table[i].key))
            continue;
        int argument = table[i].argument != NULL ? required_argument : no_argument;
        known[count++] = (struct option){.name = table[i].name, .has_arg = argument, .val = table[i].key};
        if (islower((unsigned char)table[i].key)) {
            letters[length++] = table[i].key;
            if (argument == required_argument)
                letters[length++] = ':';
        }
    }
    letters[length] = '\0';
    *options = (struct quern_cli_options){.task = -1};
    argv[0] = program; /* for getopt's messages */
    for (int key; (key = getopt_long(argc, argv, letters, known, NULL)) != -1;) {
        int code = apply(verb, options, key, optarg);
        if (code >= 0)
            return code;
    }
    options->texts = argv + optind;
    options->text_count = argc - optind;
    if (options->title != NULL && options->task != -1 && options->task != QUERN_TASK_DOCUMENT)
        return quern_cli_misuse(verb->name, "--title goes with the task document only");
    return -1;
}
