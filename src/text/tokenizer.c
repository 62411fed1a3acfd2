/* A text is cut at its special pieces and at its runs of spaces; what lies between is cut into words, at places that no
 * merge can cross; and each word is merged on its own, or found in a cache of words. */
#include "text/tokenizer.h"

#include "base/error.h"
#include "text/merge.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- cache of words */

#define WORD_BYTES 32      /* of the longest word that is kept */
#define WORD_IDS 7         /* most ids of a word that is kept */
#define WORD_SETS_LOG2 14  /* 2 words each, 64 bytes a word: 2 MiB */

struct word {
    uint64_t text[WORD_BYTES / 8]; /* raw, filled up with zeros */
    unsigned char length;          /* 0: empty */
    unsigned char count;           /* of ids */
    int32_t ids[WORD_IDS];
};

struct quern_tokenizer {
    struct quern_merger merger; /* holds the vocabulary */
    struct word (*words)[2];    /* [1 << WORD_SETS_LOG2], the newer one first */
    unsigned char *text;        /* [text_capacity]: a byte to spare, the text, WORD_BYTES to spare */
    size_t text_capacity;
};

static uint64_t load64(const unsigned char *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* 1 <= length <= WORD_BYTES; text is readable for WORD_BYTES. */
static void load_word(uint64_t out[WORD_BYTES / 8], const unsigned char *text, size_t length)
{
    static const unsigned char mask[2 * WORD_BYTES] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

    for (size_t i = 0; i < WORD_BYTES / 8; i++)
        out[i] = load64(text + 8 * i) & load64(mask + WORD_BYTES - length + 8 * i);
}

static size_t word_set(const uint64_t text[WORD_BYTES / 8], size_t length)
{
    uint64_t hash = (text[0] ^ length) * 0x9e3779b97f4a7c15u + text[1] * 0xc2b2ae3d27d4eb4fu;

    hash += text[2] * 0x165667b19e3779f9u + text[3] * 0xd6e8feb86659fd93u;
    hash ^= hash >> 32;
    return (size_t)((hash * 0x9e3779b97f4a7c15u) >> (64 - WORD_SETS_LOG2));
}

static bool word_is(const struct word *word, const uint64_t text[WORD_BYTES / 8], size_t length)
{
    uint64_t difference = word->length ^ length;

    for (size_t i = 0; i < WORD_BYTES / 8; i++)
        difference |= word->text[i] ^ text[i];
    return difference == 0;
}

static void put_known(const struct word *word, struct quern_ids *ids)
{
    for (size_t i = 0; i < word->count; i++)
        quern_ids_put(ids, word->ids[i]);
}

/* Appends the ids of a word: text that no merge crosses the edges of. length >= 1 */
static int put_word(struct quern_tokenizer *t, const unsigned char *text, size_t length, struct quern_ids *ids,
                    quern_error *error)
{
    uint64_t key[WORD_BYTES / 8];

    if (length > WORD_BYTES)
        return quern_merger_run(&t->merger, text, length, ids, error);
    load_word(key, text, length);
    struct word *words = t->words[word_set(key, length)];
    for (int i = 0; i < 2; i++) {
        if (word_is(&words[i], key, length)) {
            put_known(&words[i], ids);
            return QUERN_OK;
        }
    }
    size_t first = ids->count;
    QUERN_TRY(quern_merger_run(&t->merger, text, length, ids, error));
    size_t count = ids->count - first;
    if (count <= WORD_IDS && ids->count <= ids->capacity) {
        words[1] = words[0];
        words[0].length = (unsigned char)length;
        words[0].count = (unsigned char)count;
        memcpy(words[0].text, key, sizeof key);
        memcpy(words[0].ids, ids->ids + first, count * sizeof *ids->ids);
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- text between special pieces */

static int put_fragment(struct quern_tokenizer *t, unsigned char *text, const unsigned char *end,
                        struct quern_ids *ids, quern_error *error)
{
    const struct quern_vocabulary *v = t->merger.vocabulary;
    uint32_t last = 0, code;

    if (text == end)
        return QUERN_OK;
    if (v->add_space_prefix)
        *--text = ' '; /* over the special piece before, which is done with, or the spare byte */
    const unsigned char *word = text;
    for (const unsigned char *p = text; p < end; last = code) {
        size_t length = quern_character(p, end, &code);
        if (p != word && !quern_pair_joins(v, last, code)) {
            QUERN_TRY(put_word(t, word, (size_t)(p - word), ids, error));
            word = p;
        }
        p += length;
    }
    return put_word(t, word, (size_t)(end - word), ids, error);
}

/* ---------------------------------------------------------------- texts */

/* Where a text is being cut. */
struct cut {
    unsigned char *fragment; /* begin of the text that is not put yet */
    unsigned char *run;      /* begin of the spaces in a row, spelled either way, that end here */
    size_t blanks;           /* how many these are */
};

/* Bytes of the space at p; 0 when there is none. */
static size_t blank_length(const unsigned char *p, const unsigned char *end)
{
    if (*p == ' ')
        return 1;
    return end - p >= QUERN_BLANK_LENGTH && memcmp(p, QUERN_BLANK, QUERN_BLANK_LENGTH) == 0 ? QUERN_BLANK_LENGTH : 0;
}

/* Puts the pieces of a run of spaces that is over, the longest first. What remains of the run is shorter than any
 * piece and belongs to the text that follows. */
static int put_run(struct quern_tokenizer *t, struct cut *cut, const unsigned char *end, struct quern_ids *ids,
                   quern_error *error)
{
    const struct quern_vocabulary *v = t->merger.vocabulary;

    if (cut->blanks >= v->shortest_run) {
        QUERN_TRY(put_fragment(t, cut->fragment, cut->run, ids, error));
        while (cut->blanks >= v->shortest_run) {
            const struct quern_run *run = &v->runs[cut->blanks < v->longest_run ? cut->blanks : v->longest_run];
            quern_ids_put(ids, run->id);
            for (uint32_t i = 0; i < run->length; i++)
                cut->run += blank_length(cut->run, end);
            cut->blanks -= run->length;
        }
        cut->fragment = cut->run;
    }
    cut->blanks = 0;
    return QUERN_OK;
}

static int put_text(struct quern_tokenizer *t, unsigned char *text, size_t length, bool special,
                    struct quern_ids *ids, quern_error *error)
{
    const struct quern_vocabulary *v = t->merger.vocabulary;
    struct cut cut = {text, text, 0};
    unsigned char *end = text + length;

    for (unsigned char *p = text; p < end;) {
        unsigned flags = v->leads[*p];
        if (!flags && !cut.blanks) {
            p++;
            continue;
        }
        int32_t id;
        size_t matched = flags & QUERN_LEADS_PIECE ? quern_trie_match(&v->trie, p, (size_t)(end - p), special, &id) : 0;
        size_t blank = flags & QUERN_LEADS_RUN && !matched ? blank_length(p, end) : 0;
        if (blank) {
            if (!cut.blanks++)
                cut.run = p;
            p += blank;
            continue;
        }
        if (cut.blanks)
            QUERN_TRY(put_run(t, &cut, end, ids, error));
        if (matched) {
            QUERN_TRY(put_fragment(t, cut.fragment, p, ids, error));
            quern_ids_put(ids, id);
            cut.fragment = p + matched;
        }
        p += matched ? matched : 1;
    }
    if (cut.blanks)
        QUERN_TRY(put_run(t, &cut, end, ids, error));
    return put_fragment(t, cut.fragment, end, ids, error);
}

/* Copies the parts one after the other into the tokenizer's own memory. */
static int join_parts(struct quern_tokenizer *t, const quern_text *parts, size_t part_count, size_t *length,
                      quern_error *error)
{
    *length = 0;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].length > INT32_MAX - *length)
            return quern_fail(error, QUERN_EINVAL, "a text of more than 2147483647 bytes cannot be tokenized");
        *length += parts[i].length;
    }
    size_t needed = 1 + *length + WORD_BYTES;
    if (needed > t->text_capacity) {
        free(t->text);
        t->text = malloc(needed);
        t->text_capacity = t->text ? needed : 0;
        if (!t->text)
            return quern_fail(error, QUERN_ENOMEM, "no memory to tokenize a text of %zu bytes", *length);
    }
    unsigned char *out = t->text + 1;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].length)
            memcpy(out, parts[i].data, parts[i].length);
        out += parts[i].length;
    }
    return QUERN_OK;
}

