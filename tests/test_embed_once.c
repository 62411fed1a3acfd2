/* Texts that come again get the bits that quern_embed gives, also for a model whose mean is subtracted before a cut. */
#include "embed_once.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WIDTH = 768, CUT = 64, TEXTS = 5 };

static const char *const words[TEXTS] = {"one", "two", "one", "", "two one"};

static void embed_twice(quern_model *model, quern_context *context, const quern_embed_options *options)
{
    static float wanted[TEXTS * WIDTH], rows[TEXTS * WIDTH];
    const size_t width = options->dimensions > 0 ? (size_t)options->dimensions : WIDTH;
    char folder[] = "/tmp/quern-once-XXXXXX";
    quern_result wanted_results[TEXTS], results[TEXTS];
    quern_text texts[TEXTS];
    struct quern_once once;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < TEXTS; i++)
        texts[i] = (quern_text){words[i], strlen(words[i])};
    assert_int_equal(quern_embed(context, texts, TEXTS, options, wanted, TEXTS * WIDTH, wanted_results, NULL),
                     QUERN_OK);
    assert_int_equal(quern_once_open(&once, model, context, folder, NULL), QUERN_OK);
    for (uint64_t copied = 1; copied <= 1 + TEXTS; copied += TEXTS) { /* one comes again; then all do */
        memset(rows, 0, sizeof rows);
        quern_once_begin(&once);
        for (size_t i = 0; i < TEXTS; i++)
            assert_int_equal(quern_once_add(&once, texts[i], options, NULL), QUERN_OK);
        assert_int_equal(quern_once_finish(&once, options, rows, results, NULL), QUERN_OK);
        assert_memory_equal(rows, wanted, TEXTS * width * sizeof *rows);
        assert_memory_equal(results, wanted_results, sizeof results);
        assert_int_equal(once.copied, copied);
    }
    quern_once_close(&once);
    quern_vector_table_remove(folder);
}

static void test_same_bits(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_bert();
    char path[TRIAL_PATH];
    quern_model_info info = {.size = sizeof info};
    quern_model *model = NULL;
    recipe.arch = QUERN_RECIPE_NOMIC_BERT;
    recipe.tokenizer = "bert";
    recipe.layers = 12;
    recipe.embedding = WIDTH;
    recipe.heads = recipe.kv_heads = 24;
    recipe.name = "nomic-embed-text-v1.5";
    trial_make(path, &recipe);
    assert_int_equal(quern_model_open(&model, path, NULL, NULL), QUERN_OK);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_true(info.centred_cut);
    for (int task = QUERN_TASK_NONE; task <= QUERN_TASK_QUERY; task++) {
        embed_twice(model, context, &(quern_embed_options){.size = sizeof(quern_embed_options), .task = task});
        embed_twice(model, context, &(quern_embed_options){.size = sizeof(quern_embed_options), .task = task,
                                                           .dimensions = CUT});
        embed_twice(model, context, &(quern_embed_options){.size = sizeof(quern_embed_options), .task = task,
                                                           .dimensions = CUT, .flags = QUERN_NO_NORMALIZE});
    }
    quern_context_free(context);
    quern_model_close(model);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
