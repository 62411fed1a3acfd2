#include "cli.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

static void print_json(const float *rows, int count, int dimensions, const char *space, const char *path)
{
    printf("{\"space\":\"%s\",\"path\":\"%s\",\"similarity\":[", space, path);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            const float *a = rows + (size_t)i * (size_t)dimensions, *b = rows + (size_t)j * (size_t)dimensions;
            printf("%s%.6f%s", j == 0 ? i == 0 ? "[" : ",\n[" : ",", quern_cli_cosine(a, b, dimensions),
                   j == count - 1 ? "]" : "");
        }
    puts("]}");
}

static int compare(const struct quern_cli_options *options, struct quern_cli_session *session)
{
    size_t count = (size_t)options->text_count;
    int dimensions = options->dimensions > 0 ? options->dimensions : session->info.dimensions;
    int task = quern_cli_task(session, options, QUERN_TASK_SIMILARITY);
    quern_embed_options embed = quern_cli_embed_options(options, task);
    char space[QUERN_SPACE_SIZE];
    quern_error error = {.text = "no memory for the vectors", .index = -1};
    quern_text *texts = calloc(count, sizeof *texts);
    float *rows = calloc(count, (size_t)dimensions * sizeof *rows);
    int code = QUERN_ENOMEM;
    for (size_t i = 0; texts != NULL && i < count; i++)
        texts[i] = (quern_text){options->texts[i], strlen(options->texts[i])};
    if (texts != NULL && rows != NULL)
        code = quern_embed(session->context, texts, count, &embed, rows, count * (size_t)dimensions, NULL, &error);
    if (code == QUERN_OK)
        code = quern_space(session->model, &embed, space, &error);
    if (code != QUERN_OK && error.index >= 0)
        quern_cli_say("text %lld: %s%s", (long long)error.index, error.text, quern_cli_option_for(code));
    else if (code != QUERN_OK)
        quern_cli_say("%s%s", error.text, quern_cli_option_for(code));
    else if (options->format != NULL && strcmp(options->format, "json") == 0)
        print_json(rows, options->text_count, dimensions, space, session->context_info.path);
    else
        quern_cli_put_matrix(rows, options->texts, options->text_count, dimensions, 4);
    free(rows);
    free(texts);
    return code == QUERN_OK ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

static int similarity(const struct quern_cli_options *options)
{
    struct quern_cli_session session;
    if (options->text_count < 2)
        return quern_cli_misuse("similarity", "give at least two texts to compare");
    int code = quern_cli_session_open(&session, options);
    if (code != QUERN_CLI_DONE)
        return code;
    code = compare(options, &session);
    quern_cli_session_close(&session);
    return code;
}

const struct quern_cli_verb quern_cli_similarity = {
    .name = "similarity",
    .arguments = "TEXT TEXT...",
    .summary = "Prints how close the texts are to each other: the cosine of each pair, 1 for the same.",
    .options = "mtLdfJECP",
    .formats = "text|json",
    .more = "The task is 'similarity' unless -t says otherwise; 'none' for a model that takes no prompts.\n\n"
            "example:\n"
            "  quern similarity 'a red apple' 'ripe fruit' 'the tax office'\n",
    .run = similarity,
};
