#include "tokenizer_json.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char blank[] = QUERN_METASPACE;

/* "<0x0A>": a piece that stands for a byte. */
static bool is_byte(quern_text text)
{
    static const char digits[] = "0123456789ABCDEF";
    return text.length == 6 && memcmp(text.data, "<0x", 3) == 0 && strchr(digits, text.data[3]) != NULL &&
           strchr(digits, text.data[4]) != NULL && text.data[5] == '>';
}

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

/* Refuses what would change ids, and what quern does not do. */
static int check_parts(const struct quern_json *json, const json_t *model, quern_error *error)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const char *part = NULL;
    bool ignores_merges = false;
    double dropout = 0;
    QUERN_TRY(quern_json_get_bool(json, model, "ignore_merges", &ignores_merges, error));
    QUERN_TRY(quern_json_get_number(json, model, "dropout", 0, 1, &dropout, error));
    if (ignores_merges)
        part = "model.ignore_merges";
    if (dropout > 0)
        part = "model.dropout";
    for (size_t i = 0; i < QUERN_COUNT(affixes); i++) {
        quern_text affix = {NULL, 0};
        QUERN_TRY(quern_json_get_string(json, model, affixes[i], &affix, error));
        if (affix.length > 0)
            part = affixes[i];
    }
    if (!cuts_nothing(json_object_get(json->root, "pre_tokenizer")))
        part = "pre_tokenizer";
    if (part == NULL)
        return QUERN_OK;
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: quern does not know this %s, which changes the tokens of texts",
                      json->path, part);
}

static int check_model(const struct quern_json *json, const json_t *model, quern_error *error)
{
    const char *type = json_string_value(json_object_get(model, "type"));
    if (type == NULL || strcmp(type, "BPE") != 0 || !json_is_true(json_object_get(model, "byte_fallback")) ||
        !is_plain(json_object_get(json->root, "normalizer")) || !json_is_object(json_object_get(model, "vocab")))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s is not a tokenizer of Gemma's kind: BPE over U+2581 with "
                          "bytes to fall back on", json->path);
    return check_parts(json, model, error);
}

/* Sets normal pieces, byte pieces and the unknown piece. Special pieces replace some of them afterwards. */
static int read_vocabulary(struct quern_pieces *pieces, const struct quern_json *json, const json_t *model,
                           quern_error *error)
{
    const char *text;
    json_t *id;
    quern_text unknown = {"", 0};
    QUERN_TRY(quern_json_get_string(json, model, "unk_token", &unknown, error));
    json_object_foreach(json_object_get(model, "vocab"), text, id) {
        quern_text piece = {text, strlen(text)};
        int32_t kind = is_byte(piece) ? QUERN_PIECE_BYTE : QUERN_PIECE_NORMAL;
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return quern_fail(error, QUERN_EFORMAT, "%s: the id of piece \"%.64s\" is not a number", json->path, text);
        uint64_t number = (uint64_t)json_integer_value(id);
        if (number < pieces->count && pieces->kinds[number] != 0)
            return quern_fail(error, QUERN_EFORMAT, "%s: two pieces have id %llu", json->path,
                              (unsigned long long)number);
        quern_pieces_set(pieces, number, piece, 0, quern_text_is(unknown, text) ? QUERN_PIECE_UNKNOWN : kind);
    }
    return QUERN_OK;
}

/* Whether an added token was set; ids that the model does not have do not matter. */
static bool is_added(const struct quern_pieces *pieces, json_int_t id)
{
    return (uint64_t)id < pieces->count &&
           (pieces->kinds[id] == QUERN_PIECE_CONTROL || pieces->kinds[id] == QUERN_PIECE_USER_DEFINED);
}

