/* The reader of GGUF files: what the writer wrote, cut off anywhere, and with any byte changed. */
#include "gguf/gguf.h"
#include "gguf/writer.h"
#include "gguf_bytes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int make_path(void **state)
{
    static char path[64];
    strcpy(path, "/tmp/quern-gguf-XXXXXX");
    int file = mkstemp(path);
    *state = path;
    return file < 0 || close(file);
}

static int remove_path(void **state)
{
    return unlink(*state);
}

/* ---------------------------------------------------------------- a sound file */

static const float row[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static const quern_text texts[] = {{"one", 3}, {"", 0}, {"a\0b", 3}};

static void write_sound(const char *path)
{
    struct quern_gguf_writer *writer;
    unsigned char block[2 * 34] = {0x00, 0x3C};
    assert_int_equal(quern_gguf_writer_new(&writer, path, NULL, NULL), QUERN_OK);
    quern_gguf_put_u32(writer, "number", 42);
    quern_gguf_put_f32(writer, "float", 0.25f);
    quern_gguf_put_bool(writer, "yes", true);
    quern_gguf_put_string(writer, "string", (quern_text){"text", 4});
    quern_gguf_put_strings(writer, "strings", texts, 3);
    quern_gguf_put_array(writer, "array", QUERN_GGUF_F32, row, 3);
    quern_gguf_put_tensor(writer, "vector", QUERN_TYPE_F32, (uint64_t[]){3}, 1);
    quern_gguf_put_tensor(writer, "matrix", QUERN_TYPE_Q8_0, (uint64_t[]){32, 2}, 2);
    quern_gguf_put_tensor(writer, "cube", QUERN_TYPE_F16, (uint64_t[]){2, 1, 1, 2}, 4);
    quern_gguf_put_data(writer, row, 12);
    quern_gguf_put_data(writer, block, sizeof block);
    quern_gguf_put_data(writer, row, 8);
    assert_int_equal(quern_gguf_writer_finish(writer, NULL), QUERN_OK);
}

static void read_sound(const char *path, struct trial_bytes *out)
{
    write_sound(path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    out->size = fread(out->data, 1, sizeof out->data, file);
    fclose(file);
}

static void test_what_was_written_is_read(void **state)
{
    struct quern_gguf gguf;
    write_sound(*state);
    assert_int_equal(quern_gguf_open(&gguf, *state, NULL), QUERN_OK);
    assert_int_equal(gguf.value_count, 6);
    assert_int_equal(gguf.tensor_count, 3);
    assert_memory_equal(gguf.values[3].key.data, "string", 6);

    const struct quern_gguf_value *value = quern_gguf_find(&gguf, "strings");
    assert_int_equal(value->kind, QUERN_GGUF_ARRAY);
    assert_int_equal(value->element, QUERN_GGUF_STRING);
    assert_int_equal(value->count, 3);
    size_t cursor = 0;
    for (size_t i = 0; i < 3; i++) {
        quern_text text = quern_gguf_next_string(value, &cursor);
        assert_int_equal(text.length, texts[i].length);
        assert_memory_equal(text.data, texts[i].data, text.length);
    }
    assert_int_equal(cursor, value->bytes);
    assert_int_equal(quern_gguf_next_string(value, &cursor).length, 0); /* once too often does no harm */
    value = quern_gguf_find(&gguf, "array");
    assert_int_equal(value->element, QUERN_GGUF_F32);
    assert_int_equal(value->bytes, 12);
    assert_memory_equal(value->data, row, 12);

    const struct quern_gguf_tensor *tensor = quern_gguf_tensor_find(&gguf, "cube");
    assert_int_equal(tensor->dimensions, 4);
    assert_int_equal(tensor->shape[0] * 1000 + tensor->shape[1] * 100 + tensor->shape[2] * 10 + tensor->shape[3], 2112);
    assert_int_equal(tensor->elements, 4);
    assert_int_equal(tensor->bytes, 8);
    assert_memory_equal(tensor->data, row, 8);
    tensor = quern_gguf_tensor_find(&gguf, "matrix");
    assert_int_equal(tensor->type, QUERN_TYPE_Q8_0);
    assert_int_equal(tensor->bytes, 68);
    assert_int_equal((tensor->data - gguf.map.data) % 32, 0);
    assert_int_equal(quern_gguf_tensor_find(&gguf, "vector")->shape[1], 1);

    assert_null(quern_gguf_find(&gguf, "vector"));
    assert_null(quern_gguf_find(&gguf, "stringss"));
    assert_null(quern_gguf_find(&gguf, ""));
    assert_null(quern_gguf_tensor_find(&gguf, "number"));
    quern_gguf_close(&gguf);
    quern_gguf_close(&gguf);
    quern_gguf_close(&(struct quern_gguf){0});
}

static void test_many_names_are_found(void **state)
{
    enum { COUNT = 5000 };
    struct quern_gguf_writer *writer;
    struct quern_gguf gguf;
    char name[32];
    int64_t value;
    assert_int_equal(quern_gguf_writer_new(&writer, *state, NULL, NULL), QUERN_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "key.%u", i);
        quern_gguf_put_u32(writer, name, i);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "tensor.%u", i);
        quern_gguf_put_tensor(writer, name, QUERN_TYPE_F32, (uint64_t[]){1}, 1);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        quern_gguf_put_data(writer, &i, sizeof i);
    assert_int_equal(quern_gguf_writer_finish(writer, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&gguf, *state, NULL), QUERN_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "key.%u", i);
        assert_int_equal(quern_gguf_integer(&gguf, name, i, i, &value, NULL), QUERN_OK);
        assert_int_equal(value, i);
        snprintf(name, sizeof name, "tensor.%u", i);
        assert_memory_equal(quern_gguf_tensor_find(&gguf, name)->data, &i, sizeof i);
    }
    quern_gguf_close(&gguf);
}

