/* A text is cut at its special pieces and at its runs of spaces; what lies between is cut into words, at places that no
 * merge can cross; and each word is merged on its own, or found in a cache of words. */
#include "text/tokenizer.h"

#include "base/error.h"
#include "text/merge.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- cache of words */

#define WORD_BYTES 30     /* of the longest word that is kept */
#define WORD_IDS 8        /* most ids of a word that is kept */
#define WORD_SLOTS_LOG2 14 /* 16384 words, 1 MiB */

struct word {
    unsigned char text[WORD_BYTES]; /* raw, filled up with zeros */
    unsigned char length;           /* 0: empty */
    unsigned char count;            /* of ids */
    int32_t ids[WORD_IDS];
};

/* A word as it is compared: text and length as in struct word, count zero. */
struct word_key {
    uint64_t parts[4];
};

#define TEXT_SLACK sizeof(struct word_key) /* readable bytes after a text */

struct quern_tokenizer {
    struct quern_merger merger; /* holds the vocabulary */
    struct word *words;         /* [1 << WORD_SLOTS_LOG2] */
    unsigned char *text;        /* [text_capacity]: one byte to spare, the text, TEXT_SLACK bytes to spare */
    size_t text_capacity;
};

/* text: readable for TEXT_SLACK bytes. 1 <= length <= WORD_BYTES */
static struct word_key make_key(const unsigned char *text, size_t length)
{
    struct word_key key = {{0}};
    memcpy(&key, text, length);
    ((unsigned char *)&key)[WORD_BYTES] = (unsigned char)length;
    return key;
}

static size_t key_slot(const struct word_key *key)
{
    uint64_t hash = key->parts[0] * 0x9e3779b97f4a7c15u + key->parts[1] * 0xc2b2ae3d27d4eb4fu;

    hash += key->parts[2] * 0x165667b19e3779f9u + key->parts[3] * 0xd6e8feb86659fd93u;
    hash ^= hash >> 32;
    return (size_t)((hash * 0x9e3779b97f4a7c15u) >> (64 - WORD_SLOTS_LOG2));
}

static bool word_is(const struct word *word, const struct word_key *key)
{
    struct word_key other;

    memcpy(&other, word, sizeof other);
    ((unsigned char *)&other)[WORD_BYTES + 1] = 0;
    return memcmp(&other, key, sizeof other) == 0;
}

/* Appends the ids of a word: text that no merge crosses the edges of. */
static int put_word(struct quern_tokenizer *t, const unsigned char *text, size_t length, struct quern_ids *ids,
                    quern_error *error)
{
    if (length == 0)
        return QUERN_OK;
    if (length > WORD_BYTES)
        return quern_merger_run(&t->merger, text, length, ids, error);

    struct word_key key = make_key(text, length);
    struct word *word = &t->words[key_slot(&key)];
    if (word_is(word, &key)) {
        for (size_t i = 0; i < word->count; i++)
            quern_ids_put(ids, word->ids[i]);
        return QUERN_OK;
    }
    size_t first = ids->count;
    QUERN_TRY(quern_merger_run(&t->merger, text, length, ids, error));
    size_t count = ids->count - first;
    if (count <= WORD_IDS && ids->count <= ids->capacity) {
        memcpy(word, &key, sizeof key);
        word->count = (unsigned char)count;
        memcpy(word->ids, ids->ids + first, count * sizeof *word->ids);
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
        if (!v->starts[*p] && !cut.blanks) {
            p++;
            continue;
        }
        int32_t id;
        size_t matched = quern_trie_match(&v->trie, p, (size_t)(end - p), special, &id);
        size_t blank = !matched && v->longest_run ? blank_length(p, end) : 0;
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
    size_t needed = 1 + *length + TEXT_SLACK;
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
        t->words = calloc((size_t)1 << WORD_SLOTS_LOG2, sizeof *t->words);
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
