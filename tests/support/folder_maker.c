#include "folder_maker.h"

#include "base/count.h"
#include "base/error.h"
#include "formats/half.h"
#include "gguf/gguf.h"
#include "text/tokenizer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>


struct maker {
    bool bert; /* a folder of BERT, with WordPiece */
    const char *folder;
    const struct quern_folder_recipe *recipe;
    struct quern_gguf gguf;
    quern_error *error;
};

static FILE *create(const struct maker *maker, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", maker->folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        quern_fail(maker->error, QUERN_EIO, "cannot write %s: %s", path, strerror(errno));
    return file;
}

static int finish(const struct maker *maker, FILE *file)
{
    bool failed = ferror(file);
    if (fclose(file) == 0 && !failed)
        return QUERN_OK;
    return quern_fail(maker->error, QUERN_EIO, "cannot write to %s", maker->folder);
}

/* Writes a small file. */
static int put_file(const struct maker *maker, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int put_file(const struct maker *maker, const char *name, const char *format, ...)
{
    FILE *file = create(maker, name);
    va_list list;
    if (file == NULL)
        return QUERN_EIO;
    va_start(list, format);
    vfprintf(file, format, list);
    va_end(list);
    return finish(maker, file);
}

static int number(const struct maker *maker, const char *key)
{
    char name[96];
    int64_t value = 0;
    snprintf(name, sizeof name, "%s.%s", maker->bert ? "bert" : "gemma-embedding", key);
    quern_gguf_integer(&maker->gguf, name, 0, INT32_MAX, &value, NULL);
    return (int)value;
}

/* ---------------------------------------------------------------- tensors */

/* The name that a checkpoint has for a tensor of a model file. */
static void checkpoint_name(char out[128], const char *prefix, quern_text name)
{
    static const char *const parts[][2] = {
        {"attn_norm", "input_layernorm"},       {"attn_q", "self_attn.q_proj"},
        {"attn_k", "self_attn.k_proj"},         {"attn_v", "self_attn.v_proj"},
        {"attn_q_norm", "self_attn.q_norm"},    {"attn_k_norm", "self_attn.k_norm"},
        {"attn_output", "self_attn.o_proj"},    {"post_attention_norm", "post_attention_layernorm"},
        {"ffn_norm", "pre_feedforward_layernorm"}, {"ffn_gate", "mlp.gate_proj"},
        {"ffn_up", "mlp.up_proj"},              {"ffn_down", "mlp.down_proj"},
        {"post_ffw_norm", "post_feedforward_layernorm"},
    };
    char copy[64] = "", part[64];
    int layer;
    memcpy(copy, name.data, name.length);
    snprintf(out, 128, "%s%s", prefix, strncmp(copy, "token", 5) == 0 ? "embed_tokens.weight" : "norm.weight");
    if (sscanf(copy, "blk.%d.%63[a-z_].weight", &layer, part) != 2)
        return;
    for (size_t i = 0; i < QUERN_COUNT(parts); i++)
        if (strcmp(parts[i][0], part) == 0)
            snprintf(out, 128, "%slayers.%d.%s.weight", prefix, layer, parts[i][1]);
}

/* The same of BERT. */
static void bert_name(char out[128], const char *prefix, quern_text name)
{
    static const char *const parts[][2] = {
        {"token_embd", "embeddings.word_embeddings"},
        {"position_embd", "embeddings.position_embeddings"},
        {"token_types", "embeddings.token_type_embeddings"},
        {"token_embd_norm", "embeddings.LayerNorm"},
        {"attn_q", "attention.self.query"},
        {"attn_k", "attention.self.key"},
        {"attn_v", "attention.self.value"},
        {"attn_output", "attention.output.dense"},
        {"attn_output_norm", "attention.output.LayerNorm"},
        {"ffn_up", "intermediate.dense"},
        {"ffn_down", "output.dense"},
        {"layer_output_norm", "output.LayerNorm"},
    };
    char copy[64] = "", part[64], end[16], layer[32] = "";
    int number;
    memcpy(copy, name.data, name.length);
    if (sscanf(copy, "blk.%d.%63[a-z_].%15s", &number, part, end) == 3)
        snprintf(layer, sizeof layer, "encoder.layer.%d.", number);
    else
        sscanf(copy, "%63[a-z_].%15s", part, end);
    for (size_t i = 0; i < QUERN_COUNT(parts); i++)
        if (strcmp(parts[i][0], part) == 0)
            snprintf(out, 128, "%s%s%s.%s", prefix, layer, parts[i][1], end);
}

static size_t element_size(const char *dtype)
{
    return strcmp(dtype, "F32") == 0 ? 4 : 2;
}

static void put_elements(FILE *file, const struct quern_gguf_tensor *tensor, const char *dtype, bool bert)
{
    const float less = tensor->dimensions == 1 && !bert ? 1.0f : 0.0f;
    for (uint64_t i = 0; i < tensor->elements; i++) {
        float value;
        memcpy(&value, tensor->data + 4 * i, sizeof value);
        value -= less;
        uint16_t half = dtype[0] == 'B' ? quern_float_to_bf16(value) : quern_float_to_half(value);
        if (strcmp(dtype, "F32") == 0)
            fwrite(&value, sizeof value, 1, file);
        else
            fwrite(&half, sizeof half, 1, file);
    }
}

/* One safetensors file of tensors; names[count]. */
static int put_safetensors(const struct maker *maker, const char *name, const struct quern_gguf_tensor *const *tensors,
                           const char (*names)[128], size_t count)
{
    char *header = NULL;
    size_t length = 0, size = element_size(maker->recipe->dtype);
    uint64_t at = 0;
    FILE *text = open_memstream(&header, &length), *file = create(maker, name);
    if (text == NULL || file == NULL)
        return QUERN_EIO;
    fputs("{\"__metadata__\":{\"format\":\"pt\"}", text);
    for (size_t i = 0; i < count; i++) {
        const uint64_t *shape = tensors[i]->shape, bytes = tensors[i]->elements * size;
        fprintf(text, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", names[i], maker->recipe->dtype);
        if (tensors[i]->dimensions == 2)
            fprintf(text, "%llu,", (unsigned long long)shape[1]);
        fprintf(text, "%llu],\"data_offsets\":[%llu,%llu]}", (unsigned long long)shape[0], (unsigned long long)at,
                (unsigned long long)(at + bytes));
        at += bytes;
    }
    fputc('}', text);
    while (ftell(text) % 8 != 0)
        fputc(' ', text);
    fclose(text);
    uint64_t header_bytes = length;
    fwrite(&header_bytes, sizeof header_bytes, 1, file);
    fwrite(header, 1, length, file);
    free(header);
    for (size_t i = 0; i < count; i++)
        put_elements(file, tensors[i], maker->recipe->dtype, maker->bert);
    return finish(maker, file);
}

/* Writes the files of the layers: tensor i is in shard i mod shards. */
static int put_shard(const struct maker *maker, int shard, FILE *index)
{
    const struct quern_gguf_tensor **tensors = calloc(maker->gguf.tensor_count, sizeof *tensors);
    char(*names)[128] = calloc(maker->gguf.tensor_count, sizeof *names), file[64] = "model.safetensors";
    size_t count = 0;
    if (tensors == NULL || names == NULL)
        return quern_fail(maker->error, QUERN_ENOMEM, "no memory for a folder");
    if (maker->recipe->shards > 1)
        snprintf(file, sizeof file, "model-%05d-of-%05d.safetensors", shard + 1, maker->recipe->shards);
    for (size_t i = 0; i < maker->gguf.tensor_count; i++) {
        const struct quern_gguf_tensor *tensor = &maker->gguf.tensors[i];
        if ((int)(i % (size_t)maker->recipe->shards) != shard || memcmp(tensor->name.data, "dense_", 6) == 0)
            continue;
        (maker->bert ? bert_name : checkpoint_name)(names[count], maker->recipe->prefix, tensor->name);
        if (index != NULL)
            fprintf(index, "%s\"%s\":\"%s\"", shard + count > 0 ? "," : "", names[count], file);
        tensors[count++] = tensor;
    }
    int code = put_safetensors(maker, file, tensors, (const char(*)[128])names, count);
    free(tensors);
    free(names);
    return code;
}

static int put_checkpoint(const struct maker *maker)
{
    FILE *index = NULL;
    if (maker->recipe->shards > 1) {
        index = create(maker, "model.safetensors.index.json");
        if (index == NULL)
            return QUERN_EIO;
        fputs("{\"metadata\":{},\"weight_map\":{", index);
    }
    for (int shard = 0; shard < maker->recipe->shards; shard++)
        QUERN_TRY(put_shard(maker, shard, index));
    if (index == NULL)
        return QUERN_OK;
    fputs("}}", index);
    return finish(maker, index);
}

static int put_dense(const struct maker *maker, const char *folder, const char *tensor)
{
    static const char name[1][128] = {"linear.weight"};
    const struct quern_gguf_tensor *found = quern_gguf_tensor_find(&maker->gguf, tensor);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", maker->folder, folder);
    if (mkdir(path, 0777) != 0)
        return quern_fail(maker->error, QUERN_EIO, "cannot make %s: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%s/config.json", folder);
    QUERN_TRY(put_file(maker, path, "{\"in_features\":%d,\"out_features\":%d,\"bias\":false,\"activation_function\":"
                       "\"torch.nn.modules.linear.Identity\"}", (int)found->shape[0], (int)found->shape[1]));
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    return put_safetensors(maker, path, &found, name, 1);
}

/* ---------------------------------------------------------------- tokenizer */

struct piece {
    quern_text text;
    float score;
    int32_t kind;
};

static struct piece *read_pieces(const struct maker *maker, size_t *count)
{
    const struct quern_gguf_value *texts = quern_gguf_find(&maker->gguf, "tokenizer.ggml.tokens");
    const struct quern_gguf_value *scores = quern_gguf_find(&maker->gguf, "tokenizer.ggml.scores");
    const struct quern_gguf_value *kinds = quern_gguf_find(&maker->gguf, "tokenizer.ggml.token_type");
    struct piece *pieces = calloc(texts->count, sizeof *pieces);
    size_t cursor = 0;
    *count = texts->count;
    for (size_t i = 0; pieces != NULL && i < *count; i++) {
        pieces[i].text = quern_gguf_next_string(texts, &cursor);
        memcpy(&pieces[i].score, scores->data + 4 * i, sizeof pieces[i].score);
        memcpy(&pieces[i].kind, kinds->data + 4 * i, sizeof pieces[i].kind);
    }
    return pieces;
}

static bool is_added(const struct piece *piece)
{
    return piece->kind == QUERN_PIECE_CONTROL || piece->kind == QUERN_PIECE_USER_DEFINED;
}

/* Whether published files call an added piece special. They do not for <mask> and <unused...>, although these are. */
static bool is_special(const struct piece *piece)
{
    return piece->kind == QUERN_PIECE_CONTROL && strncmp(piece->text.data, "<mask>", 6) != 0 &&
           strncmp(piece->text.data, "<unused", 7) != 0;
}

/* Writes the text with U+2581 in place of spaces, as tokenizers do. Returns its length. */
static size_t spell(const struct piece *piece, char out[512])
{
    size_t length = 0;
    for (size_t i = 0; i < piece->text.length; i++) {
        if (piece->text.data[i] != ' ') {
            out[length++] = piece->text.data[i];
        } else {
            memcpy(out + length, QUERN_METASPACE, 3);
            length += 3;
        }
    }
    return length;
}

static void put_json(FILE *file, const char *text, size_t length)
{
    fputc('"', file);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
            fprintf(file, "\\u%04x", text[i]);
        else
            fputc(text[i], file);
    fputc('"', file);
}

static void put_varint(FILE *file, size_t value)
{
    for (; value >= 0x80; value >>= 7)
        fputc((int)(value & 0x7F) | 0x80, file);
    fputc((int)value, file);
}

/* A SentencePiece model has <pad>, <eos>, <bos> as control pieces, and all other added pieces as user-defined. */
static void put_sentencepiece(FILE *file, const struct piece *pieces, size_t count)
{
    static const char settings[] = "\x12\x02\x18\x02\x1a\x0e\x0a\x08identity\x18\x00\x20\x00";
    for (size_t i = 0; i < count; i++) {
        char text[512];
        size_t length = spell(&pieces[i], text);
        float score = is_added(&pieces[i]) ? 0 : pieces[i].score;
        int kind = is_added(&pieces[i]) && i > 2 ? QUERN_PIECE_USER_DEFINED : pieces[i].kind;
        size_t body = 1 + (length < 0x80 ? 1u : 2u) + length + 5 + 2;
        fputc(0x0A, file);
        put_varint(file, body);
        fputc(0x0A, file);
        put_varint(file, length);
        fwrite(text, 1, length, file);
        fputc(0x15, file);
        fwrite(&score, sizeof score, 1, file);
        fputc(0x18, file);
        fputc(kind, file);
    }
    fwrite(settings, 1, sizeof settings - 1, file);
}

static void put_added(FILE *file, const struct piece *pieces, size_t count, const char *before, const char *middle)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        char text[512];
        if (!is_added(&pieces[i]))
            continue;
        fprintf(file, "%s%s%zu%s\"content\":", first ? "" : ",", before, i, middle);
        put_json(file, text, spell(&pieces[i], text));
        fprintf(file, ",\"special\":%s}", is_special(&pieces[i]) ? "true" : "false");
        first = false;
    }
}

