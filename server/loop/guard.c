/* Who may ask. A page of another site can make a browser send requests here, even to loopback: it then shows in Origin,
 * or, when the site's name was made to point here, in Host. */
#include "loop.h"

#include "requests/routes.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define FIELD_NAMES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, "

/* Whether name[length] is one of a list with commas. */
static bool is_listed(const char *list, const char *name, size_t length)
{
    for (const char *part = list != NULL ? list : ""; *part != '\0';) {
        const size_t size = strcspn(part, ",");
        if (size == length && strncasecmp(part, name, length) == 0)
            return true;
        part += size + (part[size] == ',');
    }
    return false;
}

/* Whether text[length] is an IP address, as Host has it: IPv6 in brackets. */
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

/* Keys protect by themselves, and a unix socket is out of a browser's reach. Else Host has to be an address, which
 * nobody can point elsewhere, or a name of ours. */
static bool check_host(struct quern_server *server, struct quern_request *request)
{
    const char *host = quern_head_find(request->head, "host");
    if (server->is_unix || server->keys.count > 0 || host == NULL)
        return true;
    const char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
    const size_t length = colon != NULL && (bracket == NULL || colon > bracket) ? (size_t)(colon - host) : strlen(host);
    if (is_address(host, length) || (length == 9 && strncasecmp(host, "localhost", 9) == 0) ||
        is_listed(server->options->allowed_hosts, host, length))
        return true;
    return quern_refuse(request, QUERN_FAULT_FORBIDDEN, NULL,
                        "this server does not go by the name in Host; if it does, start it with --allowed-hosts");
}

/* Whether a page of this origin was served by us. */
static bool is_same_origin(const struct quern_request *request, const char *origin)
{
    const char *host = quern_head_find(request->head, "host"), *after = strstr(origin, "://");
    return host != NULL && after != NULL && strcasecmp(after + 3, host) == 0;
}

static bool check_origin(struct quern_server *server, struct quern_request *request)
{
    const char *origin = quern_head_find(request->head, "origin"), *allowed = server->options->cors_origins;
    if (origin == NULL || is_same_origin(request, origin))
        return true;
    const bool any = allowed != NULL && strcmp(allowed, "*") == 0;
    if (!any && !is_listed(allowed, origin, strlen(origin)))
        return quern_refuse(request, QUERN_FAULT_FORBIDDEN, NULL,
                            "pages of this origin may not ask; to let them, start the server with --cors-origin");
    quern_buffer_print(&request->fields, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n"
                       "Access-Control-Expose-Headers: X-Request-Id, X-Quern-Space, "
                       "X-Quern-Tokens, X-Quern-Truncated, Retry-After\r\n", any ? "*" : origin);
    return true;
}

/* A browser's question before it lets a page ask: what it wants to send is allowed, the key decides later. */
static bool answer_preflight(struct quern_request *request)
{
    const char *fields = quern_head_find(request->head, "access-control-request-headers");
    if (strcmp(request->head->method, "OPTIONS") != 0 || request->fields.length == 0 ||
        quern_head_find(request->head, "access-control-request-method") == NULL)
        return false;
    request->status = 204;
    quern_buffer_text(&request->fields, "Access-Control-Allow-Methods: GET, POST\r\nAccess-Control-Max-Age: 600\r\n");
    if (fields != NULL && strspn(fields, FIELD_NAMES) == strlen(fields))
        quern_buffer_print(&request->fields, "Access-Control-Allow-Headers: %s\r\n", fields);
    return true;
}

static bool check_key(const struct quern_server *server, struct quern_request *request)
{
    const char *bearer = quern_head_find(request->head, "authorization");
    const char *key = quern_head_find(request->head, "x-api-key");
    if (server->keys.count == 0 || request->route->is_public)
        return true;
    if (bearer != NULL && strncasecmp(bearer, "Bearer ", 7) == 0)
        key = bearer + 7 + strspn(bearer + 7, " ");
    if (key == NULL)
        key = quern_head_find(request->head, "api-key");
    if (quern_keys_have(&server->keys, key))
        return true;
    return quern_refuse(request, QUERN_FAULT_KEY, NULL, key != NULL ? "the API key is not one of this server's"
                        : "this server wants an API key: send it as Authorization: Bearer KEY");
}

bool quern_guard(struct quern_server *server, struct quern_request *request)
{
    if (!check_host(server, request) || !check_origin(server, request))
        return false;
    if (answer_preflight(request))
        return true;
    return quern_route_find(request) && check_key(server, request);
}
