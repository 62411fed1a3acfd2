#include "text/piece_trie.h"

#include "base/error.h"
#include "base/pages.h"

#define CODE (((uint32_t)1 << QUERN_TRIE_FILTER) - 1)
#define ADDED_AT_ONCE 32
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

/* A piece that is being added. Next is the edge from a node with a character. */
struct addition {
    const unsigned char *p, *end; /* the text behind that character */
    int32_t piece;
    uint32_t node, code;
};

static struct addition begin_addition(quern_text text, int32_t piece)
{
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length;
    size_t length;
    const uint32_t code = quern_trie_code(p, end, &length);

    return (struct addition){p + length, end, piece, 0, code};
}

static int refuse_same(int32_t a, int32_t b, quern_error *error)
{
    const int one = (int)(a < 0 ? -a : a) - 1, other = (int)(b < 0 ? -b : b) - 1;

    return quern_fail(error, QUERN_EFORMAT, "pieces %d and %d of the vocabulary have the same text",
                      one < other ? one : other, one < other ? other : one);
}

/* Adds the next edge of a piece, if it is not there. In the end sets piece to 0. */
static int add_edge(struct quern_piece_trie *trie, struct addition *a, quern_error *error)
{
    if (trie->count > trie->mask / 2)
        QUERN_TRY(double_table(trie, error));
    struct quern_trie_edge *edge = quern_trie_look_up(trie, a->node, a->code);
    if (is_empty(edge)) {
        *edge = (struct quern_trie_edge){.from = a->node, .code = a->code};
        trie->count++;
    }
    if (a->p == a->end) {
        if (edge->piece != 0)
            return refuse_same(edge->piece, a->piece, error);
        edge->piece = a->piece;
        a->piece = 0;
        return QUERN_OK;
    }
    size_t length;
    a->code = quern_trie_code(a->p, a->end, &length);
    a->p += length;
    edge->code |= (uint32_t)1 << (QUERN_TRIE_FILTER + a->code % 8);
    if (edge->to == 0)
        edge->to = ++trie->nodes;
    a->node = edge->to;
    __builtin_prefetch(quern_trie_place(trie, a->node, a->code));
    return QUERN_OK;
}

/* Adds pieces, an edge of each in turn: while one waits for memory, the others go on. */
static int add_pieces(struct quern_piece_trie *trie, struct addition *additions, size_t count, quern_error *error)
{
    while (count > 0) {
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            QUERN_TRY(add_edge(trie, &additions[i], error));
            additions[left] = additions[i];
            left += additions[i].piece != 0;
        }
        count = left;
    }
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
    for (size_t i = 0; i < count;) {
        struct addition additions[ADDED_AT_ONCE];
        size_t added = 0;
        for (; added < ADDED_AT_ONCE && i < count; added++, i++) {
            const int32_t piece = (int32_t)i + 1;
            additions[added] = begin_addition(texts[i], is_usable[i] ? piece : -piece);
        }
        QUERN_TRY(add_pieces(trie, additions, added, error));
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
