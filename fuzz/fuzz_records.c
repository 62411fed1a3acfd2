/* Any bytes as a file of records. Whatever the file, a reader ends. One that skips records or goes to a place gives the
 * same records from there on as one that reads them all.
 *
 * Input: one byte: the kind of the file; one byte: how many records are skipped. Then the file. */
#include "fuzz.h"
#include "records/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_RECORDS = 4096 };

static uint64_t mix(uint64_t hash, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return (hash ^ length) * 0x100000001b3u;
}

/* A number for all that a record has: reads every byte of it. */
static uint64_t digest(const struct quern_record *record)
{
    uint64_t hash = mix(0, record->text.data, record->text.length);
    hash = mix(hash, record->title.data, record->title.length);
    hash = mix(hash, record->id.data, record->id.length);
    hash = mix(hash, record->keep.data, record->keep.length);
    return record->bad != NULL ? mix(1, record->bad, strlen(record->bad)) : hash + record->line;
}

static struct quern_record_reader *open_reader(const char *path, enum quern_record_kind kind)
{
    const bool is_named = kind == QUERN_RECORDS_JSONL || kind == QUERN_RECORDS_CSV;
    const struct quern_record_columns columns = {.text = is_named ? "t" : NULL, .id = is_named ? "i" : NULL,
                                                 .keep = {"k"}, .keep_count = is_named};
    struct quern_record_reader *reader;
    quern_error error;
    if (quern_record_reader_open(&reader, path, kind, &columns, &error) != QUERN_OK)
        return NULL;
    return reader;
}

/* Reads the records from `first` on and compares them with their digests. */
static void read_rest(struct quern_record_reader *reader, const uint64_t *digests, size_t first, size_t count)
{
    struct quern_record record;
    quern_error error;
    for (size_t i = first; i < count; i++) {
        expect(reader->next(reader, &record, &error) == 1, "the same records are there");
        expect(digest(&record) == digests[i], "a record is the same");
    }
}

static void compare(const char *path, enum quern_record_kind kind, size_t wanted)
{
    static uint64_t digests[MOST_RECORDS];
    struct quern_record_reader *reader = open_reader(path, kind);
    struct quern_record_place place = {0, 0};
    struct quern_record record;
    quern_error error;
    size_t count = 0;
    uint64_t skipped;
    if (reader == NULL)
        return;
    for (; count < MOST_RECORDS && reader->next(reader, &record, &error) == 1; count++) {
        digests[count] = digest(&record);
        if (count + 1 == wanted)
            place = reader->place(reader);
    }
    reader->close(reader);
    if (wanted > count)
        return;
    reader = open_reader(path, kind);
    expect(reader->skip(reader, wanted, &skipped, &error) == QUERN_OK && skipped == wanted, "records can be skipped");
    read_rest(reader, digests, wanted, count);
    reader->close(reader);
    if (wanted == 0)
        return;
    reader = open_reader(path, kind);
    expect(reader->go_to(reader, place, &error) == QUERN_OK, "a place can be found again");
    read_rest(reader, digests, wanted, count);
    reader->close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    if (size < 2)
        return 0;
    const int file = memfd_create("records", MFD_CLOEXEC);
    expect(file >= 0 && write(file, data + 2, size - 2) == (ssize_t)(size - 2), "there is memory");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    compare(path, (enum quern_record_kind)(data[0] % (QUERN_RECORDS_PARQUET + 1)), data[1] % 8);
    close(file);
    return 0;
}
