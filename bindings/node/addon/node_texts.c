/* Texts: their vectors and their tokens. */
#include "node_addon.h"
#include <stdlib.h>

struct text_work {
    struct quern_node_work work; /* first */
    quern_embed_options options;
    int dtype;
    size_t count;
    quern_text *texts;
    char *bytes;           /* of the texts, the title and the prompt */
    void *found;           /* vectors in the format dtype, or ids of tokens */
    size_t found_bytes;
    quern_result *results; /* [count], of vectors */
};

static void release_texts(struct quern_node_work *work)
{
    struct text_work *texts = (struct text_work *)work;
    free(texts->texts);
    free(texts->bytes);
    free(texts->found);
    free(texts->results);
    free(texts);
}

/* ---------------------------------------------------------------- reading */

/* Most bytes that a string has in UTF-8, and one more for the terminator, which Node.js writes; 0 for what is no
 * string. A string has less than 2^30 characters, an array less than 2^32 elements, so sums do not wrap. */
static size_t most_bytes(napi_env env, napi_value value)
{
    size_t length = 0;
    return napi_get_value_string_utf16(env, value, NULL, 0, &length) == napi_ok ? 3 * length + 1 : 0;
}

/* Copies a string to the bytes that begin at *at, and moves *at behind it. */
static bool copy_text(napi_env env, napi_value value, char **at, quern_text *text)
{
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, *at, most_bytes(env, value), &length) != napi_ok)
        return false;
    *text = (quern_text){*at, length};
    *at += length + 1;
    return true;
}

static bool is_null(napi_env env, napi_value value)
{
    napi_valuetype type = napi_undefined;
    return napi_typeof(env, value, &type) == napi_ok && type == napi_null;
}

/* Bytes that the texts, the title and the prompt, if there is one, need at most; 0 when one is no string. */
static size_t bytes_of_all(napi_env env, napi_value array, uint32_t count, napi_value title, napi_value prompt)
{
    const size_t title_bytes = most_bytes(env, title);
    const size_t prompt_bytes = is_null(env, prompt) ? 1 : most_bytes(env, prompt);
    size_t sum = title_bytes > 0 && prompt_bytes > 0 ? title_bytes + prompt_bytes : 0;
    for (uint32_t i = 0; i < count && sum > 0; i++) {
        napi_handle_scope scope;
        napi_value element = NULL;
        if (napi_open_handle_scope(env, &scope) != napi_ok)
            return 0;
        size_t bytes = napi_get_element(env, array, i, &element) == napi_ok ? most_bytes(env, element) : 0;
        napi_close_handle_scope(env, scope);
        sum = bytes > 0 ? sum + bytes : 0;
    }
    return sum;
}

/* Copies an array of strings, a title, and a prompt or null. Getters of the array may run and change it, so nothing
 * that was read before is relied on: what does not fit any more fails. */
static bool copy_texts(napi_env env, struct text_work *work, napi_value array, napi_value title, napi_value prompt)
{
    uint32_t count = 0;
    bool is_array = false;
    if (napi_is_array(env, array, &is_array) != napi_ok || !is_array ||
        napi_get_array_length(env, array, &count) != napi_ok)
        return false;
    size_t capacity = bytes_of_all(env, array, count, title, prompt);
    if (capacity == 0)
        return false;
    work->count = count;
    work->bytes = malloc(capacity);
    work->texts = calloc(count > 0 ? count : 1, sizeof *work->texts);
    work->results = calloc(count > 0 ? count : 1, sizeof *work->results);
    if (work->bytes == NULL || work->texts == NULL || work->results == NULL)
        return false;
    char *at = work->bytes, *end = work->bytes + capacity;
    if (!copy_text(env, title, &at, &work->options.title) ||
        (!is_null(env, prompt) && !copy_text(env, prompt, &at, &work->options.prompt)))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        napi_handle_scope scope;
        napi_value element = NULL;
        if (napi_open_handle_scope(env, &scope) != napi_ok)
            return false;
        bool is_copied = napi_get_element(env, array, i, &element) == napi_ok &&
                         most_bytes(env, element) <= (size_t)(end - at) &&
                         copy_text(env, element, &at, &work->texts[i]);
        napi_close_handle_scope(env, scope);
        if (!is_copied)
            return false;
    }
    return true;
}

#define TEXT_ARGUMENTS "(handle, texts, title, prompt, task, dimensions, flags, dtype, callback)"

