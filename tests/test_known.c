/* Known models: the table, recognising them, and what a model that was recognised does. */
#include "base/count.h"
#include "base/view.h"
#include "formats/formats.h"
#include "known/known.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_table(void **state)
{
    (void)state;
    quern_known_info info = {.size = sizeof info};
    int count = 0;
    for (; quern_known_describe(count, &info, NULL) == QUERN_OK; count++) {
        bool has_prompts = false;
        assert_int_equal(quern_known_find(info.name), count); /* so no name is there twice */
        assert_int_equal(strcspn(info.name, ":/ ABCDEFGHIJKLMNOPQRSTUVWXYZ"), strlen(info.name));
        assert_non_null(strchr(info.repository, '/'));
        assert_non_null(info.license);
        assert_non_null(info.languages);
        assert_true(info.dimensions > 0 && info.layers > 0 && info.most_tokens > 0);
        assert_true(info.least_dimensions >= 0 && info.least_dimensions < info.dimensions);
        for (int task = 0; quern_task_name((quern_task)task) != NULL; task++)
            has_prompts = has_prompts || quern_known_prompt(count, (quern_task)task)[0] != '\0';
        assert_true(has_prompts || !info.needs_prompts);
        assert_string_equal(quern_known_prompt(count, QUERN_TASK_NONE), "");
        assert_null(quern_known_prompt(count, (quern_task)-1));
    }
    assert_true(count > 30);
    assert_null(quern_known_prompt(count, QUERN_TASK_QUERY));
    assert_null(quern_known_prompt(-1, QUERN_TASK_QUERY));
    assert_int_equal(quern_known_find("none"), -1);
    assert_int_equal(quern_known_find(NULL), -1);
    assert_int_equal(quern_known_describe(0, NULL, NULL), QUERN_EINVAL);
    assert_int_equal(quern_known_describe(-1, &info, NULL), QUERN_EINVAL);
}

/* Prompts as their publishers spell them, to the last space. */
static void test_prompts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        quern_task task;
        const char *prompt;
    } cases[] = {
        {"minilm", QUERN_TASK_QUERY, ""},
        {"bge-small", QUERN_TASK_QUERY, "Represent this sentence for searching relevant passages: "},
        {"bge-small", QUERN_TASK_DOCUMENT, ""},
        {"e5-base", QUERN_TASK_QUERY, "query: "},
        {"multilingual-e5-small", QUERN_TASK_DOCUMENT, "passage: "},
        {"e5-large", QUERN_TASK_SIMILARITY, "query: "},
        {"arctic-l-v2", QUERN_TASK_QUERY, "query: "},
        {"arctic-l-v2", QUERN_TASK_DOCUMENT, ""},
        {"nomic", QUERN_TASK_DOCUMENT, "search_document: "},
        {"nomic", QUERN_TASK_CLUSTERING, "clustering: "},
        {"qwen3-embedding", QUERN_TASK_QUERY,
         "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"},
        {"multilingual-e5-large-instruct", QUERN_TASK_QUERY,
         "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "},
        {"embeddinggemma", QUERN_TASK_SUMMARIZATION, "task: summarization | query: "},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++)
        assert_string_equal(quern_known_prompt(quern_known_find(cases[i].name), cases[i].task), cases[i].prompt);
}

