/* CSV as RFC 4180 has it, and the same with other separators. The first record names the columns. A quote counts at the
 * beginning of a field only. Empty lines are no records. */
#include "jobs_error.h"
#include "json_text.h"
#include "text_line.h"
#include "text_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 4096, MOST_PROBLEM = 160, NO_COLUMN = -1 };

struct csv_reader {
    struct quern_text_reader text;
    char separator;
    int text_column, id_column, title_column; /* from 0, or NO_COLUMN */
    int keep[QUERN_RECORD_COLUMNS], keep_count;
    char *names;                              /* of the kept columns, as JSON: "a", a NUL, "b", ... */
    int columns;                              /* that the first record has */
    struct {
        size_t begin, length;
    } fields[MOST_FIELDS];                    /* of the record at hand, in the reader's memory */
    int count;                                /* of them */
    char problem[MOST_PROBLEM];
};

/* ---------------------------------------------------------------- records of fields */

static quern_text field_of(const struct csv_reader *csv, int i)
{
    return (quern_text){csv->text.memory + csv->fields[i].begin, csv->fields[i].length};
}

/* Where the scan of a record stands. */
struct scan {
    size_t at;                          /* bytes from the beginning of the record */
    bool is_start, is_quoted, is_after; /* at the start of a field; within its quotes; behind them */
    uint64_t lines;                     /* ends of lines so far */
};

/* Moves the scan to the end of the record. Returns whether the end is there. */
static bool find_end(struct scan *scan, const char *data, size_t length, char separator)
{
    for (; scan->at < length; scan->at++) {
        const char c = data[scan->at];
        scan->lines += c == '\n';
        if (scan->is_quoted) {
            scan->is_quoted = c != '"';
            scan->is_after = c == '"';
        } else if (c == '"' && (scan->is_start || scan->is_after)) { /* two of them in quotes stand for one */
            scan->is_quoted = true;
            scan->is_start = scan->is_after = false;
        } else if (c == '\n') {
            scan->at++;
            return true;
        } else {
            scan->is_start = c == separator;
            scan->is_after = false;
        }
    }
    return false;
}

/* Finds the next record as it is written. Returns 1; 0 at the end of the file; a negative code. */
static int next_raw(struct csv_reader *csv, quern_text *raw, bool *is_open, quern_error *error)
{
    struct quern_byte_input *input = &csv->text.input;
    struct scan scan = {.is_start = true};
    while (!find_end(&scan, input->data + input->begin, input->end - input->begin, csv->separator) && !input->at_end) {
        const int code = quern_byte_input_more(input, error);
        if (code == QUERN_ETOOLONG && scan.is_quoted)
            return quern_jobs_fail(error, code, "%s:%llu: a quote in this record is not closed within %u MiB",
                                   input->name, (unsigned long long)csv->text.line, QUERN_JOBS_LONGEST >> 20);
        if (code != QUERN_OK)
            return code;
    }
    if (scan.at == 0)
        return 0;
    *raw = (quern_text){input->data + input->begin, scan.at};
    *is_open = scan.is_quoted;
    input->begin += scan.at;
    csv->text.line += scan.lines;
    *raw = quern_jobs_without_end(*raw);
    return 1;
}

/* Copies a field that begins at raw[at] to out without its quotes. Returns where its separator is, or the end. */
static size_t take_field(struct csv_reader *csv, quern_text raw, size_t at, char **out, const char **problem)
{
    char *start = *out;
    if (at < raw.length && raw.data[at] == '"') {
        for (at++; at < raw.length; at++) {
            if (raw.data[at] == '"' && (at + 1 == raw.length || raw.data[at + 1] != '"'))
                break;
            at += raw.data[at] == '"';
            *(*out)++ = raw.data[at];
        }
        at += at < raw.length;
        if (at < raw.length && raw.data[at] != csv->separator)
            *problem = "there is text behind a closing quote";
    }
    for (; at < raw.length && raw.data[at] != csv->separator; at++)
        *(*out)++ = raw.data[at];
    if (csv->count == MOST_FIELDS) {
        *problem = "it has more than 4096 fields";
        return raw.length;
    }
    csv->fields[csv->count].begin = (size_t)(start - csv->text.memory);
    csv->fields[csv->count++].length = (size_t)(*out - start);
    return at;
}

