#include "unigram_pieces.h"

#include "base/error.h"
#include "base/view.h"
#include "base64.h"
#include "text/tokenizer.h"
#include "tokenizer_config.h"
#include "tokenizer_json.h"

#include <math.h>
#include <string.h>

/* What is done to spaces before words are cut. */
struct spaces {
    bool end_goes; /* those at the end of a text */
    bool runs_go;  /* all but one of several in a row */
};

static bool has_string(const json_t *object, const char *key, const char *value)
{
    const char *is = json_string_value(json_object_get(object, key));
    return is != NULL && strcmp(is, value) == 0;
}

/* ---------------------------------------------------------------- what is done to texts first */

/* Reads the character map, which is in base64. */
static int read_charsmap(struct quern_pieces *pieces, const struct quern_json *json, const json_t *normalizer,
                         quern_error *error)
{
    quern_text text = {"", 0};
    QUERN_TRY(quern_json_get_string(json, normalizer, "precompiled_charsmap", &text, error));
    char *map = quern_pieces_new_text(pieces, QUERN_BASE64_BYTES(text.length));
    if (map == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the character map of %s", json->path);
    const ptrdiff_t length = quern_base64_decode(text, (unsigned char *)map);
    if (length < 0)
        return quern_fail(error, QUERN_EFORMAT, "%s: precompiled_charsmap is not base64", json->path);
    pieces->charsmap = (quern_text){map, (size_t)length};
    return QUERN_OK;
}

/* Reads one step. Spaces are those of the text, or what the character map makes of other white space, so the map must
 * come first. */
static int read_step(struct quern_pieces *pieces, const struct quern_json *json, const json_t *step, bool is_first,
                     struct spaces *spaces, quern_error *error)
{
    const json_t *pattern = json_object_get(step, "pattern");
    if (is_first && quern_tokenizer_json_is(step, "Precompiled"))
        return read_charsmap(pieces, json, step, error);
    if (quern_tokenizer_json_is(step, "Strip") && json_is_true(json_object_get(step, "strip_right"))) {
        spaces->end_goes = true;
        return QUERN_OK;
    }
    if (quern_tokenizer_json_is(step, "Replace") && has_string(pattern, "Regex", " {2,}") &&
        (has_string(step, "content", " ") || has_string(step, "content", QUERN_METASPACE))) {
        spaces->runs_go = true;
        return QUERN_OK;
    }
    return quern_tokenizer_json_refuse(json, "normalizer", error);
}

static int read_normalizer(struct quern_pieces *pieces, const struct quern_json *json, struct spaces *spaces,
                           quern_error *error)
{
    const json_t *normalizer = json_object_get(json->root, "normalizer");
    const json_t *steps = json_object_get(normalizer, "normalizers");
    if (normalizer == NULL || json_is_null(normalizer))
        return QUERN_OK;
    if (!quern_tokenizer_json_is(normalizer, "Sequence"))
        return read_step(pieces, json, normalizer, true, spaces, error);
    for (size_t i = 0; i < json_array_size(steps); i++)
        QUERN_TRY(read_step(pieces, json, json_array_get(steps, i), i == 0, spaces, error));
    return QUERN_OK;
}

/* Whether each word gets U+2581 in front. Old files say "add_prefix_space". */
static bool is_metaspace(const json_t *pre_tokenizer)
{
    const json_t *scheme = json_object_get(pre_tokenizer, "prepend_scheme");
    return quern_tokenizer_json_is(pre_tokenizer, "Metaspace") &&
           has_string(pre_tokenizer, "replacement", QUERN_METASPACE) &&
           !json_is_false(json_object_get(pre_tokenizer, "split")) &&
           (scheme != NULL ? has_string(pre_tokenizer, "prepend_scheme", "always")
                           : json_is_true(json_object_get(pre_tokenizer, "add_prefix_space")));
}

/* Words are cut at white space, or only at the U+2581 that spaces become. */
static int read_pre_tokenizer(const struct quern_json *json, struct spaces *spaces, quern_error *error)
{
    const json_t *pre_tokenizer = json_object_get(json->root, "pre_tokenizer");
    const json_t *steps = json_object_get(pre_tokenizer, "pretokenizers");
    if (is_metaspace(pre_tokenizer))
        return QUERN_OK;
    if (!quern_tokenizer_json_is(pre_tokenizer, "Sequence") || json_array_size(steps) != 2 ||
        !quern_tokenizer_json_is(json_array_get(steps, 0), "WhitespaceSplit") ||
        !is_metaspace(json_array_get(steps, 1)))
        return quern_tokenizer_json_refuse(json, "pre_tokenizer", error);
    spaces->end_goes = spaces->runs_go = true;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- pieces */

/* Sets the pieces of [["piece", score], ...], whose places are their ids. */
static int read_vocabulary(struct quern_pieces *pieces, const struct quern_json *json, const json_t *vocabulary,
                           quern_error *error)
{
    if (!json_is_array(vocabulary))
        return quern_fail(error, QUERN_EFORMAT, "%s: model.vocab is not an array of pieces and scores", json->path);
    for (size_t i = 0; i < json_array_size(vocabulary) && i < pieces->count; i++) {
        const json_t *entry = json_array_get(vocabulary, i);
        const json_t *text = json_array_get(entry, 0), *score = json_array_get(entry, 1);
        if (json_array_size(entry) != 2 || !json_is_string(text) || !json_is_number(score) ||
            !isfinite((float)json_number_value(score)))
            return quern_fail(error, QUERN_EFORMAT, "%s: piece %zu is not a text and a score", json->path, i);
        quern_pieces_set(pieces, i, (quern_text){json_string_value(text), json_string_length(text)},
                         (float)json_number_value(score), QUERN_PIECE_NORMAL);
    }
    return QUERN_OK;
}

/* Pieces that are added keep their scores, as in published files. One that is not in the vocabulary gets 0. */
static void restore_scores(struct quern_pieces *pieces, const json_t *vocabulary)
{
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->kinds[i] == QUERN_PIECE_CONTROL || pieces->kinds[i] == QUERN_PIECE_USER_DEFINED)
            pieces->scores[i] = (float)json_number_value(json_array_get(json_array_get(vocabulary, i), 1));
}

static int parse(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *model = json_object_get(json->root, "model");
    struct spaces spaces = {false, false};
    bool has_bytes = false;
    int unknown = -1;
    if (!quern_tokenizer_json_is(model, "Unigram"))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s is not a unigram tokenizer: take a GGUF file of the model",
                          json->path);
    QUERN_TRY(quern_json_get_bool(json, model, "byte_fallback", &has_bytes, error));
    QUERN_TRY(quern_json_get_integer(json, model, "unk_id", 0, (int)pieces->count - 1, &unknown, error));
    if (has_bytes || unknown < 0)
        return quern_tokenizer_json_refuse(json, has_bytes ? "model.byte_fallback" : "model without unk_id", error);
    QUERN_TRY(read_normalizer(pieces, json, &spaces, error));
    QUERN_TRY(read_pre_tokenizer(json, &spaces, error));
    pieces->counts_spaces = !spaces.end_goes || !spaces.runs_go;
    QUERN_TRY(read_vocabulary(pieces, json, json_object_get(model, "vocab"), error));
    QUERN_TRY(quern_tokenizer_json_added(pieces, json, error));
    pieces->unknown = unknown;
    return quern_tokenizer_json_surroundings(pieces, json, error);
}

