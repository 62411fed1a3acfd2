/* Tasks and their prompts: those of the architecture, and those that a file brings. */
#include "base/count.h"
#include "formats/formats.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* Makes a tiny model. prompts: what its file says about its prompts, or NULL. name, text: a prompt of its file, or
 * NULL. */
static quern_model *open_model(const char *prompts, const char *name, const char *text)
{
    char path[TRIAL_PATH];
    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, false);
    recipe.prompts = prompts;
    recipe.file_prompts[0].name = name;
    recipe.file_prompts[0].text = text;
    trial_make(path, &recipe);
    quern_model *model = trial_open(path, NULL);
    unlink(path);
    return model;
}

static void test_names(void **state)
{
    (void)state;
    const int none[] = {-1, TASKS, INT32_MAX, INT32_MIN};
    const char *const names[] = {"", "querry", "query ", "task: search result | query: ", "documents"};
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(tasks[i].task, i);
        assert_string_equal(quern_task_name(tasks[i].task), tasks[i].name);
        assert_int_equal(quern_task_find(tasks[i].name), i);
    }
    for (size_t i = 0; i < QUERN_COUNT(none); i++)
        assert_null(quern_task_name((quern_task)none[i]));
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        assert_int_equal(quern_task_find(names[i]), -1);
    assert_int_equal(quern_task_find(NULL), -1);
}

static void test_words_of_services(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int task, guess;
    } cases[] = {{"Query", QUERN_TASK_QUERY, QUERN_TASK_QUERY}, {"search_query", QUERN_TASK_QUERY, QUERN_TASK_QUERY},
                 {"Search Document", QUERN_TASK_DOCUMENT, QUERN_TASK_DOCUMENT},
                 {"passage", QUERN_TASK_DOCUMENT, QUERN_TASK_DOCUMENT},
                 {"sts", QUERN_TASK_SIMILARITY, QUERN_TASK_SIMILARITY},
                 {"question_answering", QUERN_TASK_QUESTION_ANSWERING, QUERN_TASK_QUESTION_ANSWERING},
                 {"TASK_TYPE_UNSPECIFIED", QUERN_TASK_NONE, QUERN_TASK_NONE}, {"querry", -1, QUERN_TASK_QUERY},
                 {"documnet", -1, QUERN_TASK_DOCUMENT}, {"serach_query", -1, QUERN_TASK_QUERY},
                 {"class", -1, QUERN_TASK_CLASSIFICATION}, {"v1.5", -1, -1}, {"300m", -1, -1}, {"q4_0", -1, -1},
                 {"instruct", -1, -1}, {"text", -1, -1}, {"", -1, -1}, {NULL, -1, -1}};
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        assert_int_equal(quern_task_find(cases[i].word), cases[i].task);
        assert_int_equal(quern_task_guess(cases[i].word), cases[i].guess);
    }
}

static void test_prompts_of_the_architecture(void **state)
{
    (void)state;
    quern_model *model = open_model(NULL, NULL, NULL);
    for (int i = 0; i < TASKS; i++)
        assert_string_equal(quern_model_prompt(model, tasks[i].task), tasks[i].prompt);
    assert_null(quern_model_prompt(model, (quern_task)-1));
    assert_null(quern_model_prompt(model, (quern_task)TASKS));
    quern_model_close(model);
}

/* Whether text with its task and title has the tokens of this string without a task. */
static void expect_text(quern_context *context, int task, const char *title, const char *string)
{
    int32_t ids[200], expected[200];
    size_t count, expected_count;
    const quern_embed_options options = {
        .size = sizeof options, .task = task, .title = {title, title != NULL ? strlen(title) : 0}};
    assert_int_equal(quern_tokenize(context, (quern_text){"a text", 6}, &options, ids, 200, &count, NULL), QUERN_OK);
    assert_int_equal(quern_tokenize(context, (quern_text){string, strlen(string)}, NULL, expected, 200, &expected_count,
                                    NULL), QUERN_OK);
    assert_int_equal(count, expected_count);
    assert_memory_equal(ids, expected, count * sizeof *ids);
}

