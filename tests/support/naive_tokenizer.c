#include "naive_tokenizer.h"

#include "base/utf8.h"
#include "base/view.h"
#include "text/tokenizer_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct naive {
    const struct quern_vocabulary_source *source;
    unsigned flags;
    int32_t *ids;
    int count; /* -1: a byte has no token */
};

static bool merges_by_list(const struct naive *n)
{
    return n->source->tokenizer == &quern_character_bpe_kind;
}

static bool is_kind(const struct naive *n, size_t i, int kind)
{
    if (merges_by_list(n) && quern_text_is(n->source->texts[i], "<|tool_response>"))
        return kind == QUERN_PIECE_CONTROL;
    return n->source->kinds[i] == kind;
}

static int32_t find_any(const struct naive *n, const char *text, size_t length)
{
    for (size_t i = 0; i < n->source->count; i++)
        if (n->source->texts[i].length == length && memcmp(n->source->texts[i].data, text, length) == 0)
            return (int32_t)i;
    return -1;
}

static int32_t find_plain(const struct naive *n, const char *text, size_t length)
{
    int32_t id = find_any(n, text, length);
    if (id >= 0 && (is_kind(n, (size_t)id, QUERN_PIECE_CONTROL) || is_kind(n, (size_t)id, QUERN_PIECE_UNKNOWN) ||
                    is_kind(n, (size_t)id, QUERN_PIECE_BYTE)))
        return -1;
    return id;
}

static void put(struct naive *n, int32_t id)
{
    if (n->count >= 0)
        n->ids[n->count++] = id;
}

/* ---------------------------------------------------------------- merging */

static size_t character_length(const char *text, size_t left)
{
    unsigned char lead = (unsigned char)*text;
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return length < left ? length : left;
}

static void put_bytes(struct naive *n, const char *text, size_t length)
{
    int32_t ids[4];
    for (size_t i = 0; i < length; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)(unsigned char)text[i]);
        ids[i] = find_any(n, name, 6);
        if (ids[i] < 0)
            ids[i] = find_plain(n, text + i, 1);
        if (ids[i] < 0 && n->source->unknown < 0) {
            n->count = -1;
            return;
        }
        if (ids[i] < 0) {
            put(n, n->source->unknown);
            return;
        }
    }
    for (size_t i = 0; i < length; i++)
        put(n, ids[i]);
}

/* text has U+2581 in place of spaces. */
static void merge(struct naive *n, const char *text, size_t length)
{
    size_t *begins = malloc((length + 1) * sizeof *begins), count = 0;
    for (size_t i = 0; i < length; i += character_length(text + i, length - i))
        begins[count++] = i;
    begins[count] = length;
    for (;;) {
        size_t best = count;
        float best_score = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            int32_t id = find_plain(n, text + begins[i], begins[i + 2] - begins[i]);
            if (id >= 0 && (best == count || n->source->scores[id] > best_score)) {
                best = i;
                best_score = n->source->scores[id];
            }
        }
        if (best == count)
            break;
        memmove(&begins[best + 1], &begins[best + 2], (count - best - 1) * sizeof *begins);
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        int32_t id = find_plain(n, text + begins[i], begins[i + 1] - begins[i]);
        if (id >= 0)
            put(n, id);
        else
            put_bytes(n, text + begins[i], begins[i + 1] - begins[i]);
    }
    free(begins);
}

/* ---------------------------------------------------------------- merging by a list */

/* The place of a merge of two pieces in the list; merge_count: it is not there. */
static size_t rank_of(const struct naive *n, int32_t left, int32_t right)
{
    const quern_text *texts = n->source->texts;
    size_t rank = 0;
    for (; left >= 0 && right >= 0 && rank < n->source->merge_count; rank++) {
        const quern_text merge = n->source->merges[rank];
        if (merge.length == texts[left].length + 1 + texts[right].length &&
            memcmp(merge.data, texts[left].data, texts[left].length) == 0 && merge.data[texts[left].length] == ' ' &&
            memcmp(merge.data + texts[left].length + 1, texts[right].data, texts[right].length) == 0)
            return rank;
    }
    return n->source->merge_count;
}

static int32_t joint_of(const struct naive *n, size_t rank)
{
    const quern_text merge = n->source->merges[rank];
    char *joint = malloc(merge.length);
    const size_t left = (size_t)((const char *)memchr(merge.data + 1, ' ', merge.length - 1) - merge.data);
    memcpy(joint, merge.data, left);
    memcpy(joint + left, merge.data + left + 1, merge.length - left - 1);
    const int32_t id = find_plain(n, joint, merge.length - 1);
    free(joint);
    return id;
}

/* Merges symbols: ids[count], -1 for one without a piece. begins[count + 1]: where they begin. Returns how many are
 * left. */
