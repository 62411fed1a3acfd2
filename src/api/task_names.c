/* The names of tasks, and the words that services of embeddings have for them. */
#include "base/count.h"
#include "base/nearest.h"
#include "quern.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define SLIPS 4 /* letters: a misspelt word of a service lacks fewer */

static const struct {
    const char *word;
    quern_task task;
} table[] = {
    /* our own; quern_task_name gives the first of each task */
    {"none", QUERN_TASK_NONE}, {"query", QUERN_TASK_QUERY}, {"document", QUERN_TASK_DOCUMENT},
    {"similarity", QUERN_TASK_SIMILARITY}, {"classification", QUERN_TASK_CLASSIFICATION},
    {"clustering", QUERN_TASK_CLUSTERING}, {"code", QUERN_TASK_CODE}, {"summarization", QUERN_TASK_SUMMARIZATION},
    {"question-answering", QUERN_TASK_QUESTION_ANSWERING}, {"fact-checking", QUERN_TASK_FACT_CHECKING},
    /* prompts that models name (sentence-transformers, TEI) */
    {"Retrieval", QUERN_TASK_QUERY}, {"BitextMining", QUERN_TASK_QUERY}, {"Reranking", QUERN_TASK_QUERY},
    {"STS", QUERN_TASK_SIMILARITY}, {"PairClassification", QUERN_TASK_SIMILARITY},
    {"MultilabelClassification", QUERN_TASK_CLASSIFICATION}, {"InstructionRetrieval", QUERN_TASK_CODE},
    /* Cohere */
    {"search_query", QUERN_TASK_QUERY}, {"search_document", QUERN_TASK_DOCUMENT},
    /* NIM (Voyage has query and document) */
    {"passage", QUERN_TASK_DOCUMENT},
    /* Jina */
    {"retrieval.passage", QUERN_TASK_DOCUMENT}, {"text-matching", QUERN_TASK_SIMILARITY},
    {"separation", QUERN_TASK_CLUSTERING}, {"code.query", QUERN_TASK_CODE}, {"code.passage", QUERN_TASK_DOCUMENT},
    /* Gemini */
    {"RETRIEVAL_QUERY", QUERN_TASK_QUERY}, {"RETRIEVAL_DOCUMENT", QUERN_TASK_DOCUMENT},
    {"SEMANTIC_SIMILARITY", QUERN_TASK_SIMILARITY}, {"FACT_VERIFICATION", QUERN_TASK_FACT_CHECKING},
    {"CODE_RETRIEVAL_QUERY", QUERN_TASK_CODE}, {"TASK_TYPE_UNSPECIFIED", QUERN_TASK_NONE},
};

const char *quern_task_name(quern_task task)
{
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        if (table[i].task == task)
            return table[i].word;
    return NULL;
}

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

int quern_task_find(const char *word)
{
    for (size_t i = 0; word != NULL && i < QUERN_COUNT(table); i++)
        if (is_same(word, table[i].word))
            return (int)table[i].task;
    return -1;
}

int quern_task_guess(const char *word)
{
    struct quern_nearest nearest = {.asked = word != NULL ? word : ""};
    char meant[32]; /* longer than any word */
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const size_t length = strlen(table[i].word);
        const bool is_ours = table[i].word == quern_task_name(table[i].task);
        if (is_ours || length < strlen(nearest.asked) + SLIPS) /* "instruct" is no beginning of InstructionRetrieval */
            quern_nearest_offer(&nearest, table[i].word, length);
    }
    if (nearest.word == NULL)
        return -1;
    memcpy(meant, nearest.word, (size_t)nearest.length);
    meant[nearest.length] = '\0';
    return quern_task_find(meant);
}
