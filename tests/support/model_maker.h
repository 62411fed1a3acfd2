/* Makes model files to test and measure with: the keys and tensors of EmbeddingGemma or of BERT, weights that are
 * noise. A tensor's values depend on its name and the seed only. */
#ifndef QUERN_TESTS_MODEL_MAKER_H
#define QUERN_TESTS_MODEL_MAKER_H

#include "quern.h"

#include <stdbool.h>

struct quern_recipe {
    int layers, embedding, ffn, heads, kv_heads, head_dimensions, context, window, hidden; /* hidden: of the head */
    size_t vocabulary;                                                                     /* pieces: see below */
    uint32_t type; /* enum quern_type, of the matrices; some are of others, as in published files of that type */
    bool bert;     /* BERT instead of EmbeddingGemma */
    int pooling;   /* as numbered in files; negative: the key is not there */
    bool fused;    /* BERT: queries, keys and values are one tensor */
    bool head;     /* whether the file holds the dense head */
    bool merges;   /* the tokenizer "gemma4", with merges, instead of "llama" */
    bool unigram;  /* the tokenizer "t5", with a character map that turns 'w' into "of" */
    bool spaced;   /* whether the vocabulary puts a space before every text */
    const char *prompts; /* what the file says of its model's task prompts; NULL: nothing */
    struct {
        const char *name, *text; /* of a prompt in the file; name NULL: none */
    } file_prompts[2];
    const char *name; /* general.name; NULL: that of a test model */
    uint64_t seed;
};

/* A model of a few hundred kilobytes, with a global layer and every kind of piece; the same with rows that fill blocks
 * of 256, but not those of ffn_down; and the true shape. Q8_0, the wide one Q4_K, without a head, seed 1, until
 * changed. */
struct quern_recipe quern_recipe_tiny(void);
struct quern_recipe quern_recipe_wide(void);
struct quern_recipe quern_recipe_full(void);

/* A BERT of three layers in F32, with mean pooling. quern does not have the tokenizer that it names. */
struct quern_recipe quern_recipe_bert(void);

int quern_model_make(const char *path, const struct quern_recipe *recipe, quern_error *error);

#endif
