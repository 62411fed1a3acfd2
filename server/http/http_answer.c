#include "http_answer.h"

#include "array_count.h"

#include <time.h>

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } table[] = {{200, "OK"},
                 {204, "No Content"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {411, "Length Required"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {415, "Unsupported Media Type"},
                 {417, "Expectation Failed"},
                 {422, "Unprocessable Content"},
                 {424, "Failed Dependency"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        if (table[i].status == status)
            return table[i].reason;
    return "Answer";
}

bool quern_status_has_content(int status)
{
    return status != 204 && status != 304;
}

void quern_answer_head_put(struct quern_buffer *out, const struct quern_answer_head *head)
{
    const time_t now = time(NULL);
    char date[64];
    struct tm tm;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    quern_buffer_print(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nX-Request-Id: %s\r\n", head->status, reason(head->status),
                       date, head->id);
    if (quern_status_has_content(head->status))
        quern_buffer_print(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", head->type, head->length);
    quern_buffer_add(out, head->fields.data, head->fields.length);
    quern_buffer_print(out, "Connection: %s\r\n", head->closes ? "close" : "keep-alive");
    if (!head->closes && head->idle_seconds > 0)
        quern_buffer_print(out, "Keep-Alive: timeout=%d\r\n", head->idle_seconds);
    quern_buffer_text(out, "\r\n");
}
