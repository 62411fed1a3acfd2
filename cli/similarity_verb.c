#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double cosine(const float *a, const float *b, int dimensions)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < dimensions; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static void print_json(const float *rows, int count, int dimensions, const char *space, const char *path)
{
    printf("{\"space\":\"%s\",\"path\":\"%s\",\"similarity\":[", space, path);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++)
            printf("%s%.6f%s", j == 0 ? i == 0 ? "[" : ",\n[" : ",",
                   cosine(rows + (size_t)i * (size_t)dimensions, rows + (size_t)j * (size_t)dimensions, dimensions),
                   j == count - 1 ? "]" : "");
    puts("]}");
}

/* A text in one line of a terminal: its beginning, without control characters, cut at a character's edge. */
static void print_label(const char *text)
{
    enum { MOST = 60 };
    int characters = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool starts = (*at & 0xc0) != 0x80;
        if (starts && characters++ == MOST) {
            fputs("...", stdout);
            break;
        }
        putchar(*at < 0x20 || *at == 0x7f ? ' ' : *at);
    }
}

/* From blue (nothing in common) over green to red (the same). */
static int colour(double similarity)
{
    static const int palette[] = {27, 33, 37, 35, 34, 70, 106, 142, 178, 208, 196};
    double step = floor(fmin(fmax(similarity, 0), 1) * 10);
    return palette[(int)step];
}

static void print_matrix(char **texts, const float *rows, int count, int dimensions)
{
    bool colours = isatty(STDOUT_FILENO) && (getenv("NO_COLOR") == NULL || getenv("NO_COLOR")[0] == '\0');
    fputs("    ", stdout);
    for (int j = 0; j < count; j++)
        printf("%8d", j + 1);
    putchar('\n');
    for (int i = 0; i < count; i++) {
        printf("%4d", i + 1);
        for (int j = 0; j < count; j++) {
            double value = cosine(rows + (size_t)i * (size_t)dimensions, rows + (size_t)j * (size_t)dimensions, dimensions);
            if (colours)
                printf("\x1b[38;5;%dm%8.4f\x1b[0m", colour(value), value);
            else
                printf("%8.4f", value);
        }
        fputs("  ", stdout);
        print_label(texts[i]);
        putchar('\n');
    }
}

static int compare(const struct quern_cli_options *options, struct quern_cli_session *session)
{
    size_t count = (size_t)options->text_count;
    int dimensions = options->dimensions > 0 ? options->dimensions : session->info.dimensions;
    int task = options->task >= 0 ? options->task : QUERN_TASK_SIMILARITY;
    quern_embed_options embed = quern_cli_embed_options(options, task);
    char space[QUERN_SPACE_SIZE];
    quern_error error = {.text = "no memory for the vectors"};
    quern_text *texts = calloc(count, sizeof *texts);
    float *rows = calloc(count, (size_t)dimensions * sizeof *rows);
    int code = QUERN_ENOMEM;
    for (size_t i = 0; texts != NULL && i < count; i++)
        texts[i] = (quern_text){options->texts[i], strlen(options->texts[i])};
    if (texts != NULL && rows != NULL)
        code = quern_embed(session->context, texts, count, &embed, rows, count * (size_t)dimensions, NULL, &error);
    if (code == QUERN_OK)
        code = quern_space(session->model, &embed, space, &error);
    if (code != QUERN_OK)
        quern_cli_say("%s", error.text);
    else if (options->format != NULL && strcmp(options->format, "json") == 0)
        print_json(rows, options->text_count, dimensions, space, session->context_info.path);
    else
        print_matrix(options->texts, rows, options->text_count, dimensions);
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
    .synopsis = "[OPTION...] TEXT TEXT...",
    .summary = "Prints how close the texts are to each other: the cosine of each pair, 1 for the same.",
    .options = "mtLdfJECP",
    .formats = "text|json",
    .more = "The task is 'similarity' unless -t says otherwise.\n\n"
            "example:\n"
            "  quern similarity 'a red apple' 'ripe fruit' 'the tax office'\n",
    .run = similarity,
};
