/* Conversion of folders with BERT. */
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

/* The model file that the folder of BERT is made of. */
static char bert_model[64];

/* Makes the folder of a tiny BERT; pooling as in files. */
static void make_bert_folder(int pooling)
{
    struct quern_recipe recipe = quern_recipe_bert();
    struct quern_folder_recipe usual = quern_folder_recipe();
    recipe.pooling = pooling;
    snprintf(bert_model, sizeof bert_model, "%s/bert-%d.gguf", trial.work, pooling);
    assert_int_equal(quern_model_make(bert_model, &recipe, NULL), QUERN_OK);
    shell("rm -rf '%s' && mkdir '%s'", trial.folder, trial.folder);
    assert_int_equal(quern_folder_make(trial.folder, bert_model, &usual, NULL), QUERN_OK);
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
    assert_int_equal(quern_gguf_open(&converted, trial.output, NULL), QUERN_OK);
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
        const struct quern_convert_result result = folder_convert("f32");
        assert_int_equal(result.has_head, 0);
        assert_string_equal(result.notice, "");
        expect_bert();
        assert_int_equal(quern_model_open(&opened, trial.output, NULL, NULL), QUERN_OK);
        quern_model_close(opened);
    }
}

/* The tables of positions and of token types are not rounded, and neither are norms and biases. */
static void test_types_of_bert(void **state)
{
    (void)state;
    struct quern_gguf gguf;
    make_bert_folder(1);
    folder_convert("q8_0");
    assert_int_equal(quern_gguf_open(&gguf, trial.output, NULL), QUERN_OK);
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
              "printf '%s' >tokenizer_config.json", trial.folder, cases[i].config);
        /* a file that is cut off looks like this one, so a notice tells how many pieces there are */
        assert_non_null(strstr(folder_convert("f32").notice, "have 6 pieces"));
        assert_int_equal(quern_gguf_open(&gguf, trial.output, NULL), QUERN_OK);
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
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        make_bert_folder(1);
        folder_expect_refused(cases[i].code, cases[i].says, "f32", cases[i].change);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bert),
        cmocka_unit_test(test_types_of_bert),
        cmocka_unit_test(test_vocabulary_of_lines),
        cmocka_unit_test(test_bert_that_is_refused),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
