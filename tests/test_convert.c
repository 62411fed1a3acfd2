/* Conversion of folders. The result equals a model file that is made directly from the same numbers, and errors of a
 * folder are found before anything is written. */
#include "allocations.h"
#include "base/count.h"
#include "convert.h"
#include "folder_maker.h"
#include "model_maker.h"

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

static char work[32], folder[64], model[64], output[64];

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
    char command[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    assert_int_equal(system(command), 0);
}

static int make_work(void **state)
{
    (void)state;
    strcpy(work, "/tmp/quern-convert-XXXXXX");
    assert_non_null(mkdtemp(work));
    snprintf(folder, sizeof folder, "%s/folder", work);
    snprintf(model, sizeof model, "%s/model.gguf", work);
    snprintf(output, sizeof output, "%s/out.gguf", work);
    return 0;
}

static int remove_work(void **state)
{
    (void)state;
    shell("rm -rf '%s'", work);
    return 0;
}

/* A model file of a tiny recipe. Each is made only once, because every file is synced to disk, which is slow. */
static const char *made(uint32_t type, bool head)
{
    static char paths[64][64];
    struct quern_recipe recipe = quern_recipe_tiny();
    char *path = paths[2 * type + head];
    recipe.type = type;
    recipe.head = head;
    if (path[0] == '\0') {
        snprintf(path, sizeof paths[0], "%s/made-%u-%d.gguf", work, type, head);
        assert_int_equal(quern_model_make(path, &recipe, NULL), QUERN_OK);
    }
    return path;
}

static void make_folder(const struct quern_folder_recipe *recipe, bool head)
{
    struct quern_folder_recipe usual = quern_folder_recipe();
    shell("rm -rf '%s' && mkdir '%s'", folder, folder);
    assert_int_equal(quern_folder_make(folder, made(QUERN_TYPE_F32, head), recipe != NULL ? recipe : &usual, NULL),
                     QUERN_OK);
}

static struct quern_convert_result convert(const char *type)
{
    struct quern_convert_job job = {.type = type, .threads = 2};
    struct quern_convert_result result;
    quern_error error = {0};
    int code = quern_convert_folder(folder, output, &job, &result, &error);
    if (code != QUERN_OK)
        print_error("%s\n", error.text);
    assert_int_equal(code, QUERN_OK);
    return result;
}

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
    assert_int_equal(quern_gguf_open(&converted, output, NULL), QUERN_OK);
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
        make_folder(NULL, types[i].head);
        struct quern_convert_result result = convert(types[i].name);
        expect_same(made(types[i].type, types[i].head));
        assert_int_equal(result.has_head, types[i].head);
        assert_int_equal(result.tensors, types[i].head ? 82 : 80);
        assert_int_equal(strstr(result.notice, "no dense layers") != NULL, !types[i].head);
    }
    make_folder(NULL, true);
    assert_string_equal(convert("q4_0").types, "Q4_0 x 42, F32 x 37, Q8_0 x 3");
}

