#include "byte_input.h"

#include "jobs.h"
#include "jobs_error.h"
#include "not_text.h"
#include "read_waiting.h"
#include "text_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { READ_BYTES = 1 << 17 };

/* ---------------------------------------------------------------- reading and unpacking */

/* Reads once to room[size]. *got: 0 at the end of the file. */
static int read_some(struct quern_byte_input *input, void *room, size_t size, size_t *got, quern_error *error)
{
    const ssize_t count = quern_read_waiting(input->descriptor, room, size);
    if (count < 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", input->name, strerror(errno));
    *got = (size_t)count;
    input->bytes_read += *got;
    return QUERN_OK;
}

static int damaged(const struct quern_byte_input *input, const char *what, quern_error *error)
{
    return quern_jobs_fail(error, QUERN_EIO, "%s is damaged behind byte %llu of its text: %s", input->name,
                           (unsigned long long)(input->dropped + input->end), what);
}

/* Makes sure that there are packed bytes. *is_end: the file has no more. */
static int refill(struct quern_byte_input *input, bool *is_end, quern_error *error)
{
    size_t got = 1;
    if (input->packed_begin == input->packed_end) {
        const int code = read_some(input, input->packed, READ_BYTES, &got, error);
        if (code != QUERN_OK)
            return code;
        input->packed_begin = 0;
        input->packed_end = got;
    }
    *is_end = got == 0;
    if (*is_end && input->is_inside)
        return damaged(input, "it ends too early", error);
    return QUERN_OK;
}

/* Unpacks once. A file may have several members, one behind the other, and zeros that fill a block of a tape. */
static int inflate_some(struct quern_byte_input *input, char *room, size_t size, size_t *got, quern_error *error)
{
    z_stream *stream = input->unpacker;
    while (!input->is_inside && input->packed_begin < input->packed_end && input->packed[input->packed_begin] == 0)
        input->packed_begin++;
    if (input->packed_begin == input->packed_end)
        return QUERN_OK;
    if (!input->is_inside)
        inflateReset(stream);
    stream->next_in = input->packed + input->packed_begin;
    stream->avail_in = (uInt)(input->packed_end - input->packed_begin);
    stream->next_out = (unsigned char *)room;
    stream->avail_out = (uInt)size;
    const int code = inflate(stream, Z_NO_FLUSH);
    input->packed_begin = input->packed_end - stream->avail_in;
    *got = size - stream->avail_out;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return damaged(input, stream->msg != NULL ? stream->msg : "it is not what gzip writes", error);
    input->is_inside = code != Z_STREAM_END;
    return QUERN_OK;
}

static int unzstd_some(struct quern_byte_input *input, char *room, size_t size, size_t *got, quern_error *error)
{
    ZSTD_inBuffer in = {input->packed + input->packed_begin, input->packed_end - input->packed_begin, 0};
    ZSTD_outBuffer out = {room, size, 0};
    const size_t code = ZSTD_decompressStream(input->unpacker, &out, &in);
    input->packed_begin += in.pos;
    *got = out.pos;
    if (ZSTD_isError(code))
        return damaged(input, ZSTD_getErrorName(code), error);
    input->is_inside = code != 0;
    return QUERN_OK;
}

/* Writes unpacked bytes to room[size]. *got: 0 at the end of the file. */
static int unpack_some(struct quern_byte_input *input, char *room, size_t size, size_t *got, quern_error *error)
{
    if (input->packing == QUERN_PACKED_NOT)
        return read_some(input, room, size, got, error);
    for (*got = 0; *got == 0;) {
        bool is_end;
        int code = refill(input, &is_end, error);
        if (code != QUERN_OK || is_end)
            return code;
        code = input->packing == QUERN_PACKED_GZIP ? inflate_some(input, room, size, got, error)
                                                   : unzstd_some(input, room, size, got, error);
        if (code != QUERN_OK)
            return code;
    }
    return QUERN_OK;
}

static void drop_used(struct quern_byte_input *input)
{
    memmove(input->data, input->data + input->begin, input->end - input->begin);
    input->dropped += input->begin;
    input->end -= input->begin;
    input->begin = 0;
}

int quern_byte_input_more(struct quern_byte_input *input, quern_error *error)
{
    size_t got;
    if (input->begin > 0)
        drop_used(input);
    if (input->end > QUERN_JOBS_LONGEST)
        return quern_jobs_fail(error, QUERN_ETOOLONG, "%s: the text at byte %llu is longer than %u MiB: split it",
                               input->name, (unsigned long long)input->dropped, QUERN_JOBS_LONGEST >> 20);
    if (input->capacity - input->end < READ_BYTES) {
        const size_t capacity = 2 * input->capacity;
        char *data = realloc(input->data, capacity);
        if (data == NULL)
            return quern_jobs_fail(error, QUERN_ENOMEM, "%s: no memory for a text of more than %zu bytes", input->name,
                                   input->end);
        input->data = data;
        input->capacity = capacity;
    }
    const int code = unpack_some(input, input->data + input->end, READ_BYTES, &got, error);
    if (code != QUERN_OK)
        return code;
    input->at_end = got == 0;
    input->end += got;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- opening */

/* Reads enough to recognise what it is. */
static int read_first(struct quern_byte_input *input, quern_error *error)
{
    enum { ENOUGH = 8 };
    int code;
    do
        code = quern_byte_input_more(input, error);
    while (code == QUERN_OK && !input->at_end && input->end < ENOUGH);
    return code;
}

/* Takes what was read first for packed bytes. */
static int begin_unpacking(struct quern_byte_input *input, quern_error *error)
{
    z_stream *stream = NULL;
    if (input->packing == QUERN_PACKED_ZSTD) {
        input->unpacker = ZSTD_createDStream();
    } else if ((stream = calloc(1, sizeof *stream)) != NULL) {
        enum { GZIP_ALONE = 15 + 16 };
        input->unpacker = stream;
        if (inflateInit2(stream, GZIP_ALONE) != Z_OK) {
            free(stream);
            input->unpacker = NULL;
        }
    }
    input->packed = malloc(input->capacity); /* what was read first may be more than one read gives */
    if (input->unpacker == NULL || input->packed == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to unpack %s", input->name);
    memcpy(input->packed, input->data, input->end);
    input->packed_end = input->end;
    input->end = 0;
    input->at_end = false;
    return read_first(input, error);
}

/* Refuses what is no text, and goes behind the mark of UTF-8. */
static int check_text(struct quern_byte_input *input, quern_error *error)
{
    const char *end = memchr(input->data, '\n', input->end);
    const size_t first = end != NULL ? (size_t)(end - input->data) : input->end;
    const struct quern_jobs_not_text *found = quern_jobs_recognise(input->data, input->end, first);
    if (found == NULL)
        found = quern_jobs_recognise_ends(input->data, end != NULL ? first + 1 : input->end);
    if (found != NULL)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s is not text, but %s: %s", input->name, found->what,
                               found->way_out);
    input->begin = input->end - quern_jobs_without_mark((quern_text){input->data, input->end}).length;
    return QUERN_OK;
}

enum quern_byte_packing quern_byte_packing_of(const void *data, size_t length)
{
    static const unsigned char gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    static const unsigned char skippable[] = {0x2a, 0x4d, 0x18}; /* behind 0x50 to 0x5f: what pzstd writes first */
    const unsigned char *bytes = data;
    if (length >= sizeof gzip && memcmp(bytes, gzip, sizeof gzip) == 0)
        return QUERN_PACKED_GZIP;
    if (length < sizeof zstd)
        return QUERN_PACKED_NOT;
    const bool is_skippable = bytes[0] >> 4 == 5 && memcmp(bytes + 1, skippable, sizeof skippable) == 0;
    return is_skippable || memcmp(bytes, zstd, sizeof zstd) == 0 ? QUERN_PACKED_ZSTD : QUERN_PACKED_NOT;
}

/* Looks at the first bytes, and unpacks what is packed. */
static int recognise(struct quern_byte_input *input, quern_error *error)
{
    int code = read_first(input, error);
    if (code == QUERN_OK)
        input->packing = quern_byte_packing_of(input->data, input->end);
    if (input->packing != QUERN_PACKED_NOT)
        code = begin_unpacking(input, error);
    if (code != QUERN_OK)
        return code;
    return check_text(input, error);
}

int quern_byte_input_open(struct quern_byte_input *input, const char *path, quern_error *error)
{
    const bool is_standard = strcmp(path, "-") == 0;
    *input = (struct quern_byte_input){.name = is_standard ? "standard input" : path, .capacity = 2 * READ_BYTES};
    input->descriptor = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (input->descriptor < 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot open %s: %s", path, strerror(errno));
    input->data = malloc(input->capacity);
    if (input->data == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read %s", input->name);
    return recognise(input, error);
}

void quern_byte_input_close(struct quern_byte_input *input)
{
    if (input->packing == QUERN_PACKED_GZIP && input->unpacker != NULL)
        inflateEnd(input->unpacker);
    if (input->packing == QUERN_PACKED_ZSTD)
        ZSTD_freeDStream(input->unpacker);
    else
        free(input->unpacker);
    free(input->packed);
    free(input->data);
    if (input->descriptor > STDIN_FILENO)
        close(input->descriptor);
    *input = (struct quern_byte_input){.descriptor = -1};
}

/* ---------------------------------------------------------------- places and lines */

int quern_byte_input_go_to(struct quern_byte_input *input, uint64_t offset, quern_error *error)
{
    if (offset < quern_byte_input_offset(input))
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s: byte %llu lies before what was read: the .done or the "
                               "checkpoint that tells it is damaged", input->name, (unsigned long long)offset);
    if (input->packing == QUERN_PACKED_NOT && offset > input->dropped + input->end &&
        lseek(input->descriptor, (off_t)offset, SEEK_SET) == (off_t)offset) {
        input->bytes_read = input->dropped = offset;
        input->begin = input->end = 0;
    }
    while (offset > input->dropped + input->end && !input->at_end) {
        input->begin = input->end;
        const int code = quern_byte_input_more(input, error);
        if (code != QUERN_OK)
            return code;
    }
    if (offset > input->dropped + input->end)
        return quern_jobs_fail(error, QUERN_EIO, "%s ends before byte %llu, which was read before: it has changed",
                               input->name, (unsigned long long)offset);
    input->begin = (size_t)(offset - input->dropped);
    return QUERN_OK;
}

int quern_byte_input_line(struct quern_byte_input *input, const char **line, size_t *length, quern_error *error)
{
    size_t searched = 0; /* bytes behind begin without LF */
    bool is_too_long = false;
    for (;;) {
        const char *start = input->data + input->begin;
        const size_t there = input->end - input->begin;
        const char *end = there > searched ? memchr(start + searched, '\n', there - searched) : NULL;
        if (end != NULL || input->at_end) {
            *line = start;
            *length = end != NULL ? (size_t)(end - start) + 1 : there;
            input->begin += *length;
            if (!is_too_long)
                return *length > 0;
            *line = NULL;
            *length = 0;
            return 1;
        }
        searched = there;
        const int code = quern_byte_input_more(input, error);
        if (code != QUERN_OK && code != QUERN_ETOOLONG)
            return code;
        if (code == QUERN_ETOOLONG) { /* what was read of the line is dropped */
            is_too_long = true;
            input->begin = input->end;
            searched = 0;
        }
    }
}

int quern_byte_input_skip_lines(struct quern_byte_input *input, uint64_t count, uint64_t *skipped, quern_error *error)
{
    const char *line;
    size_t length;
    for (*skipped = 0; *skipped < count; ++*skipped) {
        const int code = quern_byte_input_line(input, &line, &length, error);
        if (code <= 0)
            return code;
    }
    return QUERN_OK;
}
