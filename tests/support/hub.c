/* A model hub with faults, for tests. It is an HTTP server on two ports of this machine: the port of the hub, and the
 * port of the store that it redirects to, which is another origin. A GET of /OWNER/FAULT/resolve/REVISION/FILE.gguf
 * gets FILE with the fault that the repository is named after. It answers as a proxy too. It writes a line about each
 * request to LOG:
 *     PORT TARGET|RANGE|IF-RANGE|AUTHORIZATION
 * usage: hub FILE LOG; prints "HUB-PORT STORE-PORT" and runs until its standard input ends. */
#include "base/count.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sha2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 16384

static const char *content, *log_path;
static uint64_t size;
static char sha256[65];
static int ports[2]; /* hub, store */
static int *requests; /* to the store so far, by a hash of the target; shared between processes */
enum { TARGETS = 65536 };

struct request {
    int socket;
    bool at_store;
    char head[16384], target[4096], fault[256];
    long number; /* of the fault's name: break-NUMBER */
    int count;   /* of requests to the store for the same target before */
};

static void send_all(int socket, const void *data, uint64_t length)
{
    const char *rest = data;
    while (length > 0) {
        ssize_t sent = send(socket, rest, length, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(0);
        rest += sent;
        length -= (uint64_t)sent;
    }
}

static void reply(const struct request *request, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void reply(const struct request *request, const char *format, ...)
{
    static char text[16384];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    send_all(request->socket, text, (uint64_t)length);
}

/* The value of a field of the request, or "". */
static const char *field(const struct request *request, const char *name)
{
    static char values[4][1024];
    static int next;
    char *value = values[next++ % 4];
    value[0] = '\0';
    for (const char *line = strstr(request->head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, strlen(name)) == 0 && line[2 + strlen(name)] == ':') {
            snprintf(value, 1024, "%s", line + 2 + strlen(name) + 2);
            value[strcspn(value, "\r\n")] = '\0';
        }
    return value;
}

static bool is(const struct request *request, const char *fault)
{
    return strcmp(request->fault, fault) == 0;
}

static void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Sends a text again and again, until the other side leaves. */
static void send_for_ever(const struct request *request, const char *text, long ms_between)
{
    for (;; pause_ms(ms_between))
        send_all(request->socket, text, strlen(text));
}

static void send_page(const struct request *request, const char *page)
{
    reply(request, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(page), page);
}

/* ---------------------------------------------------------------- the store */

/* Sends the bytes [first, last), with the fault. */
static void send_body(const struct request *request, uint64_t first, uint64_t last)
{
    const bool once = strncmp(request->fault, "once-", 5) == 0 && request->count > 0;
    const bool breaks = !once && strstr(request->fault, "break") != NULL;
    const bool stalls = is(request, "stall") && request->count == 0;
    uint64_t limit = last;
    if ((breaks || stalls) && (uint64_t)request->number < last - first)
        limit = first + (uint64_t)request->number;
    for (uint64_t at = first; at < limit;) {
        char chunk[CHUNK];
        uint64_t length = limit - at < CHUNK ? limit - at : CHUNK;
        for (uint64_t i = 0; i < length; i++)
            chunk[i] = at + i < size ? content[at + i] : 'x';
        if (strncmp(request->fault, "corrupt", 7) == 0 ||
            (strncmp(request->fault, "once-corrupt", 12) == 0 && request->count == 0))
            if (at <= size / 8 && size / 8 < at + length)
                chunk[size / 8 - at] ^= 1;
        send_all(request->socket, chunk, length);
        at += length;
        if (strstr(request->fault, "slow") != NULL)
            pause_ms(5);
    }
    char byte;
    if (stalls && recv(request->socket, &byte, 1, 0) < 0) /* until the other side gives up */
        _exit(1);
}

/* Answers with something other than the file, if the fault is of that kind. */
static bool serve_other(const struct request *request)
{
    static const struct {
        const char *fault, *answer;
    } answers[] = {
        {"garbage", "not HTTP at all\r\n\r\n"},
        {"closes", ""},
        {"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
        {"no-wait", "HTTP/1.1 429 Slow down\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"},
        {"waits", "HTTP/1.1 429 Slow down\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"},
        {"bad-range", "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\nContent-Range: bytes x\r\n\r\nGGUF"},
        {"other-range", "HTTP/1.1 206 Partial Content\r\nContent-Length: 3999000\r\n"
                        "Content-Range: bytes 1000-3999999/4000000\r\n\r\nGGUF"},
        {"gone", "HTTP/1.1 410 Gone\r\nContent-Length: 1000000\r\n\r\n"}, /* and breaks off */
    };
    if (is(request, "unavailable") && request->count < 2) {
        reply(request, "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy");
        return true;
    }
    for (size_t i = 0; i < QUERN_COUNT(answers); i++)
        if (is(request, answers[i].fault)) {
            reply(request, "%s", answers[i].answer);
            return true;
        }
    if (is(request, "page"))
        send_page(request, "<!DOCTYPE html>\n<title>Log in</title>\n");
    else if (is(request, "json"))
        send_page(request, "{\"error\": \"no quota\"}");
    else if (is(request, "pointer"))
        send_page(request, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n");
    else
        return false;
    return true;
}

/* Answers without an end, if the fault is of that kind. */
static void serve_for_ever(const struct request *request)
{
    static char line[1000] = "X-Long: "; /* with its end, and the terminator */
    memset(line + 8, 'a', sizeof line - 11);
    if (is(request, "continues"))
        send_for_ever(request, "HTTP/1.1 100 Continue\r\n\r\n", 0);
    if (is(request, "created")) {
        reply(request, "HTTP/1.1 201 Created\r\n\r\n");
        send_for_ever(request, line, 0);
    }
    if (is(request, "trickle")) {
        reply(request, "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\n\r\nGGUF", size);
        send_for_ever(request, "x", 100);
    }
    if (is(request, "slow-head")) {
        reply(request, "HTTP/1.1 200 OK\r\nX-Long: ");
        send_for_ever(request, "x", 100);
    }
    if (is(request, "fields") || is(request, "long-field")) {
        strcpy(line + sizeof line - 3, is(request, "fields") ? "\r\n" : "aa");
        reply(request, "HTTP/1.1 200 OK\r\n");
        send_for_ever(request, line, 0);
    }
}

static void serve_store(const struct request *request)
{
    uint64_t first = 0;
    char etag[64];
    const char *range = field(request, "Range"), *if_range = field(request, "If-Range");
    snprintf(etag, sizeof etag, "\"version-%d\"", is(request, "changing-break") ? request->count : 0);
    serve_for_ever(request);
    if (serve_other(request))
        return;
    if (sscanf(range, "bytes=%lu-", &first) == 1 && (if_range[0] == '\0' || strcmp(if_range, etag) == 0) &&
        !is(request, "no-range-break")) {
        if (first >= size || is(request, "unsatisfied-break")) {
            reply(request, "HTTP/1.1 416 No\r\nContent-Range: bytes */%lu\r\nContent-Length: 0\r\n\r\n", size);
            return;
        }
        if (is(request, "bad-range-break"))
            first -= 1000;
        uint64_t more = is(request, "long-break") ? 5000 : 0;
        reply(request,
              "HTTP/1.1 206 Partial Content\r\nContent-Length: %lu\r\nContent-Range: bytes %lu-%lu/%lu\r\n"
              "ETag: %s\r\n\r\n",
              size - first + more, first, size - 1, size, etag);
        if (is(request, "long-break"))
            send_all(request->socket, content, size - first);
        send_body(request, first, size + more);
        return;
    }
    uint64_t length = is(request, "short") ? size - 1000 : is(request, "long") ? size + 1000 : size;
    reply(request, "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\nETag: %s\r\n\r\n", length, etag);
    send_body(request, 0, length);
}

/* ---------------------------------------------------------------- the hub */

static void serve_hub(const struct request *request)
{
    static char location[16384];
    int status;
    if (sscanf(request->fault, "status-%d", &status) == 1) {
        reply(request, "HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno", status);
        return;
    }
    if (is(request, "later")) {
        reply(request, "HTTP/1.1 429 Slow down\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    if (is(request, "endless-error")) {
        reply(request, "HTTP/1.1 404 No\r\n\r\n");
        for (;;)
            send_all(request->socket, content, size);
    }
    snprintf(location, sizeof location, "http://127.0.0.1:%d%s", ports[1], request->target);
    if (is(request, "loop"))
        strcpy(location, request->target);
    else if (is(request, "relative"))
        snprintf(location, sizeof location, "/test/plain/resolve/main/model.gguf");
    else if (is(request, "downgrade"))
        snprintf(location, sizeof location, "http://example.com/model.gguf");
    else if (is(request, "to-file"))
        snprintf(location, sizeof location, "file:///etc/passwd");
    else if (is(request, "to-nobody"))
        snprintf(location, sizeof location, "http://127.0.0.1:1/model.gguf");
    else if (is(request, "far"))
        memset(location + strlen(location), 'a', 9000); /* the rest is zero */
    if (is(request, "direct")) {
        reply(request, "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\nX-Linked-ETag: \"%s\"\r\nX-Linked-Size: %lu\r\n\r\n",
              size, sha256, size);
        send_body(request, 0, size);
        return;
    }
    if (is(request, "long-redirect")) {
        reply(request, "HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n", location);
        send_for_ever(request, "see ", 0);
    }
    reply(request, "HTTP/1.1 302 Found\r\nContent-Length: 3\r\n");
    if (!is(request, "nowhere"))
        reply(request, "Location: %s\r\n", location);
    if (is(request, "wrong-digest"))
        reply(request, "X-Linked-Etag: \"%064d\"\r\nX-Linked-Size: %lu\r\n", 7, size);
    else if (!is(request, "no-digest"))
        reply(request, "X-Linked-Etag: \"%s\"\r\nX-Linked-Size: %lu\r\n", sha256,
              is(request, "wrong-size") ? size + 1 : is(request, "no-size") ? 0 : size);
    reply(request, "\r\nsee");
}

/* ---------------------------------------------------------------- */

static void write_log(const struct request *request)
{
    char line[8192];
    int length = snprintf(line, sizeof line, "%s %s|%s|%s|%s\n", request->at_store ? "store" : "hub", request->target,
                          field(request, "Range"), field(request, "If-Range"), field(request, "Authorization"));
    int file = open(log_path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (file < 0 || write(file, line, (size_t)length) != length)
        _exit(1);
    close(file);
}

static uint32_t hash(const char *text)
{
    uint32_t value = 2166136261;
    for (; *text != '\0'; text++)
        value = (value ^ (uint8_t)*text) * 16777619;
    return value % TARGETS;
}

static void serve(struct request *request)
{
    size_t length = 0;
    while (strstr(request->head, "\r\n\r\n") == NULL) {
        ssize_t got = recv(request->socket, request->head + length, sizeof request->head - 1 - length, 0);
        if (got <= 0)
            return;
        length += (size_t)got;
        request->head[length] = '\0';
    }
    if (sscanf(request->head, "GET %4095s HTTP", request->target) != 1)
        return;
    write_log(request);
    const char *path = request->target;
    int port;
    if (sscanf(path, "http://127.0.0.1:%d", &port) == 1) { /* we are the proxy */
        request->at_store = port == ports[1];
        path = strchr(path + 7, '/');
    }
    memmove(request->target, path, strlen(path) + 1);
    sscanf(request->target, "/%*[^/]/%255[^/]", request->fault);
    char *digits = request->fault + strcspn(request->fault, "0123456789");
    if (digits > request->fault && digits[-1] == '-' && strncmp(request->fault, "status-", 7) != 0) {
        request->number = atol(digits);
        digits[-1] = '\0';
    }
    if (request->at_store)
        request->count = __atomic_fetch_add(requests + hash(request->target), 1, __ATOMIC_SEQ_CST);
    request->at_store ? serve_store(request) : serve_hub(request);
}

static int listen_somewhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        perror("hub");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return listener;
}

/* Each connection carries one request, and a process of its own answers it. */
static void accept_one(int listener, bool at_store)
{
    static struct request request;
    int connection = accept(listener, NULL, NULL);
    if (connection < 0)
        return;
    if (fork() == 0) {
        request = (struct request){.socket = connection, .at_store = at_store};
        alarm(120);
        serve(&request);
        shutdown(connection, SHUT_WR);
        _exit(0);
    }
    close(connection);
}

int main(int argc, char **argv)
{
    struct stat status;
    int file = argc == 3 ? open(argv[1], O_RDONLY) : -1;
    if (file < 0 || fstat(file, &status) != 0) {
        fputs("usage: hub FILE LOG\n", stderr);
        return 1;
    }
    size = (uint64_t)status.st_size;
    log_path = argv[2];
    content = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    requests = mmap(NULL, TARGETS * sizeof *requests, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (content == MAP_FAILED || requests == MAP_FAILED || SHA256File(argv[1], sha256) == NULL) {
        perror("hub");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    struct pollfd polled[3] = {{.fd = listen_somewhere(&ports[0]), .events = POLLIN},
                               {.fd = listen_somewhere(&ports[1]), .events = POLLIN},
                               {.fd = STDIN_FILENO, .events = POLLIN}};
    printf("%d %d\n", ports[0], ports[1]);
    fflush(stdout);
    for (;;) {
        if (poll(polled, 3, -1) < 0)
            continue;
        if (polled[2].revents != 0)
            return 0;
        for (int i = 0; i < 2; i++)
            if (polled[i].revents & POLLIN)
                accept_one(polled[i].fd, i == 1);
    }
}
