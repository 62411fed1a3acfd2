#include "eval.h"

#include "quern_index.h"

#include <string.h>

static int eval(const void *given, struct quern_cli_arguments arguments)
{
    const struct quern_eval_options *options = given;
    struct quern_nearest nearest = {.asked = arguments.count > 0 ? arguments.texts[0] : ""};
    char hint[QUERN_NEAREST_HINT];
    if (options->oversampling > 0 && !options->stored)
        return quern_cli_misuse("eval", "--oversampling goes with --stored");
    if (arguments.count == 2 && strcmp(arguments.texts[0], "sts") == 0 && options->stored)
        return quern_cli_misuse("eval", "--stored goes with retrieval, not with sts");
    if (arguments.count == 2 && strcmp(arguments.texts[0], "sts") == 0)
        return quern_eval_sts(options, arguments.texts[1]);
    if (arguments.count == 2 && strcmp(arguments.texts[0], "retrieval") == 0)
        return quern_eval_retrieval(options, arguments.texts[1]);
    quern_nearest_offer_list(&nearest, "sts|retrieval");
    if (arguments.count > 0 && (nearest.word == NULL || nearest.distance > 0))
        return quern_cli_misuse("eval", "it measures sts FILE or retrieval FOLDER, not '%s'%s", nearest.asked,
                                quern_nearest_hint(&nearest, hint));
    return quern_cli_misuse("eval", "say what to measure: sts FILE, or retrieval FOLDER");
}

static struct quern_eval_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS};

static const struct quern_cli_option table[] = {
    {"model", 'm', "FILE", "as for other verbs; may be given several times, to compare models in one table",
     QUERN_CLI_SEVERAL(struct quern_eval_options, models)},
    QUERN_CLI_TASK_OPTION(struct quern_eval_options, embed.task),
    {"dims", '\0', "LIST", "dimensions to measure, for example 768,256; default: all, and halves of them down to 64",
     QUERN_CLI_LIST(struct quern_eval_options, dims, 65536)},
    {"stored", '\0', NULL, "of retrieval: measure vectors as an index has them: float32, float16, and found by bits",
     QUERN_CLI_SWITCH(struct quern_eval_options, stored)},
    QUERN_CLI_OVERSAMPLING_OPTION(struct quern_eval_options, QUERN_SEARCH_MOST_HITS / (QUERN_EVAL_HITS + 1)),
    QUERN_CLI_THREADS_OPTION(struct quern_eval_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct quern_eval_options),
    QUERN_CLI_CONTEXT_OPTION(struct quern_eval_options),
    QUERN_CLI_JSON_OPTION(struct quern_eval_options),
    {0},
};

const struct quern_cli_verb quern_cli_eval = {
    .name = "eval",
    .arguments = "sts FILE | retrieval FOLDER",
    .summary = "Measures how good vectors are: on pairs of texts with scores, or in searches with known answers.",
    .table = table,
    .more =
        "sts: correlation of the cosine with scores that people gave. A line of FILE is {\"a\": ..., \"b\": ...,\n"
        "\"score\": ...} (or sentence1, sentence2), or text, text and score with tabs between them. The task is\n"
        "'similarity'.\n\n"
        "retrieval: recall, MRR and nDCG of searches. FOLDER holds corpus.jsonl ({\"_id\": ..., \"title\": ...,\n"
        "\"text\": ...}), queries.jsonl ({\"_id\": ..., \"text\": ...}) and qrels/test.tsv (query, document, grade),\n"
        "as BEIR has them; PREFIX stands for PREFIX-corpus.jsonl, PREFIX-queries.jsonl (where \"docs\" may name\n"
        "the answers) and PREFIX-qrels.txt (as TREC has it). Queries have the task 'query', documents 'document';\n"
        "-t changes the task of the queries.\n\n"
        "retrieval --stored: what is lost in an index ('quern index'). f32: vectors as they are; f16: --dtype f16;\n"
        "bits: --bits, and a search with --fast. same@10 is the part of the ten hits of f32 that are found, scored\n"
        "the documents whose vector was read for a query. Certified searches (f32, f16) read rounded bytes before.\n\n"
        "Files may be compressed, with .gz at their end. Texts are cut to what the model takes. Figures of\n"
        "searches by words are printed too. A model that takes no prompts has the task 'none'.\n\n"
        "example:\n"
        "  quern eval sts stsb-en-test.jsonl.gz\n"
        "  quern eval retrieval --dims 768,256 scifact\n"
        "  quern eval retrieval --stored --dims 768,256,128 scifact\n"
        "  quern eval sts -m q8_0.gguf -m q4_0.gguf pairs.tsv\n",
    .takes_names = true,
    .options = &defaults,
    .run = eval,
};
