/* The task prompts of EmbeddingGemma (config_sentence_transformers.json of the published model). */
#ifndef QUERN_TEXT_PROMPT_H
#define QUERN_TEXT_PROMPT_H

#include "quern.h"

/* What precedes a text: up to three parts to be joined before tokenising (for a document with a title: "title: ",
 * the title, " | text: "). Returns the number of parts, -1 for a number that is no task. */
#define QUERN_PROMPT_PARTS 3
int quern_prompt_parts(int task, quern_text title, quern_text parts[QUERN_PROMPT_PARTS]);

/* The prompt of a task for a text without a title; NULL for a number that is no task. */
const char *quern_prompt_default(int task);

#endif
