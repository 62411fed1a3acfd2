#include "tokenizer_config.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CONFIG (16u << 20) /* bytes of tokenizer_config.json; that of EmbeddingGemma has 1.2 million */

int quern_tokenizer_config_open(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    return quern_json_open(&pieces->config, folder, "tokenizer_config.json", JSON_OBJECT, MOST_CONFIG, true, error);
}

/* ---------------------------------------------------------------- added pieces */

/* Refuses an added piece of tokenizer_config.json that is another one in tokenizer.json, in its text or in whether it
 * is special: nobody could tell which one the model was trained with. text: as the file has it; before, kind: what
 * tokenizer.json says, kind 0: nothing. */
static int check_same(const struct quern_pieces *pieces, uint64_t id, quern_text text, quern_text before, int32_t kind,
                      quern_error *error)
{
    const bool was_added = kind == QUERN_PIECE_CONTROL || kind == QUERN_PIECE_USER_DEFINED;
    const quern_text now = was_added ? pieces->texts[id] : text; /* added pieces are spelled with spaces */
    const bool is_other = now.length != before.length || memcmp(now.data, before.data, now.length) != 0;
    if (kind == 0 || (!is_other && (!was_added || pieces->kinds[id] == kind)))
        return QUERN_OK;
    return quern_fail(error, QUERN_EFORMAT, "%s: added token %llu is \"%.*s\"%s, but \"%.*s\"%s in tokenizer.json: "
                      "correct the wrong one", pieces->config.path, (unsigned long long)id,
                      (int)(now.length < 32 ? now.length : 32), now.data,
                      !is_other && pieces->kinds[id] == QUERN_PIECE_CONTROL ? " and special" : "",
                      (int)(before.length < 32 ? before.length : 32), before.data,
                      !is_other && kind == QUERN_PIECE_CONTROL ? " and special" : "");
}