static bool is_piece(const struct piece *pieces, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (pieces[i].kind == QUERN_PIECE_NORMAL && pieces[i].text.length == length &&
            memcmp(pieces[i].text.data, text, length) == 0)
            return true;
    return false;
}

/* Writes every merge of two pieces to a third: the best piece first, and of one piece the longer left part first. */
static void put_merges(FILE *file, const struct piece *pieces, size_t count)
{
    bool first = true;
    for (size_t i = 0; i < count; i++)
        for (size_t cut = pieces[i].text.length - 1; pieces[i].kind == QUERN_PIECE_NORMAL && cut > 0; cut--) {
            const char *text = pieces[i].text.data;
            const size_t rest = pieces[i].text.length - cut;
            if (!is_piece(pieces, count, text, cut) || !is_piece(pieces, count, text + cut, rest))
                continue;
            fputs(first ? "[" : ",[", file);
            put_json(file, text, cut);
            fputc(',', file);
            put_json(file, text + cut, rest);
            fputc(']', file);
            first = false;
        }
}

/* Pieces of the kind unused are not in such files. */
static void put_tokenizer_json(FILE *file, const struct piece *pieces, size_t count)
{
    fputs("{\"version\":\"1.0\",\"added_tokens\":[", file);
    put_added(file, pieces, count, "{\"id\":", ",");
    fputs("],\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" QUERN_METASPACE
          "\"},"
          "\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"unk_token\":\"<unk>\",\"vocab\":{", file);
    for (size_t i = 0; i < count; i++) {
        char text[512];
        if (pieces[i].kind == QUERN_PIECE_UNUSED)
            continue;
        fputs(i > 0 ? "," : "", file);
        put_json(file, text, spell(&pieces[i], text));
        fprintf(file, ":%zu", i);
    }
    fputs("},\"merges\":[", file);
    put_merges(file, pieces, count);
    fputs("]}}", file);
}

