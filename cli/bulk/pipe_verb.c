/* JSON lines to JSON lines: each object gets a member with the vector of its text. */
#include "arguments.h"
#include "jobs_error.h"
#include "json_members.h"
#include "json_reader.h"
#include "json_text.h"
#include "store/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pipe_options {
    struct quern_cli_session_options session;
    quern_embed_options embed;
    const char *text; /* the name of the member */
};

enum { MOST_PROBLEM = 256 };

/* A line, and why it gets no vector. */
struct pipe_line {
    quern_text object;          /* as it is written; length 0: the line is none */
    char problem[MOST_PROBLEM]; /* "": it has a text */
};

struct pipe {
    const char *member;
    struct quern_cli_session session;
    quern_embed_options embed;
    struct quern_jobs_stream stream;
    struct pipe_line lines[QUERN_JOBS_BATCH];
    size_t count;
    quern_text texts[QUERN_JOBS_BATCH]; /* of the lines that have one */
    size_t text_count;
    char *memory; /* [capacity]: the lines again, with the texts as they are meant */
    size_t capacity;
    float *rows;  /* [QUERN_JOBS_BATCH][dimensions] */
    int dimensions;
    quern_result results[QUERN_JOBS_BATCH];
};

/* ---------------------------------------------------------------- reading */

static bool is_blank(quern_text line)
{
    size_t i = 0;
    while (i < line.length && (line.data[i] == ' ' || line.data[i] == '\t'))
        i++;
    return i == line.length;
}

/* Reads a line, number `number` of the input. copy: its bytes, which are read in place. */
static void read_line(struct pipe *pipe, quern_text written, char *copy, uint64_t number)
{
    const char *const names[] = {pipe->member, NULL};
    struct pipe_line *line = &pipe->lines[pipe->count++];
    struct quern_json_reader reader;
    *line = (struct pipe_line){.problem = ""};
    const struct quern_value *value = quern_json_read_whole(&reader, names, copy, written.length);
    const quern_text text = quern_value_text(quern_value_member(value, pipe->member));
    if (quern_value_is(value, QUERN_VALUE_OBJECT))
        line->object = written;
    if (value == NULL && reader.fault == QUERN_JSON_LIMIT)
        snprintf(line->problem, MOST_PROBLEM, "line %llu is not read: %s", (unsigned long long)number, reader.problem);
    else if (value == NULL)
        snprintf(line->problem, MOST_PROBLEM, "line %llu is not JSON: %s", (unsigned long long)number, reader.problem);
    else if (line->object.length == 0)
        snprintf(line->problem, MOST_PROBLEM, "line %llu is %s, not a JSON object", (unsigned long long)number,
                 quern_value_kind_name(value));
    else if (text.data == NULL)
        snprintf(line->problem, MOST_PROBLEM, "its '%.100s' is %s, not a string", pipe->member,
                 quern_value_kind_name(quern_value_member(value, pipe->member)));
    else
        pipe->texts[pipe->text_count++] = text;
    quern_json_reader_free(&reader); /* the text stays in the copy */
}

static int make_room(struct pipe *pipe, size_t bytes, quern_error *error)
{
    if (bytes <= pipe->capacity)
        return QUERN_OK;
    free(pipe->memory);
    pipe->capacity = bytes + bytes / 2;
    pipe->memory = malloc(pipe->capacity);
    return pipe->memory != NULL ? QUERN_OK
                                : quern_jobs_fail(error, QUERN_ENOMEM, "no memory for lines of %zu bytes", bytes);
}

