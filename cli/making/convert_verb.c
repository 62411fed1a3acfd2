#include "making.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

static int make(const struct quern_cli_making_options *options, const char *input, const char *path,
                const struct quern_convert_job *job, struct quern_convert_result *result, quern_error *error)
{
    (void)options;
    return quern_convert_folder(input, path, job, result, error);
}

/* Whether a file is there, inside the folder, and is no model file that was made before. */
static bool is_of_folder(const char *path, const char *folder)
{
    char *file = realpath(path, NULL), *whole = realpath(folder, NULL);
    const size_t length = whole != NULL ? strlen(whole) : 0;
    const char *ending = file != NULL ? strrchr(file, '.') : NULL;
    const bool inside = file != NULL && whole != NULL && strncmp(file, whole, length) == 0 && file[length] == '/';
    const bool is = inside && (ending == NULL || strcmp(ending, ".gguf") != 0);
    free(file);
    free(whole);
    return is;
}

static const char *find(const char *given)
{
    if (!quern_cli_is_remote(given))
        return given;
    quern_cli_say("%s is not a folder: download the files of the model into one first, and give its name", given);
    return NULL;
}

static int convert(const void *given, struct quern_cli_arguments arguments)
{
    const struct quern_cli_making_options *options = given;
    if (arguments.count != 1)
        return quern_cli_misuse("convert", "it takes one folder");
    if (options->output == NULL)
        return quern_cli_misuse("convert", "-o must name the file to write");
    if (is_of_folder(options->output, arguments.texts[0]))
        return quern_cli_misuse("convert", "-o %s would replace a file of the folder: give another name",
                                options->output);
    return quern_cli_make("convert", find, make, options, arguments.texts[0], options->type, options->output);
}

static struct quern_cli_making_options defaults;

static const struct quern_cli_option table[] = {
    QUERN_CLI_OUTPUT_OPTION(struct quern_cli_making_options),
    {"type", '\0', "TYPE", QUERN_CONVERT_TYPES "; the first is the default",
     QUERN_CLI_TEXT(struct quern_cli_making_options, type)},
    QUERN_CLI_THREADS_OPTION(struct quern_cli_making_options, threads),
    QUERN_CLI_JSON_OPTION(struct quern_cli_making_options),
    {0},
};

const struct quern_cli_verb quern_cli_convert = {
    .name = "convert",
    .arguments = "FOLDER -o FILE",
    .summary = "Makes a model file from a folder in the layout of sentence-transformers and the hub.",
    .table = table,
    .more = "It is a folder of EmbeddingGemma 1 or 2 (Gemma3TextModel, EmbeddingGemma2Model), of MiniLM, bge, e5 and\n"
            "so on (BertModel), of BGE-M3 or multilingual E5 (XLMRobertaModel), of nomic-embed-text (NomicBertModel),\n"
            "of Qwen3-Embedding (Qwen3ForCausalLM, Qwen3Model), or of gte-modernbert or granite-embedding 2\n"
            "(ModernBertModel).\n"
            "It holds config.json, modules.json, model.safetensors (or its parts and their index), tokenizer.json,\n"
            "tokenizer.model or vocab.txt, tokenizer_config.json, 1_Pooling, 2_Dense, 3_Dense and\n"
            "config_sentence_transformers.json. Norms are written as F32; with q4_0, token embeddings and head as\n"
            "Q8_0.\n\n"
            "example:\n"
            "  quern convert embeddinggemma-300m -o embeddinggemma-300m-q8_0.gguf\n",
    .takes_names = true,
    .options = &defaults,
    .run = convert,
};
