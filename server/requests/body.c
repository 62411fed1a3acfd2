#include "body.h"

#include <stdlib.h>
#include <string.h>

#define MOST_DEPTH 16         /* of nested arrays and objects */
#define MOST_VALUES (1 << 20) /* each takes about 50 bytes of memory once the body is parsed */

/* Refuses a body that is nested too deeply, or has too many values, before memory is used for it. jansson checks
 * whether it is JSON at all. */
static bool screen(struct quern_request *request)
{
    size_t depth = 0, values = 0;
    bool in_string = false;
    for (size_t i = 0; i < request->body.length; i++) {
        const char c = request->body.data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        in_string = c == '"';
        values += c == ',' || c == '[' || c == '{';
        depth += c == '[' || c == '{';
        depth -= (c == ']' || c == '}') && depth > 0;
        if (depth > MOST_DEPTH)
            return quern_refuse(request, QUERN_FAULT_REQUEST, NULL, "the body's JSON is nested deeper than %d levels",
                                MOST_DEPTH);
        if (values > MOST_VALUES)
            return quern_refuse(request, QUERN_FAULT_REQUEST, NULL, "the body's JSON has more than %d values",
                                MOST_VALUES);
    }
    return true;
}

json_t *quern_body_object(struct quern_request *request)
{
    json_error_t error;
    if (json_is_object(request->json))
        return request->json;
    if (request->body.length == 0) {
        quern_refuse(request, QUERN_FAULT_REQUEST, NULL, "the request has no body; send a JSON object");
        return NULL;
    }
    if (!screen(request))
        return NULL;
    request->json = json_loadb(request->body.data, request->body.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                               &error);
    if (request->json == NULL) /* without jansson's message, which repeats the input */
        quern_refuse(request, QUERN_FAULT_REQUEST, NULL, "the body is not JSON in UTF-8 at line %d, column %d",
                     error.line, error.column);
    else if (!json_is_object(request->json))
        quern_refuse(request, QUERN_FAULT_REQUEST, NULL, "the body must be a JSON object");
    else
        return request->json;
    return NULL;
}

static struct quern_request_input *add_input(struct quern_request *request, const char *param)
{
    if (request->input_count == QUERN_INPUTS) {
        quern_refuse(request, QUERN_FAULT_REQUEST, param, "a request may have at most %d inputs: send fewer at once",
                     QUERN_INPUTS);
        return NULL;
    }
    if (request->input_count == request->input_capacity) {
        const size_t capacity = request->input_capacity > 0 ? 2 * request->input_capacity : 4;
        struct quern_request_input *inputs = realloc(request->inputs, capacity * sizeof *inputs);
        if (inputs == NULL) {
            quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "there is no memory for the inputs");
            return NULL;
        }
        request->inputs = inputs;
        request->input_capacity = capacity;
    }
    request->inputs[request->input_count] = (struct quern_request_input){0};
    return &request->inputs[request->input_count++];
}

bool quern_body_add_text(struct quern_request *request, const char *param, const char *data, size_t length)
{
    struct quern_request_input *input = add_input(request, param);
    if (input != NULL)
        input->text = (quern_text){data, length};
    return input != NULL;
}

bool quern_body_add_ids(struct quern_request *request, const char *param, const json_t *array)
{
    const size_t count = json_array_size(array);
    const int vocabulary = request->service->info.vocabulary;
    if (!request->service->options->allow_token_ids && !request->options.only_tokens)
        return quern_refuse(
            request, QUERN_FAULT_TOKEN_IDS, param,
            "the inputs are token ids, made by another model's tokenizer: send text (in LangChain: "
            "check_embedding_ctx_length=False), or start the server with --allow-token-ids if they are this model's");
    if (count == 0)
        return quern_refuse(request, QUERN_FAULT_EMPTY, param, "input %zu must not be empty", request->input_count);
    struct quern_request_input *input = add_input(request, param);
    if (input == NULL || !quern_request_reserve_ids(request, count))
        return false;
    *input = (struct quern_request_input){
        .is_ids = true, .first_id = request->id_count, .result.tokens = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        const json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (id < 0 || id >= vocabulary)
            return quern_refuse(request, QUERN_FAULT_VALUE, param,
                                "input %zu must contain only token ids, integers from 0 to %d",
                                request->input_count - 1, vocabulary - 1);
        request->ids[request->id_count++] = (int32_t)id;
    }
    return true;
}

bool quern_body_add_inputs(struct quern_request *request, const char *param, const json_t *value)
{
    if (value == NULL)
        return quern_refuse(request, QUERN_FAULT_REQUEST, param, "the field %s is missing", param);
    if (json_is_string(value))
        return quern_body_add_text(request, param, json_string_value(value), json_string_length(value));
    if (!json_is_array(value))
        return quern_refuse(request, QUERN_FAULT_REQUEST, param, "%s must be a string or an array of strings", param);
    if (json_array_size(value) == 0)
        return quern_refuse(request, QUERN_FAULT_EMPTY, param, "%s must not be an empty array", param);
    if (json_is_integer(json_array_get(value, 0)))
        return quern_body_add_ids(request, param, value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (json_is_string(item)) {
            if (!quern_body_add_text(request, param, json_string_value(item), json_string_length(item)))
                return false;
        } else if (!json_is_array(item)) {
            return quern_refuse(request, QUERN_FAULT_REQUEST, param, "item %zu of %s must be a string", i, param);
        } else if (!quern_body_add_ids(request, param, item)) {
            return false;
        }
    }
    return true;
}

bool quern_body_refuse_empty(struct quern_request *request, const char *param)
{
    for (size_t i = 0; i < request->input_count; i++)
        if (!request->inputs[i].is_ids && request->inputs[i].text.length == 0)
            return quern_refuse(request, QUERN_FAULT_EMPTY, param, "input %zu must not be an empty string", i);
    return true;
}

const json_t *quern_body_field(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

bool quern_body_dimensions(struct quern_request *request, const json_t *object)
{
    const json_t *value = quern_body_field(object, "dimensions");
    const int most = request->service->info.dimensions;
    if (value == NULL)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > most)
        return quern_refuse(request, QUERN_FAULT_VALUE, "dimensions", "dimensions must be an integer from 1 to %d",
                            most);
    request->options.dimensions = (int)json_integer_value(value);
    return true;
}

bool quern_body_flag(struct quern_request *request, const json_t *object, const char *name, bool *flag)
{
    const json_t *value = quern_body_field(object, name);
    if (value == NULL)
        return true;
    *flag = json_is_true(value);
    return json_is_boolean(value) ||
           quern_refuse(request, QUERN_FAULT_VALUE, name, "%s must be true or false", name);
}
