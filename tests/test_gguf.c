#include "base/count.h"
#include "gguf/gguf.h"
#include "gguf/writer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
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

/* ---------------------------------------------------------------- files by hand */

struct bytes {
    unsigned char data[1 << 18];
    size_t size;
};

static void put(struct bytes *out, const void *data, size_t size)
{
    assert_true(out->size + size <= sizeof out->data);
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void put_u32(struct bytes *out, uint32_t value)
{
    put(out, &value, sizeof value);
}

static void put_u64(struct bytes *out, uint64_t value)
{
    put(out, &value, sizeof value);
}

static void put_text(struct bytes *out, const char *text)
{
    put_u64(out, strlen(text));
    put(out, text, strlen(text));
}

static void put_header(struct bytes *out, uint64_t tensors, uint64_t keys)
{
    put(out, "GGUF", 4);
    put_u32(out, 3);
    put_u64(out, tensors);
    put_u64(out, keys);
}

static void put_key(struct bytes *out, const char *key, uint32_t kind)
{
    put_text(out, key);
    put_u32(out, kind);
}

static void put_tensor(struct bytes *out, const char *name, uint32_t type, uint32_t dimensions, const uint64_t *shape,
                       uint64_t offset)
{
    put_text(out, name);
    put_u32(out, dimensions);
    put(out, shape, (dimensions < 8 ? dimensions : 8) * sizeof *shape);
    put_u32(out, type);
    put_u64(out, offset);
}

static void put_padding(struct bytes *out, size_t alignment)
{
    while (out->size % alignment)
        put(out, "", 1);
}

static void put_zeros(struct bytes *out, size_t size)
{
    while (size--)
        put(out, "", 1);
}

/* Parses a copy in memory of exactly this size, so that a sanitizer sees a read beyond it. */
static int parse(const unsigned char *data, size_t size, quern_error *error)
{
    struct quern_gguf gguf;
    unsigned char *block = malloc(size ? size : 1);
    memcpy(block, data, size);
    int code = quern_gguf_parse(&gguf, block, size, error);
    if (code == QUERN_OK)
        quern_gguf_close(&gguf);
    else
        assert_null(gguf.index);
    free(block);
    return code;
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

static void read_sound(const char *path, struct bytes *out)
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
    static struct bytes file;
    read_sound(*state, &file);
    file.data[4] = 2;
    assert_int_equal(parse(file.data, file.size, NULL), QUERN_OK);
}

/* ---------------------------------------------------------------- damaged files */

static void empty(struct bytes *out)
{
    (void)out;
}

static void wrong_magic(struct bytes *out)
{
    put(out, "WXYZ", 4);
    put_zeros(out, 20);
}

static void put_version(struct bytes *out, uint32_t version)
{
    put(out, "GGUF", 4);
    put_u32(out, version);
    put_zeros(out, 16);
}

static void version_0(struct bytes *out) { put_version(out, 0); }
static void version_1(struct bytes *out) { put_version(out, 1); }
static void version_4(struct bytes *out) { put_version(out, 4); }
static void big_endian(struct bytes *out) { put_version(out, 3u << 24); }
static void endless_tensors(struct bytes *out) { put_header(out, UINT64_MAX, 0); }
static void endless_keys(struct bytes *out) { put_header(out, 0, 1u << 31); }

static void more_keys_than_bytes(struct bytes *out)
{
    put_header(out, 0, 3);
    put_zeros(out, 3 * 14 - 1);
}

static void more_tensors_than_bytes(struct bytes *out)
{
    put_header(out, 3, 0);
    put_zeros(out, 3 * 33 - 1);
}

static void key_without_name(struct bytes *out)
{
    put_header(out, 0, 1);
    put_key(out, "", QUERN_GGUF_U32);
    put_u64(out, 0);
}

static void key_too_long(struct bytes *out)
{
    put_header(out, 0, 1);
    put_u64(out, 65536);
    put_zeros(out, 70000);
}

static void key_beyond_the_end(struct bytes *out)
{
    put_header(out, 0, 1);
    put_u64(out, UINT64_MAX - 7);
    put_zeros(out, 20);
}

static void key_twice(struct bytes *out)
{
    put_header(out, 0, 2);
    put_key(out, "same", QUERN_GGUF_U32);
    put_u32(out, 0);
    put_key(out, "same", QUERN_GGUF_U32);
    put_u32(out, 0);
}

static void put_one_key(struct bytes *out, uint32_t kind)
{
    put_header(out, 0, 1);
    put_key(out, "odd", kind);
}

static void no_kind(struct bytes *out)
{
    put_one_key(out, 13);
    put_u64(out, 0);
}

static void bool_of_two(struct bytes *out)
{
    put_one_key(out, QUERN_GGUF_BOOL);
    put(out, "\2", 1);
}

static void number_cut_off(struct bytes *out)
{
    put_one_key(out, QUERN_GGUF_U64);
    put_u32(out, 0);
}

static void string_beyond_the_end(struct bytes *out)
{
    put_one_key(out, QUERN_GGUF_STRING);
    put_u64(out, 11);
    put_zeros(out, 10);
}

static void put_array(struct bytes *out, uint32_t element, uint64_t count)
{
    put_one_key(out, QUERN_GGUF_ARRAY);
    put_u32(out, element);
    put_u64(out, count);
}

static void array_of_arrays(struct bytes *out) { put_array(out, QUERN_GGUF_ARRAY, 0); }
static void array_of_nothing(struct bytes *out) { put_array(out, 99, 0); }
static void array_overflow(struct bytes *out) { put_array(out, QUERN_GGUF_U64, (uint64_t)1 << 61); }
static void array_of_endless_strings(struct bytes *out) { put_array(out, QUERN_GGUF_STRING, (uint64_t)1 << 61); }

static void array_too_long(struct bytes *out)
{
    put_array(out, QUERN_GGUF_U16, 6);
    put_zeros(out, 11);
}

static void string_of_array_beyond_the_end(struct bytes *out)
{
    put_array(out, QUERN_GGUF_STRING, 2);
    put_text(out, "ab");
    put_u64(out, 1);
}

static void put_alignment(struct bytes *out, uint32_t kind, uint64_t value)
{
    put_header(out, 0, 1);
    put_key(out, "general.alignment", kind);
    put_u64(out, value);
}

static void alignment_of_8_bytes(struct bytes *out) { put_alignment(out, QUERN_GGUF_U64, 32); }
static void alignment_0(struct bytes *out) { put_alignment(out, QUERN_GGUF_U32, 0); }
static void alignment_4(struct bytes *out) { put_alignment(out, QUERN_GGUF_U32, 4); }
static void alignment_48(struct bytes *out) { put_alignment(out, QUERN_GGUF_U32, 48); }
static void alignment_2_to_21(struct bytes *out) { put_alignment(out, QUERN_GGUF_U32, 1 << 21); }

static void put_one_tensor(struct bytes *out, const char *name, uint32_t type, uint32_t dimensions,
                           const uint64_t *shape, uint64_t offset)
{
    put_header(out, 1, 0);
    put_tensor(out, name, type, dimensions, shape, offset);
    put_padding(out, 32);
    put_zeros(out, 64);
}

static const uint64_t one[8] = {1, 1, 1, 1, 1, 1, 1, 1};

static void tensor_without_name(struct bytes *out) { put_one_tensor(out, "", 0, 1, one, 0); }

static void tensor_of_64_letters(struct bytes *out)
{
    char name[65] = "";
    memset(name, 'n', 64);
    put_one_tensor(out, name, 0, 1, one, 0);
}

static void tensor_name_with_nul(struct bytes *out)
{
    put_header(out, 1, 0);
    put_u64(out, 3);
    put(out, "a\0b", 3);
    put_zeros(out, 64);
}

static void tensor_twice(struct bytes *out)
{
    put_header(out, 2, 0);
    put_tensor(out, "same", 0, 1, one, 0);
    put_tensor(out, "same", 0, 1, one, 32);
    put_zeros(out, 100);
}

static void no_dimensions(struct bytes *out) { put_one_tensor(out, "odd", 0, 0, one, 0); }
static void five_dimensions(struct bytes *out) { put_one_tensor(out, "odd", 0, 5, one, 0); }
static void zero_first(struct bytes *out) { put_one_tensor(out, "odd", 0, 2, (uint64_t[]){0, 4}, 0); }
static void zero_last(struct bytes *out) { put_one_tensor(out, "odd", 0, 3, (uint64_t[]){4, 2, 0}, 0); }
static void negative(struct bytes *out) { put_one_tensor(out, "odd", 0, 1, (uint64_t[]){(uint64_t)1 << 63}, 0); }

static void product_overflows(struct bytes *out)
{
    put_one_tensor(out, "odd", 0, 4, (uint64_t[]){1 << 16, 1 << 16, 1 << 16, 1 << 16}, 0);
}

static void bytes_overflow(struct bytes *out)
{
    put_one_tensor(out, "odd", 0, 2, (uint64_t[]){(uint64_t)1 << 31, (uint64_t)1 << 31}, 0);
}

static void type_4(struct bytes *out) { put_one_tensor(out, "odd", 4, 1, one, 0); }
static void type_9(struct bytes *out) { put_one_tensor(out, "odd", 9, 1, (uint64_t[]){32}, 0); }
static void type_21(struct bytes *out) { put_one_tensor(out, "odd", 21, 1, (uint64_t[]){256}, 0); }
static void type_of_all_bits(struct bytes *out) { put_one_tensor(out, "odd", UINT32_MAX, 1, one, 0); }
static void part_of_a_block(struct bytes *out) { put_one_tensor(out, "odd", 8, 2, (uint64_t[]){48, 2}, 0); }
static void offset_of_32(struct bytes *out) { put_one_tensor(out, "odd", 0, 1, one, 32); }
static void longer_than_the_file(struct bytes *out) { put_one_tensor(out, "odd", 0, 1, (uint64_t[]){17}, 0); }

static void overlap(struct bytes *out)
{
    put_header(out, 2, 0);
    put_tensor(out, "a", 0, 1, (uint64_t[]){9}, 0);
    put_tensor(out, "b", 0, 1, one, 32);
    put_padding(out, 32);
    put_zeros(out, 100);
}

static void end_overflows(struct bytes *out)
{
    static const uint64_t large[2] = {(uint64_t)1 << 30, (uint64_t)1 << 30}; /* 2^62 bytes */
    put_header(out, 3, 0);
    for (uint64_t i = 0; i < 3; i++)
        put_tensor(out, i == 0 ? "a" : i == 1 ? "b" : "c", 0, 2, large, i << 62);
    put_zeros(out, 100);
}

static void data_starts_behind_the_end(struct bytes *out)
{
    put_header(out, 1, 0);
    put_tensor(out, "odd", 0, 1, one, 0);
}

static const struct {
    void (*make)(struct bytes *out);
    int code;
    const char *fragment;
} damaged[] = {
    {empty, QUERN_EFORMAT, "not a GGUF file, but empty"},
    {wrong_magic, QUERN_EFORMAT, "not a GGUF file: it starts with 57 58 59 5a"},
    {version_0, QUERN_EUNSUPPORTED, "GGUF version 0"},
    {version_1, QUERN_EUNSUPPORTED, "GGUF version 1"},
    {version_4, QUERN_EUNSUPPORTED, "GGUF version 4"},
    {big_endian, QUERN_EUNSUPPORTED, "big-endian"},
    {endless_tensors, QUERN_EFORMAT, "18446744073709551615 tensors"},
    {endless_keys, QUERN_EFORMAT, "2147483648 keys"},
    {more_keys_than_bytes, QUERN_EFORMAT, "inside its keys and tensors"},
    {more_tensors_than_bytes, QUERN_EFORMAT, "inside its keys and tensors"},
    {key_without_name, QUERN_EFORMAT, "key 0, at byte 24"},
    {key_too_long, QUERN_EFORMAT, "not 65536"},
    {key_beyond_the_end, QUERN_EFORMAT, "inside a key"},
    {key_twice, QUERN_EFORMAT, "key 'same' occurs twice"},
    {no_kind, QUERN_EFORMAT, "key 'odd' has the unknown value type 13"},
    {bool_of_two, QUERN_EFORMAT, "key 'odd': a bool must be 0 or 1, not 2"},
    {number_cut_off, QUERN_EFORMAT, "inside a value"},
    {string_beyond_the_end, QUERN_EFORMAT, "inside a string"},
    {array_of_arrays, QUERN_EFORMAT, "key 'odd': an array cannot have elements of type 9"},
    {array_of_nothing, QUERN_EFORMAT, "key 'odd': an array cannot have elements of type 99"},
    {array_overflow, QUERN_EFORMAT, "key 'odd': the file ends inside its array"},
    {array_of_endless_strings, QUERN_EFORMAT, "key 'odd': the file ends inside its array"},
    {array_too_long, QUERN_EFORMAT, "key 'odd': the file ends inside its array of 6"},
    {string_of_array_beyond_the_end, QUERN_EFORMAT, "inside an array of strings"},
    {alignment_of_8_bytes, QUERN_EFORMAT, "'general.alignment' has value type 10"},
    {alignment_0, QUERN_EFORMAT, "'general.alignment' is 0"},
    {alignment_4, QUERN_EFORMAT, "'general.alignment' is 4"},
    {alignment_48, QUERN_EFORMAT, "'general.alignment' is 48"},
    {alignment_2_to_21, QUERN_EFORMAT, "'general.alignment' is 2097152"},
    {tensor_without_name, QUERN_EFORMAT, "tensor 0, at byte 24"},
    {tensor_of_64_letters, QUERN_EFORMAT, "tensor 0, at byte 24"},
    {tensor_name_with_nul, QUERN_EFORMAT, "tensor 0, at byte 24"},
    {tensor_twice, QUERN_EFORMAT, "tensor 'same' occurs twice"},
    {no_dimensions, QUERN_EFORMAT, "'odd' has 0 dimensions"},
    {five_dimensions, QUERN_EFORMAT, "'odd' has 5 dimensions"},
    {zero_first, QUERN_EFORMAT, "'odd': dimension 0 is zero"},
    {zero_last, QUERN_EFORMAT, "'odd': dimension 2 is zero"},
    {negative, QUERN_EFORMAT, "'odd' has more elements"},
    {product_overflows, QUERN_EFORMAT, "'odd' has more elements"},
    {bytes_overflow, QUERN_EFORMAT, "'odd' is larger"},
    {type_4, QUERN_EUNSUPPORTED, "'odd' has type 4 (unknown)"},
    {type_9, QUERN_EUNSUPPORTED, "'odd' has type 9 (Q8_1)"},
    {type_21, QUERN_EUNSUPPORTED, "'odd' has type 21 (IQ3_S)"},
    {type_of_all_bits, QUERN_EUNSUPPORTED, "'odd' has type 4294967295 (unknown)"},
    {part_of_a_block, QUERN_EFORMAT, "a row of 48 elements does not divide into Q8_0 blocks"},
    {offset_of_32, QUERN_EFORMAT, "'odd' has offset 32, but must have 0"},
    {longer_than_the_file, QUERN_EFORMAT, "tensor 'odd' ends at byte"},
    {overlap, QUERN_EFORMAT, "'b' has offset 32, but must have 64"},
    {end_overflows, QUERN_EFORMAT, "'b' ends beyond"},
    {data_starts_behind_the_end, QUERN_EFORMAT, "the file is cut off: tensor 'odd'"},
};

static void test_damaged_files(void **state)
{
    static struct bytes file;
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(damaged); i++) {
        quern_error error = {0};
        file.size = 0;
        damaged[i].make(&file);
        int code = parse(file.data, file.size, &error);
        if (code != damaged[i].code || error.code != code || !strstr(error.text, damaged[i].fragment))
            fail_msg("case %zu, '%s': code %d, '%s'", i, damaged[i].fragment, code, error.text);
    }
}

