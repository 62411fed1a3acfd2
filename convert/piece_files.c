#include "piece_files.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "byte_pieces.h"
#include "gemma_pieces.h"
#include "text/tokenizer.h"
#include "tokenizer_config.h"
#include "tokenizer_json.h"
#include "unigram_pieces.h"
#include "wordpiece_pieces.h"

#include <stdio.h>
#include <string.h>

#define SCORE_UNUSED (-10000.0f) /* the score of pieces that fill gaps, as in published files */

static const struct quern_pieces_kind *const kinds[] = {&quern_pieces_of_gemma, &quern_pieces_of_gemma2,
                                                        &quern_wordpiece_pieces, &quern_unigram_pieces,
                                                        &quern_byte_pieces};

const struct quern_pieces_kind *const *quern_pieces_kinds(int *count)
{
    *count = QUERN_COUNT(kinds);
    return kinds;
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
        pieces->missing++;
    }
    return QUERN_OK;
}

static int check(const struct quern_pieces *pieces, quern_error *error)
{
    struct quern_vocabulary *vocabulary;
    struct quern_vocabulary_source source = {
        .tokenizer = quern_tokenizer_kind_find(quern_text_of(pieces->kind->name)), .texts = pieces->texts,
        .scores = pieces->scores, .kinds = pieces->kinds, .count = pieces->count, .bos = pieces->bos,
        .eos = pieces->eos, .unknown = pieces->unknown, .add_bos = pieces->add_bos, .add_eos = pieces->add_eos,
        .add_space_prefix = pieces->add_space_prefix, .merges = pieces->merges, .merge_count = pieces->merge_count,
        .charsmap = pieces->charsmap, .pre = pieces->pre != NULL ? quern_text_of(pieces->pre) : (quern_text){"", 0},
        .lowercase = pieces->lowercase,
        .strip_accents = pieces->strip_accents};
    QUERN_TRY(quern_vocabulary_new(&vocabulary, &source, error));
    quern_vocabulary_free(vocabulary);
    return quern_map_check(&pieces->map, error);
}

static const struct quern_pieces_kind *find_kind(const char *name)
{
    size_t i = 0;
    while (strcmp(kinds[i]->name, name) != 0)
        i++;
    return kinds[i];
}

/* Where there are two kinds, tokenizer.json tells which one it is. */
static int choose_kind(struct quern_pieces *pieces, const char *folder, const char *const names[2], quern_error *error)
{
    pieces->kind = find_kind(names[0]);
    if (names[1] == NULL)
        return QUERN_OK;
    QUERN_TRY(quern_tokenizer_json_open(pieces, folder, false, error));
    const struct quern_pieces_kind *second = find_kind(names[1]);
    if (quern_tokenizer_json_is(json_object_get(pieces->tokenizer.root, "model"), second->type))
        pieces->kind = second;
    return QUERN_OK;
}

static int read_all(struct quern_pieces *pieces, const char *folder, const char *const names[2], quern_error *error)
{
    QUERN_TRY(quern_tokenizer_config_open(pieces, folder, error));
    QUERN_TRY(choose_kind(pieces, folder, names, error));
    QUERN_TRY(pieces->kind->read(pieces, folder, error));
    QUERN_TRY(fill_up(pieces, error));
    QUERN_TRY(pieces->kind->find_ids(pieces, error));
    return check(pieces, error);
}

int quern_pieces_read(struct quern_pieces *pieces, const char *folder, const char *const names[2], size_t count,
                      quern_error *error)
{
    QUERN_TRY(quern_pieces_new(pieces, count, error));
    const int code = read_all(pieces, folder, names, error);
    if (code != QUERN_OK)
        quern_pieces_free(pieces);
    return code;
}