/* Reads the next record that is not empty into fields. Returns 1; 0 at the end of the file; a negative code. */
static int next_fields(struct csv_reader *csv, uint64_t *line, const char **problem, quern_error *error)
{
    quern_text raw;
    bool is_open;
    int code;
    do {
        *line = csv->text.line;
        code = next_raw(csv, &raw, &is_open, error);
    } while (code == 1 && raw.length == 0);
    if (code != 1)
        return code;
    code = quern_text_reader_reserve(&csv->text, raw.length + 1, error);
    if (code != QUERN_OK)
        return code;
    char *out = csv->text.memory;
    *problem = is_open ? "a quote is not closed up to the end of the file" : NULL;
    if (memchr(raw.data, '\0', raw.length) != NULL)
        *problem = "there is a NUL byte in it";
    csv->count = 0;
    for (size_t at = take_field(csv, raw, 0, &out, problem); at < raw.length;)
        at = take_field(csv, raw, at + 1, &out, problem);
    return 1;
}

/* ---------------------------------------------------------------- columns */

static bool is_text(quern_text text, const char *string)
{
    return text.length == strlen(string) && memcmp(text.data, string, text.length) == 0;
}

/* Names the columns of the header, for a message. */
static const char *list_columns(const struct csv_reader *csv, char *out, size_t capacity)
{
    size_t length = 0;
    *out = '\0';
    for (int i = 0; i < csv->count && length + csv->fields[i].length + 5 < capacity; i++)
        length += (size_t)snprintf(out + length, capacity - length, "%s\"%.*s\"", i > 0 ? ", " : "",
                                   (int)csv->fields[i].length, field_of(csv, i).data);
    return out;
}

/* Finds a column of the header, by its name or else its number. */
static int find_column(const struct csv_reader *csv, const char *name, int *column, quern_error *error)
{
    char columns[MOST_PROBLEM], *end;
    *column = NO_COLUMN;
    if (name == NULL)
        return QUERN_OK;
    for (int i = csv->count - 1; i >= 0; i--) {
        if (is_text(field_of(csv, i), name) && *column != NO_COLUMN)
            return quern_jobs_fail(error, QUERN_EINVAL, "%s has two columns \"%s\": give the number of one",
                                   csv->text.input.name, name);
        if (is_text(field_of(csv, i), name))
            *column = i;
    }
    const long number = strtol(name, &end, 10);
    if (*column == NO_COLUMN && *name != '\0' && *end == '\0' && number >= 1 && number <= csv->count)
        *column = (int)number - 1;
    if (*column != NO_COLUMN)
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EINVAL, "%s has no column \"%s\"; its columns are %s", csv->text.input.name,
                           name, list_columns(csv, columns, sizeof columns));
}

/* The column of the text when none was named: the one that is called text, or the only one. */
static const char *usual_text(const struct csv_reader *csv)
{
    return csv->count == 1 ? "1" : "text";
}

/* Keeps the names of the kept columns as JSON, since the fields are gone with the next record. */
static int keep_names(struct csv_reader *csv, quern_error *error)
{
    size_t capacity = 1;
    for (int i = 0; i < csv->keep_count; i++)
        capacity += 6 * csv->fields[csv->keep[i]].length + 16;
    char *out = csv->names = malloc(capacity), *end = out + capacity;
    if (out == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the columns of %s", csv->text.input.name);
    for (int i = 0; i < csv->keep_count; i++) {
        size_t used;
        *out++ = '"';
        out += quern_json_string(out, (size_t)(end - out), field_of(csv, csv->keep[i]), &used);
        *out++ = '"';
        *out++ = '\0';
    }
    return QUERN_OK;
}

/* Whether a separator stands in a line, outside of quotes. */
static bool has_separator(quern_text line, char separator)
{
    bool is_quoted = false;
    for (size_t i = 0; i < line.length; i++) {
        is_quoted ^= line.data[i] == '"';
        if (line.data[i] == separator && !is_quoted)
            return true;
    }
    return false;
}

/* Reads the first line, and changes the separator when the line does not have the usual one. */
static int find_separator(struct csv_reader *csv, quern_error *error)
{
    static const char others[] = {';', '\t', '|'};
    struct quern_byte_input *input = &csv->text.input;
    const char *end;
    while ((end = memchr(input->data + input->begin, '\n', input->end - input->begin)) == NULL && !input->at_end) {
        const int code = quern_byte_input_more(input, error);
        if (code != QUERN_OK)
            return code;
    }
    const char *begin = input->data + input->begin;
    const quern_text line = {begin, end != NULL ? (size_t)(end - begin) : input->end - input->begin};
    for (size_t i = 0; i < sizeof others && !has_separator(line, csv->separator); i++)
        if (has_separator(line, others[i]))
            csv->separator = others[i];
    return QUERN_OK;
}

static int read_header(struct csv_reader *csv, const struct quern_record_columns *columns, quern_error *error)
{
    const char *problem = NULL;
    uint64_t line;
    int code = find_separator(csv, error);
    if (code == QUERN_OK)
        code = next_fields(csv, &line, &problem, error);
    if (code <= 0) /* 0: a file without a line has no records, like an empty one of another kind */
        return code;
    if (problem != NULL)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s: the first line should name the columns, but %s",
                               csv->text.input.name, problem);
    csv->columns = csv->count;
    code = find_column(csv, columns->text != NULL ? columns->text : usual_text(csv), &csv->text_column, error);
    if (code == QUERN_OK)
        code = find_column(csv, columns->id, &csv->id_column, error);
    if (code == QUERN_OK)
        code = find_column(csv, columns->title, &csv->title_column, error);
    for (csv->keep_count = 0; code == QUERN_OK && csv->keep_count < columns->keep_count; csv->keep_count++)
        code = find_column(csv, columns->keep[csv->keep_count], &csv->keep[csv->keep_count], error);
    return code == QUERN_OK ? keep_names(csv, error) : code;
}

