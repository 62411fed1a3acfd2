/* What all kinds of tokenizers share: a text is cut at its special pieces, and the kind tokenises what lies between. */
#include "text/tokenizer.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer_kind.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- kinds */

static const struct quern_tokenizer_kind *const kinds[] = {&quern_sentencepiece_bpe_kind, &quern_character_bpe_kind,
                                                           &quern_byte_bpe_kind, &quern_unigram_kind,
                                                           &quern_wordpiece_kind};

const struct quern_tokenizer_kind *quern_tokenizer_kind_find(quern_text name)
{
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++)
        if (quern_text_is(name, kinds[i]->gguf_name))
            return kinds[i];
    return NULL;
}

bool quern_tokenizer_uses_scores(const struct quern_tokenizer_kind *kind)
{
    return kind->uses_scores;
}

bool quern_tokenizer_uses_charsmap(const struct quern_tokenizer_kind *kind)
{
    return kind->uses_charsmap;
}

bool quern_tokenizer_uses_merges(const struct quern_tokenizer_kind *kind)
{
    return kind->uses_merges;
}

bool quern_tokenizer_uses_pre(const struct quern_tokenizer_kind *kind)
{
    return kind->takes != NULL;
}

bool quern_tokenizer_takes(const struct quern_tokenizer_kind *kind, quern_text pre)
{
    return kind->takes == NULL || kind->takes(pre);
}

bool quern_tokenizer_always_encloses(const struct quern_tokenizer_kind *kind)
{
    return kind->always_encloses;
}

bool quern_tokenizer_uses_case(const struct quern_tokenizer_kind *kind)
{
    return kind->uses_case;
}

struct quern_vocabulary_source quern_tokenizer_defaults(const struct quern_tokenizer_kind *kind)
{
    return kind->defaults;
}

/* ---------------------------------------------------------------- special pieces */

/* How far a text has been cut. */
struct cut {
    unsigned char *rest; /* the part of the text that has no ids yet */
    unsigned char *run;  /* the first of the spaces in a row that end where the text is read now */
    size_t spaces;       /* how many these are */
};

static int put_stretch(struct quern_tokenizer *t, unsigned char *text, const unsigned char *end,
                       struct quern_ids *ids, quern_error *error)
{
    return text < end ? t->vocabulary->source.tokenizer->split(t, text, end, ids, error) : QUERN_OK;
}

/* Puts the pieces of a run of spaces that is over, the longest piece first. What remains of the run is shorter than any
 * piece, and belongs to the text that follows. */
static int put_run(struct quern_tokenizer *t, struct cut *cut, const unsigned char *end, struct quern_ids *ids,
                   quern_error *error)
{
    const struct quern_special *special = &t->vocabulary->special;

    if (cut->spaces >= special->shortest_run) {
        QUERN_TRY(put_stretch(t, cut->rest, cut->run, ids, error));
        while (cut->spaces >= special->shortest_run) {
            const struct quern_run *run =
                &special->runs[cut->spaces < special->longest_run ? cut->spaces : special->longest_run];
            const unsigned char *begin = cut->run;
            for (uint32_t i = 0; i < run->length; i++)
                cut->run += quern_space_length(cut->run, end);
            QUERN_TRY(quern_tokenizer_put_id(t, run->id, begin, cut->run, ids, error));
            cut->spaces -= run->length;
        }
        cut->rest = cut->run;
    }
    cut->spaces = 0;
    return QUERN_OK;
}

/* Goes to the first byte that a special piece may begin with, or to the end. The byte at `end` is readable. */
static unsigned char *skip_plain(const struct quern_special *special, unsigned char *p, const unsigned char *end)
{
    unsigned found = 0;

    for (; end - p >= 8; p += 8) {
        for (size_t i = 0; i < 8; i++)
            found |= quern_special_leads(special, p + i);
        if (found != 0)
            break;
    }
    while (p < end && quern_special_leads(special, p) == 0)
        p++;
    return p;
}

static int put_text(struct quern_tokenizer *t, unsigned char *text, size_t length, bool parse_special,
                    struct quern_ids *ids, quern_error *error)
{
    const struct quern_special *special = &t->vocabulary->special;
    struct cut cut = {text, text, 0};
    unsigned char *end = text + length;

    for (unsigned char *p = text; p < end;) {
        if (cut.spaces == 0 && (p = skip_plain(special, p, end)) == end)
            break;
        int32_t id;
        size_t matched = quern_special_leads(special, p) & QUERN_LEADS_PIECE
                             ? quern_trie_match(&special->trie, p, (size_t)(end - p), parse_special, &id)
                             : 0;
        size_t space = special->longest_run > 0 && matched == 0 ? quern_space_length(p, end) : 0;
        if (space > 0) {
            if (cut.spaces++ == 0)
                cut.run = p;
            p += space;
            continue;
        }
        if (cut.spaces > 0)
            QUERN_TRY(put_run(t, &cut, end, ids, error));
        if (matched > 0) {
            QUERN_TRY(put_stretch(t, cut.rest, p, ids, error));
            QUERN_TRY(quern_tokenizer_put_id(t, id, p, p + matched, ids, error));
            cut.rest = p + matched;
        }
        p += matched > 0 ? matched : 1;
    }
    if (cut.spaces > 0)
        QUERN_TRY(put_run(t, &cut, end, ids, error));
    return put_stretch(t, cut.rest, end, ids, error);
}

