/* Makes a model file from a sentence-transformers folder. */
#include "arch/arch.h"
#include "base/count.h"
#include "base/error.h"
#include "checkpoint.h"
#include "formats/formats.h"
#include "layout.h"
#include "piece_files.h"
#include "settings.h"
#include "weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct folder {
    const char *path;
    struct quern_settings settings;
    struct quern_checkpoint checkpoint;
    struct quern_safetensors dense[QUERN_DENSE];
    struct quern_pieces pieces;
    struct quern_weights weights;
    uint32_t type; /* that the caller asked for */
    const char *prefix; /* of the checkpoint's tensors: one of the layout's */
    quern_error *error;
};

/* ---------------------------------------------------------------- tensors */

static uint64_t size_of(const struct quern_settings *s, enum quern_parameter parameter)
{
    switch (parameter) {
    case QUERN_P_WIDTH: return (uint64_t)s->width;
    case QUERN_P_FFN: return (uint64_t)s->ffn;
    case QUERN_P_LAYER_HEAD: return (uint64_t)s->head;
    case QUERN_P_QUERIES: return (uint64_t)s->heads * (uint64_t)s->head;
    case QUERN_P_KEYS: return (uint64_t)s->kv_heads * (uint64_t)s->head;
    case QUERN_P_VOCABULARY: return (uint64_t)s->vocabulary;
    case QUERN_P_CONTEXT: return (uint64_t)s->context;
    case QUERN_P_TOKEN_TYPES: return (uint64_t)s->token_types;
    case QUERN_P_HEAD_HIDDEN: return (uint64_t)s->head_hidden;
    default: return 0; /* a vector's rows */
    }
}

static const struct quern_arch *arch_of(const struct folder *folder)
{
    return folder->settings.layout->arch;
}

/* Adds a tensor of a file to the list, which must be [rows][length], or [length] when rows is 0. part: "weight" or
 * "bias". */
static int add_tensor(struct folder *folder, const struct quern_safetensors *file,
                      const struct quern_safetensor *tensor, const char *name, uint64_t rows, uint64_t length)
{
    const int dimensions = rows > 0 ? 2 : 1;
    if (tensor->dimensions != dimensions || tensor->shape[0] != length || (rows > 0 && tensor->shape[1] != rows))
        return quern_fail(folder->error, QUERN_EFORMAT, "%s: tensor %.80s is [%llu][%llu], the settings ask for "
                          "[%llu][%llu]", file->path, tensor->name, (unsigned long long)tensor->shape[1],
                          (unsigned long long)tensor->shape[0], (unsigned long long)(rows > 0 ? rows : 1),
                          (unsigned long long)length);
    struct quern_weight weight = {.dimensions = dimensions, .shape = {length, rows > 0 ? rows : 1, 1, 1},
                                  .elements = tensor->elements, .source_type = tensor->type, .data = tensor->data,
                                  .map = &file->map,
                                  .add_one = dimensions == 1 && folder->settings.layout->lacks_one};
    snprintf(weight.name, sizeof weight.name, "%s", name);
    weight.type = quern_weight_type(weight.name, dimensions, folder->type);
    return quern_weights_add(&folder->weights, &weight, folder->error);
}

/* The same for the matrix or the vector of a role, which has the shape that the description and the settings give. */
static int add_weight(struct folder *folder, const struct quern_safetensors *file,
                      const struct quern_safetensor *tensor, enum quern_tensor role, int layer)
{
    const struct quern_arch *arch = arch_of(folder);
    char name[QUERN_TENSOR_NAME];
    quern_tensor_name(name, arch, role, layer, "weight");
    return add_tensor(folder, file, tensor, name, size_of(&folder->settings, arch->tensors[role].rows),
                      size_of(&folder->settings, arch->tensors[role].length));
}

static bool is_of_layer(int role)
{
    return role >= QUERN_T_ATTENTION_NORM && role <= QUERN_T_FFN_SUM_NORM;
}

/* Finds a tensor of the checkpoint; full: room for its name there. */
static const struct quern_safetensor *find_source(const struct folder *folder, enum quern_tensor role, int layer,
                                                  const char *part, char full[128],
                                                  const struct quern_safetensors **file)
{
    const struct quern_layout *layout = folder->settings.layout;
    if (is_of_layer((int)role))
        snprintf(full, 128, "%s%s%d.%s.%s", folder->prefix, layout->layers, layer, layout->tensors[role], part);
    else
        snprintf(full, 128, "%s%s.%s", folder->prefix, layout->tensors[role], part);
    return quern_checkpoint_find(&folder->checkpoint, full, file);
}

