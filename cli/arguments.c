#include "cli.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THREADS 256
#define MOST_DIMENSIONS 65536
#define MOST_SECONDS 3600
#define MOST_WAIT 86400 /* seconds */
#define FIRST_ROW 256   /* what getopt calls the first row by its long name: more than any letter */
#define MOST_RETRIES 1000

struct row {
    char key;
    const char *name, *argument, *help;
};

/* Every option that verbs share. Those with a lower-case key have it as their short form. */
static const struct row table[] = {
    {'m', "model", "FILE", "a GGUF file or a published name; else $QUERN_MODEL, the cache folder, the bundled one"},
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
    {'T', "type", "TYPE", NULL /* depends on the verb */},
    {'h', "help", NULL, "show this help"},
};
#define OPTIONS (sizeof table / sizeof table[0])

/* Options of one verb alone, which have no key but say where they go. */
static const struct own {
    const char *verb;
    struct row row;
    enum { AS_TEXT, AS_SWITCH, AS_COUNT, AS_BYTES, AS_SECONDS } kind;
    size_t offset;   /* in struct quern_cli_options */
    int least, most; /* of a count; most, of seconds */
} own[] = {
#define OWN_OPTION(verb, name, argument, help, kind, field, least, most) \
    {verb, {'\0', name, argument, help}, kind, offsetof(struct quern_cli_options, field), least, most}
#define SERVE(name, argument, help, kind, field, least, most) \
    OWN_OPTION("serve", name, argument, help, kind, serve.field, least, most)
    OWN_OPTION("attach-head", "dense-2", "FILE",
               "the first layer of the head: safetensors, or a model file with a head", AS_TEXT, dense[0], 0, 0),
    OWN_OPTION("attach-head", "dense-3", "FILE", "the second layer of the head", AS_TEXT, dense[1], 0, 0),
    OWN_OPTION("verify", "against", "WHAT",
               "compare vectors with those of this model file, or with exact ones of the same model", AS_TEXT, against,
               0, 0),
    OWN_OPTION("pull", "list", NULL, "list the published models that have a name", AS_SWITCH, list, 0, 0),
    OWN_OPTION("pull", "sha256", "DIGEST", "the SHA-256 that the file must have", AS_TEXT, sha256, 0, 0),
    OWN_OPTION("pull", "retries", "N", "failures in a row before giving up; default: 5", AS_COUNT, retries, 1,
               MOST_RETRIES),
    OWN_OPTION("pull", "stall", "S", "seconds, about, without a byte before trying again; default: 30", AS_COUNT, stall,
               1, MOST_SECONDS),
    SERVE("host", "ADDRESS", "address to listen on, or unix:PATH; default: 127.0.0.1", AS_TEXT, host, 0, 0),
    SERVE("port", "PORT", "port to listen on, 0 for any; default: 8080", AS_COUNT, port, 0, 65535),
    SERVE("model-name", "NAME", "what clients call the model; default: its file's name", AS_TEXT, model_name, 0, 0),
    SERVE("strict-model", NULL, "refuse requests for models of other names", AS_SWITCH, strict_model, 0, 0),
    SERVE("default-task", "TASK", "task of texts that come without one; default: none", AS_TEXT, default_task, 0, 0),
    SERVE("allow-token-ids", NULL, "accept inputs that are token ids of this model", AS_SWITCH, allow_token_ids, 0, 0),
    SERVE("step-tokens", "N", "tokens computed at once; default: 512", AS_COUNT, step_tokens, 1, 1 << 20),
    SERVE("timeout", "S", "seconds a request may wait for its vectors, 0 for ever; default: 300", AS_SECONDS, timeout,
          0, MOST_WAIT),
    SERVE("queue-tokens", "N", "tokens that may wait, and of one request; default: 524288", AS_COUNT, queue_tokens, 1,
          1 << 30),
    SERVE("queue-bytes", "N", "memory of all requests and answers; default: 268435456", AS_COUNT, queue_bytes, 1 << 16,
          INT_MAX),
    SERVE("cache", "BYTES", "memory for vectors of texts that may come again, as 256M; default: none", AS_BYTES,
          cache, 0, 0),
    SERVE("cache-file", "FILE", "keep that in FILE from one run to the next; default: none", AS_TEXT, cache_file, 0, 0),
    SERVE("max-body", "N", "bytes of a request; default: 16777216", AS_COUNT, max_body, 1, 1 << 30),
    SERVE("max-connections", "N", "connections open at once; default: 512", AS_COUNT, max_connections, 1, 1 << 20),
    SERVE("read-timeout", "S", "seconds for a head, and between signs of progress; default: 20", AS_SECONDS,
          read_timeout, 0, MOST_WAIT),
    SERVE("idle-timeout", "S", "seconds a connection may be idle; default: 90", AS_SECONDS, idle_timeout, 0, MOST_WAIT),
    SERVE("drain-timeout", "S", "seconds for what runs when told to end; default: 60", AS_SECONDS, drain_timeout, 0,
          MOST_WAIT),
    SERVE("api-key-file", "FILE", "a key a line, one of which every request is to have", AS_TEXT, api_key_file, 0, 0),
    SERVE("insecure", NULL, "let others in without a key", AS_SWITCH, insecure, 0, 0),
    SERVE("allowed-hosts", "NAMES", "names of this server in Host, with commas", AS_TEXT, allowed_hosts, 0, 0),
    SERVE("cors-origin", "ORIGINS", "web pages that may ask, with commas, or *", AS_TEXT, cors_origin, 0, 0),
    SERVE("no-sandbox", NULL, "keep the rights that serving does not need", AS_SWITCH, no_sandbox, 0, 0),
    SERVE("log-format", "FORMAT", "plain or json; default: plain", AS_TEXT, log_format, 0, 0),
#undef SERVE
#undef OWN_OPTION
};
#define OWN (sizeof own / sizeof own[0])

