/* Writes a sentence-transformers folder out of a model file, to test conversion with. */
#include "folder_maker.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "Usage: mkfolder MODEL FOLDER [--dtype F32|F16|BF16] [--shards N] [--prefix TEXT]\n"
                            "                             [--json]\n"
                            "\n"
                            "Writes the weights of a model file in F32 as a sentence-transformers folder would have\n"
                            "them, to an empty folder. --json writes tokenizer.json instead of tokenizer.model.\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"dtype", required_argument, NULL, 'd'}, {"shards", required_argument, NULL, 's'},
        {"prefix", required_argument, NULL, 'p'}, {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    struct quern_folder_recipe recipe = quern_folder_recipe();
    bool bad = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'd': recipe.dtype = optarg; break;
        case 's': recipe.shards = atoi(optarg); break;
        case 'p': recipe.prefix = optarg; break;
        case 'j': recipe.tokenizer_json = true; break;
        default: bad = true;
        }
    }
    if (bad || argc - optind != 2 || recipe.shards < 1) {
        fputs(usage, stderr);
        return 2;
    }
    quern_error error;
    if (quern_folder_make(argv[optind + 1], argv[optind], &recipe, &error) != QUERN_OK) {
        fprintf(stderr, "mkfolder: %s\n", error.text);
        return 1;
    }
    return 0;
}
