/* Every line of a file is a text. */
#include "text_reader.h"

#include <string.h>

static int next(struct quern_record_reader *reader, struct quern_record *record, quern_error *error)
{
    struct quern_text_reader *lines = (struct quern_text_reader *)reader;
    *record = (struct quern_record){.line = lines->line};
    const int code = quern_text_reader_line(lines, &record->text, error);
    if (code == 1 && record->text.data == NULL)
        record->bad = QUERN_RECORD_TOO_LONG;
    else if (code == 1 && memchr(record->text.data, '\0', record->text.length) != NULL)
        record->bad = "there is a NUL byte in the line";
    return code;
}

static int skip(struct quern_record_reader *reader, uint64_t count, uint64_t *skipped, quern_error *error)
{
    struct quern_text_reader *lines = (struct quern_text_reader *)reader;
    const int code = quern_byte_input_skip_lines(&lines->input, count, skipped, error);
    lines->line += *skipped;
    return code;
}

int quern_line_reader_open(struct quern_record_reader **reader, const char *path, quern_error *error)
{
    return quern_text_reader_open((struct quern_text_reader **)reader, sizeof(struct quern_text_reader), path, next,
                                  skip, error);
}
