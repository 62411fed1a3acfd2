/* A model to measure with when there is none: speed does not depend on what the weights are. */
#include "bench.h"

#include "model_maker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static bool make_folder(const char *path)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST;
}

/* $XDG_CACHE_HOME/quern/bench or ~/.cache/quern/bench; not quern itself, where models are found for use. */
static bool find_folder(char out[PATH_SIZE])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char base[PATH_SIZE];
    if (cache != NULL && cache[0] == '/')
        snprintf(base, sizeof base, "%s", cache);
    else if (home != NULL && home[0] == '/')
        snprintf(base, sizeof base, "%s/.cache", home);
    else
        return false;
    if (strlen(base) + sizeof "/quern/bench/model.gguf.12345678" > PATH_SIZE || !make_folder(base))
        return false;
    sprintf(out, "%.*s/quern", PATH_SIZE - 64, base);
    if (!make_folder(out))
        return false;
    strcat(out, "/bench");
    return make_folder(out) && access(out, W_OK) == 0;
}

const char *quern_bench_made_model(bool *temporary, quern_error *error)
{
    static char path[PATH_SIZE + 32];
    char folder[PATH_SIZE];
    struct quern_recipe recipe = quern_recipe_full();
    recipe.head = true;
    *temporary = !find_folder(folder);
    if (*temporary)
        snprintf(path, sizeof path, "/tmp/quern-bench-%ld.gguf", (long)getpid());
    else
        snprintf(path, sizeof path, "%s/full-q8_0.gguf", folder);
    if (access(path, R_OK) == 0)
        return path;
    quern_cli_say("making a model of full size and random weights: %s (330 MB%s)", path,
                  *temporary ? ", to be removed" : ", to be used again");
    return quern_model_make(path, &recipe, error) == QUERN_OK ? path : NULL;
}
