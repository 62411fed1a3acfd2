/* Whatever changes a vector changes the name of its space, and nothing else does. Each change is made to the bytes of a
 * tiny model, in place; then vectors and names are compared with those of the model as it was. */
#include "base/count.h"
#include "gguf/gguf.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define A "gemma-embedding."
#define B "bert."
#define C "gemma-embedding2."
#define N "nomic-bert."
#define Q "qwen3."
#define M "modern-bert."
#define T "tokenizer.ggml."

enum { TEXTS = 3, TASKS = 3, MOST_IDS = 40 };

static const char *const texts[TEXTS] = {"the weather of the other day", "", "  caf\xc3\xa9 \xf0\x9f\x8d\x8e 42\n\n"};
static const int tasks[TASKS] = {QUERN_TASK_NONE, QUERN_TASK_QUERY, QUERN_TASK_DOCUMENT};

/* What a model gives for each task. */
struct outcome {
    float vectors[TASKS][TEXTS * TRIAL_WIDTH];
    char spaces[TASKS][QUERN_SPACE_SIZE];
};

/* With a tokenizer it embeds the texts, otherwise ids. */
static void observe(const char *path, bool from_ids, struct outcome *outcome)
{
    quern_model *model = trial_open(path, "portable");
    quern_context *context = trial_context(model, QUERN_PATH_EXACT, 1, 0);
    quern_text given[TEXTS];
    quern_tokens tokens[TEXTS];
    int32_t ids[TEXTS][MOST_IDS];
    memset(outcome, 0, sizeof *outcome);
    for (int i = 0; i < TEXTS; i++) {
        given[i] = (quern_text){texts[i], strlen(texts[i])};
        trial_ids(ids[i], MOST_IDS - i);
        tokens[i] = (quern_tokens){ids[i], (size_t)(MOST_IDS - i)};
    }
    for (int i = 0; i < TASKS; i++) {
        const quern_embed_options options = {.size = sizeof options, .task = tasks[i], .dimensions = TRIAL_WIDTH};
        const quern_embed_options of_ids = {.size = sizeof of_ids, .dimensions = TRIAL_WIDTH};
        const size_t size = TEXTS * TRIAL_WIDTH;
        float *vectors = outcome->vectors[i];
        const int code = from_ids ? quern_embed_tokens(context, tokens, TEXTS, &of_ids, vectors, size, NULL, NULL)
                                  : quern_embed(context, given, TEXTS, &options, vectors, size, NULL, NULL);
        assert_int_equal(code, QUERN_OK);
        assert_int_equal(quern_space(model, &options, outcome->spaces[i], NULL), QUERN_OK);
    }
    quern_context_free(context);
    quern_model_close(model);
}

/* ---------------------------------------------------------------- changes */

enum edit {
    SET,        /* a number: becomes `number` */
    LAST_BYTE,  /* a string: its last byte becomes '#' */
    LAST_LETTER, /* an array of bytes: the last one but one becomes '#' */
    RENAME,     /* the key is not found any more */
    PIECE,      /* an array of strings: the last byte of piece `number` becomes '#' */
    ELEMENT,    /* an array of numbers of 32 bits: element `number` gets the bits of the one before it */
};

struct change {
    const char *key;
    enum edit edit;
    double number;
    bool changes; /* vectors, of at least one task */
};

static const struct change gemma_changes[] = {
    {"general.name", LAST_BYTE, 0, false},
    {"general.file_type", SET, 1, false},
    {"general.type", RENAME, 0, false},
    {A "context_length", SET, 128, false},
    {A "attention.layer_norm_rms_epsilon", SET, 0.01, true},
    {A "attention.sliding_window", SET, 4, true},
    {A "rope.freq_base", SET, 5000, true},
    {A "rope.freq_base_swa", SET, 500, true},
    {A "rope.freq_base_swa", RENAME, 0, false}, /* the default has the same value */
    {A "attention.key_length", RENAME, 0, false},
    {A "pooling_type", RENAME, 0, false},
    {A "dense_2_feat_out", RENAME, 0, false},
    {T "pre", LAST_BYTE, 0, false},
    {T "padding_token_id", SET, 7, false},
    {T "bos_token_id", SET, 7, true},
    {T "eos_token_id", SET, 7, true},
    {T "add_bos_token", SET, 0, true},
    {T "add_bos_token", RENAME, 0, false}, /* true is the default */
    {T "add_eos_token", SET, 0, true},
    {T "add_eos_token", RENAME, 0, true},
    {T "add_space_prefix", SET, 1, true},
    {T "add_space_prefix", RENAME, 0, true},
    {"quern.prompt.query", LAST_BYTE, 0, true},
    {"quern.prompt.query", RENAME, 0, true},
};

