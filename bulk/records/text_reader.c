#include "text_reader.h"

#include "jobs_error.h"
#include "text_line.h"

#include <stdlib.h>

static struct quern_record_place place(const struct quern_record_reader *reader)
{
    const struct quern_text_reader *text = (const struct quern_text_reader *)reader;
    return (struct quern_record_place){quern_byte_input_offset(&text->input), text->line};
}

int quern_text_reader_go_to(struct quern_record_reader *reader, struct quern_record_place to, quern_error *error)
{
    struct quern_text_reader *text = (struct quern_text_reader *)reader;
    text->line = to.line;
    return quern_byte_input_go_to(&text->input, to.offset, error);
}

static uint64_t bytes_read(const struct quern_record_reader *reader)
{
    return ((const struct quern_text_reader *)reader)->input.bytes_read;
}

void quern_text_reader_close(struct quern_record_reader *reader)
{
    struct quern_text_reader *text = (struct quern_text_reader *)reader;
    quern_byte_input_close(&text->input);
    free(text->memory);
    free(text);
}

int quern_text_reader_open(struct quern_text_reader **reader, size_t size, const char *path,
                           int (*next)(struct quern_record_reader *, struct quern_record *, quern_error *),
                           int (*skip)(struct quern_record_reader *, uint64_t, uint64_t *, quern_error *),
                           quern_error *error)
{
    struct quern_text_reader *text = calloc(1, size);
    *reader = NULL;
    if (text == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read %s", path);
    text->reader = (struct quern_record_reader){next, skip, place, quern_text_reader_go_to, bytes_read,
                                                quern_text_reader_close};
    text->line = 1;
    const int code = quern_byte_input_open(&text->input, path, error);
    if (code == QUERN_OK)
        *reader = text;
    else
        quern_text_reader_close(&text->reader);
    return code;
}

int quern_text_reader_reserve(struct quern_text_reader *reader, size_t bytes, quern_error *error)
{
    if (bytes <= reader->capacity)
        return QUERN_OK;
    const size_t capacity = bytes + bytes / 2;
    char *memory = realloc(reader->memory, capacity);
    if (memory == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "%s:%llu: no memory for a record of %zu bytes", reader->input.name,
                               (unsigned long long)reader->line, bytes);
    reader->memory = memory;
    reader->capacity = capacity;
    return QUERN_OK;
}

int quern_text_reader_line(struct quern_text_reader *reader, quern_text *line, quern_error *error)
{
    const int code = quern_byte_input_line(&reader->input, &line->data, &line->length, error);
    if (code <= 0)
        return code;
    reader->line++;
    *line = quern_jobs_without_end(quern_jobs_without_mark(*line));
    return 1;
}
