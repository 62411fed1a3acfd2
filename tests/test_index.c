/* Index files: changes, compacting, refusals and damage. */
#include "index_trial.h"

#include "base/count.h"
#include "index/block_layout.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- changes */

static void test_changes(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 6000, 48);
    quern_index_writer *writer = NULL;
    size_t removed;
    struct index_rows part = set;
    part.count = 4500;
    index_rows_write(&part, true);
    quern_index *before = index_trial_open();

    quern_error error;
    quern_index_options expected = {.size = sizeof expected, .dimensions = 47};
    assert_int_equal(quern_index_change(&writer, index_trial_path, &expected, &error), QUERN_EINVAL);
    assert_non_null(strstr(error.text, "has vectors of 48 dimensions with numbers as ids, not of 47"));
    expected.dimensions = 48;
    expected.ids = QUERN_INDEX_NAMES;
    assert_int_equal(quern_index_change(&writer, index_trial_path, &expected, &error), QUERN_EINVAL);
    expected.ids = QUERN_INDEX_NUMBERS;
    assert_int_equal(quern_index_change(&writer, index_trial_path, &expected, NULL), QUERN_OK);
    index_rows_add(writer, &set, 4500, 4600);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    index_rows_add(writer, &set, 4600, 6000);
    for (size_t i = 0; i < 6000; i += 11) { /* old ones, and new ones of the open block */
        const quern_index_row row = {.number = set.ids[i]};
        assert_int_equal(quern_index_remove(writer, &row, 1, &removed, NULL), QUERN_OK);
        assert_int_equal(removed, 1);
        assert_int_equal(quern_index_remove(writer, &row, 1, &removed, NULL), QUERN_OK);
        assert_int_equal(removed, 0);
        set.gone[i] = true;
    }
    quern_index *between = index_trial_open();
    assert_int_equal(quern_index_set_note(writer, (quern_text){"a\0b", 3}, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);

    quern_index *after = index_trial_open();
    const quern_search_options options = {.size = sizeof options, .hits = 20};
    index_rows_check_search(&set, after, 3, 2, &options);
    memset(set.gone, 0, set.count);
    part.count = 4600;
    index_rows_check_search(&part, between, 3, 2, &options); /* what is open does not change */
    part.count = 4500;
    index_rows_check_search(&part, before, 3, 2, &options);

    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(after, &info, NULL), QUERN_OK);
    assert_int_equal(info.places, 6000);
    assert_int_equal(info.count, 6000 - (6000 + 10) / 11);
    assert_int_equal(info.note.length, 3);
    assert_memory_equal(info.note.data, "a\0b", 3);
    quern_index_close(before);
    quern_index_close(between);
    quern_index_close(after);
    index_rows_free(&set);
}