/* Starts a work on texts, with TEXT_ARGUMENTS; prompt is null for that of the task. */
static napi_value start_texts(napi_env env, napi_callback_info info, struct quern_node_work kind)
{
    napi_value arguments[9];
    uint32_t flags = 0;
    if (!quern_node_arguments(env, info, 9, arguments))
        return NULL;
    struct quern_node_owner *model = quern_node_owner_of(env, arguments[0], QUERN_NODE_MODEL);
    if (model == NULL)
        return NULL;
    struct text_work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return quern_node_throw(env, "there is no memory");
    work->work = kind;
    work->work.release = release_texts;
    work->work.owner = model;
    work->options.size = sizeof work->options;
    if (!copy_texts(env, work, arguments[1], arguments[2], arguments[3]) ||
        napi_get_value_int32(env, arguments[4], &work->options.task) != napi_ok ||
        napi_get_value_int32(env, arguments[5], &work->options.dimensions) != napi_ok ||
        napi_get_value_uint32(env, arguments[6], &flags) != napi_ok ||
        napi_get_value_int32(env, arguments[7], &work->dtype) != napi_ok) {
        release_texts(&work->work);
        return quern_node_throw(env, TEXT_ARGUMENTS " are wrong, or there is no memory for the texts");
    }
    work->options.flags = flags;
    quern_node_start(env, &work->work, arguments[8]);
    return NULL;
}

/* ---------------------------------------------------------------- vectors */

static int embed_texts(struct text_work *texts)
{
    struct quern_node_work *work = &texts->work;
    const struct quern_node_model *model = (const struct quern_node_model *)work->owner;
    const int dimensions = texts->options.dimensions;
    size_t row_bytes = quern_encoded_bytes((quern_dtype)texts->dtype, dimensions);
    if (row_bytes == 0 || (size_t)dimensions > SIZE_MAX / sizeof(float) / (texts->count + 1))
        return quern_node_fail(work, QUERN_EINVAL, "vectors cannot have so many dimensions in this format");
    size_t numbers = texts->count * (size_t)dimensions;
    float *vectors = malloc((numbers + 1) * sizeof *vectors); // row_bytes is never more
    if (vectors == NULL)
        return quern_node_fail(work, QUERN_ENOMEM, "there is no memory for the vectors");
    texts->found = vectors;
    texts->found_bytes = texts->count * row_bytes;
    if (texts->count == 0)
        return QUERN_OK;
    int code = quern_embed(model->context, texts->texts, texts->count, &texts->options, vectors, numbers,
                           texts->results, &work->error);
    if (code == QUERN_OK && texts->dtype != QUERN_DTYPE_F32)
        code = quern_encode((quern_dtype)texts->dtype, vectors, texts->count, dimensions, vectors, texts->found_bytes,
                            &work->error);
    return code;
}

static void execute_embed(struct quern_node_work *work)
{
    work->code = embed_texts((struct text_work *)work);
}

static napi_value embed_result(napi_env env, struct quern_node_work *work)
{
    struct text_work *texts = (struct text_work *)work;
    napi_value result = NULL, vectors = quern_node_bytes(env, texts->found, texts->found_bytes);
    void *data = NULL;
    napi_value tokens = NULL;
    if (vectors == NULL || napi_create_object(env, &result) != napi_ok ||
        napi_create_arraybuffer(env, texts->count * sizeof(uint32_t), &data, &tokens) != napi_ok)
        return NULL;
    for (size_t i = 0; i < texts->count; i++)
        ((uint32_t *)data)[i] = texts->results[i].tokens;
    quern_node_set(env, result, "vectors", vectors);
    quern_node_set(env, result, "tokens", tokens);
    return result;
}

/* embed, with TEXT_ARGUMENTS: the callback is given {vectors, tokens}, two ArrayBuffers: the vectors in the format
 * dtype, and the tokens of each text, uint32. */
napi_value quern_node_embed(napi_env env, napi_callback_info info)
{
    return start_texts(env, info, (struct quern_node_work){.execute = execute_embed, .result = embed_result});
}

/* ---------------------------------------------------------------- tokens */

static int tokenize_text(struct text_work *texts)
{
    struct quern_node_work *work = &texts->work;
    size_t count = 0;
    if (texts->count != 1)
        return quern_node_fail(work, QUERN_EINVAL, "there must be one text");
    const quern_embed_options options = {.size = sizeof options, .task = texts->options.task,
                                         .prompt = texts->options.prompt};
    const struct quern_node_model *model = (const struct quern_node_model *)work->owner;
    int code = quern_tokenize(model->context, texts->texts[0], &options, NULL, 0, &count, &work->error);
    if (code != QUERN_ETOOLONG)
        return code;
    texts->found = malloc(count * sizeof(int32_t));
    texts->found_bytes = count * sizeof(int32_t);
    if (texts->found == NULL)
        return quern_node_fail(work, QUERN_ENOMEM, "there is no memory for the tokens");
    return quern_tokenize(model->context, texts->texts[0], &options, texts->found, count, &count, &work->error);
}

static void execute_tokenize(struct quern_node_work *work)
{
    work->code = tokenize_text((struct text_work *)work);
}

static napi_value tokenize_result(napi_env env, struct quern_node_work *work)
{
    const struct text_work *texts = (struct text_work *)work;
    return quern_node_bytes(env, texts->found, texts->found_bytes);
}

/* tokenize, with TEXT_ARGUMENTS and one text: the callback is given an ArrayBuffer of the ids, int32. */
napi_value quern_node_tokenize(napi_env env, napi_callback_info info)
{
    return start_texts(env, info, (struct quern_node_work){.execute = execute_tokenize, .result = tokenize_result});
}
