#include "byte_pieces.h"

#include "base/error.h"
#include "text/tokenizer.h"
#include "tokenizer_config.h"
#include "tokenizer_json.h"

#include <string.h>

/* The words of Qwen 2 and 3. */
static const char qwen2_words[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/* Whether a step spells bytes as characters, and does nothing to the start of a text. cuts: it also cuts words, by the
 * rule of GPT-2. */
static bool is_byte_level(const json_t *step, bool cuts)
{
    const json_t *uses_rule = json_object_get(step, "use_regex");
    return quern_tokenizer_json_is(step, "ByteLevel") && json_is_false(json_object_get(step, "add_prefix_space")) &&
           (uses_rule == NULL || json_is_true(uses_rule)) == cuts;
}

/* Whether a step cuts a text into the words of Qwen. */
static bool is_qwen2(const json_t *step)
{
    const char *pattern = json_string_value(json_object_get(json_object_get(step, "pattern"), "Regex"));
    const char *behavior = json_string_value(json_object_get(step, "behavior"));
    return quern_tokenizer_json_is(step, "Split") && pattern != NULL && strcmp(pattern, qwen2_words) == 0 &&
           behavior != NULL && strcmp(behavior, "Isolated") == 0 && !json_is_true(json_object_get(step, "invert"));
}

/* Finds the name of the rule for words, which is also one for what is done to texts first. */
static int read_rule(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *normalizer = json_object_get(json->root, "normalizer");
    const json_t *words = json_object_get(json->root, "pre_tokenizer");
    const json_t *steps = json_object_get(words, "pretokenizers");
    const bool composes = quern_tokenizer_json_is(normalizer, "NFC");
    if (!composes && normalizer != NULL && !json_is_null(normalizer))
        return quern_tokenizer_json_refuse(json, "normalizer", error);
    if (is_byte_level(words, true))
        pieces->pre = composes ? "modern-bert" : "gpt-2";
    else if (composes && quern_tokenizer_json_is(words, "Sequence") && json_array_size(steps) == 2 &&
             is_qwen2(json_array_get(steps, 0)) && is_byte_level(json_array_get(steps, 1), false))
        pieces->pre = "qwen2";
    else
        return quern_tokenizer_json_refuse(json, "pre_tokenizer", error);
    return QUERN_OK;
}

static int parse(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error)
{
    const json_t *model = json_object_get(json->root, "model");
    if (!quern_tokenizer_json_is(model, "BPE") || json_is_true(json_object_get(model, "byte_fallback")))
        return quern_fail(error, QUERN_EUNSUPPORTED, "%s is not a BPE tokenizer over bytes: take a GGUF file of the "
                          "model", json->path);
    QUERN_TRY(quern_tokenizer_json_only_merges(json, model, error));
    QUERN_TRY(read_rule(pieces, json, error));
    QUERN_TRY(quern_tokenizer_json_vocabulary(pieces, json, model, false, error));
    QUERN_TRY(quern_tokenizer_json_added(pieces, json, error));
    QUERN_TRY(quern_tokenizer_json_surroundings(pieces, json, error));
    return quern_tokenizer_json_merges(pieces, json, model, error);
}

static int read_folder(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    QUERN_TRY(quern_tokenizer_json_open(pieces, folder, true, error));
    QUERN_TRY(parse(pieces, &pieces->tokenizer, error));
    QUERN_TRY(quern_tokenizer_config_added(pieces, error));
    return quern_tokenizer_config_settings(pieces, error);
}

/* The template alone says which tokens stand around a text; the program of such folders makes no other. Its tokens are
 * the ones that open and close a text, whatever their names are. */
static int find_ids(struct quern_pieces *pieces, quern_error *error)
{
    QUERN_TRY(quern_tokenizer_config_id(pieces, "bos_token", "", &pieces->bos, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "eos_token", "", &pieces->eos, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "unk_token", "", &pieces->unknown, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "pad_token", "", &pieces->padding, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "cls_token", "", &pieces->cls, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "sep_token", "", &pieces->separator, error));
    QUERN_TRY(quern_tokenizer_config_id(pieces, "mask_token", "", &pieces->mask, error));
    pieces->add_bos = pieces->has_template && pieces->opening >= 0;
    pieces->add_eos = pieces->has_template && pieces->closing >= 0;
    pieces->bos = pieces->add_bos ? pieces->opening : pieces->bos >= 0 ? pieces->bos : pieces->cls;
    pieces->eos = pieces->add_eos ? pieces->closing : pieces->eos >= 0 ? pieces->eos : pieces->separator;
    if (pieces->bos < (int64_t)pieces->count && pieces->eos < (int64_t)pieces->count)
        return QUERN_OK;
    return quern_fail(error, QUERN_EFORMAT, "%s: its post_processor puts tokens around a text that the model does not "
                      "have", pieces->tokenizer.path);
}

const struct quern_pieces_kind quern_byte_pieces = {
    .name = "gpt2",
    .type = "BPE",
    .parse = parse,
    .read = read_folder,
    .find_ids = find_ids,
};
