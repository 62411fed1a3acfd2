#include "answer.h"

#include <stdlib.h>
#include <string.h>

#define MARK 1 /* before and behind the number of a part; JSON has no such byte */

void quern_answer_init(struct quern_answer *answer)
{
    *answer = (struct quern_answer){.status = 200, .type = "application/json"};
}

void quern_answer_free(struct quern_answer *answer)
{
    quern_buffer_free(&answer->fields);
    quern_buffer_free(&answer->body);
    quern_buffer_free(&answer->draft);
}

void quern_answer_add_part(struct quern_answer *answer, size_t i)
{
    answer->has_parts = true;
    quern_buffer_add(&answer->body, &(char){MARK}, 1);
    quern_buffer_number(&answer->body, i);
    quern_buffer_add(&answer->body, &(char){MARK}, 1);
}

int quern_answer_fill(const struct quern_request *request, const struct quern_job *job, struct quern_answer *answer,
                      size_t slice)
{
    struct quern_buffer *draft = &answer->draft, *body = &answer->body;
    if (draft->data == NULL) {
        *draft = *body;
        *body = (struct quern_buffer){.failed = draft->failed};
    }
    const size_t before = body->length;
    while (answer->draft_at < draft->length && !body->failed) {
        const char *at = draft->data + answer->draft_at, *end = draft->data + draft->length,
                   *mark = memchr(at, MARK, (size_t)(end - at));
        quern_buffer_add(body, at, (size_t)((mark != NULL ? mark : end) - at));
        answer->draft_at = draft->length;
        if (mark != NULL) {
            char *rest;
            answer->put_part(request, job, strtoul(mark + 1, &rest, 10), body);
            answer->draft_at = (size_t)(rest + 1 - draft->data);
        }
        if (body->length - before >= slice)
            return 0;
    }
    quern_buffer_free(draft);
    return 1;
}

void quern_answer_put_error(const struct quern_request *request, struct quern_answer *answer)
{
    quern_buffer_text(&answer->body, "{\"error\":");
    quern_buffer_string(&answer->body, request->refusal.message);
    quern_buffer_text(&answer->body, "}\n");
}
