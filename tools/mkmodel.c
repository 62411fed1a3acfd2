/* Writes a model file of random weights, to test and measure with. */
#include "model_maker.h"

#include "base/count.h"
#include "formats/formats.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char usage[] = "Usage: mkmodel SHAPE FILE [--type TYPE] [--head] [--no-prompts] [--seed N]\n"
                            "\n"
                            "Writes a GGUF file of random weights. SHAPE: tiny, in the layout of EmbeddingGemma and\n"
                            "of some hundred kilobytes; wide, with rows long enough for every type; full, of the\n"
                            "true shape; or bert, nomic, qwen3, modern, gemma2: tiny ones in the layouts of\n"
                            "BERT, Nomic BERT, Qwen3, ModernBERT and EmbeddingGemma 2, f32 unless TYPE says\n"
                            "otherwise.\n"
                            "TYPE: f32, f16, bf16, q8_0 (the default; of wide ones q4_k), q4_0, q4_1, q5_0, q5_1,\n"
                            "iq4_nl, q2_k, q3_k, q4_k, q5_k or q6_k; as in published files, some tensors get another\n"
                            "one.\n"
                            "--head adds the dense head.\n"
                            "--no-prompts says that the model takes no task prompts.\n";

static int parse_type(const char *name, uint32_t *type)
{
    for (uint32_t i = 0; i < 64; i++) {
        const struct quern_type_info *info = quern_type_info(i);
        if (info && info->supported && strcasecmp(info->name, name) == 0) {
            *type = i;
            return 0;
        }
    }
    fprintf(stderr, "mkmodel: no type %s\n", name);
    return 1;
}

static int parse_seed(const char *text, uint64_t *seed)
{
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    if (end == text || *end || errno) {
        fprintf(stderr, "mkmodel: %s is not a number\n", text);
        return 1;
    }
    return 0;
}

static const struct shape {
    const char *name;
    struct quern_recipe (*recipe)(void);
} shapes[] = {
    {"tiny", quern_recipe_tiny},   {"wide", quern_recipe_wide},   {"full", quern_recipe_full},
    {"bert", quern_recipe_bert},   {"nomic", quern_recipe_nomic}, {"qwen3", quern_recipe_qwen3},
    {"modern", quern_recipe_modern}, {"gemma2", quern_recipe_gemma2},
};

/* The shape of a name, or NULL. */
static const struct shape *find_shape(const char *name)
{
    for (size_t i = 0; i < QUERN_COUNT(shapes); i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"type", required_argument, NULL, 't'}, {"head", no_argument, NULL, 'h'},
        {"seed", required_argument, NULL, 's'}, {"no-prompts", no_argument, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    uint32_t type = QUERN_TYPES;
    uint64_t seed = 1;
    bool head = false, prompts = true;
    int bad = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 't')
            bad |= parse_type(optarg, &type);
        else if (option == 's')
            bad |= parse_seed(optarg, &seed);
        else if (option == 'h')
            head = true;
        else if (option == 'n')
            prompts = false;
        else
            bad = 1;
    }
    const struct shape *shape = argc - optind == 2 ? find_shape(argv[optind]) : NULL;
    if (bad || shape == NULL) {
        fputs(usage, stderr);
        return 2;
    }
    struct quern_recipe recipe = shape->recipe();
    if (type != QUERN_TYPES)
        recipe.type = type;
    recipe.head = head;
    recipe.prompts = prompts ? NULL : "none";
    recipe.seed = seed;
    quern_error error;
    if (quern_model_make(argv[optind + 1], &recipe, &error) != QUERN_OK) {
        fprintf(stderr, "mkmodel: %s\n", error.text);
        return 1;
    }
    return 0;
}
