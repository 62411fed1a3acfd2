/* The source of texts that are the lines, or the parts between NUL bytes, of a file. */
#include "jobs.h"

#include "jobs_error.h"
#include "json_text.h"
#include "not_text.h"
#include "read_waiting.h"
#include "text_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_BYTES 65536 /* a batch is closed once it has so many */
#define READ_SIZE 65536

/* Makes room for READ_SIZE behind what is in the buffer. */
static int make_room(struct quern_jobs_stream *stream, quern_error *error)
{
    if (stream->capacity - stream->end >= READ_SIZE)
        return QUERN_OK;
    const size_t capacity = stream->capacity == 0 ? 2 * READ_SIZE : 2 * stream->capacity;
    char *buffer = realloc(stream->buffer, capacity);
    if (buffer == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "%s: no memory for a text of more than %zu bytes", stream->name,
                               stream->end);
    stream->buffer = buffer;
    stream->capacity = capacity;
    return QUERN_OK;
}

/* Reads once. */
static int read_more(struct quern_jobs_stream *stream, quern_error *error)
{
    const int code = make_room(stream, error);
    if (code != QUERN_OK)
        return code;
    const ssize_t got = quern_read_waiting(stream->descriptor, stream->buffer + stream->end, READ_SIZE);
    if (got < 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", stream->name, strerror(errno));
    stream->at_end = got == 0;
    stream->end += (size_t)got;
    return QUERN_OK;
}

static bool has_input_waiting(const struct quern_jobs_stream *stream)
{
    struct pollfd wait = {.fd = stream->descriptor, .events = POLLIN};
    return poll(&wait, 1, 0) != 0;
}

/* Drops from the buffer what the last batch had. */
static void drop_given(struct quern_jobs_stream *stream)
{
    if (stream->begin > 0)
        memmove(stream->buffer, stream->buffer + stream->begin, stream->end - stream->begin);
    stream->end -= stream->begin;
    stream->begin = 0;
}

static int refuse_long(const struct quern_jobs_stream *stream, quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ETOOLONG, "%s:%llu: the text is longer than %u MiB: split it", stream->name,
                           (unsigned long long)stream->given + 1, QUERN_JOBS_LONGEST >> 20);
}

/* Finds the next texts; lengths[*count]. Afterwards begin is behind the last of them. A failure waits for the call in
 * which no text stands before it. */
static int find_texts(struct quern_jobs_stream *stream, size_t lengths[QUERN_JOBS_BATCH], size_t *count,
                      quern_error *error)
{
    size_t searched = 0;
    *count = 0;
    while (*count < QUERN_JOBS_BATCH && stream->begin < BATCH_BYTES) {
        const size_t unsearched = stream->end - searched;
        const char *end = unsearched > 0 ? memchr(stream->buffer + searched, stream->separator, unsearched) : NULL;
        const size_t behind = end != NULL ? (size_t)(end - stream->buffer) : stream->end;
        if (behind - stream->begin > QUERN_JOBS_LONGEST)
            return *count > 0 ? QUERN_OK : refuse_long(stream, error);
        if (end != NULL) {
            lengths[(*count)++] = behind - stream->begin;
            stream->begin = searched = behind + 1;
            continue;
        }
        searched = stream->end;
        if (stream->at_end) { /* the last text may lack its separator */
            if (stream->begin < stream->end)
                lengths[(*count)++] = stream->end - stream->begin;
            stream->begin = stream->end;
            return QUERN_OK;
        }
        if (*count > 0 && !has_input_waiting(stream))
            return QUERN_OK;
        const int code = read_more(stream, error);
        if (code != QUERN_OK)
            return *count > 0 ? QUERN_OK : code;
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- lines */

/* Refuses a file that is plainly not texts, before its first text, of first bytes, is given. */
static int check_kind(const struct quern_jobs_stream *stream, size_t first, quern_error *error)
{
    const struct quern_jobs_not_text *found = quern_jobs_recognise(stream->buffer, stream->end, first);
    const bool has_lines = stream->separator == '\n', is_other = found != NULL;
    if (!is_other && has_lines)
        found = quern_jobs_recognise_ends(stream->buffer, stream->begin);
    if (found == NULL)
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EINVAL, "%s is not %s, but %s: %s%s", stream->name,
                           has_lines ? "lines of text" : "texts with NUL bytes at their ends", found->what,
                           found->way_out, is_other ? "" : "; if it is one text, say --null");
}

/* Makes a text of a line: without the carriage return of CRLF. number counts lines from 1. */
static int take_line(struct quern_jobs_stream *stream, quern_text *line, uint64_t number, quern_error *error)
{
    *line = quern_jobs_without_end(*line);
    if (memchr(line->data, '\0', line->length) != NULL)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s:%llu: there is a NUL byte in the line, so this is not lines of "
                               "text; if it is UTF-16, convert it first: iconv -f UTF-16 -t UTF-8 FILE; if NUL bytes "
                               "end the texts, say --null", stream->name, (unsigned long long)number);
    return QUERN_OK;
}

