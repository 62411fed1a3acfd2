#include "extensions.h"

#include "accept.h"
#include "array_count.h"
#include "body.h"
#include "model_name.h"
#include "task_fields.h"

#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- reading */

static bool read_truncate(struct quern_request *request, const struct quern_value *value)
{
    static const struct {
        const char *word;
        unsigned flag;
    } table[] = {{"none", 0}, {"error", 0}, {"false", 0}, {"end", QUERN_TRUNCATE}, {"true", QUERN_TRUNCATE},
                 {"start", QUERN_TRUNCATE_START}};
    if (value == NULL)
        return true;
    if (quern_value_is(value, QUERN_VALUE_BOOLEAN)) {
        request->options.truncate = quern_value_is_true(value) ? QUERN_TRUNCATE : 0;
        return true;
    }
    const char *word = quern_value_string(value);
    for (size_t i = 0; word != NULL && i < QUERN_COUNT(table); i++)
        if (strcasecmp(word, table[i].word) == 0) {
            request->options.truncate = table[i].flag;
            return true;
        }
    return quern_refuse(request, QUERN_FAULT_VALUE, "truncate",
                        "truncate must be true, false, \"end\", \"start\", \"none\" or \"error\"");
}

static bool read_dtype(struct quern_request *request, const struct quern_value *value)
{
    static const struct {
        const char *word;
        quern_dtype dtype;
    } table[] = {{"float", QUERN_DTYPE_F32}, {"f16", QUERN_DTYPE_F16}, {"int8", QUERN_DTYPE_INT8},
                 {"binary", QUERN_DTYPE_BINARY}};
    if (value == NULL)
        return true;
    const char *word = quern_value_string(value);
    for (size_t i = 0; word != NULL && i < QUERN_COUNT(table); i++)
        if (strcmp(word, table[i].word) == 0) {
            request->options.dtype = table[i].dtype;
            return true;
        }
    return quern_refuse(request, QUERN_FAULT_VALUE, "output_dtype", "output_dtype must be float, f16, int8 or binary");
}

static bool read_encoding(struct quern_request *request, const struct quern_value *value)
{
    const char *name = quern_value_string(value);
    if (value == NULL)
        return true;
    request->options.base64 = name != NULL && strcmp(name, "base64") == 0;
    if (!request->options.base64 && (name == NULL || strcmp(name, "float") != 0))
        return quern_refuse(request, QUERN_FAULT_VALUE, "encoding_format", "encoding_format must be float or base64");
    return true;
}

static void read_form(struct quern_request *request)
{
    static const char *const types[] = {"application/json", "application/octet-stream", "application/x-npy"};
    static const enum quern_vectors_form forms[] = {QUERN_VECTORS_JSON, QUERN_VECTORS_RAW, QUERN_VECTORS_NPY};
    const int best = quern_accept_best(request->head, types, (int)QUERN_COUNT(types));
    request->options.form = best > 0 ? forms[best] : QUERN_VECTORS_JSON;
}

bool quern_extensions_read(struct quern_request *request, const struct quern_value *object)
{
    const struct quern_value *title = quern_body_field(object, "title");
    if (title != NULL)
        request->options.title = title;
    read_form(request);
    return quern_task_fields_read(request, object) &&
           read_truncate(request, quern_body_field(object, "truncate")) &&
           quern_body_flag(request, object, "normalize", &request->options.normalize) &&
           read_dtype(request, quern_body_field(object, "output_dtype")) &&
           read_encoding(request, quern_body_field(object, "encoding_format"));
}

/* ---------------------------------------------------------------- resolving */

static bool has_ids(const struct quern_request *request)
{
    for (size_t i = 0; i < request->input_count; i++)
        if (request->inputs[i].is_ids)
            return true;
    return false;
}

static bool resolve_task(struct quern_request *request)
{
    const struct quern_request_options *options = &request->options;
    const bool has_prompts = request->served->info.has_prompts, takes_none = has_ids(request);
    int task = options->task, meant = -1;
    if (task < 0 && options->model != NULL)
        task = quern_model_name_task(options->model, &meant);
    if (task < 0 && meant >= 0 && !quern_model_name_is(request->served, options->model))
        return quern_refuse(request, QUERN_FAULT_VALUE, "model", "the name in model ends in a word that is no task "
                            "(did you mean ':%s'?); a model's name may end in a task, as in any:query",
                            quern_task_name((quern_task)meant));
    if (task > QUERN_TASK_NONE && takes_none && has_prompts)
        return quern_refuse(request, QUERN_FAULT_VALUE, "task",
                            "a task needs text; token ids are embedded as they are");
    if (task < 0 && !takes_none)
        task = options->title != NULL ? QUERN_TASK_DOCUMENT : request->service->options->default_task;
    request->options.task = task >= 0 ? task : QUERN_TASK_NONE;
    return true;
}

static bool resolve_titles(struct quern_request *request)
{
    const struct quern_value *value = request->options.title;
    const bool is_list = quern_value_is(value, QUERN_VALUE_ARRAY);
    if (value == NULL)
        return true;
    if (request->options.task != QUERN_TASK_DOCUMENT)
        return quern_refuse(request, QUERN_FAULT_VALUE, "title", "only the task document takes a title");
    if (is_list && quern_value_size(value) != request->input_count)
        return quern_refuse(request, QUERN_FAULT_VALUE, "title", "there are %zu titles for %zu inputs",
                            quern_value_size(value), request->input_count);
    const struct quern_value *title = is_list ? quern_value_first(value) : value;
    for (size_t i = 0; i < request->input_count; i++, title = is_list ? quern_value_next(title) : title) {
        if (!quern_value_is(title, QUERN_VALUE_TEXT))
            return quern_refuse(request, QUERN_FAULT_VALUE, "title",
                                "title must be a string, or an array with one string for each input");
        request->inputs[i].title = quern_value_text(title);
    }
    return true;
}

/* A task, and a title, is for the prompts of a model; one that has none embeds every text as it is. */
static void drop_task(struct quern_request *request)
{
    if (request->served->info.has_prompts)
        return;
    request->options.ignores_task = request->options.task != QUERN_TASK_NONE;
    request->options.task = QUERN_TASK_NONE;
    for (size_t i = 0; i < request->input_count; i++)
        request->inputs[i].title = (quern_text){0};
}

static bool check_dtype(struct quern_request *request)
{
    const struct quern_request_options *options = &request->options;
    const int width = options->dimensions > 0 ? options->dimensions : request->served->info.dimensions;
    if (quern_encoded_bytes(options->dtype, width) == 0)
        return quern_refuse(request, QUERN_FAULT_VALUE, "output_dtype",
                            "the dimensions of binary vectors must be a multiple of 8");
    if (options->dtype == QUERN_DTYPE_INT8 && !options->normalize)
        return quern_refuse(request, QUERN_FAULT_VALUE, "output_dtype",
                            "int8 vectors must be normalised; leave out normalize");
    return true;
}

bool quern_extensions_resolve(struct quern_request *request)
{
    if (!resolve_task(request) || !resolve_titles(request) || !check_dtype(request))
        return false;
    drop_task(request);
    return true;
}