int quern_tokenizer_run(struct quern_tokenizer *t, const quern_text *parts, size_t part_count, unsigned flags,
                        int32_t *ids, size_t capacity, size_t *count, quern_error *error)
{
    const struct quern_vocabulary *v = t->merger.vocabulary;
    struct quern_ids out = {ids, capacity, 0};
    size_t length;

    QUERN_TRY(join_parts(t, parts, part_count, &length, error));
    if (v->bos >= 0 && !(flags & QUERN_NO_SPECIAL))
        quern_ids_put(&out, v->bos);
    QUERN_TRY(put_text(t, t->text + 1, length, (flags & QUERN_PARSE_SPECIAL) != 0, &out, error));
    if (v->eos >= 0 && !(flags & QUERN_NO_SPECIAL))
        quern_ids_put(&out, v->eos);
    *count = out.count;
    return QUERN_OK;
}

int quern_tokenizer_new(struct quern_tokenizer **tokenizer, const struct quern_vocabulary *vocabulary,
                        quern_error *error)
{
    struct quern_tokenizer *t = calloc(1, sizeof *t);

    if (t)
        t->words = calloc((size_t)1 << WORD_SETS_LOG2, sizeof *t->words);
    if (!t || !t->words) {
        free(t);
        return quern_fail(error, QUERN_ENOMEM, "no memory for a tokenizer");
    }
    t->merger.vocabulary = vocabulary;
    *tokenizer = t;
    return QUERN_OK;
}

void quern_tokenizer_free(struct quern_tokenizer *t)
{
    if (!t)
        return;
    quern_merger_release(&t->merger);
    free(t->words);
    free(t->text);
    free(t);
}
