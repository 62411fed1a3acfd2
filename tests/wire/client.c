#include "client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

int64_t quern_wire_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t quern_wire_now_ms(void)
{
    return quern_wire_now_ns() / 1000000;
}

/* ---------------------------------------------------------------- connection */

static int open_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof name.sun_path)
        return -1;
    strcpy(name.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int open_tcp(const char *address)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    if (!colon || (size_t)(colon - address) >= sizeof host)
        return -1;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
        return -1;
    int fd = -1;
    for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

bool quern_wire_open(struct quern_wire *wire, const char *address)
{
    *wire = (struct quern_wire){.fd = strncmp(address, "unix:", 5) == 0 ? open_unix(address + 5) : open_tcp(address)};
    return wire->fd >= 0;
}

void quern_wire_close(struct quern_wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire->data);
    *wire = (struct quern_wire){.fd = -1};
}

/* Whether the socket is ready for events before the deadline. */
static bool wait_for(const struct quern_wire *wire, short events, int64_t deadline)
{
    struct pollfd one = {wire->fd, events, 0};
    int ready;
    do {
        int64_t left = deadline - quern_wire_now_ms();
        ready = poll(&one, 1, left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

bool quern_wire_send(struct quern_wire *wire, const void *data, size_t length, int timeout_ms)
{
    int64_t deadline = quern_wire_now_ms() + timeout_ms;
    const char *at = data;
    while (length > 0) {
        if (!wait_for(wire, POLLOUT, deadline))
            return false;
        ssize_t sent = send(wire->fd, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        at += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

/* ---------------------------------------------------------------- reading */

/* Reads more bytes. 1: some were read; 0: the end; -1: nothing came in time. A reset counts as the end. */
static int read_more(struct quern_wire *wire, int64_t deadline)
{
    if (wire->capacity - wire->length < 16384) {
        size_t capacity = wire->capacity ? 2 * wire->capacity : 65536;
        char *data = realloc(wire->data, capacity);
        if (!data)
            return -1;
        wire->data = data;
        wire->capacity = capacity;
    }
    for (;;) {
        if (!wait_for(wire, POLLIN, deadline))
            return -1;
        ssize_t got = recv(wire->fd, wire->data + wire->length, wire->capacity - wire->length, MSG_DONTWAIT);
        if (got > 0)
            wire->length += (size_t)got;
        if (got >= 0)
            return got > 0;
        if (errno != EINTR && errno != EAGAIN)
            return 0;
    }
}

static void drop(struct quern_wire *wire, size_t length)
{
    memmove(wire->data, wire->data + length, wire->length - length);
    wire->length -= length;
}

static char *copy_of(const char *data, size_t length)
{
    char *copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, data, length);
        copy[length] = '\0';
    }
    return copy;
}

static enum quern_outcome receive_head(struct quern_wire *wire, struct quern_wire_answer *answer, int64_t deadline)
{
    char *end;
    while (!wire->length || !(end = memmem(wire->data, wire->length, "\r\n\r\n", 4))) {
        int got = read_more(wire, deadline);
        if (got <= 0)
            return got < 0 ? QUERN_SILENT : wire->length ? QUERN_GARBAGE : QUERN_CLOSED;
    }
    size_t length = (size_t)(end - wire->data) + 4;
    answer->head = copy_of(wire->data, length);
    drop(wire, length);
    if (!answer->head || strlen(answer->head) != length || strncmp(answer->head, "HTTP/1.1 ", 9) != 0)
        return QUERN_GARBAGE;
    answer->status = atoi(answer->head + 9);
    return answer->status >= 100 && answer->status < 600 ? QUERN_ANSWERED : QUERN_GARBAGE;
}

static enum quern_outcome receive_bytes(struct quern_wire *wire, struct quern_wire_answer *answer, size_t length,
                                        int64_t deadline)
{
    while (wire->length < length) {
        int got = read_more(wire, deadline);
        if (got <= 0)
            return got < 0 ? QUERN_SILENT : QUERN_GARBAGE;
    }
    char *body = realloc(answer->body, answer->body_length + length + 1);
    if (!body)
        return QUERN_SILENT;
    if (length > 0)
        memcpy(body + answer->body_length, wire->data, length);
    answer->body = body;
    answer->body_length += length;
    body[answer->body_length] = '\0';
    if (length > 0)
        drop(wire, length);
    return QUERN_ANSWERED;
}

static enum quern_outcome receive_chunks(struct quern_wire *wire, struct quern_wire_answer *answer, int64_t deadline)
{
    for (;;) {
        char *end;
        while (!wire->length || !(end = memmem(wire->data, wire->length, "\r\n", 2))) {
            int got = read_more(wire, deadline);
            if (got <= 0)
                return got < 0 ? QUERN_SILENT : QUERN_GARBAGE;
        }
        size_t size = strtoul(wire->data, NULL, 16);
        drop(wire, (size_t)(end - wire->data) + 2);
        enum quern_outcome outcome = receive_bytes(wire, answer, size, deadline);
        if (outcome == QUERN_ANSWERED)
            outcome = receive_bytes(wire, answer, 2, deadline);
        if (outcome != QUERN_ANSWERED)
            return outcome;
        answer->body_length -= 2; /* the end of line after a chunk */
        answer->body[answer->body_length] = '\0';
        if (size == 0)
            return QUERN_ANSWERED;
    }
}

static enum quern_outcome receive_body(struct quern_wire *wire, struct quern_wire_answer *answer, int64_t deadline)
{
    char value[64];
    if (quern_answer_field(answer, "transfer-encoding", value, sizeof value))
        return receive_chunks(wire, answer, deadline);
    if (quern_answer_field(answer, "content-length", value, sizeof value))
        return receive_bytes(wire, answer, strtoul(value, NULL, 10), deadline);
    int got;
    while ((got = read_more(wire, deadline)) > 0)
        ;
    return got < 0 ? QUERN_SILENT : receive_bytes(wire, answer, wire->length, deadline);
}

enum quern_outcome quern_wire_receive(struct quern_wire *wire, struct quern_wire_answer *answer, bool without_body,
                                      int timeout_ms)
{
    int64_t deadline = quern_wire_now_ms() + timeout_ms;
    char value[64];
    enum quern_outcome outcome;
    *answer = (struct quern_wire_answer){0};
    do {
        quern_wire_answer_free(answer);
        outcome = receive_head(wire, answer, deadline);
    } while (outcome == QUERN_ANSWERED && answer->status < 200);
    if (outcome == QUERN_ANSWERED && answer->status != 204 && answer->status != 304 && !without_body)
        outcome = receive_body(wire, answer, deadline);
    else if (outcome == QUERN_ANSWERED)
        outcome = receive_bytes(wire, answer, 0, deadline);
    answer->closes = quern_answer_field(answer, "connection", value, sizeof value) && strcasecmp(value, "close") == 0;
    return outcome;
}

void quern_wire_answer_free(struct quern_wire_answer *answer)
{
    free(answer->head);
    free(answer->body);
    *answer = (struct quern_wire_answer){0};
}

bool quern_answer_field(const struct quern_wire_answer *answer, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    for (const char *at = answer->head ? strstr(answer->head, "\r\n") : NULL; at; at = strstr(at, "\r\n")) {
        at += 2;
        if (strncasecmp(at, name, length) != 0 || at[length] != ':')
            continue;
        at += length + 1;
        at += strspn(at, " \t");
        size_t count = strcspn(at, "\r");
        if (count >= size)
            return false;
        memcpy(out, at, count);
        out[count] = '\0';
        return true;
    }
    return false;
}

bool quern_wire_has_surplus(struct quern_wire *wire)
{
    char byte;
    return wire->length > 0 || recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}
