#include "wordpiece_pieces.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer.h"
#include "tokenizer_config.h"
#include "tokenizer_json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_WORD 100 /* characters; a longer one is unknown */

/* Sets a piece that is spelled as in the vocabulary of the folder. */
static int set_piece(struct quern_pieces *pieces, uint64_t id, quern_text text, bool is_special, quern_error *error)
{
    if (is_special) {
        quern_pieces_set(pieces, id, text, 0, QUERN_PIECE_CONTROL);
        return QUERN_OK;
    }
    if (text.length > 2 && memcmp(text.data, "##", 2) == 0) {
        quern_pieces_set(pieces, id, (quern_text){text.data + 2, text.length - 2}, 0, QUERN_PIECE_NORMAL);
        return QUERN_OK;
    }
    char *head = quern_pieces_new_text(pieces, QUERN_METASPACE_LENGTH + text.length);
    if (head == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the pieces");
    memcpy(head, QUERN_METASPACE, QUERN_METASPACE_LENGTH);
    memcpy(head + QUERN_METASPACE_LENGTH, text.data, text.length);
    quern_pieces_set(pieces, id, (quern_text){head, QUERN_METASPACE_LENGTH + text.length}, 0, QUERN_PIECE_NORMAL);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- tokenizer.json */

/* What is done to a text before it is cut into words. Without strip_accents, accents go with the capitals. */
static int read_normalizer(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *normalizer = json_object_get(json->root, "normalizer");
    bool clean = true, cjk = true;
    if (!quern_tokenizer_json_is(normalizer, "BertNormalizer"))
        return quern_tokenizer_json_refuse(json, "normalizer", error);
    QUERN_TRY(quern_json_get_bool(json, normalizer, "clean_text", &clean, error));
    QUERN_TRY(quern_json_get_bool(json, normalizer, "handle_chinese_chars", &cjk, error));
    QUERN_TRY(quern_json_get_bool(json, normalizer, "lowercase", &pieces->lowercase, error));
    pieces->strip_accents = pieces->lowercase;
    QUERN_TRY(quern_json_get_bool(json, normalizer, "strip_accents", &pieces->strip_accents, error));
    return clean && cjk ? QUERN_OK : quern_tokenizer_json_refuse(json, "normalizer", error);
}

static int check_model(const struct quern_json *json, const json_t *model, quern_error *error)
{
    quern_text prefix = {"##", 2};
    int most = LONGEST_WORD;
    const json_t *around = json_object_get(json->root, "post_processor");
    if (!quern_tokenizer_json_is(model, "WordPiece") || !json_is_object(json_object_get(model, "vocab")))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s is no tokenizer that quern knows for such a model: "
                          "neither WordPiece nor unigram; take a GGUF file", json->path);
    QUERN_TRY(quern_json_get_string(json, model, "continuing_subword_prefix", &prefix, error));
    QUERN_TRY(quern_json_get_integer(json, model, "max_input_chars_per_word", 1, INT_MAX, &most, error));
    if (!quern_text_is(prefix, "##") || most != LONGEST_WORD)
        return quern_tokenizer_json_refuse(json, "model", error);
    if (!quern_tokenizer_json_is(json_object_get(json->root, "pre_tokenizer"), "BertPreTokenizer"))
        return quern_tokenizer_json_refuse(json, "pre_tokenizer", error);
    if (!quern_tokenizer_json_is(around, "TemplateProcessing") && !quern_tokenizer_json_is(around, "BertProcessing"))
        return quern_tokenizer_json_refuse(json, "post_processor", error);
    return QUERN_OK;
}

/* Which ids are special: 1 for each of pieces. Added tokens that are not special are refused, as texts spell them. */
static int mark_special(const struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *added = json_object_get(json->root, "added_tokens");
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *entry = json_array_get(added, i), *id = json_object_get(entry, "id");
        bool special = false;
        QUERN_TRY(quern_json_get_bool(json, entry, "special", &special, error));
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return quern_fail(error, QUERN_EFORMAT, "%s: added token %zu has no id", json->path, i);
        if (!special)
            return quern_tokenizer_json_refuse(json, "added token that is not special", error);
        if ((uint64_t)json_integer_value(id) < pieces->count)
            pieces->kinds[json_integer_value(id)] = QUERN_PIECE_CONTROL; /* until the piece is set */
    }
    return QUERN_OK;
}