static const struct change bert_changes[] = {
    {B "attention.layer_norm_epsilon", SET, 0.01, true},
    {B "pooling_type", SET, 2, true},
    {"general.name", LAST_BYTE, 0, false},
};

static const struct change gemma2_changes[] = {
    {C "context_length", SET, 128, false},
    {C "attention.sliding_window", SET, 4, true},
    {C "attention.layer_norm_rms_epsilon", SET, 0.01, true},
    {C "attention.shared_kv_layers", RENAME, 0, false},
    {C "attention.causal", RENAME, 0, false},
    {C "attention.value_length_swa", RENAME, 0, false}, /* the defaults have the same values */
    {C "rope.dimension_count", RENAME, 0, false},
    {C "rope.dimension_count_swa", RENAME, 0, false},
    {C "rope.freq_base", SET, 5000, true},
    {C "rope.freq_base_swa", SET, 500, true},
    {C "pooling_type", RENAME, 0, false},
};

static const struct change unigram_changes[] = {
    {T "precompiled_charsmap", RENAME, 0, true},
    {T "precompiled_charsmap", LAST_LETTER, 0, true},
    {T "add_bos_token", SET, 0, true},
    {T "add_bos_token", RENAME, 0, false}, /* true is the default */
    {T "add_eos_token", SET, 0, true},
    {T "add_eos_token", RENAME, 0, false},
    {T "add_space_prefix", RENAME, 0, false},
    {T "padding_token_id", SET, 7, false},
};

/* The texts have an accent, and no capital. */
static const struct change wordpiece_changes[] = {
    {T "bos_token_id", SET, 7, true},
    {T "seperator_token_id", SET, 7, true},
    {T "unknown_token_id", SET, 7, true},
    {T "eos_token_id", SET, 7, false},
    {T "add_bos_token", SET, 0, false}, /* the tokens always stand around a text */
    {T "add_eos_token", SET, 0, false},
    {T "add_space_prefix", SET, 0, false},
    {T "normalizer.strip_accents", SET, 0, true},
    {T "normalizer.strip_accents", RENAME, 0, false}, /* the same as lowercase */
    {T "normalizer.lowercase", RENAME, 0, false}, /* the vocabulary has no capitals */
};

static const struct change nomic_changes[] = {
    {N "context_length", SET, 128, false},
    {N "attention.layer_norm_epsilon", SET, 0.01, true},
    {N "rope.freq_base", SET, 5000, true},
    {N "rope.freq_base", RENAME, 0, true},
    {N "pooling_type", SET, 2, true},
};

static const struct change qwen3_changes[] = {
    {Q "context_length", SET, 128, false},
    {Q "attention.layer_norm_rms_epsilon", SET, 0.01, true},
    {Q "rope.freq_base", SET, 5000, true},
    {T "add_eos_token", SET, 0, true},
};

static const struct change modern_changes[] = {
    {M "context_length", SET, 128, false},
    {M "attention.layer_norm_epsilon", SET, 0.01, true},
    {M "attention.sliding_window", SET, 4, true},
    {M "attention.sliding_window_pattern", SET, 2, true},
    {M "attention.sliding_window_pattern", RENAME, 0, false}, /* the default has the same value */
    {M "rope.freq_base", SET, 5000, true},
    {M "rope.freq_base_swa", SET, 500, true},
    {M "rope.freq_base_swa", RENAME, 0, false},
    {M "rope.scaling.type", RENAME, 0, false},
    {M "hidden_activation", RENAME, 0, true},
    {M "pooling_type", SET, 1, true},
};

