#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_BYTES 65536 /* a batch is closed once it holds so many */
#define READ_BYTES 65536

static void use_descriptor(struct quern_cli_reader *reader, int descriptor, const char *name)
{
    struct stat status;
    reader->descriptor = descriptor;
    reader->name = name;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        reader->total = (uint64_t)status.st_size;
}

int quern_cli_reader_open(struct quern_cli_reader *reader, const struct quern_cli_options *options)
{
    *reader = (struct quern_cli_reader){.descriptor = -1, .separator = options->null ? '\0' : '\n'};
    if (options->text_count > 0) {
        reader->arguments = options->texts;
        reader->total = (uint64_t)options->text_count;
        return QUERN_CLI_DONE;
    }
    if (options->input == NULL || strcmp(options->input, "-") == 0) {
        use_descriptor(reader, STDIN_FILENO, "standard input");
        if (isatty(STDIN_FILENO))
            quern_cli_say("reading lines from the terminal; Ctrl-D ends them");
        return QUERN_CLI_DONE;
    }
    int descriptor = open(options->input, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        quern_cli_say("cannot open %s: %s", options->input, strerror(errno));
        return QUERN_CLI_FAILED;
    }
    use_descriptor(reader, descriptor, options->input);
    return QUERN_CLI_DONE;
}

static int next_arguments(struct quern_cli_reader *reader, quern_text *texts, size_t *count)
{
    for (*count = 0; *count < QUERN_CLI_BATCH && reader->given < reader->total; reader->given++) {
        const char *text = reader->arguments[reader->given];
        texts[(*count)++] = (quern_text){text, strlen(text)};
    }
    return QUERN_CLI_DONE;
}

/* Makes room for READ_BYTES behind what is in the buffer. */
static int make_room(struct quern_cli_reader *reader)
{
    if (reader->capacity - reader->end >= READ_BYTES)
        return QUERN_CLI_DONE;
    size_t capacity = reader->capacity == 0 ? 2 * READ_BYTES : 2 * reader->capacity;
    char *buffer = realloc(reader->buffer, capacity);
    if (buffer == NULL) {
        quern_cli_say("%s: no memory for a text of more than %zu bytes", reader->name, reader->end);
        return QUERN_CLI_FAILED;
    }
    reader->buffer = buffer;
    reader->capacity = capacity;
    return QUERN_CLI_DONE;
}

static int read_more(struct quern_cli_reader *reader)
{
    if (make_room(reader) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    struct pollfd wait = {.fd = reader->descriptor, .events = POLLIN};
    ssize_t got;
    do /* whoever shares the descriptor may have made it one that does not wait */
        got = read(reader->descriptor, reader->buffer + reader->end, READ_BYTES);
    while (got < 0 && (errno == EINTR || (errno == EAGAIN && (poll(&wait, 1, -1) > 0 || errno == EINTR))));
    if (got < 0) {
        quern_cli_say("cannot read %s: %s", reader->name, strerror(errno));
        return QUERN_CLI_FAILED;
    }
    reader->at_end = got == 0;
    reader->end += (size_t)got;
    return QUERN_CLI_DONE;
}

static bool has_more_now(const struct quern_cli_reader *reader)
{
    struct pollfd poll_one = {.fd = reader->descriptor, .events = POLLIN};
    return poll(&poll_one, 1, 0) != 0;
}

int quern_cli_reader_next(struct quern_cli_reader *reader, quern_text texts[QUERN_CLI_BATCH], size_t *count)
{
    if (reader->arguments != NULL)
        return next_arguments(reader, texts, count);
    if (reader->begin > 0) /* keeps what is left of the last read, less than a batch and a text */
        memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
    reader->end -= reader->begin;
    reader->begin = 0;

    size_t lengths[QUERN_CLI_BATCH], searched = 0;
    *count = 0;
    while (*count < QUERN_CLI_BATCH && reader->begin < BATCH_BYTES) {
        size_t unsearched = reader->end - searched;
        char *end = unsearched > 0 ? memchr(reader->buffer + searched, reader->separator, unsearched) : NULL;
        if (end != NULL) {
            lengths[(*count)++] = (size_t)(end - reader->buffer) - reader->begin;
            reader->begin = searched = (size_t)(end - reader->buffer) + 1;
            continue;
        }
        searched = reader->end;
        if (reader->at_end) { /* the last text may lack its separator */
            if (reader->begin < reader->end)
                lengths[(*count)++] = reader->end - reader->begin;
            reader->begin = reader->end;
            break;
        }
        if (reader->end - reader->begin > QUERN_CLI_LONGEST) {
            quern_cli_say("%s: a text is longer than %u MiB", reader->name, QUERN_CLI_LONGEST >> 20);
            return QUERN_CLI_FAILED;
        }
        if (*count > 0 && !has_more_now(reader))
            break;
        if (read_more(reader) != QUERN_CLI_DONE)
            return QUERN_CLI_FAILED;
    }
    const char *data = reader->buffer;
    for (size_t i = 0; i < *count; i++) { /* only now, since the buffer moved as it grew */
        texts[i] = (quern_text){data, lengths[i]};
        data += lengths[i] + 1;
    }
    reader->given += reader->begin;
    return QUERN_CLI_DONE;
}

void quern_cli_reader_close(struct quern_cli_reader *reader)
{
    free(reader->buffer);
    if (reader->descriptor > STDIN_FILENO)
        close(reader->descriptor);
    *reader = (struct quern_cli_reader){.descriptor = -1};
}