static int read_json(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *model = json_object_get(json->root, "model"), *truncation = NULL;
    const char *text;
    json_t *id;
    QUERN_TRY(check_model(json, model, error));
    QUERN_TRY(read_normalizer(pieces, json, error));
    QUERN_TRY(mark_special(pieces, json, error));
    json_object_foreach(json_object_get(model, "vocab"), text, id) {
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return quern_fail(error, QUERN_EFORMAT, "%s: the id of piece \"%.64s\" is not a number", json->path, text);
        const uint64_t number = (uint64_t)json_integer_value(id);
        if (number >= pieces->count)
            continue;
        if (pieces->texts[number].data != NULL)
            return quern_fail(error, QUERN_EFORMAT, "%s: two pieces have id %llu", json->path,
                              (unsigned long long)number);
        const bool special = pieces->kinds[number] == QUERN_PIECE_CONTROL;
        QUERN_TRY(set_piece(pieces, number, quern_text_of(text), special, error));
    }
    for (size_t i = 0; i < pieces->count; i++) /* a special id that the vocabulary lacks */
        if (pieces->texts[i].data == NULL)
            pieces->kinds[i] = 0;
    QUERN_TRY(quern_json_get_object(json, json->root, "truncation", &truncation, error));
    return quern_json_get_integer(json, truncation, "max_length", 1, INT_MAX, &pieces->most_tokens, error);
}

/* ---------------------------------------------------------------- vocab.txt */

static bool is_special(quern_text text)
{
    static const char *const names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        if (quern_text_is(text, names[i]))
            return true;
    return false;
}

/* A piece in each line. */
static int read_lines(struct quern_pieces *pieces, const char *path, quern_error *error)
{
    const struct quern_json *config = &pieces->config;
    QUERN_TRY(quern_map_open(&pieces->map, path, error));
    const char *at = (const char *)pieces->map.data, *end = at + pieces->map.size;
    for (uint64_t id = 0; at < end; id++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        quern_text text = {at, (size_t)((newline != NULL ? newline : end) - at)};
        at = newline != NULL ? newline + 1 : end;
        if (text.length > 0 && text.data[text.length - 1] == '\r')
            text.length--;
        if (text.length == 0)
            return quern_fail(error, QUERN_EFORMAT, "%s: line %llu is empty", path, (unsigned long long)id + 1);
        QUERN_TRY(set_piece(pieces, id, text, is_special(text), error));
    }
    pieces->lowercase = true;
    QUERN_TRY(quern_json_get_bool(config, config->root, "do_lower_case", &pieces->lowercase, error));
    pieces->strip_accents = pieces->lowercase;
    return quern_json_get_bool(config, config->root, "strip_accents", &pieces->strip_accents, error);
}

static int read_folder(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    pieces->pre = "default";
    QUERN_TRY(quern_tokenizer_json_open(pieces, folder, false, error));
    if (pieces->tokenizer.root != NULL)
        return read_json(pieces, &pieces->tokenizer, error);
    char *path = quern_path_join(folder, "vocab.txt", error);
    if (path == NULL)
        return QUERN_ENOMEM;
    const int code = read_lines(pieces, path, error);
    free(path);
    return code;
}

static int find_ids(struct quern_pieces *pieces, quern_error *error)
{
    QUERN_TRY(quern_tokenizer_config_need(pieces, "cls_token", "[CLS]", &pieces->bos, error));
    QUERN_TRY(quern_tokenizer_config_need(pieces, "sep_token", "[SEP]", &pieces->eos, error));
    QUERN_TRY(quern_tokenizer_config_need(pieces, "unk_token", "[UNK]", &pieces->unknown, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "pad_token", "[PAD]", &pieces->padding, error));
    pieces->cls = pieces->bos;
    pieces->separator = pieces->eos;
    return quern_tokenizer_config_id(pieces, "mask_token", "[MASK]", &pieces->mask, error);
}

const struct quern_pieces_kind quern_wordpiece_pieces = {
    .name = "bert",
    .type = "WordPiece",
    .parse = read_json,
    .read = read_folder,
    .find_ids = find_ids,
};
