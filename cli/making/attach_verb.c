#include "making.h"
#include "store/session.h"

static int make(const struct quern_cli_making_options *options, const char *input, const char *path,
                const struct quern_convert_job *job, struct quern_convert_result *result, quern_error *error)
{
    return quern_convert_attach_head(input, options->dense[0], options->dense[1], path, job, result, error);
}

static int attach(const void *given, struct quern_cli_arguments arguments)
{
    const struct quern_cli_making_options *options = given;
    if (arguments.count != 1)
        return quern_cli_misuse("attach-head", "it takes one model file");
    if (options->dense[0] == NULL || options->dense[1] == NULL || options->output == NULL)
        return quern_cli_misuse("attach-head", "it needs --dense-2, --dense-3 and -o");
    return quern_cli_make("attach-head", quern_cli_session_find, make, options, arguments.texts[0], options->type,
                          options->output);
}

static struct quern_cli_making_options defaults;

static const struct quern_cli_option table[] = {
    {"dense-2", '\0', "FILE", "the first layer of the head: safetensors, or a model file with a head",
     QUERN_CLI_TEXT(struct quern_cli_making_options, dense[0])},
    {"dense-3", '\0', "FILE", "the second layer of the head",
     QUERN_CLI_TEXT(struct quern_cli_making_options, dense[1])},
    QUERN_CLI_OUTPUT_OPTION(struct quern_cli_making_options),
    {"type", '\0', "TYPE", QUERN_CONVERT_TYPES "; default: that of the layers if they are floats, else q8_0",
     QUERN_CLI_TEXT(struct quern_cli_making_options, type)},
    QUERN_CLI_THREADS_OPTION(struct quern_cli_making_options, threads),
    QUERN_CLI_JSON_OPTION(struct quern_cli_making_options),
    {0},
};

const struct quern_cli_verb quern_cli_attach_head = {
    .name = "attach-head",
    .arguments = "FILE --dense-2 FILE --dense-3 FILE -o FILE",
    .summary = "Adds the dense head to a model file that lacks it, so that its vectors are the official ones.",
    .table = table,
    .more = "The layers are in 2_Dense/model.safetensors and 3_Dense/model.safetensors of the model's folder on the\n"
            "hub, or in a model file that has a head.\n\n"
            "example:\n"
            "  quern attach-head old.gguf --dense-2 2_Dense/model.safetensors --dense-3 3_Dense/model.safetensors \\\n"
            "      -o embeddinggemma-300M-Q8_0.gguf\n",
    .takes_names = true,
    .options = &defaults,
    .run = attach,
};
