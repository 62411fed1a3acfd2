/* GGUF files that are damaged, or only unusual. */
#include "base/count.h"
#include "gguf/gguf.h"
#include "gguf_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void empty(struct trial_bytes *out)
{
    (void)out;
}

static void wrong_magic(struct trial_bytes *out)
{
    trial_put(out, "WXYZ", 4);
    trial_put_zeros(out, 20);
}

static void put_version(struct trial_bytes *out, uint32_t version)
{
    trial_put(out, "GGUF", 4);
    trial_put_u32(out, version);
    trial_put_zeros(out, 16);
}

static void version_0(struct trial_bytes *out) { put_version(out, 0); }
static void version_1(struct trial_bytes *out) { put_version(out, 1); }
static void version_4(struct trial_bytes *out) { put_version(out, 4); }
static void big_endian(struct trial_bytes *out) { put_version(out, 3u << 24); }
static void endless_tensors(struct trial_bytes *out) { trial_put_header(out, UINT64_MAX, 0); }
static void endless_keys(struct trial_bytes *out) { trial_put_header(out, 0, 1u << 31); }

static void more_keys_than_bytes(struct trial_bytes *out)
{
    trial_put_header(out, 0, 3);
    trial_put_zeros(out, 3 * 14 - 1);
}

static void more_tensors_than_bytes(struct trial_bytes *out)
{
    trial_put_header(out, 3, 0);
    trial_put_zeros(out, 3 * 33 - 1);
}

static void key_without_name(struct trial_bytes *out)
{
    trial_put_header(out, 0, 1);
    trial_put_key(out, "", QUERN_GGUF_U32);
    trial_put_u64(out, 0);
}

static void key_too_long(struct trial_bytes *out)
{
    trial_put_header(out, 0, 1);
    trial_put_u64(out, 65536);
    trial_put_zeros(out, 70000);
}

static void key_beyond_the_end(struct trial_bytes *out)
{
    trial_put_header(out, 0, 1);
    trial_put_u64(out, UINT64_MAX - 7);
    trial_put_zeros(out, 20);
}

static void key_twice(struct trial_bytes *out)
{
    trial_put_header(out, 0, 2);
    trial_put_key(out, "same", QUERN_GGUF_U32);
    trial_put_u32(out, 0);
    trial_put_key(out, "same", QUERN_GGUF_U32);
    trial_put_u32(out, 0);
}

static void put_one_key(struct trial_bytes *out, uint32_t kind)
{
    trial_put_header(out, 0, 1);
    trial_put_key(out, "odd", kind);
}

static void no_kind(struct trial_bytes *out)
{
    put_one_key(out, 13);
    trial_put_u64(out, 0);
}

static void bool_of_two(struct trial_bytes *out)
{
    put_one_key(out, QUERN_GGUF_BOOL);
    trial_put(out, "\2", 1);
}

static void number_cut_off(struct trial_bytes *out)
{
    put_one_key(out, QUERN_GGUF_U64);
    trial_put_u32(out, 0);
}

static void string_beyond_the_end(struct trial_bytes *out)
{
    put_one_key(out, QUERN_GGUF_STRING);
    trial_put_u64(out, 11);
    trial_put_zeros(out, 10);
}

static void put_array(struct trial_bytes *out, uint32_t element, uint64_t count)
{
    put_one_key(out, QUERN_GGUF_ARRAY);
    trial_put_u32(out, element);
    trial_put_u64(out, count);
}

static void array_of_arrays(struct trial_bytes *out) { put_array(out, QUERN_GGUF_ARRAY, 0); }
static void array_of_nothing(struct trial_bytes *out) { put_array(out, 99, 0); }
static void array_overflow(struct trial_bytes *out) { put_array(out, QUERN_GGUF_U64, (uint64_t)1 << 61); }
static void array_of_endless_strings(struct trial_bytes *out) { put_array(out, QUERN_GGUF_STRING, (uint64_t)1 << 61); }

static void array_too_long(struct trial_bytes *out)
{
    put_array(out, QUERN_GGUF_U16, 6);
    trial_put_zeros(out, 11);
}

static void string_of_array_beyond_the_end(struct trial_bytes *out)
{
    put_array(out, QUERN_GGUF_STRING, 2);
    trial_put_text(out, "ab");
    trial_put_u64(out, 1);
}

static void put_alignment(struct trial_bytes *out, uint32_t kind, uint64_t value)
{
    trial_put_header(out, 0, 1);
    trial_put_key(out, "general.alignment", kind);
    trial_put_u64(out, value);
}

static void alignment_of_8_bytes(struct trial_bytes *out) { put_alignment(out, QUERN_GGUF_U64, 32); }
static void alignment_0(struct trial_bytes *out) { put_alignment(out, QUERN_GGUF_U32, 0); }
static void alignment_4(struct trial_bytes *out) { put_alignment(out, QUERN_GGUF_U32, 4); }
static void alignment_48(struct trial_bytes *out) { put_alignment(out, QUERN_GGUF_U32, 48); }
static void alignment_2_to_21(struct trial_bytes *out) { put_alignment(out, QUERN_GGUF_U32, 1 << 21); }

static void put_one_tensor(struct trial_bytes *out, const char *name, uint32_t type, uint32_t dimensions,
                           const uint64_t *shape, uint64_t offset)
{
    trial_put_header(out, 1, 0);
    trial_put_tensor(out, name, type, dimensions, shape, offset);
    trial_put_padding(out, 32);
    trial_put_zeros(out, 64);
}

static const uint64_t one[8] = {1, 1, 1, 1, 1, 1, 1, 1};

static void tensor_without_name(struct trial_bytes *out) { put_one_tensor(out, "", 0, 1, one, 0); }

