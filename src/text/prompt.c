#include "text/prompt.h"

#include <string.h>

struct task {
    const char *name;
    const char *prompt;
};

static const struct task tasks[] = {
    [QUERN_TASK_NONE] = {"none", ""},
    [QUERN_TASK_QUERY] = {"query", "task: search result | query: "},
    [QUERN_TASK_DOCUMENT] = {"document", "title: none | text: "},
    [QUERN_TASK_SIMILARITY] = {"similarity", "task: sentence similarity | query: "},
    [QUERN_TASK_CLASSIFICATION] = {"classification", "task: classification | query: "},
    [QUERN_TASK_CLUSTERING] = {"clustering", "task: clustering | query: "},
    [QUERN_TASK_CODE] = {"code", "task: code retrieval | query: "},
    [QUERN_TASK_SUMMARIZATION] = {"summarization", "task: summarization | query: "},
    [QUERN_TASK_QUESTION_ANSWERING] = {"question-answering", "task: question answering | query: "},
    [QUERN_TASK_FACT_CHECKING] = {"fact-checking", "task: fact checking | query: "},
};

static const struct task *find_task(int number)
{
    return number >= 0 && number < (int)(sizeof tasks / sizeof *tasks) ? &tasks[number] : NULL;
}

const char *quern_task_name(quern_task task)
{
    const struct task *found = find_task((int)task);

    return found ? found->name : NULL;
}

const char *quern_prompt_default(int task)
{
    const struct task *found = find_task(task);

    return found ? found->prompt : NULL;
}

int quern_task_find(const char *name)
{
    for (int i = 0; name && find_task(i); i++)
        if (strcmp(tasks[i].name, name) == 0)
            return i;
    return -1;
}

static quern_text text_of(const char *string)
{
    return (quern_text){string, strlen(string)};
}

int quern_prompt_parts(int task, quern_text title, quern_text parts[QUERN_PROMPT_PARTS])
{
    const struct task *found = find_task(task);

    if (!found)
        return -1;
    if (task == QUERN_TASK_NONE)
        return 0;
    if (task == QUERN_TASK_DOCUMENT && title.length > 0) {
        parts[0] = text_of("title: ");
        parts[1] = title;
        parts[2] = text_of(" | text: ");
        return 3;
    }
    parts[0] = text_of(found->prompt);
    return 1;
}