/* Makes a change of a key to the bytes of the file. */
static void edit_value(unsigned char *file, const struct quern_gguf *gguf, const struct change *change)
{
    const struct quern_gguf_value *value = quern_gguf_find(gguf, change->key);
    if (value == NULL)
        fail_msg("the model has no key %s", change->key);
    unsigned char *data = file + (value->data - gguf->map.data);
    const uint32_t number = (uint32_t)change->number;
    const float real = (float)change->number;
    size_t cursor = 0;
    quern_text piece = {NULL, 0};
    switch (change->edit) {
    case SET:
        if (value->kind == QUERN_GGUF_F32)
            memcpy(data, &real, sizeof real);
        else
            memcpy(data, &number, value->kind == QUERN_GGUF_BOOL ? 1 : sizeof number);
        break;
    case LAST_BYTE: data[value->bytes - 1] = '#'; break;
    case LAST_LETTER: data[value->bytes - 2] = '#'; break;
    case RENAME: file[(const unsigned char *)value->key.data - gguf->map.data + value->key.length - 1] = '#'; break;
    case PIECE:
        for (uint32_t i = 0; i <= number; i++)
            piece = quern_gguf_next_string(value, &cursor);
        file[(const unsigned char *)piece.data - gguf->map.data + piece.length - 1] = '#';
        break;
    case ELEMENT: memcpy(data + 4 * number, data + 4 * number - 4, 4); break;
    }
}

/* Changes every block of a tensor a little, and not all by the same factor. */
static void edit_tensor(unsigned char *data, const struct quern_gguf_tensor *tensor)
{
    for (size_t i = 0; i < tensor->elements && tensor->type == QUERN_TYPE_F32; i++) {
        float number;
        memcpy(&number, data + i * sizeof number, sizeof number);
        number *= 1.01f + 0.01f * (float)(i % 7);
        memcpy(data + i * sizeof number, &number, sizeof number);
    }
    const size_t block = (size_t)quern_type_info(tensor->type)->block_bytes;
    for (size_t i = block - 1; i < tensor->bytes && tensor->type != QUERN_TYPE_F32; i += block)
        data[i] ^= 0x10;
}

/* ---------------------------------------------------------------- comparing */

struct subject {
    char path[TRIAL_PATH];
    struct quern_gguf gguf;
    bool from_ids;
    struct outcome before;
};

static void open_subject(struct subject *subject, const struct quern_recipe *recipe)
{
    trial_make(subject->path, recipe);
    subject->from_ids = recipe->arch == QUERN_RECIPE_BERT && !recipe->unigram && recipe->tokenizer == NULL;
    assert_int_equal(quern_gguf_open(&subject->gguf, subject->path, NULL), QUERN_OK);
    observe(subject->path, subject->from_ids, &subject->before);
}

static void close_subject(struct subject *subject)
{
    quern_gguf_close(&subject->gguf);
    unlink(subject->path);
}

/* Writes a copy of the model's file, changed as it lies in memory. */
static void write_copy(const struct subject *subject, const unsigned char *file, char path[TRIAL_PATH + 8])
{
    snprintf(path, TRIAL_PATH + 8, "%s.copy", subject->path);
    FILE *copy = fopen(path, "wb");
    assert_non_null(copy);
    assert_int_equal(fwrite(file, 1, subject->gguf.map.size, copy), subject->gguf.map.size);
    assert_int_equal(fclose(copy), 0);
}

/* Compares the file, changed as it lies in memory, with the file as it was: for each task the space differs if and only
 * if a vector does. Returns whether any did. */
static bool differs(const struct subject *subject, const unsigned char *file, const char *what)
{
    char path[TRIAL_PATH + 8];
    struct outcome after;
    bool any = false;
    write_copy(subject, file, path);
    observe(path, subject->from_ids, &after);
    unlink(path);
    for (int i = 0; i < TASKS; i++) {
        const bool other = memcmp(subject->before.vectors[i], after.vectors[i], sizeof after.vectors[i]) != 0;
        if (other != (strcmp(subject->before.spaces[i], after.spaces[i]) != 0))
            fail_msg("%s: task %s: the vectors are %s, the space is %s, was %s", what, quern_task_name(tasks[i]),
                     other ? "others" : "the same", after.spaces[i], subject->before.spaces[i]);
        any = any || other;
    }
    return any;
}

static unsigned char *copy_file(const struct subject *subject)
{
    unsigned char *file = malloc(subject->gguf.map.size);
    assert_non_null(file);
    return memcpy(file, subject->gguf.map.data, subject->gguf.map.size);
}

static void check_keys(const struct quern_recipe *recipe, const struct change *changes, size_t count)
{
    struct subject subject;
    open_subject(&subject, recipe);
    for (size_t i = 0; i < count; i++) {
        unsigned char *file = copy_file(&subject);
        edit_value(file, &subject.gguf, &changes[i]);
        if (differs(&subject, file, changes[i].key) != changes[i].changes)
            fail_msg("case %zu: %s does%s change vectors", i, changes[i].key, changes[i].changes ? " not" : "");
        free(file);
    }
    close_subject(&subject);
}