static size_t merge_symbols(const struct naive *n, int32_t *ids, size_t *begins, size_t count)
{
    for (;;) {
        size_t best = 0, best_rank = n->source->merge_count;
        for (size_t i = 0; i + 1 < count; i++) {
            const size_t rank = rank_of(n, ids[i], ids[i + 1]);
            if (rank < best_rank) {
                best = i;
                best_rank = rank;
            }
        }
        if (best_rank == n->source->merge_count)
            return count;
        ids[best] = joint_of(n, best_rank);
        memmove(&ids[best + 1], &ids[best + 2], (count - best - 2) * sizeof *ids);
        memmove(&begins[best + 1], &begins[best + 2], (count - best - 1) * sizeof *begins);
        count--;
    }
}

/* text has U+2581 in place of spaces. */
static void merge_characters(struct naive *n, const char *text, size_t length)
{
    size_t *begins = malloc((length + 1) * sizeof *begins), count = 0;
    int32_t *ids = malloc((length + 1) * sizeof *ids);
    for (size_t at = 0; at < length; count++) {
        const size_t character = quern_utf8_length((const unsigned char *)text + at, length - at);
        begins[count] = at;
        ids[count] = character > 0 ? find_plain(n, text + at, character) : -1;
        at += character > 0 ? character : 1;
    }
    begins[count] = length;
    count = merge_symbols(n, ids, begins, count);
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= 0)
            put(n, ids[i]);
        else
            put_bytes(n, text + begins[i], begins[i + 1] - begins[i]);
    }
    free(begins);
    free(ids);
}

static void put_fragment(struct naive *n, const char *text, size_t length)
{
    char *spelled = malloc(3 * (length + 1)), *out = spelled;
    if (length > 0 && n->source->add_space_prefix)
        out = (char *)memcpy(out, QUERN_METASPACE, 3) + 3;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ')
            out = (char *)memcpy(out, QUERN_METASPACE, 3) + 3;
        else
            *out++ = text[i];
    }
    (merges_by_list(n) ? merge_characters : merge)(n, spelled, (size_t)(out - spelled));
    free(spelled);
}

/* ---------------------------------------------------------------- cutting */

static size_t blank_at(const char *text, size_t left)
{
    return left >= 1 && *text == ' ' ? 1 : left >= 3 && memcmp(text, QUERN_METASPACE, 3) == 0 ? 3 : 0;
}

/* How many spaces a user-defined piece consists of, in either spelling; 0: it is another piece. */
static size_t run_of(const struct naive *n, size_t i)
{
    quern_text piece = n->source->texts[i];
    size_t blanks = 0;
    if (!is_kind(n, i, QUERN_PIECE_USER_DEFINED))
        return 0;
    for (size_t at = 0, step; at < piece.length; at += step, blanks++)
        if ((step = blank_at(piece.data + at, piece.length - at)) == 0)
            return 0;
    return blanks;
}

static bool begins_with(quern_text text, size_t at, const char *piece, size_t length)
{
    return length <= text.length - at && memcmp(text.data + at, piece, length) == 0;
}

/* Returns the length of the longest special piece at a place, and its id. Pieces of spaces match U+2581 only. Of two
 * pieces of one length (a control piece U+2581, and a user-defined piece that is a space), the user-defined one
 * counts. */
static size_t match_at(const struct naive *n, quern_text text, size_t at, int32_t *id)
{
    size_t longest = 0;
    bool by_user = false;
    for (size_t i = 0; i < n->source->count; i++) {
        bool always = is_kind(n, i, QUERN_PIECE_USER_DEFINED);
        bool special = is_kind(n, i, QUERN_PIECE_CONTROL) || is_kind(n, i, QUERN_PIECE_UNKNOWN);
        if (!always && !(special && n->flags & QUERN_PARSE_SPECIAL))
            continue;
        quern_text piece = n->source->texts[i];
        size_t blanks = run_of(n, i), length = blanks ? 3 * blanks : piece.length;
        bool matches = blanks ? true : begins_with(text, at, piece.data, piece.length);
        for (size_t blank = 0; blank < blanks; blank++)
            matches = matches && at + 3 * blank <= text.length && begins_with(text, at + 3 * blank, QUERN_METASPACE, 3);
        if (matches && (length > longest || (length == longest && always && !by_user))) {
            longest = length;
            by_user = always;
            *id = (int32_t)i;
        }
    }
    return longest;
}

/* The length of the longest user-defined piece of at most so many spaces, and its id; 0: there is none. */
static size_t longest_run(const struct naive *n, size_t blanks, int32_t *id)
{
    size_t longest = 0;
    for (size_t i = 0; i < n->source->count; i++) {
        if (run_of(n, i) <= blanks && run_of(n, i) > longest) {
            longest = run_of(n, i);
            *id = (int32_t)i;
        }
    }
    return longest;
}

