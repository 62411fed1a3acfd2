#include "answer.h"

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

void quern_answer_put_error(const struct quern_request *request, struct quern_answer *answer)
{
    quern_buffer_text(&answer->body, "{\"error\":");
    quern_buffer_string(&answer->body, request->refusal.message);
    quern_buffer_text(&answer->body, "}\n");
}
