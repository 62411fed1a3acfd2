#include "cli.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

/* Ids of one text after another, in memory that grows. */
struct ids {
    int32_t *data;
    size_t capacity;
};

static int run_tokenizer(quern_context *context, quern_text text, const quern_embed_options *options, struct ids *ids,
                         size_t *count, quern_error *error)
{
    int code = quern_tokenize(context, text, options, ids->data, ids->capacity, count, error);
    if (code != QUERN_ETOOLONG || *count <= ids->capacity)
        return code;
    int32_t *data = realloc(ids->data, *count * sizeof *data);
    if (data == NULL) {
        snprintf(error->text, sizeof error->text, "no memory for %zu tokens", *count);
        return QUERN_ENOMEM;
    }
    ids->data = data;
    ids->capacity = *count;
    return quern_tokenize(context, text, options, ids->data, ids->capacity, count, error);
}

static int print_pieces(const quern_model *model, const int32_t *ids, size_t count, quern_error *error)
{
    for (size_t i = 0; i < count; i++) {
        quern_piece piece;
        int code = quern_piece_get(model, ids[i], &piece, error);
        if (code != QUERN_OK)
            return code;
        if (i > 0)
            putchar(',');
        quern_cli_put_string(stdout, piece.text);
    }
    return QUERN_OK;
}

static void print_ids(const int32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf(i > 0 ? ",%d" : "%d", (int)ids[i]);
}

static int tokenize_all(const struct quern_cli_options *options, struct quern_cli_session *session,
                        struct quern_cli_reader *reader)
{
    quern_embed_options how = quern_cli_embed_options(options, QUERN_TASK_NONE);
    bool pieces = options->format != NULL && strcmp(options->format, "pieces") == 0;
    struct quern_cli_output output;
    struct ids ids = {0};
    quern_text texts[QUERN_CLI_BATCH];
    quern_error error;
    size_t count = 0;
    int code = quern_cli_output_open(&output, NULL, false);
    while (code == QUERN_CLI_DONE) {
        code = quern_cli_reader_next(reader, texts, &count);
        if (code != QUERN_CLI_DONE || count == 0)
            break;
        for (size_t i = 0, tokens; code == QUERN_CLI_DONE && i < count; i++) {
            int failure = run_tokenizer(session->context, texts[i], &how, &ids, &tokens, &error);
            if (failure == QUERN_OK) {
                putchar('[');
                if (pieces)
                    failure = print_pieces(session->model, ids.data, tokens, &error);
                else
                    print_ids(ids.data, tokens);
                puts("]");
            }
            if (failure != QUERN_OK) {
                quern_cli_say("%s", error.text);
                code = QUERN_CLI_FAILED;
            }
        }
        if (code == QUERN_CLI_DONE)
            code = quern_cli_output_flush(&output);
    }
    free(ids.data);
    return code;
}

static int tokenize(const struct quern_cli_options *options)
{
    struct quern_cli_session session;
    struct quern_cli_reader reader;
    if (options->input != NULL && options->text_count > 0)
        return quern_cli_misuse("tokenize", "give texts or -i FILE, not both");
    int code = quern_cli_reader_open(&reader, options);
    if (code != QUERN_CLI_DONE)
        return code;
    code = quern_cli_session_open(&session, options);
    if (code == QUERN_CLI_DONE) {
        code = tokenize_all(options, &session, &reader);
        quern_cli_session_close(&session);
    }
    quern_cli_reader_close(&reader);
    return code;
}

const struct quern_cli_verb quern_cli_tokenize = {
    .name = "tokenize",
    .arguments = "[TEXT...]",
    .summary = "Prints the tokens of each text as a JSON array, those that open and close every text included.",
    .options = "mfPS0i",
    .formats = "ids|pieces",
    .more = "No task prompt is put before the text.\n\n"
            "example:\n"
            "  quern tokenize -f pieces 'hello world'\n",
    .run = tokenize,
};