static void test_layouts_of_the_checkpoint(void **state)
{
    (void)state;
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.shards = 5;
    recipe.prefix = "model.";
    make_folder(&recipe, true);
    convert("f32");
    expect_same(made(QUERN_TYPE_F32, true));
    recipe.shards = 1;
    recipe.dtype = "BF16"; /* what was rounded to bf16 is not changed by rounding it again */
    make_folder(&recipe, true);
    convert("bf16");
    struct quern_gguf converted, expected;
    assert_int_equal(quern_gguf_open(&converted, output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&expected, made(QUERN_TYPE_BF16, true), NULL), QUERN_OK);
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
    make_folder(&recipe, true);
    convert("f32");
    assert_int_equal(quern_gguf_open(&converted, output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&expected, made(QUERN_TYPE_F32, true), NULL), QUERN_OK);
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
    make_folder(NULL, true);
    assert_string_equal(convert("q8_0").notice, "");
    assert_int_equal(quern_gguf_open(&gguf, output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_string(&gguf, "quern.prompt.query", &text, NULL), QUERN_OK);
    assert_int_equal(text.length, strlen("task: search result | query: "));
    assert_null(quern_gguf_find(&gguf, "quern.prompts"));
    quern_gguf_close(&gguf);
    shell("echo '{\"prompts\":{\"query\":\"search: \"}}' >'%s/config_sentence_transformers.json'", folder);
    assert_string_equal(convert("q8_0").notice, "");
    quern_model *made = NULL;
    assert_int_equal(quern_model_open(&made, output, NULL, NULL), QUERN_OK);
    assert_string_equal(quern_model_prompt(made, QUERN_TASK_QUERY), "search: ");
    quern_model_close(made);
    shell("echo '{\"prompts\":{\"query\":\"\",\"document\":\"\"}}' >'%s/config_sentence_transformers.json'", folder);
    assert_string_equal(convert("q8_0").notice, "");
    assert_int_equal(quern_gguf_open(&gguf, output, NULL), QUERN_OK);
    assert_non_null(quern_gguf_find(&gguf, "quern.prompts")); /* it takes none */
    quern_gguf_close(&gguf);
    shell("rm '%s/config_sentence_transformers.json'", folder);
    assert_string_equal(convert("q8_0").notice, "");
}

static void test_odd_window_is_told(void **state)
{
    (void)state;
    make_folder(NULL, true);
    shell("sed -i 's/\"sliding_window\":16/\"sliding_window\":9/' '%s/config.json'", folder);
    assert_non_null(strstr(convert("q8_0").notice, "sliding_window is 9, as some programs save a window of 16"));
}

static void test_rows_beyond_the_vocabulary_are_cut_off(void **state)
{
    (void)state;
    struct quern_gguf gguf;
    make_folder(NULL, true);
    shell("sed -i 's/\"vocab_size\":640/\"vocab_size\":639/' '%s/config.json'", folder);
    convert("f32");
    assert_int_equal(quern_gguf_open(&gguf, output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_tensor_find(&gguf, "token_embd.weight")->shape[1], 639);
    assert_int_equal(quern_gguf_find(&gguf, "tokenizer.ggml.tokens")->count, 639);
    quern_gguf_close(&gguf);
}

/* ---------------------------------------------------------------- what is refused */

static void expect_refused(int code, const char *says, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Runs a command inside a new folder, which changes it, and converts the folder. */
static void expect_refused(int code, const char *says, const char *format, ...)
{
    struct quern_convert_job job = {.threads = 1};
    struct quern_convert_result result;
    quern_error error = {0};
    char command[512];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    make_folder(NULL, true);
    shell("cd '%s' && %s", folder, command);
    unlink(output);
    int got = quern_convert_folder(folder, output, &job, &result, &error);
    if (got != code || strstr(error.text, says) == NULL)
        print_error("%s: %d, %s\n", command, got, error.text);
    assert_int_equal(got, code);
    assert_non_null(strstr(error.text, says));
    assert_int_not_equal(access(output, F_OK), 0);
    shell("! ls '%s' | grep -q part", work);
}

static void test_settings_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *says, *file, *change;
    } cases[] = {
        {QUERN_EUNSUPPORTED, "its architecture is LlamaModel", "config.json", "s/Gemma3TextModel/LlamaModel/"},
        {QUERN_EUNSUPPORTED, "model_type is not", "config.json", "s/gemma3_text/llama/"},
        {QUERN_EUNSUPPORTED, "use_bidirectional_attention", "config.json", "s/attention\":true/attention\":false/"},
        {QUERN_EUNSUPPORTED, "hidden_activation", "config.json", "s/gelu_pytorch_tanh/silu/"},
        {QUERN_EUNSUPPORTED, "attention_bias is not false", "config.json",
         "s/attention_bias\":false/attention_bias\":true/"},
        {QUERN_EUNSUPPORTED, "query_pre_attn_scalar", "config.json", "s/scalar\":32/scalar\":64/"},
        {QUERN_EUNSUPPORTED, "rope_scaling", "config.json", "s/rope_scaling\":null/rope_scaling\":{}/"},
        {QUERN_EUNSUPPORTED, "another order", "config.json", "s/full_attention/sliding_attention/"},
        {QUERN_EFORMAT, "lacks hidden_size", "config.json", "s/hidden_size/hidden/"},
        {QUERN_EFORMAT, "hidden_size is 0", "config.json", "s/hidden_size\":64/hidden_size\":0/"},
        {QUERN_EFORMAT, "hidden_size is not an integer", "config.json", "s/hidden_size\":64/hidden_size\":\"64\"/"},
        {QUERN_EFORMAT, "config.json, line 1", "config.json", "s/}$//"},
        {QUERN_EFORMAT, "the settings ask for", "config.json", "s/intermediate_size\":96/intermediate_size\":64/"},
        {QUERN_EFORMAT, "layers.6.input_layernorm", "config.json",
         "s/num_hidden_layers\":6/num_hidden_layers\":7/;s/\"full_attention\"/&,\"sliding_attention\"/"},
        {QUERN_EUNSUPPORTED, "does not belong to EmbeddingGemma", "config.json",
         "s/num_hidden_layers\":6/num_hidden_layers\":5/;s/,\"full_attention\"//"},
        {QUERN_EFORMAT, "the settings ask for", "config.json", "s/vocab_size\":640/vocab_size\":641/"},
        {QUERN_EUNSUPPORTED, "modules that", "modules.json",
         "s/models.Normalize/models.LayerNorm/;s/4_Normalize/2_Dense/"},
        {QUERN_EFORMAT, "is not a folder beside it", "modules.json", "s/2_Dense/..\\/2_Dense/"},
        {QUERN_EUNSUPPORTED, "one dense layer", "modules.json", "s/{[^{]*2_Dense[^}]*},//"},
        {QUERN_EUNSUPPORTED, "pooling", "1_Pooling/config.json", "s/mean_tokens\":true/mean_tokens\":false/"},
        {QUERN_EUNSUPPORTED, "pooling", "1_Pooling/config.json", "s/\"pooling_mode_mean/\"pooling_mode\":\"cls\",&/"},
        {QUERN_EUNSUPPORTED, "pooling", "1_Pooling/config.json", "s/include_prompt\":true/include_prompt\":false/"},
        {QUERN_EUNSUPPORTED, "pooling", "1_Pooling/config.json", "s/cls_token\":false/cls_token\":true/"},
        {QUERN_EUNSUPPORTED, "bias or an activation", "2_Dense/config.json", "s/false/true/"},
        {QUERN_EUNSUPPORTED, "bias or an activation", "3_Dense/config.json", "s/linear.Identity/activation.Tanh/"},
        {QUERN_EFORMAT, "in_features is not 64", "2_Dense/config.json", "s/64/65/"},
        {QUERN_EFORMAT, "prompts is not", "config_sentence_transformers.json", "s/{\"query.*}/[]}/"},
        {QUERN_EFORMAT, "has no piece \"<none>\"", "tokenizer_config.json",
         "s/\"bos_token\":\"<bos>\"/\"bos_token\":\"<none>\"/"},
        {QUERN_EFORMAT, "added token", "tokenizer_config.json", "s/\"0\":/\"zero\":/"},
        {QUERN_EUNSUPPORTED, "has lstrip", "tokenizer_config.json", "s/\"special\":false/&,\"lstrip\":true/"},
        {QUERN_EUNSUPPORTED, "do_lower_case", "tokenizer_config.json", "s/{/&\"do_lower_case\":true,/"},
        {QUERN_EUNSUPPORTED, "strip_accents", "tokenizer_config.json", "s/{/&\"strip_accents\":true,/"},
        {QUERN_EUNSUPPORTED, "add_prefix_space", "tokenizer_config.json", "s/{/&\"add_prefix_space\":true,/"},
        {QUERN_EUNSUPPORTED, "enable_sampling", "tokenizer_config.json",
         "s/{/&\"sp_model_kwargs\":{\"enable_sampling\":true},/"},
        {QUERN_EFORMAT, "do_lower_case is neither", "tokenizer_config.json", "s/{/&\"do_lower_case\":\"yes\",/"},
        {QUERN_EFORMAT, "enable_sampling is neither", "tokenizer_config.json",
         "s/{/&\"sp_model_kwargs\":{\"enable_sampling\":1},/"},
        {QUERN_EFORMAT, "model_max_length", "tokenizer_config.json", "s/{/&\"model_max_length\":0,/"},
        {QUERN_EFORMAT, "hidden_size is not an integer", "config.json", "s/\"hidden_size\":64/\"hidden_size\":64.5/"},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++)
        expect_refused(cases[i].code, cases[i].says, "sed -i '%s' %s", cases[i].change, cases[i].file);
}

/* Changes that add a post_processor to tokenizer.json. */
#define BOS "{\"SpecialToken\":{\"id\":\"<bos>\",\"type_id\":0}}"
#define EOS "{\"SpecialToken\":{\"id\":\"<eos>\",\"type_id\":0}}"
#define TEXT "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}"
#define TEMPLATE(single) \
    "s/\"version\":\"1.0\"/&,\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[" single "]," \
    "\"special_tokens\":{\"<bos>\":{\"id\":\"<bos>\",\"ids\":[2],\"tokens\":[\"<bos>\"]}," \
    "\"<eos>\":{\"id\":\"<eos>\",\"ids\":[1],\"tokens\":[\"<eos>\"]}}}/"

/* Parts of tokenizer.json that would change the tokens of texts, and that quern does not do. */
static void test_tokenizer_json_that_is_refused(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *says, *change;
    } cases[] = {
        {QUERN_EUNSUPPORTED, "ignore_merges", "s/\"type\":\"BPE\"/&,\"ignore_merges\":true/"},
        {QUERN_EUNSUPPORTED, "dropout", "s/\"type\":\"BPE\"/&,\"dropout\":0.1/"},
        {QUERN_EUNSUPPORTED, "end_of_word_suffix", "s/\"type\":\"BPE\"/&,\"end_of_word_suffix\":\"_\"/"},
        {QUERN_EUNSUPPORTED, "continuing_subword_prefix",
         "s/\"type\":\"BPE\"/&,\"continuing_subword_prefix\":\"##\"/"},
        {QUERN_EUNSUPPORTED, "pre_tokenizer", "s/\"version\":\"1.0\"/&,\"pre_tokenizer\":{\"type\":\"Whitespace\"}/"},
        {QUERN_EUNSUPPORTED, "pre_tokenizer",
         "s/\"version\":\"1.0\"/&,\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\" \"}}/"},
        {QUERN_EUNSUPPORTED, "pre_tokenizer", "s/\"version\":\"1.0\"/&,\"pre_tokenizer\":{\"type\":\"Split\","
         "\"pattern\":{\"String\":\" \"},\"behavior\":\"Removed\",\"invert\":true}/"},
        {QUERN_EUNSUPPORTED, "Gemma's kind", "s/\"byte_fallback\":true/\"byte_fallback\":false/"},
        {QUERN_EUNSUPPORTED, "Gemma's kind",
         "s/\"normalizer\":{\"type\":\"Replace\"/\"normalizer\":{\"type\":\"NFC\"/"},
        {QUERN_EUNSUPPORTED, "lstrip", "s/\"special\":false/&,\"lstrip\":true/"},
        {QUERN_EUNSUPPORTED, "rstrip", "s/\"special\":false/&,\"rstrip\":true/"},
        {QUERN_EUNSUPPORTED, "single_word", "s/\"special\":false/&,\"single_word\":true/"},
        {QUERN_EUNSUPPORTED, "\"a b\" has normalized",
         "s/\"added_tokens\":\\[/&{\"id\":300,\"content\":\"a b\",\"special\":false,\"normalized\":true},/"},
        {QUERN_EUNSUPPORTED, "does not know this post_processor",
         "s/\"version\":\"1.0\"/&,\"post_processor\":{\"type\":\"Other\"}/"},
        {QUERN_EUNSUPPORTED, "does not know this post_processor", TEMPLATE(BOS "," BOS "," TEXT)},
        {QUERN_EUNSUPPORTED, "does not know this post_processor", TEMPLATE(TEXT "," TEXT)},
        {QUERN_EUNSUPPORTED, "does not know this post_processor", TEMPLATE(BOS)},
        {QUERN_EUNSUPPORTED, "puts other tokens around a text", TEMPLATE(EOS "," TEXT "," EOS)},
        {QUERN_EFORMAT, "ignore_merges is neither", "s/\"type\":\"BPE\"/&,\"ignore_merges\":\"true\"/"},
        {QUERN_EFORMAT, "dropout is not a number", "s/\"type\":\"BPE\"/&,\"dropout\":\"0.1\"/"},
        {QUERN_EFORMAT, "end_of_word_suffix is not a string", "s/\"type\":\"BPE\"/&,\"end_of_word_suffix\":7/"},
        {QUERN_EFORMAT, "lstrip is neither", "s/\"special\":false/&,\"lstrip\":\"true\"/"},
        {QUERN_EFORMAT, "post_processor is not an object", "s/\"version\":\"1.0\"/&,\"post_processor\":\"x\"/"},
        {QUERN_EFORMAT, "truncation is not an object", "s/\"version\":\"1.0\"/&,\"truncation\":[]/"},
        {QUERN_EFORMAT, "two added tokens have the id 2",
         "s/\"added_tokens\":\\[/&{\"id\":2,\"content\":\"<x>\",\"special\":true},/"},
        {QUERN_EUNSUPPORTED, "not every pair", "s/\"merges\":\\[\\[[^]]*\\],/\"merges\":[/"},
        {QUERN_EUNSUPPORTED, "not in the order of ids",
         "s/\"merges\":\\[\\(\\[[^]]*\\]\\),\\(.*\\)\\]}}$/\"merges\":[\\2,\\1]}}/"},
    };
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.tokenizer_json = true;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        struct quern_convert_job job = {.type = "f32"};
        struct quern_convert_result result;
        quern_error error;
        make_folder(&recipe, true);
        shell("cd '%s' && sed -i '%s' tokenizer.json", folder, cases[i].change);
        assert_int_equal(quern_convert_folder(folder, output, &job, &result, &error), cases[i].code);
        assert_non_null(strstr(error.text, cases[i].says));
    }
}

