#include "text/piece_trie.h"

#include "base/error.h"
#include "base/pages.h"

#define CODE (((uint32_t)1 << QUERN_TRIE_FILTER) - 1)
#define PLACES_PER_PIECE 4 /* at first; pieces of real vocabularies have two edges on average */

static bool is_empty(const struct quern_trie_edge *edge)
{
    return edge->to == 0 && edge->piece == 0;
}

static int take_table(struct quern_piece_trie *trie, size_t places, quern_error *error)
{
    trie->edges = quern_pages_take(places * sizeof *trie->edges, error);
    if (trie->edges == NULL)
        return QUERN_ENOMEM;
    trie->mask = places - 1;
    /* The address differs from run to run, so that nobody can make a file whose edges collide. */
    trie->seed = (uintptr_t)trie->edges * 0x9e3779b97f4a7c15u;
    return QUERN_OK;
}

static int double_table(struct quern_piece_trie *trie, quern_error *error)
{
    const struct quern_piece_trie old = *trie;
    const int code = take_table(trie, 2 * (old.mask + 1), error);

    if (code != QUERN_OK) {
        *trie = old;
        return code;
    }
    for (size_t i = 0; i <= old.mask; i++)
        if (!is_empty(&old.edges[i]))
            *quern_trie_look_up(trie, old.edges[i].from, old.edges[i].code & CODE) = old.edges[i];
    quern_pages_release(old.edges, (old.mask + 1) * sizeof *old.edges);
    return QUERN_OK;
}

/* Adds an edge if it is not there. */
static int add_edge(struct quern_piece_trie *trie, uint32_t node, uint32_t code, struct quern_trie_edge **edge,
                    quern_error *error)
{
    if (trie->count > trie->mask / 2)
        QUERN_TRY(double_table(trie, error));
    *edge = quern_trie_look_up(trie, node, code);
    if (is_empty(*edge)) {
        **edge = (struct quern_trie_edge){.from = node, .code = code};
        trie->count++;
    }
    return QUERN_OK;
}

static int add_piece(struct quern_piece_trie *trie, quern_text text, int32_t piece, quern_error *error)
{
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length;
    struct quern_trie_edge *edge;
    size_t length;
    uint32_t code = quern_trie_code(p, end, &length);

    QUERN_TRY(add_edge(trie, 0, code, &edge, error));
    for (p += length; p < end; p += length) {
        code = quern_trie_code(p, end, &length);
        edge->code |= (uint32_t)1 << (QUERN_TRIE_FILTER + code % 8);
        if (edge->to == 0)
            edge->to = ++trie->nodes;
        QUERN_TRY(add_edge(trie, edge->to, code, &edge, error));
    }
    if (edge->piece != 0)
        return quern_fail(error, QUERN_EFORMAT, "pieces %d and %d of the vocabulary have the same text",
                          (int)(edge->piece < 0 ? -edge->piece : edge->piece) - 1,
                          (int)(piece < 0 ? -piece : piece) - 1);
    edge->piece = piece;
    return QUERN_OK;
}

int quern_piece_trie_new(struct quern_piece_trie *trie, const quern_text *texts, const bool *is_usable, size_t count,
                         quern_error *error)
{
    size_t places = 256;

    while (places < PLACES_PER_PIECE * count)
        places *= 2;
    trie->root = quern_pages_take(QUERN_TRIE_ROOT * sizeof *trie->root, error);
    if (trie->root == NULL)
        return QUERN_ENOMEM;
    QUERN_TRY(take_table(trie, places, error));
    for (size_t i = 0; i < count; i++) {
        const int32_t piece = (int32_t)i + 1;
        QUERN_TRY(add_piece(trie, texts[i], is_usable[i] ? piece : -piece, error));
    }
    return QUERN_OK;
}

void quern_piece_trie_free(struct quern_piece_trie *trie)
{
    quern_pages_release(trie->root, QUERN_TRIE_ROOT * sizeof *trie->root);
    if (trie->edges != NULL)
        quern_pages_release(trie->edges, (trie->mask + 1) * sizeof *trie->edges);
    *trie = (struct quern_piece_trie){0};
}

size_t quern_piece_trie_bytes(const struct quern_piece_trie *trie)
{
    return (QUERN_TRIE_ROOT + trie->mask + 1) * sizeof *trie->edges;
}