static void check_tensors(const struct quern_recipe *recipe)
{
    struct subject subject;
    open_subject(&subject, recipe);
    for (size_t i = 0; i < subject.gguf.tensor_count; i++) {
        const struct quern_gguf_tensor *tensor = &subject.gguf.tensors[i];
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)tensor->name.length, tensor->name.data);
        unsigned char *file = copy_file(&subject);
        edit_tensor(file + (tensor->data - subject.gguf.map.data), tensor);
        if (!differs(&subject, file, name))
            fail_msg("%s does not change vectors", name);
        free(file);
    }
    close_subject(&subject);
}

/* ---------------------------------------------------------------- tests */

static struct quern_recipe prompted_recipe(void)
{
    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, true);
    recipe.file_prompts[0].name = "query";
    recipe.file_prompts[0].text = "find: ";
    return recipe;
}

static void test_keys(void **state)
{
    (void)state;
    const struct quern_recipe recipe = prompted_recipe();
    check_keys(&recipe, gemma_changes, QUERN_COUNT(gemma_changes));
}

static void test_bert_keys(void **state)
{
    (void)state;
    const struct quern_recipe recipe = quern_recipe_bert();
    check_keys(&recipe, bert_changes, QUERN_COUNT(bert_changes));
}

static void test_wordpiece_keys(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.tokenizer = "bert";
    check_keys(&recipe, wordpiece_changes, QUERN_COUNT(wordpiece_changes));
}

static void test_gemma2_keys(void **state)
{
    (void)state;
    const struct quern_recipe recipe = quern_recipe_gemma2();
    check_keys(&recipe, gemma2_changes, QUERN_COUNT(gemma2_changes));
}

static void test_gemma2_tensors(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_gemma2();
    recipe.layers = 3;
    recipe.type = QUERN_TYPE_Q8_0;
    check_tensors(&recipe);
}

static struct quern_recipe unigram_recipe(void)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.unigram = recipe.spaced = true;
    return recipe;
}

static void test_unigram_keys(void **state)
{
    (void)state;
    const struct quern_recipe recipe = unigram_recipe();
    check_keys(&recipe, unigram_changes, QUERN_COUNT(unigram_changes));
}

static void test_nomic(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_nomic();
    check_keys(&recipe, nomic_changes, QUERN_COUNT(nomic_changes));
    recipe.layers = 1;
    check_tensors(&recipe);
}

static void test_qwen3(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_qwen3();
    check_keys(&recipe, qwen3_changes, QUERN_COUNT(qwen3_changes));
    recipe.layers = 1;
    check_tensors(&recipe);
}

static void test_modern(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_modern();
    recipe.activation = "silu";
    check_keys(&recipe, modern_changes, QUERN_COUNT(modern_changes));
    recipe.layers = 2;
    check_tensors(&recipe);
}

static void test_tensors(void **state)
{
    (void)state;
    struct quern_recipe recipe = prompted_recipe();
    recipe.layers = 2;
    check_tensors(&recipe);
}

static void test_bert_tensors(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.layers = 1;
    check_tensors(&recipe);
}

/* The text, the score and the kind of pieces. A piece changes the space also when none of our texts needs it. */
static void test_vocabulary(void **state)
{
    (void)state;
    const struct quern_recipe recipe = prompted_recipe();
    static const struct change changes[] = {{T "tokens", PIECE, 0, true},     {T "scores", ELEMENT, 0, true},
                                            {T "token_type", ELEMENT, 0, true}};
    struct subject subject;
    char path[TRIAL_PATH + 8], space[QUERN_SPACE_SIZE];
    open_subject(&subject, &recipe);
    for (size_t i = 0; i < QUERN_COUNT(changes); i++)
        for (int piece = 300; piece < 640; piece += 17) {
            struct change change = changes[i];
            unsigned char *file = copy_file(&subject);
            change.number = piece;
            edit_value(file, &subject.gguf, &change);
            const bool same = memcmp(file, subject.gguf.map.data, subject.gguf.map.size) == 0;
            quern_model *model = NULL;
            write_copy(&subject, file, path);
            if (quern_model_open(&model, path, NULL, NULL) == QUERN_OK) { /* else there are two equal pieces */
                assert_int_equal(quern_space(model, NULL, space, NULL), QUERN_OK);
                assert_int_equal(strcmp(space, subject.before.spaces[0]) == 0, same);
            }
            quern_model_close(model);
            free(file);
        }
    unlink(path);
    close_subject(&subject);
}

