/* Every line of a file is a JSON object. Empty lines are no records. */
#include "jobs_error.h"
#include "json_members.h"
#include "json_reader.h"
#include "json_text.h"
#include "text_reader.h"

#include <stdio.h>
#include <string.h>

enum { MOST_NAME = 256, MOST_MESSAGE = 160 };

struct jsonl_reader {
    struct quern_text_reader text;
    struct quern_record_columns columns;
    const char *names[4]; /* of the members whose values are needed as texts; NULL at the end */
    bool is_known;        /* a record had a text, or was passed: then one without is bad, and not the file */
    char message[MOST_MESSAGE];
};

static bool is_blank(quern_text line)
{
    size_t i = 0;
    while (i < line.length && (line.data[i] == ' ' || line.data[i] == '\t'))
        i++;
    return i == line.length;
}

/* The next line that is not empty, as text_reader.h says. */
static int next_line(struct quern_text_reader *text, quern_text *line, uint64_t *number, quern_error *error)
{
    int code;
    do {
        *number = text->line;
        code = quern_text_reader_line(text, line, error);
    } while (code == 1 && line->data != NULL && is_blank(*line));
    return code;
}

/* Whether a name as it is written, with escapes, is that of a column. */
static bool is_name(quern_text written, const char *column)
{
    static const char *const none[] = {NULL};
    struct quern_json_reader reader;
    char copy[MOST_NAME];
    if (memchr(written.data, '\\', written.length) == NULL)
        return written.length == strlen(column) && memcmp(written.data, column, written.length) == 0;
    if (written.length + 2 > sizeof copy)
        return false;
    memcpy(copy, written.data - 1, written.length + 2);
    const char *name = quern_value_string(quern_json_read_whole(&reader, none, copy, written.length + 2));
    const bool same = name != NULL && strcmp(name, column) == 0;
    quern_json_reader_free(&reader);
    return same;
}

/* The value of a column as it is written; length 0: there is none. Of several the last one counts. */
static quern_text find_member(quern_text object, const char *column)
{
    struct quern_json_member member;
    quern_text found = {NULL, 0};
    for (size_t at = 0; column != NULL && quern_json_next_member(object, &at, &member);)
        if (is_name(member.name, column))
            found = member.value;
    return found;
}

static const char *complain(struct jsonl_reader *jsonl, const char *format, const char *one, const char *two)
{
    snprintf(jsonl->message, sizeof jsonl->message, format, one, two);
    return jsonl->message;
}

/* What is wrong with an id as it is written; NULL: nothing. */
static const char *check_id(struct jsonl_reader *jsonl, quern_text id)
{
    if (id.length == 0)
        return complain(jsonl, "it has no \"%s\"%s", jsonl->columns.id, "");
    const bool good = id.data[0] == '"' || id.data[0] == '-' || (id.data[0] >= '0' && id.data[0] <= '9');
    return good ? NULL : complain(jsonl, "its \"%s\" is neither a string nor a number%s", jsonl->columns.id, "");
}

/* Writes the kept members behind `used` bytes of the memory. */
static int keep_members(struct jsonl_reader *jsonl, quern_text object, size_t used, quern_text *keep,
                        quern_error *error)
{
    struct quern_text_reader *text = &jsonl->text;
    size_t need = used, begin = used;
    for (int i = 0; i < jsonl->columns.keep_count; i++)
        need += 6 * strlen(jsonl->columns.keep[i]) + 16;
    const int code = quern_text_reader_reserve(text, need + object.length, error);
    if (code != QUERN_OK)
        return code;
    for (int i = 0; i < jsonl->columns.keep_count; i++) {
        const char *column = jsonl->columns.keep[i];
        const quern_text value = find_member(object, column);
        size_t read;
        used += (size_t)sprintf(text->memory + used, "%s\"", used > begin ? ", " : "");
        used += quern_json_string(text->memory + used, 6 * strlen(column) + 7,
                                  (quern_text){column, strlen(column)}, &read);
        used += (size_t)sprintf(text->memory + used, "\": ");
        memcpy(text->memory + used, value.length > 0 ? value.data : "null", value.length > 0 ? value.length : 4);
        used += value.length > 0 ? value.length : 4;
    }
    *keep = (quern_text){text->memory + begin, used - begin};
    return QUERN_OK;
}

/* Names the members of an object, for a message. */
static void list_members(quern_text object, char *out, size_t capacity)
{
    struct quern_json_member member;
    size_t length = 0;
    *out = '\0';
    for (size_t at = 0; quern_json_next_member(object, &at, &member) && length + member.name.length + 5 < capacity;)
        length += (size_t)snprintf(out + length, capacity - length, "%s\"%.*s\"", length > 0 ? ", " : "",
                                   (int)member.name.length, member.name.data);
}

