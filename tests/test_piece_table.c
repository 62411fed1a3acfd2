/* The order of pieces, and the table that finds them by their texts. */
#include "base/count.h"
#include "text/piece_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIECES 5000
#define ROOM 64 /* bytes for a text, and those that a search may read behind it */

struct fixture {
    char bytes[PIECES][ROOM];
    quern_text texts[PIECES];
    uint32_t ranks[PIECES];
    struct quern_piece_order order;
    struct quern_piece_table table;
};

/* Piece i has 1 to 40 bytes, and its number in base 256 at its end. Bytes in front of it are alike. */
static void set_text(struct fixture *f, size_t i)
{
    const size_t length = i < 200 ? 1 : 2 + i % 39;

    memset(f->bytes[i], 'x', length);
    f->bytes[i][length - 1] = (char)(i & 255);
    if (length > 1)
        f->bytes[i][length - 2] = (char)(i >> 8);
    f->texts[i] = (quern_text){f->bytes[i], length};
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    for (size_t i = 0; i < PIECES; i++) {
        set_text(f, i);
        f->ranks[i] = (uint32_t)(i * 2654435761u) >> (i % 3 == 0 ? 0 : 21); /* many of them twice */
    }
    assert_int_equal(quern_piece_order_new(&f->order, f->ranks, PIECES, NULL), QUERN_OK);
    assert_int_equal(quern_piece_table_new(&f->table, f->texts, &f->order, PIECES, NULL), QUERN_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    quern_piece_table_free(&f->table);
    quern_piece_order_free(&f->order);
    free(f);
    return 0;
}

static uint32_t find(const struct fixture *f, const char *text, size_t length)
{
    struct quern_piece_search search;

    quern_piece_table_begin(&f->table, (const unsigned char *)text, length, &search);
    return quern_piece_table_end(&f->table, &search);
}

static void test_order(void **state)
{
    const struct fixture *f = *state;
    size_t alike = 0;

    for (size_t i = 0; i < PIECES; i++) {
        const uint32_t rank = f->ranks[f->order.ids[i]];
        const bool same_before = i > 0 && f->ranks[f->order.ids[i - 1]] == rank;
        const bool same_after = i + 1 < PIECES && f->ranks[f->order.ids[i + 1]] == rank;
        assert_true(i == 0 || f->ranks[f->order.ids[i - 1]] <= rank);
        assert_true(!same_before || f->order.ids[i - 1] < f->order.ids[i]);
        assert_int_equal(f->order.places[i], 2 * i + (same_before || same_after));
        alike += same_before;
    }
    assert_in_range(alike, 100, PIECES - 100);
}

static void test_ranks_of_scores(void **state)
{
    static const float scores[] = {3e38f, 2.5f, 1e-40f, 0.0f, -1e-40f, -1, -3e38f};
    (void)state;
    for (size_t i = 1; i < QUERN_COUNT(scores); i++)
        assert_true(quern_rank_of(scores[i - 1]) < quern_rank_of(scores[i]));
    assert_int_equal(quern_rank_of(-0.0f), quern_rank_of(0.0f));
    assert_true(quern_rank_of(-3e38f) < QUERN_NO_RANK);
}

static void test_every_piece_is_found(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < PIECES; i++) {
        const quern_text *text = &f->texts[f->order.ids[i]];
        assert_int_equal(find(f, text->data, text->length), f->order.places[i]);
    }
}

/* Texts that differ from a piece in one byte, or in their length, and what stands behind a text does not count. */
static void test_other_texts_are_not_found(void **state)
{
    struct fixture *f = *state;
    char text[ROOM];

    for (size_t i = 0; i < PIECES; i++) {
        const size_t length = f->texts[i].length;
        memset(text, (int)i, sizeof text);
        memcpy(text, f->bytes[i], length);
        assert_int_equal(f->order.ids[find(f, text, length) / 2], i);
        if (length < 6)
            continue; /* such a text may be another piece */
        text[length / 2] ^= 64;
        assert_int_equal(find(f, text, length), QUERN_NO_PIECE);
        text[length / 2] ^= 64;
        text[length] = 'q';
        assert_int_equal(find(f, text, length + 1), QUERN_NO_PIECE);
    }
}

/* Two long texts that have the same key are told apart by their bytes. */
static void test_same_hash(void **state)
{
    struct fixture *f = *state;
    struct quern_piece_search search;
    char other[ROOM];
    size_t i = 500;

    while (f->texts[i].length < 30)
        i++;
    memcpy(other, f->bytes[i], sizeof other);
    other[3] = 'y';
    quern_piece_table_begin(&f->table, (const unsigned char *)f->bytes[i], f->texts[i].length, &search);
    assert_int_equal(f->order.ids[quern_piece_table_end(&f->table, &search) / 2], i);
    search.text = (const unsigned char *)other;
    assert_int_equal(quern_piece_table_end(&f->table, &search), QUERN_NO_PIECE);
}

static void test_same_text_twice(void **state)
{
    struct fixture *f = *state;
    static const size_t pairs[][2] = {{7, 4711}, {1234, 1235}, {4000, 3}};

    for (size_t i = 0; i < QUERN_COUNT(pairs); i++) {
        const quern_text kept = f->texts[pairs[i][0]];
        struct quern_piece_table table = {0};
        quern_error error = {0};
        char expected[80];
        f->texts[pairs[i][0]] = f->texts[pairs[i][1]];
        assert_int_equal(quern_piece_table_new(&table, f->texts, &f->order, PIECES, &error), QUERN_EFORMAT);
        snprintf(expected, sizeof expected, "pieces %zu and %zu ", pairs[i][i == 2], pairs[i][i != 2]);
        assert_non_null(strstr(error.text, expected));
        quern_piece_table_free(&table);
        f->texts[pairs[i][0]] = kept;
    }
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_order),
        cmocka_unit_test(test_ranks_of_scores),
        FIXED(test_every_piece_is_found),
        FIXED(test_other_texts_are_not_found),
        FIXED(test_same_hash),
        FIXED(test_same_text_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
