/* From a word to its pieces: of all sequences of pieces that spell a word behind a U+2581, the one with the greatest
 * sum of scores (Viterbi's algorithm). The sums are doubles, from the beginning of the word on. Of equal sums, the one
 * that is found first stays. Characters without a piece become the unknown piece, and one such piece stands for all
 * that follow each other. */
#include "text/unigram.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>

/* A search for the pieces that begin at a place. Next is the edge from a node with the character at place `at`. */
struct walk {
    struct quern_trie_edge *edge; /* where the edge may be */
    uint32_t node, start, at;
};

static int reserve_places(struct quern_unigram_tokenizer *t, size_t count, quern_error *error)
{
    if (count <= t->place_capacity)
        return QUERN_OK;
    free(t->places);
    t->places = count <= SIZE_MAX / sizeof *t->places ? malloc(count * sizeof *t->places) : NULL;
    t->place_capacity = t->places != NULL ? count : 0;
    return t->places != NULL ? QUERN_OK
                             : quern_fail(error, QUERN_ENOMEM, "no memory for words of %zu characters", count);
}

/* Reads the characters of a word, and returns how many places they have. A U+2581 is put before them, unless the word
 * begins with one. */
static size_t read_word(struct quern_unigram_place *places, const struct quern_new_word *word)
{
    const unsigned char *end = word->text + word->length;
    size_t count = 0, step;

    for (const unsigned char *p = word->text; p < end; p += step) {
        const uint32_t code = quern_trie_code(p, end, &step);
        if (count == 0 && code != QUERN_UNIGRAM_SPACE)
            places[count++] = (struct quern_unigram_place){-INFINITY, -1, 0, QUERN_UNIGRAM_SPACE, 0};
        places[count++] = (struct quern_unigram_place){-INFINITY, -1, 0, code, (uint32_t)(p - word->text)};
    }
    places[count++] = (struct quern_unigram_place){-INFINITY, -1, 0, QUERN_UNIGRAM_END, (uint32_t)word->length};
    places[0].score = 0;
    return count;
}

/* Finds the pieces that begin at places [first, end), at most QUERN_UNIGRAM_AT_ONCE, and sets heads[i] to the first
 * match at place first + i. All searches take a step in turn: while one waits for memory, the others go on. What is
 * found decides few branches, because a CPU cannot predict them. */
static void find_pieces(struct quern_unigram_tokenizer *t, const struct quern_unigram *v, size_t first, size_t end,
                        uint32_t *heads)
{
    const struct quern_unigram_place *places = t->places;
    struct walk walks[QUERN_UNIGRAM_AT_ONCE];
    uint32_t matches = 0;
    size_t count = 0;

    for (size_t i = first; i < end; i++) {
        walks[count] = (struct walk){quern_trie_place(&v->trie, 0, places[i].code), 0, (uint32_t)i, (uint32_t)i};
        count += places[i].code != QUERN_UNIGRAM_END;
        heads[i - first] = 0;
    }
    while (count > 0) {
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            const struct walk walk = walks[i];
            const struct quern_trie_edge *edge =
                quern_trie_find(&v->trie, walk.edge, walk.node, places[walk.at].code);
            const uint32_t next = places[walk.at + 1].code;
            uint32_t *head = &heads[walk.start - first];
            t->matches[matches + 1] = (struct quern_unigram_match){walk.at + 1, edge->piece - 1, *head};
            matches += edge->piece > 0;
            *head = edge->piece > 0 ? matches : *head;
            __builtin_prefetch(&v->scores[edge->piece > 0 ? edge->piece - 1 : 0]);
            walks[left] = (struct walk){quern_trie_place(&v->trie, edge->to, next), edge->to, walk.start, walk.at + 1};
            __builtin_prefetch(walks[left].edge);
            left += (next != QUERN_UNIGRAM_END) & quern_trie_goes_on(edge, next);
        }
        count = left;
    }
}

static inline void offer(struct quern_unigram_place *place, double score, int32_t id, size_t from)
{
    if (score > place->score) {
        place->score = score;
        place->id = id;
        place->from = (uint32_t)from;
    }
}

/* Finds the best way to each of so many places, word by word. */
static void find_paths(struct quern_unigram_tokenizer *t, const struct quern_unigram *v, size_t count)
{
    struct quern_unigram_place *places = t->places;
    uint32_t heads[QUERN_UNIGRAM_AT_ONCE];

    for (size_t i = 0; i < count; i++) {
        const size_t in_block = i % QUERN_UNIGRAM_AT_ONCE;
        if (in_block == 0)
            find_pieces(t, v, i, count - i < QUERN_UNIGRAM_AT_ONCE ? count : i + QUERN_UNIGRAM_AT_ONCE, heads);
        if (places[i].code == QUERN_UNIGRAM_END)
            continue;
        const double score = places[i].score;
        bool is_known = false; /* the character is a piece by itself */
        for (uint32_t k = heads[in_block]; k != 0; k = t->matches[k].next) {
            const struct quern_unigram_match *match = &t->matches[k];
            offer(&places[match->end], score + v->scores[match->id], match->id, i);
            is_known = match->end == i + 1; /* this match is the last one, as it was found first */
        }
        if (!is_known)
            offer(&places[i + 1], score + v->unknown_score, v->base.source.unknown, i);
    }
}

/* Turns the path between two places around: then `from` of each place on it is the next one. Returns the first one
 * behind `begin`. */
static size_t turn_path(struct quern_unigram_place *places, size_t begin, size_t end)
{
    size_t next = end;

    for (size_t i = end; i > begin;) {
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

/* Appends the ids of a word, whose places are [begin, last]. */
static int put_path(const struct quern_unigram_tokenizer *t, const struct quern_new_word *word, size_t begin,
                    size_t last, struct quern_ids *ids, quern_error *error)
{
    const int32_t unknown = t->base.vocabulary->source.unknown;
    struct quern_unigram_place *places = t->places;

    for (size_t end = turn_path(places, begin, last);; end = places[end].from) {
        const bool is_last = end == last;
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

    size_t characters = 0, place_count = 0, first = 0;

    for (size_t i = 0; i < count; i++)
        characters += words[i].length;
    QUERN_TRY(reserve_places(t, characters + 2 * count, error));
    for (size_t i = 0; i < count; i++)
        place_count += read_word(t->places + place_count, &words[i]);
    find_paths(t, v, place_count);
    for (size_t i = 0; i < count; i++) {
        size_t last = first;
        while (t->places[last].code != QUERN_UNIGRAM_END)
            last++;
        QUERN_TRY(put_path(t, &words[i], first, last, ids, error));
        ends[i] = ids->count;
        first = last + 1;
    }
    return QUERN_OK;
}
