#include "tokenizer_json.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TOKENIZER (64u << 20) /* bytes; the file of EmbeddingGemma has 33 million */

int quern_tokenizer_json_open(struct quern_pieces *pieces, const char *folder, bool is_needed, quern_error *error)
{
    if (pieces->tokenizer.root != NULL)
        return QUERN_OK;
    return quern_json_open(&pieces->tokenizer, folder, "tokenizer.json", JSON_OBJECT, MOST_TOKENIZER, !is_needed,
                           error);
}

bool quern_tokenizer_json_is(const json_t *object, const char *type)
{
    const char *is = json_string_value(json_object_get(object, "type"));
    return is != NULL && strcmp(is, type) == 0;
}

int quern_tokenizer_json_refuse(const struct quern_json *json, const char *part, quern_error *error)
{
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: quern does not know this %s, which changes the tokens of texts",
                      json->path, part);
}

/* ---------------------------------------------------------------- pieces */

/* "<0x0A>": a piece that stands for a byte. */
static bool is_byte(quern_text text)
{
    static const char digits[] = "0123456789ABCDEF";
    return text.length == 6 && memcmp(text.data, "<0x", 3) == 0 && strchr(digits, text.data[3]) != NULL &&
           strchr(digits, text.data[4]) != NULL && text.data[5] == '>';
}