static void test_titles(void **state)
{
    (void)state;
    quern_model *model = open_model(NULL, NULL, NULL);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    expect_text(context, QUERN_TASK_DOCUMENT, NULL, "title: none | text: a text");
    expect_text(context, QUERN_TASK_DOCUMENT, "", "title: none | text: a text");
    expect_text(context, QUERN_TASK_DOCUMENT, "Mars | the red one", "title: Mars | the red one | text: a text");
    expect_text(context, QUERN_TASK_NONE, NULL, "a text");
    quern_context_free(context);
    quern_model_close(model);
}

/* A prompt of the caller's own stands where that of the task would. */
static void test_own_prompts(void **state)
{
    (void)state;
    static const char own[] = "Instruct: Find laws\nQuery:", usual[] = "task: search result | query: ";
    static char long_prompt[4097];
    quern_model *model = open_model(NULL, NULL, NULL);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    quern_embed_options options = {.size = sizeof options, .task = QUERN_TASK_QUERY, .prompt = {own, strlen(own)}};
    const quern_text text = {"a text", 6}, whole = {"Instruct: Find laws\nQuery:a text", 32};
    char space[QUERN_SPACE_SIZE], other[QUERN_SPACE_SIZE];
    float a[TRIAL_WIDTH], b[TRIAL_WIDTH];
    int32_t ids[200], spelled[200];
    size_t count, spelled_count;
    quern_error error;

    assert_int_equal(quern_embed(context, &text, 1, &options, a, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_embed(context, &whole, 1, NULL, b, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    assert_memory_equal(a, b, sizeof a);

    quern_token_span spans[200];
    assert_int_equal(quern_tokenize(context, text, &options, ids, 200, &count, NULL), QUERN_OK);
    assert_int_equal(quern_token_spans(context, text, &options, ids, count, spans, NULL), QUERN_OK);
    assert_int_equal(spans[1].part, QUERN_PART_PROMPT);
    assert_int_equal(spans[count - 2].part, QUERN_PART_TEXT);

    /* Its digest is part of the space. The prompt of the task, given again, changes nothing; an empty one is none. */
    assert_int_equal(quern_space(model, &options, space, NULL), QUERN_OK);
    assert_non_null(strstr(space, "-query."));
    options.prompt = (quern_text){usual, strlen(usual)};
    assert_int_equal(quern_space(model, &options, space, NULL), QUERN_OK);
    options.prompt = (quern_text){NULL, 0};
    assert_int_equal(quern_space(model, &options, other, NULL), QUERN_OK);
    assert_string_equal(space, other);
    options.prompt = (quern_text){"", 0};
    assert_int_equal(quern_space(model, &options, space, NULL), QUERN_OK);
    assert_non_null(strstr(space, "-none"));
    assert_int_equal(quern_tokenize(context, text, &options, ids, 200, &count, NULL), QUERN_OK);
    assert_int_equal(quern_tokenize(context, text, NULL, spelled, 200, &spelled_count, NULL), QUERN_OK);
    assert_int_equal(count, spelled_count);
    assert_memory_equal(ids, spelled, count * sizeof *ids);

    options.prompt = (quern_text){long_prompt, sizeof long_prompt};
    assert_int_equal(quern_tokenize(context, text, &options, ids, 200, &count, &error), QUERN_EINVAL);
    options.prompt = (quern_text){NULL, 1};
    assert_int_equal(quern_tokenize(context, text, &options, ids, 200, &count, &error), QUERN_EINVAL);
    options = (quern_embed_options){.size = sizeof options, .task = QUERN_TASK_DOCUMENT, .title = {"t", 1},
                                    .prompt = {own, strlen(own)}};
    assert_int_equal(quern_tokenize(context, text, &options, ids, 200, &count, &error), QUERN_EINVAL);
    assert_non_null(strstr(error.text, "cannot have a title"));
    quern_context_free(context);
    quern_model_close(model);
}

/* Where the start of a long text is cut off, the prompt stays. */
static void test_own_prompt_stays(void **state)
{
    (void)state;
    static char words[4096];
    const quern_text text = {words, sizeof words}, end = {words, 0};
    const quern_embed_options options = {
        .size = sizeof options, .flags = QUERN_TRUNCATE_START, .prompt = {"search: ", 8}};
    const quern_embed_options prompt = {.size = sizeof prompt, .prompt = {"search: ", 8}};
    quern_model *model = open_model(NULL, NULL, NULL);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    int32_t ids[256], before[64];
    quern_result result;
    size_t count;
    for (size_t i = 0; i < sizeof words; i++)
        words[i] = "the word "[i % 9];
    assert_int_equal(quern_prepare(context, text, &options, ids, 256, &result, NULL), QUERN_OK);
    assert_true(result.truncated > 0);
    assert_int_equal(quern_tokenize(context, end, &prompt, before, 64, &count, NULL), QUERN_OK);
    assert_true(count > 4);
    assert_memory_equal(ids, before, (count - 2) * sizeof *ids); /* the last ones close the text */
    quern_context_free(context);
    quern_model_close(model);
}

static void test_prompts_of_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        quern_task task;
    } cases[] = {{"query", QUERN_TASK_QUERY}, {"Retrieval-query", QUERN_TASK_QUERY}, {"passage", QUERN_TASK_DOCUMENT},
                 {"STS", QUERN_TASK_SIMILARITY}, {"Clustering", QUERN_TASK_CLUSTERING},
                 {"InstructionRetrieval", QUERN_TASK_CODE}, {"fact-checking", QUERN_TASK_FACT_CHECKING}};
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        quern_model *model = open_model(NULL, cases[i].name, "search: ");
        quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
        for (int task = 0; task < TASKS; task++)
            assert_string_equal(quern_model_prompt(model, (quern_task)task),
                                task == (int)cases[i].task ? "search: " : tasks[task].prompt);
        expect_text(context, cases[i].task, NULL, "search: a text");
        quern_context_free(context);
        quern_model_close(model);
    }
}

