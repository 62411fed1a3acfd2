#include "task_fields.h"

#include "array_count.h"
#include "body.h"

bool quern_task_fields_read(struct quern_request *request, const struct quern_value *object)
{
    static const char *const fields[] = {"task",       "prompt_name", "promptName", "prompt_type",
                                         "input_type", "inputType",   "task_type",  "taskType"};
    const char *first = NULL;
    for (size_t i = 0; i < QUERN_COUNT(fields); i++) {
        const struct quern_value *value = quern_body_field(object, fields[i]);
        const int task = quern_task_find(quern_value_string(value));
        if (value == NULL)
            continue;
        if (task < 0)
            return quern_refuse(request, QUERN_FAULT_VALUE, fields[i],
                                "%s names no task: the tasks are none, query, document, similarity, classification, "
                                "clustering, code, summarization, question-answering and fact-checking, also in the "
                                "words of other services (search_query, passage, STS)", fields[i]);
        if (first != NULL && task != request->options.task)
            return quern_refuse(request, QUERN_FAULT_VALUE, fields[i], "%s and %s name different tasks: send one",
                                first, fields[i]);
        request->options.task = task;
        first = fields[i];
    }
    return true;
}
