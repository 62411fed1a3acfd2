#include "arguments.h"
#include "store/session.h"

#include <stdlib.h>

enum { AS_TEXT, AS_JSON };

struct similarity_options {
    struct quern_cli_session_options session;
    quern_embed_options embed;
    int format; /* AS_TEXT or AS_JSON */
};

static void print_json(const float *rows, int count, int dimensions, const char *space, const char *path)
{
    printf("{\"space\":\"%s\",\"path\":\"%s\",\"similarity\":[", space, path);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            const float *a = rows + (size_t)i * (size_t)dimensions, *b = rows + (size_t)j * (size_t)dimensions;
            printf("%s%.6f%s", j == 0 ? i == 0 ? "[" : ",\n[" : ",", quern_cosine(a, b, dimensions),
                   j == count - 1 ? "]" : "");
        }
    puts("]}");
}

/* Embeds the texts and prints their similarity; rows[count][dimensions] is scratch memory. */
static int compare(const struct similarity_options *options, const struct quern_cli_session *session,
                   struct quern_cli_arguments arguments, const quern_text *texts, float *rows)
{
    const int dimensions = quern_cli_dimensions(session, &options->embed);
    quern_embed_options embed = options->embed;
    struct quern_cli_rows job = {.session = session};
    struct quern_jobs_array array;
    char space[QUERN_SPACE_SIZE];
    quern_error error;
    quern_cli_set_task(session, &embed, QUERN_TASK_SIMILARITY);
    quern_jobs_array_open(&array, texts, (size_t)arguments.count);
    if (quern_cli_rows_embed(&job, &array, &embed, rows) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    quern_cli_say_cut(session, job.cut, job.texts);
    if (quern_space(session->model, &embed, space, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    if (options->format == AS_JSON)
        print_json(rows, arguments.count, dimensions, space, session->context_info.path);
    else
        quern_cli_print_matrix(rows, arguments.texts, arguments.count, dimensions, 4);
    return QUERN_CLI_DONE;
}

static int similarity(const void *given, struct quern_cli_arguments arguments)
{
    const struct similarity_options *options = given;
    struct quern_cli_session session;
    int code = quern_cli_check_title("similarity", &options->embed);
    if (code != QUERN_CLI_DONE)
        return code;
    if (arguments.count < 2)
        return quern_cli_misuse("similarity", "give at least two texts to compare");
    quern_cli_notice_arguments(arguments, false);
    code = quern_cli_session_open(&session, &options->session);
    if (code != QUERN_CLI_DONE)
        return code;
    quern_text *texts = quern_cli_texts(arguments);
    float *rows = calloc((size_t)arguments.count,
                         (size_t)quern_cli_dimensions(&session, &options->embed) * sizeof *rows);
    if (rows == NULL)
        quern_cli_say("no memory for %d vectors", arguments.count);
    code = texts != NULL && rows != NULL ? compare(options, &session, arguments, texts, rows) : QUERN_CLI_FAILED;
    free(rows);
    free(texts);
    quern_cli_session_close(&session);
    return code;
}

static struct similarity_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct similarity_options),
    QUERN_CLI_AS_OPTION(struct similarity_options),
    QUERN_CLI_TASK_OPTION(struct similarity_options, embed.task),
    QUERN_CLI_TITLE_OPTION(struct similarity_options),
    QUERN_CLI_PROMPT_OPTION(struct similarity_options),
    QUERN_CLI_DIMENSIONS_OPTION(struct similarity_options),
    {"format", 'f', "FORMAT", NULL, QUERN_CLI_WORD(struct similarity_options, format, "text|json")},
    QUERN_CLI_THREADS_OPTION(struct similarity_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct similarity_options),
    QUERN_CLI_CONTEXT_OPTION(struct similarity_options),
    QUERN_CLI_TRUNCATE_OPTION(struct similarity_options),
    QUERN_CLI_PARSE_SPECIAL_OPTION(struct similarity_options),
    {0},
};

const struct quern_cli_verb quern_cli_similarity = {
    .name = "similarity",
    .arguments = "TEXT TEXT...",
    .summary = "Prints how similar the texts are: the cosine of each pair, which is 1 for equal texts.",
    .table = table,
    .more = "The task is 'similarity' unless -t names another; 'none' for a model that takes no prompts.\n\n"
            "example:\n"
            "  quern similarity 'a red apple' 'ripe fruit' 'the tax office'\n",
    .options = &defaults,
    .run = similarity,
};