int quern_tokenizer_json_vocabulary(struct quern_pieces *pieces, const struct quern_json *json, const json_t *model,
                                    bool has_bytes, quern_error *error)
{
    const char *text;
    json_t *id;
    quern_text unknown = {"", 0};
    QUERN_TRY(quern_json_get_string(json, model, "unk_token", &unknown, error));
    if (!json_is_object(json_object_get(model, "vocab")))
        return quern_fail(error, QUERN_EFORMAT, "%s: model.vocab is not an object", json->path);
    json_object_foreach(json_object_get(model, "vocab"), text, id) {
        quern_text piece = {text, strlen(text)};
        int32_t kind = has_bytes && is_byte(piece) ? QUERN_PIECE_BYTE : QUERN_PIECE_NORMAL;
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

int quern_tokenizer_json_added(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
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

/* Notes the id of {"cls": ["[CLS]", 101]}. */
static bool take_pair(const json_t *post_processor, const char *key, int32_t *id)
{
    const json_t *second = json_array_get(json_object_get(post_processor, key), 1);
    if (!json_is_integer(second) || json_integer_value(second) < 0 || json_integer_value(second) > INT32_MAX)
        return false;
    *id = (int32_t)json_integer_value(second);
    return true;
}

/* Reads what is put around a single text: at most one id on each side. */
static bool read_template(struct quern_pieces *pieces, const json_t *post_processor)
{
    const json_t *single = json_object_get(post_processor, "single");
    bool has_text = false;
    if (quern_tokenizer_json_is(post_processor, "RobertaProcessing") ||
        quern_tokenizer_json_is(post_processor, "BertProcessing"))
        return take_pair(post_processor, "cls", &pieces->opening) &&
               take_pair(post_processor, "sep", &pieces->closing);
    if (!quern_tokenizer_json_is(post_processor, "TemplateProcessing"))
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

/* Reads a post_processor, which may be a sequence. "ByteLevel" changes where tokens stand in the text, and no ids. */
static bool read_post_processor(struct quern_pieces *pieces, const json_t *post_processor)
{
    const bool is_sequence = quern_tokenizer_json_is(post_processor, "Sequence");
    const json_t *list = json_object_get(post_processor, "processors");
    int templates = 0;
    pieces->has_template = true;
    pieces->opening = pieces->closing = -1;
    for (size_t i = 0; i < (is_sequence ? json_array_size(list) : 1); i++) {
        const json_t *one = is_sequence ? json_array_get(list, i) : post_processor;
        if (quern_tokenizer_json_is(one, "ByteLevel"))
            continue;
        if (templates++ > 0 || !read_template(pieces, one))
            return false;
    }
    return true;
}

int quern_tokenizer_json_surroundings(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *post_processor = NULL, *truncation = NULL;
    quern_text side = {NULL, 0};
    QUERN_TRY(quern_json_get_object(json, json->root, "post_processor", &post_processor, error));
    QUERN_TRY(quern_json_get_object(json, json->root, "truncation", &truncation, error));
    if (post_processor != NULL && !read_post_processor(pieces, post_processor))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s: quern does not know this post_processor, which changes the "
                          "tokens of texts", json->path);
    QUERN_TRY(quern_json_get_string(json, truncation, "direction", &side, error));
    pieces->cuts_start = quern_text_is(side, "Left");
    return quern_json_get_integer(json, truncation, "max_length", 1, INT_MAX, &pieces->most_tokens, error);
}

/* ---------------------------------------------------------------- merges */

int quern_tokenizer_json_only_merges(const struct quern_json *json, const json_t *model, quern_error *error)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    bool ignores_merges = false;
    double dropout = 0;
    QUERN_TRY(quern_json_get_bool(json, model, "ignore_merges", &ignores_merges, error));
    QUERN_TRY(quern_json_get_number(json, model, "dropout", 0, 1, &dropout, error));
    if (ignores_merges)
        return quern_tokenizer_json_refuse(json, "model.ignore_merges", error);
    if (dropout > 0)
        return quern_tokenizer_json_refuse(json, "model.dropout", error);
    for (size_t i = 0; i < QUERN_COUNT(affixes); i++) {
        quern_text affix = {NULL, 0};
        QUERN_TRY(quern_json_get_string(json, model, affixes[i], &affix, error));
        if (affix.length > 0)
            return quern_tokenizer_json_refuse(json, affixes[i], error);
    }
    return QUERN_OK;
}

bool quern_tokenizer_json_merge(const json_t *merge, quern_text *left, quern_text *right)
{
    const json_t *a = json_array_get(merge, 0), *b = json_array_get(merge, 1);
    const char *text = json_string_value(merge);
    const char *space = text != NULL && text[0] != '\0' ? strchr(text + 1, ' ') : NULL;
    if (space != NULL) {
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

/* One text of both sides. One that a model file could not split again is refused. */
static int join_merge(struct quern_pieces *pieces, const struct quern_json *json, const json_t *merges, size_t number,
                      quern_error *error)
{
    const json_t *entry = json_array_get(merges, number);
    quern_text left, right;
    if (!quern_tokenizer_json_merge(entry, &left, &right) || left.length == 0 || right.length == 0)
        return quern_fail(error, QUERN_EFORMAT, "%s: merge %zu is not a pair of pieces", json->path, number);
    if (memchr(left.data + 1, ' ', left.length - 1) != NULL || memchr(right.data, ' ', right.length) != NULL)
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s: merge %zu has a space, which a model file cannot have in "
                          "its list of merges", json->path, number);
    char *text = quern_pieces_new_text(pieces, left.length + 1 + right.length);
    if (text == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the merges");
    memcpy(text, left.data, left.length);
    text[left.length] = ' ';
    memcpy(text + left.length + 1, right.data, right.length);
    pieces->merges[number] = (quern_text){text, left.length + 1 + right.length};
    return QUERN_OK;
}

int quern_tokenizer_json_merges(struct quern_pieces *pieces, const struct quern_json *json, const json_t *model,
                                quern_error *error)
{
    const json_t *merges = json_object_get(model, "merges");
    const size_t count = json_array_size(merges);
    pieces->merges = calloc(count + 1, sizeof *pieces->merges);
    if (pieces->merges == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for %zu merges", count);
    for (size_t i = 0; i < count; i++)
        QUERN_TRY(join_merge(pieces, json, merges, i, error));
    pieces->merge_count = count;
    return QUERN_OK;
}
