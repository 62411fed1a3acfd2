#include "guard.h"

#include "array_count.h"
#include "requests/routes.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define FIELD_NAMES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, "

/* Whether text[length] is an IP address as it stands in Host, with IPv6 in brackets. */
static bool is_address(const char *text, size_t length)
{
    char copy[64];
    unsigned char address[16];
    const bool is_six = length > 2 && text[0] == '[' && text[length - 1] == ']';
    if (is_six)
        text++, length -= 2;
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return inet_pton(is_six ? AF_INET6 : AF_INET, copy, address) == 1;
}

/* With keys, or on a unix socket, which browsers cannot reach, any Host is good. Else it must be an IP address, which
 * nobody can make point here, or a name of this server. */
static bool check_host(const struct quern_server *server, struct quern_request *request)
{
    const char *host = quern_head_find(request->head, "host");
    if (server->is_unix || server->keys.count > 0 || host == NULL)
        return true;
    const char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
    const size_t length = colon != NULL && (bracket == NULL || colon > bracket) ? (size_t)(colon - host) : strlen(host);
    if (is_address(host, length) || (length == 9 && strncasecmp(host, "localhost", 9) == 0) ||
        quern_hosts_have(&server->hosts, host, length))
        return true;
    return quern_refuse(request, QUERN_FAULT_FORBIDDEN, NULL,
                        "the name in Host is not known here; if it is this server's, start it with --allowed-hosts");
}

/* Whether pages of this origin come from this server. */
static bool is_same_origin(const struct quern_request *request, const char *origin)
{
    const char *host = quern_head_find(request->head, "host"), *after = strstr(origin, "://");
    return host != NULL && after != NULL && strcasecmp(after + 3, host) == 0;
}

/* Checks which site's page sends the request, if one does. Adds the fields that let the page read the answer. */
static bool check_origin(const struct quern_server *server, struct quern_request *request,
                         struct quern_answer *answer)
{
    const char *origin = quern_head_find(request->head, "origin");
    if (origin == NULL || is_same_origin(request, origin))
        return true;
    if (!quern_origins_have(&server->origins, origin))
        return quern_refuse(request, QUERN_FAULT_FORBIDDEN, NULL,
                            "pages of this origin may not use this server; to allow them, start it with --cors-origin");
    quern_buffer_print(&answer->fields, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n"
                       "Access-Control-Expose-Headers: X-Request-Id, X-Quern-Space, X-Quern-Task, "
                       "X-Quern-Tokens, X-Quern-Truncated, Retry-After\r\n", server->origins.any ? "*" : origin);
    return true;
}

/* A browser asks first whether a page may send a request (preflight). Any fields are allowed; the key decides later.
 * False: the request is another one. */
static bool answer_preflight(const struct quern_request *request, struct quern_answer *answer)
{
    const char *fields = quern_head_find(request->head, "access-control-request-headers");
    if (strcmp(request->head->method, "OPTIONS") != 0 || answer->fields.length == 0 ||
        quern_head_find(request->head, "access-control-request-method") == NULL)
        return false;
    answer->status = 204;
    quern_buffer_text(&answer->fields, "Access-Control-Allow-Methods: GET, POST\r\nAccess-Control-Max-Age: 600\r\n");
    if (fields != NULL && strspn(fields, FIELD_NAMES) == strlen(fields))
        quern_buffer_print(&answer->fields, "Access-Control-Allow-Headers: %s\r\n", fields);
    return true;
}

static bool check_key(const struct quern_server *server, struct quern_request *request)
{
    const char *bearer = quern_head_find(request->head, "authorization");
    const char *key = quern_head_find(request->head, "x-api-key");
    if (server->keys.count == 0 || request->route->kind == QUERN_ROUTE_PUBLIC)
        return true;
    if (bearer != NULL && strncasecmp(bearer, "Bearer ", 7) == 0)
        key = bearer + 7 + strspn(bearer + 7, " ");
    if (key == NULL)
        key = quern_head_find(request->head, "api-key");
    if (quern_keys_have(&server->keys, key))
        return true;
    return quern_refuse(request, QUERN_FAULT_KEY, NULL, key != NULL ? "the API key is not one of this server's"
                        : "this server needs an API key: send it as Authorization: Bearer KEY");
}

