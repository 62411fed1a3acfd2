/* What every dialect understands beyond its own: task, title, truncate, normalize, output_dtype, a task in the model's
 * name, and vectors as raw bytes. */
#include "request.h"

#include <string.h>
#include <strings.h>

int quern_model_task(const char *name, size_t *length)
{
    const char *colon = strrchr(name, ':');
    const int task = colon != NULL ? quern_task_find(colon + 1) : -1;
    const bool is_tag = task >= 0 || (colon != NULL && strcmp(colon, ":latest") == 0);
    *length = is_tag ? (size_t)(colon - name) : strlen(name);
    return task;
}

bool quern_model_is_ours(const struct quern_service *service, const char *name)
{
    size_t length;
    const char *ours = service->options->model_name;
    quern_model_task(name, &length);
    return length == strlen(ours) && strncmp(name, ours, length) == 0;
}

static bool read_model(struct quern_request *request, const json_t *value)
{
    if (value == NULL)
        return true;
    if (!json_is_string(value))
        return quern_refuse(request, QUERN_FAULT_REQUEST, "model", "model is to be a string");
    request->model = json_string_value(value);
    return true;
}

static bool have_only_text(const struct quern_request *request)
{
    for (size_t i = 0; i < request->input_count; i++)
        if (request->inputs[i].is_ids)
            return false;
    return true;
}

static bool read_task(struct quern_request *request, const json_t *value, bool has_title)
{
    size_t length;
    int task = request->task;
    if (value != NULL) {
        task = json_is_string(value) ? quern_task_find(json_string_value(value)) : -1;
        if (task < 0)
            return quern_refuse(request, QUERN_FAULT_VALUE, "task",
                                "there is no such task; there are none, query, document, similarity, classification, "
                                "clustering, code, summarization, question-answering and fact-checking");
    } else if (task < 0 && request->model != NULL) {
        task = quern_model_task(request->model, &length);
    }
    if (task > QUERN_TASK_NONE && !have_only_text(request))
        return quern_refuse(request, QUERN_FAULT_VALUE, "task",
                            "a task goes with text; token ids are taken as they are");
    if (task < 0 && !have_only_text(request))
        task = QUERN_TASK_NONE;
    if (task < 0)
        task = has_title ? QUERN_TASK_DOCUMENT : request->service->options->default_task;
    request->task = task >= 0 ? task : QUERN_TASK_NONE;
    return true;
}

static bool read_titles(struct quern_request *request, const json_t *value)
{
    const bool is_list = json_is_array(value);
    if (value == NULL)
        return true;
    if (request->task != QUERN_TASK_DOCUMENT)
        return quern_refuse(request, QUERN_FAULT_VALUE, "title", "a title goes with the task document only");
    if (is_list && json_array_size(value) != request->input_count)
        return quern_refuse(request, QUERN_FAULT_VALUE, "title", "%zu titles came for %zu inputs",
                            json_array_size(value), request->input_count);
    for (size_t i = 0; i < request->input_count; i++) {
        const json_t *title = is_list ? json_array_get(value, i) : value;
        if (!json_is_string(title))
            return quern_refuse(request, QUERN_FAULT_VALUE, "title", "title is to be a string, or one for each input");
        request->inputs[i].title = (quern_text){json_string_value(title), json_string_length(title)};
    }
    return true;
}

static bool read_truncate(struct quern_request *request, const json_t *value)
{
    static const char *const words[] = {"error", "end", "start"}; /* as enum quern_cut */
    if (value == NULL)
        return true;
    if (json_is_boolean(value)) {
        request->truncate = json_is_true(value) ? QUERN_CUT_END : QUERN_CUT_NONE;
        return true;
    }
    for (size_t i = 0; json_is_string(value) && i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(json_string_value(value), words[i]) == 0) {
            request->truncate = (enum quern_cut)i;
            return true;
        }
    return quern_refuse(request, QUERN_FAULT_VALUE, "truncate",
                        "truncate is to be true, false, \"end\", \"start\" or \"error\"");
}

static bool read_dtype(struct quern_request *request, const json_t *value)
{
    static const char *const names[] = {"float", "f16", "int8", "binary"}; /* as quern_dtype */
    if (value == NULL)
        return true;
    for (size_t i = 0; json_is_string(value) && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(json_string_value(value), names[i]) == 0) {
            request->dtype = (quern_dtype)i;
            return true;
        }
    return quern_refuse(request, QUERN_FAULT_VALUE, "output_dtype", "output_dtype is to be float, f16, int8 or binary");
}

static void read_form(struct quern_request *request)
{
    const char *accept = quern_head_find(request->head, "accept");
    if (accept != NULL && strncasecmp(accept, "application/octet-stream", 24) == 0)
        request->form = QUERN_FORM_RAW;
    else if (accept != NULL && strncasecmp(accept, "application/x-npy", 17) == 0)
        request->form = QUERN_FORM_NPY;
}

bool quern_request_extensions(struct quern_request *request, const json_t *object)
{
    const json_t *title = quern_field(object, "title");
    read_form(request);
    return read_model(request, quern_field(object, "model")) &&
           read_task(request, quern_field(object, "task"), title != NULL) && read_titles(request, title) &&
           read_truncate(request, quern_field(object, "truncate")) &&
           quern_request_flag(request, object, "normalize", &request->normalize) &&
           read_dtype(request, quern_field(object, "output_dtype"));
}
