#include "tokenizer_json.h"

#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer.h"

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

static int check_model(const struct quern_json *json, const json_t *model, quern_error *error)
{
    const char *type = json_string_value(json_object_get(model, "type"));
    if (type == NULL || strcmp(type, "BPE") != 0 || !json_is_true(json_object_get(model, "byte_fallback")) ||
        !is_plain(json_object_get(json->root, "normalizer")) || !json_is_object(json_object_get(model, "vocab")))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s is not a tokenizer of Gemma's kind: BPE over U+2581 with "
                          "bytes to fall back on", json->path);
    return QUERN_OK;
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
        QUERN_TRY(quern_pieces_set_added(pieces, (uint64_t)json_integer_value(id), text, special, error));
    }
    return QUERN_OK;
}

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

/* Whether a better merge gives a smaller id. Then scores that fall with the id mean the same as the list of merges. */
static int check_merges(const struct quern_json *json, const json_t *model, quern_error *error)
{
    const json_t *vocabulary = json_object_get(model, "vocab"), *merges = json_object_get(model, "merges");
    json_int_t before = 0;
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
        if (json_integer_value(id) < before)
            return quern_fail(error, QUERN_EUNSUPPORTED, "%s: merges are not in the order of ids, so the scores of "
                              "pieces are unknown: add the model's tokenizer.model to the folder", json->path);
        before = json_integer_value(id);
    }
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
    QUERN_TRY(check_merges(json, model, error));
    set_scores(pieces);
    return QUERN_OK;
}
