/* Conversion of folders and model files: the result equals a model file that is made directly from the same numbers. It
 * can be stopped at any moment. */
#include "allocations.h"
#include "base/count.h"
#include "folder_trial.h"

#include "gguf/writer.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---------------------------------------------------------------- what comes out */

/* A folder has norms minus 1. Adding 1 again does not always restore the last bit in float32. */
static void expect_norm(const struct quern_gguf_tensor *a, const struct quern_gguf_tensor *b)
{
    for (uint64_t i = 0; i < a->elements; i++) {
        float x, y;
        memcpy(&x, a->data + 4 * i, sizeof x);
        memcpy(&y, b->data + 4 * i, sizeof y);
        assert_true((y - 1.0f) + 1.0f == x);
    }
}

static void expect_tensors(const struct quern_gguf *converted, const struct quern_gguf *expected)
{
    assert_int_equal(converted->tensor_count, expected->tensor_count);
    for (size_t i = 0; i < expected->tensor_count; i++) {
        const struct quern_gguf_tensor *b = &expected->tensors[i];
        char name[64] = "";
        memcpy(name, b->name.data, b->name.length);
        const struct quern_gguf_tensor *a = quern_gguf_tensor_find(converted, name);
        assert_non_null(a);
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->dimensions, b->dimensions);
        assert_memory_equal(a->shape, b->shape, sizeof a->shape);
        if (a->dimensions == 1)
            expect_norm(a, b);
        else
            assert_memory_equal(a->data, b->data, a->bytes);
    }
}

/* Compares all keys of expected except the name, and their values, also the vocabulary. */
static void expect_keys(const struct quern_gguf *converted, const struct quern_gguf *expected)
{
    for (size_t i = 0; i < expected->value_count; i++) {
        const struct quern_gguf_value *b = &expected->values[i];
        char key[96] = "";
        memcpy(key, b->key.data, b->key.length);
        const struct quern_gguf_value *a = quern_gguf_find(converted, key);
        assert_non_null(a);
        assert_int_equal(a->kind, b->kind);
        if (strcmp(key, "general.name") == 0)
            continue;
        assert_int_equal(a->element, b->element);
        assert_int_equal(a->count, b->count);
        assert_int_equal(a->bytes, b->bytes);
        assert_memory_equal(a->data, b->data, a->bytes);
    }
}

static void expect_same(const char *expected_path)
{
    struct quern_gguf converted, expected;
    assert_int_equal(quern_gguf_open(&converted, trial.output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&expected, expected_path, NULL), QUERN_OK);
    expect_tensors(&converted, &expected);
    expect_keys(&converted, &expected);
    quern_gguf_close(&converted);
    quern_gguf_close(&expected);
}

static void test_every_type_equals_the_file_made_straight(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t type;
        bool head; /* one in Q4_0 is what we do not write */
    } types[] = {{"f32", QUERN_TYPE_F32, true}, {"F16", QUERN_TYPE_F16, true}, {"bf16", QUERN_TYPE_BF16, true},
                 {"q8_0", QUERN_TYPE_Q8_0, true}, {NULL, QUERN_TYPE_Q8_0, true}, {"q4_0", QUERN_TYPE_Q4_0, false}};
    for (size_t i = 0; i < QUERN_COUNT(types); i++) {
        folder_make(NULL, types[i].head);
        struct quern_convert_result result = folder_convert(types[i].name);
        expect_same(folder_model(types[i].type, types[i].head));
        assert_int_equal(result.has_head, types[i].head);
        assert_int_equal(result.tensors, types[i].head ? 82 : 80);
        assert_int_equal(strstr(result.notice, "no dense layers") != NULL, !types[i].head);
    }
    folder_make(NULL, true);
    assert_string_equal(folder_convert("q4_0").types, "Q4_0 x 42, F32 x 37, Q8_0 x 3");
}

