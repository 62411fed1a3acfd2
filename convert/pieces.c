#include "pieces.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "sentencepiece.h"
#include "text/tokenizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_CONFIG (16u << 20)    /* bytes of tokenizer_config.json; that of EmbeddingGemma has 1.2 million */
#define MOST_TOKENIZER (64u << 20) /* bytes of tokenizer.json; 33 million */
#define SCORE_ADDED (-1000.0f)     /* the score of pieces that are not merged, as in published files */
#define SCORE_UNUSED (-10000.0f)

/* A text that no file holds in the form that is needed. */
struct quern_copy {
    struct quern_copy *next;
    char text[];
};

int quern_pieces_new(struct quern_pieces *pieces, size_t count, quern_error *error)
{
    *pieces = (struct quern_pieces){.count = count, .map = {.slot = -1}, .add_bos = true, .add_eos = true};
    pieces->texts = calloc(count + 1, sizeof *pieces->texts);
    pieces->scores = calloc(count + 1, sizeof *pieces->scores);
    pieces->kinds = calloc(count + 1, sizeof *pieces->kinds);
    if (pieces->texts != NULL && pieces->scores != NULL && pieces->kinds != NULL)
        return QUERN_OK;
    quern_pieces_free(pieces);
    return quern_fail(error, QUERN_ENOMEM, "no memory for %zu pieces", count);
}

void quern_pieces_free(struct quern_pieces *pieces)
{
    for (struct quern_copy *copy = pieces->copies, *next; copy != NULL; copy = next) {
        next = copy->next;
        free(copy);
    }
    free(pieces->texts);
    free(pieces->scores);
    free(pieces->kinds);
    quern_map_close(&pieces->map);
    quern_json_close(&pieces->tokenizer);
    quern_json_close(&pieces->config);
    *pieces = (struct quern_pieces){.map = {.slot = -1}};
}

void quern_pieces_set(struct quern_pieces *pieces, uint64_t id, quern_text text, float score, int32_t kind)
{
    if (id >= pieces->count)
        return;
    pieces->texts[id] = text;
    pieces->scores[id] = score;
    pieces->kinds[id] = kind;
}

/* Makes room for a text of up to length bytes, which lives as long as the pieces. NULL: no memory. */
static char *new_text(struct quern_pieces *pieces, size_t length)
{
    struct quern_copy *copy = malloc(sizeof *copy + length + 1);
    if (copy == NULL)
        return NULL;
    copy->next = pieces->copies;
    pieces->copies = copy;
    return copy->text;
}

/* ---------------------------------------------------------------- added pieces */