/* "138": {"content": "..", "special": ..} */
int quern_tokenizer_config_added(struct quern_pieces *pieces, quern_error *error)
{
    const char *key;
    json_t *entry;
    json_object_foreach(json_object_get(pieces->config.root, "added_tokens_decoder"), key, entry) {
        quern_text text = {NULL, 0};
        bool special = false;
        char *end;
        errno = 0;
        unsigned long long id = strtoull(key, &end, 10);
        QUERN_TRY(quern_json_get_string(&pieces->config, entry, "content", &text, error));
        QUERN_TRY(quern_json_get_bool(&pieces->config, entry, "special", &special, error));
        if (key[0] < '0' || key[0] > '9' || *end != '\0' || errno != 0 || text.data == NULL)
            return quern_fail(error, QUERN_EFORMAT, "%s: added token \"%.32s\" has no number or no content",
                              pieces->config.path, key);
        if (!special)
            QUERN_TRY(quern_pieces_check_added(&pieces->config, entry, text, error));
        const bool is_known = pieces->tokenizer.root != NULL && id < pieces->count;
        const quern_text before = is_known ? pieces->texts[id] : text;
        const int32_t kind = is_known ? pieces->kinds[id] : 0;
        QUERN_TRY(quern_pieces_set_added(pieces, id, text, special, error));
        if (is_known)
            QUERN_TRY(check_same(pieces, id, text, before, kind, error));
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- settings */

static int refuse_setting(const struct quern_pieces *pieces, const char *key, quern_error *error)
{
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: quern does not do what %s says, which changes the tokens of "
                      "texts", pieces->config.path, key);
}

int quern_tokenizer_config_settings(struct quern_pieces *pieces, quern_error *error)
{
    static const char *const unknown[] = {"do_lower_case", "strip_accents"};
    const struct quern_json *config = &pieces->config;
    const json_t *sampling = NULL;
    bool prefix = pieces->add_space_prefix, samples = false;
    int most = INT_MAX;
    quern_text side = {NULL, 0};
    for (size_t i = 0; i < QUERN_COUNT(unknown); i++) {
        bool is_set = false;
        QUERN_TRY(quern_json_get_bool(config, config->root, unknown[i], &is_set, error));
        if (is_set)
            return refuse_setting(pieces, unknown[i], error);
    }
    QUERN_TRY(quern_json_get_object(config, config->root, "sp_model_kwargs", &sampling, error));
    QUERN_TRY(quern_json_get_bool(config, sampling, "enable_sampling", &samples, error));
    if (samples)
        return refuse_setting(pieces, "sp_model_kwargs.enable_sampling", error);
    QUERN_TRY(quern_json_get_bool(config, config->root, "add_prefix_space", &prefix, error));
    if (prefix != pieces->add_space_prefix)
        return refuse_setting(pieces, "add_prefix_space", error);
    QUERN_TRY(quern_json_get_string(config, config->root, "truncation_side", &side, error));
    pieces->cuts_start = side.length > 0 ? quern_text_is(side, "left") : pieces->cuts_start;
    const json_t *limit = json_object_get(config->root, "model_max_length");
    if (json_number_value(limit) < INT_MAX) /* else there is none: 1e30 */
        QUERN_TRY(quern_json_get_integer(config, config->root, "model_max_length", 1, INT_MAX, &most, error));
    pieces->most_tokens = most < pieces->most_tokens ? most : pieces->most_tokens;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- special pieces */

/* The name of a special piece, which is a string, or {"content": string}. */
static int read_name(const struct quern_pieces *pieces, const char *key, quern_text *name, quern_error *error)
{
    const json_t *entry = json_object_get(pieces->config.root, key);
    if (json_is_object(entry))
        return quern_json_get_string(&pieces->config, entry, "content", name, error);
    return quern_json_get_string(&pieces->config, pieces->config.root, key, name, error);
}

static int32_t find_piece(const struct quern_pieces *pieces, quern_text name)
{
    for (size_t i = 0; i < pieces->count && name.length > 0; i++)
        if (pieces->texts[i].length == name.length && memcmp(pieces->texts[i].data, name.data, name.length) == 0)
            return (int32_t)i;
    return -1;
}

int quern_tokenizer_config_id(const struct quern_pieces *pieces, const char *key, const char *usual, int32_t *id,
                              quern_error *error)
{
    quern_text name = quern_text_of(usual);
    QUERN_TRY(read_name(pieces, key, &name, error));
    *id = find_piece(pieces, name);
    return QUERN_OK;
}

int quern_tokenizer_config_need(const struct quern_pieces *pieces, const char *key, const char *usual, int32_t *id,
                                quern_error *error)
{
    quern_text name = quern_text_of(usual);
    QUERN_TRY(read_name(pieces, key, &name, error));
    *id = find_piece(pieces, name);
    return *id >= 0 ? QUERN_OK
                    : quern_fail(error, QUERN_EFORMAT, "the tokenizer has no piece \"%.*s\" (%s)",
                                 (int)(name.length < 64 ? name.length : 64), name.data, key);
}

int quern_tokenizer_config_check_ends(const struct quern_pieces *pieces, quern_error *error)
{
    if (pieces->has_template && ((pieces->opening >= 0 && pieces->opening != pieces->bos) ||
                                 (pieces->closing >= 0 && pieces->closing != pieces->eos)))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s: its post_processor puts other tokens around a text than the "
                          "ones that open and close it", pieces->tokenizer.path);
    return QUERN_OK;
}

/* Whether a token stands at one end of every text: tokenizer_config.json says it, or else the template of
 * tokenizer.json. Where they disagree, tokenizer_config.json counts, because the program that the folder was made for
 * makes the template anew from it. id: the token of the template there, or -1. */
static int read_end(struct quern_pieces *pieces, const char *key, int32_t id, bool *adds, quern_error *error)
{
    const bool is_said = json_is_boolean(json_object_get(pieces->config.root, key));
    if (pieces->has_template && !is_said)
        *adds = id >= 0;
    QUERN_TRY(quern_json_get_bool(&pieces->config, pieces->config.root, key, adds, error));
    if (pieces->has_template && *adds != (id >= 0))
        pieces->overruled = key;
    return QUERN_OK;
}

int quern_tokenizer_config_ends(struct quern_pieces *pieces, quern_error *error)
{
    QUERN_TRY(read_end(pieces, "add_bos_token", pieces->opening, &pieces->add_bos, error));
    return read_end(pieces, "add_eos_token", pieces->closing, &pieces->add_eos, error);
}