/* ---------------------------------------------------------------- recognising */

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *architecture, *tokenizer;
        int dimensions, layers;
        enum quern_pooling pooling;
        const char *name, *other; /* that the file has; other: general.source.repo_url or "" */
        const char *known;        /* NULL: none */
    } cases[] = {
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "bge-small-en-v1.5", "", "bge-small"},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "Bge Small En v1.5", "", "bge-small"},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "BAAI/bge-small-en-v1.5", "", "bge-small"},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "bge-small-en-v1.5-Q4_K_M.gguf", "", "bge-small"},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "5c38ec7c405e", "https://hub.example/BAAI/bge-small-en-v1.5/",
         "bge-small"},
        {"bert", "", 384, 12, QUERN_POOLING_CLS, "bge-small-en-v1.5", "", "bge-small"},
        /* another shape, another model, a model made of it */
        {"bert", "bert", 384, 12, QUERN_POOLING_MEAN, "bge-small-en-v1.5", "", NULL},
        {"bert", "t5", 384, 12, QUERN_POOLING_CLS, "bge-small-en-v1.5", "", NULL},
        {"bert", "bert", 384, 6, QUERN_POOLING_CLS, "bge-small-en-v1.5", "", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "bge-small-en-v1.5-finance", "", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "my-bge-small-en-v1.5", "", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "bge-small-en", "", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "bge-small-en-v1.5 1", "", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "bge-small", "", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "", "", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "---///", "", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "bge-small-en-v1.5", "x/snowflake-arctic-embed-s", NULL},
        {"bert", "bert", 384, 12, QUERN_POOLING_CLS, "a b c d e f g h i j k l m n o p q r s t u v w x y z", "", NULL},
        /* names that begin alike */
        {"bert", "t5", 1024, 24, QUERN_POOLING_MEAN, "multilingual-e5-large", "", "multilingual-e5-large"},
        {"bert", "t5", 1024, 24, QUERN_POOLING_MEAN, "Multilingual E5 Large Instruct", "",
         "multilingual-e5-large-instruct"},
        {"nomic-bert", "bert", 768, 12, QUERN_POOLING_MEAN, "nomic-embed-text-v1", "", "nomic-v1"},
        {"nomic-bert", "bert", 768, 12, QUERN_POOLING_MEAN, "nomic-embed-text-v1.5", "", "nomic"},
        {"qwen3", "gpt2", 1024, 28, QUERN_POOLING_LAST, "Qwen3 Embedding 0.6b", "", "qwen3-embedding"},
        {"bert", "bert", 768, 12, QUERN_POOLING_CLS, "snowflake-arctic-embed-m-q8_0", "", "arctic-m"},
        {"bert", "bert", 768, 12, QUERN_POOLING_CLS, "snowflake-arctic-embed-m-v1.5", "", "arctic-m-v1.5"},
        /* a shape that only one model has */
        {"gemma-embedding", "llama", 768, 24, QUERN_POOLING_MEAN, "", "", "embeddinggemma"},
        {"gemma-embedding", "llama", 448, 6, QUERN_POOLING_MEAN, "", "", NULL},
        {"gemma-embedding2", "gemma4", 768, 24, QUERN_POOLING_MEAN, "Embeddinggemma 2", "", "embeddinggemma2"},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        const struct quern_known_facts facts = {
            .architecture = cases[i].architecture, .dimensions = cases[i].dimensions, .layers = cases[i].layers,
            .pooling = cases[i].pooling, .tokenizer = quern_text_of(cases[i].tokenizer),
            .names = {quern_text_of(cases[i].name), {"", 0}, quern_text_of(cases[i].other)}};
        const struct quern_known *known = quern_known_recognise(&facts);
        const char *name = known != NULL ? known->name : "none";
        if (strcmp(name, cases[i].known != NULL ? cases[i].known : "none") != 0)
            fail_msg("case %zu, \"%s\": taken for %s", i, cases[i].name, name);
    }
}

/* ---------------------------------------------------------------- models */

/* A model of the shape of bge-small, but for the rest. */
static void make_small(char path[TRIAL_PATH], const char *name)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.layers = 12;
    recipe.embedding = 384;
    recipe.heads = recipe.kv_heads = 12;
    recipe.context = 600;
    recipe.pooling = 2;
    recipe.type = QUERN_TYPE_Q8_0;
    recipe.name = name;
    trial_make(path, &recipe);
}

static void test_model(void **state)
{
    (void)state;
    char path[TRIAL_PATH], space[QUERN_SPACE_SIZE];
    const quern_embed_options query = {.size = sizeof query, .task = QUERN_TASK_QUERY};
    const quern_embed_options document = {.size = sizeof document, .task = QUERN_TASK_DOCUMENT};
    quern_model_info info = {.size = sizeof info};
    make_small(path, "bge-small-en-v1.5");
    quern_model *model = trial_open(path, NULL);
    unlink(path);
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_string_equal(info.known, "bge-small");
    assert_string_equal(info.known_reason, "the file has its name and its shape");
    assert_int_equal(info.has_prompts, 1);
    assert_int_equal(info.context_length, 512);
    assert_int_equal(info.most_context_length, 600);
    assert_string_equal(quern_model_prompt(model, QUERN_TASK_QUERY), quern_known_prompt(quern_known_find("bge-small"),
                                                                                        QUERN_TASK_QUERY));
    assert_int_equal(quern_space(model, &query, space, NULL), QUERN_OK);
    assert_non_null(strstr(space, "-query.")); /* and a digest of the prompt */
    assert_int_equal(quern_space(model, &document, space, NULL), QUERN_OK);
    assert_non_null(strstr(space, "-none"));
    quern_model_close(model);
}

/* The caller names the model, or says that it is another one. */
static void test_asked(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *known, *error; /* error: what it says; NULL: there is none */
    } cases[] = {
        {"arctic-s", "arctic-s", NULL},
        {"bge-small", "bge-small", NULL},
        {"none", NULL, NULL},
        {"bge-base", NULL, "this is not bge-base"},
        {"e5-small", NULL, "this is not e5-small"}, /* its pooling differs */
        {"bge-smal", NULL, "did you mean 'bge-small'"},
        {"", NULL, "no model \"\" is known"},
    };
    char path[TRIAL_PATH];
    make_small(path, "bge-small-en-v1.5");
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        const quern_model_options options = {.size = sizeof options, .known = cases[i].asked, .context_length = 600};
        quern_model_info info = {.size = sizeof info};
        quern_model *model = NULL;
        quern_error error;
        const int code = quern_model_open(&model, path, &options, &error);
        if (cases[i].error != NULL) {
            expect_error(code, QUERN_EINVAL, cases[i].error);
            continue;
        }
        assert_int_equal(code, QUERN_OK);
        assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
        assert_int_equal(info.known == NULL, cases[i].known == NULL);
        if (cases[i].known != NULL) {
            assert_string_equal(info.known, cases[i].known);
            assert_string_equal(info.known_reason, "you said so");
        }
        assert_int_equal(info.has_prompts, cases[i].known != NULL);
        assert_int_equal(info.context_length, 600); /* what was asked for */
        assert_null(info.notice);
        quern_model_close(model);
    }
    unlink(path);
}

