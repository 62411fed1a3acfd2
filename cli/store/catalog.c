#include "store.h"

#include <string.h>

#define GEMMA_TERMS .license = "Gemma Terms of Use", .terms = "https://ai.google.dev/gemma/terms"

/* Each model is pinned to a revision, so that a file that is published again under its name does not fail its digest.
 * Sizes and digests are those of the hub. */
const struct quern_cli_published quern_cli_catalog[] = {
    {
        .name = "embeddinggemma",
        .repository = "ggml-org/embeddinggemma-300M-GGUF",
        .revision = "0f741b5a6585bd53aeb15cd1372c56f2a0f65e12",
        .path = "embeddinggemma-300M-Q8_0.gguf",
        .sha256 = "b5ce9d77a3fc4b3b39ccb5643c36777911cc4eb46a66962eadfa3f5f60490d63",
        .size = 333590944,
        .has_head = true,
        GEMMA_TERMS,
    },
    {
        .name = "embeddinggemma:q4_0",
        .repository = "ggml-org/embeddinggemma-300M-qat-q4_0-GGUF",
        .revision = "8dd0ca2a66a8f14470acb0e2a71f801afbc5fb73",
        .path = "embeddinggemma-300M-qat-Q4_0.gguf",
        .sha256 = "50d28e22432a148f6f8a86eab3700f92add5d1f54baf7790675a2a4dadbccf26",
        .size = 277852192,
        GEMMA_TERMS,
    },
    {
        .name = "embeddinggemma:bf16",
        .repository = "flyingcircusio/embeddinggemma-300m-GGUF-with-dense-modules",
        .revision = "4e7ac746a96002b1837ae0099f9253d89e14e603",
        .path = "embeddinggemma-300M-BF16-with-dense.gguf",
        .sha256 = "4610577e176f925b20e1981212e2d03741e0b48b2051e78e73da5865f0552671",
        .has_head = true,
        GEMMA_TERMS,
    },
    {
        .name = "embeddinggemma:f32",
        .repository = "cduk/embeddinggemma-300m-GGUF-with-dense-modules",
        .revision = "6c4b6b0b86f1917506d8047478e350e51ac65fe8",
        .path = "embeddinggemma-300M-F32.gguf",
        .sha256 = "695c5960fa074ccdc7993d9a9d215a20bee20c03f8eba23111caa6de0d0c6991",
        .has_head = true,
        GEMMA_TERMS,
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

const char *quern_cli_published_file(const struct quern_cli_published *published)
{
    const char *slash = strrchr(published->path, '/');
    return slash != NULL ? slash + 1 : published->path;
}
