#include "answer_tokens.h"

#define TOKENS_OF_A_STRETCH 256 /* of a text, in one part of an answer */
#define MOST_JOINED 8        /* tokens that are looked at to find where a character begins */

const struct quern_request_input *quern_tokens_input(const struct quern_request *request, size_t i)
{
    size_t low = 0, high = request->input_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        *(request->inputs[middle].first_id <= i ? &low : &high) = middle;
    }
    return &request->inputs[low];
}

size_t quern_tokens_text_length(const struct quern_served *served, const int32_t *ids, size_t count, unsigned flags)
{
    size_t length = 0;
    const int code = quern_detokenize(served->model, ids, count, flags, NULL, 0, &length, NULL);
    return code == QUERN_OK || code == QUERN_ETOOLONG ? length : 0;
}

void quern_tokens_add_text(const struct quern_served *served, const int32_t *ids, size_t count, unsigned flags,
                           struct quern_buffer *out)
{
    size_t length = quern_tokens_text_length(served, ids, count, flags);
    char *room = length > 0 ? quern_buffer_room(out, length) : NULL;
    if (room != NULL && quern_detokenize(served->model, ids, count, flags, room, length, &length, NULL) == QUERN_OK)
        out->length += length;
}

/* ---------------------------------------------------------------- long texts */

/* Whether the text of a token goes on with a character that began in a token before it, or may do so. */
static bool goes_on(const struct quern_request *request, int32_t id)
{
    struct quern_buffer text = {0};
    quern_tokens_add_text(request->served, &id, 1, QUERN_KEEP_SPACE | request->options.token_flags, &text);
    const bool goes = text.length == 0 || ((unsigned char)text.data[0] & 0xc0) == 0x80;
    quern_buffer_free(&text);
    return goes;
}

/* The first token from this one on where a part of the text may begin. */
static size_t find_begin(const struct quern_request *request, const struct quern_request_input *input, size_t i)
{
    const size_t count = input->result.tokens;
    const int32_t *ids = request->ids + input->first_id;
    for (size_t n = 0; i > 0 && i < count && n < MOST_JOINED && goes_on(request, ids[i]); n++)
        i++;
    return i < count ? i : count;
}

/* Writes a part of the text. Whether a token keeps its space depends on the token before it, which is put before the
 * part for that, and left out of the text again. */
static void put_part(const struct quern_request *request, const struct quern_job *job, size_t first,
                     struct quern_buffer *body)
{
    const struct quern_request_input *input = quern_tokens_input(request, first);
    const int32_t *ids = request->ids + input->first_id;
    const unsigned flags = request->options.token_flags;
    const size_t begin = find_begin(request, input, first - input->first_id),
                 end = find_begin(request, input, first - input->first_id + TOKENS_OF_A_STRETCH), before = begin > 0;
    struct quern_buffer text = {0};
    (void)job;
    quern_tokens_add_text(request->served, ids + begin - before, end - begin + before, flags, &text);
    const size_t skipped = before > 0 ? quern_tokens_text_length(request->served, ids + begin - 1, 1, flags) : 0;
    if (skipped < text.length)
        quern_buffer_escape(body, (quern_text){text.data + skipped, text.length - skipped});
    body->failed |= text.failed;
    quern_buffer_free(&text);
}

void quern_tokens_put_text(const struct quern_request_input *input, struct quern_answer *answer)
{
    answer->put_part = put_part;
    quern_buffer_text(&answer->body, "\"");
    for (size_t i = 0; i < input->result.tokens; i += TOKENS_OF_A_STRETCH)
        quern_answer_add_part(answer, input->first_id + i);
    quern_buffer_text(&answer->body, "\"");
}
