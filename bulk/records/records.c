#include "records.h"

#include "array_count.h"

#include <string.h>
#include <zlib.h>

int quern_record_reader_open(struct quern_record_reader **reader, const char *path, enum quern_record_kind kind,
                             const struct quern_record_columns *columns, quern_error *error)
{
    switch (kind) {
    case QUERN_RECORDS_LINES: break;
    case QUERN_RECORDS_JSONL: return quern_jsonl_reader_open(reader, path, columns, error);
    case QUERN_RECORDS_CSV: return quern_csv_reader_open(reader, path, ',', columns, error);
    case QUERN_RECORDS_TSV: return quern_csv_reader_open(reader, path, '\t', columns, error);
    case QUERN_RECORDS_DOCUMENT: return quern_document_reader_open(reader, path, error);
    case QUERN_RECORDS_ARROW:
    case QUERN_RECORDS_PARQUET: return quern_column_reader_open(reader, path, columns, error);
    }
    return quern_line_reader_open(reader, path, error);
}

void quern_records_begin(struct quern_records *records, const struct quern_record_files *files,
                         const struct quern_record_columns *columns)
{
    *records = (struct quern_records){.files = files, .columns = *columns};
}

/* Opens the file at hand, unless it is open. */
static int open_file(struct quern_records *records, quern_error *error)
{
    const struct quern_record_file *file = &records->files->files[records->file];
    if (records->reader != NULL)
        return QUERN_OK;
    return quern_record_reader_open(&records->reader, file->path, file->kind, &records->columns, error);
}

static void close_file(struct quern_records *records)
{
    if (records->reader != NULL)
        records->reader->close(records->reader);
    records->reader = NULL;
}

static void go_to_next_file(struct quern_records *records)
{
    close_file(records);
    records->bytes_before += records->files->files[records->file++].size;
}

static uint32_t add_text(uint32_t crc, quern_text text)
{
    const uint64_t length = text.length;
    crc = (uint32_t)crc32_z(crc, (const unsigned char *)&length, sizeof length);
    return length == 0 ? crc : (uint32_t)crc32_z(crc, (const unsigned char *)text.data, text.length);
}

/* Adds all that a part gets from a record to the checksum. */
static void add_record(struct quern_records *records, const struct quern_record *record)
{
    const quern_text none = {NULL, 0};
    const bool is_bad = record->bad != NULL; /* then only this and the id are set */
    const quern_text texts[] = {is_bad ? none : record->text, is_bad ? none : record->title, record->id,
                                is_bad ? none : record->keep, {record->bad, is_bad ? strlen(record->bad) : 0}};
    for (size_t i = 0; i < QUERN_COUNT(texts); i++)
        records->crc = add_text(records->crc, texts[i]);
}

int quern_records_next(struct quern_records *records, struct quern_record *record, quern_error *error)
{
    while (records->file < records->files->count) {
        int code = open_file(records, error);
        if (code == QUERN_OK)
            code = records->reader->next(records->reader, record, error);
        if (code == QUERN_ETOOLONG && records->files->files[records->file].kind == QUERN_RECORDS_DOCUMENT) {
            *record = (struct quern_record){.line = 1, .bad = QUERN_RECORD_TOO_LONG};
            code = 1;
        }
        if (code == 1) {
            records->number++;
            add_record(records, record);
        }
        if (code != 0)
            return code;
        go_to_next_file(records);
    }
    return 0;
}

int quern_records_skip(struct quern_records *records, uint64_t count, uint64_t *skipped, quern_error *error)
{
    for (*skipped = 0; *skipped < count && records->file < records->files->count;) {
        uint64_t some;
        int code = open_file(records, error);
        if (code == QUERN_OK)
            code = records->reader->skip(records->reader, count - *skipped, &some, error);
        if (code != QUERN_OK)
            return code;
        *skipped += some;
        records->number += some;
        if (*skipped < count)
            go_to_next_file(records);
    }
    return QUERN_OK;
}

struct quern_records_place quern_records_place(const struct quern_records *records)
{
    struct quern_records_place place = {.file = records->file};
    if (records->reader != NULL)
        place.place = records->reader->place(records->reader);
    return place;
}

bool quern_records_can_go_to(const struct quern_records *records, struct quern_records_place place)
{
    return place.file >= records->file && place.file < records->files->count && place.place.line > 0;
}

int quern_records_go_to(struct quern_records *records, struct quern_records_place place, uint64_t number,
                        quern_error *error)
{
    while (records->file < place.file && records->file < records->files->count)
        go_to_next_file(records);
    records->number = number;
    if (records->file == records->files->count || place.place.line == 0) /* of a file that was not open */
        return QUERN_OK;
    const int code = open_file(records, error);
    return code == QUERN_OK ? records->reader->go_to(records->reader, place.place, error) : code;
}

const char *quern_records_path(const struct quern_records *records)
{
    return records->file < records->files->count ? records->files->files[records->file].path : NULL;
}

uint64_t quern_records_bytes(const struct quern_records *records)
{
    return records->bytes_before + (records->reader != NULL ? records->reader->bytes_read(records->reader) : 0);
}

void quern_records_end(struct quern_records *records)
{
    close_file(records);
}
