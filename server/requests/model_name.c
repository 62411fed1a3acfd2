#include "model_name.h"

#include <string.h>

/* Takes off what may follow a name: a task, in any service's word for it, and Ollama's tag, in either order. Returns
 * the length of the rest; *task is -1 if there is none. Then *meant is the task that the word behind the rest nearly
 * names, or -1. */
static size_t split(const char *name, int *task, int *meant)
{
    enum { MOST_WORD = 64 };
    size_t length = strlen(name);
    bool is_tagged = false;
    *task = *meant = -1;
    for (size_t colon = length; colon-- > 0 && length - colon <= MOST_WORD;) {
        char word[MOST_WORD];
        if (name[colon] != ':')
            continue;
        memcpy(word, name + colon + 1, length - colon - 1);
        word[length - colon - 1] = '\0';
        const int found = quern_task_find(word);
        if (!is_tagged && strcmp(word, "latest") == 0)
            is_tagged = true;
        else if (*task < 0 && found >= 0)
            *task = found;
        else {
            *meant = *task < 0 ? quern_task_guess(word) : -1;
            break;
        }
        length = colon;
    }
    return length;
}

int quern_model_name_task(const char *name, int *meant)
{
    int task;
    split(name, &task, meant);
    return task;
}

bool quern_model_name_is_ours(const struct quern_service *service, const char *name)
{
    const char *ours = service->options->model_name;
    int task, meant;
    const size_t length = split(name, &task, &meant), colon = strcspn(ours, ":");
    const size_t our_length = strcmp(ours + colon, ":latest") == 0 ? colon : strlen(ours);
    return (length == our_length && strncmp(name, ours, length) == 0) || strcmp(name, ours) == 0;
}
