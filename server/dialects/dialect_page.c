/* The page, for browsers, and openapi.json: files that are built into the program. */
#include "array_count.h"
#include "page/page.h"
#include "requests/accept.h"
#include "requests/dialect.h"

#include <string.h>

/* At "/" only a client that likes HTML best gets the page; others get another dialect. */
static bool wants(const struct quern_request *request)
{
    static const char *const types[] = {"text/plain", "text/html"};
    return strcmp(request->path, "/") != 0 || quern_accept_best(request->head, types, (int)QUERN_COUNT(types)) == 1;
}

/* Whether the client has the current file already. */
static bool is_known(const struct quern_request *request, const struct quern_page_file *file)
{
    const char *known = quern_head_find(request->head, "if-none-match");
    return known != NULL && (strcmp(known, "*") == 0 || strstr(known, file->etag) != NULL);
}

static void write_file(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const struct quern_page_file *file = quern_page_find(request->path);
    (void)job;
    if (file == NULL) {
        quern_refuse(request, QUERN_FAULT_ROUTE, NULL, QUERN_NO_PATH);
        return;
    }
    quern_buffer_print(&answer->fields,
                       "ETag: %s\r\nCache-Control: no-cache\r\nVary: Accept\r\nContent-Security-Policy: %s\r\n"
                       "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n",
                       file->etag, QUERN_PAGE_POLICY);
    answer->type = file->type;
    if (is_known(request, file))
        answer->status = 304;
    else
        quern_buffer_add(&answer->body, file->bytes, file->size);
}

static const struct quern_route routes[] = {
    {"GET", "/", QUERN_ROUTE_PUBLIC, NULL, write_file, NULL},
    {"GET", "/page/*", QUERN_ROUTE_PUBLIC, NULL, write_file, NULL},
    {"GET", "/openapi.json", QUERN_ROUTE_PUBLIC, NULL, write_file, NULL},
};

const struct quern_dialect quern_dialect_page = {.prefix = "/page/", .routes = routes,
                                                 .route_count = QUERN_COUNT(routes),
                                                 .wants = wants, .write_error = quern_answer_put_error};