/* The first piece of a word has U+2581 in model files, and later ones "##" in folders. */
static void put_wordpiece(FILE *file, const struct piece *pieces, size_t count)
{
    const char *between = "";
    fputs("{\"version\":\"1.0\",\"added_tokens\":[", file);
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].kind != QUERN_PIECE_CONTROL && pieces[i].kind != QUERN_PIECE_UNKNOWN)
            continue;
        fprintf(file, "%s{\"id\":%zu,\"content\":", between, i);
        put_json(file, pieces[i].text.data, pieces[i].text.length);
        fputs(",\"special\":true}", file);
        between = ",";
    }
    fputs("],\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
          "\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
          "\"post_processor\":{\"type\":\"TemplateProcessing\"},\"model\":{\"type\":\"WordPiece\","
          "\"unk_token\":\"<unk>\",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,"
          "\"vocab\":{", file);
    for (size_t i = 0; i < count; i++) {
        const quern_text text = pieces[i].text;
        const bool special = pieces[i].kind == QUERN_PIECE_CONTROL || pieces[i].kind == QUERN_PIECE_UNKNOWN;
        const bool head = text.length >= 3 && memcmp(text.data, QUERN_METASPACE, 3) == 0;
        char spelled[512];
        if (pieces[i].kind == QUERN_PIECE_UNUSED)
            continue;
        const int length = snprintf(spelled, sizeof spelled, "%s%.*s", special || head ? "" : "##",
                                    (int)(text.length - (head && !special ? 3 : 0)),
                                    text.data + (head && !special ? 3 : 0));
        fputs(i > 0 ? "," : "", file);
        put_json(file, spelled, (size_t)length);
        fprintf(file, ":%zu", i);
    }
    fputs("}}}", file);
}

