#include "making.h"

static int make(const struct quern_cli_options *options, const struct quern_convert_job *job,
                struct quern_convert_result *result, quern_error *error)
{
    return quern_convert_folder(options->texts[0], options->output, job, result, error);
}

static int convert(const struct quern_cli_options *options)
{
    if (options->text_count != 1)
        return quern_cli_misuse("convert", "it takes one folder");
    if (options->output == NULL)
        return quern_cli_misuse("convert", "-o says which file to write");
    return quern_cli_make("convert", make, options, options->type, options->output);
}

const struct quern_cli_verb quern_cli_convert = {
    .name = "convert",
    .arguments = "FOLDER -o FILE",
    .summary = "Makes a model file out of a folder as sentence-transformers and the hub have it.",
    .options = "oTJA",
    .types = QUERN_CONVERT_TYPES "; the first is the default",
    .more = "The folder holds config.json, modules.json, model.safetensors (or its parts and their index),\n"
            "tokenizer.model or tokenizer.json, tokenizer_config.json, 1_Pooling, 2_Dense, 3_Dense and\n"
            "config_sentence_transformers.json. Norms are written as F32; with q4_0, token embeddings and head as\n"
            "Q8_0.\n\n"
            "example:\n"
            "  quern convert embeddinggemma-300m -o embeddinggemma-300m-q8_0.gguf\n",
    .run = convert,
};
