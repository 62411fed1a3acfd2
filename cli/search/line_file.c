#include "line_file.h"

#include "text_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads all of a file. */
static char *read_all(FILE *file, size_t *length)
{
    size_t room = 1 << 16, got = 0;
    char *data = malloc(room);
    *length = 0;
    while (data != NULL && (got = fread(data + *length, 1, room - *length, file)) > 0) {
        *length += got;
        if (*length == room) {
            char *more = realloc(data, 2 * room);
            if (more == NULL)
                free(data);
            data = more;
            room *= 2;
        }
    }
    return data;
}

static bool split(struct quern_cli_lines *file, size_t length, char separator)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < length; i++)
        count += file->data[i] == separator;
    file->lines = calloc(count + 1, sizeof *file->lines);
    while (file->lines != NULL && at < length) {
        const char *end = memchr(file->data + at, separator, length - at);
        const size_t next = end != NULL ? (size_t)(end - file->data) : length;
        const quern_text line = {file->data + at, next - at};
        file->lines[file->count++] = separator == '\n' ? quern_jobs_without_end(line) : line;
        at = next + 1;
    }
    return file->lines != NULL;
}

int quern_cli_lines_read(struct quern_cli_lines *file, const char *path, bool null)
{
    FILE *stream = fopen(path, "rbe");
    size_t length;
    *file = (struct quern_cli_lines){.count = 0};
    if (stream == NULL) {
        quern_cli_say("cannot read %s: %s", path, strerror(errno));
        return QUERN_CLI_FAILED;
    }
    file->data = read_all(stream, &length);
    const bool failed = ferror(stream) != 0;
    if (failed)
        quern_cli_say("cannot read %s: %s", path, strerror(errno));
    else if (file->data == NULL || !split(file, length, null ? '\0' : '\n'))
        quern_cli_say("no memory for the lines of %s", path);
    fclose(stream);
    return !failed && file->lines != NULL ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

void quern_cli_lines_free(struct quern_cli_lines *file)
{
    free(file->data);
    free(file->lines);
    *file = (struct quern_cli_lines){.count = 0};
}
