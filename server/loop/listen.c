#include "listen.h"

#include "connection.h"
#include "log.h"
#include "steps/failure.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef QUERN_STATIC
#include <nss.h>
#endif

#define BACKLOG 512

static int fail(quern_error *error, int code, const char *host, const char *reason)
{
    return quern_server_fail(error, code, "cannot listen on %.120s: %s", host, reason);
}

/* ---------------------------------------------------------------- accepting */

static void pause_accepting(struct quern_server *server)
{
    static const struct timeval soon = {1, 0};
    evconnlistener_disable(server->listener);
    event_add(server->resume, &soon);
}

/* At the limit of connections the one that has been idle for the longest time is closed, but none whose first request
 * may still be on its way: its client would see a connection that ends without an answer. When none is idle, the next
 * client waits in the kernel until a connection closes; each of them then closes after its answer. When none has closed
 * for a second, some more connections are accepted, only to tell them so. */
static void on_accept(struct evconnlistener *listener, evutil_socket_t descriptor, struct sockaddr *address, int length,
                      void *argument)
{
    struct quern_server *server = argument;
    const int *open = &server->service.load.connections, most = server->most_connections;
    (void)listener;
    (void)address;
    (void)length;
    if (*open + 1 >= most)
        quern_connections_close_idle(server);
    const bool is_surplus = *open >= most;
    quern_connection_open(server, descriptor, is_surplus);
    const bool is_full = *open >= most && !quern_connections_have_idle(server);
    if (is_full && (!is_surplus || *open >= most + QUERN_SURPLUS))
        pause_accepting(server);
}

/* There is no descriptor left, or no memory: accepts again when a connection closes, or after a second. The limit of
 * descriptors may have been lowered since the start. */
static void on_accept_error(struct evconnlistener *listener, void *argument)
{
    struct quern_server *server = argument;
    const int error = EVUTIL_SOCKET_ERROR(), open = server->service.load.connections;
    char what[128];
    (void)listener;
    snprintf(what, sizeof what, "cannot accept a connection beside %d others: %s", open,
             evutil_socket_error_to_string(error));
    quern_log_shortage(&server->service, what);
    if (error == EMFILE && open < server->most_connections + QUERN_SURPLUS)
        server->most_connections = open > QUERN_SURPLUS ? open - QUERN_SURPLUS : 1;
    if (!quern_connections_close_idle(server))
        pause_accepting(server);
}

/* ---------------------------------------------------------------- opening */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static int check_openness(const struct quern_server *server, const struct sockaddr *address, quern_error *error)
{
    if (is_loopback(address) || server->keys.count > 0 || server->options->insecure)
        return QUERN_OK;
    return fail(error, QUERN_EINVAL, server->options->host, "other machines could reach it, and there is no API "
                "key; set --api-key-file or QUERN_API_KEY, or allow it with --insecure");
}

static int fail_to_bind(const struct quern_server *server, quern_error *error)
{
    char reason[192];
    const int port = server->options->port, number = EVUTIL_SOCKET_ERROR();
    const char *what = evutil_socket_error_to_string(number);
    if (server->is_unix)
        return fail(error, QUERN_EIO, server->options->host, number != EADDRINUSE ? what :
                    "a file is there, or the socket of a server that runs; name another path");
    snprintf(reason, sizeof reason, "port %d: %s%s", port, what,
             number == EADDRINUSE ? "; choose another with --port" : "");
    return fail(error, QUERN_EIO, server->options->host, reason);
}

static int open_listener(struct quern_server *server, const struct sockaddr *address, socklen_t length,
                         quern_error *error)
{
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | (server->is_unix ? 0u : LEV_OPT_REUSEABLE);
    server->listener = evconnlistener_new_bind(server->base, on_accept, server, flags, BACKLOG, address, (int)length);
    if (server->listener == NULL)
        return fail_to_bind(server, error);
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    return QUERN_OK;
}

/* Removes a socket that nobody listens on any more: it would prevent a restart. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    const evutil_socket_t probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return;
    if (connect(probe, (const struct sockaddr *)(const void *)address, sizeof *address) != 0 &&
        EVUTIL_SOCKET_ERROR() == ECONNREFUSED)
        unlink(address->sun_path);
    evutil_closesocket(probe);
}

/* The mask lets only this user and its group connect. */
static int listen_unix(struct quern_server *server, const char *path, quern_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char reason[64];
    snprintf(reason, sizeof reason, "the path of a unix socket must have 1 to %zu bytes", sizeof address.sun_path - 1);
    if (path[0] == '\0' || strlen(path) >= sizeof address.sun_path)
        return fail(error, QUERN_EINVAL, server->options->host, reason);
    strcpy(address.sun_path, path);
    server->is_unix = true;
    remove_stale(&address);
    const mode_t mask = umask(0117);
    const int code = open_listener(server, (const struct sockaddr *)(const void *)&address, sizeof address, error);
    umask(mask);
    if (code == QUERN_OK)
        server->socket_path = path;
    return code;
}

