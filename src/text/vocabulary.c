#include "text/vocabulary.h"

#include "base/error.h"
#include "base/pages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- pieces by text */

/* Little-endian everywhere; compilers make one load of it. */
static uint64_t load32(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static uint64_t load64(const unsigned char *p)
{
    return load32(p) | load32(p + 4) << 32;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* What struct quern_slot says. Reads nothing beyond the text. length >= 1. */
static uint64_t make_key(const struct quern_vocabulary *v, const unsigned char *text, size_t length)
{
    size_t last = length - 1, middle = length / 2;
    uint64_t key = (uint64_t)length << 56, hash = v->seed ^ length;

    if (length < 4) /* the three may be the same byte at the same place */
        return key | text[0] | (uint64_t)text[middle] << 8 * middle | (uint64_t)text[last] << 8 * last;
    if (length < 8)
        return key | load32(text) | load32(text + length - 4) << 8 * (length - 4);
    for (size_t i = 0; i + 8 < length; i += 8)
        hash = mix(hash, load64(text + i));
    return mix(hash, load64(text + length - 8)) | (uint64_t)255 << 56;
}

static bool is_text(const quern_text *piece, const unsigned char *text, size_t length)
{
    return piece->length == length && memcmp(piece->data, text, length) == 0;
}

/* The slot of the piece with this text, or the empty one where it belongs. */
static struct quern_slot *find_slot(const struct quern_vocabulary *v, const unsigned char *text, size_t length)
{
    uint64_t key = make_key(v, text, length);
    size_t i = (size_t)mix(mix(key, v->seed), v->seed);

    for (;; i++) {
        struct quern_slot *slot = &v->slots[i & v->slot_mask];
        if (slot->number == 0)
            return slot;
        if (slot->key == key && (length < 8 || is_text(&v->texts[slot->number - 1], text, length)))
            return slot;
    }
}

int32_t quern_vocabulary_find(const struct quern_vocabulary *v, const unsigned char *text, size_t length)
{
    return (int32_t)find_slot(v, text, length)->number - 1;
}

int32_t quern_vocabulary_find_plain(const struct quern_vocabulary *v, const unsigned char *text, size_t length,
                                    uint32_t *rank)
{
    const struct quern_slot *slot = find_slot(v, text, length);

    *rank = slot->rank;
    return slot->number && slot->rank != QUERN_NO_RANK ? (int32_t)slot->number - 1 : -1;
}

/* Pieces that merging can give, and that single characters can be. */
static bool is_plain(int kind)
{
    return kind == QUERN_PIECE_NORMAL || kind == QUERN_PIECE_USER_DEFINED || kind == QUERN_PIECE_UNUSED;
}

/* Orders finite scores as integers, the best first. Adding zero turns -0 into +0. */
static uint32_t rank_of(float score)
{
    uint32_t bits;

    score += 0.0f;
    memcpy(&bits, &score, sizeof bits);
    return bits >> 31 ? bits : ~bits & 0x7fffffff;
}

/* ---------------------------------------------------------------- building */

static const unsigned char *text_begin(const quern_text *text)
{
    return (const unsigned char *)text->data;
}

/* How many blanks a piece is, spelled as spaces (so GGUF converters spell user-defined pieces) or as U+2581; 0 when it
 * is anything else. */
static size_t count_blanks(const quern_text *text)
{
    const unsigned char *p = text_begin(text), *end = p + text->length;
    size_t blanks = 0;
    uint32_t code;

    for (; p < end; blanks++) {
        p += quern_character(p, end, &code);
        if (code != ' ')
            return 0;
    }
    return blanks;
}

static int check_source(const struct quern_vocabulary_source *s, quern_error *error)
{
    const int32_t specials[] = {s->bos, s->eos, s->unknown};

    if (s->count == 0 || s->count > INT32_MAX)
        return quern_fail(error, QUERN_EFORMAT, "a vocabulary of %zu pieces: it must have 1 to 2147483647", s->count);
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
        if (specials[i] < -1 || (specials[i] >= 0 && (size_t)specials[i] >= s->count))
            return quern_fail(error, QUERN_EFORMAT, "the id %d of the %s token is outside the vocabulary of %zu",
                              (int)specials[i], i == 0 ? "opening" : i == 1 ? "closing" : "unknown", s->count);
    for (size_t i = 0; i < s->count; i++) {
        if (s->texts[i].length == 0)
            return quern_fail(error, QUERN_EFORMAT, "piece %zu of the vocabulary has no text", i);
        if (s->kinds[i] < QUERN_PIECE_NORMAL || s->kinds[i] > QUERN_PIECE_BYTE)
            return quern_fail(error, QUERN_EFORMAT, "piece %zu of the vocabulary has the unknown kind %d", i,
                              (int)s->kinds[i]);
        if (!isfinite(s->scores[i]))
            return quern_fail(error, QUERN_EFORMAT, "the score of piece %zu of the vocabulary is not a number", i);
    }
    return QUERN_OK;
}

static int build_slots(struct quern_vocabulary *v, quern_error *error)
{
    size_t slots = 2;

    while (slots / 2 < v->count)
        slots *= 2;
    v->slots = quern_pages_take(slots * sizeof *v->slots, error);
    if (!v->slots)
        return QUERN_ENOMEM;
    v->slot_mask = slots - 1;
    v->seed = mix((uintptr_t)v->slots, 0); /* which cannot be foreseen by who writes a file */
    for (size_t i = 0; i < v->count; i++) {
        const unsigned char *text = text_begin(&v->texts[i]);
        struct quern_slot *slot = find_slot(v, text, v->texts[i].length);
        if (slot->number)
            return quern_fail(error, QUERN_EFORMAT, "pieces %zu and %zu of the vocabulary have the same text",
                              (size_t)slot->number - 1, i);
        *slot = (struct quern_slot){make_key(v, text, v->texts[i].length), (uint32_t)i + 1,
                                    is_plain(v->kinds[i]) ? rank_of(v->scores[i]) : QUERN_NO_RANK};
    }
    return QUERN_OK;
}

static int build_pairs(struct quern_vocabulary *v, quern_error *error)
{
    v->pairs = calloc(QUERN_PAIR_WORDS, sizeof *v->pairs);
    if (!v->pairs)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", v->count);
    for (size_t i = 0; i < v->count; i++) {
        const unsigned char *p = text_begin(&v->texts[i]), *end = p + v->texts[i].length;
        uint32_t left, right;
        if (!is_plain(v->kinds[i]))
            continue;
        if (v->texts[i].length > v->longest)
            v->longest = v->texts[i].length;
        for (p += quern_character(p, end, &left); p < end; left = right) {
            p += quern_character(p, end, &right);
            uint32_t bit = quern_pair_bit(left, right);
            v->pairs[bit / 32] |= 1u << (bit % 32);
        }
    }
    return QUERN_OK;
}

/* Adds a piece by its text or, when it is a run of blanks, spelled in U+2581: so it is matched on the raw text in the
 * published tokenizer, before spaces become U+2581. What is left of U+2581 then counts as a space in v->runs. */
static void add_to_trie(struct quern_vocabulary *v, int32_t id, bool always, size_t blanks)
{
    const unsigned char *text = (const unsigned char *)(blanks ? QUERN_BLANK : v->texts[id].data);
    size_t length = blanks ? QUERN_BLANK_LENGTH : v->texts[id].length;
    uint32_t node = 0;

    for (size_t repeat = blanks ? blanks : 1; repeat > 0; repeat--)
        for (size_t i = 0; i < length; i++)
            node = quern_trie_step(&v->trie, node, text[i]);
    quern_trie_end(&v->trie, node, id, always);
    v->leads[text[0]] |= QUERN_LEADS_PIECE;
}

static int build_trie(struct quern_vocabulary *v, quern_error *error)
{
    size_t capacity = 1;

    for (size_t i = 0; i < v->count; i++) {
        int kind = v->kinds[i];
        if (kind != QUERN_PIECE_USER_DEFINED && kind != QUERN_PIECE_CONTROL && kind != QUERN_PIECE_UNKNOWN)
            continue;
        size_t room = v->texts[i].length;
        if (room > (UINT32_MAX - capacity) / QUERN_BLANK_LENGTH)
            return quern_fail(error, QUERN_EFORMAT, "the special pieces of the vocabulary take more than 1 GiB");
        capacity += room * QUERN_BLANK_LENGTH;
    }
    QUERN_TRY(quern_trie_new(&v->trie, capacity, error));
    for (size_t i = 0; i < v->count; i++) {
        bool user_defined = v->kinds[i] == QUERN_PIECE_USER_DEFINED;
        if (user_defined)
            add_to_trie(v, (int32_t)i, true, count_blanks(&v->texts[i]));
        else if (v->kinds[i] == QUERN_PIECE_CONTROL || v->kinds[i] == QUERN_PIECE_UNKNOWN)
            add_to_trie(v, (int32_t)i, false, 0);
    }
    quern_trie_finish(&v->trie);
    return QUERN_OK;
}

static int build_runs(struct quern_vocabulary *v, quern_error *error)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < v->count; i++) {
            size_t blanks = v->kinds[i] == QUERN_PIECE_USER_DEFINED ? count_blanks(&v->texts[i]) : 0;
            if (blanks > v->longest_run)
                v->longest_run = blanks;
            if (pass == 1 && blanks && !v->runs[blanks].length)
                v->runs[blanks] = (struct quern_run){(int32_t)i, (uint32_t)blanks};
        }
        if (pass == 0) {
            if (v->longest_run >= UINT32_MAX / sizeof *v->runs)
                return quern_fail(error, QUERN_EFORMAT, "a piece of %zu spaces is too long", v->longest_run);
            v->runs = calloc(v->longest_run + 1, sizeof *v->runs);
            if (!v->runs)
                return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", v->count);
        }
    }
    for (size_t n = 1; n <= v->longest_run; n++) {
        if (!v->runs[n].length)
            v->runs[n] = v->runs[n - 1];
        else if (!v->shortest_run)
            v->shortest_run = n;
    }
    if (v->longest_run) {
        v->leads[' '] |= QUERN_LEADS_RUN;
        v->leads[(unsigned char)QUERN_BLANK[0]] |= QUERN_LEADS_RUN;
    }
    return QUERN_OK;
}

