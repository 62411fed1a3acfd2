#include "http_client.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if __has_include(<sys/prctl.h>)
#include <sys/prctl.h>
#endif
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 120000 /* a busy machine, with sanitizers */
#define MOST_ARGUMENTS 64

static void nap(void)
{
    const struct timespec time = {0, 5000000};
    nanosleep(&time, NULL);
}

static void fail(const char *what)
{
    perror(what);
    abort();
}

/* ---------------------------------------------------------------- the server */

/* The log's text; the caller frees it. */
static char *read_log(const struct served *server)
{
    const int file = open(server->log, O_RDONLY | O_CLOEXEC);
    const off_t size = file >= 0 ? lseek(file, 0, SEEK_END) : -1;
    char *text = calloc(1, size > 0 ? (size_t)size + 1 : 1);
    if (text != NULL && size > 0 && pread(file, text, (size_t)size, 0) < 0)
        text[0] = '\0';
    if (file >= 0)
        close(file);
    return text;
}

static bool find_ready(struct served *server)
{
    char *text = read_log(server), *ready = text != NULL ? strstr(text, "ready on ") : NULL;
    bool found = ready != NULL && strchr(ready, '\n') != NULL;
    if (found && sscanf(ready, "ready on http://127.0.0.1:%d", &server->port) != 1)
        server->port = 0;
    free(text);
    return found;
}

/* Whether an option is among those given. */
static bool is_given(const char *const *options, const char *name)
{
    while (*options != NULL && strcmp(*options, name) != 0)
        options++;
    return *options != NULL;
}

bool served_start(struct served *server, const char *command, const char *model, const char *const *options)
{
    const char *arguments[MOST_ARGUMENTS] = {command, "serve"};
    int count = 2;
    if (!is_given(options, "-m")) {
        arguments[count++] = "-m";
        arguments[count++] = model;
    }
    if (!is_given(options, "--port")) {
        arguments[count++] = "--port";
        arguments[count++] = "0";
    }
    while (*options != NULL)
        arguments[count++] = *options++;
    strcpy(server->log, "/tmp/quern-serve-XXXXXX");
    const int log = mkstemp(server->log);
    server->pid = fork();
    if (log < 0 || server->pid < 0)
        fail("fork");
    if (server->pid == 0) {
#if __has_include(<sys/prctl.h>)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
        dup2(log, STDERR_FILENO);
        execv(command, (char **)(uintptr_t)arguments);
        _exit(127);
    }
    close(log);
    for (int i = 0; i < PATIENCE_MS / 5; i++) {
        int status;
        if (find_ready(server))
            return true;
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            server->pid = -status - 2; /* for served_end */
            return false;
        }
        nap();
    }
    return false;
}

int served_end(struct served *server, int signal_number)
{
    int status = 0;
    pid_t ended = server->pid < 0 ? 1 : 0;
    if (server->pid < 0)
        status = -server->pid - 2;
    else if (signal_number != 0)
        kill(server->pid, signal_number);
    for (int i = 0; i < PATIENCE_MS / 5 && ended == 0; i++) {
        ended = waitpid(server->pid, &status, WNOHANG);
        if (ended == 0)
            nap();
    }
    if (ended == 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, &status, 0);
    }
    unlink(server->log);
    return ended != 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool served_logs(const struct served *server, const char *text)
{
    for (int i = 0; i < 1000; i++) {
        char *log = read_log(server);
        const bool found = log != NULL && strstr(log, text) != NULL;
        free(log);
        if (found)
            return true;
        nap();
    }
    return false;
}

/* ---------------------------------------------------------------- the client */

int client_connect(const struct served *server)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0 || connect(client, (const struct sockaddr *)(const void *)&address, sizeof address) != 0)
        fail("connect");
    return client;
}

int client_connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0 || connect(client, (const struct sockaddr *)(const void *)&address, sizeof address) != 0)
        fail("connect");
    return client;
}

void client_send(int socket, const void *data, size_t length)
{
    const char *at = data;
    while (length > 0) {
        const ssize_t sent = send(socket, at, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has closed; its reply tells why */
        at += sent;
        length -= (size_t)sent;
    }
}

void client_print(int socket, const char *format, ...)
{
    char *text;
    va_list list;
    va_start(list, format);
    const int length = vasprintf(&text, format, list);
    va_end(list);
    if (length < 0)
        fail("vasprintf");
    client_send(socket, text, (size_t)length);
    free(text);
}

void client_post(int socket, const char *path, const char *fields, const char *body)
{
    client_print(socket,
                 "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n"
                 "\r\n%s",
                 path, fields, strlen(body), body);
}

/* The next byte; -1: closed, or nothing came for a long time. */
static int read_byte(int socket)
{
    unsigned char byte;
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    return poll(&wait, 1, PATIENCE_MS) == 1 && recv(socket, &byte, 1, 0) == 1 ? byte : -1;
}

void client_read(int socket, struct reply *reply)
{
    size_t capacity = 65536, length = 0;
    *reply = (struct reply){.head = calloc(1, capacity)};
    for (int byte; length + 1 < capacity && (byte = read_byte(socket)) >= 0;) {
        reply->head[length++] = (char)byte;
        if (length >= 4 && memcmp(reply->head + length - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    if (sscanf(reply->head, "HTTP/1.1 %d ", &reply->status) != 1)
        return;
    const char *field = strstr(reply->head, "\r\nContent-Length: ");
    reply->length = field != NULL ? strtoul(field + 18, NULL, 10) : 0;
    reply->body = calloc(1, reply->length + 1);
    for (size_t got = 0; got < reply->length;) {
        struct pollfd wait = {.fd = socket, .events = POLLIN};
        const ssize_t more =
            poll(&wait, 1, PATIENCE_MS) == 1 ? recv(socket, reply->body + got, reply->length - got, 0) : 0;
        if (more <= 0) {
            reply->status = 0;
            return;
        }
        got += (size_t)more;
    }
}

void reply_free(struct reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct reply){0};
}

bool client_is_closed(int socket)
{
    return read_byte(socket) < 0;
}

void client_ask(const struct served *server, const char *path, const char *fields, const char *body,
                struct reply *reply)
{
    const int socket = client_connect(server);
    if (body != NULL)
        client_post(socket, path, fields, body);
    else
        client_print(socket, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, fields);
    client_read(socket, reply);
    close(socket);
}