static int add_bias(struct folder *folder, enum quern_tensor role, int layer)
{
    const struct quern_arch_tensor *described = &arch_of(folder)->tensors[role];
    const enum quern_parameter size = described->rows != QUERN_P_NONE ? described->rows : described->length;
    const struct quern_safetensors *file;
    char full[128], name[QUERN_TENSOR_NAME];
    const struct quern_safetensor *tensor = find_source(folder, role, layer, "bias", full, &file);
    if (tensor == NULL && described->bias == QUERN_BIAS_OPTIONAL)
        return QUERN_OK;
    if (tensor == NULL)
        return quern_fail(folder->error, QUERN_EFORMAT, "%s: tensor %s is in no safetensors file", folder->path, full);
    quern_tensor_name(name, arch_of(folder), role, layer, "bias");
    return add_tensor(folder, file, tensor, name, 0, size_of(&folder->settings, size));
}

/* The embeddings of tokens may have more rows than there are pieces, to make their number round. These rows are left
 * out. */
static int add_role(struct folder *folder, enum quern_tensor role, int layer)
{
    const struct quern_settings *s = &folder->settings;
    const struct quern_safetensors *file;
    char full[128];
    const struct quern_safetensor *tensor = find_source(folder, role, layer, "weight", full, &file);
    if (tensor == NULL)
        return quern_fail(folder->error, QUERN_EFORMAT, "%s: tensor %s is in no safetensors file", folder->path, full);
    struct quern_safetensor cut = *tensor;
    if (role == QUERN_T_TOKENS && cut.dimensions == 2 && cut.shape[1] > (uint64_t)s->vocabulary) {
        cut.shape[1] = (uint64_t)s->vocabulary;
        cut.elements = cut.shape[0] * cut.shape[1];
    }
    QUERN_TRY(add_weight(folder, file, &cut, role, layer));
    return arch_of(folder)->tensors[role].bias == QUERN_BIAS_NONE ? QUERN_OK : add_bias(folder, role, layer);
}

/* Adds the roles of the layout from first to last. */
static int add_roles(struct folder *folder, int first, int last, int layer)
{
    for (int role = first; role <= last; role++)
        if (folder->settings.layout->tensors[role] != NULL)
            QUERN_TRY(add_role(folder, (enum quern_tensor)role, layer));
    return QUERN_OK;
}

/* Finds the prefix with which the embeddings of tokens are there; else the first one, which the error then names. */
static void find_prefix(struct folder *folder)
{
    const struct quern_layout *layout = folder->settings.layout;
    const struct quern_safetensors *file;
    char full[128];
    for (size_t i = 0; i < QUERN_COUNT(layout->prefixes) && layout->prefixes[i] != NULL; i++) {
        folder->prefix = layout->prefixes[i];
        if (find_source(folder, QUERN_T_TOKENS, 0, "weight", full, &file) != NULL)
            return;
    }
    folder->prefix = layout->prefixes[0];
}

static int add_dense(struct folder *folder)
{
    const struct quern_settings *s = &folder->settings;
    static const enum quern_tensor roles[QUERN_DENSE] = {QUERN_T_DENSE_1, QUERN_T_DENSE_2};
    for (int i = 0; i < QUERN_DENSE && s->dense[i] != NULL; i++) {
        struct quern_safetensors *file = &folder->dense[i];
        char name[160];
        snprintf(name, sizeof name, "%s/model.safetensors", s->dense[i]);
        char *path = quern_path_join(folder->path, name, folder->error);
        int code = path != NULL ? quern_safetensors_open(file, path, folder->error) : QUERN_ENOMEM;
        free(path);
        QUERN_TRY(code);
        const struct quern_safetensor *tensor;
        QUERN_TRY(quern_safetensors_linear(file, &tensor, folder->error));
        QUERN_TRY(add_weight(folder, file, tensor, roles[i], 0));
    }
    return QUERN_OK;
}