/* The two files that list added tokens of one folder must have the same ones; only one may have a token. */
static void test_added_tokens_that_disagree(void **state)
{
    (void)state;
    static const struct {
        const char *says, *change;
    } cases[] = {{"added token 2 is \"<begin>\", but \"<bos>\" in tokenizer.json",
                  "s/\"content\":\"<bos>\"/\"content\":\"<begin>\"/"},
                 {"and special, but", "s/\\(multimodal.\",\"special\":\\)false/\\1true/"},
                 {"is \"x\", but",
                  "s/\"added_tokens_decoder\":{/&\"300\":{\"content\":\"x\",\"special\":false},/"},
                 {NULL, "s/\"2\":{[^}]*},//"},
                 {NULL, "s/\"added_tokens_decoder\":{.*}}$/\"added_tokens_decoder\":{}}/"}};
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.tokenizer_json = true;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        struct quern_convert_job job = {.type = "f32"};
        struct quern_convert_result result;
        quern_error error;
        make_folder(&recipe, true);
        shell("cd '%s' && sed -i.before '%s' tokenizer_config.json && ! cmp -s tokenizer_config.json "
              "tokenizer_config.json.before", folder, cases[i].change);
        const int code = quern_convert_folder(folder, output, &job, &result, &error);
        assert_int_equal(code, cases[i].says != NULL ? QUERN_EFORMAT : QUERN_OK);
        if (code != QUERN_OK && strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s", error.text);
    }
}