static const struct row *row_at(size_t i)
{
    return i < OPTIONS ? &table[i] : &own[i - OPTIONS].row;
}

static bool takes(const struct quern_cli_verb *verb, size_t i)
{
    if (i >= OPTIONS)
        return strcmp(own[i - OPTIONS].verb, verb->name) == 0;
    return table[i].key == 'h' || strchr(verb->options, table[i].key) != NULL;
}

/* An option's first column of help: "-m, --model FILE". Returns its length. */
static int write_left(char left[64], const struct row *row)
{
    const bool is_short = islower((unsigned char)row->key);
    return snprintf(left, 64, "%c%c%s--%s%s%s", is_short ? '-' : ' ', is_short ? row->key : ' ', is_short ? ", " : "  ",
                    row->name, row->argument != NULL ? " " : "", row->argument != NULL ? row->argument : "");
}

static void print_help(const struct quern_cli_verb *verb)
{
    char left[64];
    int width = 0;
    printf("usage: quern %s [OPTION...]%s%s\n\n%s\n\noptions:\n", verb->name, verb->arguments != NULL ? " " : "",
           verb->arguments != NULL ? verb->arguments : "", verb->summary);
    for (size_t i = 0; i < OPTIONS + OWN; i++)
        if (takes(verb, i) && write_left(left, row_at(i)) > width)
            width = (int)strlen(left);
    for (size_t i = 0; i < OPTIONS + OWN; i++) {
        const struct row *row = row_at(i);
        if (!takes(verb, i))
            continue;
        write_left(left, row);
        printf("  %-*s  ", width, left);
        if (row->key == 'f') {
            printf("%s; the first is the default\n", verb->formats);
        } else if (row->key == 'T') {
            puts(verb->types);
        } else if (row->key == 't') {
            fputs("what the texts are for:", stdout);
            for (int task = 0; quern_task_name(task) != NULL; task++)
                if (task == 5)
                    printf("\n%*s%s", width + 4, "", quern_task_name(task));
                else
                    printf(" %s", quern_task_name(task));
            putchar('\n');
        } else {
            puts(row->help);
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

static bool parse_number(const char *text, int least, int most, int *value)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || number < least || number > most)
        return false;
    *value = (int)number;
    return true;
}

static bool parse_count(const char *text, int most, int *value)
{
    return parse_number(text, 1, most, value);
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
    case 'T': options->type = argument; return -1;
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
                   : quern_cli_misuse(verb->name, "--seconds takes a number up to %d, not '%s'", MOST_SECONDS,
                                      argument);
    case 'f':
        options->format = argument;
        return is_listed(verb->formats, argument)
                   ? -1
                   : quern_cli_misuse(verb->name, "there is no format '%s', but %s", argument, verb->formats);
    }
    return -1;
}

/* A number of bytes, at least a million, or of K, M or G of 1,024 each. */
static bool parse_bytes(const char *text, size_t *bytes)
{
    static const char units[] = "KMG";
    char *end;
    const double number = strtod(text, &end);
    const char *unit = *end != '\0' ? strchr(units, toupper((unsigned char)*end)) : NULL;
    const double value = unit != NULL ? ldexp(number, 10 * (int)(unit - units + 1)) : number;
    *bytes = value >= 1e6 && value <= 0x1p46 ? (size_t)value : 0;
    return end != text && isdigit((unsigned char)text[0]) && end[unit != NULL] == '\0' && *bytes > 0;
}