static void test_unusual_but_sound(void **state)
{
    static struct bytes file;
    (void)state;
    put_header(&file, 0, 0); /* nothing at all */
    assert_int_equal(parse(file.data, file.size, NULL), QUERN_OK);

    file.size = 0; /* no tensors, and the data would start behind the end */
    put_alignment(&file, QUERN_GGUF_U32, 1 << 20);
    assert_int_equal(parse(file.data, file.size, NULL), QUERN_OK);

    file.size = 0; /* another alignment; a type that cannot be computed with, but has a size; no padding at the end */
    put_header(&file, 2, 1);
    put_key(&file, "general.alignment", QUERN_GGUF_U32);
    put_u32(&file, 64);
    put_tensor(&file, "a", 14, 1, (uint64_t[]){256}, 0); /* Q6_K: 210 bytes */
    put_tensor(&file, "b", 0, 1, one, 256);
    put_padding(&file, 64);
    size_t start = file.size;
    put_zeros(&file, 256 + 4);
    assert_int_equal(parse(file.data, file.size, NULL), QUERN_OK);
    struct quern_gguf gguf;
    assert_int_equal(quern_gguf_parse(&gguf, file.data, file.size, NULL), QUERN_OK);
    assert_int_equal(gguf.tensors[0].bytes, 210);
    assert_ptr_equal(gguf.tensors[1].data, file.data + start + 256);
    quern_gguf_close(&gguf);
}