/* Whether no vector needs a tensor of the checkpoint. */
static bool is_left_out(const struct folder *folder, const char *name)
{
    const struct quern_layout *layout = folder->settings.layout;
    const size_t prefix = strlen(folder->prefix);
    if (strncmp(name, folder->prefix, prefix) != 0)
        return false;
    for (size_t i = 0; i < QUERN_COUNT(layout->left_out) && layout->left_out[i] != NULL; i++)
        if (strncmp(name + prefix, layout->left_out[i], strlen(layout->left_out[i])) == 0)
            return true;
    return false;
}

/* Refuses unknown tensors, because they may change the meaning of the others. */
static int refuse_unknown(const struct folder *folder)
{
    for (int f = 0; f < folder->checkpoint.count; f++) {
        const struct quern_safetensors *file = &folder->checkpoint.files[f];
        for (size_t i = 0; i < file->count; i++) {
            bool used = is_left_out(folder, file->tensors[i].name);
            for (size_t w = 0; w < folder->weights.count && !used; w++)
                used = folder->weights.list[w].data == file->tensors[i].data;
            if (!used)
                return quern_fail(folder->error, QUERN_EUNSUPPORTED, "%s: tensor %.80s does not belong to %s",
                                  file->path, file->tensors[i].name, arch_of(folder)->title);
        }
    }
    return QUERN_OK;
}

static int add_all(struct folder *folder)
{
    find_prefix(folder);
    QUERN_TRY(add_roles(folder, 0, QUERN_T_ATTENTION_NORM - 1, 0));
    for (int layer = 0; layer < folder->settings.layers; layer++)
        QUERN_TRY(add_roles(folder, QUERN_T_ATTENTION_NORM, QUERN_T_FFN_SUM_NORM, layer));
    QUERN_TRY(add_roles(folder, QUERN_T_FFN_SUM_NORM + 1, QUERN_TENSORS - 1, 0));
    QUERN_TRY(refuse_unknown(folder));
    return add_dense(folder);
}

/* ---------------------------------------------------------------- keys */

static void put_string(struct quern_gguf_writer *writer, const char *key, const char *value)
{
    quern_gguf_put_string(writer, key, (quern_text){value, strlen(value)});
}

static void put_size(struct quern_gguf_writer *writer, const struct quern_arch *arch, const char *key, int value)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", arch->name, key);
    quern_gguf_put_u32(writer, name, (uint32_t)value);
}

/* Writes a key of the layout. */
static void put_key(struct quern_gguf_writer *writer, const struct quern_settings *s,
                    const struct quern_layout_key *key)
{
    char name[96];
    const char *field = (const char *)s + key->offset;
    snprintf(name, sizeof name, "%s.%s", s->layout->arch->name, key->name);
    if (key->kind == QUERN_LAYOUT_NUMBER)
        quern_gguf_put_f32(writer, name, (float)*(const double *)field);
    else if (*(const int *)field > 0)
        quern_gguf_put_u32(writer, name, (uint32_t)*(const int *)field);
}

/* The last part of the folder's path, because nothing else names the model. */
static void put_name(struct quern_gguf_writer *writer, const struct folder *folder)
{
    char *full = realpath(folder->path, NULL);
    const char *slash = full != NULL ? strrchr(full, '/') : NULL;
    put_string(writer, "general.name", slash != NULL && slash[1] != '\0' ? slash + 1 : arch_of(folder)->title);
    free(full);
}

static void put_model(struct quern_gguf_writer *writer, const struct folder *folder)
{
    const struct quern_settings *s = &folder->settings;
    const struct quern_arch *arch = arch_of(folder);
    put_string(writer, "general.architecture", arch->name);
    put_string(writer, "general.type", "model");
    put_name(writer, folder);
    for (int i = 0; i < s->layout->key_count; i++)
        put_key(writer, s, &s->layout->keys[i]);
    if (s->head_hidden > 0) {
        put_size(writer, arch, "dense_2_feat_in", s->width);
        put_size(writer, arch, "dense_2_feat_out", s->head_hidden);
        put_size(writer, arch, "dense_3_feat_in", s->head_hidden);
        put_size(writer, arch, "dense_3_feat_out", s->width);
    }
    put_size(writer, arch, "pooling_type", s->pooling);
    if (s->token_types > 0) { /* an encoder; other programs want to be told so */
        char name[96];
        snprintf(name, sizeof name, "%s.attention.causal", arch->name);
        quern_gguf_put_bool(writer, name, false);
        quern_gguf_put_u32(writer, "tokenizer.ggml.token_type_count", (uint32_t)s->token_types);
    }
}

