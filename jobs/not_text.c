#include "not_text.h"

#include "array_count.h"

#include <stdbool.h>
#include <string.h>

/* First bytes, and what they mean. A longer pattern stands before a shorter one that it begins with. */
static const struct {
    const char *bytes;
    size_t length;
    struct quern_jobs_not_text kind;
} kinds[] = {
#define KIND(bytes_, what_, way_out_) {bytes_, sizeof(bytes_) - 1, {what_, way_out_}}
    KIND("\xff\xfe\0\0", "text in UTF-32", "convert it first: iconv -f UTF-32 -t UTF-8 FILE"),
    KIND("\0\0\xfe\xff", "text in UTF-32", "convert it first: iconv -f UTF-32 -t UTF-8 FILE"),
    KIND("\xff\xfe", "text in UTF-16", "convert it first: iconv -f UTF-16 -t UTF-8 FILE"),
    KIND("\xfe\xff", "text in UTF-16", "convert it first: iconv -f UTF-16 -t UTF-8 FILE"),
    KIND("\x1f\x8b", "compressed by gzip", "unpack it first: zcat FILE"),
    KIND("\x28\xb5\x2f\xfd", "compressed by Zstandard", "unpack it first: zstdcat FILE"),
    KIND("\xfd\x37zXZ\0", "compressed by xz", "unpack it first: xzcat FILE"),
    KIND("BZh", "compressed by bzip2", "unpack it first: bzcat FILE"),
    KIND("\x04\x22\x4d\x18", "compressed by LZ4", "unpack it first: lz4cat FILE"),
    KIND("PK\x03\x04", "a ZIP archive or an office document", "take the text out first, for example: unzip -p FILE"),
    KIND("7z\xbc\xaf\x27\x1c", "a 7z archive", "take the text out first, for example: 7z e -so FILE"),
    KIND("%PDF-", "a PDF document", "take the text out first: pdftotext FILE -"),
    KIND("\xd0\xcf\x11\xe0", "an old office document", "save it as text first"),
    KIND("{\\rtf", "an RTF document", "save it as text first"),
    KIND("PAR1", "a Parquet file", "take the column of texts out first, for example with DuckDB"),
    KIND("ARROW1", "an Arrow file", "take the column of texts out first"),
    KIND("SQLite format 3", "a SQLite database", "take the texts out first: sqlite3 FILE 'SELECT ...'"),
    KIND("\x7f" "ELF", "a program", "give a file of text"),
    KIND("MZ\x90", "a program", "give a file of text"),
    KIND("GGUF", "a model file", "give it with -m; -i takes a file of text"),
    KIND("\x93NUMPY", "a NumPy array", "give a file of text"),
    KIND("\x89PNG", "a picture", "give a file of text"),
    KIND("\xff\xd8\xff", "a picture", "give a file of text"),
    KIND("GIF8", "a picture", "give a file of text"),
    KIND("RIFF", "a picture or a sound", "give a file of text"),
    KIND("OggS", "a sound", "give a file of text"),
    KIND("ID3", "a sound", "give a file of text"),
#undef KIND
};

const struct quern_jobs_not_text *quern_jobs_recognise_ends(const char *data, size_t length)
{
    static const struct quern_jobs_not_text kind = {
        "text whose lines end with CR alone", "convert it first: tr '\\r' '\\n' <FILE; if it is one text, say --null"};
    const bool has_inner = length > 1 && memchr(data, '\r', length - 1) != NULL;
    return has_inner && memchr(data, '\n', length) == NULL ? &kind : NULL;
}

const struct quern_jobs_not_text *quern_jobs_recognise(const char *data, size_t length)
{
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++)
        if (length >= kinds[i].length && memcmp(data, kinds[i].bytes, kinds[i].length) == 0)
            return &kinds[i].kind;
    return NULL;
}