static bool begins(quern_text text, const char *with)
{
    return text.length >= strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

static bool ends(quern_text text, const char *with)
{
    size_t length = strlen(with);
    return text.length >= length && memcmp(text.data + text.length - length, with, length) == 0;
}

/* Whether no text should be able to spell a piece, whatever its file says. This is the rule that published files were
 * made by, together with the names of Gemma's turns and images. */
static bool looks_special(quern_text text)
{
    static const char *const names[] = {"<pad>", "<mask>", "<2mass>", "[@BOS@]", "<start_of_turn>", "<end_of_turn>",
                                        "<start_of_image>", "<end_of_image>"};
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        if (quern_text_is(text, names[i]))
            return true;
    return (begins(text, "<|") && ends(text, "|>")) || (begins(text, "<\uff5c") && ends(text, "\uff5c>")) ||
           (begins(text, "<unused") && ends(text, ">"));
}

int quern_pieces_set_added(struct quern_pieces *pieces, uint64_t id, quern_text text, bool special, quern_error *error)
{
    static const char blank[] = "\u2581";
    if (special || looks_special(text)) {
        quern_pieces_set(pieces, id, text, SCORE_ADDED, QUERN_PIECE_CONTROL);
        return QUERN_OK;
    }
    if (text.length >= 3 && memmem(text.data, text.length, blank, 3) != NULL) {
        char *spaced = new_text(pieces, text.length);
        size_t length = 0;
        if (spaced == NULL)
            return quern_fail(error, QUERN_ENOMEM, "no memory for the pieces");
        for (size_t i = 0; i < text.length;) {
            bool is_blank = text.length - i >= 3 && memcmp(text.data + i, blank, 3) == 0;
            spaced[length++] = is_blank ? ' ' : text.data[i];
            i += is_blank ? 3 : 1;
        }
        text = (quern_text){spaced, length};
    }
    quern_pieces_set(pieces, id, text, SCORE_ADDED, QUERN_PIECE_USER_DEFINED);
    return QUERN_OK;
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
        QUERN_TRY(quern_pieces_set_added(pieces, id, text, special, error));
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- the whole */

static int read_sentencepiece(struct quern_pieces *pieces, const char *path, quern_error *error)
{
    struct quern_sentencepiece model;
    QUERN_TRY(quern_map_open(&pieces->map, path, error));
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
    enum { LENGTH = 32 };
    for (size_t i = 0; i < pieces->count; i++) {
        if (pieces->kinds[i] != 0)
            continue;
        char *text = new_text(pieces, LENGTH);
        if (text == NULL)
            return quern_fail(error, QUERN_ENOMEM, "no memory for the pieces");
        int length = snprintf(text, LENGTH, "[PAD%zu]", i);
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

static int find_all_special(struct quern_pieces *pieces, quern_error *error)
{
    QUERN_TRY(find_special(pieces, "bos_token", "<bos>", false, &pieces->bos, error));
    QUERN_TRY(find_special(pieces, "eos_token", "<eos>", false, &pieces->eos, error));
    QUERN_TRY(find_special(pieces, "unk_token", "<unk>", false, &pieces->unknown, error));
    QUERN_TRY(find_special(pieces, "pad_token", "<pad>", true, &pieces->padding, error));
    QUERN_TRY(quern_json_get_bool(&pieces->config, pieces->config.root, "add_bos_token", &pieces->add_bos, error));
    return quern_json_get_bool(&pieces->config, pieces->config.root, "add_eos_token", &pieces->add_eos, error);
}

static int check(const struct quern_pieces *pieces, quern_error *error)
{
    struct quern_vocabulary *vocabulary;
    struct quern_vocabulary_source source = {
        .tokenizer = quern_tokenizer_kind_find(quern_text_of("llama")), .texts = pieces->texts,
        .scores = pieces->scores, .kinds = pieces->kinds, .count = pieces->count, .bos = pieces->bos,
        .eos = pieces->eos, .unknown = pieces->unknown, .add_bos = pieces->add_bos, .add_eos = pieces->add_eos,
        .add_space_prefix = pieces->add_space_prefix};
    QUERN_TRY(quern_vocabulary_new(&vocabulary, &source, error));
    quern_vocabulary_free(vocabulary);
    return quern_map_check(&pieces->map, error);
}

static int read_all(struct quern_pieces *pieces, const char *folder, quern_error *error)
{
    char *path = quern_path_join(folder, "tokenizer.model", error);
    if (path == NULL)
        return QUERN_ENOMEM;
    int code = quern_json_open(&pieces->config, folder, "tokenizer_config.json", JSON_OBJECT, MOST_CONFIG, true, error);
    if (code == QUERN_OK && access(path, F_OK) == 0) {
        code = read_sentencepiece(pieces, path, error);
    } else if (code == QUERN_OK) {
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
    QUERN_TRY(fill_up(pieces, error));
    QUERN_TRY(find_all_special(pieces, error));
    return check(pieces, error);
}

int quern_pieces_read(struct quern_pieces *pieces, const char *folder, size_t count, quern_error *error)
{
    QUERN_TRY(quern_pieces_new(pieces, count, error));
    int code = read_all(pieces, folder, error);
    if (code != QUERN_OK)
        quern_pieces_free(pieces);
    return code;
}