/* Parts that change no tokens: a cut at spaces after they were replaced, settings of padding and of special pieces, and
 * merges that give an added piece, wherever they stand. */
static void test_tokenizer_json_that_is_taken(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "s/\"version\":\"1.0\"/&,\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},"
        "\"behavior\":\"MergedWithPrevious\",\"invert\":false}/",
        "s/\"version\":\"1.0\"/&,\"pre_tokenizer\":null,\"padding\":{\"strategy\":\"BatchLongest\"}/",
        "s/\"type\":\"BPE\"/&,\"ignore_merges\":false,\"dropout\":null,\"fuse_unk\":true,\"end_of_word_suffix\":null/",
        "s/\"special\":true/&,\"lstrip\":true/",
        "s/\"special\":false/&,\"normalized\":true/",
        "s/\"version\":\"1.0\"/&,\"decoder\":{\"type\":\"Fuse\"},\"truncation\":null/",
        TEMPLATE(BOS "," TEXT "," EOS),
        "s/\\]\\]}}$/],[\"<\",\"bos>\"]]}}/",
    };
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.tokenizer_json = true;
    for (size_t i = 0; i < QUERN_COUNT(changes); i++) {
        make_folder(&recipe, true);
        shell("cd '%s' && sed -i.before '%s' tokenizer.json && ! cmp -s tokenizer.json tokenizer.json.before", folder,
              changes[i]);
        convert("f32");
    }
}

/* Whether the file that was made has this flag. */
static bool has_flag(const char *key, bool expected)
{
    struct quern_gguf made_file;
    assert_int_equal(quern_gguf_open(&made_file, output, NULL), QUERN_OK);
    const struct quern_gguf_value *value = quern_gguf_find(&made_file, key);
    assert_non_null(value);
    const bool flag = *(const unsigned char *)value->data != 0;
    quern_gguf_close(&made_file);
    return flag == expected;
}

/* Where tokenizer_config.json does not say which tokens stand around a text, tokenizer.json does. */
static void test_tokens_around_a_text(void **state)
{
    (void)state;
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.tokenizer_json = true;
    make_folder(&recipe, true);
    shell("cd '%s' && sed -i 's/\"add_[a-z]*_token\":true,//g' tokenizer_config.json && sed -i '%s' tokenizer.json",
          folder, TEMPLATE(BOS "," TEXT));
    convert("f32");
    assert_true(has_flag("tokenizer.ggml.add_bos_token", true));
    assert_true(has_flag("tokenizer.ggml.add_eos_token", false));
    shell("cd '%s' && sed -i 's/{/&\"add_bos_token\":true,/' tokenizer_config.json", folder);
    convert("f32");
    assert_true(has_flag("tokenizer.ggml.add_eos_token", false));
}