/* Takes over an option that says itself how. */
static int apply_own(const struct own *option, struct quern_cli_options *options, const char *argument)
{
    void *field = (char *)options + option->offset;
    char *end;
    double seconds;
    switch (option->kind) {
    case AS_TEXT: *(const char **)field = argument; return -1;
    case AS_SWITCH: *(bool *)field = true; return -1;
    case AS_COUNT:
        return parse_number(argument, option->least, option->most, field)
                   ? -1
                   : quern_cli_misuse(option->verb, "--%s takes %d to %d%s, not '%s'", option->row.name, option->least,
                                      option->most, strcmp(option->row.argument, "S") == 0 ? " seconds" : "", argument);
    case AS_BYTES:
        return parse_bytes(argument, field)
                   ? -1
                   : quern_cli_misuse(option->verb, "--%s takes a size of at least 1M, as 256M, not '%s'",
                                      option->row.name, argument);
    case AS_SECONDS: break;
    }
    seconds = strtod(argument, &end);
    if (end == argument || *end != '\0' || !(seconds >= 0 && seconds <= option->most))
        return quern_cli_misuse(option->verb, "--%s takes seconds up to %d, not '%s'", option->row.name, option->most,
                                argument);
    *(double *)field = seconds;
    return -1;
}

/* Takes over option i. Nothing but a title may be empty: it is what a variable gives that was not set. */
static int apply_row(const struct quern_cli_verb *verb, struct quern_cli_options *options, size_t i, char *argument)
{
    const struct row *row = row_at(i);
    if (row->argument != NULL && argument[0] == '\0' && row->key != 'L')
        return quern_cli_misuse(verb->name, "--%s: %s is empty", row->name, row->argument);
    return i < OPTIONS ? apply(verb, options, table[i].key, argument) : apply_own(&own[i - OPTIONS], options, argument);
}

/* What $QUERN_... says, before the command line has its word. A switch takes 1 or 0. */
static int apply_environment(const struct quern_cli_verb *verb, struct quern_cli_options *options)
{
    for (size_t i = 0; i < OPTIONS + OWN; i++) {
        const struct row *row = row_at(i);
        char name[64] = "QUERN_";
        if (!takes(verb, i) || row->key == 'h')
            continue;
        for (size_t j = 0; row->name[j] != '\0'; j++)
            name[j + 6] = row->name[j] == '-' ? '_' : (char)toupper((unsigned char)row->name[j]);
        char *value = getenv(name);
        if (value == NULL || value[0] == '\0' || (row->argument == NULL && strcmp(value, "0") == 0))
            continue;
        if (row->argument == NULL && strcmp(value, "1") != 0)
            return quern_cli_misuse(verb->name, "$%s takes 1 or 0, not '%s'", name, value);
        int code = apply_row(verb, options, i, value);
        if (code >= 0)
            return code;
    }
    return -1;
}

/* getopt has said what is wrong. */
static int misread(const struct quern_cli_verb *verb)
{
    fprintf(stderr, "quern: see 'quern %s --help'\n", verb->name);
    return QUERN_CLI_USAGE;
}

int quern_cli_parse(const struct quern_cli_verb *verb, int argc, char **argv, struct quern_cli_options *options)
{
    static char program[] = "quern";
    struct option known[OPTIONS + OWN + 1] = {0};
    char letters[2 * OPTIONS + 1];
    size_t rows[FIRST_ROW]; /* of the letters */
    size_t count = 0, length = 0;
    for (size_t i = 0; i < OPTIONS + OWN; i++) {
        const struct row *row = row_at(i);
        if (!takes(verb, i))
            continue;
        int argument = row->argument != NULL ? required_argument : no_argument;
        known[count++] = (struct option){.name = row->name, .has_arg = argument, .val = (int)(FIRST_ROW + i)};
        if (islower((unsigned char)row->key)) {
            rows[(unsigned char)row->key] = i;
            letters[length++] = row->key;
            if (argument == required_argument)
                letters[length++] = ':';
        }
    }
    letters[length] = '\0';
    *options = (struct quern_cli_options){.task = -1, .serve = quern_cli_serve_defaults};
    argv[0] = program; /* for getopt's messages */
    int code = verb->environment ? apply_environment(verb, options) : -1;
    for (int key; code < 0 && (key = getopt_long(argc, argv, letters, known, NULL)) != -1;)
        code = key == '?' ? misread(verb)
                          : apply_row(verb, options, key < FIRST_ROW ? rows[key] : (size_t)(key - FIRST_ROW), optarg);
    if (code >= 0)
        return code;
    options->texts = argv + optind;
    options->text_count = argc - optind;
    if (options->title != NULL && options->task != -1 && options->task != QUERN_TASK_DOCUMENT)
        return quern_cli_misuse(verb->name, "--title goes with the task document only");
    return -1;
}
