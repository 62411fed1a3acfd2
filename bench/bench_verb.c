/* The verb `quern bench`: reads its arguments, opens the model, runs the sections in order, prints the report. */
#include "bench.h"

#include "base/count.h"
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct section {
    const char *name;
    int (*run)(struct quern_bench *bench);
} sections[] = {
    {"load", quern_bench_load}, /* must be first: it measures memory, and opens the model itself */
    {"tokenize", quern_bench_tokenize}, {"forward", quern_bench_forward}, {"latency", quern_bench_latency},
    {"batches", quern_bench_batches},   {"threads", quern_bench_threads}, {"stages", quern_bench_stages},
    {"kernels", quern_bench_kernels},     {"search", quern_bench_search}};
#define SECTIONS QUERN_COUNT(sections)

/* ---------------------------------------------------------------- arguments */

/* Whether name[length] is the name of a section. */
static bool is_section(const char *name, size_t length)
{
    for (size_t s = 0; s < SECTIONS; s++)
        if (strlen(sections[s].name) == length && strncmp(sections[s].name, name, length) == 0)
            return true;
    return false;
}

/* Whether a section must run: the list names it, or there is no list. Search is measured only when it is named, because
 * it writes gigabytes. */
static bool is_wanted(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *part = list; part != NULL; part = strchr(part, ',') != NULL ? strchr(part, ',') + 1 : NULL)
        if (strcspn(part, ",") == length && strncmp(part, name, length) == 0)
            return true;
    return list == NULL && strcmp(name, "search") != 0;
}

static int refuse_section(const char *name, size_t length)
{
    char asked[32], list[128] = "", hint[QUERN_NEAREST_HINT];
    struct quern_nearest nearest = {.asked = asked};
    snprintf(asked, sizeof asked, "%.*s", (int)(length < sizeof asked ? length : sizeof asked - 1), name);
    for (size_t s = 0, at = 0; s < SECTIONS && at < sizeof list; s++) {
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", s > 0 ? ", " : "", sections[s].name);
        quern_nearest_offer(&nearest, sections[s].name, strlen(sections[s].name));
    }
    return quern_cli_misuse("bench", "--only: there is no section '%s'%s; the sections are %s", asked,
                            quern_nearest_hint(&nearest, hint), list);
}

static int check_only(const char *list)
{
    for (const char *part = list; part != NULL; part = strchr(part, ',') != NULL ? strchr(part, ',') + 1 : NULL)
        if (!is_section(part, strcspn(part, ",")))
            return refuse_section(part, strcspn(part, ","));
    return -1;
}

/* Refuses an option of a section that is not measured. Returns an exit code, or -1 to go on. */
static int check_sections(const struct quern_bench_options *options)
{
    const struct {
        bool given;
        const char *option, *section;
    } own[] = {{options->texts_folder != NULL, "texts", "tokenize"}, {options->tokens.count > 0, "tokens", "latency"},
               {options->batches != NULL, "batches", "batches"}, {options->rows.count > 0, "rows", "search"}};
    for (size_t i = 0; i < QUERN_COUNT(own); i++)
        if (own[i].given && !is_wanted(options->only, own[i].section))
            return quern_cli_misuse("bench", "--%s goes with the section %s: name it with --only", own[i].option,
                                    own[i].section);
    return -1;
}

/* Reads one number from 1 to most. It must be followed by one of the characters in end, or by the end of the text. */
static bool parse_number(const char **text, const char *end, int most, int *number)
{
    char *rest;
    const long value = strtol(*text, &rest, 10);
    if (!isdigit((unsigned char)**text) || value < 1 || value > most || (*rest != '\0' && strchr(end, *rest) == NULL))
        return false;
    *text = rest;
    *number = (int)value;
    return true;
}

enum { MOST_INDEX_ROWS = 100000000, MOST_TOKENS = 1 << 15, MOST_TEXTS = 1 << 16, MOST_BATCHES = 16 };

static int parse_batches(struct quern_bench *bench, const char *list)
{
    bench->batch_count = 0;
    for (const char *part = list;; part++) {
        const int i = bench->batch_count++;
        if (i == MOST_BATCHES || !parse_number(&part, "x", MOST_TEXTS, &bench->batches[i].texts) || *part++ != 'x' ||
            !parse_number(&part, ",", MOST_TOKENS, &bench->batches[i].tokens))
            return quern_cli_misuse("bench", "--batches takes up to %d of TEXTSxTOKENS as 64x128,256x16, not '%s'",
                                    MOST_BATCHES, list);
        if (*part == '\0')
            return -1;
    }
}

