/* Makes a model to measure with when none is given. Speed does not depend on the values of the weights. */
#include "bench.h"

#include "model_maker.h"
#include "store/store.h"

#include <unistd.h>

/* Finds the folder `bench` in the cache folder. Not the cache folder itself, because its models would be used by
 * other verbs. */
static bool find_folder(char out[QUERN_CLI_PATH])
{
    char cache[QUERN_CLI_PATH];
    return quern_cli_cache_folder(cache) && snprintf(out, QUERN_CLI_PATH, "%s/bench", cache) < QUERN_CLI_PATH &&
           quern_cli_make_folder(out) && access(out, W_OK) == 0;
}

const char *quern_bench_made_model(struct quern_cli_temporary *temporary)
{
    static char path[QUERN_CLI_PATH + 32];
    quern_error error;
    char folder[QUERN_CLI_PATH];
    struct quern_recipe recipe = quern_recipe_full();
    recipe.head = true;
    const bool is_kept = find_folder(folder);
    if (!is_kept && quern_cli_temporary_make(temporary, "full-q8_0.gguf", false) != QUERN_CLI_DONE)
        return NULL;
    snprintf(path, sizeof path, "%s/full-q8_0.gguf", is_kept ? folder : temporary->folder);
    if (access(path, R_OK) == 0)
        return path;
    if (!is_kept)
        quern_cli_notice("making a model of full size with random weights: %s (330 MB, removed at the end)", path);
    else
        quern_cli_notice("making a model of full size with random weights: %s (330 MB, kept for the next time; to free "
                         "the disk, remove that file)", path);
    if (quern_model_make(path, &recipe, &error) == QUERN_OK)
        return path;
    quern_cli_say("%s", error.text);
    return NULL;
}