/* tokenizer_config.json counts where it says otherwise than the template of tokenizer.json, and a notice tells it. */
static void test_tokens_at_the_ends_that_disagree(void **state)
{
    (void)state;
    static const struct {
        const char *change, *key;
    } cases[] = {{TEMPLATE(BOS "," TEXT), "add_eos_token of"}, {TEMPLATE(TEXT "," EOS), "add_bos_token of"}};
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.tokenizer_json = true;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        make_folder(&recipe, true);
        shell("cd '%s' && sed -i '%s' tokenizer.json", folder, cases[i].change);
        const struct quern_convert_result result = convert("f32");
        assert_non_null(strstr(result.notice, cases[i].key));
        assert_true(has_flag("tokenizer.ggml.add_bos_token", true));
        assert_true(has_flag("tokenizer.ggml.add_eos_token", true));
    }
}

/* What the files say that quern does only when it is asked changes no tokens of other texts, and is told. */
static void test_notices_of_defaults(void **state)
{
    (void)state;
    static const struct {
        const char *file, *change, *notice;
    } cases[] = {
        {"tokenizer_config.json", "s/{/&\"model_max_length\":1000000000000000019884624838656,/", ""},
        {"tokenizer_config.json", "s/{/&\"model_max_length\":256,\"truncation_side\":\"right\",/", ""},
        {"tokenizer_config.json", "s/{/&\"model_max_length\":255,/", "allow texts of 255 tokens, config.json 256"},
        {"tokenizer_config.json", "s/{/&\"truncation_side\":\"left\",/", "cut a text that is too long at its start"},
        {"tokenizer.json", "s/{/&\"truncation\":{\"direction\":\"Left\",\"max_length\":256},/", "at its start"},
        {"tokenizer.json", "s/{/&\"truncation\":{\"direction\":\"Right\",\"max_length\":100},/", "texts of 100 tokens"},
        {"tokenizer.json", "s/{/&\"truncation\":{\"direction\":\"Right\",\"max_length\":256},/", ""},
        {"config_sentence_transformers.json", "s/\"default_prompt_name\":null/\"default_prompt_name\":\"query\"/",
         "names \"query\""},
        {"config_sentence_transformers.json", "s/{/&\"truncate_dim\":32,/", "-d 32"},
        {"config_sentence_transformers.json", "s/{/&\"truncate_dim\":null,/", ""},
        {"modules.json", "s/,{[^{]*Normalize[^}]*}//", "modules.json has no Normalize"},
    };
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.tokenizer_json = true;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        make_folder(&recipe, true);
        shell("cd '%s' && sed -i '%s' %s", folder, cases[i].change, cases[i].file);
        const struct quern_convert_result result = convert("f32");
        if (cases[i].notice[0] == '\0' ? result.notice[0] != '\0' : strstr(result.notice, cases[i].notice) == NULL)
            fail_msg("%s: '%s'", cases[i].change, result.notice);
    }
}

/* What sentence-transformers does to a text before it is embedded. */
static void test_limits_of_texts(void **state)
{
    (void)state;
    struct quern_gguf converted;
    make_folder(NULL, true);
    shell("echo '{\"max_seq_length\":100,\"do_lower_case\":false}' >'%s/sentence_bert_config.json'", folder);
    convert("f32");
    assert_int_equal(quern_gguf_open(&converted, output, NULL), QUERN_OK);
    const struct quern_gguf_value *context = quern_gguf_find(&converted, "gemma-embedding.context_length");
    assert_non_null(context);
    uint32_t length;
    memcpy(&length, context->data, sizeof length);
    assert_int_equal(length, 100);
    quern_gguf_close(&converted);
    expect_refused(QUERN_EUNSUPPORTED, "do_lower_case", "echo '{\"do_lower_case\":true}' >sentence_bert_config.json");
    expect_refused(QUERN_EUNSUPPORTED, "attn_logit_softcapping",
                   "sed -i 's/\"attn_logit_softcapping\":null/\"attn_logit_softcapping\":50.0/' config.json");
}

static void test_folders_that_are_not_whole(void **state)
{
    (void)state;
    static const char *const files[] = {"config.json", "modules.json", "model.safetensors", "1_Pooling/config.json",
                                        "2_Dense/config.json", "2_Dense/model.safetensors",
                                        "3_Dense/model.safetensors"};
    for (size_t i = 0; i < QUERN_COUNT(files); i++)
        expect_refused(QUERN_EIO, files[i], "rm %s", files[i]);
    expect_refused(QUERN_EIO, "neither tokenizer.model nor tokenizer.json", "rm tokenizer.model");
    expect_refused(QUERN_EFORMAT, "cut off", "truncate -s -1 model.safetensors");
    expect_refused(QUERN_EFORMAT, "cut off", "truncate -s 1000 model.safetensors");
    expect_refused(QUERN_EFORMAT, "is not a safetensors file", "truncate -s 7 model.safetensors");
    expect_refused(QUERN_EFORMAT, "belong to no tensor", "printf x >>model.safetensors");
    expect_refused(QUERN_EFORMAT, "damaged", "truncate -s -1 tokenizer.model");
    expect_refused(QUERN_EFORMAT, "damaged", "printf '\\377' >tokenizer.model");
    expect_refused(QUERN_EFORMAT, "linear.weight", "cp model.safetensors 2_Dense/");
    expect_refused(QUERN_EFORMAT, "the settings ask for", "cp 2_Dense/model.safetensors 3_Dense/");
    expect_refused(QUERN_EFORMAT, "in no file beside it",
                   "rm model.safetensors && "
                   "echo '{\"weight_map\":{\"a\":\"../model.safetensors\"}}' >model.safetensors.index.json");
    expect_refused(QUERN_EFORMAT, "names no tensors",
                   "rm model.safetensors && echo '{\"weight_map\":{}}' >model.safetensors.index.json");
    /* A weight that is not a number: the last 4 bytes are those of a tensor of the last layer; one that is copied, and
     * one that is rounded. */
    expect_refused(QUERN_EFORMAT, "not finite",
                   "truncate -s -4 model.safetensors && printf '\\0\\0\\300\\177' >>model.safetensors");
    expect_refused(QUERN_EFORMAT, ".safetensors: tensor dense_3.weight holds a number that is not finite",
                   "truncate -s -4 3_Dense/model.safetensors && "
                   "printf '\\0\\0\\300\\177' >>3_Dense/model.safetensors");
}

