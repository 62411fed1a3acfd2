#include "pieces.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A text that had to be made, because no file holds it in the form that is needed. */
struct quern_copy {
    struct quern_copy *next;
    char text[];
};

int quern_pieces_new(struct quern_pieces *pieces, size_t count, quern_error *error)
{
    *pieces = (struct quern_pieces){
        .count = count, .map = {.slot = -1}, .add_bos = true, .add_eos = true, .most_tokens = INT_MAX,
        .bos = -1, .eos = -1, .unknown = -1, .padding = -1, .cls = -1, .separator = -1, .mask = -1};
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
    free(pieces->merges);
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

/* Whether spaces, in either spelling, stand beside other characters in a text. */
static bool mixes_spaces(quern_text text)
{
    size_t spaces = 0, rest = 0;
    for (size_t i = 0; i < text.length; i++) {
        const bool is_wide = text.length - i >= QUERN_METASPACE_LENGTH &&
                             memcmp(text.data + i, QUERN_METASPACE, QUERN_METASPACE_LENGTH) == 0;
        spaces += is_wide || text.data[i] == ' ';
        rest += !is_wide && text.data[i] != ' ';
        i += is_wide ? QUERN_METASPACE_LENGTH - 1 : 0;
    }
    return spaces > 0 && rest > 0;
}

int quern_pieces_check_added(const struct quern_json *json, const json_t *entry, quern_text text, quern_error *error)
{
    static const char *const flags[] = {"lstrip", "rstrip", "single_word", "normalized"};
    for (size_t i = 0; i < QUERN_COUNT(flags); i++) {
        bool flag = false;
        QUERN_TRY(quern_json_get_bool(json, entry, flags[i], &flag, error));
        if (flag && (strcmp(flags[i], "normalized") != 0 || mixes_spaces(text)))
            return quern_fail(error, QUERN_EUNSUPPORTED, "%s: the added token \"%.*s\" has %s, which quern does not "
                              "know", json->path, (int)(text.length < 32 ? text.length : 32), text.data, flags[i]);
    }
    return QUERN_OK;
}

char *quern_pieces_new_text(struct quern_pieces *pieces, size_t length)
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

/* Whether a text must not be able to spell this piece, whatever its file says. Published files were made by this rule,
 * together with the names of Gemma's turns and images. */
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
    static const char blank[] = QUERN_METASPACE;
    if (special || looks_special(text)) {
        quern_pieces_set(pieces, id, text, QUERN_SCORE_ADDED, QUERN_PIECE_CONTROL);
        return QUERN_OK;
    }
    if (text.length >= 3 && memmem(text.data, text.length, blank, 3) != NULL) {
        char *spaced = quern_pieces_new_text(pieces, text.length);
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
    quern_pieces_set(pieces, id, text, QUERN_SCORE_ADDED, QUERN_PIECE_USER_DEFINED);
    return QUERN_OK;
}
