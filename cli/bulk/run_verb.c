#include "arguments.h"
#include "bulk.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

struct run_options {
    struct quern_cli_session_options session;
    quern_embed_options embed;
    const char *output;
    int kind; /* 0: the names tell; else 1 + an enum quern_record_kind */
    const char *text, *id, *title_column, *keep;
    int dtype, format;
    const char *shard, *chunk;
    int part_rows;
    int most_errors; /* -1: any number */
    bool force, json, dedupe;
    const char *cache;
};

/* ---------------------------------------------------------------- options */

/* Reads "I/N", or asks the environment. */
static int read_shard(const char *text, struct quern_bulk_options *options)
{
    quern_error error;
    const char *source;
    int length = 0;
    if (text == NULL) {
        if (quern_bulk_find_shard(&options->shard, &options->shards, &source, &error) != QUERN_OK)
            return quern_cli_misuse("run", "%s", error.text);
        if (source != NULL)
            quern_cli_notice("shard %d of %d, as $%s says", options->shard, options->shards, source);
        return QUERN_CLI_DONE;
    }
    if (sscanf(text, "%d/%d%n", &options->shard, &options->shards, &length) != 2 || text[length] != '\0' ||
        options->shard < 0 || options->shards < 1 || options->shards > QUERN_BULK_MOST_SHARDS ||
        options->shard >= options->shards)
        return quern_cli_misuse("run", "--shard is '%s', and must be I/N with I from 0 to N - 1, such as 0/4", text);
    return QUERN_CLI_DONE;
}

/* Reads "A,B,C" into columns->keep; cuts `text` at the commas. */
static int read_keep(char *text, struct quern_record_columns *columns)
{
    for (char *name = text != NULL ? strtok(text, ",") : NULL; name != NULL; name = strtok(NULL, ",")) {
        if (columns->keep_count == QUERN_RECORD_COLUMNS)
            return quern_cli_misuse("run", "--keep names more than %d columns", QUERN_RECORD_COLUMNS);
        for (int i = 0; i < columns->keep_count; i++)
            if (strcmp(columns->keep[i], name) == 0)
                return quern_cli_misuse("run", "--keep names '%s' twice", name);
        columns->keep[columns->keep_count++] = name;
    }
    return QUERN_CLI_DONE;
}

static int read_options(const struct run_options *given, struct quern_cli_arguments arguments, char *keep,
                        struct quern_bulk_options *options)
{
    *options = (struct quern_bulk_options){
        .inputs = arguments.texts, .input_count = arguments.count, .kind = given->kind - 1, .output = given->output,
        .columns = {.text = given->text, .id = given->id, .title = given->title_column}, .embed = given->embed,
        .dtype = (quern_dtype)given->dtype, .format = (enum quern_vector_format)given->format,
        .part_records = (uint64_t)given->part_rows, .chunk = {.size = sizeof(quern_chunk_options)},
        .most_errors = given->most_errors < 0 ? UINT64_MAX : (uint64_t)given->most_errors, .is_forced = given->force,
        .cache = given->cache, .is_deduped = given->dedupe};
    if (arguments.count == 0)
        return quern_cli_misuse("run", "name the files or folders to read, or - for standard input");
    if (given->output == NULL)
        return quern_cli_misuse("run", "name the folder for the vectors with -o");
    if (given->title_column != NULL && given->embed.prompt.data != NULL)
        return quern_cli_misuse("run", "--prompt takes the place of the prompt that --title would be put into");
    int code = quern_cli_read_chunk("run", given->chunk, &options->chunk);
    options->is_chunked = given->chunk != NULL;
    if (code == QUERN_CLI_DONE)
        code = read_shard(given->shard, options);
    if (code == QUERN_CLI_DONE)
        code = read_keep(keep, &options->columns);
    return code;
}

/* ---------------------------------------------------------------- progress */

struct run_view {
    struct quern_cli_progress progress;
    struct quern_bulk_progress last;  /* as the last line for a part told it */
    int64_t last_ns;
    uint64_t first_bytes; /* of the input, when the first row was made */
};

static double seconds_since(int64_t then)
{
    return (double)(quern_cli_now_ns() - then) * 1e-9;
}