/* ---------------------------------------------------------------- files */

static int read_folder(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    pieces->pre = "default";
    pieces->add_space_prefix = true;
    QUERN_TRY(quern_tokenizer_json_open(pieces, folder, true, error));
    QUERN_TRY(parse(pieces, &pieces->tokenizer, error));
    QUERN_TRY(quern_tokenizer_config_added(pieces, error));
    restore_scores(pieces, json_object_get(json_object_get(pieces->tokenizer.root, "model"), "vocab"));
    pieces->kinds[pieces->unknown] = QUERN_PIECE_UNKNOWN;
    return quern_tokenizer_config_settings(pieces, error);
}

/* The template alone says which tokens stand around a text. */
static int find_ids(struct quern_pieces *pieces, quern_error *error)
{
    QUERN_TRY(quern_tokenizer_config_need(pieces, "cls_token", "<s>", &pieces->bos, error));
    QUERN_TRY(quern_tokenizer_config_need(pieces, "sep_token", "</s>", &pieces->eos, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "pad_token", "<pad>", &pieces->padding, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "mask_token", "<mask>", &pieces->mask, error));
    pieces->cls = pieces->bos;
    pieces->separator = pieces->eos;
    if (!pieces->has_template || pieces->opening < 0 || pieces->closing < 0)
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s: no post_processor puts a token before and behind every text, "
                          "as such models need it", pieces->tokenizer.path);
    return quern_tokenizer_config_check_ends(pieces, error);
}

const struct quern_pieces_kind quern_unigram_pieces = {
    .name = "t5",
    .type = "Unigram",
    .writes_scores = true,
    .parse = parse,
    .read = read_folder,
    .find_ids = find_ids,
};