/* Sets the defaults of options that were not given. Returns an exit code, or -1 to go on. */
static int read_options(struct quern_bench *bench, const struct quern_bench_options *options,
                        struct quern_cli_arguments arguments)
{
    static const struct quern_cli_numbers rows = {1, {100000}};
    static const struct quern_cli_numbers lengths = {9, {8, 16, 32, 64, 128, 256, 512, 1024, 2048}};
    bench->options = *options;
    bench->rows = options->rows.count > 0 ? options->rows : rows;
    bench->lengths = options->tokens.count > 0 ? options->tokens : lengths;
    if (arguments.count > 0)
        return quern_cli_misuse("bench", "it takes no arguments; name the model with -m");
    if (options->seconds <= 0)
        return quern_cli_misuse("bench", "--seconds takes a number above 0");
    int code = check_only(options->only);
    if (code < 0)
        code = check_sections(options);
    if (code < 0)
        code = parse_batches(bench, options->batches != NULL
                                        ? options->batches
                                        : "1x16,8x16,16x16,32x16,64x16,256x16,1x128,8x128,16x128,32x128,64x128");
    return code;
}

/* Removes lengths that are too long for the model. It is an error if the user asked for them. */
static int fit_lengths(struct quern_bench *bench)
{
    const int limit = bench->session.info.context_length;
    int kept = 0;
    for (int i = 0; i < bench->lengths.count; i++)
        if (bench->lengths.values[i] <= limit)
            bench->lengths.values[kept++] = bench->lengths.values[i];
        else if (bench->options.tokens.count > 0)
            return quern_cli_misuse("bench", "the model takes %d tokens, not %d", limit, bench->lengths.values[i]);
    bench->lengths.count = kept;
    kept = 0;
    for (int i = 0; i < bench->batch_count; i++)
        if (bench->batches[i].tokens <= limit)
            bench->batches[kept++] = bench->batches[i];
        else if (bench->options.batches != NULL)
            return quern_cli_misuse("bench", "the model takes %d tokens, not %d", limit, bench->batches[i].tokens);
    bench->batch_count = kept;
    return QUERN_CLI_DONE;
}

/* ---------------------------------------------------------------- running */

/* Makes random token ids, from the part of the vocabulary where words are. */
static int make_ids(struct quern_bench *bench)
{
    const uint32_t words = (uint32_t)bench->session.info.vocabulary, first = words / 4;
    uint32_t random = 2463534242u;
    bench->ids = malloc(QUERN_BENCH_IDS * sizeof *bench->ids);
    if (bench->ids == NULL)
        return quern_fail(&bench->error, QUERN_ENOMEM, "no memory for token ids");
    for (int i = 0; i < QUERN_BENCH_IDS; i++) { /* xorshift32 */
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        bench->ids[i] = (int32_t)(first + random % (words - first));
    }
    return QUERN_OK;
}

/* Runs the sections first to last - 1. */
static int run_sections(struct quern_bench *bench, size_t first, size_t last)
{
    const bool shown = !quern_cli_quiet && quern_cli_is_terminal(STDERR_FILENO);
    int code = QUERN_OK;
    for (size_t s = first; s < last && code == QUERN_OK; s++) {
        if (!is_wanted(bench->options.only, sections[s].name))
            continue;
        if (shown)
            fprintf(stderr, "\r%s ...\x1b[K", sections[s].name);
        code = sections[s].run(bench);
    }
    if (shown)
        fputs("\r\x1b[K", stderr);
    return code;
}

static int run_all(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"name", "", QUERN_BENCH_TEXT}, {"value", "", QUERN_BENCH_TEXT}, {NULL, NULL, 0}};
    quern_bench_table_add(&bench->report, "system", "System", NULL, columns);
    int code = run_sections(bench, 0, 1);
    if (code == QUERN_OK) {
        const int opened = quern_cli_session_open(&bench->session, &bench->options.session);
        if (opened != QUERN_CLI_DONE)
            return opened;
        const int fitting = fit_lengths(bench);
        if (fitting != QUERN_CLI_DONE)
            return fitting;
        code = make_ids(bench);
    }
    if (code == QUERN_OK)
        code = quern_bench_system(bench);
    if (code == QUERN_OK)
        code = run_sections(bench, 1, SECTIONS);
    if (code == QUERN_OK && bench->report.failed)
        code = quern_fail(&bench->error, QUERN_ENOMEM, "no memory for the report");
    if (code != QUERN_OK)
        quern_cli_say("%s", bench->error.text);
    return code == QUERN_OK ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