static void find_bytes(struct quern_vocabulary *v)
{
    static const char digits[] = "0123456789ABCDEF";

    for (int byte = 0; byte < 256; byte++) {
        unsigned char raw = (unsigned char)byte;
        uint32_t rank;
        unsigned char spelled[6] = {'<', '0', 'x', (unsigned char)digits[byte >> 4], (unsigned char)digits[byte & 15],
                                    '>'};
        v->bytes[byte] = quern_vocabulary_find(v, spelled, sizeof spelled);
        if (v->bytes[byte] < 0)
            v->bytes[byte] = quern_vocabulary_find_plain(v, &raw, 1, &rank);
    }
}

static int build(struct quern_vocabulary *v, const struct quern_vocabulary_source *source, quern_error *error)
{
    v->texts = source->texts;
    v->scores = source->scores;
    v->count = source->count;
    v->bos = source->add_bos ? source->bos : -1;
    v->eos = source->add_eos ? source->eos : -1;
    v->unknown = source->unknown;
    v->add_space_prefix = source->add_space_prefix;
    v->kinds = malloc(v->count);
    if (!v->kinds)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", v->count);
    for (size_t i = 0; i < v->count; i++)
        v->kinds[i] = (unsigned char)source->kinds[i];
    QUERN_TRY(build_slots(v, error));
    QUERN_TRY(build_pairs(v, error));
    QUERN_TRY(build_runs(v, error));
    QUERN_TRY(build_trie(v, error));
    find_bytes(v);
    return QUERN_OK;
}

