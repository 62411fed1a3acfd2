#include "making.h"

static int make(const struct quern_cli_options *options, const struct quern_convert_job *job,
                struct quern_convert_result *result, quern_error *error)
{
    return quern_convert_quantize(options->texts[0], options->texts[1], job, result, error);
}

static int quantize(const struct quern_cli_options *options)
{
    if (options->text_count != 3)
        return quern_cli_misuse("quantize", "it takes a model file, the file to write and a type: "
                                QUERN_CONVERT_TYPES);
    return quern_cli_make("quantize", make, options, options->texts[2], options->texts[1]);
}

const struct quern_cli_verb quern_cli_quantize = {
    .name = "quantize",
    .arguments = "INPUT OUTPUT TYPE",
    .summary = "Writes a model file with its weights in another type: " QUERN_CONVERT_TYPES ".",
    .options = "JA",
    .more = "Norms are written as F32; with q4_0, token embeddings and head as Q8_0. Rounding is that of the GGML\n"
            "project, to the bit.\n\n"
            "example:\n"
            "  quern quantize embeddinggemma-300m-f32.gguf embeddinggemma-300m-q8_0.gguf q8_0\n",
    .run = quantize,
};
