#include "body.h"

#include "array_count.h"
#include "dialect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The fields that a dialect reads; all others are skipped. */
static const char *const fields[] = {
    "add_special", "add_special_tokens", "content", "dimension", "dimensions", "embd_normalize", "encoding_format",
    "filter", "hybrid", "id", "ids", "index", "input", "inputType", "input_type", "inputs", "k", "keep_alive", "least",
    "messages", "model", "multimodal_data", "name", "normalize", "num_ctx", "options", "outputDimensionality",
    "output_dimension", "output_dimensionality", "output_dtype", "parameters", "parse_special", "passages", "path",
    "prompt", "promptName", "prompt_name", "prompt_string", "prompt_type", "query", "sentences", "skip_special_tokens",
    "source_sentence", "stream", "task", "taskType", "task_type", "text", "texts", "title", "tokens", "truncate",
    "truncation_direction", "user", "with_pieces", NULL};

/* ---------------------------------------------------------------- JSON */

static bool hold(void *owner, size_t bytes)
{
    return quern_request_claim(owner, bytes);
}

/* Refuses a body that could not be read, without repeating anything of it. */
static bool refuse_json(struct quern_request *request)
{
    static const char *const kinds[] = {[QUERN_JSON_WRONG] = "the body is not JSON",
                                        [QUERN_JSON_BYTES] = "the body is not UTF-8",
                                        [QUERN_JSON_LIMIT] = "the body's JSON goes beyond a limit"};
    const struct quern_json_reader *reader = &request->reader;
    const char *field;
    char place[64] = "";
    size_t line, column, item;
    if (reader->fault == QUERN_JSON_MEMORY)
        return quern_refuse_memory(request);
    quern_json_reader_locate(reader, &line, &column, &field, &item);
    if (field != NULL && item != SIZE_MAX)
        snprintf(place, sizeof place, ", in item %zu of %s", item, field);
    else if (field != NULL)
        snprintf(place, sizeof place, ", in %s", field);
    return quern_refuse(request, QUERN_FAULT_REQUEST, field, "%s: %s (line %zu, column %zu%s)", kinds[reader->fault],
                        reader->problem, line, column, place);
}

/* What a body is that plainly is no JSON; NULL: there is nothing to say. */
static const char *recognise(const char *data, size_t length)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *what;
    } table[] = {{"\x1f\x8b", 2, "compressed with gzip"}, {"x\x01", 2, "compressed with zlib (deflate)"},
                 {"x\x5e", 2, "compressed with zlib (deflate)"}, {"x\x9c", 2, "compressed with zlib (deflate)"},
                 {"x\xda", 2, "compressed with zlib (deflate)"}, {"\x28\xb5\x2f\xfd", 4, "compressed with zstd"},
                 {"\xff\xfe\0\0", 4, "UTF-32"}, {"\0\0\xfe\xff", 4, "UTF-32"}, {"{\0\0\0", 4, "UTF-32"},
                 {"\0\0\0{", 4, "UTF-32"}, {"\xff\xfe", 2, "UTF-16"},
                 {"\xfe\xff", 2, "UTF-16"}, {"{\0", 2, "UTF-16"}, {"\0{", 2, "UTF-16"},
                 {"--", 2, "a form"}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        if (length >= table[i].length && memcmp(data, table[i].bytes, table[i].length) == 0)
            return table[i].what;
    return NULL;
}

/* Whether the client says that the body is something else than JSON. What curl says for -d, and what fetch says for a
 * string, says nothing. */
static bool is_declared_as_other(const struct quern_request *request)
{
    const char *type = quern_head_find(request->head, "content-type");
    const size_t length = type != NULL ? strcspn(type, "; \t") : 0;
    return length > 0 && !(length >= 4 && strncasecmp(type + length - 4, "json", 4) == 0);
}

/* Whether the client says that its characters are not UTF-8. Clients say so wrongly, too, so it counts only when bytes
 * are not UTF-8: they are characters then, not damage. */
static bool has_other_charset(const struct quern_request *request)
{
    const char *type = quern_head_find(request->head, "content-type");
    const char *charset = type != NULL ? strcasestr(type, "charset=") : NULL;
    if (charset == NULL)
        return false;
    charset += strlen("charset=");
    charset += *charset == '"';
    return strncasecmp(charset, "utf-8", 5) != 0 && strncasecmp(charset, "utf8", 4) != 0;
}

