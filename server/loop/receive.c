#include "receive.h"

#include <stdlib.h>
#include <string.h>

enum { BAD = 400, TOO_LONG_LINE = 414, TOO_LARGE = 431, NO_MEMORY = 503 };

void quern_receive_skip(struct evbuffer *input)
{
    char line[2];
    while (evbuffer_copyout(input, line, 2) == 2 && memcmp(line, "\r\n", 2) == 0)
        evbuffer_drain(input, 2);
}

/* What is wrong with the beginning of a head: it is another protocol, or has lines whose end would never come. NULL:
 * nothing. newline: the first one, or NULL. */
static const char *find_problem(const char *data, const char *newline)
{
    if (data[0] == '\x16')
        return "it seems to be TLS, which this server does not speak: use http://, or a proxy that speaks TLS";
    if (newline != NULL && (newline == data || newline[-1] != '\r'))
        return "a line must end with CR LF, and ends with LF alone";
    if (data[0] < 'A' || data[0] > 'Z')
        return "it must begin with a method in capital letters, such as POST";
    return NULL;
}

static int read_head(struct quern_receiver *receiver, struct evbuffer *input)
{
    quern_receive_skip(input);
    size_t length = evbuffer_get_length(input);
    if (length == 0)
        return 0;
    if (length > QUERN_HEAD_BYTES)
        length = QUERN_HEAD_BYTES;
    char *data = (char *)evbuffer_pullup(input, (ev_ssize_t)length);
    if (data == NULL)
        return NO_MEMORY;
    const char *end = memmem(data, length, "\r\n\r\n", 4), *newline = memchr(data, '\n', length);
    const bool may_be_empty_line = length == 1 && data[0] == '\r';
    const char *problem = may_be_empty_line ? NULL : find_problem(data, newline);
    if (problem != NULL) {
        receiver->head.problem = problem;
        return BAD;
    }
    if (end == NULL && length == QUERN_HEAD_BYTES)
        return newline == NULL ? TOO_LONG_LINE : TOO_LARGE;
    if (end == NULL)
        return 0;
    length = (size_t)(end - data) + 4;
    receiver->head_data = malloc(length);
    if (receiver->head_data == NULL)
        return NO_MEMORY;
    evbuffer_remove(input, receiver->head_data, length);
    const int status = quern_head_parse(&receiver->head, receiver->head_data, length);
    return status == 0 ? 1 : status;
}

int quern_receive_head(struct quern_receiver *receiver, struct evbuffer *input)
{
    const int status = read_head(receiver, input);
    if (status != 0 && status != 1)
        receiver->head = (struct quern_head){
            .method = "", .path = "", .query = "", .problem = receiver->head.problem};
    return status;
}

size_t quern_receive_size(const struct quern_receiver *receiver, struct evbuffer *input)
{
    const size_t length = evbuffer_get_contiguous_space(input);
    const uint64_t left = receiver->head.length - receiver->body.length;
    return receiver->head.chunked || length < left ? length : (size_t)left;
}

int quern_receive_body(struct quern_receiver *receiver, struct evbuffer *input, size_t size, size_t *moved)
{
    size_t body = size;
    int code;
    char *room = size > 0 ? quern_buffer_room(&receiver->body, size) : NULL;
    *moved = size;
    if (room != NULL)
        evbuffer_copyout(input, room, size);
    if (receiver->head.chunked)
        code = quern_chunks_take(&receiver->chunks, room, size, &body, moved);
    else
        code = receiver->body.length + body == receiver->head.length ? QUERN_CHUNKS_DONE : QUERN_CHUNKS_MORE;
    evbuffer_drain(input, *moved);
    receiver->body.length += body;
    return code;
}

void quern_receiver_clear(struct quern_receiver *receiver)
{
    free(receiver->head_data);
    quern_buffer_free(&receiver->body);
    *receiver = (struct quern_receiver){0};
}
