#include "source_reader.h"

#include "records/byte_input.h"
#include "records/record.h"
#include "records/records.h"
#include "sections.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = 8192 }; /* bytes that tell whether a file is text */

/* ---------------------------------------------------------------- one text */

/* A text that is cut. */
struct cutting {
    struct quern_source_reading *reading;
    quern_embed_options embed;
    quern_text text;
    bool is_markdown;
    uint64_t record_line; /* where the record begins; 0: the text is the whole file, and lines are counted */
    uint64_t line;        /* of byte line_at */
    size_t line_at;
    size_t room;          /* tokens of a chunk without prompt, title and special tokens */
};

/* Tokens of a part of the text; 0 when it cannot be tokenised, which quern_chunk_text will tell. */
static size_t count_tokens(const struct cutting *cut, size_t begin, size_t end)
{
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_SPECIAL};
    size_t count = 0;
    quern_tokenize(cut->reading->context, (quern_text){cut->text.data + begin, end - begin}, &options, NULL, 0, &count,
                   NULL);
    return count;
}

/* Finds how much room a chunk has. A title that takes half of it or more is left out. */
static void measure_room(struct cutting *cut)
{
    const size_t tokens = cut->reading->chunk.tokens;
    size_t count = 0;
    for (int i = 0; i < 2; i++) {
        const quern_embed_options prompt = {.size = sizeof prompt, .task = cut->embed.task, .title = cut->embed.title};
        quern_tokenize(cut->reading->context, (quern_text){"", 0}, &prompt, NULL, 0, &count, NULL);
        if (count < tokens / 2)
            break;
        cut->embed.title = (quern_text){NULL, 0};
    }
    cut->room = count < tokens ? tokens - count : 1;
}

/* The line of a byte, which must not be before the one that was asked for last. */
static uint64_t line_of(struct cutting *cut, size_t at)
{
    for (; cut->line_at < at; cut->line_at++)
        cut->line += cut->text.data[cut->line_at] == '\n';
    return cut->line;
}

static int put_chunk(struct cutting *cut, size_t begin, size_t end, quern_error *error)
{
    struct quern_passage passage = {.line = cut->record_line, .last_line = cut->record_line, .begin = begin,
                                    .end = end, .title = cut->embed.title,
                                    .text = {cut->text.data + begin, end - begin}};
    if (cut->record_line == 0) {
        passage.line = passage.last_line = line_of(cut, begin);
        for (size_t at = begin; at + 1 < end; at++)
            passage.last_line += cut->text.data[at] == '\n';
    }
    return cut->reading->put(cut->reading->user, &passage, error);
}

/* Cuts sections [begin, end) of the text into chunks, which is one if they fit. */
static int put_chunks(struct cutting *cut, size_t begin, size_t end, quern_error *error)
{
    quern_chunk few[16], *chunks = few;
    size_t count = 0;
    const quern_text part = {cut->text.data + begin, end - begin};
    int code = quern_chunk_text(cut->reading->context, part, &cut->embed, &cut->reading->chunk, chunks, 16, &count,
                                error);
    if (code == QUERN_ETOOLONG && count > 16) {
        chunks = calloc(count, sizeof *chunks);
        if (chunks == NULL)
            return QUERN_ENOMEM;
        code = quern_chunk_text(cut->reading->context, part, &cut->embed, &cut->reading->chunk, chunks, count, &count,
                                error);
    }
    for (size_t i = 0; code == QUERN_OK && i < count; i++)
        code = put_chunk(cut, begin + chunks[i].begin, begin + chunks[i].end, error);
    if (chunks != few)
        free(chunks);
    return code;
}

/* Cuts a text at its sections: as many of them as fit go into one chunk. record_line: see struct cutting. */
static int put_text(struct quern_source_reading *reading, quern_text text, quern_text title, bool is_markdown,
                    uint64_t record_line, quern_error *error)
{
    char clean[QUERN_PASSAGE_TITLE];
    struct cutting cut = {.reading = reading, .embed = reading->embed, .text = text, .is_markdown = is_markdown,
                          .record_line = record_line, .line = 1};
    int code = QUERN_OK;
    cut.embed.title = quern_passage_title(clean, title);
    measure_room(&cut);
    for (size_t begin = 0, end; code == QUERN_OK && begin < text.length; begin = end) {
        end = quern_section_end(text, begin, is_markdown);
        for (size_t tokens = count_tokens(&cut, begin, end), next; end < text.length; end = next) {
            next = quern_section_end(text, end, is_markdown);
            tokens += count_tokens(&cut, end, next);
            if (tokens > cut.room)
                break;
        }
        code = put_chunks(&cut, begin, end, error);
    }
    return code;
}

