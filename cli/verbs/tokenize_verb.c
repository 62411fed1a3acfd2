#include "arguments.h"
#include "store/session.h"

#include "json_text.h"

#include <stdlib.h>

enum { AS_IDS, AS_PIECES };

struct tokenize_options {
    struct quern_cli_session_options session;
    struct quern_cli_input_options input;
    quern_embed_options embed; /* flags */
    int format;                /* AS_IDS or AS_PIECES */
};

/* The ids of one text, in memory that grows and is used for the next text too. */
struct ids {
    int32_t *data;
    size_t count, capacity;
};

static int tokenize_text(quern_context *context, quern_text text, const quern_embed_options *options, struct ids *ids,
                         quern_error *error)
{
    const int code = quern_tokenize(context, text, options, ids->data, ids->capacity, &ids->count, error);
    if (code != QUERN_ETOOLONG || ids->count <= ids->capacity)
        return code;
    int32_t *data = realloc(ids->data, ids->count * sizeof *data);
    if (data == NULL) {
        snprintf(error->text, sizeof error->text, "no memory for %zu tokens", ids->count);
        return QUERN_ENOMEM;
    }
    ids->data = data;
    ids->capacity = ids->count;
    return quern_tokenize(context, text, options, ids->data, ids->capacity, &ids->count, error);
}

static int print_tokens(const quern_model *model, const struct ids *ids, bool pieces, quern_error *error)
{
    putchar('[');
    for (size_t i = 0; i < ids->count; i++) {
        quern_piece piece;
        if (i > 0)
            putchar(',');
        if (!pieces) {
            printf("%d", (int)ids->data[i]);
            continue;
        }
        const int code = quern_piece_get(model, ids->data[i], &piece, error);
        if (code != QUERN_OK)
            return code;
        quern_json_put_string(stdout, piece.text);
    }
    puts("]");
    return QUERN_OK;
}

/* Tokenises one batch; *ids is memory that the batches share. */
static int tokenize_batch(const struct tokenize_options *options, const struct quern_cli_session *session,
                          const struct quern_cli_input *input, const struct quern_jobs_texts *batch, struct ids *ids)
{
    quern_error error;
    for (size_t i = 0; i < batch->count; i++) {
        int code = tokenize_text(session->context, batch->texts[i], &options->embed, ids, &error);
        if (code == QUERN_OK)
            code = print_tokens(session->model, ids, options->format == AS_PIECES, &error);
        if (code != QUERN_OK) {
            error.index = (int64_t)(batch->first + i);
            return quern_cli_input_fail(input, &error);
        }
    }
    return QUERN_CLI_DONE;
}

static int tokenize_all(const struct tokenize_options *options, const struct quern_cli_session *session,
                        const struct quern_cli_input *input)
{
    struct quern_cli_output output;
    struct quern_jobs_texts batch = {.count = 1};
    struct ids ids = {0};
    quern_error error;
    int code = quern_cli_output_open(&output, NULL, false);
    while (code == QUERN_CLI_DONE && batch.count > 0) {
        code = input->source->next(input->source, &batch, &error) == QUERN_OK ? QUERN_CLI_DONE
                                                                              : quern_cli_input_fail(input, &error);
        if (code == QUERN_CLI_DONE)
            code = tokenize_batch(options, session, input, &batch, &ids);
        if (code == QUERN_CLI_DONE)
            code = quern_cli_output_flush(&output);
    }
    free(ids.data);
    return code;
}

static int tokenize(const void *given, struct quern_cli_arguments arguments)
{
    const struct tokenize_options *options = given;
    struct quern_cli_session session = {0};
    struct quern_cli_input input = {0};
    int code = quern_cli_input_open(&input, "tokenize", &options->input, arguments);
    if (code == QUERN_CLI_DONE)
        code = quern_cli_session_open(&session, &options->session);
    if (code == QUERN_CLI_DONE)
        code = tokenize_all(options, &session, &input);
    quern_cli_session_close(&session);
    quern_cli_input_close(&input);
    return code;
}

static struct tokenize_options defaults = {.embed = {.size = sizeof(quern_embed_options)}};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct tokenize_options),
    {"format", 'f', "FORMAT", NULL, QUERN_CLI_WORD(struct tokenize_options, format, "ids|pieces")},
    QUERN_CLI_INPUT_OPTION(struct tokenize_options),
    QUERN_CLI_NULL_OPTION(struct tokenize_options),
    QUERN_CLI_PARSE_SPECIAL_OPTION(struct tokenize_options),
    {"no-special", '\0', NULL, "leave out the tokens that open and close every text",
     QUERN_CLI_FLAG(struct tokenize_options, embed.flags, QUERN_NO_SPECIAL)},
    {0},
};

const struct quern_cli_verb quern_cli_tokenize = {
    .name = "tokenize",
    .arguments = "[TEXT...]",
    .summary = "Prints the tokens of each text as a JSON array, with those that open and close every text.",
    .table = table,
    .more = "No task prompt is put before the text.\n\n"
            "example:\n"
            "  quern tokenize -f pieces 'hello world'\n",
    .options = &defaults,
    .run = tokenize,
};