/* Takes the socket over that systemd or launchd has opened. */
static int adopt(struct quern_server *server, int descriptor, int count, quern_error *error)
{
    struct sockaddr_storage storage;
    struct sockaddr *address = (struct sockaddr *)(void *)&storage;
    socklen_t length = sizeof storage, size = sizeof(int);
    int type = 0, listens = 0;
    if (count != 1)
        return fail(error, QUERN_EINVAL, "the sockets of the service", "there must be exactly one");
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, (void *)&type, &size) != 0 || type != SOCK_STREAM ||
        getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, (void *)&listens, &size) != 0 || !listens ||
        getsockname(descriptor, address, &length) != 0)
        return fail(error, QUERN_EINVAL, "the socket of the service", "it must be one of ListenStream, without Accept");
    server->is_unix = address->sa_family == AF_UNIX;
    if (!server->is_unix && check_openness(server, address, error) != QUERN_OK)
        return error->code;
    evutil_make_socket_nonblocking(descriptor);
    evutil_make_socket_closeonexec(descriptor);
    server->listener = evconnlistener_new(server->base, on_accept, server, LEV_OPT_CLOSE_ON_FREE, 0, descriptor);
    if (server->listener == NULL)
        return fail(error, QUERN_ENOMEM, "the socket of the service", "there is no memory");
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    return QUERN_OK;
}

/* What --host should be, if it is something else; NULL: it may be an address or a name. */
static const char *host_hint(const char *host)
{
    const char *colon = strchr(host, ':');
    if (strstr(host, "://") != NULL || strchr(host, '/') != NULL)
        return "--host takes an address or a name, not a URL; a socket file is unix:PATH";
    if (host[0] == '[')
        return "--host takes an address of IPv6 without brackets, and --port the port";
    if (colon != NULL && strchr(colon + 1, ':') == NULL)
        return "--host takes an address or a name; --port takes the port";
    if (strcmp(host, "*") == 0)
        return "all addresses of this machine are 0.0.0.0, or :: with those of IPv6";
    return NULL;
}

int quern_listen(struct quern_server *server, quern_error *error)
{
    int first;
    const int handed_over = quern_systemd_sockets(&first);
    const struct quern_server_options *options = server->options;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
    char port[8];
    if (handed_over > 0)
        return adopt(server, first, handed_over, error);
    if (strncmp(options->host, "unix:", 5) == 0)
        return listen_unix(server, options->host + 5, error);
    snprintf(port, sizeof port, "%d", options->port);
    const char *hint = host_hint(options->host);
    if (hint != NULL)
        return fail(error, QUERN_EINVAL, options->host, hint);
#ifdef QUERN_STATIC
    /* What else /etc/nsswitch.conf names would be loaded from files, which are for the C library of that system. */
    __nss_configure_lookup("hosts", "files dns");
#endif
    const int failed = getaddrinfo(options->host, port, &hints, &found);
    if (failed != 0)
        return fail(error, QUERN_EINVAL, options->host, gai_strerror(failed));
    int code = check_openness(server, found->ai_addr, error);
    if (code == QUERN_OK)
        code = open_listener(server, found->ai_addr, found->ai_addrlen, error);
    freeaddrinfo(found);
    return code;
}

void quern_listen_name(const struct quern_server *server, char name[static 128])
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[64] = "?", port[8] = "?";
    const bool is_known =
        getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)(void *)&address, &length) == 0;
    if (server->is_unix) {
        const struct sockaddr_un *path = (const struct sockaddr_un *)(const void *)&address;
        snprintf(name, 128, "unix:%.120s", is_known ? path->sun_path : "?");
        return;
    }
    if (is_known)
        getnameinfo((struct sockaddr *)(void *)&address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    const bool is_six = strchr(host, ':') != NULL;
    snprintf(name, 128, "http://%s%s%s:%s", is_six ? "[" : "", host, is_six ? "]" : "", port);
}

void quern_listen_end(struct quern_server *server)
{
    if (server->socket_path != NULL)
        unlink(server->socket_path);
    if (server->listener != NULL)
        evconnlistener_free(server->listener);
    server->listener = NULL;
}
