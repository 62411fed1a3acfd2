#include "model_name.h"

#include "task_words.h"

#include <string.h>

/* Takes off what may follow a name: a task, in any service's word for it, and Ollama's tag, in either order. Returns
 * the length of the rest; *task is -1 if there is none. */
static size_t split(const char *name, int *task)
{
    enum { MOST_WORD = 64 };
    size_t length = strlen(name);
    bool is_tagged = false;
    *task = -1;
    for (size_t colon = length; colon-- > 0 && length - colon <= MOST_WORD;) {
        char word[MOST_WORD];
        if (name[colon] != ':')
            continue;
        memcpy(word, name + colon + 1, length - colon - 1);
        word[length - colon - 1] = '\0';
        const int found = quern_task_word(word);
        if (!is_tagged && strcmp(word, "latest") == 0)
            is_tagged = true;
        else if (*task < 0 && found >= 0)
            *task = found;
        else
            break;
        length = colon;
    }
    return length;
}

int quern_model_name_task(const char *name)
{
    int task;
    split(name, &task);
    return task;
}

bool quern_model_name_is_ours(const struct quern_service *service, const char *name)
{
    const char *ours = service->options->model_name;
    int task;
    const size_t length = split(name, &task), colon = strcspn(ours, ":");
    const size_t our_length = strcmp(ours + colon, ":latest") == 0 ? colon : strlen(ours);
    return (length == our_length && strncmp(name, ours, length) == 0) || strcmp(name, ours) == 0;
}