/* A line for each part, for logs. */
static void say_part(struct run_view *view, const struct quern_bulk_progress *now)
{
    const double seconds = seconds_since(view->last_ns);
    const uint64_t rows = now->rows - view->last.rows, errors = now->errors - view->last.errors;
    const double rate = seconds > 0 ? (double)rows / seconds : 0;
    quern_cli_notice("part %llu is done: %llu vector%s, %llu error%s, %.1f vectors/s, %.0f tokens/s; %.0f %% of the "
                     "input", (unsigned long long)now->part, (unsigned long long)rows, quern_cli_plural(rows),
                     (unsigned long long)errors, quern_cli_plural(errors), rate,
                     seconds > 0 ? (double)(now->tokens - view->last.tokens) / seconds : 0,
                     now->total_bytes > 0 ? 100.0 * (double)now->bytes / (double)now->total_bytes : 100);
    view->last = *now;
    view->last_ns = quern_cli_now_ns();
}

static bool report(void *user, const struct quern_bulk_progress *now)
{
    struct run_view *view = user;
    if (now->rows == 0)
        view->first_bytes = now->bytes;
    const struct quern_jobs_progress shown = {.texts = now->rows, .tokens = now->tokens,
                                              .done = now->bytes - view->first_bytes,
                                              .total = now->total_bytes > view->first_bytes
                                                           ? now->total_bytes - view->first_bytes : 0};
    if (now->part_ended && !view->progress.shown)
        say_part(view, now);
    else
        quern_cli_progress_texts(&view->progress, &shown);
    return quern_cli_stop_signal() == 0;
}

static void tell(void *user, const char *line)
{
    struct run_view *view = user;
    quern_cli_progress_clear(&view->progress);
    quern_cli_notice("%s", line);
}

/* ---------------------------------------------------------------- the run */

/* Says what a run has done, and returns its exit code. */
static int conclude(int code, const struct quern_bulk_options *options, const struct quern_cli_session *session,
                    const struct quern_bulk_progress *done, const quern_error *error)
{
    quern_cli_say_cut(session, done->cut, done->rows);
    if (done->all_errors > 0 && code >= 0)
        quern_cli_say("no vector for %llu record%s: see %s/part-*.errors.jsonl", (unsigned long long)done->all_errors,
                      quern_cli_plural(done->all_errors), options->output);
    switch (code) {
    case QUERN_OK:
        quern_cli_notice("%s has %llu new vector%s in %llu part%s", options->output, (unsigned long long)done->rows,
                         quern_cli_plural(done->rows), (unsigned long long)done->parts_done,
                         quern_cli_plural(done->parts_done));
        if (options->cache != NULL || options->is_deduped)
            quern_cli_notice("%llu of them were copied from texts seen before", (unsigned long long)done->copied);
        return QUERN_CLI_DONE;
    case QUERN_BULK_INTERRUPTED:
        quern_cli_say("stopped by %s after %llu new vector%s. The same command goes on from here",
                      sigabbrev_np(quern_cli_stop_signal()), (unsigned long long)done->rows,
                      quern_cli_plural(done->rows));
        return QUERN_CLI_TRY_AGAIN;
    case QUERN_BULK_ERRORS:
        quern_cli_say("that is more than --max-errors %llu allows; with a higher number the same command goes on",
                      (unsigned long long)options->most_errors);
        return QUERN_CLI_FAILED;
    default: return quern_cli_fail(NULL, error);
    }
}

static int embed_files(const struct run_options *given, struct quern_bulk_options *options)
{
    struct quern_cli_session session;
    struct quern_bulk_progress done;
    struct run_view view = {.last_ns = 0};
    quern_error error;
    int code = quern_cli_session_open(&session, &given->session);
    if (code != QUERN_CLI_DONE)
        return code;
    quern_cli_say_unprompted(&session, &given->embed);
    quern_cli_set_task(&session, &options->embed, QUERN_TASK_NONE);
    const struct quern_bulk_job job = {.model = session.model, .context = session.context, .options = options,
                                       .report = report, .notice = tell, .user = &view};
    quern_cli_stop_on_signals();
    quern_cli_progress_start(&view.progress, false);
    view.last_ns = view.progress.start_ns;
    code = quern_bulk_run(&job, &done, &error);
    quern_cli_progress_clear(&view.progress);
    code = conclude(code, options, &session, &done, &error);
    quern_cli_session_close(&session);
    return code;
}

