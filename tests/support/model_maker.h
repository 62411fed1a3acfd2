/* Makes model files to test and measure with: the keys and tensors of an architecture, weights that are noise. A
 * tensor's values depend on its name and the seed only. */
#ifndef QUERN_TESTS_MODEL_MAKER_H
#define QUERN_TESTS_MODEL_MAKER_H

#include "quern.h"

#include <stdbool.h>

enum quern_recipe_arch {
    QUERN_RECIPE_GEMMA, /* EmbeddingGemma */
    QUERN_RECIPE_GEMMA2,
    QUERN_RECIPE_BERT,
    QUERN_RECIPE_NOMIC_BERT,
    QUERN_RECIPE_QWEN3,
    QUERN_RECIPE_MODERN_BERT
};

struct quern_recipe {
    enum quern_recipe_arch arch;
    int layers, embedding, ffn, heads, kv_heads, head_dimensions, context, window, hidden; /* hidden: of the head */
    size_t vocabulary;                                                                     /* pieces: see below */
    uint32_t type; /* enum quern_type, of the matrices; some are of others, as in published files of that type */
    int layer_input, dimensions; /* EmbeddingGemma 2: of a layer's own input, and of a vector. kv_heads and
                                    head_dimensions are those of local layers; global ones have half as many key and
                                    value heads, which are twice as wide */
    int pooling;   /* as numbered in files; negative: the key is not there */
    bool fused;    /* BERT and Nomic's: queries, keys and values are one tensor, as they always are in ModernBERT */
    const char *activation; /* ModernBERT: hidden_activation; NULL: the key is not there */
    bool head;     /* whether the file holds the dense head */
    const char *tokenizer; /* tokenizer.ggml.model; NULL: as the architecture and what follows say */
    const char *pre;       /* tokenizer.ggml.pre; NULL: "default" */
    bool merges;   /* the file has merges; the tokenizer is "gemma4" instead of "llama" */
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

/* A BERT of three layers in F32, with mean pooling. */
struct quern_recipe quern_recipe_bert(void);

/* Tiny models of other architectures in F32, pooled as published ones are, with the vocabulary of EmbeddingGemma's. Two
 * query heads of Qwen3 share a head of keys and values, and heads are wider than the width asks for; ModernBERT has a
 * window of 16 tokens and two periods of layers. */
struct quern_recipe quern_recipe_nomic(void);
struct quern_recipe quern_recipe_qwen3(void);
struct quern_recipe quern_recipe_modern(void);
/* An EmbeddingGemma 2 of six layers in F32, every third one global. It has the vocabulary of the other models. */
struct quern_recipe quern_recipe_gemma2(void);

int quern_model_make(const char *path, const struct quern_recipe *recipe, quern_error *error);

#endif
