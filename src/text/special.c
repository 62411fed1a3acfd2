#include "text/special.h"

#include "base/count.h"
#include "base/error.h"

#include <stdlib.h>

struct pieces {
    const quern_text *texts;    /* [count] */
    const unsigned char *kinds; /* [count] */
    size_t count;
    bool plain_spaces; /* see struct quern_tokenizer_kind */
};

/* How many spaces a piece consists of; 0: something else is in it, or it is not user-defined. */
static size_t count_spaces(const struct pieces *pieces, size_t id)
{
    const unsigned char *p = (const unsigned char *)pieces->texts[id].data, *end = p + pieces->texts[id].length;
    size_t spaces = 0;

    if (pieces->kinds[id] != QUERN_PIECE_USER_DEFINED || pieces->plain_spaces)
        return 0;
    for (; p < end; spaces++) {
        size_t length = quern_space_length(p, end);
        if (length == 0)
            return 0;
        p += length;
    }
    return spaces;
}

static bool is_special(int kind)
{
    return kind == QUERN_PIECE_USER_DEFINED || kind == QUERN_PIECE_CONTROL || kind == QUERN_PIECE_UNKNOWN;
}

/* Notes what may begin with a byte and a certain byte behind it, or any byte. */
static void lead_with(struct quern_special *special, unsigned char first, unsigned char second, unsigned char flag)
{
    special->leads[first | (unsigned)second << 8] |= flag;
}

static void lead_with_any(struct quern_special *special, unsigned char first, unsigned char flag)
{
    for (unsigned second = 0; second < 256; second++)
        lead_with(special, first, (unsigned char)second, flag);
}

/* ---------------------------------------------------------------- trie */

/* Adds a piece to the trie. A piece of spaces is in the trie as well, spelled with U+2581: the published tokenizer
 * matches it so in the raw text, before it turns spaces into U+2581. Any U+2581 that does not match counts as a
 * space of a run. */
static void add_to_trie(struct quern_special *special, const struct pieces *pieces, size_t id)
{
    const size_t spaces = count_spaces(pieces, id);
    const unsigned char *text = (const unsigned char *)(spaces > 0 ? QUERN_METASPACE : pieces->texts[id].data);
    const size_t length = spaces > 0 ? QUERN_METASPACE_LENGTH : pieces->texts[id].length;
    uint32_t node = 0;

    for (size_t repeat = spaces > 0 ? spaces : 1; repeat > 0; repeat--)
        for (size_t i = 0; i < length; i++)
            node = quern_trie_step(&special->trie, node, text[i]);
    quern_trie_end(&special->trie, node, (int32_t)id, pieces->kinds[id] == QUERN_PIECE_USER_DEFINED);
    if (length > 1)
        lead_with(special, text[0], text[1], QUERN_LEADS_PIECE);
    else
        lead_with_any(special, text[0], QUERN_LEADS_PIECE);
}

static int build_trie(struct quern_special *special, const struct pieces *pieces, quern_error *error)
{
    size_t capacity = 1;

    for (size_t i = 0; i < pieces->count; i++) {
        if (!is_special(pieces->kinds[i]))
            continue;
        size_t length = pieces->texts[i].length; /* each byte may be a space, and then takes three nodes */
        if (length > (UINT32_MAX - capacity) / QUERN_METASPACE_LENGTH)
            return quern_fail(error, QUERN_EFORMAT, "the special pieces of the vocabulary take more than 1 GiB");
        capacity += length * QUERN_METASPACE_LENGTH;
    }
    QUERN_TRY(quern_trie_new(&special->trie, capacity, error));
    for (size_t i = 0; i < pieces->count; i++)
        if (is_special(pieces->kinds[i]))
            add_to_trie(special, pieces, i);
    quern_trie_finish(&special->trie);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- runs */

/* Sets runs at each length that a piece has. Of two pieces of one length the first one counts. */
static int place_runs(struct quern_special *special, const struct pieces *pieces, quern_error *error)
{
    for (size_t i = 0; i < pieces->count; i++)
        if (count_spaces(pieces, i) > special->longest_run)
            special->longest_run = count_spaces(pieces, i);
    if (special->longest_run >= UINT32_MAX / sizeof *special->runs)
        return quern_fail(error, QUERN_EFORMAT, "a piece of %zu spaces is too long", special->longest_run);
    special->runs = calloc(special->longest_run + 1, sizeof *special->runs);
    if (special->runs == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", pieces->count);
    for (size_t i = 0; i < pieces->count; i++) {
        const size_t spaces = count_spaces(pieces, i); /* perhaps others than before: the file may be written to */
        if (spaces > 0 && spaces <= special->longest_run && special->runs[spaces].length == 0)
            special->runs[spaces] = (struct quern_run){(int32_t)i, (uint32_t)spaces};
    }
    return QUERN_OK;
}

static int build_runs(struct quern_special *special, const struct pieces *pieces, quern_error *error)
{
    static const unsigned char spaces[] = {' ', (unsigned char)QUERN_METASPACE[0]};

    QUERN_TRY(place_runs(special, pieces, error));
    for (size_t n = 1; n <= special->longest_run; n++) {
        if (special->runs[n].length == 0)
            special->runs[n] = special->runs[n - 1];
        else if (special->shortest_run == 0)
            special->shortest_run = n;
    }
    if (special->longest_run > 0)
        for (size_t i = 0; i < QUERN_COUNT(spaces); i++)
            for (size_t k = 0; k < QUERN_COUNT(spaces); k++)
                lead_with(special, spaces[i], spaces[k], QUERN_LEADS_RUN);
    if (special->shortest_run == 1)
        lead_with_any(special, ' ', QUERN_LEADS_RUN);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- both */

int quern_special_build(struct quern_special *special, const struct quern_vocabulary_source *source,
                        const unsigned char *kinds, bool plain_spaces, quern_error *error)
{
    const struct pieces pieces = {source->texts, kinds, source->count, plain_spaces};

    special->leads = calloc(1, QUERN_BYTE_PAIRS);
    if (special->leads == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    QUERN_TRY(build_runs(special, &pieces, error));
    return build_trie(special, &pieces, error);
}

void quern_special_free(struct quern_special *special)
{
    quern_trie_free(&special->trie);
    free(special->runs);
    free(special->leads);
    special->runs = NULL;
    special->leads = NULL;
}

size_t quern_special_bytes(const struct quern_special *special)
{
    return (special->longest_run + 1) * sizeof *special->runs + special->trie.count * sizeof *special->trie.nodes +
           QUERN_BYTE_PAIRS;
}