static void test_numbers_too_large_for_the_type(void **state)
{
    (void)state;
    struct quern_convert_job job = {.type = "f16"};
    struct quern_convert_result result;
    quern_error error;
    make_folder(NULL, true); /* 1e6 does not fit into a half */
    shell("cd '%s/3_Dense' && truncate -s -4 model.safetensors && printf '\\0\\044\\164\\111' >>model.safetensors",
          folder);
    assert_int_equal(quern_convert_folder(folder, output, &job, &result, &error), QUERN_ENUMERIC);
    assert_non_null(strstr(error.text, "dense_3.weight holds a number too large for F16"));
    convert("bf16");
}

/* ---------------------------------------------------------------- other model files */

/* A model file with one tensor of zeros. */
static void make_one_tensor(const char *architecture, uint32_t type, const uint64_t *shape, int dimensions,
                            size_t bytes)
{
    static const unsigned char zeros[4096];
    struct quern_gguf_writer *writer;
    assert_int_equal(quern_gguf_writer_new(&writer, model, NULL, NULL), QUERN_OK);
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
    assert_int_equal(quern_convert_quantize(model, output, &job, &result, &error), code);
    assert_non_null(strstr(error.text, says));
    shell("! ls '%s' | grep -q part", work);
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
    assert_int_equal(quern_convert_attach_head(model, model, model, output, &job, &result, &error), QUERN_EUNSUPPORTED);
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
    unlink(output);
    for (size_t i = 1;; i++) {
        quern_error error = {0};
        *requests = 0;
        *failed = i;
        int code = quern_convert_folder(folder, output, &job, &result, &error);
        bool all_done = *requests < i;
        *failed = 0;
        assert_int_equal(next_descriptor(), descriptor);
        assert_int_equal(access(output, F_OK) == 0, code == QUERN_OK);
        assert_int_not_equal(error.code != code || (code != QUERN_OK && error.text[0] == '\0'), 1);
        failures += code != QUERN_OK;
        if (all_done)
            break;
        unlink(output);
    }
    shell("! ls '%s' | grep -q part", work);
    assert_true(failures >= least);
}

static void test_out_of_memory_files_and_threads(void **state)
{
    (void)state;
    struct quern_folder_recipe recipe = quern_folder_recipe();
    recipe.shards = 3;
    make_folder(&recipe, true);
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
    make_folder(NULL, true);
    unlink(output);
    assert_int_equal(quern_convert_folder(folder, output, &job, &result, &error), QUERN_EIO);
    assert_int_equal(calls, 82);
    assert_non_null(strstr(error.text, "stopped"));
    assert_int_not_equal(access(output, F_OK), 0);
    shell("! ls '%s' | grep -q part", work);
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
    make_folder(NULL, true);
    shell("echo old >'%s'", output);
    for (int moment = 1; moment <= 82; moment++) {
        pid_t child = fork();
        if (child == 0) {
            int calls = moment;
            struct quern_convert_job job = {.threads = 2, .proceed = kill_at, .state = &calls};
            struct quern_convert_result result;
            _exit(quern_convert_folder(folder, output, &job, &result, NULL) == QUERN_OK ? 0 : 1);
        }
        int status = 0;
        assert_true(child > 0 && waitpid(child, &status, 0) == child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        shell("test \"$(cat '%s')\" = old && test -f '%s.part'", output, output);
    }
    convert("q8_0");
    expect_same(made(QUERN_TYPE_Q8_0, true));
    shell("! ls '%s' | grep -q part", work);
}

/* ---------------------------------------------------------------- BERT */

/* The model file that the folder of BERT is made of. */
static char bert_model[64];

/* Makes the folder of a tiny BERT; pooling as in files. */
static void make_bert_folder(int pooling)
{
    struct quern_recipe recipe = quern_recipe_bert();
    struct quern_folder_recipe usual = quern_folder_recipe();
    recipe.pooling = pooling;
    snprintf(bert_model, sizeof bert_model, "%s/bert-%d.gguf", work, pooling);
    assert_int_equal(quern_model_make(bert_model, &recipe, NULL), QUERN_OK);
    shell("rm -rf '%s' && mkdir '%s'", folder, folder);
    assert_int_equal(quern_folder_make(folder, bert_model, &usual, NULL), QUERN_OK);
}

static void expect_bert_pieces(const struct quern_gguf *converted, const struct quern_gguf *expected)
{
    const struct quern_gguf_value *a = quern_gguf_find(converted, "tokenizer.ggml.tokens");
    const struct quern_gguf_value *b = quern_gguf_find(expected, "tokenizer.ggml.tokens");
    const struct quern_gguf_value *a_kinds = quern_gguf_find(converted, "tokenizer.ggml.token_type");
    const struct quern_gguf_value *b_kinds = quern_gguf_find(expected, "tokenizer.ggml.token_type");
    size_t at = 0, bt = 0;
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < b->count; i++) {
        const quern_text x = quern_gguf_next_string(a, &at), y = quern_gguf_next_string(b, &bt);
        int32_t kind, made;
        memcpy(&kind, a_kinds->data + 4 * i, sizeof kind);
        memcpy(&made, b_kinds->data + 4 * i, sizeof made);
        if (made == QUERN_PIECE_UNUSED) { /* such pieces are not in folders */
            assert_int_equal(kind, QUERN_PIECE_UNUSED);
            continue;
        }
        assert_int_equal(x.length, y.length);
        assert_memory_equal(x.data, y.data, y.length);
        assert_int_equal(kind, made == QUERN_PIECE_CONTROL || made == QUERN_PIECE_UNKNOWN ? QUERN_PIECE_CONTROL
                                                                                          : QUERN_PIECE_NORMAL);
    }
}