static void put_id(struct quern_gguf_writer *writer, const char *name, int32_t id)
{
    char key[96];
    snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", name);
    if (id >= 0)
        quern_gguf_put_u32(writer, key, (uint32_t)id);
}

/* "seperator" is how the key is spelled. */
static void put_wordpiece(struct quern_gguf_writer *writer, const struct quern_pieces *pieces)
{
    put_id(writer, "cls", pieces->bos);
    put_id(writer, "seperator", pieces->eos);
    put_id(writer, "mask", pieces->mask);
    quern_gguf_put_bool(writer, "tokenizer.ggml.normalizer.lowercase", pieces->lowercase);
    quern_gguf_put_bool(writer, "tokenizer.ggml.normalizer.strip_accents", pieces->strip_accents);
}

static void put_sentencepiece(struct quern_gguf_writer *writer, const struct quern_pieces *pieces)
{
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_bos_token", pieces->add_bos);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_eos_token", pieces->add_eos);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_sep_token", false);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_space_prefix", pieces->add_space_prefix);
}

static void put_pieces(struct quern_gguf_writer *writer, const struct quern_pieces *pieces)
{
    put_string(writer, "tokenizer.ggml.model", pieces->tokenizer_kind);
    put_string(writer, "tokenizer.ggml.pre", "default");
    quern_gguf_put_strings(writer, "tokenizer.ggml.tokens", pieces->texts, pieces->count);
    if (!pieces->is_wordpiece)
        quern_gguf_put_array(writer, "tokenizer.ggml.scores", QUERN_GGUF_F32, pieces->scores, pieces->count);
    quern_gguf_put_array(writer, "tokenizer.ggml.token_type", QUERN_GGUF_I32, pieces->kinds, pieces->count);
    put_id(writer, "bos", pieces->bos);
    put_id(writer, "eos", pieces->eos);
    put_id(writer, "unknown", pieces->unknown);
    put_id(writer, "padding", pieces->padding);
    pieces->is_wordpiece ? put_wordpiece(writer, pieces) : put_sentencepiece(writer, pieces);
}

/* Writes "quern.prompt.NAME" for each prompt. A model whose prompts are all empty takes no prompts; a key of quern's
 * own says so. */
static void put_prompts(struct quern_gguf_writer *writer, const json_t *prompts)
{
    const char *name;
    json_t *text;
    size_t filled = 0;
    json_object_foreach((json_t *)prompts, name, text) {
        char key[192];
        snprintf(key, sizeof key, "quern.prompt.%s", name);
        quern_gguf_put_string(writer, key, (quern_text){json_string_value(text), json_string_length(text)});
        filled += json_string_length(text) > 0;
    }
    if (prompts != NULL && filled == 0)
        put_string(writer, "quern.prompts", "none");
}

/* ---------------------------------------------------------------- notices */

static void notice_ends(const struct folder *folder, struct quern_convert_result *result)
{
    if (folder->pieces.overruled != NULL)
        snprintf(result->notice, sizeof result->notice, "%s of tokenizer_config.json says otherwise than the "
                 "post_processor of tokenizer.json, and counts: if it is wrong, correct it and convert again",
                 folder->pieces.overruled);
}

static void notice_head(const struct folder *folder, struct quern_convert_result *result)
{
    const bool may_have_head = arch_of(folder)->tensors[QUERN_T_DENSE_1].name != NULL;
    if (may_have_head && folder->settings.head_hidden == 0 && result->notice[0] == '\0')
        snprintf(result->notice, sizeof result->notice, "modules.json names no dense layers: the file has no head, and "
                 "its vectors are not EmbeddingGemma's official ones");
}

static void notice_length(const struct folder *folder, struct quern_convert_result *result)
{
    if (!folder->settings.normalizes && result->notice[0] == '\0')
        snprintf(result->notice, sizeof result->notice, "modules.json has no Normalize: the folder's own program "
                 "leaves the length of vectors as it is, and quern makes it 1 unless you say --no-normalize");
}

