#include "base/arena.h"
#include "base/count.h"
#include "base/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PARTS 6
static const size_t counts[PARTS] = {1, 7, 0, 64, 1000, 3}, sizes[PARTS] = {1, 8, 4, 1, 12, 64};

static void plan(struct quern_arena *arena, unsigned char *parts[PARTS])
{
    for (int i = 0; i < PARTS; i++)
        parts[i] = quern_arena_take(arena, counts[i], sizes[i]);
}

static void test_measure_then_assign(void **state)
{
    (void)state;
    struct quern_arena arena = {0};
    unsigned char *parts[PARTS];
    plan(&arena, parts);
    for (int i = 0; i < PARTS; i++)
        assert_null(parts[i]);
    size_t measured = arena.used;
    assert_int_equal(quern_arena_reserve(&arena, NULL), QUERN_OK);
    assert_int_equal(arena.size, measured);
    plan(&arena, parts);
    assert_int_equal(arena.used, measured);
    for (int i = 0; i < PARTS; i++) {
        size_t bytes = counts[i] * sizes[i];
        assert_non_null(parts[i]);
        assert_int_equal((uintptr_t)parts[i] % QUERN_ALIGN, 0);
        if (i + 1 < PARTS)
            assert_true(parts[i] + bytes <= parts[i + 1]);
        for (size_t b = 0; b < bytes; b++)
            assert_int_equal(parts[i][b], 0);
        memset(parts[i], 0xFF, bytes);
    }
    assert_true(parts[PARTS - 1] + counts[PARTS - 1] * sizes[PARTS - 1] <= arena.base + arena.size);
    quern_arena_release(&arena);
    assert_null(arena.base);
    assert_int_equal(arena.used + arena.size, 0);
    quern_arena_release(&arena);
}

static void test_more_than_reserved(void **state)
{
    (void)state;
    struct quern_arena arena = {0};
    quern_arena_take(&arena, 1, 100);
    assert_int_equal(quern_arena_reserve(&arena, NULL), QUERN_OK);
    assert_non_null(quern_arena_take(&arena, 1, 128));
    assert_null(quern_arena_take(&arena, 1, 1));
    assert_null(quern_arena_take(&arena, 0, 1)); /* the overflow is remembered */
    quern_arena_release(&arena);
}

static void test_nothing_measured(void **state)
{
    (void)state;
    struct quern_arena arena = {0};
    assert_int_equal(quern_arena_reserve(&arena, NULL), QUERN_OK);
    assert_non_null(quern_arena_take(&arena, 0, 8));
    quern_arena_release(&arena);
}

static void test_overflow_sticks(void **state)
{
    static const size_t cases[][2] = {{SIZE_MAX, 1}, {SIZE_MAX / 2, 3}, {SIZE_MAX - 70, 1}, {1, SIZE_MAX}};
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        struct quern_arena arena = {0};
        quern_error error;
        quern_arena_take(&arena, 100, 1);
        quern_arena_take(&arena, cases[i][0], cases[i][1]);
        quern_arena_take(&arena, 100, 1);
        assert_int_equal(quern_arena_reserve(&arena, &error), QUERN_ENOMEM);
        assert_null(arena.base);
    }
    struct quern_arena arena = {0}; /* no single part overflows, their sum does */
    for (int i = 0; i < 3; i++)
        quern_arena_take(&arena, SIZE_MAX / 2 - 64, 1);
    assert_int_equal(quern_arena_reserve(&arena, NULL), QUERN_ENOMEM);
}

static void test_refused_size_is_named(void **state)
{
    (void)state;
    struct quern_arena arena = {0};
    quern_error error;
    quern_arena_take(&arena, (size_t)1 << 62, 1);
    assert_int_equal(quern_arena_reserve(&arena, &error), QUERN_ENOMEM);
    assert_non_null(strstr(error.text, "4611686018427387904 bytes"));
}

static void test_pages(void **state)
{
    static const size_t cases[] = {1, 4096, 100000, ((size_t)2 << 20) - 1, (size_t)2 << 20, ((size_t)5 << 20) + 123};
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        size_t bytes = cases[i];
        unsigned char *pages = quern_pages_take(bytes, NULL);
        assert_non_null(pages);
        assert_int_equal((uintptr_t)pages % (bytes >= (size_t)2 << 20 ? (size_t)2 << 20 : 4096), 0);
        assert_int_equal(pages[0] | pages[bytes / 2] | pages[bytes - 1], 0);
        memset(pages, 1, bytes);
        quern_pages_release(pages, bytes);
    }
    quern_pages_release(NULL, 0);
}

static void test_too_many_pages(void **state)
{
    static const size_t cases[] = {SIZE_MAX, SIZE_MAX - ((size_t)2 << 20), (size_t)1 << 62};
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        quern_error error = {0};
        assert_null(quern_pages_take(cases[i], &error));
        assert_int_equal(error.code, QUERN_ENOMEM);
        assert_non_null(strstr(error.text, "bytes are needed"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure_then_assign), cmocka_unit_test(test_more_than_reserved),
        cmocka_unit_test(test_nothing_measured),    cmocka_unit_test(test_overflow_sticks),
        cmocka_unit_test(test_refused_size_is_named), cmocka_unit_test(test_pages),
        cmocka_unit_test(test_too_many_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
