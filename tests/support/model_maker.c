#include "model_parts.h"

#include "base/error.h"
#include "vocabulary_maker.h"

struct quern_recipe quern_recipe_tiny(void)
{
    return (struct quern_recipe){.layers = 6, .embedding = 64, .ffn = 96, .heads = 2, .kv_heads = 1,
                                 .head_dimensions = 32, .context = 256, .window = 16, .hidden = 128,
                                 .vocabulary = QUERN_VOCABULARY_TINY, .type = QUERN_TYPE_Q8_0, .pooling = 1,
                                 .seed = 1};
}

struct quern_recipe quern_recipe_wide(void)
{
    struct quern_recipe recipe = quern_recipe_tiny();
    recipe.embedding = 256;
    recipe.ffn = 288;
    recipe.head_dimensions = 128;
    recipe.hidden = 512;
    recipe.type = QUERN_TYPE_Q4_K;
    return recipe;
}

struct quern_recipe quern_recipe_full(void)
{
    return (struct quern_recipe){.layers = 24, .embedding = 768, .ffn = 1152, .heads = 3, .kv_heads = 1,
                                 .head_dimensions = 256, .context = 2048, .window = 512, .hidden = 3072,
                                 .vocabulary = QUERN_VOCABULARY_FULL, .type = QUERN_TYPE_Q8_0, .pooling = 1,
                                 .seed = 1};
}

struct quern_recipe quern_recipe_bert(void)
{
    return (struct quern_recipe){.layers = 3, .embedding = 64, .ffn = 96, .heads = 2, .kv_heads = 2,
                                 .head_dimensions = 32, .context = 256, .vocabulary = QUERN_VOCABULARY_TINY,
                                 .type = QUERN_TYPE_F32, .arch = QUERN_RECIPE_BERT, .pooling = 1, .seed = 1};
}

struct quern_recipe quern_recipe_nomic(void)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.arch = QUERN_RECIPE_NOMIC_BERT;
    recipe.fused = true;
    return recipe;
}

struct quern_recipe quern_recipe_qwen3(void)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.arch = QUERN_RECIPE_QWEN3;
    recipe.heads = 4;
    recipe.pooling = 3;
    return recipe;
}

struct quern_recipe quern_recipe_modern(void)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.arch = QUERN_RECIPE_MODERN_BERT;
    recipe.layers = 6;
    recipe.window = 16;
    recipe.pooling = 2;
    return recipe;
}

struct quern_recipe quern_recipe_gemma2(void)
{
    return (struct quern_recipe){.layers = 6, .embedding = 64, .ffn = 96, .heads = 4, .kv_heads = 2,
                                 .head_dimensions = 32, .context = 256, .window = 16, .layer_input = 32,
                                 .dimensions = 96, .vocabulary = QUERN_VOCABULARY_TINY, .type = QUERN_TYPE_F32,
                                 .arch = QUERN_RECIPE_GEMMA2, .pooling = 1, .seed = 1};
}

int quern_model_make(const char *path, const struct quern_recipe *recipe, quern_error *error)
{
    struct quern_gguf_writer *writer = NULL;
    QUERN_TRY(quern_gguf_writer_new(&writer, path, NULL, error));
    int code = quern_model_put_keys(writer, recipe, error);
    if (code == QUERN_OK)
        code = quern_model_put_tensors(writer, recipe, error);
    if (code != QUERN_OK) {
        quern_gguf_writer_abandon(writer);
        return code;
    }
    return quern_gguf_writer_finish(writer, error);
}
