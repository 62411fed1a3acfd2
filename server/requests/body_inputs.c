#include "body.h"

#include "array_count.h"
#include "dialect.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- adding one */

static struct quern_request_input *add_input(struct quern_request *request, const char *param)
{
    const size_t most = request->dialect->most_inputs > 0 ? request->dialect->most_inputs : QUERN_MOST_INPUTS;
    const size_t tokens = (size_t)request->service->options->queue_tokens; /* each input has one at least */
    if (request->input_count == (most < tokens ? most : tokens)) {
        quern_refuse(request, QUERN_FAULT_MANY, param, "a request may have at most %zu inputs: send fewer at once",
                     request->input_count);
        return NULL;
    }
    if (request->input_count == request->input_capacity) {
        const size_t capacity = request->input_capacity > 0 ? 2 * request->input_capacity : 4;
        const size_t more = (capacity - request->input_capacity) * sizeof *request->inputs;
        struct quern_request_input *inputs =
            quern_request_claim(request, more) ? realloc(request->inputs, capacity * sizeof *inputs) : NULL;
        if (inputs == NULL) {
            quern_refuse_memory(request);
            return NULL;
        }
        request->inputs = inputs;
        request->input_capacity = capacity;
    }
    return &request->inputs[request->input_count++];
}

bool quern_body_add_text(struct quern_request *request, const char *param, quern_text text, quern_text title)
{
    struct quern_request_input *input = add_input(request, param);
    if (input != NULL)
        *input = (struct quern_request_input){.param = param, .text = text, .title = title};
    return input != NULL;
}

/* The number of the first item of an array that is of this kind; the size of the array: none is. */
static size_t find_kind(const struct quern_value *array, enum quern_value_kind kind)
{
    size_t i = 0;
    for (const struct quern_value *item = quern_value_first(array); item != NULL; item = quern_value_next(item), i++)
        if (quern_value_is(item, kind))
            return i;
    return i;
}

/* Refuses an array that would be one input of token ids. With texts in it, or without numbers, texts were meant.
 * is_item: it is an item of the field, and not the field's value itself. */
static bool refuse_ids(struct quern_request *request, const char *param, const struct quern_value *array, bool is_item)
{
    const size_t count = quern_value_size(array), number = find_kind(array, QUERN_VALUE_INTEGER);
    const bool has_texts = find_kind(array, QUERN_VALUE_TEXT) < count;
    if (is_item && (has_texts || number == count))
        return quern_refuse(request, QUERN_FAULT_FIELD, param,
                            "item %zu of %s is a list, but it must be a string: send all texts in one list",
                            request->input_count, param);
    if (has_texts)
        return quern_refuse(request, QUERN_FAULT_FIELD, param, "item %zu of %s is a number, but it must be a string "
                            "(token ids among texts need --allow-token-ids)", number, param);
    return quern_refuse(
        request, QUERN_FAULT_TOKEN_IDS, param,
        "the inputs are token ids, made by another model's tokenizer: send text (in LangChain: "
        "check_embedding_ctx_length=False), or start the server with --allow-token-ids if they are this model's");
}

bool quern_body_add_ids(struct quern_request *request, const char *param, const struct quern_value *array)
{
    const size_t count = quern_value_size(array);
    if (count == 0)
        return quern_refuse(request, QUERN_FAULT_EMPTY, param, "input %zu must not be empty", request->input_count);
    struct quern_request_input *input = add_input(request, param);
    if (input == NULL)
        return false;
    *input = (struct quern_request_input){
        .param = param, .is_ids = true, .next_id = quern_value_first(array), .result.tokens = (uint32_t)count};
    return true;
}

/* ---------------------------------------------------------------- adding those of a field */

/* The first item of an array that is no text; NULL: all are. */
static const struct quern_value *find_other(const struct quern_value *array)
{
    const struct quern_value *item = quern_value_first(array);
    while (quern_value_is(item, QUERN_VALUE_TEXT))
        item = quern_value_next(item);
    return item;
}

