/* From a word to its pieces: of all sequences of pieces that spell a word behind a U+2581, the one with the greatest
 * sum of scores (Viterbi's algorithm). The sums are doubles, from the beginning of the word on. Of equal sums, the one
 * that is found first stays. Characters without a piece become the unknown piece, and one such piece stands for all
 * that follow each other. */
#include "text/unigram.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>

static int reserve_places(struct quern_unigram_tokenizer *t, size_t count, quern_error *error)
{
    if (count <= t->place_count)
        return QUERN_OK;
    free(t->places);
    t->places = count <= SIZE_MAX / sizeof *t->places ? malloc(count * sizeof *t->places) : NULL;
    t->place_count = t->places != NULL ? count : 0;
    return t->places != NULL ? QUERN_OK : quern_fail(error, QUERN_ENOMEM, "no memory for a word of %zu bytes", count);
}

/* Reads the characters of a word, and returns how many there are. A U+2581 is put before them, unless the word begins
 * with one. */
static size_t read_word(struct quern_unigram_place *places, const unsigned char *word, size_t length)
{
    const unsigned char *end = word + length;
    size_t count = 0, step;
    uint32_t code;

    for (const unsigned char *p = word; p < end; p += step) {
        code = quern_trie_code(p, end, &step);
        if (count == 0 && code != QUERN_UNIGRAM_SPACE)
            places[count++] = (struct quern_unigram_place){-INFINITY, -1, 0, QUERN_UNIGRAM_SPACE, 0};
        places[count++] = (struct quern_unigram_place){-INFINITY, -1, 0, code, (uint32_t)(p - word)};
    }
    places[count] = (struct quern_unigram_place){-INFINITY, -1, 0, 0, (uint32_t)length};
    places[0].score = 0;
    return count;
}

static inline void offer(struct quern_unigram_place *place, double score, int32_t id, size_t from)
{
    if (score > place->score) {
        place->score = score;
        place->id = id;
        place->from = (uint32_t)from;
    }
}

/* Tries all pieces that begin at a place. */
static void try_pieces(const struct quern_unigram *v, struct quern_unigram_place *places, size_t first, size_t count)
{
    const double score = places[first].score;
    bool is_known = false; /* the character is a piece by itself */
    uint32_t node = 0;

    for (size_t i = first; i < count; i++) {
        const struct quern_trie_edge *edge = quern_trie_look_up(&v->trie, node, places[i].code);
        if (edge->piece > 0) {
            offer(&places[i + 1], score + v->scores[edge->piece - 1], edge->piece - 1, first);
            is_known = is_known || i == first;
        }
        node = edge->to;
        if (node == 0)
            break;
    }
    if (!is_known)
        offer(&places[first + 1], score + v->unknown_score, v->base.source.unknown, first);
}

/* Turns the path around: then `from` of each place on it is the next one. Returns the first one behind place 0. */
static size_t turn_path(struct quern_unigram_place *places, size_t count)
{
    size_t next = count;

    for (size_t i = count; i > 0;) {
        const size_t from = places[i].from;
        places[i].from = (uint32_t)next;
        next = i;
        i = from;
    }
    return next;
}

/* Appends the id of a piece that stands for the bytes [begin, end) of a word. */
static void put_piece(const struct quern_unigram_tokenizer *t, const unsigned char *word, size_t begin, size_t end,
                      int32_t id, struct quern_ids *ids)
{
    if (ids->spans == NULL) {
        quern_ids_put(ids, id);
        return;
    }
    const struct quern_unigram_origin *origins = t->origins + (word - t->normal);
    size_t first = origins[begin].begin, last = first;
    if (end > begin)
        last = origins[end - 1].end;
    else if (first < ids->end) /* a space within what replaces a character */
        first = last = ids->end;
    quern_ids_put_span(ids, id, ids->text + first, ids->text + last);
}

static int put_path(const struct quern_unigram_tokenizer *t, const struct quern_new_word *word, size_t count,
                    struct quern_ids *ids, quern_error *error)
{
    const int32_t unknown = t->base.vocabulary->source.unknown;
    struct quern_unigram_place *places = t->places;

    for (size_t begin = 0, end = turn_path(places, count);; end = places[end].from) {
        const bool is_last = end == count;
        if (places[end].id == unknown) {
            if (unknown < 0)
                return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no piece for the character U+%04X, and "
                                  "none for unknown characters", (unsigned)places[begin].code);
            if (!is_last && places[places[end].from].id == unknown)
                continue;
        }
        put_piece(t, word->text, places[begin].begin, places[end].begin, places[end].id, ids);
        if (is_last)
            return QUERN_OK;
        begin = end;
    }
}

int quern_unigram_merge(struct quern_tokenizer *base, const struct quern_new_word *words, size_t count, size_t *ends,
                        struct quern_ids *ids, quern_error *error)
{
    struct quern_unigram_tokenizer *t = (struct quern_unigram_tokenizer *)base;
    const struct quern_unigram *v = quern_unigram_of(base->vocabulary);

    for (size_t i = 0; i < count; i++) {
        QUERN_TRY(reserve_places(t, words[i].length + 2, error));
        const size_t characters = read_word(t->places, words[i].text, words[i].length);
        for (size_t k = 0; k < characters; k++)
            try_pieces(v, t->places, k, characters);
        QUERN_TRY(put_path(t, &words[i], characters, ids, error));
        ends[i] = ids->count;
    }
    return QUERN_OK;
}
