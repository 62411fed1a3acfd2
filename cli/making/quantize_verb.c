#include "making.h"
#include "store/session.h"

static int make(const struct quern_cli_making_options *options, const char *input, const char *path,
                const struct quern_convert_job *job, struct quern_convert_result *result, quern_error *error)
{
    (void)options;
    return quern_convert_quantize(input, path, job, result, error);
}

static int quantize(const void *given, struct quern_cli_arguments arguments)
{
    const struct quern_cli_making_options *options = given;
    if (arguments.count != 3)
        return quern_cli_misuse("quantize", "it takes a model file, the file to write and a type: "
                                QUERN_CONVERT_TYPES);
    return quern_cli_make("quantize", quern_cli_session_find, make, options, arguments.texts[0], arguments.texts[2],
                          arguments.texts[1]);
}

static struct quern_cli_making_options defaults;

static const struct quern_cli_option table[] = {
    QUERN_CLI_THREADS_OPTION(struct quern_cli_making_options, threads),
    QUERN_CLI_JSON_OPTION(struct quern_cli_making_options),
    {0},
};

const struct quern_cli_verb quern_cli_quantize = {
    .name = "quantize",
    .arguments = "INPUT OUTPUT TYPE",
    .summary = "Writes a model file with its weights in another type: " QUERN_CONVERT_TYPES ".",
    .table = table,
    .more = "Norms are written as F32; with q4_0, token embeddings and head as Q8_0. Rounding is that of the GGML\n"
            "project, to the bit.\n\n"
            "example:\n"
            "  quern quantize embeddinggemma-300m-f32.gguf embeddinggemma-300m-q8_0.gguf q8_0\n",
    .takes_names = true,
    .options = &defaults,
    .run = quantize,
};
