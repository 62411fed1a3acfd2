#include "api/prompts.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names that published models have for the prompts of a task, in the order in which they are looked for. */
#define MOST_NAMES 3
static const char *const prompt_names[][MOST_NAMES] = {
    [QUERN_TASK_NONE] = {NULL},
    [QUERN_TASK_QUERY] = {"query", "search_query", "Retrieval-query"},
    [QUERN_TASK_DOCUMENT] = {"document", "passage", "search_document"},
    [QUERN_TASK_SIMILARITY] = {"similarity", "STS"},
    [QUERN_TASK_CLASSIFICATION] = {"classification", "Classification"},
    [QUERN_TASK_CLUSTERING] = {"clustering", "Clustering"},
    [QUERN_TASK_CODE] = {"code", "InstructionRetrieval"},
    [QUERN_TASK_SUMMARIZATION] = {"summarization", "Summarization"},
    [QUERN_TASK_QUESTION_ANSWERING] = {"question-answering"},
    [QUERN_TASK_FACT_CHECKING] = {"fact-checking"},
};
static_assert(QUERN_COUNT(prompt_names) == QUERN_ARCH_TASKS, "every task has a place for its prompt");

/* Copies the prompt of a key of the file, if it is there, to *copy. */
static int read_prompt(char **copy, const char *name, const struct quern_gguf *gguf, quern_error *error)
{
    char key[96];
    quern_text text = {NULL, 0};
    snprintf(key, sizeof key, "quern.prompt.%s", name);
    QUERN_TRY(quern_gguf_string(gguf, key, &text, error));
    if (text.data == NULL)
        return QUERN_OK;
    if (text.length > QUERN_PROMPT_BYTES || memchr(text.data, '\0', text.length) != NULL)
        return quern_fail(error, QUERN_EFORMAT, "key %s must be a string of at most %d bytes without a zero byte", key,
                          QUERN_PROMPT_BYTES);
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

/* Reads the prompt of a task from the first of its keys that the file has. */
static int read_task(char **copy, int task, const struct quern_gguf *gguf, quern_error *error)
{
    for (int i = 0; i < MOST_NAMES && prompt_names[task][i] != NULL && *copy == NULL; i++)
        QUERN_TRY(read_prompt(copy, prompt_names[task][i], gguf, error));
    return QUERN_OK;
}

int quern_prompts_read(struct quern_prompts *prompts, const struct quern_arch *arch, const struct quern_known *known,
                       const struct quern_gguf *gguf, quern_error *error)
{
    const char *const *usual = known != NULL && known->prompts != NULL ? known->prompts : arch->prompts;
    *prompts = (struct quern_prompts){0};
    for (int task = 0; task < QUERN_ARCH_TASKS; task++)
        prompts->texts[task] = "";
    QUERN_TRY(read_whether_none(&prompts->from_file, gguf, error));
    if (prompts->from_file)
        return QUERN_OK;
    for (int task = 0; task < QUERN_ARCH_TASKS; task++) {
        QUERN_TRY(read_task(&prompts->owned[task], task, gguf, error));
        prompts->from_file = prompts->from_file || prompts->owned[task] != NULL;
        if (prompts->owned[task] != NULL)
            prompts->texts[task] = prompts->owned[task];
        else if (usual[task] != NULL)
            prompts->texts[task] = usual[task];
    }
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

/* Writes a prompt with a title in it, always three parts. */
static void join_title(const char *prompt, quern_text title, quern_text parts[3])
{
    static const char label[] = "title: ", none[] = "title: none";
    const char *found = strstr(prompt, none);
    if (found != NULL) {
        parts[0] = (quern_text){prompt, (size_t)(found - prompt) + strlen(label)};
        parts[1] = title;
        parts[2] = quern_text_of(found + strlen(none));
    } else {
        parts[0] = quern_text_of(prompt);
        parts[1] = title;
        parts[2] = quern_text_of("\n");
    }
}

quern_text quern_prompts_of(const struct quern_prompts *prompts, const quern_embed_options *options)
{
    return options->prompt.data != NULL ? options->prompt : quern_text_of(prompts->texts[options->task]);
}

size_t quern_prompts_join(const struct quern_prompts *prompts, const quern_embed_options *options, quern_text text,
                          quern_text parts[QUERN_PROMPT_PARTS])
{
    const quern_text prompt = quern_prompts_of(prompts, options);
    size_t count = 0;
    if (options->title.length > 0) {
        join_title(prompts->texts[options->task], options->title, parts);
        count = 3;
    } else if (prompt.length > 0) {
        parts[count++] = prompt;
    }
    parts[count++] = text;
    return count;
}