/* Prompts in a file come first, one by one. */
static void test_prompts_of_the_file(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_bert();
    char path[TRIAL_PATH];
    recipe.layers = 6;
    recipe.embedding = 384;
    recipe.heads = recipe.kv_heads = 12;
    recipe.pooling = 2;
    recipe.name = "snowflake-arctic-embed-xs";
    recipe.file_prompts[0].name = "document";
    recipe.file_prompts[0].text = "doc: ";
    trial_make(path, &recipe);
    quern_model *model = trial_open(path, NULL);
    unlink(path);
    assert_string_equal(quern_model_prompt(model, QUERN_TASK_DOCUMENT), "doc: ");
    assert_string_equal(quern_model_prompt(model, QUERN_TASK_QUERY),
                        "Represent this sentence for searching relevant passages: ");
    quern_model_close(model);
}

/* The mean of a whole vector is subtracted before it is cut, and only then; the space says so. */
static void test_centred_cut(void **state)
{
    (void)state;
    enum { WIDTH = 768, CUT = 64 };
    static float whole[WIDTH], cut[CUT], plain[CUT], centred[WIDTH];
    struct quern_recipe recipe = quern_recipe_bert();
    char path[TRIAL_PATH], space[QUERN_SPACE_SIZE];
    int32_t ids[9];
    const quern_tokens text = {ids, 9};
    const quern_embed_options all = {.size = sizeof all, .flags = QUERN_NO_NORMALIZE};
    const quern_embed_options some = {.size = sizeof some, .dimensions = CUT};
    const quern_model_options other = {.size = sizeof other, .known = "none"};
    recipe.arch = QUERN_RECIPE_NOMIC_BERT;
    recipe.tokenizer = "bert";
    recipe.layers = 12;
    recipe.embedding = WIDTH;
    recipe.heads = recipe.kv_heads = 24;
    recipe.name = "nomic-embed-text-v1.5";
    trial_make(path, &recipe);
    trial_ids(ids, 9);
    for (int i = 0; i < 2; i++) {
        quern_model_info info = {.size = sizeof info};
        quern_model *model = NULL;
        assert_int_equal(quern_model_open(&model, path, i == 0 ? NULL : &other, NULL), QUERN_OK);
        quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
        assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
        assert_int_equal(info.centred_cut, i == 0);
        assert_int_equal(quern_embed_tokens(context, &text, 1, &all, whole, WIDTH, NULL, NULL), QUERN_OK);
        assert_int_equal(quern_embed_tokens(context, &text, 1, &some, cut, CUT, NULL, NULL), QUERN_OK);
        quern_finish(whole, CUT, 0, plain);
        quern_centre(whole, WIDTH, centred);
        quern_finish(centred, CUT, 0, centred);
        assert_memory_equal(cut, i == 0 ? centred : plain, sizeof cut);
        assert_memory_not_equal(centred, plain, sizeof cut);
        assert_int_equal(quern_space(model, &some, space, NULL), QUERN_OK);
        assert_int_equal(strncmp(space, i == 0 ? "64nc-" : "64n-", i == 0 ? 5 : 4), 0);
        assert_int_equal(quern_space(model, &all, space, NULL), QUERN_OK);
        assert_int_equal(strncmp(space, "768u-", 5), 0);
        quern_context_free(context);
        quern_model_close(model);
    }
    unlink(path);
}

/* A file that does not tell which model it is, but has texts embedded, gets a notice with the models of its shape. */
static void test_notice(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_bert();
    const quern_model_options none = {.size = sizeof none, .known = "none"};
    quern_model_info info = {.size = sizeof info};
    char path[TRIAL_PATH];
    recipe.layers = 12;
    recipe.embedding = 384;
    recipe.heads = recipe.kv_heads = 12;
    recipe.unigram = recipe.spaced = true;
    trial_make(path, &recipe);
    quern_model *model = trial_open(path, NULL);
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_null(info.known);
    assert_null(info.known_reason);
    assert_non_null(info.notice);
    assert_non_null(strstr(info.notice, "cannot tell which model this file is"));
    assert_non_null(strstr(info.notice, "shape: multilingual-e5-small, multilingual-minilm"));
    quern_model_close(model);
    assert_int_equal(quern_model_open(&model, path, &none, NULL), QUERN_OK);
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_null(info.notice);
    quern_model_close(model);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),  cmocka_unit_test(test_prompts), cmocka_unit_test(test_names),
        cmocka_unit_test(test_model), cmocka_unit_test(test_asked),   cmocka_unit_test(test_prompts_of_the_file),
        cmocka_unit_test(test_notice), cmocka_unit_test(test_centred_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
