#include "arguments.h"
#include "base/system/system.h"
#include "store/session.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

struct embed_options {
    struct quern_cli_session_options session;
    struct quern_cli_input_options input;
    quern_embed_options embed;
    int format; /* an enum quern_jobs_format; -1: not given */
    const char *output;
};

/* What one run of the verb works with. */
struct embed_run {
    struct quern_cli_session session;
    struct quern_cli_input input;
    struct quern_cli_output output;
    struct quern_cli_progress progress;
    struct quern_jobs_writer writer;
    quern_embed_options embed;
    char space[QUERN_SPACE_SIZE];
};

static bool report(void *user, const struct quern_jobs_progress *job)
{
    quern_cli_progress_texts(user, job);
    quern_cli_interrupt_count(job->texts);
    return true;
}

/* Says that the model has prompts and none was used, when nobody said so. */
static void say_unprompted(const struct embed_run *run, const struct embed_options *options)
{
    if (options->embed.task < 0 && options->embed.prompt.data == NULL && run->embed.task == QUERN_TASK_NONE &&
        run->session.info.has_prompts)
        quern_cli_notice("embedded without a prompt: use -t document for texts to be found, and -t query for what "
                         "searches them; -t none says that no prompt is wanted");
}

/* Opens the model, the output and the writer. */
static int prepare(struct embed_run *run, const struct embed_options *options)
{
    quern_error error;
    if (quern_cli_session_open(&run->session, &options->session) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    run->embed = options->embed;
    quern_cli_set_task(&run->session, &run->embed, QUERN_TASK_NONE);
    if (quern_space(run->session.model, &run->embed, run->space, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    const int code = quern_cli_output_open(&run->output, options->output, quern_jobs_format_rewinds(options->format));
    if (code != QUERN_CLI_DONE)
        return code;
    run->writer = (struct quern_jobs_writer){
        .file = run->output.file, .name = quern_cli_output_name(&run->output), .format = options->format,
        .space = run->space, .path = run->session.context_info.path,
        .dimensions = quern_cli_dimensions(&run->session, &run->embed)};
    return quern_jobs_writer_open(&run->writer, &error) == QUERN_OK ? QUERN_CLI_DONE : quern_cli_fail(NULL, &error);
}

static int embed_all(struct embed_run *run)
{
    const struct quern_jobs_embedding job = {.model = run->session.model, .context = run->session.context,
                                             .options = run->embed, .report = report, .user = &run->progress};
    struct quern_jobs_progress progress;
    quern_error error;
    quern_cli_interrupt_says(&run->output);
    quern_cli_progress_start(&run->progress, run->output.path == NULL);
    const int code = quern_jobs_embed(&job, run->input.source, &run->writer.sink, &progress, &error);
    quern_cli_progress_clear(&run->progress);
    if (code != QUERN_OK)
        quern_cli_input_fail(&run->input, &error);
    quern_cli_say_cut(&run->session, progress.cut, progress.texts);
    return code == QUERN_OK ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

/* Takes the format that was not given from the ending of the output's name. A name that promises a format which is not
 * written here would be a lie; returns an exit code. */
static int choose_format(struct embed_options *options)
{
    static const struct {
        const char *ending;
        int format; /* -1: none */
    } endings[] = {{".npy", QUERN_JOBS_NPY}, {".json", QUERN_JOBS_JSON}, {".f32", QUERN_JOBS_F32}, {".npz", -1},
                   {".csv", -1}, {".tsv", -1}, {".bin", -1}, {".parquet", -1}, {".arrow", -1}, {".h5", -1}, {".pt", -1},
                   {".pkl", -1}, {".safetensors", -1}, {".gz", -1}, {".zst", -1}, {".zip", -1}};
    const char *ending = options->output != NULL ? strrchr(quern_system_file_name(options->output), '.') : NULL;
    if (options->format >= 0)
        return QUERN_CLI_DONE;
    options->format = QUERN_JOBS_JSONL;
    for (size_t i = 0; ending != NULL && i < QUERN_COUNT(endings); i++)
        if (strcasecmp(ending, endings[i].ending) == 0 && endings[i].format < 0)
            return quern_cli_misuse("embed", "-o %s: no format has the ending %s; say with -f which one to write: "
                                    QUERN_JOBS_FORMATS, options->output, ending);
        else if (strcasecmp(ending, endings[i].ending) == 0)
            options->format = endings[i].format;
    return QUERN_CLI_DONE;
}

/* Checks what the options say together; returns an exit code. */
static int check_options(const struct embed_options *options)
{
    const bool binary = options->format == QUERN_JOBS_F32 || options->format == QUERN_JOBS_NPY;
    if (binary && quern_cli_output_is_terminal(options->output))
        return quern_cli_misuse("embed", "-f %s writes bytes that a terminal cannot show: use -o FILE, or a pipe",
                                options->format == QUERN_JOBS_F32 ? "f32" : "npy");
    return quern_cli_check_title("embed", &options->embed);
}

static int embed(const void *given, struct quern_cli_arguments arguments)
{
    struct embed_options options = *(const struct embed_options *)given;
    struct embed_run run = {0};
    int code = choose_format(&options);
    if (code == QUERN_CLI_DONE)
        code = check_options(&options);
    if (code == QUERN_CLI_DONE)
        code = quern_cli_input_open(&run.input, "embed", &options.input, arguments);
    if (code == QUERN_CLI_DONE)
        code = prepare(&run, &options);
    if (code == QUERN_CLI_DONE)
        code = embed_all(&run);
    if (code == QUERN_CLI_DONE)
        say_unprompted(&run, &options);
    if (code == QUERN_CLI_DONE)
        code = quern_cli_output_finish(&run.output);
    quern_cli_output_discard(&run.output);
    quern_cli_session_close(&run.session);
    quern_cli_input_close(&run.input);
    return code;
}

static struct embed_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS, .format = -1};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct embed_options),
    QUERN_CLI_AS_OPTION(struct embed_options),
    QUERN_CLI_TASK_OPTION(struct embed_options, embed.task),
    QUERN_CLI_TITLE_OPTION(struct embed_options),
    QUERN_CLI_PROMPT_OPTION(struct embed_options),
    QUERN_CLI_DIMENSIONS_OPTION(struct embed_options),
    {"format", 'f', "FORMAT", NULL, QUERN_CLI_WORD(struct embed_options, format, QUERN_JOBS_FORMATS)},
    QUERN_CLI_INPUT_OPTION(struct embed_options),
    QUERN_CLI_OUTPUT_OPTION(struct embed_options),
    QUERN_CLI_NULL_OPTION(struct embed_options),
    QUERN_CLI_THREADS_OPTION(struct embed_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct embed_options),
    QUERN_CLI_CONTEXT_OPTION(struct embed_options),
    {"no-normalize", '\0', NULL, "leave the length of the vectors as the model gives it",
     QUERN_CLI_FLAG(struct embed_options, embed.flags, QUERN_NO_NORMALIZE)},
    QUERN_CLI_TRUNCATE_OPTION(struct embed_options),
    QUERN_CLI_PARSE_SPECIAL_OPTION(struct embed_options),
    {0},
};

const struct quern_cli_verb quern_cli_embed = {
    .name = "embed",
    .arguments = "[TEXT...]",
    .summary = "Prints the vector of each text: of the arguments, of the lines of a file, or of standard input.",
    .table = table,
    .more = "Without -t, a text is embedded as it is. For a search, embed the texts with -t document, and what\n"
            "searches them with -t query. A model that has no prompts ignores the task. Some models, such as\n"
            "Qwen3-Embedding, want a prompt that names your own task: give it with --prompt.\n"
            "When a text cannot be embedded, the output ends before it and the exit code is 1.\n"
            "Without -f, an output that ends with .npy, .json or .f32 gets this format, any other jsonl.\n"
            "npy on standard output is kept in a temporary file until its number of rows is known.\n\n"
            "example:\n"
            "  quern embed -t query 'how do plants drink'\n"
            "  quern embed -t document -f npy -d 256 -i lines.txt -o vectors.npy\n"
            "  quern embed -t query --prompt \"$(printf 'Instruct: Find laws on the topic\\nQuery:')\" 'rain'\n",
    .options = &defaults,
    .run = embed,
};
