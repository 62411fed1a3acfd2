/* Files that people give in place of a model's file are named, in all their forms; others are not. */
#include "base/count.h"
#include "base/file_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    const char *bytes;
    size_t size;
    const char *what; /* NULL: no kind */
};

#define SAMPLE(bytes, what) {bytes, sizeof(bytes) - 1, what}

/* What PyTorch and other programs in Python save. */
static const struct sample pickles[] = {
    SAMPLE("\x80\x02\x8a\nl\xfc\x9c" "F\xf9 j\xa8P\x19.", "a pickle"), /* torch.save before 1.6 */
    SAMPLE("\x80\x03}q\0.", "a pickle"),
    SAMPLE("\x80\x04\x95\x0b\0\0", "a pickle"),
    SAMPLE("\x80\x05\x95\x0b\0\0", "a pickle"),
    SAMPLE("}q\0(X", "a pickle"), /* protocol 1 */
    SAMPLE("]q\0.", "a pickle"),
    SAMPLE("(dp0\n.", "a pickle"), /* protocol 0 */
    SAMPLE("(lp1\n.", "a pickle"),
    SAMPLE("ccollections\nOrderedDict\n", "a pickle"),
    SAMPLE("PK\3\4\0\0\x08\x08\0\0archive/data.pkl", "a ZIP archive"), /* torch.save since 1.6 */
    SAMPLE("PK\5\6\0\0", "a ZIP archive"),
    SAMPLE("\x93NUMPY\1\0", "a NumPy array"),
};

static const struct sample others[] = {
    SAMPLE("", "empty"),
    SAMPLE("<!DOCTYPE html>", "a web page"),
    SAMPLE("{\"error\": 1}", "JSON"),
    SAMPLE("\n\r\n  <html lang=\"en\">", "a web page"),
    SAMPLE("\xef\xbb\xbf<!DOCTYPE html>", "a web page"),
    SAMPLE("<!-- a mirror -->\n<html>", "a web page"),
    SAMPLE("<head><title>", "a web page"),
    SAMPLE("\t <?xml version", "an XML document"),
    SAMPLE("\n{\"error\": 1}", "JSON"),
    SAMPLE(" \0\0\0\0\0\0\0{\"a\":", "a safetensors file"), /* the header has 32 bytes */
    SAMPLE(" \n", NULL),
    SAMPLE("\x88\0\0\0\0\0\0\0{\"__metadata__\":", "a safetensors file"),
    SAMPLE("\x88\x13\0\0\0\0\0\0{ \"a\":", "a safetensors file"),
    SAMPLE("\x08\x07\x12\x07pytorch", "an ONNX model"),
    SAMPLE("\x08\x08\x12\x07pytorch", "an ONNX model"),
    SAMPLE("\x08\x0a\x3a\x90\x04", "an ONNX model"), /* without a producer */
    SAMPLE("\x08\x03\x1a\x03" "1.0", "an ONNX model"),
    SAMPLE("\x89HDF\r\n\x1a\n", "an HDF5 file"),
    SAMPLE("\x1c\0\0\0TFL3", "a model of TensorFlow Lite"),
    SAMPLE("BZh91AY", "compressed by bzip2"),
    SAMPLE("7z\xbc\xaf\x27\x1c", "a 7z archive"),
    SAMPLE("tjgg\1\0\0\0", "a format before GGUF"),
    SAMPLE("GGUF\3\0\0\0", "a GGUF file"),
    SAMPLE("\x0a\x0e\x0a\x05<pad>", NULL), /* a SentencePiece model */
    SAMPLE("some text of a file", NULL),
    SAMPLE("\x80", NULL),
    SAMPLE("\x08\x07", NULL),
    SAMPLE("\x88\0\0\0\0\0\0\0", NULL),
    SAMPLE("}quoted", NULL),
};

static void check(const struct sample *sample)
{
    char *copy = malloc(sample->size + 1); /* a sanitizer sees reads behind the end */
    memcpy(copy, sample->bytes, sample->size);
    copy = realloc(copy, sample->size > 0 ? sample->size : 1);
    const char *what = quern_file_kind(copy, sample->size);
    if (sample->what == NULL ? what != NULL : what == NULL || strstr(what, sample->what) == NULL)
        fail_msg("%s: %s", sample->what != NULL ? sample->what : sample->bytes, what != NULL ? what : "nothing");
    free(copy);
}

static void test_pickles(void **state)
{
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(pickles); i++)
        check(&pickles[i]);
}

static void test_other_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < QUERN_COUNT(others); i++)
        check(&others[i]);
}

/* Of a tar archive the mark is behind the name of its first file. */
static void test_a_tar_archive(void **state)
{
    (void)state;
    static char block[512] = "sys_info";
    memcpy(block + 257, "ustar", 6);
    assert_non_null(strstr(quern_file_kind(block, sizeof block), "a tar archive"));
    assert_null(quern_file_kind(block, 260));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pickles),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_a_tar_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