/* Whether JSON may begin here. A word is looked at as a whole, as forms begin with words, too. */
static bool begins_json(const char *data, size_t length)
{
    static const char *const words[] = {"null", "true", "false"};
    for (size_t i = 0; i < QUERN_COUNT(words); i++)
        if (length >= strlen(words[i]) && memcmp(data, words[i], strlen(words[i])) == 0)
            return true;
    return length == 0 || (data[0] != '\0' && strchr("{[\"-0123456789", data[0]) != NULL);
}

#define MOST_SPACES 4096 /* looked at before the reader, which works in slices, takes over */

/* An object is read whatever the Content-Type: it is the guard that keeps foreign pages out, by their Origin. */
static bool check_beginning(struct quern_request *request)
{
    const char *data = request->body, *what = recognise(data, request->body_length);
    size_t at = request->body_length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (request->body_length == 0)
        return quern_refuse(request, QUERN_FAULT_REQUEST, NULL, "missing request body; send a JSON object");
    if (what != NULL)
        return quern_refuse(request, QUERN_FAULT_TYPE, NULL, "the body is %s: send JSON in UTF-8 as it is", what);
    while (at < request->body_length && at < MOST_SPACES && data[at] != '\0' && strchr(" \t\r\n", data[at]) != NULL)
        at++;
    if (at < MOST_SPACES && !begins_json(data + at, request->body_length - at) && is_declared_as_other(request))
        return quern_refuse(request, QUERN_FAULT_TYPE, NULL,
                            "the body is not JSON, and its Content-Type is not application/json");
    return true;
}

int quern_body_read(struct quern_request *request, size_t slice)
{
    const struct quern_json_options options = {
        .names = fields, .replaces = request->dialect->replaces_bytes && !has_other_charset(request), .hold = hold,
        .owner = request};
    if (request->reader.data == NULL) {
        if (!check_beginning(request))
            return -1;
        quern_json_reader_begin(&request->reader, &options, request->body, request->body_length);
    }
    const int code = quern_json_reader_go_on(&request->reader, slice);
    if (code < 0)
        refuse_json(request);
    if (code != 1)
        return code;
    request->object = request->reader.root;
    if (quern_value_is(request->object, QUERN_VALUE_OBJECT))
        return 1;
    quern_refuse(request, QUERN_FAULT_FIELD, NULL, "the body is JSON, but it is %s: send an object, with its fields in "
                 "braces", quern_value_kind_name(request->object));
    return -1;
}

/* ---------------------------------------------------------------- fields */

const struct quern_value *quern_body_field(const struct quern_value *object, const char *name)
{
    const struct quern_value *value = quern_value_member(object, name);
    return quern_value_is(value, QUERN_VALUE_NULL) ? NULL : value;
}

/* Reads the dimensions from a field; 0: all, as in Go's JSON. */
static bool read_dimensions(struct quern_request *request, const char *name, const struct quern_value *value)
{
    const int most = request->served->info.dimensions;
    const int64_t dimensions = quern_value_integer(value);
    if (!quern_value_is(value, QUERN_VALUE_INTEGER) || dimensions < 0 || dimensions > most)
        return quern_refuse(request, QUERN_FAULT_VALUE, name, "%s must be an integer from 1 to %d", name, most);
    if (dimensions > 0 && request->options.dimensions > 0 && request->options.dimensions != (int)dimensions)
        return quern_refuse(request, QUERN_FAULT_VALUE, name, "dimensions and %s differ: send one", name);
    if (dimensions > 0)
        request->options.dimensions = (int)dimensions;
    return true;
}

bool quern_body_dimensions(struct quern_request *request, const struct quern_value *object)
{
    static const char *const names[] = {"dimensions", "dimension", "output_dimension", "output_dimensionality",
                                        "outputDimensionality"};
    for (size_t i = 0; i < QUERN_COUNT(names); i++) {
        const struct quern_value *value = quern_body_field(object, names[i]);
        if (value != NULL && !read_dimensions(request, names[i], value))
            return false;
    }
    return true;
}

bool quern_body_flag(struct quern_request *request, const struct quern_value *object, const char *name, bool *flag)
{
    const struct quern_value *value = quern_body_field(object, name);
    if (value == NULL)
        return true;
    *flag = quern_value_is_true(value);
    return quern_value_is(value, QUERN_VALUE_BOOLEAN) ||
           quern_refuse(request, QUERN_FAULT_VALUE, name, "%s must be true or false", name);
}