static int put_bert_tokenizer(const struct maker *maker)
{
    size_t count;
    struct piece *pieces = read_pieces(maker, &count);
    FILE *file = create(maker, "tokenizer.json");
    if (pieces == NULL || file == NULL)
        return QUERN_EIO;
    put_wordpiece(file, pieces, count);
    free(pieces);
    QUERN_TRY(finish(maker, file));
    return put_file(maker, "tokenizer_config.json", "{\"cls_token\":\"<bos>\",\"sep_token\":\"<eos>\","
                    "\"unk_token\":\"<unk>\",\"pad_token\":\"<pad>\",\"do_lower_case\":true}");
}

static int put_tokenizer(const struct maker *maker)
{
    size_t count;
    struct piece *pieces = read_pieces(maker, &count);
    bool json = maker->recipe->tokenizer_json;
    FILE *file = create(maker, json ? "tokenizer.json" : "tokenizer.model");
    FILE *config = create(maker, "tokenizer_config.json");
    if (pieces == NULL || file == NULL || config == NULL)
        return QUERN_EIO;
    (json ? put_tokenizer_json : put_sentencepiece)(file, pieces, count);
    fputs("{\"add_bos_token\":true,\"add_eos_token\":true,\"bos_token\":\"<bos>\","
          "\"eos_token\":{\"content\":\"<eos>\"},\"added_tokens_decoder\":{", config);
    put_added(config, pieces, count, "\"", "\":{");
    /* As in the published folder: a token of another model, for which the table of embeddings has no row. */
    fprintf(config, ",\"%zu\":{\"content\":\"<image_soft_token>\",\"special\":true}}}", count);
    free(pieces);
    QUERN_TRY(finish(maker, file));
    return finish(maker, config);
}