/* Adds one input: a text, llama-server's object that has a text, or an array of ids, texts among them or not. */
static bool add_one(struct quern_request *request, const char *param, const struct quern_value *item, bool is_item)
{
    const struct quern_value *text = quern_value_member(item, "prompt_string"),
                             *media = quern_value_member(item, "multimodal_data");
    if (quern_value_is(item, QUERN_VALUE_TEXT))
        return quern_body_add_text(request, param, quern_value_text(item), (quern_text){0});
    if (quern_value_is(item, QUERN_VALUE_ARRAY) && quern_value_size(item) > 0 &&
        (!request->service->options->allow_token_ids || find_other(item) == NULL))
        return refuse_ids(request, param, item, is_item);
    if (quern_value_is(item, QUERN_VALUE_ARRAY))
        return quern_body_add_ids(request, param, item);
    if (quern_value_is(text, QUERN_VALUE_TEXT) && quern_value_size(media) == 0)
        return quern_body_add_text(request, param, quern_value_text(text), (quern_text){0});
    if (text != NULL && !quern_value_is(text, QUERN_VALUE_TEXT))
        return quern_refuse(request, QUERN_FAULT_FIELD, param, "prompt_string in item %zu of %s is %s, but it must be "
                            "a string", request->input_count, param, quern_value_kind_name(text));
    if (quern_value_is(item, QUERN_VALUE_NUMBER) && request->service->options->allow_token_ids)
        return quern_refuse(request, QUERN_FAULT_FIELD, param, "item %zu of %s is a number, but no token id: these are "
                            "integers from 0, without an exponent", request->input_count, param);
    return quern_refuse(request, QUERN_FAULT_FIELD, param, "item %zu of %s is %s, but it must be a string",
                        request->input_count, param, quern_value_kind_name(item));
}

bool quern_body_add_inputs(struct quern_request *request, const char *param, const struct quern_value *value)
{
    if (value == NULL)
        return quern_refuse(request, QUERN_FAULT_FIELD, param, "the field %s is missing", param);
    if (quern_value_is(value, QUERN_VALUE_ARRAY) && quern_value_size(value) == 0)
        return quern_refuse(request, QUERN_FAULT_EMPTY, param, "%s must not be an empty array", param);
    if (quern_value_is(value, QUERN_VALUE_ARRAY) && !quern_value_is(find_other(value), QUERN_VALUE_INTEGER)) {
        for (const struct quern_value *item = quern_value_first(value); item != NULL; item = quern_value_next(item))
            if (!add_one(request, param, item, true))
                return false;
        return true;
    }
    if (!quern_value_is(value, QUERN_VALUE_ARRAY) && !quern_value_is(value, QUERN_VALUE_TEXT) &&
        quern_value_member(value, "prompt_string") == NULL)
        return quern_refuse(request, QUERN_FAULT_FIELD, param, "%s is %s, but it must be a string or an array of "
                            "strings", param, quern_value_kind_name(value));
    return add_one(request, param, value, false);
}

/* ---------------------------------------------------------------- finding the field */

static bool is_empty(const struct quern_value *value)
{
    return value->kind == QUERN_VALUE_NULL ||
           ((value->kind == QUERN_VALUE_TEXT || value->kind == QUERN_VALUE_ARRAY) && value->count == 0);
}

/* The only item of an array that has one; any other value itself. */
static const struct quern_value *unwrap(const struct quern_value *value)
{
    return quern_value_size(value) == 1 ? quern_value_first(value) : value;
}

/* Fields that are null count as absent, and empty ones if another one is there. */
bool quern_body_find_inputs(struct quern_request *request, const char *own, const char **name)
{
    static const char *const names[] = {"input", "inputs", "content", "prompt", "texts", "text"};
    const struct quern_value *found = quern_body_field(request->object, own);
    *name = own;
    for (size_t i = 0; i < QUERN_COUNT(names); i++) {
        const struct quern_value *value = quern_body_field(request->object, names[i]);
        if (quern_value_member(request->object, *name) == NULL && quern_value_member(request->object, names[i]) != NULL)
            *name = names[i]; /* at least a message can say what it is */
        if (value == NULL || value == found || (found != NULL && is_empty(value)))
            continue;
        if (found != NULL && !is_empty(found) && !quern_value_equals(unwrap(found), unwrap(value)))
            return quern_refuse(request, QUERN_FAULT_VALUE, names[i], "%s and %s have different texts: send one of the "
                                "two fields", *name, names[i]);
        if (found == NULL || is_empty(found)) {
            found = value;
            *name = names[i];
        }
    }
    return true;
}

bool quern_body_add_named_inputs(struct quern_request *request, const char *own)
{
    const char *name;
    return quern_body_find_inputs(request, own, &name) &&
           quern_body_add_inputs(request, name, quern_value_member(request->object, name));
}

bool quern_body_refuse_empty(struct quern_request *request, const char *param)
{
    for (size_t i = 0; i < request->input_count; i++)
        if (!request->inputs[i].is_ids && request->inputs[i].text.length == 0)
            return quern_refuse(request, QUERN_FAULT_EMPTY, param, "input %zu must not be an empty string", i);
    return true;
}
