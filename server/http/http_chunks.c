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

static int refuse(struct quern_chunks *chunks, const char *problem)
{
    chunks->problem = problem;
    return QUERN_CHUNKS_BAD;
}

/* Takes a byte that must be this one. */
static int expect(struct quern_chunks *chunks, char c, char expected, const char *problem)
{
    return c == expected ? QUERN_CHUNKS_MORE : refuse(chunks, problem);
}

static int take_size(struct quern_chunks *chunks, char c)
{
    const int value = digit(c);
    if (value >= 0) {
        chunks->left = chunks->left * 16 + (uint64_t)value;
        return ++chunks->count > MOST_DIGITS ? refuse(chunks, "a size has more than 8 digits") : QUERN_CHUNKS_MORE;
    }
    if (chunks->count == 0 || (c != '\r' && c != ';'))
        return refuse(chunks, "a size must be hexadecimal digits, with CR LF behind them");
    chunks->state = c == '\r' ? SIZE_END : EXTENSION;
    return QUERN_CHUNKS_MORE;
}

/* Trailers are ignored, but must be fields: another reader of the stream might take anything else for a request. */
static int take_trailer(struct quern_chunks *chunks, char c)
{
    const bool first = chunks->state == TRAILER_START, value = chunks->state == TRAILER;
    if (++chunks->count > MOST_TRAILERS)
        return refuse(chunks, "the trailers have more than 4096 bytes");
    if (c == '\r' && (first || value))
        chunks->state = first ? LAST_LF : TRAILER_LF;
    else if (c == ':' && chunks->state == TRAILER_NAME)
        chunks->state = TRAILER;
    else if (!value && quern_http_is_token(c))
        chunks->state = TRAILER_NAME;
    else if (!value || is_control(c))
        return refuse(chunks, "a trailer must be a field, a name and a colon");
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
        return (is_control(c) && c != '\r') || ++chunks->count > MOST_LINE
                   ? refuse(chunks, "what stands behind a size is too long, or has a control character")
                   : QUERN_CHUNKS_MORE;
    case SIZE_END:
        chunks->state = chunks->left > 0 ? DATA : TRAILER_START;
        chunks->count = 0;
        return expect(chunks, c, '\n', "LF is missing behind a CR");
    case DATA_CR: chunks->state = DATA_LF; return expect(chunks, c, '\r', "a chunk has more bytes than its size says");
    case DATA_LF: chunks->state = SIZE; return expect(chunks, c, '\n', "LF is missing behind a CR");
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER: return take_trailer(chunks, c);
    case TRAILER_LF: chunks->state = TRAILER_START; return expect(chunks, c, '\n', "LF is missing behind a CR");
    case LAST_LF: return c == '\n' ? QUERN_CHUNKS_DONE : refuse(chunks, "LF is missing behind a CR");
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
