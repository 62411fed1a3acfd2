#include "piece_files.h"

#include "base/count.h"
#include "base/error.h"
#include "base/file_kind.h"
#include "base/view.h"
#include "sentencepiece.h"
#include "text/tokenizer.h"
#include "tokenizer_json.h"
#include "wordpiece_pieces.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_CONFIG (16u << 20)    /* bytes of tokenizer_config.json; that of EmbeddingGemma has 1.2 million */
#define MOST_TOKENIZER (64u << 20) /* bytes of tokenizer.json; that of EmbeddingGemma has 33 million */
#define SCORE_UNUSED (-10000.0f)   /* the score of pieces that fill gaps, as in published files */

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

/* tokenizer_config.json also lists added pieces, and says which are special: "138": {"content": "..", "special": ..} */
static int read_config_added(struct quern_pieces *pieces, quern_error *error)
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

static int refuse_setting(const struct quern_pieces *pieces, const char *key, quern_error *error)
{
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: quern does not do what %s says, which changes the tokens of "
                      "texts", pieces->config.path, key);
}

/* Refuses settings of tokenizer_config.json that change the tokens of texts, and notes those of texts that are too
 * long. */
static int read_config_settings(struct quern_pieces *pieces, quern_error *error)
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

/* ---------------------------------------------------------------- the whole */

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

/* Fills ids that the tokenizer lacks, although the embeddings have rows for them, with unused pieces. */
static int fill_up(struct quern_pieces *pieces, quern_error *error)
{
    enum { UNUSED_SIZE = 32 }; /* of "[PAD262143]" and longer ones */
    for (size_t i = 0; i < pieces->count; i++) {
        if (pieces->kinds[i] != 0)
            continue;
        char *text = quern_pieces_new_text(pieces, UNUSED_SIZE);
        if (text == NULL)
            return quern_fail(error, QUERN_ENOMEM, "no memory for the pieces");
        int length = snprintf(text, UNUSED_SIZE, "[PAD%zu]", i);
        quern_pieces_set(pieces, i, (quern_text){text, (size_t)length}, SCORE_UNUSED, QUERN_PIECE_UNUSED);
    }
    return QUERN_OK;
}

/* The id of a special piece. tokenizer_config.json may give it another name, as a string or as {"content": ...}. */
static int find_special(const struct quern_pieces *pieces, const char *key, const char *usual, bool optional,
                        int32_t *id, quern_error *error)
{
    const json_t *entry = json_object_get(pieces->config.root, key);
    quern_text name = {usual, strlen(usual)};
    if (json_is_object(entry))
        QUERN_TRY(quern_json_get_string(&pieces->config, entry, "content", &name, error));
    else
        QUERN_TRY(quern_json_get_string(&pieces->config, pieces->config.root, key, &name, error));
    *id = -1;
    for (size_t i = 0; i < pieces->count && *id < 0; i++)
        if (pieces->texts[i].length == name.length && memcmp(pieces->texts[i].data, name.data, name.length) == 0)
            *id = (int32_t)i;
    if (*id < 0 && !optional)
        return quern_fail(error, QUERN_EFORMAT, "the tokenizer has no piece \"%.*s\" (%s)",
                          (int)(name.length < 64 ? name.length : 64), name.data, key);
    return QUERN_OK;
}

/* Whether a token stands at one end of every text: tokenizer_config.json says it, or else the template of
 * tokenizer.json. Where they disagree, tokenizer_config.json counts, because the program that the folder was made for
 * makes the template anew from it. id: the token of the template there, or -1. */
static int find_added(struct quern_pieces *pieces, const char *key, int32_t id, bool *adds, quern_error *error)
{
    const bool is_said = json_is_boolean(json_object_get(pieces->config.root, key));
    if (pieces->has_template && !is_said)
        *adds = id >= 0;
    QUERN_TRY(quern_json_get_bool(&pieces->config, pieces->config.root, key, adds, error));
    if (pieces->has_template && *adds != (id >= 0))
        pieces->overruled = key;
    return QUERN_OK;
}