/* Reads the lines that are there, and waits for the first one only. *is_end: there are none. */
static int read_batch(struct pipe *pipe, bool *is_end, quern_error *error)
{
    struct quern_jobs_texts batch;
    size_t need = 0, used = 0;
    int code = pipe->stream.source.next(&pipe->stream.source, &batch, error);
    if (code != QUERN_OK)
        return code;
    *is_end = batch.count == 0;
    pipe->count = pipe->text_count = 0;
    for (size_t i = 0; i < batch.count; i++)
        need += batch.texts[i].length;
    code = make_room(pipe, need, error);
    if (code != QUERN_OK)
        return code;
    for (size_t i = 0; i < batch.count; i++) {
        const quern_text line = batch.texts[i];
        if (is_blank(line))
            continue;
        memcpy(pipe->memory + used, line.data, line.length);
        read_line(pipe, line, pipe->memory + used, batch.first + i + 1);
        used += line.length;
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- writing */

/* Writes the members of an object that are not the output's own. */
static void put_members(quern_text object)
{
    struct quern_json_member member;
    for (size_t at = 0; quern_json_next_member(object, &at, &member);) {
        const bool is_own = (member.name.length == 9 && memcmp(member.name.data, "embedding", 9) == 0) ||
                            (member.name.length == 5 && memcmp(member.name.data, "error", 5) == 0);
        if (!is_own)
            printf("\"%.*s\":%.*s,", (int)member.name.length, member.name.data, (int)member.value.length,
                   member.value.data);
    }
}

static void put_line(const struct pipe_line *line, const float *row, int dimensions, const char *problem)
{
    putchar('{');
    put_members(line->object);
    if (problem[0] != '\0') {
        fputs("\"error\":", stdout);
        quern_json_put_string(stdout, (quern_text){problem, strlen(problem)});
    } else {
        fputs("\"embedding\":", stdout);
        for (int i = 0; i < dimensions; i++) {
            putchar(i == 0 ? '[' : ',');
            quern_json_put_float(stdout, row[i]);
        }
        putchar(']');
    }
    puts("}");
}

static int write_batch(struct pipe *pipe, quern_error *error)
{
    const size_t width = (size_t)pipe->dimensions;
    for (size_t i = 0, text = 0; i < pipe->count; i++) {
        quern_error reason = {.code = QUERN_OK};
        const struct pipe_line *line = &pipe->lines[i];
        if (line->problem[0] != '\0') {
            put_line(line, NULL, 0, line->problem);
            continue;
        }
        float *row = pipe->rows + text * width;
        if (pipe->results[text].code != QUERN_OK) /* embeds it again, to find out in words why not */
            quern_embed(pipe->session.context, &pipe->texts[text], 1, &pipe->embed, row, width, NULL, &reason);
        put_line(line, row, pipe->dimensions, reason.code != QUERN_OK ? reason.text : "");
        text++;
    }
    if (fflush(stdout) == 0 && !ferror(stdout))
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EIO, "cannot write to standard output: %s", strerror(errno));
}

/* ---------------------------------------------------------------- the verb */

static int embed_lines(struct pipe *pipe, quern_error *error)
{
    const size_t width = (size_t)pipe->dimensions;
    for (;;) {
        bool is_end;
        int code = read_batch(pipe, &is_end, error);
        if (code != QUERN_OK || is_end)
            return code;
        code = pipe->text_count == 0 ? QUERN_OK
                                     : quern_embed(pipe->session.context, pipe->texts, pipe->text_count, &pipe->embed,
                                                   pipe->rows, pipe->text_count * width, pipe->results, error);
        if (code != QUERN_OK && error->index < 0) /* no text is at fault */
            return code;
        code = write_batch(pipe, error);
        if (code != QUERN_OK)
            return code;
    }
}

static int open_pipe(struct pipe *pipe, const struct pipe_options *given, quern_error *error)
{
    quern_cli_say_unprompted(&pipe->session, &given->embed);
    quern_cli_set_task(&pipe->session, &pipe->embed, QUERN_TASK_NONE);
    pipe->dimensions = quern_cli_dimensions(&pipe->session, &pipe->embed);
    pipe->rows = calloc(QUERN_JOBS_BATCH * (size_t)pipe->dimensions, sizeof *pipe->rows);
    if (pipe->rows == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %d vectors", QUERN_JOBS_BATCH);
    return quern_jobs_stream_open(&pipe->stream, NULL, '\n', error);
}

static int pipe_lines(const void *options, struct quern_cli_arguments arguments)
{
    const struct pipe_options *given = options;
    struct pipe pipe = {.member = given->text, .embed = given->embed};
    quern_error error;
    if (arguments.count > 0)
        return quern_cli_misuse("pipe", "it takes no arguments: the lines come from standard input");
    int code = quern_cli_session_open(&pipe.session, &given->session);
    if (code == QUERN_CLI_DONE &&
        (open_pipe(&pipe, given, &error) != QUERN_OK || embed_lines(&pipe, &error) != QUERN_OK))
        code = quern_cli_fail(NULL, &error);
    quern_jobs_stream_close(&pipe.stream);
    free(pipe.memory);
    free(pipe.rows);
    quern_cli_session_close(&pipe.session);
    return code;
}

static struct pipe_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS, .text = "text"};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct pipe_options),
    QUERN_CLI_AS_OPTION(struct pipe_options),
    QUERN_CLI_TASK_OPTION(struct pipe_options, embed.task),
    QUERN_CLI_PROMPT_OPTION(struct pipe_options),
    QUERN_CLI_DIMENSIONS_OPTION(struct pipe_options),
    {"text", '\0', "COL", "the member of an object that is the text (text)", QUERN_CLI_TEXT(struct pipe_options, text)},
    QUERN_CLI_TRUNCATE_OPTION(struct pipe_options),
    QUERN_CLI_THREADS_OPTION(struct pipe_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct pipe_options),
    QUERN_CLI_CONTEXT_OPTION(struct pipe_options),
    QUERN_CLI_PARSE_SPECIAL_OPTION(struct pipe_options),
    {0},
};

const struct quern_cli_verb quern_cli_pipe = {
    .name = "pipe",
    .summary = "Reads JSON lines, and prints each object again with the vector of its text, in order.",
    .table = table,
    .more = "Standard input has an object in each line. It is printed with its members and \"embedding\", or with\n"
            "\"error\" and the reason when its text cannot be embedded. Lines are answered as soon as no more input\n"
            "is waiting. Empty lines are left out.\n\n"
            "example:\n"
            "  parallel --pipe quern pipe -t document --threads 1 <docs.jsonl >vectors.jsonl\n",
    .options = &defaults,
    .run = pipe_lines,
};
