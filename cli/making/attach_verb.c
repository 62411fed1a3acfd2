#include "making.h"

static int make(const struct quern_cli_options *options, const struct quern_convert_job *job,
                struct quern_convert_result *result, quern_error *error)
{
    return quern_convert_attach_head(options->texts[0], options->dense[0], options->dense[1], options->output, job,
                                     result, error);
}

static int attach(const struct quern_cli_options *options)
{
    if (options->text_count != 1)
        return quern_cli_misuse("attach-head", "it takes one model file");
    if (options->dense[0] == NULL || options->dense[1] == NULL || options->output == NULL)
        return quern_cli_misuse("attach-head", "it needs --dense-2, --dense-3 and -o");
    return quern_cli_make("attach-head", make, options, options->type, options->output);
}

const struct quern_cli_verb quern_cli_attach_head = {
    .name = "attach-head",
    .arguments = "FILE --dense-2 FILE --dense-3 FILE -o FILE",
    .summary = "Gives a model file without the dense head the head, so that its vectors are the official ones.",
    .options = "oTJA",
    .types = QUERN_CONVERT_TYPES "; default: that of the layers if they are floats, else q8_0",
    .more = "The layers are in 2_Dense/model.safetensors and 3_Dense/model.safetensors of the model's folder on the\n"
            "hub, or in a model file that has a head.\n\n"
            "example:\n"
            "  quern attach-head old.gguf --dense-2 2_Dense/model.safetensors --dense-3 3_Dense/model.safetensors \\\n"
            "      -o embeddinggemma-300M-Q8_0.gguf\n",
    .run = attach,
};