int quern_source_read_text(struct quern_source_reading *reading, quern_text text, quern_text title, bool is_markdown,
                           quern_error *error)
{
    return put_text(reading, text, title, is_markdown, 0, error);
}

/* ---------------------------------------------------------------- files */

/* Whether a file begins as text does, or as a packed one. */
static bool begins_as_text(const char *path)
{
    unsigned char head[HEAD];
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ssize_t length = descriptor >= 0 ? read(descriptor, head, sizeof head) : 0;
    if (descriptor >= 0)
        close(descriptor);
    if (length < 4 || quern_byte_packing_of(head, (size_t)length) != QUERN_PACKED_NOT)
        return true;
    return memchr(head, '\0', (size_t)length) == NULL;
}

static int read_document(struct quern_source_reading *reading, const char *path, bool *is_text, quern_error *error)
{
    struct quern_record_reader *reader = NULL;
    struct quern_record record;
    *is_text = begins_as_text(path);
    if (!*is_text)
        return QUERN_OK;
    int code = quern_document_reader_open(&reader, path, error);
    if (code == QUERN_EINVAL) { /* its first bytes tell that it is a picture, a program or the like */
        *is_text = false;
        return QUERN_OK;
    }
    if (code == QUERN_OK)
        code = reader->next(reader, &record, error);
    if (code == 1 && record.bad != NULL) {
        *is_text = false;
        code = QUERN_OK;
    } else if (code == 1) {
        const bool is_markdown = quern_is_markdown(path);
        code = quern_source_read_text(reading, record.text, quern_document_title(record.text, path, is_markdown),
                                      is_markdown, error);
    }
    if (reader != NULL)
        reader->close(reader);
    return code;
}

static void note_bad(struct quern_source_reading *reading, const struct quern_record *record)
{
    if (reading->bad_records++ > 0)
        return;
    reading->bad_line = record->line;
    snprintf(reading->bad, sizeof reading->bad, "%s", record->bad);
}

/* Reads a file of records. *is_other: it does not have the column of the text, and nobody said which one that is. Then
 * no record was put. */
static int read_records(struct quern_source_reading *reading, const char *path, enum quern_record_kind kind,
                        bool *is_other, quern_error *error)
{
    const struct quern_record_columns columns = {.text = reading->text_column, .title = reading->title_column};
    const bool may_be_other = reading->text_column == NULL && kind != QUERN_RECORDS_ARROW &&
                              kind != QUERN_RECORDS_PARQUET;
    struct quern_record_reader *reader = NULL;
    struct quern_record record;
    bool is_first = true;
    int code = quern_record_reader_open(&reader, path, kind, &columns, error);
    *is_other = code == QUERN_EINVAL && may_be_other;
    while (code == QUERN_OK && (code = reader->next(reader, &record, error)) == 1) {
        code = QUERN_OK;
        if (record.bad != NULL && is_first && may_be_other) {
            *is_other = true;
            break;
        }
        is_first = false;
        if (record.bad != NULL)
            note_bad(reading, &record);
        else
            code = put_text(reading, record.text, record.title, false, record.line, error);
    }
    *is_other |= code == QUERN_EINVAL && is_first && may_be_other;
    if (reader != NULL)
        reader->close(reader);
    return code;
}

int quern_source_read(struct quern_source_reading *reading, const char *path, bool *is_text, quern_error *error)
{
    const int kind = quern_record_kind_of(path);
    bool is_other = true;
    int code = QUERN_OK;
    *is_text = true;
    if (kind >= 0 && kind != QUERN_RECORDS_DOCUMENT)
        code = read_records(reading, path, (enum quern_record_kind)kind, &is_other, error);
    return is_other ? read_document(reading, path, is_text, error) : code;
}