static int read_added(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *added = json_object_get(json->root, "added_tokens");
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *entry = json_array_get(added, i), *id = json_object_get(entry, "id");
        quern_text text = {NULL, 0};
        bool special = false;
        QUERN_TRY(quern_json_get_string(json, entry, "content", &text, error));
        QUERN_TRY(quern_json_get_bool(json, entry, "special", &special, error));
        if (text.data == NULL || !json_is_integer(id) || json_integer_value(id) < 0)
            return quern_fail(error, QUERN_EFORMAT, "%s: added token %zu has no id or no content", json->path, i);
        if (!special)
            QUERN_TRY(quern_pieces_check_added(json, entry, text, error));
        if (is_added(pieces, json_integer_value(id)))
            return quern_fail(error, QUERN_EFORMAT, "%s: two added tokens have the id %" JSON_INTEGER_FORMAT,
                              json->path, json_integer_value(id));
        QUERN_TRY(quern_pieces_set_added(pieces, (uint64_t)json_integer_value(id), text, special, error));
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- around a text */

/* Notes the id that a special token of a template stands for. False: it is not one id, or there is one already. */
static bool take_special(const json_t *post_processor, const json_t *item, int32_t *id)
{
    const char *name = json_string_value(json_object_get(json_object_get(item, "SpecialToken"), "id"));
    const json_t *token = json_object_get(json_object_get(post_processor, "special_tokens"), name != NULL ? name : "");
    const json_t *ids = json_object_get(token, "ids"), *first = json_array_get(ids, 0);
    if (*id >= 0 || json_array_size(ids) != 1 || !json_is_integer(first) || json_integer_value(first) < 0 ||
        json_integer_value(first) > INT32_MAX)
        return false;
    *id = (int32_t)json_integer_value(first);
    return true;
}

/* Reads what is put around a single text: at most one id on each side. */
static bool read_template(struct quern_pieces *pieces, const json_t *post_processor)
{
    const char *type = json_string_value(json_object_get(post_processor, "type"));
    const json_t *single = json_object_get(post_processor, "single");
    bool has_text = false;
    pieces->has_template = true;
    pieces->opening = pieces->closing = -1;
    if (type == NULL || strcmp(type, "TemplateProcessing") != 0)
        return false;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i), *text = json_object_get(item, "Sequence");
        if ((text != NULL && has_text) ||
            (text == NULL && !take_special(post_processor, item, has_text ? &pieces->closing : &pieces->opening)))
            return false;
        has_text |= text != NULL;
    }
    return has_text;
}

/* Padding changes no vector, as the tokens that are added do not count, and the decoder changes no tokens. */
static int read_surroundings(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *post_processor = NULL, *truncation = NULL;
    quern_text side = {NULL, 0};
    QUERN_TRY(quern_json_get_object(json, json->root, "post_processor", &post_processor, error));
    QUERN_TRY(quern_json_get_object(json, json->root, "truncation", &truncation, error));
    if (post_processor != NULL && !read_template(pieces, post_processor))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s: quern does not know this post_processor, which changes the "
                          "tokens of texts", json->path);
    QUERN_TRY(quern_json_get_string(json, truncation, "direction", &side, error));
    pieces->cuts_start = quern_text_is(side, "Left");
    return quern_json_get_integer(json, truncation, "max_length", 1, INT_MAX, &pieces->most_tokens, error);
}

/* ---------------------------------------------------------------- merges */

/* Reads the two sides of a merge: "a b", or ["a", "b"]. */
static bool split_merge(const json_t *merge, quern_text *left, quern_text *right)
{
    const json_t *a = json_array_get(merge, 0), *b = json_array_get(merge, 1);
    const char *space = json_is_string(merge) ? strchr(json_string_value(merge), ' ') : NULL;
    if (space != NULL) {
        const char *text = json_string_value(merge);
        *left = (quern_text){text, (size_t)(space - text)};
        *right = (quern_text){space + 1, strlen(space + 1)};
        return true;
    }
    if (json_array_size(merge) != 2 || !json_is_string(a) || !json_is_string(b))
        return false;
    *left = (quern_text){json_string_value(a), json_string_length(a)};
    *right = (quern_text){json_string_value(b), json_string_length(b)};
    return true;
}

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
        if (!split_merge(json_array_get(merges, i), &left, &right) || left.length + right.length >= sizeof text)
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

int quern_tokenizer_json_read(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *model = json_object_get(json->root, "model");
    QUERN_TRY(check_model(json, model, error));
    QUERN_TRY(read_vocabulary(pieces, json, model, error));
    QUERN_TRY(read_added(pieces, json, error));
    QUERN_TRY(read_surroundings(pieces, json, error));
    QUERN_TRY(check_merges(pieces, json, model, error));
    set_scores(pieces);
    return QUERN_OK;
}