static void test_file_is_lost(void **state)
{
    struct quern_gguf gguf;
    write_sound(*state);
    assert_int_equal(quern_gguf_open(&gguf, *state, NULL), QUERN_OK);
    const int code = truncate(*state, 0);
    if (code != 0 && errno == EACCES)
        skip(); /* the system keeps a mapped file whole */
    assert_int_equal(code, 0);
    assert_int_equal(gguf.tensors[0].data[0], 0);
    assert_int_equal(quern_map_check(&gguf.map, NULL), QUERN_EIO);
    quern_gguf_close(&gguf);
    assert_int_equal(quern_gguf_open(&gguf, *state, NULL), QUERN_EIO); /* empty */
}

static void test_versions(void **state)
{
    static struct trial_bytes file;
    read_sound(*state, &file);
    file.data[4] = 2;
    assert_int_equal(trial_parse(file.data, file.size, NULL), QUERN_OK);
}
/* ---------------------------------------------------------------- damaged files */

static void test_every_truncation(void **state)
{
    static struct trial_bytes file;
    read_sound(*state, &file);
    size_t needed = file.size - 24; /* the last tensor has 8 bytes; the rest of 32 is padding */
    for (size_t size = 0; size <= file.size; size++) {
        quern_error error = {0};
        assert_int_equal(trial_parse(file.data, size, &error), size < needed ? QUERN_EFORMAT : QUERN_OK);
        if (size < needed)
            assert_non_null(strstr(error.text, "the file "));
    }
}

static volatile unsigned sum; /* so that reading is not optimised away */

/* Reads everything that the reader accepted, so that a sanitizer sees what lies outside the file. */
static void touch(const struct quern_gguf *gguf)
{
    for (size_t i = 0; i < gguf->value_count; i++) {
        const struct quern_gguf_value *value = &gguf->values[i];
        size_t cursor = 0;
        for (size_t k = 0; k < value->key.length; k++)
            sum += (unsigned char)value->key.data[k];
        for (size_t k = 0; k < value->bytes; k++)
            sum += value->data[k];
        for (uint64_t k = 0; value->kind == QUERN_GGUF_ARRAY && value->element == QUERN_GGUF_STRING && k < value->count;
             k++)
            sum += (unsigned)quern_gguf_next_string(value, &cursor).length;
    }
    for (size_t i = 0; i < gguf->tensor_count; i++)
        for (size_t k = 0; k < gguf->tensors[i].bytes; k++)
            sum += gguf->tensors[i].data[k];
}

static void test_every_mutation(void **state)
{
    static struct trial_bytes file;
    static const unsigned char changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF};
    int sound = 0, refused = 0;
    read_sound(*state, &file);
    unsigned char *block = malloc(file.size); /* of exactly the size */
    for (size_t at = 0; at < file.size; at++)
        for (size_t c = 0; c < sizeof changes; c++) {
            struct quern_gguf gguf;
            quern_error error = {0};
            memcpy(block, file.data, file.size);
            block[at] ^= changes[c];
            if (quern_gguf_parse(&gguf, block, file.size, &error) == QUERN_OK) {
                touch(&gguf);
                quern_gguf_close(&gguf);
                sound++;
            } else {
                assert_true(error.code == QUERN_EFORMAT || error.code == QUERN_EUNSUPPORTED);
                assert_true(error.text[0] != '\0');
                refused++;
            }
        }
    free(block);
    assert_true(sound > 500 && refused > 500);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_written_is_read, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_many_names_are_found, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_file_is_lost, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_versions, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_every_truncation, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_every_mutation, make_path, remove_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