/* Refuses a body that is compressed, and tells that others are welcome (RFC 9110, 15.5.16). Clients write the name of
 * a charset there, too, and servers look past it. */
static bool check_encoding(struct quern_request *request, struct quern_answer *answer)
{
    static const char *const codings[] = {"gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"},
                      *const none[] = {"", "identity", "utf-8", "utf8"};
    const char *encoding = quern_head_find(request->head, "content-encoding");
    bool is_compressed = false;
    for (size_t i = 0; encoding != NULL && i < QUERN_COUNT(none); i++)
        if (strcasecmp(encoding, none[i]) == 0)
            encoding = NULL;
    if (encoding == NULL)
        return true;
    for (size_t i = 0; i < QUERN_COUNT(codings); i++)
        is_compressed |= strcasecmp(encoding, codings[i]) == 0;
    quern_buffer_text(&answer->fields, "Accept-Encoding: identity\r\n");
    return quern_refuse(request, QUERN_FAULT_TYPE, NULL, is_compressed
                        ? "the body is compressed (Content-Encoding): send it as it is, without this header"
                        : "Content-Encoding names a coding that is not known here: send JSON in UTF-8 as it is, "
                          "without this header");
}

/* Checks what the head says of the body. */
static bool check_body(const struct quern_server *server, struct quern_request *request, struct quern_answer *answer)
{
    const struct quern_head *head = request->head;
    if (head->has_length && head->length > (uint64_t)server->options->max_body)
        return quern_refuse(request, QUERN_FAULT_BODY, NULL,
                            "the body has %llu bytes, a request may have %d: send fewer texts at once",
                            (unsigned long long)head->length, server->options->max_body);
    if (request->route == NULL || request->route->parse == NULL)
        return true;
    if (!head->has_length && !head->chunked)
        return quern_refuse(request, QUERN_FAULT_NO_LENGTH, NULL,
                            "the request has neither Content-Length nor a body in chunks");
    return check_encoding(request, answer);
}

/* Refuses a head that could not be read, and says why. */
static bool refuse_head(const struct quern_server *server, struct quern_request *request, int status)
{
    const enum quern_fault fault = quern_status_fault(status);
    switch (status) {
    case 408:
        return quern_refuse(request, fault, NULL, "the head of the request did not arrive within %g seconds",
                            server->options->read_timeout);
    case 414:
        return quern_refuse(request, fault, NULL, "the first line of the request has more than %d bytes",
                            QUERN_HEAD_BYTES);
    case 417:
        return quern_refuse(request, fault, NULL, "Expect may only be 100-continue");
    case 431:
        return quern_refuse(request, fault, NULL, "the head of the request is too large: it may have %d bytes and %d "
                            "fields", QUERN_HEAD_BYTES, QUERN_HEAD_FIELDS);
    case 501:
        return quern_refuse(request, fault, NULL, "Transfer-Encoding may only be chunked");
    case 503:
        return quern_refuse(request, fault, NULL, "the server has no memory or connection left; try again soon");
    case 505:
        return quern_refuse(request, fault, NULL, "the version of HTTP may only be 1.1 or 1.0");
    default:
        return quern_refuse(request, fault, NULL, "the request is not valid HTTP/1.1: %s", request->head->problem);
    }
}

/* Answers "OPTIONS *", which asks about the server as a whole. False: the request is another one. */
static bool answer_options(const struct quern_request *request, struct quern_answer *answer)
{
    if (strcmp(request->head->path, "*") != 0)
        return false;
    answer->status = 204;
    quern_buffer_text(&answer->fields, "Allow: GET, HEAD, POST, OPTIONS\r\n");
    return true;
}

bool quern_guard(struct quern_server *server, struct quern_request *request, struct quern_answer *answer, int status)
{
    if (status != 0)
        return refuse_head(server, request, status);
    if (!check_host(server, request) || !check_origin(server, request, answer))
        return false;
    const bool has_no_route = answer_preflight(request, answer) || answer_options(request, answer);
    if (!has_no_route && (!quern_route_find(request) || !check_key(server, request)))
        return false;
    if (server->service.draining && (has_no_route || request->route->kind != QUERN_ROUTE_PUBLIC))
        return quern_refuse(request, QUERN_FAULT_DRAINING, NULL, "the server is about to end; try again soon");
    quern_residents_examine(server);
    return check_body(server, request, answer);
}
