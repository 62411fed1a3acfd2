/* Tokenizers of folders, without the folder's model. Each request for memory may fail. */
#include "allocations.h"
#include "base/count.h"
#include "base64.h"
#include "piece_files.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLANK "\xe2\x96\x81"
#define ADDED "{\"version\":\"1.0\",\"added_tokens\":[{\"id\":0,\"content\":\"<s>\",\"special\":true}," \
              "{\"id\":1,\"content\":\"</s>\",\"special\":true}],"
#define ENDS  "\"post_processor\":{\"type\":\"RobertaProcessing\",\"cls\":[\"<s>\",0],\"sep\":[\"</s>\",1]},"

static const struct {
    const char *kind;
    size_t count;       /* pieces that are asked for; the last one is a filling */
    const char *merge;  /* the first one; NULL: there is no list */
    size_t charsmap;    /* bytes */
    const char *json;
} tokenizers[] = {
    {"t5", 5, NULL, 10,
     ADDED ENDS "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"BAAAAAAAAABhAA==\"},"
     "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BLANK "\",\"add_prefix_space\":true},"
     "\"model\":{\"type\":\"Unigram\",\"unk_id\":2,\"vocab\":[[\"<s>\",0],[\"</s>\",0],[\"<unk>\",0],[\"a\",-1]]}}"},
    {"gpt2", 6, "a b", 0,
     ADDED ENDS "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
     "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":2,\"b\":3,\"ab\":4},\"merges\":[\"a b\"]}}"},
};

static char folder[] = "/tmp/quern-pieces-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    unlink(path);
    return rmdir(folder);
}

static void write_json(const char *json)
{
    char path[64];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(json, file);
    assert_int_equal(fclose(file), 0);
}

static void test_each_request_for_memory_fails(void **state)
{
    (void)state;
    for (size_t k = 0; k < QUERN_COUNT(tokenizers); k++) {
        const char *const names[2] = {tokenizers[k].kind};
        int failures = 0;
        write_json(tokenizers[k].json);
        for (size_t i = 1;; i++) {
            struct quern_pieces pieces;
            quern_error error = {0};
            quern_allocations = 0;
            quern_allocation_failed = i;
            const int code = quern_pieces_read(&pieces, folder, names, tokenizers[k].count, &error);
            const bool all_done = quern_allocations < i;
            quern_allocation_failed = 0;
            if (code == QUERN_OK)
                quern_pieces_free(&pieces);
            else
                assert_true(error.code == code && error.text[0] != '\0');
            failures += code != QUERN_OK;
            if (all_done)
                break;
        }
        assert_true(failures > 10);
    }
}

static void test_what_is_read(void **state)
{
    (void)state;
    for (size_t k = 0; k < QUERN_COUNT(tokenizers); k++) {
        const char *const names[2] = {tokenizers[k].kind};
        const size_t last = tokenizers[k].count - 1;
        struct quern_pieces pieces;
        quern_error error;
        char filling[16];
        write_json(tokenizers[k].json);
        if (quern_pieces_read(&pieces, folder, names, tokenizers[k].count, &error) != QUERN_OK)
            fail_msg("%s", error.text);
        assert_string_equal(pieces.kind->name, tokenizers[k].kind);
        assert_int_equal(pieces.bos, 0);
        assert_int_equal(pieces.eos, 1);
        assert_true(pieces.add_bos && pieces.add_eos);
        assert_int_equal(pieces.charsmap.length, tokenizers[k].charsmap);
        snprintf(filling, sizeof filling, "[PAD%zu]", last);
        assert_int_equal(pieces.texts[last].length, strlen(filling));
        assert_memory_equal(pieces.texts[last].data, filling, strlen(filling));
        assert_int_equal(pieces.kinds[last], QUERN_PIECE_UNUSED);
        if (tokenizers[k].merge != NULL) {
            assert_int_equal(pieces.merge_count, 1);
            assert_memory_equal(pieces.merges[0].data, tokenizers[k].merge, strlen(tokenizers[k].merge));
        }
        quern_pieces_free(&pieces);
    }
}

static void test_base64(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes; /* NULL: refused */
    } cases[] = {{"", ""},           {"YQ==", "a"},       {"YWI=", "ab"},  {"YWJj", "abc"},   {"+/+/", "\xfb\xff\xbf"},
                 {"YWJjZA==", "abcd"}, {"YQ=", NULL},     {"Y===", NULL},  {"YWJ", NULL},     {"YW J", NULL},
                 {"YQ==YQ==", NULL},  {"====", NULL},    {"YW=j", NULL},  {"YWJ\xc3", NULL}, {"Y", NULL}};
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        unsigned char bytes[QUERN_BASE64_BYTES(16)];
        const ptrdiff_t count = quern_base64_decode((quern_text){cases[i].text, strlen(cases[i].text)}, bytes);
        assert_int_equal(count, cases[i].bytes != NULL ? (ptrdiff_t)strlen(cases[i].bytes) : -1);
        if (count > 0)
            assert_memory_equal(bytes, cases[i].bytes, (size_t)count);
    }
    assert_int_equal(quern_base64_decode((quern_text){"YW\0j", 4}, (unsigned char[6]){0}), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_each_request_for_memory_fails),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
