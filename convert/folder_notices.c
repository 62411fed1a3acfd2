/* What a user must know of a folder that was converted. */
#include "base/count.h"
#include "folder.h"
#include "layout.h"

#include <stdio.h>

/* Published models have rows without a piece, to make their number round, but few. */
static void notice_missing(const struct quern_folder *folder, struct quern_convert_result *result)
{
    enum { ROUND_ROWS = 128, ONE_OF_ROWS = 32 };
    const struct quern_pieces *pieces = &folder->pieces;
    if (pieces->missing > ROUND_ROWS && pieces->missing > pieces->count / ONE_OF_ROWS)
        snprintf(result->notice, sizeof result->notice, "the tokenizer's files have %zu pieces, the model has rows for "
                 "%zu: if such a file is cut off, fetch it and convert again", pieces->count - pieces->missing,
                 pieces->count);
}

static void notice_ends(const struct quern_folder *folder, struct quern_convert_result *result)
{
    if (folder->pieces.overruled != NULL)
        snprintf(result->notice, sizeof result->notice, "%s of tokenizer_config.json says otherwise than the "
                 "post_processor of tokenizer.json, and counts: if it is wrong, correct it and convert again",
                 folder->pieces.overruled);
}

static void notice_head(const struct quern_folder *folder, struct quern_convert_result *result)
{
    const bool may_have_dense = folder->settings.layout->arch->tensors[QUERN_T_DENSE_2].name != NULL;
    if (may_have_dense && folder->settings.head_hidden == 0)
        snprintf(result->notice, sizeof result->notice, "modules.json names no dense layers: the file has no head, and "
                 "its vectors are not EmbeddingGemma's official ones");
}

static void notice_length(const struct quern_folder *folder, struct quern_convert_result *result)
{
    if (!folder->settings.normalizes)
        snprintf(result->notice, sizeof result->notice, "modules.json has no Normalize: the folder's own program "
                 "leaves the length of vectors as it is, and quern makes it 1 unless you say --no-normalize");
}

/* Some versions of transformers save half of the window plus 1, instead of the window. */
static void notice_window(const struct quern_folder *folder, struct quern_convert_result *result)
{
    int window = folder->settings.window;
    if (window % 2 != 0)
        snprintf(result->notice, sizeof result->notice, "sliding_window is %d, as some programs save a window of %d: "
                 "if config.json was written by one, correct it and convert again", window, 2 * (window - 1));
}

/* The file says how many tokens a text may have, and nothing of which end is cut. */
static void notice_cutting(const struct quern_folder *folder, struct quern_convert_result *result)
{
    const int most = folder->pieces.most_tokens, context = folder->settings.context;
    if (most < context)
        snprintf(result->notice, sizeof result->notice, "the tokenizer's files allow texts of %d tokens, config.json "
                 "%d: if the smaller number is meant, set max_seq_length in sentence_bert_config.json and convert "
                 "again", most, context);
    else if (folder->pieces.cuts_start)
        snprintf(result->notice, sizeof result->notice, "the tokenizer's files cut a text that is too long at its "
                 "start: ask for that when you embed (QUERN_TRUNCATE_START, \"truncate\": \"start\")");
}

/* What sentence-transformers does without being asked, and quern only when it is asked. */
static void notice_defaults(const struct quern_folder *folder, struct quern_convert_result *result)
{
    const char *name = json_string_value(json_object_get(folder->settings.prompts.root, "default_prompt_name"));
    const json_t *dimensions = json_object_get(folder->settings.prompts.root, "truncate_dim");
    if (name != NULL)
        snprintf(result->notice, sizeof result->notice, "config_sentence_transformers.json names \"%.40s\" as the "
                 "prompt of texts whose task nobody names; quern embeds such texts as they are: name the task (-t)",
                 name);
    else if (json_is_integer(dimensions))
        snprintf(result->notice, sizeof result->notice, "config_sentence_transformers.json cuts vectors to %lld "
                 "dimensions; quern does so when you ask for it (-d %lld)",
                 (long long)json_integer_value(dimensions), (long long)json_integer_value(dimensions));
}

/* SentencePiece, and so model files, know no token for such spaces. */
static void notice_spaces(const struct quern_folder *folder, struct quern_convert_result *result)
{
    if (folder->pieces.counts_spaces)
        snprintf(result->notice, sizeof result->notice, "by its tokenizer.json, spaces at the end of a text or after "
                 "another space have tokens of their own; in quern they have none, as in SentencePiece");
}

void quern_folder_give_notice(const struct quern_folder *folder, struct quern_convert_result *result)
{
    static void (*const notices[])(const struct quern_folder *, struct quern_convert_result *) = {
        notice_missing, notice_ends, notice_head, notice_length, notice_window, notice_cutting, notice_defaults,
        notice_spaces};
    for (size_t i = 0; i < QUERN_COUNT(notices) && result->notice[0] == '\0'; i++)
        notices[i](folder, result);
}