static void test_every_truncation(void **state)
{
    static struct bytes file;
    read_sound(*state, &file);
    size_t needed = file.size - 24; /* the last tensor has 8 bytes; the rest of 32 is padding */
    for (size_t size = 0; size <= file.size; size++) {
        quern_error error = {0};
        assert_int_equal(parse(file.data, size, &error), size < needed ? QUERN_EFORMAT : QUERN_OK);
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
    static struct bytes file;
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

/* ---------------------------------------------------------------- typed access */

static void test_integers(void **state)
{
    static struct bytes file;
    static const struct {
        const char *key;
        uint32_t kind;
        size_t size;
        int64_t value;
    } cases[] = {
        {"u8", QUERN_GGUF_U8, 1, 255},          {"i8", QUERN_GGUF_I8, 1, -128},
        {"u16", QUERN_GGUF_U16, 2, 65535},      {"i16", QUERN_GGUF_I16, 2, -32768},
        {"u32", QUERN_GGUF_U32, 4, UINT32_MAX}, {"i32", QUERN_GGUF_I32, 4, INT32_MIN},
        {"u64", QUERN_GGUF_U64, 8, INT64_MAX},  {"i64", QUERN_GGUF_I64, 8, INT64_MIN},
    };
    enum { CASES = QUERN_COUNT(cases) };
    (void)state;
    struct quern_gguf gguf;
    quern_error error;
    put_header(&file, 0, CASES + 2);
    for (size_t i = 0; i < CASES; i++) {
        put_key(&file, cases[i].key, cases[i].kind);
        put(&file, &cases[i].value, cases[i].size);
    }
    put_key(&file, "large", QUERN_GGUF_U64);
    put_u64(&file, (uint64_t)1 << 63);
    put_key(&file, "float", QUERN_GGUF_F32);
    put_u32(&file, 0);
    assert_int_equal(quern_gguf_parse(&gguf, file.data, file.size, NULL), QUERN_OK);
    for (size_t i = 0; i < CASES; i++) {
        int64_t value = 7, expected = cases[i].value;
        assert_int_equal(quern_gguf_integer(&gguf, cases[i].key, expected, expected, &value, NULL), QUERN_OK);
        assert_true(value == expected);
        if (expected > INT64_MIN)
            assert_int_equal(quern_gguf_integer(&gguf, cases[i].key, INT64_MIN, expected - 1, &value, NULL),
                             QUERN_EFORMAT);
        if (expected < INT64_MAX)
            assert_int_equal(quern_gguf_integer(&gguf, cases[i].key, expected + 1, INT64_MAX, &value, NULL),
                             QUERN_EFORMAT);
        assert_true(value == expected);
    }
    int64_t value = 7;
    assert_int_equal(quern_gguf_integer(&gguf, "large", INT64_MIN, INT64_MAX, &value, &error), QUERN_EFORMAT);
    assert_non_null(strstr(error.text, "key 'large' is 9223372036854775808, but must be from"));
    assert_int_equal(quern_gguf_integer(&gguf, "float", 0, 1, &value, &error), QUERN_EFORMAT);
    assert_string_equal(error.text, "key 'float' has value type f32, but must be an integer");
    assert_int_equal(quern_gguf_integer(&gguf, "absent", 0, 1, &value, NULL), QUERN_OK);
    assert_int_equal(value, 7);
    quern_gguf_close(&gguf);
}

/* Arrays of a value for each layer: the first elements count. */
static void test_integer_arrays(void **state)
{
    static struct bytes file;
    (void)state;
    static const int32_t numbers[3] = {2, -1, 9};
    static const unsigned char bools[3] = {1, 0, 2};
    struct quern_gguf gguf;
    quern_error error;
    int64_t values[4] = {5, 5, 5, 5};
    put_header(&file, 0, 4);
    put_key(&file, "numbers", QUERN_GGUF_ARRAY);
    put_u32(&file, QUERN_GGUF_I32);
    put_u64(&file, 3);
    put(&file, numbers, sizeof numbers);
    put_key(&file, "bools", QUERN_GGUF_ARRAY);
    put_u32(&file, QUERN_GGUF_BOOL);
    put_u64(&file, 3);
    put(&file, bools, sizeof bools);
    put_key(&file, "floats", QUERN_GGUF_ARRAY);
    put_u32(&file, QUERN_GGUF_F32);
    put_u64(&file, 1);
    put_u32(&file, 0);
    put_key(&file, "one", QUERN_GGUF_U32);
    put_u32(&file, 1);
    assert_int_equal(quern_gguf_parse(&gguf, file.data, file.size, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_integers(&gguf, "numbers", -1, 9, values, 3, NULL), QUERN_OK);
    assert_true(values[0] == 2 && values[1] == -1 && values[2] == 9 && values[3] == 5);
    assert_int_equal(quern_gguf_integers(&gguf, "bools", 0, 1, values, 2, NULL), QUERN_OK);
    assert_true(values[0] == 1 && values[1] == 0 && values[2] == 9);
    assert_int_equal(quern_gguf_integers(&gguf, "absent", 0, 1, values, 2, NULL), QUERN_OK);
    static const struct {
        const char *key;
        int64_t low, high;
        size_t count;
        const char *message;
    } cases[] = {
        {"numbers", 0, 9, 3, "key 'numbers': element 1 is -1, but must be from 0 to 9"},
        {"numbers", -1, 9, 4, "key 'numbers' has 3 elements, but must have 4"},
        {"bools", 0, 1, 3, "key 'bools': element 2 is 2, but must be from 0 to 1"},
        {"bools", 0, 9, 1, "key 'bools' is an array, but not of integers"},
        {"floats", 0, 1, 1, "key 'floats' is an array, but not of integers or bools"},
        {"one", 0, 1, 1, "key 'one' has value type u32, but must be an array"},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        assert_int_equal(quern_gguf_integers(&gguf, cases[i].key, cases[i].low, cases[i].high, values, cases[i].count,
                                             &error), QUERN_EFORMAT);
        assert_string_equal(error.text, cases[i].message);
    }
    quern_gguf_close(&gguf);
}

static void test_other_kinds(void **state)
{
    static struct bytes file;
    (void)state;
    struct quern_gguf gguf;
    quern_error error;
    float quarter = 0.25f, nan = NAN;
    double third = 1.0 / 3;
    put_header(&file, 0, 5);
    put_key(&file, "f32", QUERN_GGUF_F32);
    put(&file, &quarter, sizeof quarter);
    put_key(&file, "f64", QUERN_GGUF_F64);
    put(&file, &third, sizeof third);
    put_key(&file, "nan", QUERN_GGUF_F32);
    put(&file, &nan, sizeof nan);
    put_key(&file, "bool", QUERN_GGUF_BOOL);
    put(&file, "\1", 1);
    put_key(&file, "string", QUERN_GGUF_STRING);
    put_text(&file, "text");
    assert_int_equal(quern_gguf_parse(&gguf, file.data, file.size, NULL), QUERN_OK);

    double number = 7;
    assert_int_equal(quern_gguf_float(&gguf, "f32", 0.25, 0.25, &number, NULL), QUERN_OK);
    assert_true(number == 0.25);
    assert_int_equal(quern_gguf_float(&gguf, "f64", 0, 1, &number, NULL), QUERN_OK);
    assert_true(number == third);
    assert_int_equal(quern_gguf_float(&gguf, "f64", 0, 0.3, &number, &error), QUERN_EFORMAT);
    assert_int_equal(quern_gguf_float(&gguf, "nan", -INFINITY, INFINITY, &number, &error), QUERN_EFORMAT);
    assert_int_equal(quern_gguf_float(&gguf, "bool", 0, 1, &number, &error), QUERN_EFORMAT);
    assert_int_equal(quern_gguf_float(&gguf, "absent", 0, 1, &number, NULL), QUERN_OK);
    assert_true(number == third);

    bool flag = false;
    assert_int_equal(quern_gguf_bool(&gguf, "bool", &flag, NULL), QUERN_OK);
    assert_true(flag);
    assert_int_equal(quern_gguf_bool(&gguf, "string", &flag, &error), QUERN_EFORMAT);
    assert_string_equal(error.text, "key 'string' has value type string, but must be bool");
    assert_int_equal(quern_gguf_bool(&gguf, "absent", &flag, NULL), QUERN_OK);
    assert_true(flag);

    quern_text text = {"preset", 6};
    assert_int_equal(quern_gguf_string(&gguf, "absent", &text, NULL), QUERN_OK);
    assert_int_equal(text.length, 6);
    assert_int_equal(quern_gguf_string(&gguf, "string", &text, NULL), QUERN_OK);
    assert_int_equal(text.length, 4);
    assert_memory_equal(text.data, "text", 4);
    assert_int_equal(quern_gguf_string(&gguf, "f32", &text, &error), QUERN_EFORMAT);
    quern_gguf_close(&gguf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_written_is_read, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_many_names_are_found, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_file_is_lost, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_versions, make_path, remove_path),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_unusual_but_sound),
        cmocka_unit_test_setup_teardown(test_every_truncation, make_path, remove_path),
        cmocka_unit_test_setup_teardown(test_every_mutation, make_path, remove_path),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_integer_arrays),
        cmocka_unit_test(test_other_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
