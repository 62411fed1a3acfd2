/* The table of vectors on disk: what is put there is found, and what is damaged is not. */
#include "vector_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WIDTH = 3, MANY = 40, BUCKET = 8 };

static char folder[] = "/tmp/quern-table-XXXXXX";

/* Keys that have the same bucket in every file. */
static void make_key(unsigned char key[QUERN_TABLE_KEY], int number)
{
    memset(key, 0, QUERN_TABLE_KEY);
    key[7] = (unsigned char)(number + 1);
}

static void make_vector(float vector[WIDTH], int number)
{
    for (int i = 0; i < WIDTH; i++)
        vector[i] = (float)(number * WIDTH + i) / 7;
}

static void open_table(struct quern_vector_table *table, const char *name)
{
    quern_error error;
    assert_int_equal(quern_vector_table_open(table, folder, name, WIDTH, &error), QUERN_OK);
}

static bool put(struct quern_vector_table *table, int number)
{
    unsigned char key[QUERN_TABLE_KEY];
    float vector[WIDTH];
    make_key(key, number);
    make_vector(vector, number);
    return quern_vector_table_put(table, key, vector);
}

/* Whether a vector is found; then it must be the right one. */
static bool has(struct quern_vector_table *table, int number)
{
    unsigned char key[QUERN_TABLE_KEY];
    float vector[WIDTH], wanted[WIDTH];
    make_key(key, number);
    make_vector(wanted, number);
    if (!quern_vector_table_find(table, key, vector))
        return false;
    assert_memory_equal(vector, wanted, sizeof wanted);
    return true;
}

static void finds_what_was_put(void **state)
{
    struct quern_vector_table table, other;
    (void)state;
    open_table(&table, "many");
    open_table(&other, "many");
    for (int i = 0; i < MANY; i++) {
        assert_false(has(&table, i));
        assert_true(put(&table, i));
        assert_true(has(&table, i));
    }
    assert_int_equal(table.count, MANY / BUCKET); /* a bucket that is full goes on in the next file */
    assert_true(has(&other, 0));                  /* another process sees what is in the files that it has open */
    assert_true(put(&other, MANY));               /* and finds the next file itself */
    assert_int_equal(other.count, MANY / BUCKET + 1);
    quern_vector_table_close(&table);
    open_table(&table, "many");
    for (int i = 0; i <= MANY; i++)
        assert_true(has(&table, i));
    quern_vector_table_close(&table);
    quern_vector_table_close(&other);
}

static size_t read_file(const char *path, unsigned char *data, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t length = fread(data, 1, capacity, file);
    fclose(file);
    return length;
}

static void write_file(const char *path, const unsigned char *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    fclose(file);
}

static void trusts_no_byte(void **state)
{
    struct quern_vector_table table;
    unsigned char data[4096];
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "%s/bytes-0.vectors", folder);
    open_table(&table, "bytes");
    assert_true(put(&table, 5));
    quern_vector_table_close(&table);
    const size_t length = read_file(path, data, sizeof data);
    assert_true(length > QUERN_TABLE_KEY && length < sizeof data);
    const size_t place = QUERN_TABLE_KEY * BUCKET; /* behind the keys, of which only the first one is used */
    for (size_t i = 0; i < length; i++) {
        const bool matters = i < QUERN_TABLE_KEY || i >= place;
        data[i] ^= 4;
        write_file(path, data, length);
        open_table(&table, "bytes");
        assert_int_equal(has(&table, 5), !matters);
        assert_true(put(&table, 5));
        assert_true(has(&table, 5));
        quern_vector_table_close(&table);
        data[i] ^= 4;
    }
    for (size_t i = 0; i < length; i++) {
        write_file(path, data, i);
        open_table(&table, "bytes");
        assert_false(has(&table, 5));
        quern_vector_table_close(&table);
    }
}

static void removes_its_files_only(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "%s/note", folder);
    write_file(path, (const unsigned char *)"x", 1);
    quern_vector_table_remove(folder);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    quern_vector_table_remove(folder);
    assert_int_not_equal(access(folder, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),
        cmocka_unit_test(trusts_no_byte),
        cmocka_unit_test(removes_its_files_only),
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