static int next(struct quern_jobs_source *source, struct quern_jobs_texts *batch, quern_error *error)
{
    struct quern_jobs_stream *stream = (struct quern_jobs_stream *)source;
    size_t lengths[QUERN_JOBS_BATCH], count;
    drop_given(stream);
    int code = find_texts(stream, lengths, &count, error);
    if (code != QUERN_OK)
        return code;
    if (stream->given == 0 && count > 0)
        code = check_kind(stream, lengths[0], error);
    const char *data = stream->buffer; /* only now, because the buffer may have moved while it grew */
    for (size_t i = 0; i < count && code == QUERN_OK; i++) {
        stream->texts[i] = (quern_text){data, lengths[i]};
        stream->texts[i] = quern_jobs_without_mark(stream->texts[i]);
        if (stream->separator == '\n')
            code = take_line(stream, &stream->texts[i], stream->given + i + 1, error);
        if (code == QUERN_OK && !quern_json_is_utf8(stream->texts[i]) && stream->invalid++ == 0)
            stream->first_invalid = stream->given + i + 1;
        if (code != QUERN_OK && i > 0) { /* the lines before it are given now, and the next call fails */
            stream->begin = (size_t)(data - stream->buffer);
            count = i;
            code = QUERN_OK;
        }
        data += lengths[i] + 1;
    }
    if (code != QUERN_OK)
        return code;
    *batch = (struct quern_jobs_texts){.count = count, .first = stream->given, .texts = stream->texts};
    stream->given += count;
    source->done += stream->begin;
    return QUERN_OK;
}

int quern_jobs_stream_open(struct quern_jobs_stream *stream, const char *path, char separator, quern_error *error)
{
    struct stat status;
    memset(stream, 0, sizeof *stream);
    stream->source.next = next;
    stream->name = path != NULL ? path : "standard input";
    stream->separator = separator;
    stream->descriptor = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (stream->descriptor < 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot open %s: %s", path, strerror(errno));
    const bool known = fstat(stream->descriptor, &status) == 0;
    if (known && S_ISDIR(status.st_mode)) {
        quern_jobs_stream_close(stream);
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: it is a folder; name a file in it, or give the lines "
                               "of all its files on standard input: cat %s/* | ...", stream->name, stream->name);
    }
    if (known && S_ISREG(status.st_mode) && status.st_size > 0)
        stream->source.total = (uint64_t)status.st_size;
    return QUERN_OK;
}

void quern_jobs_stream_close(struct quern_jobs_stream *stream)
{
    free(stream->buffer);
    stream->buffer = NULL;
    if (stream->descriptor > STDIN_FILENO)
        close(stream->descriptor);
    stream->descriptor = STDIN_FILENO;
}
