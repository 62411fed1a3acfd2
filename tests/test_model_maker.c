#include "base/count.h"
#include "block_maker.h"
#include "model_maker.h"
#include "vocabulary_maker.h"

#include "formats/conversion.h"
#include "gguf/gguf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int make_path(void **state)
{
    (void)state;
    strcpy(path, "/tmp/quern-maker-XXXXXX");
    int file = mkstemp(path);
    return file < 0 || close(file);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static struct quern_gguf make(struct quern_recipe recipe)
{
    struct quern_gguf gguf;
    assert_int_equal(quern_model_make(path, &recipe, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&gguf, path, NULL), QUERN_OK);
    return gguf;
}

static int64_t number(const struct quern_gguf *gguf, const char *key)
{
    int64_t value = -1;
    assert_int_equal(quern_gguf_integer(gguf, key, 0, INT64_MAX, &value, NULL), QUERN_OK);
    return value;
}

static void test_tiny_models(void **state)
{
    static const uint32_t types[] = {QUERN_TYPE_F32, QUERN_TYPE_F16, QUERN_TYPE_BF16, QUERN_TYPE_Q8_0, QUERN_TYPE_Q4_0};
    (void)state;
    for (size_t t = 0; t < QUERN_COUNT(types); t++)
        for (int head = 0; head < 2; head++) {
            struct quern_recipe recipe = quern_recipe_tiny();
            recipe.type = types[t];
            recipe.head = head;
            struct quern_gguf gguf = make(recipe);
            assert_int_equal(gguf.tensor_count, 6 * 13 + 2 + 2 * head);
            assert_int_equal(number(&gguf, "gemma-embedding.block_count"), 6);
            assert_int_equal(number(&gguf, "gemma-embedding.dense_2_feat_out"), head ? 128 : -1);
            const struct quern_gguf_tensor *down = quern_gguf_tensor_find(&gguf, "blk.5.ffn_down.weight");
            assert_int_equal(down->type, types[t]);
            assert_int_equal(down->shape[0], 96);
            assert_int_equal(down->shape[1], 64);
            assert_int_equal(quern_gguf_tensor_find(&gguf, "token_embd.weight")->type,
                             types[t] == QUERN_TYPE_Q4_0 ? QUERN_TYPE_Q8_0 : types[t]);
            assert_int_equal(quern_gguf_tensor_find(&gguf, "blk.0.attn_q_norm.weight")->type, QUERN_TYPE_F32);
            for (size_t i = 0; i < gguf.tensor_count; i++)
                assert_true(quern_blocks_finite(gguf.tensors[i].type, gguf.tensors[i].data, gguf.tensors[i].elements));
            quern_gguf_close(&gguf);
        }
}

/* The mixtures of published files. */
static void test_wide_models(void **state)
{
    static const struct {
        uint32_t type, embedding, query, value, down; /* of layer 2, where values and ffn_down get more bits */
    } cases[] = {
        {QUERN_TYPE_Q4_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q4_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q8_0},
        {QUERN_TYPE_Q5_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q5_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q8_0},
        {QUERN_TYPE_Q2_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q2_K, QUERN_TYPE_Q2_K, QUERN_TYPE_Q4_0},
        {QUERN_TYPE_Q3_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q3_K, QUERN_TYPE_Q3_K, QUERN_TYPE_Q4_0},
        {QUERN_TYPE_Q6_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q6_K, QUERN_TYPE_Q8_0},
        {QUERN_TYPE_IQ4_NL, QUERN_TYPE_Q6_K, QUERN_TYPE_IQ4_NL, QUERN_TYPE_IQ4_NL, QUERN_TYPE_IQ4_NL},
        {QUERN_TYPE_Q4_1, QUERN_TYPE_Q6_K, QUERN_TYPE_Q4_1, QUERN_TYPE_Q4_1, QUERN_TYPE_Q4_1},
    };
    (void)state;
    for (size_t c = 0; c < QUERN_COUNT(cases); c++) {
        struct quern_recipe recipe = quern_recipe_wide();
        recipe.type = cases[c].type;
        struct quern_gguf gguf = make(recipe);
        assert_int_equal(quern_gguf_tensor_find(&gguf, "token_embd.weight")->type, cases[c].embedding);
        assert_int_equal(quern_gguf_tensor_find(&gguf, "blk.2.attn_q.weight")->type, cases[c].query);
        assert_int_equal(quern_gguf_tensor_find(&gguf, "blk.2.attn_v.weight")->type, cases[c].value);
        assert_int_equal(quern_gguf_tensor_find(&gguf, "blk.2.ffn_down.weight")->type, cases[c].down);
        for (size_t i = 0; i < gguf.tensor_count; i++)
            assert_true(quern_blocks_finite(gguf.tensors[i].type, gguf.tensors[i].data, gguf.tensors[i].elements));
        quern_gguf_close(&gguf);
    }
}

/* Made blocks have the deviation that is asked for, and about no mean. */
static void test_made_blocks(void **state)
{
    enum { COUNT = 65536 };
    static unsigned char blocks[COUNT * 2];
    static float values[COUNT];
    (void)state;
    for (uint32_t type = 0; type < QUERN_TYPES; type++) {
        double sum = 0, squares = 0;
        if (!quern_blocks_makeable(type))
            continue;
        quern_blocks_make(type, blocks, COUNT, 0.5f, 1, 0);
        quern_dequantize(type, values, blocks, COUNT);
        for (int i = 0; i < COUNT; i++) {
            sum += values[i];
            squares += (double)values[i] * values[i];
        }
        assert_true(fabs(sum / COUNT) < 0.02 && fabs(sqrt(squares / COUNT) - 0.5) < 0.05);
    }
}

/* Mean and deviation as planned, and the same values whatever else is in the file. */
static void test_weights(void **state)
{
    (void)state;
    float first[64 * 96], second[64 * 96];
    struct quern_recipe recipe = quern_recipe_tiny();
    recipe.type = QUERN_TYPE_F32;
    for (int round = 0; round < 3; round++) {
        recipe.head = round == 1;
        recipe.seed = round == 2 ? 2 : 1;
        struct quern_gguf gguf = make(recipe);
        const struct quern_gguf_tensor *tensor = quern_gguf_tensor_find(&gguf, "blk.3.ffn_up.weight");
        assert_int_equal(tensor->bytes, sizeof first);
        memcpy(round == 0 ? first : second, tensor->data, sizeof first);
        if (round > 0)
            assert_int_equal(memcmp(first, second, sizeof first) == 0, round == 1);
        quern_gguf_close(&gguf);
    }
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 64 * 96; i++) {
        sum += first[i];
        squares += (double)first[i] * first[i];
    }
    assert_true(fabs(sum / (64 * 96)) < 0.01);
    assert_true(fabs(sqrt(squares / (64 * 96)) - 0.125) < 0.005); /* 1 / sqrt(64) */
}