/* Two merges change places. Even if no text of ours shows it, this is another tokenizer. */
static void test_merges(void **state)
{
    (void)state;
    struct quern_recipe recipe = prompted_recipe();
    struct subject subject;
    struct outcome after;
    quern_text merges[8];
    char path[TRIAL_PATH + 8];
    size_t cursor = 0;
    recipe.merges = true;
    open_subject(&subject, &recipe);
    const struct quern_gguf_value *value = quern_gguf_find(&subject.gguf, T "merges");
    for (size_t i = 0; i < QUERN_COUNT(merges); i++)
        merges[i] = quern_gguf_next_string(value, &cursor);
    assert_int_equal(merges[6].length, merges[7].length);
    unsigned char *file = copy_file(&subject);
    for (int i = 6; i <= 7; i++)
        memcpy(file + ((const unsigned char *)merges[i].data - subject.gguf.map.data), merges[13 - i].data,
               merges[i].length);
    write_copy(&subject, file, path);
    observe(path, false, &after);
    for (int i = 0; i < TASKS; i++)
        assert_string_not_equal(after.spaces[i], subject.before.spaces[i]);
    unlink(path);
    free(file);
    close_subject(&subject);
}

/* What the published file has and this one lacks, users are told. */
static void test_notices(void **state)
{
    (void)state;
    static const struct {
        struct change change;
        const char *notice; /* NULL: none */
    } cases[] = {
        {{"general.name", LAST_BYTE, 0, false}, NULL},
        {{T "add_bos_token", RENAME, 0, false}, NULL},
        {{T "add_bos_token", SET, 0, false}, "a token that opens every text (tokenizer.ggml.add_bos_token): its v"},
        {{T "add_eos_token", RENAME, 0, false}, "a token that closes every text (tokenizer.ggml.add_eos_token): its"},
        {{T "add_eos_token", SET, 0, false}, "(tokenizer.ggml.add_eos_token): its vectors are not EmbeddingGemma's"},
        {{T "add_space_prefix", RENAME, 0, false}, "lacks texts without a space before them"},
        {{A "pooling_type", RENAME, 0, false}, "this file does not say how to pool (gemma-embedding.pooling_type)"},
    };
    const struct quern_recipe recipe = prompted_recipe();
    struct subject subject;
    char path[TRIAL_PATH + 8];
    open_subject(&subject, &recipe);
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        quern_model_info info = {.size = sizeof info};
        unsigned char *file = copy_file(&subject);
        edit_value(file, &subject.gguf, &cases[i].change);
        write_copy(&subject, file, path);
        quern_model *model = trial_open(path, NULL);
        assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
        if ((cases[i].notice == NULL) != (info.notice == NULL) ||
            (info.notice != NULL && strstr(info.notice, cases[i].notice) == NULL))
            fail_msg("case %zu: the notice is \"%s\"", i, info.notice != NULL ? info.notice : "");
        quern_model_close(model);
        unlink(path);
        free(file);
    }
    close_subject(&subject);
}

/* What is assumed of files with the tokenizer of XLM-R, users are told. */
static void test_unigram_notices(void **state)
{
    (void)state;
    static const struct {
        struct change change;
        int context;
        bool ends, positions; /* whether the notice is about them */
    } cases[] = {
        {{"general.name", LAST_BYTE, 0, false}, 256, false, false},
        {{T "add_bos_token", SET, 0, false}, 256, false, false},
        {{T "add_bos_token", RENAME, 0, false}, 256, true, false},
        {{T "add_eos_token", RENAME, 0, false}, 511, true, true},
        {{"general.name", LAST_BYTE, 0, false}, 511, false, true},
        {{T "model", RENAME, 0, false}, 511, false, false},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        quern_model_info info = {.size = sizeof info};
        struct quern_recipe recipe = unigram_recipe();
        struct subject subject;
        char path[TRIAL_PATH + 8];
        recipe.context = cases[i].context;
        open_subject(&subject, &recipe);
        unsigned char *file = copy_file(&subject);
        edit_value(file, &subject.gguf, &cases[i].change);
        write_copy(&subject, file, path);
        quern_model *model = trial_open(path, NULL);
        assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
        const char *notice = info.notice != NULL ? info.notice : "";
        if ((strstr(notice, "tokenizer.ggml.add_bos_token") != NULL) != cases[i].ends ||
            (strstr(notice, "511 positions") != NULL) != cases[i].positions)
            fail_msg("case %zu: the notice is \"%s\"", i, notice);
        quern_model_close(model);
        unlink(path);
        free(file);
        close_subject(&subject);
    }
}