/* A row replaces the one with the same id, in the same block, in an older one, and twice in one call. */
static void test_replacing(void **state)
{
    (void)state;
    const quern_index_options options = {.size = sizeof options, .dimensions = 2, .ids = QUERN_INDEX_NAMES};
    const float vectors[][2] = {{1, 0}, {0, 1}, {0.5f, 0.5f}, {2, 2}};
    const quern_index_row rows[] = {{.name = {"a", 1}, .payload = {"one", 3}}, {.name = {"b\0c", 3}},
                                    {.name = {"a", 1}, .payload = {"three", 5}}, {.name = {"a", 1}}};
    quern_index_writer *writer = index_trial_create(&options);
    quern_index_row found;
    assert_int_equal(quern_index_add(writer, rows, vectors[0], 3, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index *index = index_trial_open();
    assert_int_equal(quern_index_get(index, 0, &found, NULL), QUERN_EINVAL);
    assert_int_equal(quern_index_get(index, 2, &found, NULL), QUERN_OK);
    assert_int_equal(found.payload.length, 5);
    assert_memory_equal(found.payload.data, "three", 5);
    assert_int_equal(quern_index_get(index, 1, &found, NULL), QUERN_OK);
    assert_int_equal(found.name.length, 3);
    assert_memory_equal(found.name.data, "b\0c", 3);
    quern_index_close(index);

    assert_int_equal(quern_index_add(writer, &rows[3], vectors[3], 1, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    index = index_trial_open();
    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    assert_int_equal(info.count, 2);
    assert_int_equal(quern_index_get(index, 2, &found, NULL), QUERN_EINVAL);
    float vector[2];
    assert_int_equal(quern_index_vector(index, 3, vector, NULL), QUERN_OK);
    assert_true(vector[0] == 2 && vector[1] == 2);
    assert_int_equal(quern_index_get(index, 4, &found, NULL), QUERN_EINVAL);
    quern_index_close(index);
}

/* A writer that rests goes on with what it knows, unless somebody else has changed or replaced the file. */
static void test_rest(void **state)
{
    (void)state;
    const quern_index_options options = {.size = sizeof options, .dimensions = 2};
    const float vector[] = {1, 0};
    const quern_index_row rows[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    quern_index_writer *writer = index_trial_create(&options), *other = NULL;
    quern_error error;
    assert_int_equal(quern_index_add(writer, rows, vector, 1, NULL), QUERN_OK);
    assert_int_equal(quern_index_rest(writer, &error), QUERN_EINVAL); /* it is not committed */
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    assert_int_equal(quern_index_resume(writer, NULL), QUERN_OK); /* it does not rest */
    for (int i = 0; i < 3; i++) { /* the same row again, and nothing at all */
        assert_int_equal(quern_index_rest(writer, NULL), QUERN_OK);
        assert_int_equal(quern_index_add(writer, rows, vector, 1, &error), QUERN_EINVAL);
        assert_non_null(strstr(error.text, "rests: call quern_index_resume"));
        assert_int_equal(quern_index_resume(writer, NULL), QUERN_OK);
        assert_int_equal(quern_index_change(&other, index_trial_path, NULL, NULL), QUERN_EIO); /* it has it again */
        assert_int_equal(quern_index_add(writer, rows, vector, i == 1 ? 1 : 0, NULL), QUERN_OK);
        assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    }
    assert_int_equal(quern_index_rest(writer, NULL), QUERN_OK);
    assert_int_equal(quern_index_change(&other, index_trial_path, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_index_resume(writer, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "another process is changing it"));
    assert_int_equal(quern_index_add(other, &rows[1], vector, 1, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(other, NULL), QUERN_OK);
    assert_int_equal(quern_index_rest(other, NULL), QUERN_OK);
    assert_int_equal(quern_index_resume(writer, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "was changed since this writer rests"));
    quern_index_writer_free(writer);
    assert_int_equal(quern_index_compact(index_trial_path, NULL), QUERN_OK);
    assert_int_equal(quern_index_resume(other, NULL), QUERN_EIO); /* it was replaced */
    quern_index_writer_free(other);
    quern_index *index = index_trial_open();
    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    assert_int_equal(info.count, 2);
    quern_index_close(index);
}

static void test_compact(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 300, 20);
    quern_index_writer *writer = NULL;
    struct index_rows part = set;
    part.count = 1;
    index_rows_write(&part, false);
    for (size_t i = 1; i < 300; i += 13) { /* many small blocks */
        assert_int_equal(quern_index_change(&writer, index_trial_path, NULL, NULL), QUERN_OK);
        index_rows_add(writer, &set, i, i + 13 < 300 ? i + 13 : 300);
        assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
        quern_index_writer_free(writer);
    }
    assert_int_equal(quern_index_change(&writer, index_trial_path, NULL, NULL), QUERN_OK);
    const quern_index_row first[] = {index_rows_at(&set, 0), index_rows_at(&set, 1)};
    assert_int_equal(quern_index_remove(writer, first, 2, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_index_set_note(writer, (quern_text){"note", 4}, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_error error;
    assert_int_equal(quern_index_compact(index_trial_path, &error), QUERN_EIO); /* the writer holds the file */
    assert_non_null(strstr(error.text, "another process is changing it"));
    quern_index_writer_free(writer);

    if (quern_index_compact(index_trial_path, &error) != QUERN_OK)
        fail_msg("%s", error.text);
    quern_index *index = index_trial_open();
    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    assert_int_equal(info.blocks, 1);
    assert_int_equal(info.places, 298);
    assert_int_equal(info.count, 298);
    assert_memory_equal(info.note.data, "note", 4);
    const struct index_rows rest = {set.dimensions, 298, set.vectors + 2 * 20, set.ids + 2, set.gone};
    const quern_search_options options = {.size = sizeof options, .hits = 298};
    index_rows_check_search(&rest, index, 3, 2, &options);
    for (size_t i = 0; i < 298; i++) {
        quern_index_row row;
        assert_int_equal(quern_index_get(index, i, &row, NULL), QUERN_OK);
        assert_int_equal(row.number, rest.ids[i]);
        assert_int_equal(row.payload.length, (i + 2) % 9);
        assert_memory_equal(row.payload.data, &rest.ids[i], row.payload.length);
    }
    quern_index_close(index);
    index_rows_free(&set);
}

/* What was not committed is not there; a new file has no name before its first commit. */
static void test_forgotten(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 5000, 16);
    const quern_index_options options = {.size = sizeof options, .dimensions = 16};
    unlink(index_trial_path);
    quern_index_writer *writer = index_trial_create(&options);
    quern_index *index = NULL;
    index_rows_add(writer, &set, 0, 5000);
    assert_int_equal(quern_index_open(&index, index_trial_path, NULL), QUERN_EIO);
    assert_null(index);
    quern_index_writer_free(writer);
    assert_int_equal(access(index_trial_path, F_OK), -1);

    struct index_rows part = set;
    part.count = 100;
    index_rows_write(&part, false);
    assert_int_equal(quern_index_change(&writer, index_trial_path, NULL, NULL), QUERN_OK);
    index_rows_add(writer, &set, 100, 5000);
    quern_index_writer_free(writer);
    index = index_trial_open();
    const quern_search_options asked = {.size = sizeof asked, .hits = 100};
    index_rows_check_search(&part, index, 2, 2, &asked);
    quern_index_close(index);

    writer = index_trial_create(&options); /* an index of nothing */
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    index = index_trial_open();
    part.count = 0;
    quern_searcher *searcher = NULL;
    quern_hit hits[100];
    quern_search_result result = {.hits = 7};
    assert_int_equal(quern_searcher_new(&searcher, index, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_search(searcher, set.vectors, 1, &asked, hits, &result, NULL), QUERN_OK);
    assert_int_equal(result.hits, 0);
    quern_searcher_free(searcher);
    quern_index_close(index);
    index_rows_free(&set);
}

static long long file_bytes(void)
{
    struct stat status;
    assert_int_equal(stat(index_trial_path, &status), 0);
    return (long long)status.st_size;
}

/* What was written and not committed takes no room, whether its writer ends or is killed, and no reader minds. */
static void test_room_is_given_back(void **state)
{
    (void)state;
    struct index_rows set = index_rows_make(ROWS_RANDOM, 5000, 16), part = set;
    const quern_search_options asked = {.size = sizeof asked, .hits = 100};
    quern_index_writer *writer;
    part.count = 100;
    index_rows_write(&part, false);
    const long long before = file_bytes();
    assert_int_equal(quern_index_change(&writer, index_trial_path, NULL, NULL), QUERN_OK);
    index_rows_add(writer, &set, 100, 5000); /* more than a block */
    assert_true(file_bytes() > before);
    quern_index_writer_free(writer);
    assert_true(file_bytes() == before);

    assert_int_equal(truncate(index_trial_path, before + 1000000), 0); /* as if it were killed */
    quern_index *index = index_trial_open();
    assert_int_equal(quern_index_change(&writer, index_trial_path, NULL, NULL), QUERN_OK);
    index_rows_add(writer, &set, 100, 200);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    index_rows_check_search(&part, index, 2, 2, &asked);
    quern_index_close(index);
    /* Windows cuts no file that is mapped: then the next writer does. */
    assert_int_equal(quern_index_change(&writer, index_trial_path, NULL, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    assert_true(file_bytes() > before && file_bytes() < before + 100000);
    index = index_trial_open();
    part.count = 200;
    index_rows_check_search(&part, index, 2, 2, &asked);
    assert_int_equal(quern_index_check(index, NULL), QUERN_OK);
    quern_index_close(index);
    index_rows_free(&set);
}

/* ---------------------------------------------------------------- refusals */

#define REFUSED(call, code, words)                                                                                     \
    do {                                                                                                               \
        quern_error refused;                                                                                           \
        assert_int_equal(call, code);                                                                                  \
        if (strstr(refused.text, words) == NULL)                                                                       \
            fail_msg("\"%s\" does not say \"%s\"", refused.text, words);                                               \
    } while (0)

static void test_refusals(void **state)
{
    (void)state;
    quern_index_options options = {.size = sizeof options};
    quern_index_writer *writer = NULL, *second = NULL;
    REFUSED(quern_index_create(&writer, index_trial_path, &options, &refused), QUERN_EINVAL,
            "1 to 16384 dimensions, not of 0");
    options.dimensions = 3;
    options.rows = QUERN_DTYPE_INT8;
    REFUSED(quern_index_create(&writer, index_trial_path, &options, &refused), QUERN_EINVAL, "f32 or f16");
    options.rows = QUERN_DTYPE_F32;
    options.space = "a name of a space that has more than sixty-three bytes, as no space has";
    REFUSED(quern_index_create(&writer, index_trial_path, &options, &refused), QUERN_EINVAL, "more than 63 bytes");
    options.space = "3n-0123456789abcdef-document";
    options.ids = QUERN_INDEX_NAMES;
    assert_int_equal(quern_index_create(&writer, index_trial_path, &options, NULL), QUERN_OK);
    REFUSED(quern_index_create(&second, index_trial_path, &options, &refused), QUERN_EIO,
            "another process is writing it");

    const float vectors[][3] = {{1, 2, 3}, {1, NAN, 3}, {INFINITY, 0, 0}, {2e18f, 0, 0}};
    const quern_index_row rows[] = {{.name = {"a", 1}}, {.name = {"b", 1}}, {.name = {"", 0}}};
    for (size_t i = 1; i < QUERN_COUNT(vectors); i++)
        REFUSED(quern_index_add(writer, rows, vectors[i], 1, &refused), QUERN_EINVAL, "not finite, or is longer");
    quern_error error;
    assert_int_equal(quern_index_add(writer, rows, vectors[0], 2, &error), QUERN_EINVAL);
    assert_int_equal(error.index, 1);
    REFUSED(quern_index_add(writer, &rows[2], vectors[0], 1, &refused), QUERN_EINVAL, "1 to 4096 bytes, not 0");
    assert_int_equal(quern_index_add(writer, rows, vectors[0], 1, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);

    quern_index *index = index_trial_open();
    quern_index_info info = {.size = sizeof info};
    quern_index_row found;
    float read[3];
    REFUSED(quern_index_get(NULL, 0, &found, &refused), QUERN_EINVAL, "index is NULL");
    REFUSED(quern_index_get(index, 0, NULL, &refused), QUERN_EINVAL, "row is NULL");
    REFUSED(quern_index_vector(NULL, 0, read, &refused), QUERN_EINVAL, "index is NULL");
    REFUSED(quern_index_vector(index, 0, NULL, &refused), QUERN_EINVAL, "vector is NULL");
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    assert_int_equal(info.count, 1); /* the row before the bad one was not added */
    assert_string_equal(info.space, options.space);
    quern_searcher *searcher = NULL;
    quern_hit hits[200];
    quern_search_options asked = {.size = sizeof asked, .hits = 101};
    assert_int_equal(quern_searcher_new(&searcher, index, NULL, NULL), QUERN_OK);
    REFUSED(quern_search(searcher, vectors[0], 1, &asked, hits, NULL, &refused), QUERN_EINVAL, "1 to 100 hits");
    asked.hits = 2;
    asked.oversampling = 3;
    REFUSED(quern_search(searcher, vectors[0], 1, &asked, hits, NULL, &refused), QUERN_EINVAL, "index with bits");
    asked.oversampling = 0;
    assert_int_equal(quern_search(searcher, vectors[0], 2, &asked, hits, NULL, &error), QUERN_EINVAL);
    assert_int_equal(error.index, 1);
    asked.space = "3n-0123456789abcdee-query";
    REFUSED(quern_search(searcher, vectors[0], 1, &asked, hits, NULL, &refused), QUERN_EINVAL, "cannot be compared");
    asked.space = "3n-0123456789abcdef-query";
    assert_int_equal(quern_search(searcher, vectors[0], 1, &asked, hits, NULL, NULL), QUERN_OK);
    quern_searcher_free(searcher);
    quern_index_close(index);
}

/* ---------------------------------------------------------------- damage */

static unsigned char *read_all(size_t *size)
{
    FILE *file = fopen(index_trial_path, "rb");
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void write_all(const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(index_trial_path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Opens a damaged file, and uses all of it if that succeeds. Returns whether the damage was noticed. */
static bool try_damaged(void)
{
    quern_index *index = NULL;
    quern_searcher *searcher = NULL;
    const float query[5] = {1, 2, 3, 4, 5};
    const quern_search_options options = {.size = sizeof options, .hits = 10};
    quern_hit hits[10];
    quern_search_result result;
    if (quern_index_open(&index, index_trial_path, NULL) != QUERN_OK)
        return true;
    quern_index_info info = {.size = sizeof info};
    assert_int_equal(quern_index_describe(index, &info, NULL), QUERN_OK);
    if (info.dimensions == 5) {
        assert_int_equal(quern_searcher_new(&searcher, index, NULL, NULL), QUERN_OK);
        quern_search(searcher, query, 1, &options, hits, &result, NULL);
        quern_searcher_free(searcher);
    }
    for (uint64_t place = 0; place < info.places; place++) {
        quern_index_row row;
        quern_index_get(index, place, &row, NULL);
    }
    const bool noticed = quern_index_check(index, NULL) != QUERN_OK;
    quern_index_close(index);
    return noticed;
}

/* Cuts the file off under a writer, which must read the id of a row to see that a new one replaces it. */
static void check_cut_off(quern_index_ids ids, const quern_index_row *row)
{
    const quern_index_options options = {.size = sizeof options, .dimensions = 3, .ids = ids};
    const float vector[3] = {1, 2, 3};
    quern_index_writer *writer = index_trial_create(&options);
    assert_int_equal(quern_index_add(writer, row, vector, 1, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    assert_int_equal(truncate(index_trial_path, QUERN_INDEX_HEADER), 0);
    REFUSED(quern_index_add(writer, row, vector, 1, &refused), QUERN_EIO, "cannot read ");
    REFUSED(quern_index_add(writer, row, vector, 1, &refused), QUERN_EIO, "make another writer");
    quern_index_writer_free(writer);
}

static void test_cut_off_under_a_writer(void **state)
{
    (void)state;
    check_cut_off(QUERN_INDEX_NUMBERS, &(quern_index_row){.number = 7});
    check_cut_off(QUERN_INDEX_NAMES, &(quern_index_row){.name = {"seven", 5}});
}

static void test_damage(void **state)
{
    (void)state;
    const quern_index_options options = {.size = sizeof options, .dimensions = 5, .ids = QUERN_INDEX_NAMES, .bits = 1};
    quern_index_writer *writer = index_trial_create(&options);
    for (size_t i = 0; i < 30; i++) {
        const float vector[5] = {(float)i, 1, 2, 3, 4};
        const quern_index_row row = {.name = {"abcdefghijklmnopqrstuvwxyz0123456789", i + 1}, .payload = {"xyz", 3}};
        assert_int_equal(quern_index_add(writer, &row, vector, 1, NULL), QUERN_OK);
    }
    const quern_index_row gone = {.name = {"abc", 3}};
    assert_int_equal(quern_index_remove(writer, &gone, 1, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_index_commit(writer, NULL), QUERN_OK);
    quern_index_writer_free(writer);
    size_t size;
    unsigned char *bytes = read_all(&size);
    assert_false(try_damaged());
    for (size_t at = 0; at < size; at++) {
        const bool is_padding = at >= 12 && at < QUERN_INDEX_HEADER && !(at >= 128 && at < 168);
        if (is_padding && at % 64 != 0)
            continue;
        for (int flip = 1; flip < 256; flip *= 16) {
            bytes[at] ^= (unsigned char)flip;
            write_all(bytes, size);
            const bool noticed = try_damaged();
            if (!noticed && !is_padding && bytes[at] != 0)
                fail_msg("a change of byte %zu of %zu was not noticed", at, size);
            bytes[at] ^= (unsigned char)flip;
        }
    }
    for (size_t length = 1; length < size; length += length < 200 ? 1 : 97) {
        write_all(bytes, length);
        assert_true(try_damaged());
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_replacing),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_compact),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_room_is_given_back),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_cut_off_under_a_writer),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, index_trial_begin, index_trial_end);
}