/* The key with quern's own name comes first. An empty prompt is a prompt too. */
static void test_two_names_of_a_prompt(void **state)
{
    (void)state;
    char path[TRIAL_PATH];
    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, false);
    recipe.file_prompts[0].name = "STS";
    recipe.file_prompts[0].text = "sts: ";
    recipe.file_prompts[1].name = "similarity";
    recipe.file_prompts[1].text = "";
    trial_make(path, &recipe);
    quern_model *model = trial_open(path, NULL);
    assert_string_equal(quern_model_prompt(model, QUERN_TASK_SIMILARITY), "");
    quern_model_close(model);
    unlink(path);
}

static void expect_title(const char *document_prompt, const char *string)
{
    quern_model *model = open_model(NULL, "document", document_prompt);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    expect_text(context, QUERN_TASK_DOCUMENT, "Mars", string);
    quern_context_free(context);
    quern_model_close(model);
}

static void test_titles_with_prompts_of_the_file(void **state)
{
    (void)state;
    expect_title("", "Mars\na text");
    expect_title("passage: ", "passage: Mars\na text");
    expect_title("<title: none> ", "<title: Mars> a text");
}

/* Tasks of a model without prompts embed the text as it is. */
static void test_no_prompts(void **state)
{
    (void)state;
    quern_model *model = open_model("none", "query", "search: ");
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    quern_model_info info = {.size = sizeof info};
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_int_equal(info.has_prompts, 0);
    for (int i = 0; i < TASKS; i++) {
        assert_string_equal(quern_model_prompt(model, tasks[i].task), "");
        expect_text(context, i, NULL, "a text");
    }
    expect_text(context, QUERN_TASK_DOCUMENT, "Mars", "Mars\na text");
    quern_context_free(context);
    quern_model_close(model);
}

static void test_long_prompt(void **state)
{
    (void)state;
    char path[TRIAL_PATH], prompt[5000];
    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, false);
    quern_model *model = NULL;
    quern_error error;
    memset(prompt, 'p', sizeof prompt - 1);
    prompt[sizeof prompt - 1] = '\0';
    recipe.file_prompts[0].name = "query";
    recipe.file_prompts[0].text = prompt;
    trial_make(path, &recipe);
    assert_int_equal(quern_model_open(&model, path, NULL, &error), QUERN_EFORMAT);
    assert_non_null(strstr(error.text, "quern.prompt.query"));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_words_of_services),
        cmocka_unit_test(test_prompts_of_the_architecture),
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_own_prompts), cmocka_unit_test(test_own_prompt_stays),
        cmocka_unit_test(test_prompts_of_the_file),
        cmocka_unit_test(test_two_names_of_a_prompt),
        cmocka_unit_test(test_titles_with_prompts_of_the_file),
        cmocka_unit_test(test_no_prompts),
        cmocka_unit_test(test_long_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