/* ---------------------------------------------------------------- settings */

static int put_config(const struct maker *maker)
{
    int layers = number(maker, "block_count");
    char types[512 * 24] = "";
    size_t length = 0;
    for (int l = 0; l < layers && l < 512; l++)
        length += (size_t)snprintf(types + length, sizeof types - length, "%s\"%s_attention\"", l > 0 ? "," : "",
                                   l % 6 < 5 ? "sliding" : "full");
    return put_file(maker, "config.json",
                    "{\"architectures\":[\"Gemma3TextModel\"],\"model_type\":\"gemma3_text\",\"dtype\":\"float32\","
                    "\"attention_bias\":false,\"attn_logit_softcapping\":null,"
                    "\"hidden_activation\":\"gelu_pytorch_tanh\",\"hidden_size\":%d,\"head_dim\":%d,"
                    "\"query_pre_attn_scalar\":%d,\"intermediate_size\":%d,"
                    "\"layer_types\":[%s],\"max_position_embeddings\":%d,\"num_attention_heads\":%d,"
                    "\"num_hidden_layers\":%d,\"num_key_value_heads\":%d,\"rms_norm_eps\":1e-06,"
                    "\"rope_local_base_freq\":10000.0,\"rope_scaling\":null,\"rope_theta\":1000000.0,"
                    "\"sliding_window\":%d,\"use_bidirectional_attention\":true,\"vocab_size\":%d}",
                    number(maker, "embedding_length"), number(maker, "attention.key_length"),
                    number(maker, "attention.key_length"), number(maker, "feed_forward_length"), types,
                    number(maker, "context_length"), number(maker, "attention.head_count"), layers,
                    number(maker, "attention.head_count_kv"), number(maker, "attention.sliding_window"),
                    (int)quern_gguf_tensor_find(&maker->gguf, "token_embd.weight")->shape[1]);
}