/* Compares with the model that the folder was made of. */
static void expect_bert(void)
{
    struct quern_gguf converted, expected;
    quern_text kind = {"", 0};
    assert_int_equal(quern_gguf_open(&converted, output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&expected, bert_model, NULL), QUERN_OK);
    assert_int_equal(converted.tensor_count, expected.tensor_count);
    for (size_t i = 0; i < expected.tensor_count; i++) {
        const struct quern_gguf_tensor *b = &expected.tensors[i];
        char name[64] = "";
        memcpy(name, b->name.data, b->name.length);
        const struct quern_gguf_tensor *a = quern_gguf_tensor_find(&converted, name);
        assert_non_null(a);
        assert_int_equal(a->type, b->type);
        assert_memory_equal(a->shape, b->shape, sizeof a->shape);
        assert_memory_equal(a->data, b->data, a->bytes);
    }
    for (size_t i = 0; i < expected.value_count; i++) {
        const struct quern_gguf_value *b = &expected.values[i];
        char key[96] = "";
        memcpy(key, b->key.data, b->key.length);
        if (strncmp(key, "bert.", 5) != 0 && strcmp(key, "tokenizer.ggml.token_type_count") != 0 &&
            strstr(key, "_token_id") == NULL)
            continue;
        const struct quern_gguf_value *a = quern_gguf_find(&converted, key);
        if (a == NULL)
            fail_msg("%s is missing", key);
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->bytes, b->bytes);
        assert_memory_equal(a->data, b->data, a->bytes);
    }
    assert_int_equal(quern_gguf_string(&converted, "tokenizer.ggml.model", &kind, NULL), QUERN_OK);
    assert_int_equal(kind.length, 4);
    assert_memory_equal(kind.data, "bert", 4);
    expect_bert_pieces(&converted, &expected);
    quern_gguf_close(&converted);
    quern_gguf_close(&expected);
}

/* Weights, numbers, pooling and pieces; then quern opens the file. */
static void test_bert(void **state)
{
    (void)state;
    for (int pooling = 1; pooling <= 2; pooling++) {
        quern_model *opened = NULL;
        make_bert_folder(pooling);
        const struct quern_convert_result result = convert("f32");
        assert_int_equal(result.has_head, 0);
        assert_string_equal(result.notice, "");
        expect_bert();
        assert_int_equal(quern_model_open(&opened, output, NULL, NULL), QUERN_OK);
        quern_model_close(opened);
    }
}

/* The tables of positions and of token types are not rounded, and neither are norms and biases. */
static void test_types_of_bert(void **state)
{
    (void)state;
    struct quern_gguf gguf;
    make_bert_folder(1);
    convert("q8_0");
    assert_int_equal(quern_gguf_open(&gguf, output, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_tensor_find(&gguf, "token_embd.weight")->type, QUERN_TYPE_Q8_0);
    assert_int_equal(quern_gguf_tensor_find(&gguf, "blk.0.attn_q.weight")->type, QUERN_TYPE_Q8_0);
    assert_int_equal(quern_gguf_tensor_find(&gguf, "blk.0.attn_q.bias")->type, QUERN_TYPE_F32);
    assert_int_equal(quern_gguf_tensor_find(&gguf, "position_embd.weight")->type, QUERN_TYPE_F32);
    assert_int_equal(quern_gguf_tensor_find(&gguf, "token_types.weight")->type, QUERN_TYPE_F32);
    quern_gguf_close(&gguf);
}

/* vocab.txt has a piece in each line; tokenizer_config.json says whether capitals count. */
static void test_vocabulary_of_lines(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        bool lowercase, strip_accents;
    } cases[] = {{"{}", true, true}, {"{\"do_lower_case\":false}", false, false},
                 {"{\"do_lower_case\":true,\"strip_accents\":false}", true, false}};
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        struct quern_gguf gguf;
        size_t cursor = 0;
        bool lowercase, strip;
        make_bert_folder(1);
        shell("cd '%s' && rm tokenizer.json && printf '[PAD]\\n[UNK]\\r\\n[CLS]\\n[SEP]\\nword\\n##s\\n' >vocab.txt && "
              "printf '%s' >tokenizer_config.json", folder, cases[i].config);
        convert("f32");
        assert_int_equal(quern_gguf_open(&gguf, output, NULL), QUERN_OK);
        static const char *const expected[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "\xe2\x96\x81word", "s", "[PAD6]"};
        const struct quern_gguf_value *tokens = quern_gguf_find(&gguf, "tokenizer.ggml.tokens");
        for (size_t t = 0; t < QUERN_COUNT(expected); t++) {
            const quern_text text = quern_gguf_next_string(tokens, &cursor);
            assert_int_equal(text.length, strlen(expected[t]));
            assert_memory_equal(text.data, expected[t], text.length);
        }
        assert_int_equal(quern_gguf_bool(&gguf, "tokenizer.ggml.normalizer.lowercase", &lowercase, NULL), QUERN_OK);
        assert_int_equal(quern_gguf_bool(&gguf, "tokenizer.ggml.normalizer.strip_accents", &strip, NULL), QUERN_OK);
        assert_int_equal(lowercase, cases[i].lowercase);
        assert_int_equal(strip, cases[i].strip_accents);
        quern_gguf_close(&gguf);
    }
}

