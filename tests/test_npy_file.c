/* Arrays of NumPy as files. */
#include "array_count.h"
#include "npy_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int open_array(struct quern_npy_file *npy, const void *bytes, size_t length)
{
    static char path[] = "/tmp/quern-array-XXXXXX";
    strcpy(path, "/tmp/quern-array-XXXXXX");
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0 && write(descriptor, bytes, length) == (ssize_t)length);
    close(descriptor);
    const int code = quern_npy_file_open(npy, path, NULL);
    unlink(path);
    return code;
}

/* Puts a header of the format's version before data. Returns the length of all. */
static size_t put_array(unsigned char *bytes, int version, const char *header, const void *data, size_t size)
{
    const size_t length = strlen(header), begin = version == 1 ? 10 : 12;
    memcpy(bytes, "\x93NUMPY", 6);
    memset(bytes + 6, 0, begin - 6);
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)length;
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + begin, header, length);
    memcpy(bytes + begin + length, data, size);
    return begin + length + size;
}

static const unsigned char numbers[8] = {0, 0x3c, 0, 0x40, 0, 0, 0, 0x3f};
#define HALVES "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }\n"

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int code;
    } cases[] = {{"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n", QUERN_OK},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", QUERN_OK},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 0), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2), }\n", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'fortran_order': False, 'shape'", QUERN_EFORMAT},
                 {"{'descr': '<f4', 'shape': (1, 2), }\n", QUERN_EFORMAT}};
    struct quern_npy_file npy;
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        unsigned char bytes[160];
        const size_t length = put_array(bytes, 1, cases[i].header, numbers, sizeof numbers);
        assert_int_equal(open_array(&npy, bytes, length), cases[i].code);
        quern_npy_file_close(&npy);
    }
}

static void test_versions(void **state)
{
    (void)state;
    struct quern_npy_file npy;
    float rows[4];
    unsigned char bytes[160];
    for (int version = 0; version < 5; version++) {
        const size_t length = put_array(bytes, version, HALVES, numbers, sizeof numbers);
        const bool is_known = version >= 1 && version <= 3;
        assert_int_equal(open_array(&npy, bytes, length), is_known ? QUERN_OK : QUERN_EFORMAT);
        if (is_known) {
            assert_int_equal(quern_npy_file_read(&npy, 2, rows, NULL), QUERN_OK);
            assert_true(rows[0] == 1 && rows[1] == 2 && rows[2] == 0 && rows[3] == 1.75f);
            assert_int_equal(quern_npy_file_read(&npy, 1, rows, NULL), QUERN_EIO);
        }
        quern_npy_file_close(&npy);
    }
}

static void test_cut_off(void **state)
{
    (void)state;
    struct quern_npy_file npy;
    unsigned char bytes[160];
    const size_t length = put_array(bytes, 2, HALVES, numbers, sizeof numbers);
    for (size_t cut = 0; cut < length; cut++) {
        assert_int_equal(open_array(&npy, bytes, cut), QUERN_EFORMAT);
        quern_npy_file_close(&npy);
    }
    bytes[11] = 0x7f; /* a header of 2 GiB */
    assert_int_equal(open_array(&npy, bytes, length), QUERN_EFORMAT);
    quern_npy_file_close(&npy);
    assert_int_equal(open_array(&npy, "GGUF and more than that", 23), QUERN_EFORMAT);
    quern_npy_file_close(&npy);
    assert_int_equal(quern_npy_file_open(&npy, "/nonexistent/array.npy", NULL), QUERN_EIO);
    quern_npy_file_close(&npy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