/* ---------------------------------------------------------------- what was made */

static int show_status(const struct run_options *given, const char *folder)
{
    struct quern_bulk_status s;
    quern_error error;
    if (quern_bulk_look(folder, &s, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    const bool complete = s.knows_end && s.parts_done == s.parts;
    if (given->json) {
        printf("{\"complete\":%s,\"parts_done\":%llu,\"parts_begun\":%llu,\"parts\":", complete ? "true" : "false",
               (unsigned long long)s.parts_done, (unsigned long long)s.parts_begun);
        printf(s.knows_end ? "%llu" : "null", (unsigned long long)s.parts);
        printf(",\"records_done\":%llu,\"records\":", (unsigned long long)s.records_done);
        printf(s.knows_end ? "%llu" : "null", (unsigned long long)s.records);
        printf(",\"vectors\":%llu,\"errors\":%llu,\"tokens\":%llu,\"space\":\"%s\"}\n", (unsigned long long)s.rows,
               (unsigned long long)s.errors, (unsigned long long)s.tokens, s.space);
        return complete ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
    }
    printf("%s\n", complete ? "complete" : "not complete");
    printf("parts     %llu done, %llu begun", (unsigned long long)s.parts_done, (unsigned long long)s.parts_begun);
    if (s.knows_end)
        printf(", of %llu", (unsigned long long)s.parts);
    printf("\nrecords   %llu done", (unsigned long long)s.records_done);
    if (s.knows_end)
        printf(", of %llu", (unsigned long long)s.records);
    printf("\nvectors   %llu, of %llu tokens\nerrors    %llu\nspace     %s\n", (unsigned long long)s.rows,
           (unsigned long long)s.tokens, (unsigned long long)s.errors, s.space);
    return complete ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

static void say_wrong(void *user, const char *line)
{
    (void)user;
    quern_cli_say("%s", line);
}

static int check_folder(const char *folder)
{
    quern_error error;
    const int code = quern_bulk_check(folder, say_wrong, NULL, &error);
    if (code == QUERN_OK)
        printf("%s is complete, and every part is as it was written\n", folder);
    return code < 0 ? quern_cli_fail(NULL, &error) : code;
}

static int merge(const struct run_options *given, const char *folder)
{
    quern_error error;
    if (given->output == NULL)
        return quern_cli_misuse("run", "merge needs the name of a file: quern run merge OUT -o all.npy");
    return quern_bulk_merge(folder, given->output, &error) == QUERN_OK ? QUERN_CLI_DONE : quern_cli_fail(NULL, &error);
}

/* The uses of the verb that work on a folder of vectors. */
static int use_folder(const struct run_options *given, struct quern_cli_arguments arguments)
{
    const char *word = arguments.texts[0], *folder = arguments.texts[1];
    char use[32];
    snprintf(use, sizeof use, "'quern run %s'", word);
    const char *names = strcmp(word, "status") == 0 ? "json" : strcmp(word, "merge") == 0 ? "output" : "";
    const int code = quern_cli_allow(&quern_cli_run, arguments, names, use);
    if (code != QUERN_CLI_DONE)
        return code;
    return strcmp(word, "status") == 0   ? show_status(given, folder)
           : strcmp(word, "verify") == 0 ? check_folder(folder)
                                         : merge(given, folder);
}

static int run(const void *options, struct quern_cli_arguments arguments)
{
    const struct run_options *given = options;
    const char *word = arguments.count == 2 ? arguments.texts[0] : "";
    struct quern_bulk_options bulk;
    if (strcmp(word, "status") == 0 || strcmp(word, "verify") == 0 || strcmp(word, "merge") == 0)
        return use_folder(given, arguments);
    if (given->json)
        return quern_cli_misuse("run", "--json goes with 'quern run status' only");
    char *keep = given->keep != NULL ? strdup(given->keep) : NULL;
    int code = read_options(given, arguments, keep, &bulk);
    if (code == QUERN_CLI_DONE)
        code = embed_files(given, &bulk);
    free(keep);
    return code;
}

static struct run_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS, .part_rows = 100000, .most_errors = -1};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct run_options),
    QUERN_CLI_AS_OPTION(struct run_options),
    {"output", 'o', "OUT", "the folder for the vectors; of merge: the file",
     QUERN_CLI_TEXT(struct run_options, output)},
    QUERN_CLI_TASK_OPTION(struct run_options, embed.task),
    QUERN_CLI_PROMPT_OPTION(struct run_options),
    QUERN_CLI_DIMENSIONS_OPTION(struct run_options),
    {"text", '\0', "COL", "the column of the text; default: text, or the only one",
     QUERN_CLI_TEXT(struct run_options, text)},
    {"id", '\0', "COL", "the column of the id; default: the number of the record, from 0",
     QUERN_CLI_TEXT(struct run_options, id)},
    {"title", '\0', "COL", "the column of the title, for the task document",
     QUERN_CLI_TEXT(struct run_options, title_column)},
    {"keep", '\0', "COL,...", "columns that are passed on with the id", QUERN_CLI_TEXT(struct run_options, keep)},
    {"kind", '\0', "KIND", NULL, QUERN_CLI_WORD(struct run_options, kind, "names|" QUERN_RECORD_KINDS)},
    {"format", 'f', "FORMAT", NULL, QUERN_CLI_WORD(struct run_options, format, QUERN_VECTOR_FORMATS)},
    {"dtype", '\0', "DTYPE", NULL, QUERN_CLI_WORD(struct run_options, dtype, "f32|f16|int8|binary|binary-low")},
    {"chunk", '\0', "TOKENS[:OVERLAP]", "cut texts into chunks; each has a vector",
     QUERN_CLI_TEXT(struct run_options, chunk)},
    QUERN_CLI_TRUNCATE_OPTION(struct run_options),
    {"shard", '\0', "I/N", "make every N-th part, from part I on; default: as the scheduler says",
     QUERN_CLI_TEXT(struct run_options, shard)},
    {"part-rows", '\0', "N", "records in a part (100000)",
     QUERN_CLI_NUMBER(struct run_options, part_rows, 1, 1000000000)},
    {"max-errors", '\0', "N", "give up when more records have no vector; default: never",
     QUERN_CLI_NUMBER(struct run_options, most_errors, 0, 1000000000)},
    {"force", '\0', NULL, "begin again when OUT was made in another way",
     QUERN_CLI_SWITCH(struct run_options, force)},
    {"dedupe", '\0', NULL, "copy the vectors of texts that come again", QUERN_CLI_SWITCH(struct run_options, dedupe)},
    {"cache", '\0', "DIR", "the same, also for the next runs: their vectors are kept in DIR",
     QUERN_CLI_TEXT(struct run_options, cache)},
    QUERN_CLI_THREADS_OPTION(struct run_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct run_options),
    QUERN_CLI_CONTEXT_OPTION(struct run_options),
    QUERN_CLI_PARSE_SPECIAL_OPTION(struct run_options),
    QUERN_CLI_JSON_OPTION(struct run_options),
    {0},
};

const struct quern_cli_verb quern_cli_run = {
    .name = "run",
    .arguments = "INPUT... | status OUT | verify OUT | merge OUT",
    .summary = "Embeds files of texts into files of vectors. Goes on where it was stopped.",
    .table = table,
    .more = "INPUT is a file or a folder: lines of text, JSON lines, CSV, TSV, Arrow, Parquet, Markdown; gzip and\n"
            "Zstandard are unpacked. - is standard input. OUT gets part-00000.npy with part-00000.ids.jsonl, and so\n"
            "on, and manifest.json. The same command again makes what is missing. status and verify tell what is\n"
            "there, and merge writes one file.\n\n"
            "exit codes: 0 done, 1 failed or too many errors, 2 wrong usage, 75 stopped by SIGTERM, SIGINT or\n"
            "SIGUSR1: start it again\n\n"
            "example:\n"
            "  quern run -t document --id id --text body docs.jsonl.gz -o vectors\n"
            "  quern run status vectors\n"
            "  quern run merge vectors -o all.npy\n",
    .takes_names = true,
    .options = &defaults,
    .run = run,
};