static void test_bert_that_is_refused(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *says, *change;
    } cases[] = {
        {QUERN_EUNSUPPORTED, "hidden_act is not gelu", "sed -i 's/\"gelu\"/\"gelu_new\"/' config.json"},
        {QUERN_EUNSUPPORTED, "position_embedding_type", "sed -i 's/\"absolute\"/\"relative_key\"/' config.json"},
        {QUERN_EUNSUPPORTED, "is_decoder", "sed -i 's/decoder\":false/decoder\":true/' config.json"},
        {QUERN_EFORMAT, "no multiple", "sed -i 's/attention_heads\":2/attention_heads\":3/' config.json"},
        {QUERN_EFORMAT, "the settings ask for", "sed -i 's/embeddings\":256/embeddings\":255/' config.json"},
        {QUERN_EFORMAT, "encoder.layer.3.attention.self.query.weight",
         "sed -i 's/hidden_layers\":3/hidden_layers\":4/' config.json"},
        {QUERN_EUNSUPPORTED, "does not belong to BERT", "sed -i 's/hidden_layers\":3/hidden_layers\":2/' config.json"},
        {QUERN_EUNSUPPORTED, "there is no pooling", "sed -i 's/{[^{]*1_Pooling[^}]*},//' modules.json"},
        {QUERN_EUNSUPPORTED, "this pooling", "sed -i 's/mean_tokens/max_tokens/' 1_Pooling/config.json"},
        {QUERN_EUNSUPPORTED, "neither WordPiece nor unigram", "sed -i 's/\"WordPiece\"/\"BPE\"/' tokenizer.json"},
        {QUERN_EUNSUPPORTED, "without unk_id", "sed -i 's/\"WordPiece\"/\"Unigram\"/' tokenizer.json"},
        {QUERN_EUNSUPPORTED, "this normalizer", "sed -i 's/BertNormalizer/NFKC/' tokenizer.json"},
        {QUERN_EUNSUPPORTED, "this normalizer", "sed -i 's/clean_text\":true/clean_text\":false/' tokenizer.json"},
        {QUERN_EUNSUPPORTED, "this pre_tokenizer", "sed -i 's/BertPreTokenizer/Whitespace/' tokenizer.json"},
        {QUERN_EUNSUPPORTED, "this post_processor", "sed -i 's/TemplateProcessing/Roberta/' tokenizer.json"},
        {QUERN_EUNSUPPORTED, "this model", "sed -i 's/per_word\":100/per_word\":99/' tokenizer.json"},
        {QUERN_EUNSUPPORTED, "this model", "sed -i 's/prefix\":\"##\"/prefix\":\"@\"/' tokenizer.json"},
        {QUERN_EUNSUPPORTED, "not special", "sed -i 's/special\":true/special\":false/' tokenizer.json"},
        {QUERN_EFORMAT, "two pieces have id", "sed -i 's/\"<pad>\":0/&,\"twice\":0/' tokenizer.json"},
        {QUERN_EIO, "vocab.txt", "rm tokenizer.json"},
        {QUERN_EFORMAT, "line 2 is empty", "rm tokenizer.json && printf 'a\\n\\n' >vocab.txt"},
        {QUERN_EFORMAT, "has no piece \"<bos>\"", "rm tokenizer.json && printf 'a\\n' >vocab.txt"},
    };
    struct quern_convert_job job = {.type = "f32", .threads = 1};
    struct quern_convert_result result;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        quern_error error = {0};
        make_bert_folder(1);
        shell("cd '%s' && %s", folder, cases[i].change);
        unlink(output);
        const int code = quern_convert_folder(folder, output, &job, &result, &error);
        if (code != cases[i].code || strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s: %d, %s", cases[i].change, code, error.text);
        assert_int_not_equal(access(output, F_OK), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_equals_the_file_made_straight),
        cmocka_unit_test(test_layouts_of_the_checkpoint),
        cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_tokenizer_json_that_is_refused),
        cmocka_unit_test(test_tokenizer_json_that_is_taken),
        cmocka_unit_test(test_tokens_around_a_text),
        cmocka_unit_test(test_tokens_at_the_ends_that_disagree),
        cmocka_unit_test(test_notices_of_defaults),
        cmocka_unit_test(test_limits_of_texts),
        cmocka_unit_test(test_prompts_are_kept),
        cmocka_unit_test(test_odd_window_is_told),
        cmocka_unit_test(test_rows_beyond_the_vocabulary_are_cut_off),
        cmocka_unit_test(test_settings_that_are_refused),
        cmocka_unit_test(test_bert),
        cmocka_unit_test(test_types_of_bert),
        cmocka_unit_test(test_vocabulary_of_lines),
        cmocka_unit_test(test_bert_that_is_refused),
        cmocka_unit_test(test_added_tokens_that_disagree),
        cmocka_unit_test(test_folders_that_are_not_whole),
        cmocka_unit_test(test_numbers_too_large_for_the_type),
        cmocka_unit_test(test_tensors_of_other_shapes_and_types),
        cmocka_unit_test(test_head_for_another_architecture),
        cmocka_unit_test(test_out_of_memory_files_and_threads),
        cmocka_unit_test(test_stopping_leaves_nothing),
        cmocka_unit_test(test_killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, make_work, remove_work);
}
