#include "store.h"

#include <string.h>

#define GEMMA_TERMS .terms = "https://ai.google.dev/gemma/terms"

/* A file whose digest is known is pinned to a revision, so that it may be published again under its name. Sizes and
 * digests are those of the hub. The first file of a model is the one that quern runs fastest at full quality. */
const struct quern_cli_published quern_cli_catalog[] = {
    {
        .name = "embeddinggemma",
        .repository = "ggml-org/embeddinggemma-300M-GGUF",
        .revision = "0f741b5a6585bd53aeb15cd1372c56f2a0f65e12",
        .path = "embeddinggemma-300M-Q8_0.gguf",
        .sha256 = "b5ce9d77a3fc4b3b39ccb5643c36777911cc4eb46a66962eadfa3f5f60490d63",
        .size = 333590944,
        GEMMA_TERMS,
    },
    {
        .name = "embeddinggemma:q4_0",
        .repository = "ggml-org/embeddinggemma-300M-qat-q4_0-GGUF",
        .revision = "8dd0ca2a66a8f14470acb0e2a71f801afbc5fb73",
        .path = "embeddinggemma-300M-qat-Q4_0.gguf",
        .sha256 = "50d28e22432a148f6f8a86eab3700f92add5d1f54baf7790675a2a4dadbccf26",
        .size = 277852192,
        .lacks_head = true,
        GEMMA_TERMS,
    },
    {
        .name = "embeddinggemma:bf16",
        .repository = "flyingcircusio/embeddinggemma-300m-GGUF-with-dense-modules",
        .revision = "4e7ac746a96002b1837ae0099f9253d89e14e603",
        .path = "embeddinggemma-300M-BF16-with-dense.gguf",
        .sha256 = "4610577e176f925b20e1981212e2d03741e0b48b2051e78e73da5865f0552671",
        GEMMA_TERMS,
    },
    {
        .name = "embeddinggemma:f32",
        .repository = "cduk/embeddinggemma-300m-GGUF-with-dense-modules",
        .revision = "6c4b6b0b86f1917506d8047478e350e51ac65fe8",
        .path = "embeddinggemma-300M-F32.gguf",
        .sha256 = "695c5960fa074ccdc7993d9a9d215a20bee20c03f8eba23111caa6de0d0c6991",
        GEMMA_TERMS,
    },
    {
        .name = "embeddinggemma2",
        .repository = "unsloth/embeddinggemma-2-GGUF",
        .path = "embeddinggemma-2-Q8_0.gguf",
        .size = 309855520,
        .is_inferred = true,
    },
    {
        .name = "embeddinggemma2:bf16",
        .repository = "unsloth/embeddinggemma-2-GGUF",
        .path = "embeddinggemma-2-BF16.gguf",
        .size = 557950240,
        .is_inferred = true,
    },
    {
        .name = "minilm",
        .repository = "second-state/All-MiniLM-L6-v2-Embedding-GGUF",
        .path = "all-MiniLM-L6-v2-Q8_0.gguf",
        .is_inferred = true,
    },
    {
        .name = "bge-small",
        .repository = "CompendiumLabs/bge-small-en-v1.5-gguf",
        .path = "bge-small-en-v1.5-q8_0.gguf",
        .is_inferred = true,
    },
    {
        .name = "bge-small:f16",
        .repository = "CompendiumLabs/bge-small-en-v1.5-gguf",
        .path = "bge-small-en-v1.5-f16.gguf",
        .is_inferred = true,
    },
    {
        .name = "bge-base",
        .repository = "CompendiumLabs/bge-base-en-v1.5-gguf",
        .path = "bge-base-en-v1.5-q8_0.gguf",
        .is_inferred = true,
    },
    {
        .name = "bge-base:f16",
        .repository = "CompendiumLabs/bge-base-en-v1.5-gguf",
        .path = "bge-base-en-v1.5-f16.gguf",
        .is_inferred = true,
    },
    {
        .name = "bge-large",
        .repository = "CompendiumLabs/bge-large-en-v1.5-gguf",
        .path = "bge-large-en-v1.5-q8_0.gguf",
        .is_inferred = true,
    },
    {
        .name = "bge-large:f16",
        .repository = "CompendiumLabs/bge-large-en-v1.5-gguf",
        .path = "bge-large-en-v1.5-f16.gguf",
        .is_inferred = true,
    },
    {
        .name = "arctic-l-v2",
        .repository = "Casual-Autopsy/snowflake-arctic-embed-l-v2.0-gguf",
        .path = "snowflake-arctic-embed-l-v2.0-q8_0.gguf",
        .is_inferred = true,
    },
    {
        .name = "nomic",
        .repository = "nomic-ai/nomic-embed-text-v1.5-GGUF",
        .path = "nomic-embed-text-v1.5.Q8_0.gguf",
        .is_inferred = true,
    },
    {
        .name = "nomic:f16",
        .repository = "nomic-ai/nomic-embed-text-v1.5-GGUF",
        .path = "nomic-embed-text-v1.5.f16.gguf",
        .is_inferred = true,
    },
    {
        .name = "qwen3-embedding",
        .repository = "Qwen/Qwen3-Embedding-0.6B-GGUF",
        .path = "Qwen3-Embedding-0.6B-Q8_0.gguf",
        .is_inferred = true,
    },
    {
        .name = "qwen3-embedding:f16",
        .repository = "Qwen/Qwen3-Embedding-0.6B-GGUF",
        .path = "Qwen3-Embedding-0.6B-f16.gguf",
        .is_inferred = true,
    },
    {
        .name = "qwen3-embedding-4b",
        .repository = "Qwen/Qwen3-Embedding-4B-GGUF",
        .path = "Qwen3-Embedding-4B-Q8_0.gguf",
        .is_inferred = true,
    },
    {
        .name = "qwen3-embedding-8b",
        .repository = "Qwen/Qwen3-Embedding-8B-GGUF",
        .path = "Qwen3-Embedding-8B-Q8_0.gguf",
        .is_inferred = true,
    },
    {0},
};

const struct quern_cli_published *quern_cli_published_find(const char *name)
{
    for (const struct quern_cli_published *published = quern_cli_catalog; published->name != NULL; published++)
        if (strcmp(published->name, name) == 0)
            return published;
    return NULL;
}

quern_known_info quern_cli_published_known(const struct quern_cli_published *published)
{
    quern_known_info known = {.size = sizeof known};
    char name[QUERN_CLI_FILE];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(published->name, ":"), published->name);
    quern_known_describe(quern_known_find(name), &known, NULL);
    return known;
}

const char *quern_cli_published_file(const struct quern_cli_published *published)
{
    const char *slash = strrchr(published->path, '/');
    return slash != NULL ? slash + 1 : published->path;
}
