/* The text of tokens in an answer. */
#ifndef QUERN_SERVER_ANSWER_TOKENS_H
#define QUERN_SERVER_ANSWER_TOKENS_H

#include "answer.h"

#define QUERN_PART_TOKENS 128 /* that are written one by one in a part of an answer */

/* The input that token i of the request belongs to. */
const struct quern_request_input *quern_tokens_input(const struct quern_request *request, size_t i);

/* Bytes of the text that ids[count] stand for; 0 when the library cannot tell it, because the model's file is lost.
 * flags as in quern_detokenize. */
size_t quern_tokens_text_length(const struct quern_served *served, const int32_t *ids, size_t count, unsigned flags);

/* Adds this text to out, as bytes. out->failed: no memory. */
void quern_tokens_add_text(const struct quern_served *served, const int32_t *ids, size_t count, unsigned flags,
                           struct quern_buffer *out);

/* Adds the text of an input that is token ids to an answer, as a JSON string, in parts. It depends on the request's
 * token_flags. */
void quern_tokens_put_text(const struct quern_request_input *input, struct quern_answer *answer);

#endif
