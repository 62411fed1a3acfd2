#include "base/count.h"
#include "text/prompt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    quern_task task;
    const char *name, *prompt;
} tasks[] = {
    {QUERN_TASK_NONE, "none", ""},
    {QUERN_TASK_QUERY, "query", "task: search result | query: "},
    {QUERN_TASK_DOCUMENT, "document", "title: none | text: "},
    {QUERN_TASK_SIMILARITY, "similarity", "task: sentence similarity | query: "},
    {QUERN_TASK_CLASSIFICATION, "classification", "task: classification | query: "},
    {QUERN_TASK_CLUSTERING, "clustering", "task: clustering | query: "},
    {QUERN_TASK_CODE, "code", "task: code retrieval | query: "},
    {QUERN_TASK_SUMMARIZATION, "summarization", "task: summarization | query: "},
    {QUERN_TASK_QUESTION_ANSWERING, "question-answering", "task: question answering | query: "},
    {QUERN_TASK_FACT_CHECKING, "fact-checking", "task: fact checking | query: "},
};
#define TASKS ((int)QUERN_COUNT(tasks))

static void test_names_and_prompts(void **state)
{
    (void)state;
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(tasks[i].task, i);
        assert_string_equal(quern_task_name(tasks[i].task), tasks[i].name);
        assert_string_equal(quern_prompt_default(tasks[i].task), tasks[i].prompt);
        assert_int_equal(quern_task_find(tasks[i].name), i);
    }
}

static void test_what_is_no_task(void **state)
{
    const int none[] = {-1, TASKS, INT32_MAX, INT32_MIN};
    const char *const names[] = {"", "Query", "query ", "task: search result | query: ", "documents"};
    quern_text parts[QUERN_PROMPT_PARTS];

    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(none); i++) {
        assert_null(quern_task_name((quern_task)none[i]));
        assert_null(quern_prompt_default(none[i]));
        assert_int_equal(quern_prompt_parts(none[i], (quern_text){NULL, 0}, parts), -1);
    }
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        assert_int_equal(quern_task_find(names[i]), -1);
    assert_int_equal(quern_task_find(NULL), -1);
}

/* What precedes a text, joined. */
static const char *joined(int task, const char *title)
{
    static char out[128];
    quern_text parts[QUERN_PROMPT_PARTS];
    int count = quern_prompt_parts(task, (quern_text){title, title ? strlen(title) : 0}, parts);
    size_t used = 0;

    assert_in_range(count, 0, QUERN_PROMPT_PARTS);
    for (int i = 0; i < count; i++) {
        assert_true(parts[i].length < sizeof out - used);
        memcpy(out + used, parts[i].data, parts[i].length);
        used += parts[i].length;
    }
    out[used] = '\0';
    return out;
}

static void test_parts_without_title(void **state)
{
    (void)state;
    for (int i = 0; i < TASKS; i++)
        assert_string_equal(joined(i, NULL), tasks[i].prompt);
    assert_string_equal(joined(QUERN_TASK_DOCUMENT, ""), "title: none | text: ");
}

static void test_only_documents_have_titles(void **state)
{
    (void)state;
    assert_string_equal(joined(QUERN_TASK_DOCUMENT, "Mars | the red one"), "title: Mars | the red one | text: ");
    assert_string_equal(joined(QUERN_TASK_QUERY, "Mars"), "task: search result | query: ");
    assert_string_equal(joined(QUERN_TASK_NONE, "Mars"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_prompts),
        cmocka_unit_test(test_what_is_no_task),
        cmocka_unit_test(test_parts_without_title),
        cmocka_unit_test(test_only_documents_have_titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