/* Puts the text from begin to a run of spaces at a place, and then the pieces of the run, if any fits into it. Returns
 * where the rest of the run begins; `at` if nothing was put. Sets end to the end of the run. */
static size_t cut_run(struct naive *n, quern_text text, size_t begin, size_t at, size_t *end)
{
    size_t blanks = 0, step, run;
    int32_t id;
    *end = at;
    if (!blank_at(text.data + at, text.length - at) || !longest_run(n, SIZE_MAX, &id))
        return at;
    while ((step = blank_at(text.data + *end, text.length - *end)) != 0 && !match_at(n, text, *end, &id)) {
        *end += step;
        blanks++;
    }
    if (longest_run(n, blanks, &id))
        put_fragment(n, text.data + begin, at - begin);
    while ((run = longest_run(n, blanks, &id)) != 0) {
        put(n, id);
        for (size_t i = 0; i < run; i++)
            at += blank_at(text.data + at, text.length - at);
        blanks -= run;
    }
    return at;
}

int quern_naive_tokenize(const struct quern_vocabulary_source *source, quern_text text, unsigned flags, int32_t *ids)
{
    struct naive n = {source, flags, ids, 0};
    size_t begin = 0, at = 0;

    if (source->add_bos && source->bos >= 0 && !(flags & QUERN_NO_SPECIAL))
        put(&n, source->bos);
    while (at < text.length) {
        int32_t id = -1;
        size_t length = match_at(&n, text, at, &id), end = at;
        if (length) {
            put_fragment(&n, text.data + begin, at - begin);
            put(&n, id);
            begin = at += length;
            continue;
        }
        size_t rest = cut_run(&n, text, begin, at, &end);
        if (rest != at)
            begin = rest;
        at = end > at ? end : at + 1;
    }
    put_fragment(&n, text.data + begin, text.length - begin);
    if (source->add_eos && source->eos >= 0 && !(flags & QUERN_NO_SPECIAL))
        put(&n, source->eos);
    return n.count;
}

/* ---------------------------------------------------------------- spans and texts */

bool quern_spans_cover(const quern_token_span *spans, size_t count, size_t prompt_length, size_t text_length)
{
    size_t end[] = {[QUERN_PART_PROMPT] = 0, [QUERN_PART_TEXT] = 0};
    bool crosses = false; /* a token stands in both, and has the span of its part in the text */
    for (size_t i = 0; i < count; i++) {
        const quern_token_span *span = &spans[i];
        if (span->part == QUERN_PART_ADDED) {
            if (span->begin != 0 || span->end != 0 || (i != 0 && i != count - 1))
                return false;
            continue;
        }
        if (span->part == QUERN_PART_PROMPT && end[QUERN_PART_TEXT] > 0)
            return false;
        if (span->begin != end[span->part] || span->end < span->begin)
            return false;
        if (span->part == QUERN_PART_TEXT && span->begin == 0)
            crosses = crosses || end[QUERN_PART_PROMPT] < prompt_length;
        end[span->part] = span->end;
    }
    return end[QUERN_PART_TEXT] == text_length && (end[QUERN_PART_PROMPT] == prompt_length || crosses);
}

/* Copies a text with ' ' for U+2581, and returns its length. */
static size_t spell_spaces(const char *text, size_t length, char *out)
{
    size_t count = 0;
    for (size_t at = 0; at < length; count++) {
        const size_t blank = blank_at(text + at, length - at);
        out[count] = blank ? ' ' : text[at];
        at += blank ? blank : 1;
    }
    return count;
}

/* "<0x41>" */
static bool is_named_like_a_byte(quern_text text)
{
    return text.length == 6 && memcmp(text.data, "<0x", 3) == 0;
}

bool quern_text_returns(const struct quern_vocabulary_source *source, const struct quern_vocabulary *vocabulary,
                        quern_text text, const int32_t *ids, size_t count)
{
    size_t length = 0;
    if (source->add_space_prefix)
        return true;
    for (size_t i = 0; i < count; i++)
        if (ids[i] == source->unknown ||
            (source->kinds[ids[i]] != QUERN_PIECE_BYTE && is_named_like_a_byte(source->texts[ids[i]])))
            return true;
    const int code = quern_vocabulary_detokenize(vocabulary, ids, count, 0, NULL, 0, &length, NULL);
    if (code != (length > 0 ? QUERN_ETOOLONG : QUERN_OK))
        return false;
    char *out = malloc(length + 1), *expected = malloc(text.length + 1);
    bool same = false;
    if (out != NULL && expected != NULL &&
        quern_vocabulary_detokenize(vocabulary, ids, count, 0, out, length, &length, NULL) == QUERN_OK) {
        const size_t spelled = spell_spaces(out, length, out);
        same = spelled == spell_spaces(text.data, text.length, expected) && memcmp(out, expected, spelled) == 0;
    }
    free(out);
    free(expected);
    return same;
}
