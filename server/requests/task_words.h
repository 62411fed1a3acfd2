/* Tasks by the words that services of embeddings have for them, under whatever field they take them. */
#ifndef QUERN_SERVER_TASK_WORDS_H
#define QUERN_SERVER_TASK_WORDS_H

#include "request.h"

/* The task that a word stands for, or -1. Upper and lower case are the same, and so are '_', '-', '.' and ' '. word may
 * be NULL. */
int quern_task_word(const char *word);

/* Reads the fields of an object that say a task: task, prompt_name, input_type, task_type, taskType. It is an error
 * when two of them say different tasks. False: refused. */
bool quern_task_words_read(struct quern_request *request, const struct quern_value *object);

#endif
