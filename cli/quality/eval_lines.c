#include "eval_lines.h"

#include "not_text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BUFFER_BYTES (1u << 17)

/* A file that may be packed by gzip; NULL with errno. */
static gzFile open_packed(const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    gzFile stream = file >= 0 ? gzdopen(file, "rb") : NULL;
    if (stream == NULL && file >= 0)
        close(file);
    return stream;
}

int quern_eval_lines_open(struct quern_eval_lines *lines, const char *path, bool optional)
{
    struct stat status;
    *lines = (struct quern_eval_lines){0};
    size_t size = strlen(path) + sizeof ".gz";
    lines->path = malloc(size);
    if (lines->path == NULL) {
        quern_cli_say("no memory to read %s", path);
        return QUERN_CLI_FAILED;
    }
    snprintf(lines->path, size, "%s", path);
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        quern_cli_say("cannot read %s: it is a folder; name a file in it, or measure a folder: 'quern eval retrieval'",
                      path);
        quern_eval_lines_close(lines);
        return QUERN_CLI_FAILED;
    }
    lines->stream = open_packed(lines->path);
    if (lines->stream == NULL && errno == ENOENT) {
        snprintf(lines->path, size, "%s.gz", path);
        lines->stream = open_packed(lines->path);
        if (lines->stream == NULL)
            snprintf(lines->path, size, "%s", path);
    }
    const int reason = errno;
    const bool is_missing = reason == ENOENT && lstat(path, &status) != 0; /* no link that leads nowhere */
    if (lines->stream == NULL && !(optional && is_missing)) {
        quern_cli_say("cannot open %s: %s", path, strerror(reason));
        quern_eval_lines_close(lines);
        return QUERN_CLI_FAILED;
    }
    if (lines->stream != NULL)
        gzbuffer(lines->stream, BUFFER_BYTES);
    return QUERN_CLI_DONE;
}

void quern_eval_lines_close(struct quern_eval_lines *lines)
{
    if (lines->stream != NULL)
        gzclose(lines->stream);
    free(lines->line);
    free(lines->path);
    *lines = (struct quern_eval_lines){0};
}

int quern_eval_lines_fail(const struct quern_eval_lines *lines, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    quern_cli_say("%s:%zu: %s", lines->path, lines->number, text);
    return QUERN_CLI_FAILED;
}

/* Reads one more piece of the current line; false at the end of the file or after a failure. */
static bool read_piece(struct quern_eval_lines *lines)
{
    char *larger = lines->line;
    if (lines->capacity - lines->length < 2) {
        size_t capacity = lines->capacity == 0 ? 4096 : 2 * lines->capacity;
        larger = capacity <= QUERN_JOBS_LONGEST ? realloc(lines->line, capacity) : NULL;
        if (larger == NULL)
            return false;
        lines->line = larger;
        lines->capacity = capacity;
    }
    const size_t room = lines->capacity - lines->length;
    const z_off_t before = gztell(lines->stream);
    if (gzgets(lines->stream, lines->line + lines->length, (int)room) == NULL)
        return false;
    lines->length += (size_t)(gztell(lines->stream) - before); /* NUL bytes included */
    return true;
}

/* Takes the mark of UTF-8 (BOM) off the line, as the texts of other verbs lose it. */
static void drop_mark(struct quern_eval_lines *lines)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (strncmp(lines->line, mark, sizeof mark - 1) != 0)
        return;
    lines->length -= sizeof mark - 1;
    memmove(lines->line, lines->line + sizeof mark - 1, lines->length + 1);
}

/* Refuses a first line that begins a file of another kind. */
static int check_first_line(struct quern_eval_lines *lines)
{
    const struct quern_jobs_not_text *found = quern_jobs_recognise(lines->line, lines->length, lines->length);
    if (found == NULL)
        found = quern_jobs_recognise_ends(lines->line, lines->length);
    return found == NULL ? QUERN_CLI_DONE
                         : quern_eval_lines_fail(lines, "this is not lines of text, but %s: %s", found->what,
                                                 found->way_out);
}

int quern_eval_lines_next(struct quern_eval_lines *lines)
{
    for (;;) {
        lines->length = 0;
        lines->number++;
        while (read_piece(lines) && lines->line[lines->length - 1] != '\n')
            ;
        int failure;
        const char *message = gzerror(lines->stream, &failure);
        if (failure != Z_OK && failure != Z_STREAM_END) {
            const char *behind = strchr(message, ' '); /* the number of the descriptor: "<fd:3>: " */
            quern_eval_lines_fail(lines, "cannot read it: %s", failure == Z_ERRNO ? strerror(errno)
                                                               : behind != NULL  ? behind + 1
                                                                                 : message);
            return -1;
        }
        bool complete = lines->length > 0 && lines->line[lines->length - 1] == '\n';
        if (!complete && !gzeof(lines->stream)) {
            quern_eval_lines_fail(lines, "the line is longer than %u MiB", QUERN_JOBS_LONGEST >> 20);
            return -1;
        }
        if (lines->length == 0)
            return 0;
        if (lines->number == 1 && check_first_line(lines) != QUERN_CLI_DONE)
            return -1;
        drop_mark(lines);
        if (strlen(lines->line) != lines->length) {
            quern_eval_lines_fail(lines, "there is a NUL byte in the line");
            return -1;
        }
        while (lines->length > 0 && strchr("\r\n", lines->line[lines->length - 1]) != NULL)
            lines->line[--lines->length] = '\0';
        if (lines->length > 0) {
            lines->given++;
            return 1;
        }
    }
}

json_t *quern_eval_lines_object(const struct quern_eval_lines *lines)
{
    json_error_t error;
    json_t *object = json_loadb(lines->line, lines->length, JSON_REJECT_DUPLICATES, &error);
    if (object != NULL && json_is_object(object))
        return object;
    if (object == NULL)
        quern_eval_lines_fail(lines, "this is not JSON: %s", error.text);
    else
        quern_eval_lines_fail(lines, "this is not a JSON object");
    json_decref(object);
    return NULL;
}

size_t quern_eval_lines_split(struct quern_eval_lines *lines, bool spaces, char **fields, size_t count)
{
    const char *separators = spaces ? " \t" : "\t";
    size_t found = 0;
    char *at = lines->line;
    for (;;) {
        if (spaces)
            at += strspn(at, separators);
        if (spaces && *at == '\0')
            return found;
        if (found < count)
            fields[found] = at;
        found++;
        at += strcspn(at, separators);
        if (*at == '\0')
            return found;
        *at++ = '\0';
    }
}

const json_t *quern_eval_value(const json_t *object, const char *const *keys)
{
    const json_t *value = NULL;
    for (; *keys != NULL && value == NULL; keys++)
        value = json_object_get(object, *keys);
    return value;
}

char *quern_eval_string(const json_t *value)
{
    if (json_is_string(value))
        return strdup(json_string_value(value));
    char digits[32];
    if (!json_is_integer(value))
        return NULL;
    snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
    return strdup(digits);
}

bool quern_eval_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

/* A number with a comma, or NaN, would be lost without a word if it were taken for a header. */
bool quern_eval_is_header(const struct quern_eval_lines *lines, const char *field)
{
    char *end;
    strtod(field, &end);
    return lines->given == 1 && strchr("+-.0123456789 ", field[0]) == NULL && *end != '\0';
}
