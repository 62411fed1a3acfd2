/* Folders that are not converted: errors are found before anything is written. What is taken although it looks odd is
 * here too. */
#include "base/count.h"
#include "folder_trial.h"

#include "gguf/writer.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_refused(int code, const char *says, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Runs a command inside a new folder, which changes it, and converts the folder. */
static void expect_refused(int code, const char *says, const char *format, ...)
{
    char command[512];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    folder_make(NULL, true);
    folder_expect_refused(code, says, NULL, command);
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
        folder_make(&recipe, true);
        shell("cd '%s' && sed -i '%s' tokenizer.json", trial.folder, cases[i].change);
        assert_int_equal(quern_convert_folder(trial.folder, trial.output, &job, &result, &error), cases[i].code);
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
        folder_make(&recipe, true);
        shell("cd '%s' && sed -i.before '%s' tokenizer_config.json && ! cmp -s tokenizer_config.json "
              "tokenizer_config.json.before", trial.folder, cases[i].change);
        const int code = quern_convert_folder(trial.folder, trial.output, &job, &result, &error);
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
        folder_make(&recipe, true);
        shell("cd '%s' && sed -i.before '%s' tokenizer.json && ! cmp -s tokenizer.json tokenizer.json.before",
              trial.folder, changes[i]);
        folder_convert("f32");
    }
}

/* Whether the file that was made has this flag. */
static bool has_flag(const char *key, bool expected)
{
    struct quern_gguf made_file;
    assert_int_equal(quern_gguf_open(&made_file, trial.output, NULL), QUERN_OK);
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
    folder_make(&recipe, true);
    shell("cd '%s' && sed -i 's/\"add_[a-z]*_token\":true,//g' tokenizer_config.json && sed -i '%s' tokenizer.json",
          trial.folder, TEMPLATE(BOS "," TEXT));
    folder_convert("f32");
    assert_true(has_flag("tokenizer.ggml.add_bos_token", true));
    assert_true(has_flag("tokenizer.ggml.add_eos_token", false));
    shell("cd '%s' && sed -i 's/{/&\"add_bos_token\":true,/' tokenizer_config.json", trial.folder);
    folder_convert("f32");
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
        folder_make(&recipe, true);
        shell("cd '%s' && sed -i '%s' tokenizer.json", trial.folder, cases[i].change);
        const struct quern_convert_result result = folder_convert("f32");
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
        folder_make(&recipe, true);
        shell("cd '%s' && sed -i '%s' %s", trial.folder, cases[i].change, cases[i].file);
        const struct quern_convert_result result = folder_convert("f32");
        if (cases[i].notice[0] == '\0' ? result.notice[0] != '\0' : strstr(result.notice, cases[i].notice) == NULL)
            fail_msg("%s: '%s'", cases[i].change, result.notice);
    }
}

/* What sentence-transformers does to a text before it is embedded. */
static void test_limits_of_texts(void **state)
{
    (void)state;
    struct quern_gguf converted;
    folder_make(NULL, true);
    shell("echo '{\"max_seq_length\":100,\"do_lower_case\":false}' >'%s/sentence_bert_config.json'", trial.folder);
    folder_convert("f32");
    assert_int_equal(quern_gguf_open(&converted, trial.output, NULL), QUERN_OK);
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
    static const char *const optional[] = {"config_sentence_transformers.json", "sentence_bert_config.json",
                                           "tokenizer_config.json", "tokenizer.model", "model.safetensors"};
    for (size_t i = 0; i < QUERN_COUNT(optional); i++) /* as in a cache of the hub that is not whole */
        expect_refused(QUERN_EIO, optional[i], "ln -sf ../blobs/nowhere %s", optional[i]);
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
    folder_make(NULL, true); /* 1e6 does not fit into a half */
    shell("cd '%s/3_Dense' && truncate -s -4 model.safetensors && printf '\\0\\044\\164\\111' >>model.safetensors",
          trial.folder);
    assert_int_equal(quern_convert_folder(trial.folder, trial.output, &job, &result, &error), QUERN_ENUMERIC);
    assert_non_null(strstr(error.text, "dense_3.weight holds a number too large for F16"));
    folder_convert("bf16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer_json_that_is_refused),
        cmocka_unit_test(test_tokenizer_json_that_is_taken),
        cmocka_unit_test(test_tokens_around_a_text),
        cmocka_unit_test(test_tokens_at_the_ends_that_disagree),
        cmocka_unit_test(test_notices_of_defaults),
        cmocka_unit_test(test_limits_of_texts),
        cmocka_unit_test(test_settings_that_are_refused),
        cmocka_unit_test(test_added_tokens_that_disagree),
        cmocka_unit_test(test_folders_that_are_not_whole),
        cmocka_unit_test(test_numbers_too_large_for_the_type),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
