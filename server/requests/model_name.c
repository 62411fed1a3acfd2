#include "model_name.h"

#include <string.h>

int quern_model_name_task(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon != NULL ? quern_task_find(colon + 1) : -1;
}

/* The length of a name without its task or tag. */
static size_t base_length(const char *name)
{
    const char *colon = strrchr(name, ':');
    const bool is_tagged = quern_model_name_task(name) >= 0 || (colon != NULL && strcmp(colon, ":latest") == 0);
    return is_tagged ? (size_t)(colon - name) : strlen(name);
}

bool quern_model_name_is_ours(const struct quern_service *service, const char *name)
{
    const char *ours = service->options->model_name;
    const size_t length = base_length(name), colon = strcspn(ours, ":");
    const size_t our_length = strcmp(ours + colon, ":latest") == 0 ? colon : strlen(ours);
    return (length == our_length && strncmp(name, ours, length) == 0) || strcmp(name, ours) == 0;
}
