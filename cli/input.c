#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    if (arguments.count > 0)
        return open_arguments(input, arguments);
    if (quern_jobs_stream_open(&input->stream, path, options->null ? '\0' : '\n', &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    if (path == NULL && isatty(STDIN_FILENO))
        quern_cli_say("reading lines from the terminal; Ctrl-D ends them");
    input->source = &input->stream.source;
    input->name = input->stream.name;
    return QUERN_CLI_DONE;
}

void quern_cli_input_close(struct quern_cli_input *input)
{
    quern_jobs_stream_close(&input->stream);
    free(input->texts);
    input->texts = NULL;
}
