#include "folder_trial.h"

#include "gguf/writer.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct folder_trial trial;

void shell(const char *format, ...)
{
    char command[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    assert_int_equal(system(command), 0);
}

int folder_begin(void **state)
{
    (void)state;
    strcpy(trial.work, "/tmp/quern-convert-XXXXXX");
    assert_non_null(mkdtemp(trial.work));
    snprintf(trial.folder, sizeof trial.folder, "%s/folder", trial.work);
    snprintf(trial.model, sizeof trial.model, "%s/model.gguf", trial.work);
    snprintf(trial.output, sizeof trial.output, "%s/out.gguf", trial.work);
    return 0;
}

int folder_end(void **state)
{
    (void)state;
    shell("rm -rf '%s'", trial.work);
    return 0;
}

const char *folder_model(uint32_t type, bool head)
{
    static char paths[64][64];
    struct quern_recipe recipe = quern_recipe_tiny();
    char *path = paths[2 * type + head];
    recipe.type = type;
    recipe.head = head;
    if (path[0] == '\0') {
        snprintf(path, sizeof paths[0], "%s/made-%u-%d.gguf", trial.work, type, head);
        assert_int_equal(quern_model_make(path, &recipe, NULL), QUERN_OK);
    }
    return path;
}

void folder_make(const struct quern_folder_recipe *recipe, bool head)
{
    struct quern_folder_recipe usual = quern_folder_recipe();
    shell("rm -rf '%s' && mkdir '%s'", trial.folder, trial.folder);
    const char *model = folder_model(QUERN_TYPE_F32, head);
    assert_int_equal(quern_folder_make(trial.folder, model, recipe != NULL ? recipe : &usual, NULL), QUERN_OK);
}

struct quern_convert_result folder_convert(const char *type)
{
    struct quern_convert_job job = {.type = type, .threads = 2};
    struct quern_convert_result result;
    quern_error error = {0};
    int code = quern_convert_folder(trial.folder, trial.output, &job, &result, &error);
    if (code != QUERN_OK)
        print_error("%s\n", error.text);
    assert_int_equal(code, QUERN_OK);
    return result;
}

void folder_expect_refused(int code, const char *says, const char *type, const char *command)
{
    struct quern_convert_job job = {.type = type, .threads = 1};
    struct quern_convert_result result;
    quern_error error = {0};
    shell("cd '%s' && %s", trial.folder, command);
    unlink(trial.output);
    const int got = quern_convert_folder(trial.folder, trial.output, &job, &result, &error);
    if (got != code || strstr(error.text, says) == NULL)
        print_error("%s: %d, %s\n", command, got, error.text);
    assert_int_equal(got, code);
    assert_non_null(strstr(error.text, says));
    assert_int_not_equal(access(trial.output, F_OK), 0);
    shell("! ls '%s' | grep -q part", trial.work);
}
