#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A vector passes when its cosine with the stored one is at least this. Weights in float32, half floats and Q8_0 differ
 * from the published ones by rounding only, and with them llama.cpp gets a cosine above 0.999. Types of fewer bits
 * round more. The Q4_0 file even has other weights, which were trained for quantisation. The fast path may lose a
 * little more. */
#define PASS_EXACT 0.999
#define PASS_FAST 0.998
#define PASS_COARSE 0.95

static double cosine_with_stored(const float *vector, const int16_t *stored)
{
    float copy[QUERN_CLI_GOLDEN_DIMENSIONS];
    for (int i = 0; i < QUERN_CLI_GOLDEN_DIMENSIONS; i++)
        copy[i] = stored[i];
    return quern_cosine(vector, copy, QUERN_CLI_GOLDEN_DIMENSIONS);
}

/* Whether the file has the shape of the model; says what differs. */
static bool has_shape(const quern_model_info *info)
{
    const struct {
        const char *name;
        int value, expected;
    } numbers[] = {
        {"dimensions", info->dimensions, QUERN_CLI_GOLDEN_DIMENSIONS},
        {"layers", info->layers, 24},
        {"heads", info->heads, 3},
        {"kv_heads", info->kv_heads, 1},
        {"head_dimensions", info->head_dimensions, 256},
        {"ffn_dimensions", info->ffn_dimensions, 1152},
        {"vocabulary", info->vocabulary, 262144},
        {"sliding_window", info->sliding_window, 512},
        {"context_length", info->context_length, 2048},
    };
    bool same = true;
    for (size_t i = 0; i < QUERN_COUNT(numbers); i++)
        if (numbers[i].value != numbers[i].expected) {
            printf("%s is %d, but %d in EmbeddingGemma-300M\n", numbers[i].name, numbers[i].value,
                   numbers[i].expected);
            same = false;
        }
    return same;
}

/* Makes the text of a golden; the caller frees its data. */
static bool make_text(const struct quern_cli_golden *golden, quern_text *text)
{
    size_t length = strlen(golden->text);
    char *data = malloc(length * (size_t)golden->repeat + 1);
    if (data == NULL)
        return false;
    for (int i = 0; i < golden->repeat; i++)
        memcpy(data + length * (size_t)i, golden->text, length);
    *text = (quern_text){data, length * (size_t)golden->repeat};
    return true;
}

/* Whether the tokens of a text are those of the real vocabulary. */
static bool has_ids(quern_context *context, const struct quern_cli_golden *golden, quern_text text)
{
    int32_t ids[4];
    size_t count = 0;
    quern_embed_options options = {.size = sizeof options, .task = golden->task};
    int code = quern_tokenize(context, text, &options, ids, 4, &count, NULL);
    if (count != golden->tokens + golden->truncated || (code != QUERN_OK && code != QUERN_ETOOLONG))
        return false;
    return golden->ids[0] == 0 || memcmp(ids, golden->ids, count * sizeof ids[0]) == 0;
}

/* The cosine of one text on one path; NaN after a message. */
static double measure(quern_context *context, const struct quern_cli_golden *golden, quern_text text, bool has_head)
{
    float vector[QUERN_CLI_GOLDEN_DIMENSIONS];
    quern_embed_options options = {.size = sizeof options, .task = golden->task, .flags = QUERN_TRUNCATE};
    quern_error error;
    if (quern_embed(context, &text, 1, &options, vector, QUERN_CLI_GOLDEN_DIMENSIONS, NULL, &error) != QUERN_OK) {
        quern_cli_fail(NULL, &error);
        return NAN;
    }
    return cosine_with_stored(vector, has_head ? golden->vector : golden->hidden);
}

/* Compares one text on both paths; prints its line. */
static bool check_golden(struct quern_cli_session *session, quern_context *exact, const struct quern_cli_golden *golden)
{
    quern_text text;
    bool has_head = session->info.has_head;
    bool coarse = quern_cli_is_coarse(session->info.types);
    if (!make_text(golden, &text))
        return false;
    printf("%-28s", golden->label);
    bool passed = has_ids(exact, golden, text);
    if (!passed) {
        fputs("  the token ids differ: this is not the vocabulary of EmbeddingGemma-300M", stdout);
    } else if (has_head || golden->hidden != NULL) {
        double by_exact = measure(exact, golden, text, has_head);
        double by_fast = measure(session->context, golden, text, has_head);
        passed = by_exact >= (coarse ? PASS_COARSE : PASS_EXACT) && by_fast >= (coarse ? PASS_COARSE : PASS_FAST);
        printf("  %8.6f  %8.6f%s", by_exact, by_fast, passed ? "" : "  differs");
    } else {
        fputs("  ids agree", stdout);
    }
    putchar('\n');
    free((void *)text.data);
    return passed;
}