static void tensor_of_64_letters(struct trial_bytes *out)
{
    char name[65] = "";
    memset(name, 'n', 64);
    put_one_tensor(out, name, 0, 1, one, 0);
}

static void tensor_name_with_nul(struct trial_bytes *out)
{
    trial_put_header(out, 1, 0);
    trial_put_u64(out, 3);
    trial_put(out, "a\0b", 3);
    trial_put_zeros(out, 64);
}

static void tensor_twice(struct trial_bytes *out)
{
    trial_put_header(out, 2, 0);
    trial_put_tensor(out, "same", 0, 1, one, 0);
    trial_put_tensor(out, "same", 0, 1, one, 32);
    trial_put_zeros(out, 100);
}

static void no_dimensions(struct trial_bytes *out) { put_one_tensor(out, "odd", 0, 0, one, 0); }
static void five_dimensions(struct trial_bytes *out) { put_one_tensor(out, "odd", 0, 5, one, 0); }
static void zero_first(struct trial_bytes *out) { put_one_tensor(out, "odd", 0, 2, (uint64_t[]){0, 4}, 0); }
static void zero_last(struct trial_bytes *out) { put_one_tensor(out, "odd", 0, 3, (uint64_t[]){4, 2, 0}, 0); }
static void negative(struct trial_bytes *out) { put_one_tensor(out, "odd", 0, 1, (uint64_t[]){(uint64_t)1 << 63}, 0); }

static void product_overflows(struct trial_bytes *out)
{
    put_one_tensor(out, "odd", 0, 4, (uint64_t[]){1 << 16, 1 << 16, 1 << 16, 1 << 16}, 0);
}

static void bytes_overflow(struct trial_bytes *out)
{
    put_one_tensor(out, "odd", 0, 2, (uint64_t[]){(uint64_t)1 << 31, (uint64_t)1 << 31}, 0);
}

static void type_4(struct trial_bytes *out) { put_one_tensor(out, "odd", 4, 1, one, 0); }
static void type_9(struct trial_bytes *out) { put_one_tensor(out, "odd", 9, 1, (uint64_t[]){32}, 0); }
static void type_21(struct trial_bytes *out) { put_one_tensor(out, "odd", 21, 1, (uint64_t[]){256}, 0); }
static void type_of_all_bits(struct trial_bytes *out) { put_one_tensor(out, "odd", UINT32_MAX, 1, one, 0); }
static void part_of_a_block(struct trial_bytes *out) { put_one_tensor(out, "odd", 8, 2, (uint64_t[]){48, 2}, 0); }
static void offset_of_32(struct trial_bytes *out) { put_one_tensor(out, "odd", 0, 1, one, 32); }
static void longer_than_the_file(struct trial_bytes *out) { put_one_tensor(out, "odd", 0, 1, (uint64_t[]){17}, 0); }

static void overlap(struct trial_bytes *out)
{
    trial_put_header(out, 2, 0);
    trial_put_tensor(out, "a", 0, 1, (uint64_t[]){9}, 0);
    trial_put_tensor(out, "b", 0, 1, one, 32);
    trial_put_padding(out, 32);
    trial_put_zeros(out, 100);
}

static void end_overflows(struct trial_bytes *out)
{
    static const uint64_t large[2] = {(uint64_t)1 << 30, (uint64_t)1 << 30}; /* 2^62 bytes */
    trial_put_header(out, 3, 0);
    for (uint64_t i = 0; i < 3; i++)
        trial_put_tensor(out, i == 0 ? "a" : i == 1 ? "b" : "c", 0, 2, large, i << 62);
    trial_put_zeros(out, 100);
}

static void data_starts_behind_the_end(struct trial_bytes *out)
{
    trial_put_header(out, 1, 0);
    trial_put_tensor(out, "odd", 0, 1, one, 0);
}

static const struct {
    void (*make)(struct trial_bytes *out);
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
    static struct trial_bytes file;
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(damaged); i++) {
        quern_error error = {0};
        file.size = 0;
        damaged[i].make(&file);
        int code = trial_parse(file.data, file.size, &error);
        if (code != damaged[i].code || error.code != code || !strstr(error.text, damaged[i].fragment))
            fail_msg("case %zu, '%s': code %d, '%s'", i, damaged[i].fragment, code, error.text);
    }
}

static void test_unusual_but_sound(void **state)
{
    static struct trial_bytes file;
    (void)state;
    trial_put_header(&file, 0, 0); /* nothing at all */
    assert_int_equal(trial_parse(file.data, file.size, NULL), QUERN_OK);

    file.size = 0; /* no tensors, and the data would start behind the end */
    put_alignment(&file, QUERN_GGUF_U32, 1 << 20);
    assert_int_equal(trial_parse(file.data, file.size, NULL), QUERN_OK);

    file.size = 0; /* another alignment; a type that cannot be computed with, but has a size; no padding at the end */
    trial_put_header(&file, 2, 1);
    trial_put_key(&file, "general.alignment", QUERN_GGUF_U32);
    trial_put_u32(&file, 64);
    trial_put_tensor(&file, "a", 14, 1, (uint64_t[]){256}, 0); /* Q6_K: 210 bytes */
    trial_put_tensor(&file, "b", 0, 1, one, 256);
    trial_put_padding(&file, 64);
    size_t start = file.size;
    trial_put_zeros(&file, 256 + 4);
    assert_int_equal(trial_parse(file.data, file.size, NULL), QUERN_OK);
    struct quern_gguf gguf;
    assert_int_equal(quern_gguf_parse(&gguf, file.data, file.size, NULL), QUERN_OK);
    assert_int_equal(gguf.tensors[0].bytes, 210);
    assert_ptr_equal(gguf.tensors[1].data, file.data + start + 256);
    quern_gguf_close(&gguf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_unusual_but_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
