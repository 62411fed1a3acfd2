/* The metadata of the model file that a folder becomes. */
#include "base/count.h"
#include "folder.h"
#include "formats/formats.h"
#include "layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    const void *field = (const char *)s + key->offset;
    snprintf(name, sizeof name, "%s.%s", s->layout->arch->name, key->name);
    switch (key->kind) {
    case QUERN_LAYOUT_SIZE:
        if (*(const int *)field > 0)
            quern_gguf_put_u32(writer, name, (uint32_t)*(const int *)field);
        break;
    case QUERN_LAYOUT_NUMBER: quern_gguf_put_f32(writer, name, (float)*(const double *)field); break;
    case QUERN_LAYOUT_NAME:
        if (*(const char *const *)field != NULL)
            put_string(writer, name, *(const char *const *)field);
        break;
    case QUERN_LAYOUT_SIZES: quern_gguf_put_array(writer, name, QUERN_GGUF_I32, field, (size_t)s->layers); break;
    case QUERN_LAYOUT_FLAGS: quern_gguf_put_array(writer, name, QUERN_GGUF_BOOL, field, (size_t)s->layers); break;
    case QUERN_LAYOUT_ZERO: quern_gguf_put_u32(writer, name, 0); break;
    case QUERN_LAYOUT_FALSE: quern_gguf_put_bool(writer, name, false); break;
    }
}

/* The last part of the folder's path, because nothing else names the model. */
static void put_name(struct quern_gguf_writer *writer, const struct quern_folder *folder)
{
    char *full = realpath(folder->path, NULL);
    const char *slash = full != NULL ? strrchr(full, '/') : NULL;
    const char *title = folder->settings.layout->arch->title;
    put_string(writer, "general.name", slash != NULL && slash[1] != '\0' ? slash + 1 : title);
    free(full);
}

/* The keys that files of every architecture begin with. */
static const struct quern_layout_key first_keys[] = {
    {"context_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, context)},
    {"embedding_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, width)},
    {"block_count", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, layers)},
    {"feed_forward_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, ffn)},
    {"attention.head_count", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, heads)},
};

static void put_model(struct quern_gguf_writer *writer, const struct quern_folder *folder)
{
    const struct quern_settings *s = &folder->settings;
    const struct quern_arch *arch = s->layout->arch;
    put_string(writer, "general.architecture", arch->name);
    put_string(writer, "general.type", "model");
    put_name(writer, folder);
    for (size_t i = 0; i < QUERN_COUNT(first_keys); i++)
        put_key(writer, s, &first_keys[i]);
    for (int i = 0; i < s->layout->key_count; i++)
        put_key(writer, s, &s->layout->keys[i]);
    if (s->head_hidden > 0) {
        put_size(writer, arch, "dense_2_feat_in", s->width);
        put_size(writer, arch, "dense_2_feat_out", s->head_hidden);
        put_size(writer, arch, "dense_3_feat_in", s->head_hidden);
        put_size(writer, arch, "dense_3_feat_out", s->width);
    }
    put_size(writer, arch, "pooling_type", s->pooling);
    if (s->token_types > 0)
        quern_gguf_put_u32(writer, "tokenizer.ggml.token_type_count", (uint32_t)s->token_types);
}

static void put_id(struct quern_gguf_writer *writer, const char *name, int32_t id)
{
    char key[96];
    snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", name);
    if (id >= 0)
        quern_gguf_put_u32(writer, key, (uint32_t)id);
}

/* "seperator" is how the key is spelled. */
static void put_ids(struct quern_gguf_writer *writer, const struct quern_pieces *pieces)
{
    put_id(writer, "bos", pieces->bos);
    put_id(writer, "eos", pieces->eos);
    put_id(writer, "unknown", pieces->unknown);
    put_id(writer, "padding", pieces->padding);
    put_id(writer, "cls", pieces->cls);
    put_id(writer, "seperator", pieces->separator);
    put_id(writer, "mask", pieces->mask);
}

/* Writes how texts are changed, opened and closed. */
static void put_rules(struct quern_gguf_writer *writer, const struct quern_pieces *pieces)
{
    if (strcmp(pieces->kind->name, "bert") == 0) {
        quern_gguf_put_bool(writer, "tokenizer.ggml.normalizer.lowercase", pieces->lowercase);
        quern_gguf_put_bool(writer, "tokenizer.ggml.normalizer.strip_accents", pieces->strip_accents);
        return;
    }
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_bos_token", pieces->add_bos);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_eos_token", pieces->add_eos);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_sep_token", /* between two texts, which quern never has */
                        strcmp(pieces->kind->name, "gpt2") == 0 && pieces->separator >= 0);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_space_prefix", pieces->add_space_prefix);
    if (strcmp(pieces->kind->name, "t5") == 0)
        quern_gguf_put_bool(writer, "tokenizer.ggml.remove_extra_whitespaces", true);
}

static void put_pieces(struct quern_gguf_writer *writer, const struct quern_pieces *pieces)
{
    put_string(writer, "tokenizer.ggml.model", pieces->kind->name);
    if (pieces->pre != NULL)
        put_string(writer, "tokenizer.ggml.pre", pieces->pre);
    quern_gguf_put_strings(writer, "tokenizer.ggml.tokens", pieces->texts, pieces->count);
    if (pieces->kind->writes_scores)
        quern_gguf_put_array(writer, "tokenizer.ggml.scores", QUERN_GGUF_F32, pieces->scores, pieces->count);
    quern_gguf_put_array(writer, "tokenizer.ggml.token_type", QUERN_GGUF_I32, pieces->kinds, pieces->count);
    if (pieces->merges != NULL)
        quern_gguf_put_strings(writer, "tokenizer.ggml.merges", pieces->merges, pieces->merge_count);
    if (pieces->charsmap.length > 0)
        quern_gguf_put_array(writer, "tokenizer.ggml.precompiled_charsmap", QUERN_GGUF_U8, pieces->charsmap.data,
                             pieces->charsmap.length);
    put_ids(writer, pieces);
    put_rules(writer, pieces);
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

void quern_folder_put_keys(struct quern_gguf_writer *writer, const struct quern_folder *folder)
{
    put_model(writer, folder);
    put_pieces(writer, &folder->pieces);
    put_prompts(writer, folder->settings.prompt_texts);
    quern_gguf_put_u32(writer, "general.quantization_version", 2);
    quern_gguf_put_u32(writer, "general.file_type", quern_file_type(folder->type));
}