static int find_all_special(struct quern_pieces *pieces, quern_error *error)
{
    QUERN_TRY(find_special(pieces, "bos_token", "<bos>", false, &pieces->bos, error));
    QUERN_TRY(find_special(pieces, "eos_token", "<eos>", false, &pieces->eos, error));
    QUERN_TRY(find_special(pieces, "unk_token", "<unk>", false, &pieces->unknown, error));
    QUERN_TRY(find_special(pieces, "pad_token", "<pad>", true, &pieces->padding, error));
    if (pieces->has_template && ((pieces->opening >= 0 && pieces->opening != pieces->bos) ||
                                 (pieces->closing >= 0 && pieces->closing != pieces->eos)))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s: its post_processor puts other tokens around a text than the "
                          "ones that open and close it", pieces->tokenizer.path);
    QUERN_TRY(find_added(pieces, "add_bos_token", pieces->opening, &pieces->add_bos, error));
    return find_added(pieces, "add_eos_token", pieces->closing, &pieces->add_eos, error);
}

static int check(const struct quern_pieces *pieces, quern_error *error)
{
    struct quern_vocabulary *vocabulary;
    struct quern_vocabulary_source source = {
        .tokenizer = quern_tokenizer_kind_find(quern_text_of(pieces->tokenizer_kind)), .texts = pieces->texts,
        .scores = pieces->scores, .kinds = pieces->kinds, .count = pieces->count, .bos = pieces->bos,
        .eos = pieces->eos, .unknown = pieces->unknown, .add_bos = pieces->add_bos, .add_eos = pieces->add_eos,
        .add_space_prefix = pieces->add_space_prefix, .lowercase = pieces->lowercase,
        .strip_accents = pieces->strip_accents};
    QUERN_TRY(quern_vocabulary_new(&vocabulary, &source, error));
    quern_vocabulary_free(vocabulary);
    return quern_map_check(&pieces->map, error);
}

static int read_sentencepiece_files(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    char *path = quern_path_join(folder, "tokenizer.model", error);
    if (path == NULL)
        return QUERN_ENOMEM;
    int code = QUERN_OK;
    if (access(path, F_OK) == 0) {
        code = read_sentencepiece(pieces, path, error);
    } else {
        code = quern_json_open(&pieces->tokenizer, folder, "tokenizer.json", JSON_OBJECT, MOST_TOKENIZER, true, error);
        if (code == QUERN_OK && pieces->tokenizer.root == NULL)
            code = quern_fail(error, QUERN_EIO, "%s has neither tokenizer.model nor tokenizer.json; fetch one of them",
                              folder);
        if (code == QUERN_OK)
            code = quern_tokenizer_json_read(pieces, &pieces->tokenizer, error);
    }
    free(path);
    QUERN_TRY(code);
    QUERN_TRY(read_config_added(pieces, error));
    QUERN_TRY(read_config_settings(pieces, error));
    QUERN_TRY(fill_up(pieces, error));
    return find_all_special(pieces, error);
}

static int read_wordpiece_files(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    QUERN_TRY(quern_json_open(&pieces->tokenizer, folder, "tokenizer.json", JSON_OBJECT, MOST_TOKENIZER, true, error));
    QUERN_TRY(quern_wordpiece_read(pieces, folder, error));
    QUERN_TRY(fill_up(pieces, error));
    QUERN_TRY(find_special(pieces, "cls_token", "[CLS]", false, &pieces->bos, error));
    QUERN_TRY(find_special(pieces, "sep_token", "[SEP]", false, &pieces->eos, error));
    QUERN_TRY(find_special(pieces, "unk_token", "[UNK]", false, &pieces->unknown, error));
    QUERN_TRY(find_special(pieces, "pad_token", "[PAD]", true, &pieces->padding, error));
    return find_special(pieces, "mask_token", "[MASK]", true, &pieces->mask, error);
}

static int read_all(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    QUERN_TRY(quern_json_open(&pieces->config, folder, "tokenizer_config.json", JSON_OBJECT, MOST_CONFIG, true, error));
    QUERN_TRY((pieces->is_wordpiece ? read_wordpiece_files : read_sentencepiece_files)(pieces, folder, error));
    return check(pieces, error);
}

int quern_pieces_read(struct quern_pieces *pieces, const char *folder, const char *kind, size_t count,
                      quern_error *error)
{
    QUERN_TRY(quern_pieces_new(pieces, count, error));
    pieces->tokenizer_kind = kind;
    pieces->is_wordpiece = strcmp(kind, "bert") == 0;
    int code = read_all(pieces, folder, error);
    if (code != QUERN_OK)
        quern_pieces_free(pieces);
    return code;
}