static void count_kinds(const struct quern_made_vocabulary *vocabulary, size_t counts[7])
{
    memset(counts, 0, 7 * sizeof *counts);
    for (size_t i = 0; i < vocabulary->count; i++) {
        assert_in_range(vocabulary->kinds[i], 1, 6);
        assert_true(vocabulary->texts[i].length > 0);
        counts[vocabulary->kinds[i]]++;
    }
}

static void expect_piece(const struct quern_made_vocabulary *vocabulary, size_t id, const char *text, int kind)
{
    assert_int_equal(vocabulary->texts[id].length, strlen(text));
    assert_memory_equal(vocabulary->texts[id].data, text, strlen(text));
    assert_int_equal(vocabulary->kinds[id], kind);
}

static void test_vocabularies(void **state)
{
    (void)state;
    struct quern_made_vocabulary vocabulary;
    size_t counts[7];
    assert_int_equal(quern_vocabulary_make(&vocabulary, QUERN_VOCABULARY_TINY, NULL), QUERN_OK);
    assert_int_equal(vocabulary.count, QUERN_VOCABULARY_TINY);
    count_kinds(&vocabulary, counts);
    for (int kind = 1; kind <= 6; kind++)
        assert_true(counts[kind] > 0);
    assert_int_equal(counts[QUERN_PIECE_BYTE], 256);
    quern_vocabulary_unmake(&vocabulary);

    assert_int_equal(quern_vocabulary_make(&vocabulary, QUERN_VOCABULARY_FULL, NULL), QUERN_OK);
    assert_int_equal(vocabulary.count, QUERN_VOCABULARY_FULL);
    count_kinds(&vocabulary, counts);
    assert_int_equal(counts[QUERN_PIECE_NORMAL], 255474);
    assert_int_equal(counts[QUERN_PIECE_USER_DEFINED], 163);
    expect_piece(&vocabulary, 2, "<bos>", QUERN_PIECE_CONTROL);
    expect_piece(&vocabulary, 104, "<unused98>", QUERN_PIECE_CONTROL);
    expect_piece(&vocabulary, 107, "\n", QUERN_PIECE_USER_DEFINED);
    expect_piece(&vocabulary, 138, "  ", QUERN_PIECE_USER_DEFINED);
    expect_piece(&vocabulary, 212, "</s>", QUERN_PIECE_USER_DEFINED);
    expect_piece(&vocabulary, 238, "<0x00>", QUERN_PIECE_BYTE);
    expect_piece(&vocabulary, 255968, "\t", QUERN_PIECE_USER_DEFINED);
    expect_piece(&vocabulary, 262143, "<unused6241>", QUERN_PIECE_CONTROL);
    assert_true(vocabulary.scores[494] == 0 && vocabulary.scores[255967] == -255473);
    quern_vocabulary_unmake(&vocabulary);
}

static void test_no_such_folder(void **state)
{
    (void)state;
    struct quern_recipe recipe = quern_recipe_tiny();
    quern_error error;
    assert_int_equal(quern_model_make("/tmp/quern-no-such-folder/x", &recipe, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tiny_models, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_wide_models, make_path, remove_path),
        cmocka_unit_test(test_made_blocks),
        cmocka_unit_test_setup_teardown(test_weights, make_path, remove_path),
        cmocka_unit_test(test_vocabularies),
        cmocka_unit_test(test_no_such_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