int quern_vocabulary_new(struct quern_vocabulary **vocabulary, const struct quern_vocabulary_source *source,
                         quern_error *error)
{
    QUERN_TRY(check_source(source, error));
    struct quern_vocabulary *v = calloc(1, sizeof *v);
    if (!v)
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
    if (!v)
        return;
    quern_trie_free(&v->trie);
    free(v->runs);
    free(v->pairs);
    quern_pages_release(v->slots, (v->slot_mask + 1) * sizeof *v->slots);
    free(v->kinds);
    free(v);
}

/* ---------------------------------------------------------------- questions */

size_t quern_vocabulary_count(const struct quern_vocabulary *v)
{
    return v->count;
}

size_t quern_vocabulary_bytes(const struct quern_vocabulary *v)
{
    return sizeof *v + v->count + (v->slot_mask + 1) * sizeof *v->slots + QUERN_PAIR_WORDS * sizeof *v->pairs +
           (v->longest_run + 1) * sizeof *v->runs + v->trie.count * sizeof *v->trie.nodes;
}

quern_piece quern_vocabulary_piece(const struct quern_vocabulary *v, int32_t id)
{
    return (quern_piece){v->texts[id], v->kinds[id], v->scores[id]};
}

int32_t quern_vocabulary_bos(const struct quern_vocabulary *v)
{
    return v->bos;
}

int32_t quern_vocabulary_eos(const struct quern_vocabulary *v)
{
    return v->eos;
}

int32_t quern_vocabulary_unknown(const struct quern_vocabulary *v)
{
    return v->unknown;
}

bool quern_vocabulary_puts_space(const struct quern_vocabulary *v)
{
    return v->add_space_prefix;
}
