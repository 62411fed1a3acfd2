#include "loop.h"

#include "requests/routes.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE 1024 /* bytes, so that a line is written at once */

static void stamp(char out[static 40])
{
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    const size_t length = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
    snprintf(out + length, 40 - length, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

/* Lines of this process's standard error that were left out. */
static atomic_ullong left_out;

/* Whoever reads the log may have stopped, and must not stop the server with it: a line that does not fit now is left
 * out. A pipe that says it can be written to takes PIPE_BUF bytes at once. */
static void put(struct quern_buffer *line)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    quern_buffer_text(line, "\n");
    const bool is_free = poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
    if (line->failed || line->length > PIPE_BUF || !is_free || write(STDERR_FILENO, line->data, line->length) < 0)
        left_out++;
    quern_buffer_free(line);
}

unsigned long long quern_log_left_out(void)
{
    return left_out;
}

void quern_log(const struct quern_server_options *options, const char *level, const char *format, ...)
{
    char time_text[40], message[LINE];
    struct quern_buffer line = {0};
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    for (char *at = message; *at != '\0'; at++) /* names are the user's, and a line is a line */
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    stamp(time_text);
    if (options->log_json) {
        quern_buffer_print(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time_text, level);
        quern_buffer_string(&line, message);
        quern_buffer_text(&line, "}");
    } else {
        quern_buffer_print(&line, "%s %s %s", time_text, level, message);
    }
    put(&line);
}

static double milliseconds(int64_t from, int64_t to)
{
    return from > 0 && to > from ? (double)(to - from) * 1e-6 : 0;
}

void quern_log_request(const struct quern_request *request, int64_t now_ns)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS"};
    const struct quern_job *job = &request->job;
    const char *method = "-", *path = request->route != NULL ? request->route->path : "-";
    const double total = milliseconds(request->arrived_ns, now_ns);
    const bool computed = !request->submitted; /* else the worker may be writing these times */
    const double queue = computed ? milliseconds(job->submitted_ns, job->started_ns) : 0;
    const double compute = computed ? milliseconds(job->started_ns, job->finished_ns) : 0;
    struct quern_buffer line = {0};
    char time_text[40];
    uint64_t tokens = 0;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(request->head->method, methods[i]) == 0)
            method = methods[i];
    for (size_t i = 0; i < request->tokenized; i++)
        tokens += request->inputs[i].result.tokens;
    stamp(time_text);
    if (request->service->options->log_json) {
        quern_buffer_print(&line,
                           "{\"time\":\"%s\",\"level\":\"info\",\"method\":\"%s\",\"path\":\"%s\",\"status\":%d,"
                           "\"ms\":%.3f,\"queue_ms\":%.3f,\"compute_ms\":%.3f,\"texts\":%zu,\"tokens\":%llu,"
                           "\"bytes\":%zu,\"id\":\"%s\"",
                           time_text, method, path, request->status, total, queue, compute, request->input_count,
                           (unsigned long long)tokens, request->answer.length, request->id);
        if (request->trace[0] != '\0')
            quern_buffer_print(&line, ",\"traceparent\":\"%s\"", request->trace);
        quern_buffer_text(&line, "}");
    } else {
        quern_buffer_print(&line,
                           "%s info %s %s %d %.3fms queue=%.3fms compute=%.3fms texts=%zu tokens=%llu bytes=%zu id=%s",
                           time_text, method, path, request->status, total, queue, compute, request->input_count,
                           (unsigned long long)tokens, request->answer.length, request->id);
        if (request->trace[0] != '\0')
            quern_buffer_print(&line, " traceparent=%s", request->trace);
    }
    put(&line);
}
