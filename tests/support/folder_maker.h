/* Writes a sentence-transformers folder from a model file in F32, in the layout of EmbeddingGemma or of BERT on the
 * hub. It shares no code with convert/, which reads such folders. */
#ifndef QUERN_TESTS_FOLDER_MAKER_H
#define QUERN_TESTS_FOLDER_MAKER_H

#include "quern.h"

#include <stdbool.h>

struct quern_folder_recipe {
    int shards;          /* safetensors files that the tensors are spread over; 1: model.safetensors */
    const char *dtype;   /* "F32", "F16" or "BF16" */
    bool tokenizer_json; /* instead of tokenizer.model; for small vocabularies */
    const char *prefix;  /* of the names of tensors */
};

/* The recipe of the published folder: one file in F32, tokenizer.model. */
struct quern_folder_recipe quern_folder_recipe(void);

/* The folder must exist and be empty. A model without a head gives a folder without dense layers. The weights of norms
 * are written minus 1, rounded to float32, but not those of BERT, which has tokenizer.json in any case. */
int quern_folder_make(const char *folder, const char *model, const struct quern_folder_recipe *recipe,
                      quern_error *error);

#endif
