/* Vectors after the computation: finishing, number formats, comparing. */
#include "base/count.h"
#include "formats/formats.h"
#include "trial.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static quern_error error;

/* An error that no single text has caused. */
static void expect_failure(int code, int expected, const char *fragment)
{
    expect_error(code, expected, fragment);
    assert_int_equal(error.index, -1);
}

/* ---------------------------------------------------------------- number formats */

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"f32", "f16", "int8", "binary", "binary-low"};
    for (size_t i = 0; i < QUERN_COUNT(names); i++) {
        assert_string_equal(quern_dtype_name((quern_dtype)i), names[i]);
        assert_int_equal(quern_dtype_find(names[i]), i);
    }
    assert_null(quern_dtype_name((quern_dtype)QUERN_COUNT(names)));
    assert_null(quern_dtype_name((quern_dtype)-1));
    assert_int_equal(quern_dtype_find("float"), -1);
    assert_int_equal(quern_dtype_find(""), -1);
    assert_int_equal(quern_dtype_find(NULL), -1);
}

static void test_sizes(void **state)
{
    (void)state;
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_F32, 9), 36);
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_F16, 9), 18);
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_INT8, 9), 9);
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_BINARY, 16), 2);
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_BINARY_LOW, 8), 1);
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_BINARY, 9), 0);
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_BINARY_LOW, 7), 0);
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_F32, 0), 0);
    assert_int_equal(quern_encoded_bytes(QUERN_DTYPE_F32, -4), 0);
    assert_int_equal(quern_encoded_bytes((quern_dtype)5, 8), 0);
}

static const float row[8] = {1, -1, 0.5f, 0, -0.25f, 0.004f, 2, 1e-9f};

static void test_int8(void **state)
{
    (void)state;
    static const signed char expected[8] = {127, -127, 64, 0, -32, 1, 127, 0};
    signed char bytes[8];
    float back[8];
    assert_int_equal(quern_encode(QUERN_DTYPE_INT8, row, 1, 8, bytes, sizeof bytes, &error), QUERN_OK);
    assert_memory_equal(bytes, expected, sizeof bytes);
    assert_int_equal(quern_decode(QUERN_DTYPE_INT8, bytes, 1, 8, back, 8, &error), QUERN_OK);
    for (int i = 0; i < 8; i++)
        assert_true(back[i] == (float)expected[i] / 127);
}

static void test_bits(void **state)
{
    (void)state;
    static const float signs[8] = {1, -1, 1, -1, -1, 1, 1, 1};
    float back[8];
    unsigned char byte = 0;
    assert_int_equal(quern_encode(QUERN_DTYPE_BINARY, row, 1, 8, &byte, 1, &error), QUERN_OK);
    assert_int_equal(byte, 0xa7); /* 1 0 1 0 0 1 1 1 */
    assert_int_equal(quern_decode(QUERN_DTYPE_BINARY, &byte, 1, 8, back, 8, &error), QUERN_OK);
    assert_memory_equal(back, signs, sizeof back);
    assert_int_equal(quern_encode(QUERN_DTYPE_BINARY_LOW, row, 1, 8, &byte, 1, &error), QUERN_OK);
    assert_int_equal(byte, 0xe5);
    assert_int_equal(quern_decode(QUERN_DTYPE_BINARY_LOW, &byte, 1, 8, back, 8, &error), QUERN_OK);
    assert_memory_equal(back, signs, sizeof back);
}

/* Limits, subnormals, ties to even. */
static void test_f16(void **state)
{
    (void)state;
    static const float numbers[8] = {65504,         65519.99f,     65520,       5.9604645e-8f,
                                     2.9802322e-8f, 6.1035156e-5f, 1.00048828f, -2};
    static const uint16_t expected[8] = {0x7bff, 0x7bff, 0x7c00, 0x0001, 0x0000, 0x0400, 0x3c00, 0xc000};
    static const float decoded[8] = {65504, 65504, INFINITY, 0x1p-24f, 0, 0x1p-14f, 1, -2};
    uint16_t halves[8];
    float back[8];
    assert_int_equal(quern_encode(QUERN_DTYPE_F16, numbers, 1, 8, halves, sizeof halves, &error), QUERN_OK);
    assert_memory_equal(halves, expected, sizeof halves);
    assert_int_equal(quern_decode(QUERN_DTYPE_F16, halves, 1, 8, back, 8, &error), QUERN_OK);
    assert_memory_equal(back, decoded, sizeof back);
}

