#include "embed_options.h"

#include "array_count.h"
#include "json_members.h"
#include "json_reader.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

static int read_task(struct quern_sql_options *options, const char *word, quern_error *error)
{
    options->embed.task = quern_task_find(word);
    if (options->embed.task >= 0)
        return QUERN_OK;
    const int guess = quern_task_guess(word);
    if (guess >= 0)
        return quern_sql_fail(error, QUERN_EINVAL, "there is no task '%.60s' (did you mean '%s'?)", word,
                              quern_task_name((quern_task)guess));
    return quern_sql_fail(error, QUERN_EINVAL, "there is no task '%.60s'; tasks are none, query, document, similarity, "
                          "classification, clustering, code and others", word);
}

static int read_task_member(struct quern_sql_options *options, const struct quern_value *value, quern_error *error)
{
    const char *word = quern_value_string(value);
    if (word == NULL)
        return quern_sql_fail(error, QUERN_EINVAL, "task must be a string, such as \"query\"");
    if (options->embed.task != -1)
        return quern_sql_fail(error, QUERN_EINVAL, "the task is given twice");
    return read_task(options, word, error);
}

static int read_dimensions(struct quern_sql_options *options, const struct quern_value *value, quern_error *error)
{
    const int64_t number = quern_value_integer(value);
    if (!quern_value_is(value, QUERN_VALUE_INTEGER) || number < 1 || number > INT_MAX)
        return quern_sql_fail(error, QUERN_EINVAL, "dimensions must be a whole number from 1 on");
    options->embed.dimensions = (int)number;
    return QUERN_OK;
}

static int read_dtype(struct quern_sql_options *options, const struct quern_value *value, quern_error *error)
{
    static const struct {
        const char *word; /* as sqlite-vec names the types of its columns */
        quern_dtype dtype;
    } table[] = {{"float", QUERN_DTYPE_F32}, {"int8", QUERN_DTYPE_INT8}, {"bit", QUERN_DTYPE_BINARY_LOW}};
    const char *word = quern_value_string(value);
    for (size_t i = 0; word != NULL && i < QUERN_COUNT(table); i++)
        if (strcmp(word, table[i].word) == 0) {
            options->dtype = table[i].dtype;
            return QUERN_OK;
        }
    return quern_sql_fail(error, QUERN_EINVAL, "dtype must be \"float\", \"int8\" or \"bit\"");
}

static int read_truncate(struct quern_sql_options *options, const struct quern_value *value, quern_error *error)
{
    const char *word = quern_value_string(value);
    if (quern_value_is_true(value) || (word != NULL && strcmp(word, "end") == 0))
        options->embed.flags |= QUERN_TRUNCATE;
    else if (word != NULL && strcmp(word, "start") == 0)
        options->embed.flags |= QUERN_TRUNCATE_START;
    else if (!quern_value_is(value, QUERN_VALUE_BOOLEAN))
        return quern_sql_fail(error, QUERN_EINVAL, "truncate must be true, false, \"end\" or \"start\"");
    return QUERN_OK;
}

static int read_title(struct quern_sql_options *options, const struct quern_value *value, quern_error *error)
{
    options->embed.title = quern_value_text(value);
    return quern_value_is(value, QUERN_VALUE_TEXT) ? QUERN_OK
                                                   : quern_sql_fail(error, QUERN_EINVAL, "title must be a string");
}

static int read_prompt(struct quern_sql_options *options, const struct quern_value *value, quern_error *error)
{
    options->embed.prompt = quern_value_text(value);
    return quern_value_is(value, QUERN_VALUE_TEXT) ? QUERN_OK
                                                   : quern_sql_fail(error, QUERN_EINVAL, "prompt must be a string");
}

static int read_normalize(struct quern_sql_options *options, const struct quern_value *value, quern_error *error)
{
    if (!quern_value_is(value, QUERN_VALUE_BOOLEAN))
        return quern_sql_fail(error, QUERN_EINVAL, "normalize must be true or false");
    if (!quern_value_is_true(value))
        options->embed.flags |= QUERN_NO_NORMALIZE;
    return QUERN_OK;
}

