/* What all kinds of vocabularies share. */
#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer_kind.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#define LONGEST_CHARACTER 4 /* bytes of a character, for which the unknown piece may stand */

/* ---------------------------------------------------------------- making one */

static int check_id(const struct quern_vocabulary_source *source, int32_t id, const char *name, quern_error *error)
{
    if (id >= -1 && (id < 0 || (size_t)id < source->count))
        return QUERN_OK;
    return quern_fail(error, QUERN_EFORMAT, "the id %d of the %s token is outside the vocabulary of %zu", (int)id, name,
                      source->count);
}

static int check_source(const struct quern_vocabulary_source *source, quern_error *error)
{
    if (source->count == 0 || source->count > INT32_MAX)
        return quern_fail(error, QUERN_EFORMAT, "a vocabulary of %zu pieces: it must have 1 to 2147483647",
                          source->count);
    QUERN_TRY(check_id(source, source->bos, "opening", error));
    QUERN_TRY(check_id(source, source->eos, "closing", error));
    QUERN_TRY(check_id(source, source->unknown, "unknown", error));
    for (size_t i = 0; i < source->count; i++) {
        if (source->texts[i].length == 0)
            return quern_fail(error, QUERN_EFORMAT, "piece %zu of the vocabulary has no text", i);
        if (source->kinds[i] < QUERN_PIECE_NORMAL || source->kinds[i] > QUERN_PIECE_BYTE)
            return quern_fail(error, QUERN_EFORMAT, "piece %zu of the vocabulary has the unknown kind %d", i,
                              (int)source->kinds[i]);
        if (source->tokenizer->uses_scores && !isfinite(source->scores[i]))
            return quern_fail(error, QUERN_EFORMAT, "the score of piece %zu of the vocabulary is not a number", i);
    }
    return QUERN_OK;
}

static int copy_source(struct quern_vocabulary *v, const struct quern_vocabulary_source *source, quern_error *error)
{
    const char *control = source->tokenizer->control_text;

    v->source = *source;
    v->source.bos = source->add_bos ? source->bos : -1;
    v->source.eos = source->add_eos ? source->eos : -1;
    v->source.kinds = NULL;
    v->kinds = malloc(source->count);
    if (v->kinds == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    v->longest_piece = LONGEST_CHARACTER;
    for (size_t i = 0; i < source->count; i++) {
        const bool is_control = control != NULL && quern_text_is(source->texts[i], control);
        v->kinds[i] = is_control ? QUERN_PIECE_CONTROL : (unsigned char)source->kinds[i];
        if (source->texts[i].length > v->longest_piece)
            v->longest_piece = source->texts[i].length;
    }
    return QUERN_OK;
}

static int build(struct quern_vocabulary *v, const struct quern_vocabulary_source *source, quern_error *error)
{
    QUERN_TRY(copy_source(v, source, error));
    QUERN_TRY(quern_special_build(&v->special, source, v->kinds, source->tokenizer->plain_spaces, error));
    QUERN_TRY(source->tokenizer->build(v, error));
    v->source.merges = NULL;
    return QUERN_OK;
}

int quern_vocabulary_new(struct quern_vocabulary **vocabulary, const struct quern_vocabulary_source *source,
                         quern_error *error)
{
    QUERN_TRY(check_source(source, error));
    struct quern_vocabulary *v = calloc(1, source->tokenizer->vocabulary_size);
    if (v == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary");
    int code = build(v, source, error);
    if (code != QUERN_OK) {
        quern_vocabulary_free(v);
        return code;
    }
    *vocabulary = v;
    return QUERN_OK;
}

void quern_vocabulary_free(struct quern_vocabulary *v)
{
    if (v == NULL)
        return;
    v->source.tokenizer->release_vocabulary(v);
    quern_special_free(&v->special);
    free(v->kinds);
    free(v);
}

/* ---------------------------------------------------------------- facts */

void quern_vocabulary_describe(const struct quern_vocabulary *v, quern_tokenizer_info *info)
{
    const size_t size = info->size;
    *info = (quern_tokenizer_info){
        .size = size,
        .kind = v->source.tokenizer->name,
        .vocabulary = (int)v->source.count,
        .bos = v->source.bos,
        .eos = v->source.eos,
        .unknown = v->source.unknown,
        .longest_piece = v->longest_piece < INT_MAX ? (int)v->longest_piece : INT_MAX,
        .puts_space = v->source.add_space_prefix,
    };
}

size_t quern_vocabulary_longest_piece(const struct quern_vocabulary *v)
{
    return v->longest_piece;
}

size_t quern_vocabulary_bytes(const struct quern_vocabulary *v)
{
    return v->source.tokenizer->vocabulary_size + v->source.count + quern_special_bytes(&v->special) +
           v->source.tokenizer->bytes(v);
}

quern_piece quern_vocabulary_piece(const struct quern_vocabulary *v, int32_t id)
{
    return (quern_piece){v->source.texts[id], v->kinds[id], v->source.scores != NULL ? v->source.scores[id] : 0};
}

int32_t quern_vocabulary_bos(const struct quern_vocabulary *v)
{
    return v->source.bos;
}

int32_t quern_vocabulary_eos(const struct quern_vocabulary *v)
{
    return v->source.eos;
}

/* ---------------------------------------------------------------- from ids to text */

/* Whether the text that follows a piece is tokenised together with it. Text that follows a special piece is
 * tokenised on its own, and may get a space in front. */
static bool is_ordinary(int kind)
{
    return kind != QUERN_PIECE_CONTROL && kind != QUERN_PIECE_USER_DEFINED;
}

/* Writes as much of the text of all ids as fits into out[room], and returns the length of all of it; SIZE_MAX: it
 * cannot be counted. */
static size_t write_text(const struct quern_vocabulary *v, const int32_t *ids, size_t count, unsigned flags, char *out,
                         size_t room)
{
    const bool skips_spaces = v->source.add_space_prefix && !(flags & QUERN_KEEP_SPACE);
    bool begins = true; /* the next ordinary piece begins a stretch of text */
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        const int kind = v->kinds[ids[i]];
        if ((flags & QUERN_NO_SPECIAL) && kind == QUERN_PIECE_CONTROL)
            continue;
        const bool skip_space = skips_spaces && begins && is_ordinary(kind);
        const size_t left = length < room ? room - length : 0;
        const size_t added =
            v->source.tokenizer->piece_text(v, ids[i], skip_space, left > 0 ? out + length : NULL, left);
        if (added >= SIZE_MAX - length)
            return SIZE_MAX;
        length += added;
        begins = !is_ordinary(kind);
    }
    return length;
}

int quern_vocabulary_detokenize(const struct quern_vocabulary *v, const int32_t *ids, size_t count, unsigned flags,
                                char *out, size_t capacity, size_t *length, quern_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= v->source.count)
            return quern_fail(error, QUERN_EINVAL, "token %d is outside the vocabulary of %zu", (int)ids[i],
                              v->source.count);
    *length = write_text(v, ids, count, flags, NULL, 0);
    if (*length > capacity)
        return quern_fail(error, QUERN_ETOOLONG, "the text of the tokens has %zu bytes, there is room for %zu", *length,
                          capacity);
    write_text(v, ids, count, flags, out, capacity);
    return QUERN_OK;
}
