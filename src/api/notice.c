/* What users must know of a model's file: what the files of the published model have, and this one lacks. */
#include "api/handles.h"

#include <stdio.h>
#include <string.h>

enum { MOST_LACKING = 4 };

/* Lists what the file lacks; returns how much that is. Without a tokenizer no text can be embedded, so then its
 * settings do not matter. */
static int list_lacking(const quern_model *model, const char *parts[MOST_LACKING])
{
    const struct quern_arch *arch = model->network.arch;
    quern_tokenizer_info tokenizer = {0};
    int count = 0;
    if (model->network.dense[0].rows == 0)
        parts[count++] = "the dense head";
    if (model->vocabulary == NULL)
        return count;
    quern_vocabulary_describe(model->vocabulary, &tokenizer);
    if (arch->opens_texts && tokenizer.bos < 0)
        parts[count++] = "a token that opens every text (tokenizer.ggml.add_bos_token)";
    if (arch->closes_texts && tokenizer.eos < 0)
        parts[count++] = "a token that closes every text (tokenizer.ggml.add_eos_token)";
    if (!arch->spaces_texts && tokenizer.puts_space)
        parts[count++] = "texts without a space before them (tokenizer.ggml.add_space_prefix)";
    return count;
}

/* Appends to the notice, as much as there is room for. */
static void append(quern_model *model, const char *text)
{
    const size_t length = strlen(model->notice);
    snprintf(model->notice + length, sizeof model->notice - length, "%s", text);
}

/* Begins another remark. */
static void begin_remark(quern_model *model, const char *text)
{
    if (model->notice[0] != '\0')
        append(model, "; ");
    append(model, text);
}

/* Says what the published files of this architecture have, and this one lacks. */
static void write_lacking(quern_model *model)
{
    const struct quern_arch *arch = model->network.arch;
    const char *parts[MOST_LACKING];
    char key[96];
    if (arch->caveat == NULL || !quern_prompts_exist(&model->prompts))
        return; /* not the published model */
    const int count = list_lacking(model, parts);
    for (int i = 0; i < count; i++) {
        if (i == 0)
            begin_remark(model, "this file lacks ");
        else
            append(model, i + 1 < count ? ", " : " and ");
        append(model, parts[i]);
    }
    if (count > 0) {
        append(model, ": ");
        append(model, arch->caveat);
    }
    snprintf(key, sizeof key, "%s.pooling_type", arch->name);
    if (quern_gguf_find(&model->gguf, key) == NULL) {
        begin_remark(model, count > 0 ? "it does not say how to pool (" : "this file does not say how to pool (");
        append(model, key);
        append(model, "): the mean of all tokens is taken");
    }
}

/* Says that nobody knows the prompts of this model. Without a tokenizer no text can be embedded anyway. */
static void write_unknown(quern_model *model)
{
    struct quern_known_facts facts;
    int count, listed = 0;
    const struct quern_known *all = quern_known_all(&count);
    if (model->vocabulary == NULL || quern_prompts_exist(&model->prompts) || model->prompts.from_file)
        return;
    begin_remark(model, "quern cannot tell which model this file is, and which prompts it wants: put the prompts "
                        "before the texts");
    quern_model_read_facts(model, &facts);
    for (int i = 0; i < count; i++)
        if (quern_known_fits(&all[i], &facts)) {
            append(model, listed++ == 0 ? ", or name the model (--as, quern_model_options.known) if it is one of those "
                                          "with this shape: " : ", ");
            append(model, all[i].name);
        }
}

/* Says what is assumed of a file with the tokenizer of XLM-R, where some converters have written less than they should,
 * or something wrong. */
static void write_assumed(quern_model *model)
{
    enum { ODD_CONTEXT = 511 };
    quern_tokenizer_info tokenizer = {0};
    if (model->vocabulary == NULL)
        return;
    quern_vocabulary_describe(model->vocabulary, &tokenizer);
    if (strcmp(tokenizer.kind, "unigram") != 0)
        return;
    if (quern_gguf_find(&model->gguf, "tokenizer.ggml.add_bos_token") == NULL ||
        quern_gguf_find(&model->gguf, "tokenizer.ggml.add_eos_token") == NULL)
        begin_remark(model, "this file does not say whether tokens open and close a text "
                            "(tokenizer.ggml.add_bos_token, add_eos_token): they do, as in the published models");
    if (model->network.shape.file_context == ODD_CONTEXT)
        begin_remark(model, "this file has 511 positions: its converter has probably left out the first one of 512, "
                            "and then its vectors are wrong, and you need another file of this model");
}

void quern_model_write_notice(quern_model *model, const char *asked)
{
    if (model->keeps_capitals)
        begin_remark(model, "this file does not say whether its tokenizer keeps capitals "
                            "(tokenizer.ggml.normalizer.lowercase): its vocabulary has pieces with capitals, so it "
                            "keeps capitals and accents");
    if (model->closes_anyway) {
        begin_remark(model, "this file does not say that ");
        append(model, model->network.arch->closing_piece);
        append(model, " closes every text (tokenizer.ggml.eos_token_id, add_eos_token): it does, as in the published "
                      "models");
    }
    write_assumed(model);
    write_lacking(model);
    if (model->known == NULL && asked == NULL)
        write_unknown(model);
}
