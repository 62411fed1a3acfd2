#include "answer_tokens.h"

/* Bytes of the text of tokens; 0 when the library cannot tell it, because the model's file is lost. */
static size_t text_length(const struct quern_service *service, const int32_t *ids, size_t count, unsigned flags)
{
    size_t length = 0;
    const int code = quern_detokenize(service->model, ids, count, flags, NULL, 0, &length, NULL);
    return code == QUERN_OK || code == QUERN_ETOOLONG ? length : 0;
}

void quern_tokens_add_text(const struct quern_service *service, const int32_t *ids, size_t count, unsigned flags,
                           struct quern_buffer *out)
{
    size_t length = text_length(service, ids, count, flags);
    char *room = length > 0 ? quern_buffer_room(out, length) : NULL;
    if (room != NULL && quern_detokenize(service->model, ids, count, flags, room, length, &length, NULL) == QUERN_OK)
        out->length += length;
}

void quern_tokens_put_text(struct quern_request *request, const int32_t *ids, size_t count, unsigned flags,
                           struct quern_answer *answer)
{
    const size_t most = (size_t)request->service->options->max_body;
    struct quern_buffer text = {0};
    if (text_length(request->service, ids, count, flags) > most) {
        quern_refuse(request, QUERN_FAULT_REQUEST, NULL,
                     "the text of these tokens has more than %zu bytes: send fewer at once", most);
        return;
    }
    quern_tokens_add_text(request->service, ids, count, flags, &text);
    quern_buffer_quote(&answer->body, (quern_text){text.data, text.length});
    answer->body.failed |= text.failed;
    quern_buffer_free(&text);
}
