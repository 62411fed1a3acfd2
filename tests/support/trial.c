#include "trial.h"

#include "kernels/kernels.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void expect_ok(int code, const quern_error *error)
{
    if (code != QUERN_OK)
        fail_msg("%s", error->text);
}

void trial_make(char path[TRIAL_PATH], const struct quern_recipe *recipe)
{
    quern_error error;
    strcpy(path, "/tmp/quern-trial-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    expect_ok(quern_model_make(path, recipe, &error), &error);
}

struct quern_recipe trial_recipe(uint32_t type, bool head)
{
    struct quern_recipe recipe = quern_recipe_tiny();
    recipe.type = type;
    recipe.head = head;
    return recipe;
}

void trial_cut_off(const char *path, long bytes)
{
    const int code = truncate(path, bytes);
    if (code != 0 && errno == EACCES)
        skip();
    assert_int_equal(code, 0);
}

quern_model *trial_open(const char *path, const char *cpu)
{
    quern_error error;
    quern_model *model = NULL;
    const quern_model_options options = {.size = sizeof options, .cpu = cpu};
    expect_ok(quern_model_open(&model, path, &options, &error), &error);
    return model;
}

quern_model *trial_model(uint32_t type, bool head, const char *cpu)
{
    char path[TRIAL_PATH];
    const struct quern_recipe recipe = trial_recipe(type, head);
    trial_make(path, &recipe);
    quern_model *model = trial_open(path, cpu);
    unlink(path);
    return model;
}

quern_context *trial_context(quern_model *model, int path, int threads, int step_tokens)
{
    quern_error error;
    quern_context *context = NULL;
    const quern_context_options options = {
        .size = sizeof options, .threads = threads, .path = path, .step_tokens = step_tokens};
    expect_ok(quern_context_new(&context, model, &options, &error), &error);
    return context;
}

void trial_expect_error(const quern_error *error, int code, int expected, const char *fragment)
{
    assert_int_equal(code, expected);
    assert_int_equal(error->code, expected);
    if (strstr(error->text, fragment) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error->text, fragment);
}

const char *trial_kernels(int i)
{
    int count;
    const struct quern_kernels *const *all = quern_kernels_all(&count);
    const uint32_t features = quern_cpu_features();
    const char *only = getenv("QUERN_TEST_TABLE");
    for (int k = 0; k < count; k++) {
        if (only != NULL && strcmp(all[k]->name, only) != 0)
            continue;
        if ((all[k]->features & features) == all[k]->features && i-- == 0)
            return all[k]->name;
    }
    return NULL;
}

void trial_ids(int32_t *ids, int count)
{
    for (int i = 0; i < count; i++)
        ids[i] = (37 * i + 11 * count) % 640;
}
