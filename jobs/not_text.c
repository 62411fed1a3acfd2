#include "not_text.h"

#include "array_count.h"
#include "json_text.h"

#include <stdbool.h>
#include <string.h>

/* First bytes, and what they mean. A longer pattern stands before a shorter one that it begins with. A text may begin
 * with those that are a word: then more bytes tell. */
static const struct {
    const char *bytes;
    size_t length;
    bool is_word;
    struct quern_jobs_not_text kind;
} kinds[] = {
#define KIND(bytes_, what_, way_out_) {bytes_, sizeof(bytes_) - 1, false, {what_, way_out_}}
#define WORD(bytes_, what_, way_out_) {bytes_, sizeof(bytes_) - 1, true, {what_, way_out_}}
    KIND("\xff\xfe\0\0", "text in UTF-32", "convert it first: iconv -f UTF-32 -t UTF-8 FILE"),
    KIND("\0\0\xfe\xff", "text in UTF-32", "convert it first: iconv -f UTF-32 -t UTF-8 FILE"),
    KIND("\xff\xfe", "text in UTF-16", "convert it first: iconv -f UTF-16 -t UTF-8 FILE"),
    KIND("\xfe\xff", "text in UTF-16", "convert it first: iconv -f UTF-16 -t UTF-8 FILE"),
    KIND("\x1f\x8b", "compressed by gzip", "unpack it first: zcat FILE"),
    KIND("\x28\xb5\x2f\xfd", "compressed by Zstandard", "unpack it first: zstdcat FILE"),
    KIND("\x50\x2a\x4d\x18", "compressed by Zstandard", "unpack it first: zstdcat FILE"), /* as pzstd writes it */
    KIND("\xfd\x37zXZ\0", "compressed by xz", "unpack it first: xzcat FILE"),
    WORD("BZh", "compressed by bzip2", "unpack it first: bzcat FILE"),
    KIND("\x04\x22\x4d\x18", "compressed by LZ4", "unpack it first: lz4cat FILE"),
    KIND("PK\x03\x04", "a ZIP archive or an office document", "take the text out first, for example: unzip -p FILE"),
    KIND("7z\xbc\xaf\x27\x1c", "a 7z archive", "take the text out first, for example: 7z e -so FILE"),
    KIND("%PDF-", "a PDF document", "take the text out first: pdftotext FILE -"),
    KIND("\xd0\xcf\x11\xe0", "an old office document", "save it as text first"),
    KIND("{\\rtf", "an RTF document", "save it as text first"),
    WORD("PAR1", "a Parquet file", "embed a column of it: quern run --text COLUMN FILE -o FOLDER"),
    WORD("ARROW1", "an Arrow file", "embed a column of it: quern run --text COLUMN FILE -o FOLDER"),
    KIND("SQLite format 3\0", "a SQLite database", "take the texts out first: sqlite3 FILE 'SELECT ...'"),
    KIND("\x7f" "ELF", "a program", "give a file of text"),
    KIND("MZ\x90", "a program", "give a file of text"),
    WORD("GGUF", "a model file", "give it with -m, and here a file of text"),
    KIND("\x93NUMPY", "a NumPy array", "give a file of text"),
    KIND("\x89PNG", "a picture", "give a file of text"),
    KIND("\xff\xd8\xff", "a picture", "give a file of text"),
    WORD("GIF8", "a picture", "give a file of text"),
    WORD("RIFF", "a picture or a sound", "give a file of text"),
    WORD("OggS", "a sound", "give a file of text"),
    WORD("ID3", "a sound", "give a file of text"),
#undef KIND
#undef WORD
};

/* Whether a text has what no text in UTF-8 has near its beginning: a control character, or malformed bytes. */
static bool has_bytes(const char *text, size_t length)
{
    enum { MOST_LOOKED_AT = 64 };
    static const char controls[] = {'\t', '\n', '\r', '\f', '\x1b'};
    size_t size;
    for (size_t i = 0; i < length && i < MOST_LOOKED_AT; i += size) {
        size = quern_json_character(text + i, length - i);
        if (size == 0 || ((unsigned char)text[i] < ' ' && memchr(controls, text[i], sizeof controls) == NULL))
            return true;
    }
    return false;
}

const struct quern_jobs_not_text *quern_jobs_recognise_ends(const char *data, size_t length)
{
    static const struct quern_jobs_not_text kind = {
        "text whose lines end with CR alone", "convert it first: tr '\\r' '\\n' <FILE"};
    const bool has_inner = length > 1 && memchr(data, '\r', length - 1) != NULL;
    return has_inner && memchr(data, '\n', length) == NULL ? &kind : NULL;
}

const struct quern_jobs_not_text *quern_jobs_recognise(const char *data, size_t length, size_t first)
{
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++)
        if (length >= kinds[i].length && memcmp(data, kinds[i].bytes, kinds[i].length) == 0 &&
            (!kinds[i].is_word || has_bytes(data, first)))
            return &kinds[i].kind;
    return NULL;
}
