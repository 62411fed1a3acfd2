#include "api/prompts.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 4096 }; /* of a prompt in a file */

/* ---------------------------------------------------------------- tasks */

static const char *const task_names[] = {
    [QUERN_TASK_NONE] = "none",
    [QUERN_TASK_QUERY] = "query",
    [QUERN_TASK_DOCUMENT] = "document",
    [QUERN_TASK_SIMILARITY] = "similarity",
    [QUERN_TASK_CLASSIFICATION] = "classification",
    [QUERN_TASK_CLUSTERING] = "clustering",
    [QUERN_TASK_CODE] = "code",
    [QUERN_TASK_SUMMARIZATION] = "summarization",
    [QUERN_TASK_QUESTION_ANSWERING] = "question-answering",
    [QUERN_TASK_FACT_CHECKING] = "fact-checking",
};
static_assert(QUERN_COUNT(task_names) == QUERN_ARCH_TASKS, "every task has a name and a place for its prompt");

static bool is_task(int number)
{
    return number >= 0 && number < QUERN_ARCH_TASKS;
}

const char *quern_task_name(quern_task task)
{
    return is_task((int)task) ? task_names[task] : NULL;
}

int quern_task_find(const char *name)
{
    for (int i = 0; name != NULL && i < QUERN_ARCH_TASKS; i++)
        if (strcmp(task_names[i], name) == 0)
            return i;
    return -1;
}

/* ---------------------------------------------------------------- prompts */

/* Copies the prompt of a key of the file, if it is there, to *copy. */
static int read_prompt(char **copy, const char *name, const struct quern_gguf *gguf, quern_error *error)
{
    char key[96];
    quern_text text = {NULL, 0};
    snprintf(key, sizeof key, "quern.prompt.%s", name);
    QUERN_TRY(quern_gguf_string(gguf, key, &text, error));
    if (text.data == NULL)
        return QUERN_OK;
    if (text.length > MOST_BYTES || memchr(text.data, '\0', text.length) != NULL)
        return quern_fail(error, QUERN_EFORMAT, "key %s must be a string of at most %d bytes without a zero byte", key,
                          MOST_BYTES);
    *copy = malloc(text.length + 1);
    if (*copy == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a prompt");
    memcpy(*copy, text.data, text.length);
    (*copy)[text.length] = '\0';
    return QUERN_OK;
}

/* Reads quern.prompts, which says that a model was trained without prompts. */
static int read_whether_none(bool *none, const struct quern_gguf *gguf, quern_error *error)
{
    quern_text value = {NULL, 0};
    QUERN_TRY(quern_gguf_string(gguf, "quern.prompts", &value, error));
    *none = value.data != NULL && quern_text_is(value, "none");
    if (value.data == NULL || *none)
        return QUERN_OK;
    return quern_fail(error, QUERN_EUNSUPPORTED, "quern.prompts is \"%.*s\"; this version knows only \"none\"",
                      (int)(value.length < 32 ? value.length : 32), value.data);
}

int quern_prompts_read(struct quern_prompts *prompts, const struct quern_arch *arch, const struct quern_gguf *gguf,
                       quern_error *error)
{
    bool none;
    *prompts = (struct quern_prompts){{NULL}, {NULL, NULL}, {NULL}};
    for (int i = 0; i < QUERN_ARCH_TASKS; i++)
        prompts->texts[i] = "";
    QUERN_TRY(read_whether_none(&none, gguf, error));
    for (int i = 0; i < QUERN_ARCH_TASKS && !none; i++) {
        const struct quern_arch_prompt *usual = &arch->prompts[i];
        if (usual->name == NULL)
            continue;
        QUERN_TRY(read_prompt(&prompts->owned[i], usual->name, gguf, error));
        prompts->texts[i] = prompts->owned[i] != NULL ? prompts->owned[i] : usual->text;
    }
    /* How a title is put into a prompt of the file is not known, unless it is the usual one. */
    const char *usual = arch->prompts[QUERN_TASK_DOCUMENT].text;
    if (arch->title_prompt[0] != NULL && usual != NULL && strcmp(prompts->texts[QUERN_TASK_DOCUMENT], usual) == 0)
        memcpy(prompts->title, arch->title_prompt, sizeof prompts->title);
    return QUERN_OK;
}

void quern_prompts_release(struct quern_prompts *prompts)
{
    for (int i = 0; i < QUERN_ARCH_TASKS; i++)
        free(prompts->owned[i]);
}

bool quern_prompts_exist(const struct quern_prompts *prompts)
{
    bool exist = false;
    for (int i = 0; i < QUERN_ARCH_TASKS; i++)
        exist = exist || prompts->texts[i][0] != '\0';
    return exist;
}

static quern_text text_of(const char *string)
{
    return (quern_text){string, strlen(string)};
}

size_t quern_prompts_join(const struct quern_prompts *prompts, const quern_embed_options *options, quern_text text,
                          quern_text parts[QUERN_PROMPT_PARTS])
{
    size_t count = 0;
    if (options->title.length > 0) {
        parts[count++] = text_of(prompts->title[0]);
        parts[count++] = options->title;
        parts[count++] = text_of(prompts->title[1]);
    } else if (prompts->texts[options->task][0] != '\0') {
        parts[count++] = text_of(prompts->texts[options->task]);
    }
    parts[count++] = text;
    return count;
}