static void test_layouts_of_the_checkpoint(void **state)
{
    (void)state;
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.shards = 5;
    recipe.prefix = "model.";
    folder_make(&recipe, true);
    folder_convert("f32");
    expect_same(folder_model(QUERN_TYPE_F32, true));
    recipe.shards = 1;
    recipe.dtype = "BF16"; /* what was rounded to bf16 is not changed by rounding it again */
    folder_make(&recipe, true);
    folder_convert("bf16");
    struct quern_gguf converted, expected;
    assert_int_equal(quern_gguf_open(&converted, trial.output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&expected, folder_model(QUERN_TYPE_BF16, true), NULL), QUERN_OK);
    const char *names[] = {"token_embd.weight", "blk.5.ffn_down.weight", "dense_3.weight"};
    for (size_t i = 0; i < 3; i++)
        assert_memory_equal(quern_gguf_tensor_find(&converted, names[i])->data,
                            quern_gguf_tensor_find(&expected, names[i])->data,
                            quern_gguf_tensor_find(&expected, names[i])->bytes);
    quern_gguf_close(&converted);
    quern_gguf_close(&expected);
}

/* tokenizer.json gives the same, but it has no pieces of the kind unused, and its unknown piece has no score. */
static void test_tokenizer_json(void **state)
{
    (void)state;
    struct quern_folder_recipe recipe = quern_folder_recipe();
    struct quern_gguf converted, expected;
    recipe.tokenizer_json = true;
    folder_make(&recipe, true);
    folder_convert("f32");
    assert_int_equal(quern_gguf_open(&converted, trial.output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&expected, folder_model(QUERN_TYPE_F32, true), NULL), QUERN_OK);
    const char *keys[] = {"tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type"};
    const struct quern_gguf_value *a[3], *b[3];
    for (int i = 0; i < 3; i++) {
        a[i] = quern_gguf_find(&converted, keys[i]);
        b[i] = quern_gguf_find(&expected, keys[i]);
        assert_int_equal(a[i]->count, b[i]->count);
    }
    size_t cursor_a = 0, cursor_b = 0;
    for (size_t i = 0; i < a[0]->count; i++) {
        quern_text x = quern_gguf_next_string(a[0], &cursor_a), y = quern_gguf_next_string(b[0], &cursor_b);
        int32_t kind;
        memcpy(&kind, b[2]->data + 4 * i, sizeof kind);
        if (kind == QUERN_PIECE_UNUSED) { /* what the tokenizer does not have is filled up */
            assert_memory_equal(x.data, "[PAD", 4);
            assert_memory_equal(a[2]->data + 4 * i, b[2]->data + 4 * i, 4);
            continue;
        }
        assert_int_equal(x.length, y.length);
        assert_memory_equal(x.data, y.data, x.length);
        assert_memory_equal(a[2]->data + 4 * i, b[2]->data + 4 * i, 4);
        if (kind != QUERN_PIECE_UNKNOWN)
            assert_memory_equal(a[1]->data + 4 * i, b[1]->data + 4 * i, 4);
    }
    quern_gguf_close(&converted);
    quern_gguf_close(&expected);
}

