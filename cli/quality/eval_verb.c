#include "eval.h"

#include <string.h>

#define LEAST_DIMENSIONS 64 /* of those measured without being asked for */

int quern_eval_dims(const struct quern_cli_options *options, const struct quern_cli_session *session,
                    int dims[QUERN_CLI_DIMS])
{
    const int full = session->info.dimensions;
    int count = 0;
    if (options->dims_count == 0) {
        for (int size = full; count == 0 || (size >= LEAST_DIMENSIONS && count < QUERN_CLI_DIMS); size /= 2)
            dims[count++] = size;
        return count;
    }
    for (; count < options->dims_count; count++) {
        if (options->dims[count] > full) {
            quern_cli_say("--dims: %d is more than the model's %d dimensions", options->dims[count], full);
            return 0;
        }
        dims[count] = options->dims[count];
    }
    return count;
}

static int eval(const struct quern_cli_options *options)
{
    if (options->text_count == 2 && strcmp(options->texts[0], "sts") == 0)
        return quern_eval_sts(options, options->texts[1]);
    if (options->text_count == 2 && strcmp(options->texts[0], "retrieval") == 0)
        return quern_eval_retrieval(options, options->texts[1]);
    return quern_cli_misuse("eval", "say what to measure: sts FILE, or retrieval FOLDER");
}

const struct quern_cli_verb quern_cli_eval = {
    .name = "eval",
    .arguments = "sts FILE | retrieval FOLDER",
    .summary = "Measures how good vectors are: on pairs of texts with scores, or in searches with known answers.",
    .options = "mtDJEA",
    .more =
        "sts: correlation of the cosine with people's scores. A line of FILE is {\"a\": ..., \"b\": ...,\n"
        "\"score\": ...} (or sentence1, sentence2), or text, text and score with tabs between them. The task is\n"
        "'similarity'.\n\n"
        "retrieval: recall, MRR and nDCG of searches. FOLDER holds corpus.jsonl ({\"_id\": ..., \"title\": ...,\n"
        "\"text\": ...}), queries.jsonl ({\"_id\": ..., \"text\": ...}) and qrels/test.tsv (query, document, grade),\n"
        "as BEIR has them; PREFIX stands for PREFIX-corpus.jsonl, PREFIX-queries.jsonl (where \"docs\" may name\n"
        "the answers) and PREFIX-qrels.txt (as TREC has it). Queries have the task 'query', documents 'document';\n"
        "-t changes the former.\n\n"
        "Files may be compressed, with .gz at their end. Texts are cut to what the model takes. Figures of\n"
        "searches by words stand beside. A model that takes no prompts has the task 'none'.\n\n"
        "example:\n"
        "  quern eval sts stsb-en-test.jsonl.gz\n"
        "  quern eval retrieval --dims 768,256 scifact\n",
    .run = eval,
};
