#include "http.h"

#define MOST_DIGITS 8      /* of a chunk's size: 4 GiB, more than any body may have */
#define MOST_LINE 256      /* bytes of a size with its extension, which is ignored */
#define MOST_TRAILERS 4096 /* bytes of trailers, which are ignored */

enum state {
    SIZE, EXTENSION, SIZE_END, DATA, DATA_CR, DATA_LF, TRAILER_START, TRAILER_NAME, TRAILER, TRAILER_LF, LAST_LF
};

static bool is_control(char c)
{
    return (unsigned char)c < ' ' && c != '\t';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int take_size(struct quern_chunks *chunks, char c)
{
    const int value = digit(c);
    if (value >= 0) {
        chunks->left = chunks->left * 16 + (uint64_t)value;
        return ++chunks->count > MOST_DIGITS ? QUERN_CHUNKS_BAD : QUERN_CHUNKS_MORE;
    }
    if (chunks->count == 0 || (c != '\r' && c != ';'))
        return QUERN_CHUNKS_BAD;
    chunks->state = c == '\r' ? SIZE_END : EXTENSION;
    return QUERN_CHUNKS_MORE;
}

/* Trailers are ignored, but must be fields: another reader of the stream might take anything else for a request. */
static int take_trailer(struct quern_chunks *chunks, char c)
{
    const bool first = chunks->state == TRAILER_START, value = chunks->state == TRAILER;
    if (++chunks->count > MOST_TRAILERS)
        return QUERN_CHUNKS_BAD;
    if (c == '\r' && (first || value))
        chunks->state = first ? LAST_LF : TRAILER_LF;
    else if (c == ':' && chunks->state == TRAILER_NAME)
        chunks->state = TRAILER;
    else if (!value && quern_http_is_token(c))
        chunks->state = TRAILER_NAME;
    else if (!value || is_control(c))
        return QUERN_CHUNKS_BAD;
    return QUERN_CHUNKS_MORE;
}

/* Takes a byte that does not belong to the body: of a size, a line end or a trailer. */
static int take_byte(struct quern_chunks *chunks, char c)
{
    switch ((enum state)chunks->state) {
    case SIZE: return take_size(chunks, c);
    case EXTENSION:
        if (c == '\r')
            chunks->state = SIZE_END;
        return (is_control(c) && c != '\r') || ++chunks->count > MOST_LINE ? QUERN_CHUNKS_BAD : QUERN_CHUNKS_MORE;
    case SIZE_END:
        chunks->state = chunks->left > 0 ? DATA : TRAILER_START;
        chunks->count = 0;
        return c == '\n' ? QUERN_CHUNKS_MORE : QUERN_CHUNKS_BAD;
    case DATA_CR: chunks->state = DATA_LF; return c == '\r' ? QUERN_CHUNKS_MORE : QUERN_CHUNKS_BAD;
    case DATA_LF: chunks->state = SIZE; return c == '\n' ? QUERN_CHUNKS_MORE : QUERN_CHUNKS_BAD;
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER: return take_trailer(chunks, c);
    case TRAILER_LF: chunks->state = TRAILER_START; return c == '\n' ? QUERN_CHUNKS_MORE : QUERN_CHUNKS_BAD;
    case LAST_LF: return c == '\n' ? QUERN_CHUNKS_DONE : QUERN_CHUNKS_BAD;
    case DATA: break;
    }
    return QUERN_CHUNKS_BAD;
}

int quern_chunks_take(struct quern_chunks *chunks, char *data, size_t length, size_t *body, size_t *used)
{
    size_t to = 0, at = 0;
    int code = QUERN_CHUNKS_MORE;
    while (at < length && code == QUERN_CHUNKS_MORE) {
        if (chunks->state != DATA) {
            code = take_byte(chunks, data[at++]);
            continue;
        }
        for (; at < length && chunks->left > 0; chunks->left--)
            data[to++] = data[at++];
        if (chunks->left == 0)
            chunks->state = DATA_CR;
    }
    *body = to;
    *used = at;
    return code;
}
