#include "log.h"

#include "array_count.h"
#include "requests/dialect.h"
#include "steps/server_clock.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
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

/* A reader of the log may have stopped, and must not stop the server too. So a line that cannot be written at once is
 * left out. A pipe that is ready for writing takes PIPE_BUF bytes at once. */
static void put(struct quern_service *service, struct quern_buffer *line)
{
    static const char no_memory[] = "{\"level\":\"error\",\"message\":\"there is no memory for a line of the log\"}\n";
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    quern_buffer_text(line, "\n");
    const char *text = line->failed ? no_memory : line->data;
    const size_t length = line->failed ? sizeof no_memory - 1 : line->length;
    const bool is_free = poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
    if (length > PIPE_BUF || !is_free || write(STDERR_FILENO, text, length) != (ssize_t)length)
        atomic_fetch_add(&service->lost_log_lines, 1);
    quern_buffer_free(line);
}

void quern_log(struct quern_service *service, const char *level, const char *format, ...)
{
    char time_text[40], message[LINE];
    struct quern_buffer line = {0};
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    for (char *at = message; *at != '\0'; at++) /* names may hold any byte */
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    stamp(time_text);
    if (service->options->log_json) {
        quern_buffer_print(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time_text, level);
        quern_buffer_string(&line, message);
        quern_buffer_text(&line, "}");
    } else {
        quern_buffer_print(&line, "%s %s %s", time_text, level, message);
    }
    put(service, &line);
}

void quern_log_shortage(struct quern_service *service, const char *what)
{
    static const int64_t often = INT64_C(10) * 1000 * 1000 * 1000;
    const int64_t now = quern_clock_ns();
    if (service->shortage_ns > 0 && now - service->shortage_ns < often) {
        service->shortages++;
        return;
    }
    if (service->shortages > 0)
        quern_log(service, "warn", "%s (and %lu more refusals since the last line like this)", what,
                  service->shortages);
    else
        quern_log(service, "warn", "%s", what);
    service->shortage_ns = now;
    service->shortages = 0;
}

static double milliseconds(int64_t from, int64_t to)
{
    return from > 0 && to > from ? (double)(to - from) * 1e-6 : 0;
}

void quern_log_request(const struct quern_request *request, const struct quern_job *job,
                       const struct quern_answer *answer, int64_t now_ns)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS"};
    const char *method = "-", *path = request->route != NULL ? request->route->path : "-";
    const double total = milliseconds(request->arrived_ns, now_ns);
    const double queue = job != NULL ? milliseconds(job->submitted_ns, job->started_ns) : 0;
    const double compute = job != NULL ? milliseconds(job->started_ns, job->finished_ns) : 0;
    const bool is_json = request->service->options->log_json;
    struct quern_buffer line = {0};
    char time_text[40];
    for (size_t i = 0; i < QUERN_COUNT(methods); i++)
        if (strcmp(request->head->method, methods[i]) == 0)
            method = methods[i];
    stamp(time_text);
    quern_buffer_print(&line,
                       is_json ? "{\"time\":\"%s\",\"level\":\"info\",\"method\":\"%s\",\"path\":\"%s\","
                                 "\"status\":%d,\"ms\":%.3f,\"queue_ms\":%.3f,\"compute_ms\":%.3f,\"texts\":%zu,"
                                 "\"tokens\":%zu,\"bytes\":%zu,\"id\":\"%s\""
                               : "%s info %s %s %d %.3fms queue=%.3fms compute=%.3fms texts=%zu tokens=%zu bytes=%zu "
                                 "id=%s",
                       time_text, method, path, answer->status, total, queue, compute, request->input_count,
                       request->token_count, answer->body.length, request->id);
    if (request->trace[0] != '\0')
        quern_buffer_print(&line, is_json ? ",\"traceparent\":\"%s\"" : " traceparent=%s", request->trace);
    quern_buffer_text(&line, is_json ? "}" : "");
    put(request->service, &line);
}
