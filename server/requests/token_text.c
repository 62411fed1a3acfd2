/* From tokens back to text. */
#include "request.h"

#include <string.h>

#define BLANK "\xe2\x96\x81" /* U+2581: how pieces spell a space */
#define BLANK_LENGTH 3

quern_piece quern_request_piece(const struct quern_request *request, int32_t id)
{
    quern_piece piece;
    return quern_piece_get(request->service->model, id, &piece, NULL) == QUERN_OK
               ? piece
               : (quern_piece){{"", 0}, QUERN_PIECE_UNKNOWN, 0};
}

static int hex(char digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : 0;
}

static bool is_blank(quern_text text)
{
    return text.length >= BLANK_LENGTH && memcmp(text.data, BLANK, BLANK_LENGTH) == 0;
}

/* Bytes of the space, spelled either way, that text begins with; 0: it does not. */
static size_t space_length(quern_text text)
{
    return is_blank(text) ? BLANK_LENGTH : text.length > 0 && text.data[0] == ' ';
}

/* Whether what comes next is tokenised together with a piece. Pieces that are looked for in a text part it, and each
 * part gets the space that some vocabularies put before a text. */
static bool is_ordinary(const quern_piece *piece)
{
    return piece->kind != QUERN_PIECE_CONTROL && piece->kind != QUERN_PIECE_USER_DEFINED;
}

bool quern_service_is_spaced(const struct quern_service *service)
{
    const quern_embed_options plain = {.size = sizeof plain, .flags = QUERN_NO_SPECIAL};
    quern_piece piece = {0};
    int32_t id;
    size_t count = 0;
    quern_tokenize(service->tokenizer, (quern_text){".", 1}, &plain, &id, 1, &count, NULL);
    return count > 0 && quern_piece_get(service->model, id, &piece, NULL) == QUERN_OK && space_length(piece.text) > 0;
}

/* The beginning of text without a blank in it. */
static size_t plain_length(quern_text text)
{
    const char *blank = memmem(text.data, text.length, BLANK, BLANK_LENGTH);
    return blank != NULL ? (size_t)(blank - text.data) : text.length;
}

/* "<0x0A>" */
int quern_piece_byte(const quern_piece *piece)
{
    const bool is_byte = piece->kind == QUERN_PIECE_BYTE && piece->text.length == 6;
    return is_byte ? hex(piece->text.data[3]) << 4 | hex(piece->text.data[4]) : -1;
}

/* Adds what a piece stands for, as bytes. */
static void write_piece(struct quern_buffer *buffer, const quern_piece *piece)
{
    quern_text rest = piece->text;
    const char byte = (char)quern_piece_byte(piece);
    if (quern_piece_byte(piece) >= 0) {
        quern_buffer_add(buffer, &byte, 1);
        return;
    }
    while (rest.length > 0) {
        const size_t length = plain_length(rest);
        quern_buffer_add(buffer, rest.data, length);
        rest = (quern_text){rest.data + length, rest.length - length};
        if (rest.length == 0)
            return;
        quern_buffer_add(buffer, " ", 1);
        rest = (quern_text){rest.data + BLANK_LENGTH, rest.length - BLANK_LENGTH};
    }
}

void quern_request_put_piece(struct quern_request *request, const quern_piece *piece)
{
    struct quern_buffer text = {0};
    write_piece(&text, piece);
    quern_buffer_quote(&request->answer, (quern_text){text.data, text.length});
    request->answer.failed |= text.failed;
    quern_buffer_free(&text);
}

void quern_request_put_text(struct quern_request *request, const int32_t *ids, size_t count, bool skip_control)
{
    const size_t most = (size_t)request->service->options->max_body;
    struct quern_buffer text = {0};
    bool inside = false;
    for (size_t i = 0; i < count && text.length <= most; i++) {
        quern_piece piece = quern_request_piece(request, ids[i]);
        const bool begins = !inside;
        if (skip_control && piece.kind == QUERN_PIECE_CONTROL)
            continue;
        inside = is_ordinary(&piece);
        if (inside && begins && request->service->spaced) {
            const size_t space = space_length(piece.text);
            piece.text = (quern_text){piece.text.data + space, piece.text.length - space};
        }
        write_piece(&text, &piece);
    }
    if (text.length > most)
        quern_refuse(request, QUERN_FAULT_REQUEST, NULL,
                     "the text of these tokens has more than %zu bytes: send fewer at once", most);
    else
        quern_buffer_quote(&request->answer, (quern_text){text.data, text.length});
    request->answer.failed |= text.failed;
    quern_buffer_free(&text);
}

/* ---------------------------------------------------------------- where tokens stand */

static size_t character_length(unsigned char lead)
{
    return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* How much of text a piece is spelled by; SIZE_MAX: it is not how text begins. first: a space may have been put
 * before it, which is not there. */
static size_t match(quern_text text, quern_text piece, bool first)
{
    size_t used = 0;
    while (piece.length > 0) {
        const quern_text rest = {text.data + used, text.length - used};
        const size_t length = space_length(piece) > 0 ? space_length(piece) : 1;
        if (space_length(piece) > 0 && (space_length(rest) > 0 || (first && used == 0)))
            used += space_length(rest);
        else if (rest.length > 0 && rest.data[0] == piece.data[0])
            used++;
        else
            return SIZE_MAX;
        piece = (quern_text){piece.data + length, piece.length - length};
    }
    return used;
}

void quern_span_next(struct quern_span *span, const quern_piece *piece)
{
    const quern_text rest = {span->text.data + span->stop, span->text.length - span->stop};
    const unsigned char lead = rest.length > 0 ? (unsigned char)rest.data[0] : 0;
    const size_t used = piece->kind == QUERN_PIECE_BYTE      ? 1
                        : piece->kind == QUERN_PIECE_UNKNOWN ? character_length(lead)
                                                             : match(rest, piece->text, !span->inside);
    span->lost |= used > rest.length;
    if (span->lost)
        return;
    span->inside = is_ordinary(piece);
    span->start = span->stop;
    span->stop += used;
}
