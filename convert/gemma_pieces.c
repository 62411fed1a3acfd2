#include "gemma_pieces.h"

#include "base/count.h"
#include "base/error.h"
#include "base/file_kind.h"
#include "base/view.h"
#include "sentencepiece.h"
#include "text/tokenizer.h"
#include "tokenizer_config.h"
#include "tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

static const char blank[] = QUERN_METASPACE;

/* Whether the only change to texts is that spaces become U+2581. */
static bool is_plain(const json_t *normalizer)
{
    const json_t *pattern = json_object_get(normalizer, "pattern");
    const char *type = json_string_value(json_object_get(normalizer, "type"));
    const char *from = json_string_value(json_object_get(pattern, "String"));
    const char *to = json_string_value(json_object_get(normalizer, "content"));
    return type != NULL && from != NULL && to != NULL && strcmp(type, "Replace") == 0 && strcmp(from, " ") == 0 &&
           strcmp(to, blank) == 0;
}

/* Whether a pre-tokenizer cuts at spaces only. There are none any more when it runs, because the normaliser has
 * replaced them. */
static bool cuts_nothing(const json_t *pre_tokenizer)
{
    const char *type = json_string_value(json_object_get(pre_tokenizer, "type"));
    const char *pattern = json_string_value(json_object_get(json_object_get(pre_tokenizer, "pattern"), "String"));
    return pre_tokenizer == NULL || json_is_null(pre_tokenizer) ||
           (type != NULL && pattern != NULL && strcmp(type, "Split") == 0 && strcmp(pattern, " ") == 0 &&
            !json_is_true(json_object_get(pre_tokenizer, "invert")));
}

static int check_model(const struct quern_json *json, const json_t *model, quern_error *error)
{
    if (!quern_tokenizer_json_is(model, "BPE") || !json_is_true(json_object_get(model, "byte_fallback")) ||
        !is_plain(json_object_get(json->root, "normalizer")))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s is not a tokenizer of Gemma's kind: BPE over U+2581 with "
                          "bytes to fall back on", json->path);
    if (!cuts_nothing(json_object_get(json->root, "pre_tokenizer")))
        return quern_tokenizer_json_refuse(json, "pre_tokenizer", error);
    return quern_tokenizer_json_only_merges(json, model, error);
}

/* Reads all but the merges. */
static int read_json(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *model = json_object_get(json->root, "model");
    QUERN_TRY(check_model(json, model, error));
    QUERN_TRY(quern_tokenizer_json_vocabulary(pieces, json, model, true, error));
    QUERN_TRY(quern_tokenizer_json_added(pieces, json, error));
    return quern_tokenizer_json_surroundings(pieces, json, error);
}

/* ---------------------------------------------------------------- scores for merges */

/* Whether merging can make a piece: added pieces are cut out of a text before anything is merged. */
static bool is_merged(const struct quern_pieces *pieces, json_int_t id)
{
    return id >= 0 && (uint64_t)id < pieces->count && pieces->kinds[id] == QUERN_PIECE_NORMAL;
}

/* In how many ways a piece consists of two pieces. */
static size_t count_pairs(const json_t *vocabulary, const char *text)
{
    const size_t length = strlen(text);
    size_t pairs = 0;
    for (size_t i = 1; i < length; i++)
        pairs += (text[i] & 0xC0) != 0x80 && json_object_getn(vocabulary, text, i) != NULL &&
                 json_object_get(vocabulary, text + i) != NULL;
    return pairs;
}

/* Whether the scores of pieces can stand for the list of merges. Then any two neighbours that are a piece together may
 * be merged, and the smaller id goes first. So a better merge must give a smaller id, and all pairs must be merges.
 * Merges that give an added piece do not count. */
static int check_merges(const struct quern_pieces *pieces, const struct quern_json *json, const json_t *model,
                        quern_error *error)
{
    static const char unknown[] = "so the scores of pieces are unknown: add the model's tokenizer.model to the folder";
    json_t *vocabulary = json_object_get(model, "vocab"), *number;
    const json_t *merges = json_object_get(model, "merges");
    const char *piece;
    json_int_t before = 0;
    size_t pairs = 0;
    for (size_t i = 0; i < json_array_size(merges); i++) {
        quern_text left, right;
        char text[512];
        if (!quern_tokenizer_json_merge(json_array_get(merges, i), &left, &right) ||
            left.length + right.length >= sizeof text)
            return quern_fail(error, QUERN_EFORMAT, "%s: merge %zu is not a pair of pieces", json->path, i);
        memcpy(text, left.data, left.length);
        memcpy(text + left.length, right.data, right.length);
        text[left.length + right.length] = '\0';
        const json_t *id = json_object_get(vocabulary, text);
        if (id == NULL)
            return quern_fail(error, QUERN_EFORMAT, "%s: merge %zu gives \"%.64s\", which is not a piece", json->path,
                              i, text);
        if (!is_merged(pieces, json_integer_value(id)))
            continue;
        if (json_integer_value(id) < before)
            return quern_fail(error, QUERN_EUNSUPPORTED, "%s: merges are not in the order of ids, %s", json->path,
                              unknown);
        before = json_integer_value(id);
        pairs++;
    }
    json_object_foreach(vocabulary, piece, number)
        if (is_merged(pieces, json_integer_value(number)))
            pairs -= count_pairs(vocabulary, piece);
    if (pairs != 0)
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s: not every pair of pieces that makes a piece is a merge, %s",
                          json->path, unknown);
    return QUERN_OK;
}

