#include "cli.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

/* What one run of the verb works with. */
struct run {
    struct quern_cli_session session;
    struct quern_cli_reader reader;
    struct quern_cli_vectors vectors;
    struct quern_cli_progress progress;
    quern_embed_options options;
    float *rows; /* [QUERN_CLI_BATCH][dimensions] */
    uint64_t cut_texts;
};

static int embed_some(struct run *run, const quern_text *texts, size_t count, quern_error *error)
{
    quern_result results[QUERN_CLI_BATCH];
    size_t capacity = QUERN_CLI_BATCH * (size_t)run->vectors.dimensions;
    int code = quern_embed(run->session.context, texts, count, &run->options, run->rows, capacity, results, error);
    if (code != QUERN_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        run->progress.tokens += results[i].tokens;
        run->cut_texts += results[i].truncated > 0;
    }
    run->progress.texts += count;
    error->text[0] = '\0'; /* the writer complains itself */
    return quern_cli_vectors_put(&run->vectors, run->rows, results, count) == QUERN_CLI_DONE ? QUERN_OK : QUERN_EIO;
}

/* Embeds a batch. When a text is at fault, those before it still get their vectors, and the message its number. */
static int embed_batch(struct run *run, const quern_text *texts, size_t count)
{
    quern_error error;
    int code = embed_some(run, texts, count, &error);
    if (code == QUERN_EINVAL || code == QUERN_ETOOLONG || code == QUERN_ENUMERIC)
        for (size_t i = 0; i < count; i++) {
            code = embed_some(run, texts + i, 1, &error);
            if (code != QUERN_OK)
                break;
        }
    if (code == QUERN_OK)
        return QUERN_CLI_DONE;
    quern_cli_progress_clear(&run->progress);
    if (error.index >= 0)
        quern_cli_say("text %llu: %s%s", (unsigned long long)run->vectors.written + (unsigned long long)error.index,
                      error.text, quern_cli_option_for(code));
    else if (error.text[0] != '\0')
        quern_cli_say("%s", error.text);
    return QUERN_CLI_FAILED;
}

static int embed_all(struct run *run)
{
    quern_text texts[QUERN_CLI_BATCH];
    size_t count;
    for (;;) {
        if (quern_cli_reader_next(&run->reader, texts, &count) != QUERN_CLI_DONE)
            return QUERN_CLI_FAILED;
        if (count == 0)
            return QUERN_CLI_DONE;
        if (embed_batch(run, texts, count) != QUERN_CLI_DONE)
            return QUERN_CLI_FAILED;
        quern_cli_progress_update(&run->progress, run->reader.given, run->reader.total);
    }
}

/* Opens everything but the reader. */
static int prepare(struct run *run, const struct quern_cli_options *options)
{
    static char space[QUERN_SPACE_SIZE];
    quern_error error;
    if (quern_cli_session_open(&run->session, options) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    int task = quern_cli_task(&run->session, options, QUERN_TASK_DOCUMENT);
    run->options = quern_cli_embed_options(options, task);
    if (quern_space(run->session.model, &run->options, space, &error) != QUERN_OK) {
        quern_cli_say("%s", error.text);
        return QUERN_CLI_FAILED;
    }
    if (options->task < 0 && task == QUERN_TASK_DOCUMENT)
        quern_cli_say("embedding for the task document; another is chosen with -t, for example -t query");
    int dimensions = options->dimensions > 0 ? options->dimensions : run->session.info.dimensions;
    run->vectors = (struct quern_cli_vectors){
        .space = space, .path = run->session.context_info.path, .dimensions = dimensions};
    run->rows = malloc(QUERN_CLI_BATCH * (size_t)dimensions * sizeof *run->rows);
    if (run->rows == NULL) {
        quern_cli_say("no memory for %d vectors", QUERN_CLI_BATCH);
        return QUERN_CLI_FAILED;
    }
    return quern_cli_vectors_open(&run->vectors, options->format, options->output);
}

static int embed(const struct quern_cli_options *options)
{
    struct run run = {0};
    if (options->input != NULL && options->text_count > 0)
        return quern_cli_misuse("embed", "give texts or -i FILE, not both");
    if (options->input != NULL && options->output != NULL && quern_cli_same_file(options->input, options->output))
        return quern_cli_misuse("embed", "-o %s would replace the texts, which are read from it", options->output);
    int code = quern_cli_reader_open(&run.reader, options);
    if (code == QUERN_CLI_DONE)
        code = prepare(&run, options);
    if (code == QUERN_CLI_DONE) {
        quern_cli_progress_start(&run.progress, run.vectors.output.path == NULL);
        code = embed_all(&run);
        quern_cli_progress_clear(&run.progress);
    }
    if (code == QUERN_CLI_DONE)
        code = quern_cli_vectors_finish(&run.vectors);
    else
        quern_cli_output_discard(&run.vectors.output);
    if (run.cut_texts > 0)
        quern_cli_say("%llu of %llu texts were cut to %d tokens", (unsigned long long)run.cut_texts,
                      (unsigned long long)run.progress.texts, run.session.info.context_length);
    free(run.rows);
    quern_cli_session_close(&run.session);
    quern_cli_reader_close(&run.reader);
    return code;
}

const struct quern_cli_verb quern_cli_embed = {
    .name = "embed",
    .arguments = "[TEXT...]",
    .summary = "Prints the vector of each text: of the arguments, of the lines of a file, or of standard input.",
    .options = "mtLdfJENCP0io",
    .formats = "jsonl|json|npy|f32|text",
    .more = "The task is 'document' unless -t says otherwise; 'none' for a model that takes no prompts.\n"
            "A failure ends the output before the text at fault.\n"
            "npy on standard output is kept in a temporary file until its number of rows is known.\n\n"
            "example:\n"
            "  quern embed -t query 'how do plants drink'\n"
            "  quern embed -f npy -d 256 -i lines.txt -o vectors.npy\n",
    .run = embed,
};
