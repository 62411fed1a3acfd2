/* Texts: their vectors and their tokens. */
#include "node_addon.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct text_work {
    struct quern_node_work work; /* first */
    quern_embed_options options;
    int dtype;
    size_t count;
    quern_text *texts;
    char *bytes;            /* of the texts, the title and the prompt */
    size_t used, capacity;  /* of bytes */
    void *found;            /* vectors in the format dtype, or ids of tokens */
    size_t found_bytes;
    quern_result *results;  /* [count], of vectors */
    napi_ref vectors, tokens; /* typed arrays that get what was found, from the element `first` on */
    int64_t first;
    double seconds;         /* that the computation took */
    napi_env env;           /* of the references */
};

static void release_texts(struct quern_node_work *work)
{
    struct text_work *texts = (struct text_work *)work;
    if (texts->vectors != NULL)
        napi_delete_reference(texts->env, texts->vectors);
    if (texts->tokens != NULL)
        napi_delete_reference(texts->env, texts->tokens);
    free(texts->texts);
    free(texts->bytes);
    free(texts->found);
    free(texts->results);
    free(texts);
}

/* ---------------------------------------------------------------- reading */

static bool is_null(napi_env env, napi_value value)
{
    napi_valuetype type = napi_undefined;
    return napi_typeof(env, value, &type) == napi_ok && type == napi_null;
}

/* Makes room for a string of so many characters behind the bytes that are used. Node.js writes a terminator, too. A
 * string has less than 2^30 characters, so nothing wraps. */
static bool make_room(struct text_work *work, size_t characters)
{
    const size_t needed = 3 * characters + 1;
    if (needed <= work->capacity - work->used)
        return true;
    const size_t capacity = work->used + needed + work->capacity / 2 + 4096;
    char *bytes = realloc(work->bytes, capacity);
    if (bytes == NULL)
        return false;
    work->bytes = bytes;
    work->capacity = capacity;
    return true;
}

/* Copies a string behind the others. While strings are copied, text->data is not yet set, since the bytes may move. */
static bool copy_text(napi_env env, struct text_work *work, napi_value value, quern_text *text)
{
    size_t characters = 0;
    if (napi_get_value_string_utf16(env, value, NULL, 0, &characters) != napi_ok || !make_room(work, characters) ||
        napi_get_value_string_utf8(env, value, work->bytes + work->used, 3 * characters + 1, &text->length) != napi_ok)
        return false;
    work->used += text->length;
    return true;
}

/* Copies element i of an array. A getter may run, which may change the array, but not what was copied. */
static bool copy_element(napi_env env, struct text_work *work, napi_value array, uint32_t i)
{
    napi_handle_scope scope;
    napi_value element = NULL;
    if (napi_open_handle_scope(env, &scope) != napi_ok)
        return false;
    bool is_copied = napi_get_element(env, array, i, &element) == napi_ok &&
                     copy_text(env, work, element, &work->texts[i]);
    napi_close_handle_scope(env, scope);
    return is_copied;
}

/* Copies an array of strings, a title, and a prompt or null. */
static bool copy_texts(napi_env env, struct text_work *work, napi_value array, napi_value title, napi_value prompt)
{
    uint32_t count = 0;
    bool is_array = false;
    if (napi_is_array(env, array, &is_array) != napi_ok || !is_array ||
        napi_get_array_length(env, array, &count) != napi_ok)
        return false;
    work->count = count;
    work->texts = calloc((size_t)count + 1, sizeof *work->texts);
    work->results = calloc((size_t)count + 1, sizeof *work->results);
    if (work->texts == NULL || work->results == NULL)
        return false;
    const bool has_prompt = !is_null(env, prompt);
    if (!copy_text(env, work, title, &work->options.title) ||
        (has_prompt && !copy_text(env, work, prompt, &work->options.prompt)))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!copy_element(env, work, array, i))
            return false;
    const char *at = work->bytes; // the bytes stay there from now on
    work->options.title.data = at;
    at += work->options.title.length;
    if (has_prompt)
        work->options.prompt.data = at;
    at += work->options.prompt.length;
    for (uint32_t i = 0; i < count; at += work->texts[i++].length)
        work->texts[i].data = at;
    return true;
}

/* Reads the arguments that functions of texts share: handle, texts, title, prompt (null for that of the task), task,
 * dimensions, flags, dtype. Returns NULL with an exception. */