/* Rows lie back to back, the output may be the vectors themselves, and no byte behind it is written. */
static void test_rows(void **state)
{
    (void)state;
    enum { ROWS = 5, DIMENSIONS = 24 };
    for (int i = 0; quern_dtype_name((quern_dtype)i) != NULL; i++) {
        const quern_dtype dtype = (quern_dtype)i;
        const size_t bytes = quern_encoded_bytes(dtype, DIMENSIONS);
        float vectors[ROWS][DIMENSIONS], in_place[ROWS][DIMENSIONS], back[ROWS * DIMENSIONS], again[DIMENSIONS];
        unsigned char all[ROWS * DIMENSIONS * 4 + 1], one[DIMENSIONS * 4];
        for (int r = 0; r < ROWS; r++)
            for (int j = 0; j < DIMENSIONS; j++)
                vectors[r][j] = sinf((float)(r * DIMENSIONS + j) * 1.7f);
        memcpy(in_place, vectors, sizeof vectors);
        all[ROWS * bytes] = 77;
        assert_int_equal(quern_encode(dtype, vectors[0], ROWS, DIMENSIONS, all, ROWS * bytes, &error), QUERN_OK);
        assert_int_equal(all[ROWS * bytes], 77);
        assert_int_equal(quern_encode(dtype, in_place[0], ROWS, DIMENSIONS, in_place, ROWS * bytes, &error), QUERN_OK);
        assert_memory_equal(in_place, all, ROWS * bytes);
        assert_int_equal(quern_decode(dtype, all, ROWS, DIMENSIONS, back, ROWS * DIMENSIONS, &error), QUERN_OK);
        for (int r = 0; r < ROWS; r++) {
            assert_int_equal(quern_encode(dtype, vectors[r], 1, DIMENSIONS, one, bytes, &error), QUERN_OK);
            assert_memory_equal(one, all + (size_t)r * bytes, bytes);
            assert_int_equal(quern_decode(dtype, one, 1, DIMENSIONS, again, DIMENSIONS, &error), QUERN_OK);
            assert_memory_equal(again, back + r * DIMENSIONS, sizeof again);
        }
    }
}

static void test_refused(void **state)
{
    (void)state;
    unsigned char bytes[64];
    float numbers[8] = {3};
    expect_failure(quern_encode((quern_dtype)5, row, 1, 8, bytes, 64, &error), QUERN_EINVAL, "5 is not a number");
    expect_failure(quern_encode(QUERN_DTYPE_BINARY, row, 1, 7, bytes, 64, &error), QUERN_EINVAL, "7 dimensions");
    expect_failure(quern_encode(QUERN_DTYPE_F32, row, 1, 0, bytes, 64, &error), QUERN_EINVAL, "0 dimensions");
    expect_failure(quern_encode(QUERN_DTYPE_F32, NULL, 1, 8, bytes, 64, &error), QUERN_EINVAL, "NULL");
    expect_failure(quern_encode(QUERN_DTYPE_F32, row, 1, 8, NULL, 64, &error), QUERN_EINVAL, "NULL");
    expect_failure(quern_encode(QUERN_DTYPE_F16, row, 1, 8, bytes, 15, &error), QUERN_ETOOLONG, "15 bytes");
    expect_failure(quern_encode(QUERN_DTYPE_F16, row, SIZE_MAX / 2, 8, bytes, 64, &error), QUERN_ETOOLONG, "64 bytes");
    expect_failure(quern_decode(QUERN_DTYPE_F16, bytes, 1, 8, numbers, 7, &error), QUERN_ETOOLONG, "7 floats");
    expect_failure(quern_decode((quern_dtype)-1, bytes, 1, 8, numbers, 8, &error), QUERN_EINVAL, "-1 is not a number");
    assert_true(numbers[0] == 3);
    assert_int_equal(quern_encode(QUERN_DTYPE_F32, NULL, 0, 8, NULL, 0, &error), QUERN_OK);
}

/* ---------------------------------------------------------------- arithmetic */

/* A vector that was embedded whole and finished later is the one that quern_embed gives, bit for bit. */
static void test_finish(void **state)
{
    (void)state;
    quern_model *model = trial_model(QUERN_TYPE_Q8_0, true, NULL);
    quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    const quern_text text = {"some words", 10};
    float whole[TRIAL_WIDTH], finished[TRIAL_WIDTH], embedded[TRIAL_WIDTH];
    quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_NORMALIZE};
    assert_int_equal(quern_embed(context, &text, 1, &options, whole, TRIAL_WIDTH, NULL, &error), QUERN_OK);
    for (int dimensions = 1; dimensions <= TRIAL_WIDTH; dimensions++)
        for (unsigned flags = 0; flags <= QUERN_NO_NORMALIZE; flags += QUERN_NO_NORMALIZE) {
            const size_t bytes = (size_t)dimensions * sizeof *whole;
            options = (quern_embed_options){.size = sizeof options, .dimensions = dimensions, .flags = flags};
            assert_int_equal(quern_embed(context, &text, 1, &options, embedded, TRIAL_WIDTH, NULL, &error), QUERN_OK);
            quern_finish(whole, dimensions, flags, finished);
            assert_memory_equal(finished, embedded, bytes);
            memcpy(finished, whole, sizeof whole);
            quern_finish(finished, dimensions, flags, finished); /* in place */
            assert_memory_equal(finished, embedded, bytes);
        }
    quern_context_free(context);
    quern_model_close(model);
}

static void test_comparing(void **state)
{
    (void)state;
    static const float a[4] = {1, 2, 3, 4}, b[4] = {-2, 0.5f, 0, 1}, zero[4] = {0}, huge[2] = {3e38f, 3e38f};
    assert_true(quern_dot(a, b, 4) == 3);
    assert_true(quern_dot(a, b, 2) == -1);
    assert_true(quern_dot(a, b, 0) == 0);
    assert_true(fabs(quern_cosine(a, b, 4) - 3 / sqrt(30 * 5.25)) < 1e-15);
    assert_true(fabs(quern_cosine(a, a, 4) - 1) < 1e-15);
    assert_true(fabs(quern_cosine(huge, huge, 2) - 1) < 1e-15);
    assert_true(quern_cosine(a, zero, 4) == 0);
    assert_true(quern_cosine(zero, zero, 4) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_sizes),  cmocka_unit_test(test_int8),
        cmocka_unit_test(test_bits),    cmocka_unit_test(test_f16),    cmocka_unit_test(test_rows),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_finish), cmocka_unit_test(test_comparing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