/* Everything that can be lacking, in one line. */
static void test_whole_notice(void **state)
{
    (void)state;
    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, false);
    const struct change changes[] = {{T "add_bos_token", SET, 0, false}, {T "add_eos_token", RENAME, 0, false}};
    quern_model_info info = {.size = sizeof info};
    struct subject subject;
    char path[TRIAL_PATH + 8];
    recipe.pooling = -1;
    recipe.spaced = true;
    open_subject(&subject, &recipe);
    unsigned char *file = copy_file(&subject);
    for (size_t i = 0; i < QUERN_COUNT(changes); i++)
        edit_value(file, &subject.gguf, &changes[i]);
    write_copy(&subject, file, path);
    free(file);
    quern_model *model = trial_open(path, NULL);
    unlink(path);
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_string_equal(
        info.notice,
        "this file lacks the dense head, a token that opens every text (tokenizer.ggml.add_bos_token), a token that "
        "closes every text (tokenizer.ggml.add_eos_token) and texts without a space before them "
        "(tokenizer.ggml.add_space_prefix): its vectors are not EmbeddingGemma's official ones and must not be mixed "
        "with them; it does not say how to pool (gemma-embedding.pooling_type): the mean of all tokens is taken");
    quern_model_close(model);
    close_subject(&subject);
}

/* Without prompts all tasks give the same vectors, so they are one space. */
static void test_no_prompts(void **state)
{
    (void)state;
    struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, true);
    struct outcome outcome;
    char path[TRIAL_PATH];
    recipe.prompts = "none";
    trial_make(path, &recipe);
    observe(path, false, &outcome);
    unlink(path);
    for (int i = 0; i < TASKS; i++) {
        assert_memory_equal(outcome.vectors[i], outcome.vectors[0], sizeof outcome.vectors[0]);
        assert_string_equal(outcome.spaces[i], outcome.spaces[0]);
        assert_string_equal(strrchr(outcome.spaces[i], '-'), "-none");
    }
}

/* A file that does not tell whether its tokenizer keeps capitals, as older files do not. Pieces with capitals tell. */
static void test_capitals(void **state)
{
    (void)state;
    static const struct change key = {T "normalizer.lowercase", RENAME, 0, true};
    struct quern_recipe recipe = quern_recipe_bert();
    struct subject subject;
    char path[TRIAL_PATH + 8];
    recipe.tokenizer = "bert";
    open_subject(&subject, &recipe);
    const struct quern_gguf_value *pieces = quern_gguf_find(&subject.gguf, T "tokens");
    size_t cursor = 0;
    quern_text piece;
    do
        piece = quern_gguf_next_string(pieces, &cursor);
    while (piece.length != 4 || memcmp(piece.data, "\xe2\x96\x81t", 4) != 0);
    for (int i = 0; i < 4; i++) {
        quern_model_info info = {.size = sizeof info};
        unsigned char *file = copy_file(&subject);
        if (i & 1)
            edit_value(file, &subject.gguf, &key);
        if (i & 2)
            file[(const unsigned char *)piece.data - subject.gguf.map.data + 3] = 'T';
        write_copy(&subject, file, path);
        quern_model *model = trial_open(path, NULL);
        assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
        assert_int_equal(info.notice != NULL && strstr(info.notice, "keeps capitals") != NULL, i == 3);
        quern_model_close(model);
        unlink(path);
        free(file);
    }
    close_subject(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),         cmocka_unit_test(test_bert_keys),  cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_gemma2_keys),    cmocka_unit_test(test_gemma2_tensors),
        cmocka_unit_test(test_wordpiece_keys), cmocka_unit_test(test_capitals),
        cmocka_unit_test(test_bert_tensors), cmocka_unit_test(test_vocabulary),
        cmocka_unit_test(test_merges),
        cmocka_unit_test(test_notices),      cmocka_unit_test(test_whole_notice),
        cmocka_unit_test(test_unigram_keys), cmocka_unit_test(test_unigram_notices),
        cmocka_unit_test(test_no_prompts),   cmocka_unit_test(test_nomic),      cmocka_unit_test(test_qwen3),
        cmocka_unit_test(test_modern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
