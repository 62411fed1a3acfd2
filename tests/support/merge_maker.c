#include "merge_maker.h"

#include "base/error.h"
#include "text/tokenizer_kind.h"

#include <stdlib.h>
#include <string.h>

struct maker {
    const quern_text **sorted; /* [sorted_count]: the plain pieces, by their bytes */
    size_t sorted_count;
    struct quern_made_merges *out;
    size_t used; /* bytes so far */
};

static int compare_texts(quern_text a, quern_text b)
{
    const size_t shorter = a.length < b.length ? a.length : b.length;
    const int order = memcmp(a.data, b.data, shorter);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_pieces(const void *a, const void *b)
{
    return compare_texts(**(const quern_text *const *)a, **(const quern_text *const *)b);
}

static bool is_piece(const struct maker *maker, const char *data, size_t length)
{
    const quern_text text = {data, length}, *key = &text;

    return bsearch(&key, maker->sorted, maker->sorted_count, sizeof *maker->sorted, compare_pieces) != NULL;
}

/* Adds the merges that make a piece; only counts them where there is no memory for them yet. */
static void add_splits(struct maker *maker, quern_text piece)
{
    struct quern_made_merges *out = maker->out;

    for (size_t left = piece.length; left-- > 1;) {
        if (!is_piece(maker, piece.data, left) || !is_piece(maker, piece.data + left, piece.length - left) ||
            memchr(piece.data + 1, ' ', left - 1) != NULL || piece.data[left] == ' ')
            continue;
        if (out->bytes != NULL) {
            char *text = out->bytes + maker->used;
            memcpy(text, piece.data, left);
            text[left] = ' ';
            memcpy(text + left + 1, piece.data + left, piece.length - left);
            out->texts[out->count] = (quern_text){text, piece.length + 1};
        }
        maker->used += piece.length + 1;
        out->count++;
    }
}

static void add_all(struct maker *maker, const struct quern_vocabulary_source *source)
{
    maker->used = maker->out->count = 0;
    for (size_t i = 0; i < source->count; i++)
        if (quern_piece_is_plain(source->kinds[i]))
            add_splits(maker, source->texts[i]);
}

static void shuffle(struct quern_made_merges *merges, uint64_t seed)
{
    for (size_t i = merges->count; i > 1; i--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const size_t other = (size_t)(seed >> 33) % i;
        const quern_text text = merges->texts[other];
        merges->texts[other] = merges->texts[i - 1];
        merges->texts[i - 1] = text;
    }
    merges->count -= merges->count / 8;
}

int quern_merges_make(struct quern_made_merges *merges, const struct quern_vocabulary_source *source, uint64_t seed,
                      quern_error *error)
{
    struct maker maker = {.sorted = malloc((source->count + 1) * sizeof *maker.sorted), .out = merges};

    *merges = (struct quern_made_merges){0};
    if (maker.sorted == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for merges");
    for (size_t i = 0; i < source->count; i++)
        if (quern_piece_is_plain(source->kinds[i]))
            maker.sorted[maker.sorted_count++] = &source->texts[i];
    qsort(maker.sorted, maker.sorted_count, sizeof *maker.sorted, compare_pieces);
    add_all(&maker, source);
    merges->texts = malloc((merges->count + 1) * sizeof *merges->texts);
    merges->bytes = malloc(maker.used + 1);
    const bool sound = merges->texts != NULL && merges->bytes != NULL;
    if (sound) {
        add_all(&maker, source);
        if (seed != 0)
            shuffle(merges, seed);
    } else {
        quern_merges_unmake(merges);
    }
    free(maker.sorted);
    return sound ? QUERN_OK : quern_fail(error, QUERN_ENOMEM, "no memory for merges");
}

void quern_merges_unmake(struct quern_made_merges *merges)
{
    free(merges->texts);
    free(merges->bytes);
    *merges = (struct quern_made_merges){0};
}