#define TEXT_ARGUMENTS 8
static struct text_work *new_work(napi_env env, const napi_value arguments[TEXT_ARGUMENTS])
{
    uint32_t flags = 0;
    struct quern_node_owner *model = quern_node_owner_of(env, arguments[0], QUERN_NODE_MODEL);
    if (model == NULL)
        return NULL;
    struct text_work *work = quern_node_take(env, sizeof *work);
    if (work == NULL)
        return NULL;
    work->work.release = release_texts;
    work->work.owner = model;
    work->env = env;
    work->options.size = sizeof work->options;
    if (!copy_texts(env, work, arguments[1], arguments[2], arguments[3]) ||
        napi_get_value_int32(env, arguments[4], &work->options.task) != napi_ok ||
        napi_get_value_int32(env, arguments[5], &work->options.dimensions) != napi_ok ||
        napi_get_value_uint32(env, arguments[6], &flags) != napi_ok ||
        napi_get_value_int32(env, arguments[7], &work->dtype) != napi_ok) {
        release_texts(&work->work);
        quern_node_throw(env, "(handle, texts, title, prompt, task, dimensions, flags, dtype) are wrong, or there is "
                              "no memory for the texts");
        return NULL;
    }
    work->options.flags = flags;
    return work;
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

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void execute_embed(struct quern_node_work *work)
{
    struct text_work *texts = (struct text_work *)work;
    const double start = seconds_now();
    work->code = embed_texts(texts);
    texts->seconds = seconds_now() - start;
}

/* Whether [first, first + count) are elements of an array that has so many. */
static bool is_part(int64_t first, size_t count, size_t elements)
{
    return first >= 0 && (uint64_t)first <= elements && count <= elements - (size_t)first;
}

/* Writes what was found to the arrays of JavaScript, as they are now. */
static napi_value embed_result(napi_env env, struct quern_node_work *work)
{
    struct text_work *texts = (struct text_work *)work;
    napi_value vectors = NULL, tokens = NULL, seconds = NULL;
    void *vector_data = NULL, *token_data = NULL;
    size_t bytes = 0, rows = 0;
    const size_t row_bytes = texts->count > 0 ? texts->found_bytes / texts->count : 1;
    if (napi_get_reference_value(env, texts->vectors, &vectors) != napi_ok || vectors == NULL ||
        napi_get_reference_value(env, texts->tokens, &tokens) != napi_ok || tokens == NULL ||
        !quern_node_elements(env, vectors, napi_uint8_array, &vector_data, &bytes) ||
        !quern_node_elements(env, tokens, napi_uint32_array, &token_data, &rows) ||
        !is_part(texts->first, texts->count, rows) || !is_part(texts->first, texts->count, bytes / row_bytes))
        return quern_node_throw(env, "there is no room for the vectors");
    if (texts->count > 0)
        memcpy((char *)vector_data + (size_t)texts->first * row_bytes, texts->found, texts->found_bytes);
    for (size_t i = 0; i < texts->count; i++)
        ((uint32_t *)token_data)[(size_t)texts->first + i] = texts->results[i].tokens;
    napi_create_double(env, texts->seconds, &seconds);
    return seconds;
}

/* embed(...TEXT_ARGUMENTS, vectors, tokens, first, callback): writes vectors in the format dtype, and how many tokens
 * each was made of, to the rows of vectors (Uint8Array) and tokens (Uint32Array), from the row first on. The callback
 * is given the seconds that the computation took. */
napi_value quern_node_embed(napi_env env, napi_callback_info info)
{
    napi_value arguments[TEXT_ARGUMENTS + 4];
    if (!quern_node_arguments(env, info, TEXT_ARGUMENTS + 4, arguments))
        return NULL;
    struct text_work *work = new_work(env, arguments);
    if (work == NULL)
        return NULL;
    work->work.execute = execute_embed;
    work->work.result = embed_result;
    if (napi_create_reference(env, arguments[TEXT_ARGUMENTS], 1, &work->vectors) != napi_ok ||
        napi_create_reference(env, arguments[TEXT_ARGUMENTS + 1], 1, &work->tokens) != napi_ok ||
        napi_get_value_int64(env, arguments[TEXT_ARGUMENTS + 2], &work->first) != napi_ok) {
        release_texts(&work->work);
        return quern_node_throw(env, "vectors and tokens must be typed arrays, and first a number");
    }
    quern_node_start(env, &work->work, arguments[TEXT_ARGUMENTS + 3]);
    return NULL;
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

/* tokenize(...TEXT_ARGUMENTS, callback), with one text: the callback is given an ArrayBuffer of the ids, int32. */
napi_value quern_node_tokenize(napi_env env, napi_callback_info info)
{
    napi_value arguments[TEXT_ARGUMENTS + 1];
    if (!quern_node_arguments(env, info, TEXT_ARGUMENTS + 1, arguments))
        return NULL;
    struct text_work *work = new_work(env, arguments);
    if (work == NULL)
        return NULL;
    work->work.execute = execute_tokenize;
    work->work.result = tokenize_result;
    quern_node_start(env, &work->work, arguments[TEXT_ARGUMENTS]);
    return NULL;
}
