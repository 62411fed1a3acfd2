/* The text of tokens in an answer. */
#ifndef QUERN_SERVER_ANSWER_TOKENS_H
#define QUERN_SERVER_ANSWER_TOKENS_H

#include "answer.h"

/* Adds the text that ids[count] stand for to out, as bytes. flags as in quern_detokenize. out->failed: no memory. */
void quern_tokens_add_text(const struct quern_service *service, const int32_t *ids, size_t count, unsigned flags,
                           struct quern_buffer *out);

/* Adds the same text to an answer, as a JSON string. Refuses a text of more bytes than a body may have. */
void quern_tokens_put_text(struct quern_request *request, const int32_t *ids, size_t count, unsigned flags,
                           struct quern_answer *answer);

#endif