static void set_scores(struct quern_pieces *pieces)
{
    int rank = 0;
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->kinds[i] == QUERN_PIECE_NORMAL)
            pieces->scores[i] = (float)-rank++;
}

/* Such files have no scores, but they list the merges from best to worst. So the ids must rise in the order of the
 * merges. */
static int parse(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    QUERN_TRY(read_json(pieces, json, error));
    QUERN_TRY(check_merges(pieces, json, json_object_get(json->root, "model"), error));
    set_scores(pieces);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- files */

static int read_sentencepiece(struct quern_pieces *pieces, const char *path, quern_error *error)
{
    struct quern_sentencepiece model;
    QUERN_TRY(quern_map_open(&pieces->map, path, error));
    const char *kind = quern_file_kind(pieces->map.data, pieces->map.size);
    if (kind != NULL)
        return quern_fail(error, QUERN_EFORMAT, "%s is not a SentencePiece model, but %s", path, kind);
    QUERN_TRY(quern_sentencepiece_parse(&model, pieces->map.data, pieces->map.size, path, error));
    int code = QUERN_OK;
    pieces->add_space_prefix = model.add_space_prefix;
    for (size_t i = 0; i < model.count && code == QUERN_OK; i++) {
        if (model.kinds[i] == QUERN_PIECE_USER_DEFINED)
            code = quern_pieces_set_added(pieces, i, model.texts[i], false, error);
        else
            quern_pieces_set(pieces, i, model.texts[i], model.scores[i], model.kinds[i]);
    }
    quern_sentencepiece_free(&model);
    return code;
}

static int read_pieces(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    char *path = quern_path_join(folder, "tokenizer.model", error);
    if (path == NULL)
        return QUERN_ENOMEM;
    int code = QUERN_OK;
    if (quern_path_exists(path)) {
        code = read_sentencepiece(pieces, path, error);
    } else {
        code = quern_tokenizer_json_open(pieces, folder, false, error);
        if (code == QUERN_OK && pieces->tokenizer.root == NULL)
            code = quern_fail(error, QUERN_EIO, "%s has neither tokenizer.model nor tokenizer.json; fetch one of them",
                              folder);
        if (code == QUERN_OK)
            code = parse(pieces, &pieces->tokenizer, error);
    }
    free(path);
    return code;
}

static int read_folder(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    pieces->pre = "default";
    QUERN_TRY(read_pieces(pieces, folder, error));
    QUERN_TRY(quern_tokenizer_config_added(pieces, error));
    return quern_tokenizer_config_settings(pieces, error);
}

static int find_ids(struct quern_pieces *pieces, quern_error *error)
{
    QUERN_TRY(quern_tokenizer_config_need(pieces, "bos_token", "<bos>", &pieces->bos, error));
    QUERN_TRY(quern_tokenizer_config_need(pieces, "eos_token", "<eos>", &pieces->eos, error));
    QUERN_TRY(quern_tokenizer_config_need(pieces, "unk_token", "<unk>", &pieces->unknown, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "pad_token", "<pad>", &pieces->padding, error));
    QUERN_TRY(quern_tokenizer_config_check_ends(pieces, error));
    return quern_tokenizer_config_ends(pieces, error);
}

const struct quern_pieces_kind quern_pieces_of_gemma = {
    .name = "llama",
    .type = "BPE",
    .writes_scores = true,
    .parse = parse,
    .read = read_folder,
    .find_ids = find_ids,
};

/* ---------------------------------------------------------------- EmbeddingGemma 2 */

/* Published model files let texts spell these pieces, although tokenizer.json calls them special. */
static void show_visible(struct quern_pieces *pieces)
{
    static const char *const visible[] = {"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>",
                                          "<|tool_response>", "<tool_response|>", "<|\"|>"};
    for (size_t i = 0; i < pieces->count; i++)
        for (size_t k = 0; k < QUERN_COUNT(visible) && pieces->kinds[i] == QUERN_PIECE_CONTROL; k++)
            if (quern_text_is(pieces->texts[i], visible[k]))
                pieces->kinds[i] = QUERN_PIECE_USER_DEFINED;
}

static int parse_with_merges(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    QUERN_TRY(read_json(pieces, json, error));
    return quern_tokenizer_json_merges(pieces, json, json_object_get(json->root, "model"), error);
}

/* No score is used; all are those of pieces that are not merged, as in published files. */
static int read_with_merges(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    QUERN_TRY(quern_tokenizer_json_open(pieces, folder, true, error));
    QUERN_TRY(parse_with_merges(pieces, &pieces->tokenizer, error));
    QUERN_TRY(quern_tokenizer_config_added(pieces, error));
    QUERN_TRY(quern_tokenizer_config_settings(pieces, error));
    show_visible(pieces);
    return QUERN_OK;
}

static int find_more_ids(struct quern_pieces *pieces, quern_error *error)
{
    for (size_t i = 0; i < pieces->count; i++)
        pieces->scores[i] = QUERN_SCORE_ADDED;
    QUERN_TRY(quern_tokenizer_config_id(pieces, "mask_token", "<mask>", &pieces->mask, error));
    return find_ids(pieces, error);
}

const struct quern_pieces_kind quern_pieces_of_gemma2 = {
    .name = "gemma4",
    .type = "BPE",
    .writes_scores = true,
    .parse = parse_with_merges,
    .read = read_with_merges,
    .find_ids = find_more_ids,
};
