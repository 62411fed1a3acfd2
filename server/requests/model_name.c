#include "model_name.h"

#include "body.h"
#include "dialect.h"

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

/* Whether name[length] is one of a model's names. */
static bool is_same(const char *ours, const char *name, size_t length)
{
    const size_t colon = strcspn(ours, ":"), our_length = strcmp(ours + colon, ":latest") == 0 ? colon : strlen(ours);
    return (length == our_length && strncmp(name, ours, length) == 0) || strcmp(name, ours) == 0;
}

bool quern_model_name_is(const struct quern_served *served, const char *name)
{
    int task, meant;
    const size_t length = split(name, &task, &meant);
    return is_same(served->name, name, length) || (served->alias != NULL && is_same(served->alias, name, length));
}

struct quern_served *quern_model_name_find(const struct quern_service *service, const char *name)
{
    for (size_t i = 0; i < service->model_count; i++)
        if (quern_model_name_is(&service->models[i], name))
            return &service->models[i];
    return NULL;
}

bool quern_refuse_model_name(struct quern_request *request)
{
    enum { MOST = 160 };
    const struct quern_service *service = request->service;
    struct quern_buffer list = {0};
    size_t i = 0;
    for (; i < service->model_count && list.length + strlen(service->models[i].name) < MOST; i++) {
        quern_buffer_text(&list, i > 0 ? ", " : "");
        quern_buffer_text(&list, service->models[i].name);
    }
    quern_refuse(request, QUERN_FAULT_MODEL, "model", "there is no model with this name here; there is %.*s%s",
                 (int)list.length, list.length > 0 ? list.data : "",
                 i < service->model_count ? ", and more: GET /v1/models lists all" : "");
    quern_buffer_free(&list);
    return false;
}

/* Reads the name from a field of an object; an empty one is none. False: refused. */
static bool read_name(struct quern_request *request, const struct quern_value *object, const char *field)
{
    const struct quern_value *value = quern_body_field(object, field);
    if (value == NULL)
        return true;
    const char *name = quern_value_string(value);
    if (name == NULL)
        return quern_refuse(request, QUERN_FAULT_FIELD, field, "%s must be a string%s", field,
                            quern_value_is(value, QUERN_VALUE_TEXT) ? " without NUL bytes" : "");
    if (request->options.model != NULL && name[0] != '\0' && strcmp(name, request->options.model) != 0)
        return quern_refuse(request, QUERN_FAULT_VALUE, field, "model and %s are different: send one of them", field);
    if (request->options.model == NULL && name[0] != '\0')
        request->options.model = name;
    return true;
}

bool quern_model_choose(struct quern_request *request)
{
    const struct quern_service *service = request->service;
    const struct quern_value *object = request->object;
    const char *other = request->dialect->model_field;
    if (!read_name(request, object, "model") || (other != NULL && !read_name(request, object, other)) ||
        (request->options.model == NULL &&
         !read_name(request, quern_value_member(object, "parameters"), "model")))
        return false;
    const char *name = request->options.model;
    struct quern_served *found = name != NULL ? quern_model_name_find(service, name) : service->models;
    if (found == NULL && service->model_count == 1 && !service->options->strict_model)
        found = service->models;
    if (found == NULL)
        return quern_refuse_model_name(request);
    request->served = found;
    return true;
}
