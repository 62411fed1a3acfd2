#include "task_words.h"

#include "array_count.h"
#include "body.h"

#include <ctype.h>
#include <string.h>

static bool is_separator(char c)
{
    return c != '\0' && strchr("_-. ", c) != NULL;
}

static bool is_same(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b) && !(is_separator(*a) && is_separator(*b)))
            return false;
    return *a == *b;
}

int quern_task_word(const char *word)
{
    static const struct {
        const char *word;
        quern_task task;
    } table[] = {
        /* prompts that models name (sentence-transformers, TEI) */
        {"Retrieval", QUERN_TASK_QUERY}, {"BitextMining", QUERN_TASK_QUERY}, {"Reranking", QUERN_TASK_QUERY},
        {"STS", QUERN_TASK_SIMILARITY}, {"PairClassification", QUERN_TASK_SIMILARITY},
        {"MultilabelClassification", QUERN_TASK_CLASSIFICATION}, {"InstructionRetrieval", QUERN_TASK_CODE},
        /* Cohere, Nomic */
        {"search_query", QUERN_TASK_QUERY}, {"search_document", QUERN_TASK_DOCUMENT},
        /* NIM (Voyage has query and document) */
        {"passage", QUERN_TASK_DOCUMENT},
        /* Jina */
        {"retrieval.passage", QUERN_TASK_DOCUMENT}, {"text-matching", QUERN_TASK_SIMILARITY},
        {"separation", QUERN_TASK_CLUSTERING}, {"code.query", QUERN_TASK_CODE}, {"code.passage", QUERN_TASK_DOCUMENT},
        /* Gemini */
        {"RETRIEVAL_QUERY", QUERN_TASK_QUERY}, {"RETRIEVAL_DOCUMENT", QUERN_TASK_DOCUMENT},
        {"SEMANTIC_SIMILARITY", QUERN_TASK_SIMILARITY}, {"FACT_VERIFICATION", QUERN_TASK_FACT_CHECKING},
        {"CODE_RETRIEVAL_QUERY", QUERN_TASK_CODE}, {"TASK_TYPE_UNSPECIFIED", QUERN_TASK_NONE}};
    if (word == NULL)
        return -1;
    for (int task = 0; quern_task_name((quern_task)task) != NULL; task++)
        if (is_same(word, quern_task_name((quern_task)task)))
            return task;
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        if (is_same(word, table[i].word))
            return (int)table[i].task;
    return -1;
}

bool quern_task_words_read(struct quern_request *request, const struct quern_value *object)
{
    static const char *const fields[] = {"task",       "prompt_name", "promptName", "prompt_type",
                                         "input_type", "inputType",   "task_type",  "taskType"};
    const char *first = NULL;
    for (size_t i = 0; i < QUERN_COUNT(fields); i++) {
        const struct quern_value *value = quern_body_field(object, fields[i]);
        const int task = quern_task_word(quern_value_string(value));
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