/* Some versions of transformers save half of the window plus 1, instead of the window. */
static void notice_window(const struct folder *folder, struct quern_convert_result *result)
{
    int window = folder->settings.window;
    if (window % 2 != 0 && result->notice[0] == '\0')
        snprintf(result->notice, sizeof result->notice, "sliding_window is %d, as some programs save a window of %d: "
                 "if config.json was written by one, correct it and convert again", window, 2 * (window - 1));
}

/* The file says how many tokens a text may have, and nothing of which end is cut. */
static void notice_cutting(const struct folder *folder, struct quern_convert_result *result)
{
    const int most = folder->pieces.most_tokens, context = folder->settings.context;
    if (result->notice[0] != '\0')
        return;
    if (most < context)
        snprintf(result->notice, sizeof result->notice, "the tokenizer's files allow texts of %d tokens, config.json "
                 "%d: if the smaller number is meant, set max_seq_length in sentence_bert_config.json and convert "
                 "again", most, context);
    else if (folder->pieces.cuts_start)
        snprintf(result->notice, sizeof result->notice, "the tokenizer's files cut a text that is too long at its "
                 "start: ask for that when you embed (QUERN_TRUNCATE_START, \"truncate\": \"start\")");
}

/* What sentence-transformers does without being asked, and quern only when it is asked. */
static void notice_defaults(const struct folder *folder, struct quern_convert_result *result)
{
    const char *name = json_string_value(json_object_get(folder->settings.prompts.root, "default_prompt_name"));
    const json_t *dimensions = json_object_get(folder->settings.prompts.root, "truncate_dim");
    if (result->notice[0] != '\0')
        return;
    if (name != NULL)
        snprintf(result->notice, sizeof result->notice, "config_sentence_transformers.json names \"%.40s\" as the "
                 "prompt of texts whose task nobody names; quern embeds such texts as they are: name the task (-t)",
                 name);
    else if (json_is_integer(dimensions))
        snprintf(result->notice, sizeof result->notice, "config_sentence_transformers.json cuts vectors to %lld "
                 "dimensions; quern does so when you ask for it (-d %lld)",
                 (long long)json_integer_value(dimensions), (long long)json_integer_value(dimensions));
}

/* ---------------------------------------------------------------- all */

static int convert(struct folder *folder, const char *path, const struct quern_convert_job *job,
                   struct quern_convert_result *result)
{
    struct quern_gguf_writer *writer;
    QUERN_TRY(quern_weight_type_find(job->type != NULL ? job->type : "q8_0", &folder->type, folder->error));
    QUERN_TRY(quern_settings_read(&folder->settings, folder->path, folder->error));
    QUERN_TRY(quern_checkpoint_open(&folder->checkpoint, folder->path, folder->error));
    QUERN_TRY(add_all(folder));
    QUERN_TRY(quern_pieces_read(&folder->pieces, folder->path, folder->settings.layout->tokenizer,
                                (size_t)folder->settings.vocabulary, folder->error));
    QUERN_TRY(quern_gguf_writer_new(&writer, path, job->name, folder->error));
    put_model(writer, folder);
    put_pieces(writer, &folder->pieces);
    put_prompts(writer, folder->settings.prompt_texts);
    quern_gguf_put_u32(writer, "general.quantization_version", 2);
    quern_gguf_put_u32(writer, "general.file_type", quern_file_type(folder->type));
    int code = quern_weights_write(&folder->weights, writer, job, result, folder->error);
    notice_ends(folder, result);
    notice_head(folder, result);
    notice_length(folder, result);
    notice_window(folder, result);
    notice_cutting(folder, result);
    notice_defaults(folder, result);
    return quern_weights_finish(writer, code, path, result, folder->error);
}

int quern_convert_folder(const char *folder, const char *path, const struct quern_convert_job *job,
                         struct quern_convert_result *result, quern_error *error)
{
    struct folder work = {.path = folder, .error = error};
    *result = (struct quern_convert_result){0};
    int code = convert(&work, path, job, result);
    quern_weights_free(&work.weights);
    quern_pieces_free(&work.pieces);
    quern_checkpoint_close(&work.checkpoint);
    for (int i = 0; i < QUERN_DENSE; i++)
        quern_safetensors_close(&work.dense[i]);
    quern_settings_free(&work.settings);
    return code;
}