/* ---------------------------------------------------------------- texts */

/* Copies the parts one behind the other into the tokenizer's own memory. */
static int join_parts(struct quern_tokenizer *t, const quern_text *parts, size_t part_count, size_t *length,
                      quern_error *error)
{
    *length = 0;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].length > INT32_MAX - *length)
            return quern_fail(error, QUERN_EINVAL, "a text of more than 2147483647 bytes cannot be tokenised");
        *length += parts[i].length;
    }
    size_t needed = 1 + *length + QUERN_WORD_SLACK;
    if (needed > t->text_capacity) {
        free(t->text);
        t->text = malloc(needed);
        t->text_capacity = t->text != NULL ? needed : 0;
        if (t->text == NULL)
            return quern_fail(error, QUERN_ENOMEM, "no memory to tokenise a text of %zu bytes", *length);
    }
    unsigned char *out = t->text + 1;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].length > 0)
            memcpy(out, parts[i].data, parts[i].length);
        out += parts[i].length;
    }
    memset(out, 0, QUERN_WORD_SLACK);
    return QUERN_OK;
}

/* Puts the ids of a text, and their spans if ids has spans. */
static int run(struct quern_tokenizer *t, const quern_text *parts, size_t part_count, unsigned flags,
               struct quern_ids *ids, quern_error *error)
{
    const struct quern_vocabulary_source *v = &t->vocabulary->source;
    size_t length;

    QUERN_TRY(join_parts(t, parts, part_count, &length, error));
    ids->text = t->text + 1;
    t->waiting.count = 0;
    if (v->bos >= 0 && !(flags & QUERN_NO_SPECIAL))
        quern_ids_put_added(ids, v->bos);
    QUERN_TRY(put_text(t, t->text + 1, length, (flags & QUERN_PARSE_SPECIAL) != 0, ids, error));
    QUERN_TRY(quern_tokenizer_flush(t, ids, error));
    const bool is_closed = v->closes_once && ids->count > 0 && ids->last == v->eos;
    if (v->eos >= 0 && !(flags & QUERN_NO_SPECIAL) && !is_closed)
        quern_ids_put_added(ids, v->eos);
    return QUERN_OK;
}

int quern_tokenizer_run(struct quern_tokenizer *t, const quern_text *parts, size_t part_count, unsigned flags,
                        int32_t *ids, size_t capacity, size_t *count, quern_error *error)
{
    struct quern_ids out = {.ids = ids, .capacity = capacity};

    QUERN_TRY(run(t, parts, part_count, flags, &out, error));
    *count = out.count;
    return QUERN_OK;
}

/* Turns a span of the whole text into one of its prompt or of what follows the prompt. */
static void place_span(quern_token_span *span, size_t prompt_length)
{
    if (span->part == QUERN_PART_ADDED)
        return;
    span->part = span->end > prompt_length || span->begin >= prompt_length ? QUERN_PART_TEXT : QUERN_PART_PROMPT;
    if (span->part == QUERN_PART_PROMPT)
        return;
    span->begin = span->begin > prompt_length ? span->begin - prompt_length : 0;
    span->end -= prompt_length;
}

int quern_tokenizer_spans(struct quern_tokenizer *t, const quern_text *parts, size_t part_count, unsigned flags,
                          const int32_t *ids, size_t count, quern_token_span *spans, quern_error *error)
{
    size_t prompt_length = 0;

    if (count > SIZE_MAX / sizeof *ids - 1)
        return quern_fail(error, QUERN_EINVAL, "%zu tokens are not those of the text", count);
    struct quern_ids out = {.ids = malloc((count + 1) * sizeof *ids), .capacity = count, .spans = spans};
    if (out.ids == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for %zu tokens", count);
    int code = run(t, parts, part_count, flags, &out, error);
    if (code == QUERN_OK && (out.count != count || (count > 0 && memcmp(out.ids, ids, count * sizeof *ids) != 0)))
        code = quern_fail(error, QUERN_EINVAL, "the tokens are not those of the text and these options");
    free(out.ids);
    QUERN_TRY(code);
    for (size_t i = 0; i + 1 < part_count; i++)
        prompt_length += parts[i].length;
    for (size_t i = 0; i < count; i++)
        place_span(&spans[i], prompt_length);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- making one */

int quern_tokenizer_new(struct quern_tokenizer **tokenizer, const struct quern_vocabulary *vocabulary,
                        quern_error *error)
{
    struct quern_tokenizer *t = calloc(1, vocabulary->source.tokenizer->tokenizer_size);
    if (t == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a tokenizer");
    t->vocabulary = vocabulary;
    int code = quern_words_new(&t->words, error);
    if (code != QUERN_OK) {
        quern_tokenizer_free(t);
        return code;
    }
    *tokenizer = t;
    return QUERN_OK;
}

void quern_tokenizer_free(struct quern_tokenizer *t)
{
    if (t == NULL)
        return;
    t->vocabulary->source.tokenizer->release_tokenizer(t);
    quern_words_free(&t->words);
    free(t->text);
    free(t);
}