static int check_goldens(struct quern_cli_session *session, quern_context *exact)
{
    printf("cosine with the real model's %s\n%-28s  %8s  %8s\n",
           session->info.has_head ? "vectors" : "mean hidden states, since the file has no dense head", "", "exact",
           session->context_info.activations);
    int failed = 0;
    for (int i = 0; i < quern_cli_golden_count; i++)
        failed += !check_golden(session, exact, &quern_cli_goldens[i]);
    if (failed > 0)
        printf("verdict: %d of %d texts differ: this is not EmbeddingGemma-300M, or this build computes it wrongly\n",
               failed, quern_cli_golden_count);
    else
        printf("verdict: this is EmbeddingGemma-300M%s, and this build computes its vectors\n",
               session->info.has_head ? "" : " without its dense head");
    return failed > 0 ? QUERN_CLI_FAILED : QUERN_CLI_DONE;
}

static int check_all(struct quern_cli_session *session)
{
    quern_context *exact;
    quern_error error;
    quern_context_options options = {
        .size = sizeof options, .threads = session->context_info.threads, .path = QUERN_PATH_EXACT};
    const char *leading = quern_cli_leading_model(&session->info);
    if (leading == NULL && strcmp(session->info.architecture, "gemma-embedding") != 0)
        return quern_cli_verify_file(session);
    if (leading == NULL && !has_shape(&session->info)) {
        puts("verdict: this is not EmbeddingGemma-300M: its shape differs");
        return QUERN_CLI_FAILED;
    }
    if (quern_context_new(&exact, session->model, &options, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    const int code = leading != NULL ? quern_cli_verify_leading(session, leading, exact)
                                     : check_goldens(session, exact);
    quern_context_free(exact);
    return code;
}

static int verify(const void *given, struct quern_cli_arguments arguments)
{
    const struct quern_cli_verify_options *options = given;
    struct quern_cli_session session;
    if (arguments.count > 0)
        return quern_cli_misuse("verify", "it takes no arguments; the model is given with -m");
    if (options->against != NULL)
        return quern_cli_compare(options, arguments);
    int code = quern_cli_allow(&quern_cli_verify, arguments, "model|as|threads", "'quern verify' without --against");
    if (code == QUERN_CLI_DONE)
        code = quern_cli_session_open(&session, &options->session);
    if (code != QUERN_CLI_DONE)
        return code;
    code = check_all(&session);
    quern_cli_session_close(&session);
    return code;
}

static struct quern_cli_verify_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct quern_cli_verify_options),
    QUERN_CLI_AS_OPTION(struct quern_cli_verify_options),
    {"against", '\0', "WHAT", "compare vectors with those of this model file, or with exact ones of the same model",
     QUERN_CLI_TEXT(struct quern_cli_verify_options, against)},
    QUERN_CLI_INPUT_OPTION(struct quern_cli_verify_options),
    QUERN_CLI_NULL_OPTION(struct quern_cli_verify_options),
    QUERN_CLI_TASK_OPTION(struct quern_cli_verify_options, embed.task),
    QUERN_CLI_DIMENSIONS_OPTION(struct quern_cli_verify_options),
    QUERN_CLI_THREADS_OPTION(struct quern_cli_verify_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct quern_cli_verify_options),
    QUERN_CLI_JSON_OPTION(struct quern_cli_verify_options),
    {0},
};

const struct quern_cli_verb quern_cli_verify = {
    .name = "verify",
    .summary = "Tells which model a file is, and whether it is computed correctly, or compares two files.",
    .table = table,
    .more = "Compares token ids and vectors with stored figures of EmbeddingGemma-300M, EmbeddingGemma 2, MiniLM-L6\n"
            "or the starter model. Of other models it tells what the file is taken for, and why. The exit code is 1\n"
            "when figures differ, or when there are none.\n"
            "--against compares with other vectors instead, over the texts of the input: those of another model\n"
            "file, or with the word exact, those of the model itself, both on the exact path. It prints the mean and\n"
            "the worst cosine, and how many of the 10 nearest neighbours stay the same.\n\n"
            "example:\n"
            "  quern verify -m embeddinggemma-300M-Q8_0.gguf\n"
            "  quern verify -m my-q4_0.gguf --against my-f32.gguf -i texts.txt\n"
            "  quern verify -m my-q4_0.gguf --against exact -i texts.txt --json\n",
    .options = &defaults,
    .run = verify,
};