static void test_prompts_are_kept(void **state)
{
    (void)state;
    struct quern_gguf gguf;
    quern_text text = {"", 0};
    folder_make(NULL, true);
    assert_string_equal(folder_convert("q8_0").notice, "");
    assert_int_equal(quern_gguf_open(&gguf, trial.output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_string(&gguf, "quern.prompt.query", &text, NULL), QUERN_OK);
    assert_int_equal(text.length, strlen("task: search result | query: "));
    assert_null(quern_gguf_find(&gguf, "quern.prompts"));
    quern_gguf_close(&gguf);
    shell("echo '{\"prompts\":{\"query\":\"search: \"}}' >'%s/config_sentence_transformers.json'", trial.folder);
    assert_string_equal(folder_convert("q8_0").notice, "");
    quern_model *made = NULL;
    assert_int_equal(quern_model_open(&made, trial.output, NULL, NULL), QUERN_OK);
    assert_string_equal(quern_model_prompt(made, QUERN_TASK_QUERY), "search: ");
    quern_model_close(made);
    shell("echo '{\"prompts\":{\"query\":\"\",\"document\":\"\"}}' >'%s/config_sentence_transformers.json'",
          trial.folder);
    assert_string_equal(folder_convert("q8_0").notice, "");
    assert_int_equal(quern_gguf_open(&gguf, trial.output, NULL), QUERN_OK);
    assert_non_null(quern_gguf_find(&gguf, "quern.prompts")); /* it takes none */
    quern_gguf_close(&gguf);
    shell("rm '%s/config_sentence_transformers.json'", trial.folder);
    assert_string_equal(folder_convert("q8_0").notice, "");
}

static void test_odd_window_is_told(void **state)
{
    (void)state;
    folder_make(NULL, true);
    shell("sed -i 's/\"sliding_window\":16/\"sliding_window\":9/' '%s/config.json'", trial.folder);
    assert_non_null(strstr(folder_convert("q8_0").notice, "sliding_window is 9, as some programs save a window of 16"));
}

static void test_rows_beyond_the_vocabulary_are_cut_off(void **state)
{
    (void)state;
    struct quern_gguf gguf;
    folder_make(NULL, true);
    shell("sed -i 's/\"vocab_size\":640/\"vocab_size\":639/' '%s/config.json'", trial.folder);
    folder_convert("f32");
    assert_int_equal(quern_gguf_open(&gguf, trial.output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_tensor_find(&gguf, "token_embd.weight")->shape[1], 639);
    assert_int_equal(quern_gguf_find(&gguf, "tokenizer.ggml.tokens")->count, 639);
    quern_gguf_close(&gguf);
}

/* ---------------------------------------------------------------- other model files */

/* A model file with one tensor of zeros. */
static void make_one_tensor(const char *architecture, uint32_t type, const uint64_t *shape, int dimensions,
                            size_t bytes)
{
    static const unsigned char zeros[4096];
    struct quern_gguf_writer *writer;
    assert_int_equal(quern_gguf_writer_new(&writer, trial.model, NULL, NULL), QUERN_OK);
    quern_gguf_put_string(writer, "general.architecture", (quern_text){architecture, strlen(architecture)});
    quern_gguf_put_tensor(writer, "blk.0.odd.weight", type, shape, dimensions);
    quern_gguf_put_data(writer, zeros, bytes);
    assert_int_equal(quern_gguf_writer_finish(writer, NULL), QUERN_OK);
}

static void expect_quantize(int code, const char *type, const char *says)
{
    struct quern_convert_job job = {.type = type, .threads = 1};
    struct quern_convert_result result;
    quern_error error = {0};
    assert_int_equal(quern_convert_quantize(trial.model, trial.output, &job, &result, &error), code);
    assert_non_null(strstr(error.text, says));
    shell("! ls '%s' | grep -q part", trial.work);
}

static void test_tensors_of_other_shapes_and_types(void **state)
{
    (void)state;
    const uint64_t odd[] = {33, 2}, three[] = {32, 2, 2}, wide[] = {64, 2}, whole[] = {4};
    make_one_tensor("llama", QUERN_TYPE_F32, wide, 2, 512);
    expect_quantize(QUERN_EUNSUPPORTED, "q8_0", "architecture \"llama\"");
    make_one_tensor("gemma-embedding", QUERN_TYPE_F32, odd, 2, 264);
    expect_quantize(QUERN_EUNSUPPORTED, "q4_0", "rows of 33 weights");
    expect_quantize(QUERN_OK, "bf16", "");
    make_one_tensor("gemma-embedding", QUERN_TYPE_F32, three, 3, 512);
    expect_quantize(QUERN_OK, "q8_0", "");
    make_one_tensor("bert", QUERN_TYPE_F32, wide, 2, 512);
    expect_quantize(QUERN_OK, "q8_0", "");
    make_one_tensor("gemma-embedding", 26, whole, 1, 16); /* I32 */
    expect_quantize(QUERN_EUNSUPPORTED, "q8_0", "type I32, which quern cannot convert");
}

/* A head goes to a model whose architecture has one. */
static void test_head_for_another_architecture(void **state)
{
    (void)state;
    const struct quern_convert_job job = {.threads = 1};
    struct quern_convert_result result;
    quern_error error = {0};
    const uint64_t wide[] = {64, 2};
    make_one_tensor("bert", QUERN_TYPE_F32, wide, 2, 512);
    const int code =
        quern_convert_attach_head(trial.model, trial.model, trial.model, trial.output, &job, &result, &error);
    assert_int_equal(code, QUERN_EUNSUPPORTED);
    assert_non_null(strstr(error.text, "BERT has no dense head"));
}

/* ---------------------------------------------------------------- stopping */

static int next_descriptor(void)
{
    int file = dup(0);
    close(file);
    return file;
}

/* Lets each request for memory, or for files and threads, fail once: there is a clear error, and no file is left. */
static void fail_each(size_t *requests, size_t *failed, int least)
{
    struct quern_convert_job job = {.threads = 2};
    struct quern_convert_result result;
    const int descriptor = next_descriptor();
    int failures = 0;
    unlink(trial.output);
    for (size_t i = 1;; i++) {
        quern_error error = {0};
        *requests = 0;
        *failed = i;
        int code = quern_convert_folder(trial.folder, trial.output, &job, &result, &error);
        bool all_done = *requests < i;
        *failed = 0;
        assert_int_equal(next_descriptor(), descriptor);
        assert_int_equal(access(trial.output, F_OK) == 0, code == QUERN_OK);
        assert_int_not_equal(error.code != code || (code != QUERN_OK && error.text[0] == '\0'), 1);
        failures += code != QUERN_OK;
        if (all_done)
            break;
        unlink(trial.output);
    }
    shell("! ls '%s' | grep -q part", trial.work);
    assert_true(failures >= least);
}

static void test_out_of_memory_files_and_threads(void **state)
{
    (void)state;
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.shards = 3;
    folder_make(&recipe, true);
    fail_each(&quern_allocations, &quern_allocation_failed, 20);
    fail_each(&quern_system_calls, &quern_system_call_failed, 20);
}

static bool stop_late(void *state, uint64_t done, uint64_t total)
{
    *(uint64_t *)state += 1;
    return done < total;
}

static void test_stopping_leaves_nothing(void **state)
{
    (void)state;
    uint64_t calls = 0;
    struct quern_convert_job job = {.proceed = stop_late, .state = &calls};
    struct quern_convert_result result;
    quern_error error;
    folder_make(NULL, true);
    unlink(trial.output);
    assert_int_equal(quern_convert_folder(trial.folder, trial.output, &job, &result, &error), QUERN_EIO);
    assert_int_equal(calls, 82);
    assert_non_null(strstr(error.text, "stopped"));
    assert_int_not_equal(access(trial.output, F_OK), 0);
    shell("! ls '%s' | grep -q part", trial.work);
}

static bool kill_at(void *state, uint64_t done, uint64_t total)
{
    int *calls = state;
    (void)done;
    (void)total;
    if (--*calls == 0)
        raise(SIGKILL);
    return true;
}

/* A conversion that is killed, at any moment, leaves the old file unchanged, and the next conversion overwrites what is
 * left. */
static void test_killed_at_any_moment(void **state)
{
    (void)state;
    folder_make(NULL, true);
    shell("echo old >'%s'", trial.output);
    for (int moment = 1; moment <= 82; moment++) {
        pid_t child = fork();
        if (child == 0) {
            int calls = moment;
            struct quern_convert_job job = {.threads = 2, .proceed = kill_at, .state = &calls};
            struct quern_convert_result result;
            _exit(quern_convert_folder(trial.folder, trial.output, &job, &result, NULL) == QUERN_OK ? 0 : 1);
        }
        int status = 0;
        assert_true(child > 0 && waitpid(child, &status, 0) == child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        shell("test \"$(cat '%s')\" = old && test -f '%s.part'", trial.output, trial.output);
    }
    folder_convert("q8_0");
    expect_same(folder_model(QUERN_TYPE_Q8_0, true));
    shell("! ls '%s' | grep -q part", trial.work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_equals_the_file_made_straight),
        cmocka_unit_test(test_layouts_of_the_checkpoint),
        cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_prompts_are_kept),
        cmocka_unit_test(test_odd_window_is_told),
        cmocka_unit_test(test_rows_beyond_the_vocabulary_are_cut_off),
        cmocka_unit_test(test_tensors_of_other_shapes_and_types),
        cmocka_unit_test(test_head_for_another_architecture),
        cmocka_unit_test(test_out_of_memory_files_and_threads),
        cmocka_unit_test(test_stopping_leaves_nothing),
        cmocka_unit_test(test_killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