/* Measures and prints the report. The report's file is opened first, so that a wrong file name is found before minutes
 * of measuring, not after. */
static int measure(struct quern_bench *bench)
{
    struct quern_cli_output report = {0};
    int code = QUERN_CLI_DONE;
    if (bench->options.report != NULL)
        code = quern_cli_output_open(&report, bench->options.report, false);
    if (code == QUERN_CLI_DONE && report.file == stdout && bench->options.json)
        code = quern_cli_misuse("bench", "--report and --json would both go to standard output: name a file");
    if (code == QUERN_CLI_DONE)
        code = run_all(bench);
    if (code == QUERN_CLI_DONE && bench->options.json)
        quern_bench_print_json(&bench->report, stdout);
    if (code == QUERN_CLI_DONE && (report.file != NULL || !bench->options.json))
        quern_bench_print_markdown(&bench->report, report.file != NULL ? report.file : stdout);
    if (code == QUERN_CLI_DONE && report.file != NULL)
        code = quern_cli_output_finish(&report);
    quern_cli_output_discard(&report);
    return code;
}

static int bench_run(const void *options, struct quern_cli_arguments arguments)
{
    static struct quern_bench bench;
    static struct quern_cli_temporary temporary;
    int code = read_options(&bench, options, arguments);
    if (code >= 0)
        return code;
    if (bench.options.session.model == NULL)
        bench.options.session.model = getenv("QUERN_MODEL");
    if (bench.options.session.model == NULL || bench.options.session.model[0] == '\0')
        bench.options.session.model = quern_bench_made_model(&temporary);
    if (bench.options.session.model != NULL)
        bench.options.session.model = quern_cli_session_find(bench.options.session.model);
    code = bench.options.session.model != NULL ? measure(&bench) : QUERN_CLI_FAILED;
    quern_cli_session_close(&bench.session);
    quern_bench_report_free(&bench.report);
    free(bench.ids);
    quern_cli_temporary_remove(&temporary);
    return code;
}

static struct quern_bench_options defaults = {.seconds = 0.5};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct quern_bench_options),
    QUERN_CLI_THREADS_OPTION(struct quern_bench_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct quern_bench_options),
    {"only", '\0', "SECTIONS", "measure these only, for example latency,batches",
     QUERN_CLI_TEXT(struct quern_bench_options, only)},
    {"tokens", '\0', "LENGTHS", "lengths of texts for latency, for example 8,16,128",
     QUERN_CLI_LIST(struct quern_bench_options, tokens, MOST_TOKENS)},
    {"batches", '\0', "LIST", "batches for throughput, for example 64x128,256x16: texts x tokens",
     QUERN_CLI_TEXT(struct quern_bench_options, batches)},
    {"rows", '\0', "NUMBERS", "rows of the indexes that are searched; default: 100000",
     QUERN_CLI_LIST(struct quern_bench_options, rows, MOST_INDEX_ROWS)},
    {"seconds", '\0', "S", "time for every row; default: 0.5",
     QUERN_CLI_SECONDS(struct quern_bench_options, seconds, 3600)},
    {"texts", '\0', "FOLDER", "keep the texts that are tokenised in FOLDER",
     QUERN_CLI_TEXT(struct quern_bench_options, texts_folder)},
    QUERN_CLI_JSON_OPTION(struct quern_bench_options),
    {"report", '\0', "FILE", "write the report to FILE as Markdown",
     QUERN_CLI_TEXT(struct quern_bench_options, report)},
    {0},
};

const struct quern_cli_verb quern_cli_bench = {
    .name = "bench",
    .summary = "Measures this machine, and the speed of quern on it.",
    .table = table,
    .more = "Prints Markdown unless --json or --report is given. Sections: load, tokenize, forward, latency,\n"
            "batches, threads, stages, kernels, and, if --only names it, search, which writes an index of 4 KB\n"
            "for each row to $TMPDIR or /tmp, and removes it. Without -m and QUERN_MODEL it makes a model of\n"
            "full size and random weights, which it keeps in ~/.cache/quern/bench.\n\n"
            "example:\n"
            "  quern bench --only latency --tokens 8,128 --threads 2\n",
    .options = &defaults,
    .run = bench_run,
};