/* A file whose first record has no text is not what the user thinks it is. */
static int refuse_columns(const struct jsonl_reader *jsonl, quern_text object, uint64_t line, quern_error *error)
{
    char fields[MOST_MESSAGE];
    list_members(object, fields, sizeof fields);
    return quern_jobs_fail(error, QUERN_EINVAL, "%s:%llu: there is no \"%s\" in it; name the field of the text with "
                           "--text, one of %s", jsonl->text.input.name, (unsigned long long)line, jsonl->columns.text,
                           fields);
}

/* Fills the record from an object whose copy was read as value. */
static int fill(struct jsonl_reader *jsonl, const struct quern_value *value, quern_text object,
                struct quern_record *record, quern_error *error)
{
    const struct quern_record_columns *columns = &jsonl->columns;
    const struct quern_value *text = quern_value_member(value, columns->text);
    if (!quern_value_is(value, QUERN_VALUE_OBJECT)) {
        record->bad = complain(jsonl, "it is %s%s, not a JSON object", quern_value_kind_name(value), "");
        return QUERN_OK;
    }
    if (text == NULL && !jsonl->is_known)
        return refuse_columns(jsonl, object, record->line, error);
    jsonl->is_known = true;
    record->text = quern_value_text(text);
    const quern_text id = find_member(object, columns->id);
    record->bad = columns->id != NULL ? check_id(jsonl, id) : NULL;
    if (record->bad == NULL)
        record->id = id;
    if (record->text.data == NULL)
        record->bad = complain(jsonl, "its \"%s\" is %s, not a string", columns->text, quern_value_kind_name(text));
    if (columns->title != NULL)
        record->title = quern_value_text(quern_value_member(value, columns->title));
    return QUERN_OK;
}

static int next(struct quern_record_reader *reader, struct quern_record *record, quern_error *error)
{
    struct jsonl_reader *jsonl = (struct jsonl_reader *)reader;
    struct quern_json_reader json;
    quern_text line;
    *record = (struct quern_record){.line = 0};
    int code = next_line(&jsonl->text, &line, &record->line, error);
    if (code <= 0)
        return code;
    if (line.data == NULL) {
        record->bad = QUERN_RECORD_TOO_LONG;
        return 1;
    }
    /* The copy is read in place. The kept members go behind it, so that it does not move afterwards. */
    code = quern_text_reader_reserve(&jsonl->text, line.length, error);
    if (code == QUERN_OK && jsonl->columns.keep_count > 0)
        code = keep_members(jsonl, line, line.length, &record->keep, error);
    if (code != QUERN_OK)
        return code;
    memcpy(jsonl->text.memory, line.data, line.length);
    const struct quern_value *value = quern_json_read_whole(&json, jsonl->names, jsonl->text.memory,
                                                            line.length);
    if (value != NULL)
        code = fill(jsonl, value, line, record, error);
    else
        record->bad = json.fault == QUERN_JSON_LIMIT ? json.problem
                                                     : complain(jsonl, "it is not JSON: %s%s", json.problem, "");
    quern_json_reader_free(&json);
    return code == QUERN_OK ? 1 : code;
}

static int skip(struct quern_record_reader *reader, uint64_t count, uint64_t *skipped, quern_error *error)
{
    struct jsonl_reader *jsonl = (struct jsonl_reader *)reader;
    quern_text line;
    uint64_t number;
    jsonl->is_known = jsonl->is_known || count > 0;
    for (*skipped = 0; *skipped < count; ++*skipped) {
        const int code = next_line(&jsonl->text, &line, &number, error);
        if (code <= 0)
            return code;
    }
    return QUERN_OK;
}

static int go_to(struct quern_record_reader *reader, struct quern_record_place place, quern_error *error)
{
    struct jsonl_reader *jsonl = (struct jsonl_reader *)reader;
    jsonl->is_known = jsonl->is_known || place.line > 1;
    return quern_text_reader_go_to(reader, place, error);
}

int quern_jsonl_reader_open(struct quern_record_reader **reader, const char *path,
                            const struct quern_record_columns *columns, quern_error *error)
{
    struct jsonl_reader *jsonl = NULL;
    const int code = quern_text_reader_open((struct quern_text_reader **)(void *)&jsonl, sizeof *jsonl, path, next,
                                            skip, error);
    *reader = (struct quern_record_reader *)jsonl;
    if (code != QUERN_OK)
        return code;
    jsonl->text.reader.go_to = go_to;
    jsonl->columns = *columns;
    if (jsonl->columns.text == NULL)
        jsonl->columns.text = "text";
    jsonl->names[0] = jsonl->columns.text;
    jsonl->names[1] = jsonl->columns.title;
    return QUERN_OK;
}
