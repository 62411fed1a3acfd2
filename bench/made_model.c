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

const char *quern_bench_made_model(bool *temporary, quern_error *error)
{
    static char path[QUERN_CLI_PATH + 32];
    char folder[QUERN_CLI_PATH];
    struct quern_recipe recipe = quern_recipe_full();
    recipe.head = true;
    *temporary = !find_folder(folder);
    if (*temporary)
        snprintf(path, sizeof path, "/tmp/quern-bench-%ld.gguf", (long)getpid());
    else
        snprintf(path, sizeof path, "%s/full-q8_0.gguf", folder);
    if (access(path, R_OK) == 0)
        return path;
    if (*temporary)
        quern_cli_notice("making a model of full size with random weights: %s (330 MB, removed at the end)", path);
    else
        quern_cli_notice("making a model of full size with random weights: %s (330 MB, kept for the next time; to free "
                         "the disk, remove that file)", path);
    return quern_model_make(path, &recipe, error) == QUERN_OK ? path : NULL;
}
