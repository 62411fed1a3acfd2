/* A whole file is one text. */
#include "text_reader.h"

#include <string.h>

static int next(struct quern_record_reader *reader, struct quern_record *record, quern_error *error)
{
    struct quern_text_reader *file = (struct quern_text_reader *)reader;
    struct quern_byte_input *input = &file->input;
    *record = (struct quern_record){.line = 1};
    if (file->line > 1)
        return 0;
    while (!input->at_end) {
        const int code = quern_byte_input_more(input, error);
        if (code == QUERN_ETOOLONG) { /* nothing else is in the file */
            input->begin = input->end;
            file->line++;
        }
        if (code != QUERN_OK)
            return code;
    }
    record->text = (quern_text){input->data + input->begin, input->end - input->begin};
    input->begin = input->end;
    file->line++;
    if (record->text.length > 0 && memchr(record->text.data, '\0', record->text.length) != NULL)
        record->bad = "there is a NUL byte in the file, so it is not text";
    return 1;
}

static int skip(struct quern_record_reader *reader, uint64_t count, uint64_t *skipped, quern_error *error)
{
    struct quern_text_reader *file = (struct quern_text_reader *)reader;
    (void)error;
    *skipped = count > 0 && file->line == 1;
    file->line += *skipped;
    return QUERN_OK;
}

/* The one place behind the document is its end. */
int quern_document_reader_open(struct quern_record_reader **reader, const char *path, quern_error *error)
{
    return quern_text_reader_open((struct quern_text_reader **)reader, sizeof(struct quern_text_reader), path, next,
                                  skip, error);
}
