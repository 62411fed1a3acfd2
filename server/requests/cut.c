#include "request.h"

#include <string.h>

#define MARGIN 64      /* tokens, as a cut in a text may change those beside it */
#define WORD 256       /* bytes in which a place between words is looked for */
#define PROMPT_IDS 512 /* that are kept at most, of a title's for the most part */

size_t quern_tokens_least(const struct quern_service *service, size_t bytes)
{
    const size_t longest = (size_t)service->tokens.longest_piece;
    return bytes / longest + (bytes % longest > 0);
}

static bool is_inside(quern_text text, size_t at)
{
    return at < text.length && ((unsigned char)text.data[at] & 0xc0) == 0x80; /* of a character */
}

quern_text quern_text_part(const struct quern_service *service, quern_text text, enum quern_cut cut)
{
    size_t most = ((size_t)service->info.context_length + MARGIN) * (size_t)service->tokens.longest_piece, from;
    if (text.length <= most)
        return text;
    if (cut != QUERN_CUT_START) {
        while (most > 0 && is_inside(text, most))
            most--;
        return (quern_text){text.data, most};
    }
    from = text.length - most;
    const char *space = memchr(text.data + from, ' ', most < WORD ? most : WORD);
    if (space != NULL)
        from = (size_t)(space - text.data);
    while (is_inside(text, from))
        from++;
    return (quern_text){text.data + from, text.length - from};
}

void quern_ids_keep_end(const struct quern_request *request, const struct quern_input *input, int32_t *ids,
                        size_t count, size_t limit)
{
    const quern_embed_options options = {.size = sizeof options, .task = request->task, .title = input->title};
    int32_t prompt[PROMPT_IDS];
    size_t length = 0, kept = 0;
    quern_tokenize(request->service->tokenizer, (quern_text){"", 0}, &options, prompt, PROMPT_IDS, &length, NULL);
    while (kept < length && kept < PROMPT_IDS && prompt[kept] == ids[kept])
        kept++;
    if (kept == PROMPT_IDS || kept > limit / 2)
        kept = request->service->tokens.bos >= 0 && limit > 1;
    memmove(ids + kept, ids + count - (limit - kept), (limit - kept) * sizeof *ids);
}