/* The members. */
static const char *const names[] = {"task", "prompt", "title", "dimensions", "dtype", "truncate",
                                    "normalize", NULL};
static int (*const readers[])(struct quern_sql_options *options, const struct quern_value *value,
                              quern_error *error) = {read_task_member, read_prompt, read_title, read_dimensions,
                                                     read_dtype, read_truncate, read_normalize};

/* The reader of JSON skips members that it does not know: here each must be known. */
static int check_names(quern_text json, quern_error *error)
{
    struct quern_json_member member;
    size_t at = 0;
    while (quern_json_next_member(json, &at, &member)) {
        size_t i = 0;
        while (names[i] != NULL && (strlen(names[i]) != member.name.length ||
                                    memcmp(names[i], member.name.data, member.name.length) != 0))
            i++;
        if (names[i] == NULL)
            return quern_sql_fail(error, QUERN_EINVAL, "there is no option '%.*s'; options are task, prompt, title, "
                                  "dimensions, dtype, truncate and normalize",
                                  member.name.length < 60 ? (int)member.name.length : 60, member.name.data);
    }
    return QUERN_OK;
}

/* Reads the object that lies in options->memory. */
static int read_object(struct quern_sql_options *options, quern_text json, quern_error *error)
{
    struct quern_json_reader reader;
    size_t line, column, item;
    const char *field;
    const struct quern_value *object = quern_json_read_whole(&reader, names, options->memory, json.length);
    int code = QUERN_OK;
    if (object == NULL && reader.fault == QUERN_JSON_MEMORY) {
        code = quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
    } else if (object == NULL) {
        quern_json_reader_locate(&reader, &line, &column, &field, &item);
        code = quern_sql_fail(error, QUERN_EINVAL, "the options are not JSON: line %zu, column %zu: %s", line, column,
                              reader.problem);
    } else if (!quern_value_is(object, QUERN_VALUE_OBJECT)) {
        code = quern_sql_fail(error, QUERN_EINVAL, "the options must be a JSON object, such as {\"dimensions\": 256}");
    } else {
        code = check_names(json, error);
    }
    for (size_t i = 0; code == QUERN_OK && names[i] != NULL; i++) {
        const struct quern_value *value = quern_value_member(object, names[i]);
        if (value != NULL)
            code = readers[i](options, value, error);
    }
    quern_json_reader_free(&reader);
    return code;
}

static int read_json(struct quern_sql_options *options, sqlite3_value *value, quern_error *error)
{
    quern_text json;
    const int code = quern_sql_text(&json, value, "argument with options", error);
    if (code != QUERN_OK)
        return code;
    options->memory = sqlite3_malloc64(json.length + 1); /* the reader changes what it reads */
    if (options->memory == NULL)
        return quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
    memcpy(options->memory, json.data, json.length);
    options->memory[json.length] = '\0';
    return read_object(options, json, error);
}

int quern_sql_options_read(struct quern_sql_options *options, sqlite3_value *task, sqlite3_value *json,
                           quern_error *error)
{
    quern_text word;
    *options = (struct quern_sql_options){.embed = {.size = sizeof options->embed, .task = -1}};
    if (task != NULL && sqlite3_value_type(task) != SQLITE_NULL) {
        int code = quern_sql_text(&word, task, "task", error);
        if (code == QUERN_OK)
            code = read_task(options, word.data, error);
        if (code != QUERN_OK)
            return code;
    }
    if (json != NULL && sqlite3_value_type(json) != SQLITE_NULL) {
        const int code = read_json(options, json, error);
        if (code != QUERN_OK)
            return code;
    }
    if (options->embed.task == -1)
        options->embed.task = QUERN_TASK_NONE;
    return QUERN_OK;
}

void quern_sql_options_free(struct quern_sql_options *options)
{
    sqlite3_free(options->memory);
    options->memory = NULL;
}