/* ---------------------------------------------------------------- reading */

/* Writes a field as a JSON string to out, which has room. */
static char *put_string(char *out, quern_text field)
{
    size_t used;
    *out++ = '"';
    out += quern_json_string(out, 6 * field.length + 7, field, &used);
    *out++ = '"';
    return out;
}

/* Writes the id and the kept columns as JSON behind the fields. */
static int put_columns(struct csv_reader *csv, struct quern_record *record, quern_error *error)
{
    const char *name = csv->names;
    size_t used = 0, need = 16;
    for (int i = 0; i < csv->count; i++)
        used += csv->fields[i].length;
    if (csv->id_column != NO_COLUMN)
        need += 6 * csv->fields[csv->id_column].length + 16;
    for (int i = 0; i < csv->keep_count; i++, name += strlen(name) + 1)
        need += 6 * csv->fields[csv->keep[i]].length + strlen(name) + 16;
    const int code = quern_text_reader_reserve(&csv->text, used + need, error);
    if (code != QUERN_OK)
        return code;
    char *out = csv->text.memory + used, *begin = out;
    if (csv->id_column != NO_COLUMN)
        out = put_string(out, field_of(csv, csv->id_column));
    record->id = (quern_text){begin, (size_t)(out - begin)};
    name = csv->names;
    begin = out;
    for (int i = 0; i < csv->keep_count; i++, name += strlen(name) + 1) {
        out += sprintf(out, "%s%s: ", i > 0 ? ", " : "", name);
        out = put_string(out, field_of(csv, csv->keep[i]));
    }
    record->keep = (quern_text){begin, (size_t)(out - begin)};
    return QUERN_OK;
}

static int next(struct quern_record_reader *reader, struct quern_record *record, quern_error *error)
{
    struct csv_reader *csv = (struct csv_reader *)reader;
    *record = (struct quern_record){.line = 0};
    int code = next_fields(csv, &record->line, &record->bad, error);
    if (code != 1)
        return code;
    if (record->bad == NULL && csv->count != csv->columns) {
        snprintf(csv->problem, sizeof csv->problem, "it has %d fields, but the file has %d columns", csv->count,
                 csv->columns);
        record->bad = csv->problem;
    }
    if (record->bad != NULL)
        return 1;
    code = put_columns(csv, record, error);
    if (code != QUERN_OK)
        return code;
    record->text = field_of(csv, csv->text_column);
    if (csv->title_column != NO_COLUMN)
        record->title = field_of(csv, csv->title_column);
    if (csv->id_column != NO_COLUMN && csv->fields[csv->id_column].length == 0)
        record->bad = "its id is empty";
    return 1;
}

static int skip(struct quern_record_reader *reader, uint64_t count, uint64_t *skipped, quern_error *error)
{
    struct csv_reader *csv = (struct csv_reader *)reader;
    quern_text raw;
    bool is_open;
    for (*skipped = 0; *skipped < count;) {
        const int code = next_raw(csv, &raw, &is_open, error);
        if (code <= 0)
            return code;
        *skipped += raw.length > 0;
    }
    return QUERN_OK;
}

static void close_csv(struct quern_record_reader *reader)
{
    struct csv_reader *csv = (struct csv_reader *)reader;
    free(csv->names);
    csv->names = NULL;
    quern_text_reader_close(reader);
}

int quern_csv_reader_open(struct quern_record_reader **reader, const char *path, char separator,
                          const struct quern_record_columns *columns, quern_error *error)
{
    struct csv_reader *csv = NULL;
    int code = quern_text_reader_open((struct quern_text_reader **)(void *)&csv, sizeof *csv, path, next, skip, error);
    *reader = NULL;
    if (code != QUERN_OK)
        return code;
    csv->text.reader.close = close_csv;
    csv->separator = separator;
    code = read_header(csv, columns, error);
    if (code == QUERN_OK)
        *reader = &csv->text.reader;
    else
        close_csv(&csv->text.reader);
    return code;
}