static int put_bert_config(const struct maker *maker)
{
    return put_file(maker, "config.json",
                    "{\"architectures\":[\"BertModel\"],\"model_type\":\"bert\",\"hidden_act\":\"gelu\","
                    "\"hidden_size\":%d,\"intermediate_size\":%d,\"is_decoder\":false,\"layer_norm_eps\":1e-12,"
                    "\"max_position_embeddings\":%d,\"num_attention_heads\":%d,\"num_hidden_layers\":%d,"
                    "\"position_embedding_type\":\"absolute\",\"type_vocab_size\":2,\"vocab_size\":%d}",
                    number(maker, "embedding_length"), number(maker, "feed_forward_length"),
                    number(maker, "context_length"), number(maker, "attention.head_count"),
                    number(maker, "block_count"),
                    (int)quern_gguf_tensor_find(&maker->gguf, "token_embd.weight")->shape[1]);
}

static int put_modules(const struct maker *maker, bool head)
{
    char path[512];
    QUERN_TRY(put_file(maker, "modules.json",
                       "[{\"idx\":0,\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
                       "{\"idx\":1,\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"},"
                       "%s{\"idx\":4,\"path\":\"4_Normalize\",\"type\":\"sentence_transformers.models.Normalize\"}]",
                       head ? "{\"idx\":2,\"path\":\"2_Dense\",\"type\":\"sentence_transformers.models.Dense\"},"
                              "{\"idx\":3,\"path\":\"3_Dense\",\"type\":\"sentence_transformers.models.Dense\"},"
                            : ""));
    snprintf(path, sizeof path, "%s/1_Pooling", maker->folder);
    if (mkdir(path, 0777) != 0)
        return quern_fail(maker->error, QUERN_EIO, "cannot make %s: %s", path, strerror(errno));
    const bool mean = number(maker, "pooling_type") == 1;
    QUERN_TRY(put_file(maker, "1_Pooling/config.json",
                       "{\"word_embedding_dimension\":%d,\"pooling_mode_cls_token\":%s,"
                       "\"pooling_mode_mean_tokens\":%s,\"include_prompt\":true}",
                       number(maker, "embedding_length"), mean ? "false" : "true", mean ? "true" : "false"));
    if (maker->bert)
        return QUERN_OK;
    return put_file(maker, "config_sentence_transformers.json",
                    "{\"prompts\":{\"query\":\"task: search result | query: \",\"document\":\"title: none | text: \","
                    "\"Retrieval-query\":\"task: search result | query: \"},\"default_prompt_name\":null}");
}

static int make(struct maker *maker)
{
    bool head = quern_gguf_tensor_find(&maker->gguf, "dense_2.weight") != NULL;
    maker->bert = quern_gguf_find(&maker->gguf, "bert.context_length") != NULL;
    QUERN_TRY((maker->bert ? put_bert_config : put_config)(maker));
    QUERN_TRY(put_modules(maker, head));
    QUERN_TRY((maker->bert ? put_bert_tokenizer : put_tokenizer)(maker));
    QUERN_TRY(put_checkpoint(maker));
    if (!head)
        return QUERN_OK;
    QUERN_TRY(put_dense(maker, "2_Dense", "dense_2.weight"));
    return put_dense(maker, "3_Dense", "dense_3.weight");
}

struct quern_folder_recipe quern_folder_recipe(void)
{
    return (struct quern_folder_recipe){.shards = 1, .dtype = "F32", .prefix = ""};
}

int quern_folder_make(const char *folder, const char *model, const struct quern_folder_recipe *recipe,
                      quern_error *error)
{
    struct maker maker = {.folder = folder, .recipe = recipe, .error = error};
    QUERN_TRY(quern_gguf_open(&maker.gguf, model, error));
    int code = make(&maker);
    quern_gguf_close(&maker.gguf);
    return code;
}
