#include "cli.h"

#include "json_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- arguments that may be meant otherwise */

/* How the texts are taken out of a file whose lines are not only text, by the ending of its name; NULL: they are. */
static const char *way_to_texts(const char *path)
{
    static const struct {
        const char *ending, *way;
    } kinds[] = {
        {".jsonl", "jq -r .text FILE | quern embed"}, {".ndjson", "jq -r .text FILE | quern embed"},
        {".json", "jq -r '.[].text' FILE | quern embed"}, {".csv", "cut -d, -f2 FILE | quern embed"},
        {".tsv", "cut -f2 FILE | quern embed"},
    };
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < QUERN_COUNT(kinds); i++)
        if (strcasecmp(ending, kinds[i].ending) == 0)
            return kinds[i].way;
    return NULL;
}

/* What a shell with another encoding, or a script whose lines end with CRLF, does to an argument. */
static void notice_bytes(struct quern_cli_arguments arguments)
{
    bool is_said[2] = {false};
    for (int i = 0; i < arguments.count; i++) {
        const quern_text text = {arguments.texts[i], strlen(arguments.texts[i])};
        if (!is_said[0] && !quern_json_is_utf8(text)) {
            quern_cli_notice("text %d is not UTF-8; its other bytes are taken as they are", i + 1);
            is_said[0] = true;
        }
        if (!is_said[1] && text.length > 0 && text.data[text.length - 1] == '\r') {
            quern_cli_notice("text %d ends with a carriage return, which is taken as a part of it; does a script have "
                             "lines that end with CRLF?", i + 1);
            is_said[1] = true;
        }
    }
}

void quern_cli_notice_arguments(struct quern_cli_arguments arguments, bool has_input)
{
    enum { MOST_NOTICES = 3 };
    struct stat status;
    int notices = 0;
    notice_bytes(arguments);
    for (int i = 0; i < arguments.count && notices < MOST_NOTICES; i++) {
        const char *name = arguments.texts[i];
        if (has_input && strcmp(name, "-") == 0)
            quern_cli_notice("'-' is taken as a text; to read standard input: -i -, or no text at all");
        if (name[0] == '\0' || stat(name, &status) != 0)
            continue;
        const char *way = S_ISREG(status.st_mode) ? way_to_texts(name) : NULL;
        notices++;
        if (S_ISDIR(status.st_mode))
            quern_cli_notice("'%s' is a folder; its name is taken as a text. To read its files: cat FOLDER/* | "
                             "quern embed", name);
        else if (way != NULL)
            quern_cli_notice("'%s' is a file; its name is taken as a text. To read its texts, for example: %s", name,
                             way);
        else
            quern_cli_notice("'%s' is a file; its name is taken as a text. To read its lines: %s", name,
                             has_input ? "-i FILE" : "give them as arguments");
    }
}

/* ---------------------------------------------------------------- input */

quern_text *quern_cli_texts(struct quern_cli_arguments arguments)
{
    quern_text *texts = calloc((size_t)arguments.count + 1, sizeof *texts);
    if (texts == NULL)
        quern_cli_say("no memory for %d texts", arguments.count);
    for (int i = 0; texts != NULL && i < arguments.count; i++)
        texts[i] = (quern_text){arguments.texts[i], strlen(arguments.texts[i])};
    return texts;
}

static int open_arguments(struct quern_cli_input *input, struct quern_cli_arguments arguments)
{
    input->texts = quern_cli_texts(arguments);
    if (input->texts == NULL)
        return QUERN_CLI_FAILED;
    quern_jobs_array_open(&input->array, input->texts, (size_t)arguments.count);
    input->source = &input->array.source;
    return QUERN_CLI_DONE;
}

int quern_cli_input_open(struct quern_cli_input *input, const char *verb, const struct quern_cli_input_options *options,
                         struct quern_cli_arguments arguments)
{
    const char *path = options->path != NULL && strcmp(options->path, "-") != 0 ? options->path : NULL;
    quern_error error;
    memset(input, 0, sizeof *input);
    if (options->path != NULL && arguments.count > 0)
        return quern_cli_misuse(verb, "give texts or -i FILE, not both");
    if (options->null && arguments.count > 0)
        return quern_cli_misuse(verb, "--null goes with -i FILE or standard input, not with texts");
    if (arguments.count > 0) {
        quern_cli_notice_arguments(arguments, true);
        return open_arguments(input, arguments);
    }
    quern_cli_reads(path, "the texts are");
    if (quern_jobs_stream_open(&input->stream, path, options->null ? '\0' : '\n', &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    if (path != NULL && !options->null && way_to_texts(path) != NULL)
        quern_cli_notice("each line of %s is a text as it stands, with its commas, quotes and names; to take the texts "
                         "out first, for example: %s", path, way_to_texts(path));
    if (path == NULL && isatty(STDIN_FILENO))
        quern_cli_notice("reading lines from the terminal; Ctrl-D ends them");
    input->source = &input->stream.source;
    input->name = input->stream.name;
    return QUERN_CLI_DONE;
}

int quern_cli_input_fail(const struct quern_cli_input *input, const quern_error *error)
{
    if (error->index < 0 || input->name == NULL || input->stream.separator != '\n')
        return quern_cli_fail(input->name, error);
    quern_cli_say("%s:%lld: %s%s", input->name, (long long)error->index + 1, error->text,
                  error->code == QUERN_ETOOLONG ? quern_cli_too_long_hint : "");
    return QUERN_CLI_FAILED;
}

void quern_cli_input_close(struct quern_cli_input *input)
{
    const struct quern_jobs_stream *stream = &input->stream;
    const char *kind = stream->separator == '\n' ? "line" : "text";
    if (stream->invalid > 0)
        quern_cli_notice("%s:%llu: the %s is not UTF-8; %llu of %llu %ss are not, and their other bytes were taken "
                         "as they are", stream->name, (unsigned long long)stream->first_invalid, kind,
                         (unsigned long long)stream->invalid, (unsigned long long)stream->given, kind);
    quern_jobs_stream_close(&input->stream);
    free(input->texts);
    input->texts = NULL;
}
