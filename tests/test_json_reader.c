/* Reading JSON: what is kept, what is refused and how it is described, in slices of any size. */
#include "array_count.h"
#include "json_reader.h"
#include "json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"a", "b", "list", NULL};
static const size_t slices[] = {1, 2, 3, 7, 64, SIZE_MAX};

struct trial {
    struct quern_json_reader reader;
    char *data;
    size_t held, allowed; /* bytes */
    int code;
};

static bool hold(void *owner, size_t bytes)
{
    struct trial *trial = owner;
    trial->held += bytes;
    return trial->held <= trial->allowed;
}

/* Reads a copy of json[length]. */
static void begin(struct trial *trial, const char *json, size_t length, bool replaces, size_t allowed)
{
    const struct quern_json_options options = {.names = names, .replaces = replaces, .hold = hold, .owner = trial};
    *trial = (struct trial){.data = malloc(length + 1), .allowed = allowed};
    memcpy(trial->data, json, length);
    quern_json_reader_begin(&trial->reader, &options, trial->data, length);
}

static void finish(struct trial *trial)
{
    quern_json_reader_free(&trial->reader);
    free(trial->data);
}

static void read_all(struct trial *trial, const char *json, bool replaces, size_t slice)
{
    begin(trial, json, strlen(json), replaces, SIZE_MAX);
    while ((trial->code = quern_json_reader_go_on(&trial->reader, slice)) == 0)
        continue;
}

/* Writes a value as compact JSON; 0.5 for a number that is only a number. */
static void put(FILE *out, const struct quern_value *value)
{
    switch (value->kind) {
    case QUERN_VALUE_NULL: fputs("null", out); break;
    case QUERN_VALUE_BOOLEAN: fputs(quern_value_is_true(value) ? "true" : "false", out); break;
    case QUERN_VALUE_INTEGER: fprintf(out, "%lld", (long long)quern_value_integer(value)); break;
    case QUERN_VALUE_NUMBER: fputs("0.5", out); break;
    case QUERN_VALUE_TEXT: quern_json_put_string(out, quern_value_text(value)); break;
    case QUERN_VALUE_ARRAY:
        putc('[', out);
        for (const struct quern_value *item = quern_value_first(value); item != NULL; item = quern_value_next(item)) {
            put(out, item);
            putc(',', out);
        }
        putc(']', out);
        break;
    case QUERN_VALUE_OBJECT:
        putc('{', out);
        for (size_t i = 0; names[i] != NULL; i++)
            if (quern_value_member(value, names[i]) != NULL) {
                fprintf(out, "%s:", names[i]);
                put(out, quern_value_member(value, names[i]));
                putc(',', out);
            }
        putc('}', out);
        break;
    }
}

static void expect_read(const char *json, bool replaces, const char *expected)
{
    for (size_t i = 0; i < QUERN_COUNT(slices); i++) {
        struct trial trial;
        char text[512];
        FILE *out = fmemopen(text, sizeof text, "w");
        read_all(&trial, json, replaces, slices[i]);
        if (trial.code != 1)
            fail_msg("%s: %s", json, trial.reader.problem);
        put(out, trial.reader.root);
        fclose(out);
        assert_string_equal(text, expected);
        finish(&trial);
    }
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *json, *expected;
    } table[] = {
        {"{}", "{}"},
        {" \r\n\t{ } ", "{}"},
        {"\xef\xbb\xbf{\"a\":1}", "{a:1,}"},
        {"7", "7"},
        {"[]", "[]"},
        {"{\"a\":[1,-2,0,-0,3.5,1e3,1E+9,2e-3,0.0]}", "{a:[1,-2,0,0,0.5,0.5,0.5,0.5,0,],}"},
        {"{\"a\":[64.0,-5.000,64.01,64.10,64.0e0]}", "{a:[64,-5,0.5,0.5,0.5,],}"},
        {"[9223372036854775807,9223372036854775808,-9223372036854775808,-9223372036854775809]",
         "[9223372036854775807,0.5,-9223372036854775808,0.5,]"},
        {"[1e999999999,123456789012345678901234567890]", "[0.5,0.5,]"},
        {"[true,false,null,\"\",[],{}]", "[true,false,null,\"\",[],{},]"},
        {"{\"a\":1,\"x\":{\"a\":2,\"b\":[{\"a\":3}]},\"b\":[{\"x\":1,\"a\":\"y\"}]}", "{a:1,b:[{a:\"y\",},],}"},
        {"{\"a\":1,\"b\":2,\"a\":[3],\"a\":4,\"list\":5,\"b\":6}", "{a:4,b:6,list:5,}"},
        {"{\"\\u0061\":1,\"\\u0061\\u0000\":2}", "{a:1,}"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\"",
         "\"\\u0022\\u005c/\\u0008\\u000c\\u000a\\u000d\\u0009A\xc3\xa9\xe2\x82\xac\""},
        {"\"\\ud83d\\ude00\\uD83D\\uDE00\"", "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\""},
        {"\"a\\u0000b\"", "\"a\\u0000b\""},
        {"[\"half \\ud83d\",\"\\ude00\",\"\\ud83d\\ud83d\\ude00\",\"\\ud83dx\",\"\\ud83d\\n\"]",
         "[\"half \xef\xbf\xbd\",\"\xef\xbf\xbd\",\"\xef\xbf\xbd\xf0\x9f\x98\x80\",\"\xef\xbf\xbdx\","
         "\"\xef\xbf\xbd\\u000a\",]"},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        expect_read(table[i].json, false, table[i].expected);
        expect_read(table[i].json, true, table[i].expected);
    }
}

static void test_bytes_that_are_not_utf8_are_replaced_if_asked_for(void **state)
{
    (void)state;
    expect_read("[\"\xff\",\"a\\n\xc3(\xe2\x82\\\"\",\"\xed\xa0\x80\"]", true,
                 "[\"\xef\xbf\xbd\",\"a\\u000a\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\\u0022\","
                 "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",]");
    expect_read("{\"x\":\"\xff\xff\",\"\xff\":1,\"a\":\"\xc0\"}", true, "{a:\"\xef\xbf\xbd\",}");
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *json, *problem;
        size_t line, column;
        const char *field;
        size_t item;
    } table[] = {
        {"", "empty", 1, 1, NULL, SIZE_MAX},
        {" \n ", "empty", 2, 2, NULL, SIZE_MAX},
        {"{", "before its last bracket", 1, 2, NULL, SIZE_MAX},
        {"{\"a\":[\"b\",\n \"c", "a string is not closed", 2, 2, "a", 1},
        {"{\"a\":\"b\\", "a string is not closed", 1, 6, "a", SIZE_MAX},
        {"{\"a\":\"b\nc\"}", "line break", 1, 8, "a", SIZE_MAX},
        {"{\"a\":\"\x01\"}", "control character", 1, 7, "a", SIZE_MAX},
        {"{\"a\":\"\\x\"}", "no such escape", 1, 7, "a", SIZE_MAX},
        {"{\"a\":\"\\u12g4\"}", "four hexadecimal digits", 1, 7, "a", SIZE_MAX},
        {"{\"list\":[[\"x\"],[\"y\",\"\xff\"]]}", "not UTF-8", 1, 22, "list", 1},
        {"{\"a\":[\"b\" \"c\"]}", "comma is missing", 1, 11, "a", 0},
        {"{\"a\":1 \"b\":2}", "comma is missing", 1, 8, "a", SIZE_MAX},
        {"{\"a\":[1,]}", "comma before the closing", 1, 9, "a", 1},
        {"{\"a\":1,}", "comma before the closing", 1, 8, NULL, SIZE_MAX},
        {"{\"a\":[,1]}", "missing before a comma", 1, 7, "a", 0},
        {"{\"a\":}", "missing before a closing", 1, 6, "a", SIZE_MAX},
        {"{\"a\" 1}", "colon is missing", 1, 6, "a", SIZE_MAX},
        {"{\"a\":[1}", "list is closed", 1, 8, "a", 0},
        {"[{\"a\":1]", "object is closed", 1, 8, "a", SIZE_MAX},
        {"{'a':1}", "not single ones", 1, 2, NULL, SIZE_MAX},
        {"{\"a\":'b'}", "not single ones", 1, 6, "a", SIZE_MAX},
        {"{a:1}", "name of a field", 1, 2, NULL, SIZE_MAX},
        {"{\"a\":NaN}", "NaN", 1, 6, "a", SIZE_MAX},
        {"{\"a\":-Infinity}", "NaN", 1, 7, "a", SIZE_MAX},
        {"{\"a\":None}", "None", 1, 6, "a", SIZE_MAX},
        {"{\"a\":True}", "lower case", 1, 6, "a", SIZE_MAX},
        {"{\"a\":nul}", "neither true", 1, 6, "a", SIZE_MAX},
        {"{\"a\":undefined}", "undefined", 1, 6, "a", SIZE_MAX},
        {"{// x\n}", "no comments", 1, 2, NULL, SIZE_MAX},
        {"{\"a\":01}", "begin with a zero", 1, 7, "a", SIZE_MAX},
        {"{\"a\":-}", "digit is missing", 1, 7, "a", SIZE_MAX},
        {"{\"a\":1.}", "digit is missing", 1, 8, "a", SIZE_MAX},
        {"{\"a\":1e}", "digit is missing", 1, 8, "a", SIZE_MAX},
        {"{\"a\":+1}", "digit or a minus", 1, 6, "a", SIZE_MAX},
        {"{\"a\":.5}", "digit or a minus", 1, 6, "a", SIZE_MAX},
        {"{\"a\":1x}", "comma is missing", 1, 7, "a", SIZE_MAX},
        {"{} {}", "more text", 1, 4, NULL, SIZE_MAX},
        {"{}\n}", "more text", 2, 1, NULL, SIZE_MAX},
        {"1.", "digit is missing", 1, 3, NULL, SIZE_MAX},
        {"a=b", "must begin here", 1, 1, NULL, SIZE_MAX},
        {"{\"x\":[1,{\"y\":[2,3,}]}", "missing before a closing", 1, 19, NULL, SIZE_MAX},
        {"{\"a\":[0,{\"x\":[1,2,-]}]}", "digit is missing", 1, 20, "a", 1},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "deeper than 64", 1, 65, NULL, SIZE_MAX},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        for (size_t j = 0; j < QUERN_COUNT(slices); j++) {
            struct trial trial;
            size_t line, column, item;
            const char *field;
            read_all(&trial, table[i].json, false, slices[j]);
            assert_int_equal(trial.code, -1);
            quern_json_reader_locate(&trial.reader, &line, &column, &field, &item);
            if (strstr(trial.reader.problem, table[i].problem) == NULL || line != table[i].line ||
                column != table[i].column || item != table[i].item ||
                strcmp(field != NULL ? field : "", table[i].field != NULL ? table[i].field : "") != 0)
                fail_msg("%s: %s (%zu, %zu, %s, %zu)", table[i].json, trial.reader.problem, line, column,
                         field != NULL ? field : "none", item);
            finish(&trial);
        }
}

static void test_depth_and_values_have_limits(void **state)
{
    (void)state;
    const size_t length = 2 * QUERN_JSON_VALUES + 64;
    char *json = malloc(length + 1);
    struct trial trial;
    expect_read("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", false, "[[[[[[[[[[[[[[[[],],],],],],],],],],],],],],],]");
    memset(json, '[', QUERN_JSON_DEPTH);
    memset(json + QUERN_JSON_DEPTH, ']', QUERN_JSON_DEPTH);
    json[2 * QUERN_JSON_DEPTH] = '\0';
    read_all(&trial, json, false, SIZE_MAX);
    assert_int_equal(trial.code, 1);
    finish(&trial);
    memset(json, '[', QUERN_JSON_DEPTH + 1);
    read_all(&trial, json, false, SIZE_MAX);
    assert_int_equal(trial.reader.fault, QUERN_JSON_LIMIT);
    finish(&trial);
    json[0] = '[';
    for (size_t i = 1; i < length - 1; i++)
        json[i] = i % 2 == 1 ? '1' : ',';
    json[length - 1] = ']';
    json[length] = '\0';
    read_all(&trial, json, false, SIZE_MAX);
    assert_int_equal(trial.code, -1);
    assert_int_equal(trial.reader.fault, QUERN_JSON_LIMIT);
    finish(&trial);
    memcpy(json, "{\"xy\":[", 7); /* nobody reads it */
    memcpy(json + length - 2, "]}", 2);
    read_all(&trial, json, false, SIZE_MAX);
    assert_int_equal(trial.code, 1);
    assert_int_equal(trial.reader.values, 1);
    finish(&trial);
    free(json);
}

static void test_values_are_compared(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } table[] = {{"null", "null", true},
                 {"true", "true", true},
                 {"true", "false", false},
                 {"7", "7", true},
                 {"7", "8", false},
                 {"0.5", "0.5", false}, /* their values are not kept */
                 {"\"a\\u0000b\"", "\"a\\u0000b\"", true},
                 {"\"a\\u0000b\"", "\"a\\u0000c\"", false},
                 {"\"1\"", "1", false},
                 {"[1,[\"a\"],{}]", "[1,[\"a\"],{}]", true},
                 {"[1,[\"a\"],{}]", "[1,[\"b\"],{}]", false},
                 {"[1,2]", "[1]", false},
                 {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}", true},
                 {"{\"a\":1}", "{\"a\":2}", false},
                 {"{\"a\":1}", "{\"b\":1}", false}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        struct trial a, b;
        read_all(&a, table[i].a, false, SIZE_MAX);
        read_all(&b, table[i].b, false, SIZE_MAX);
        if (quern_value_equals(a.reader.root, b.reader.root) != table[i].same)
            fail_msg("%s, %s", table[i].a, table[i].b);
        assert_false(quern_value_equals(a.reader.root, NULL));
        finish(&a);
        finish(&b);
    }
}

/* Memory is asked for before it is taken, in proportion to what is kept. */
static void test_memory_is_counted(void **state)
{
    (void)state;
    static const char json[] = "{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"
                               "30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57]}";
    size_t needed = 0;
    struct trial trial;
    begin(&trial, json, sizeof json - 1, false, SIZE_MAX);
    assert_int_equal(quern_json_reader_go_on(&trial.reader, SIZE_MAX), 1);
    needed = trial.held;
    assert_in_range(needed, 57 * sizeof(struct quern_value), 4096);
    finish(&trial);
    begin(&trial, json, sizeof json - 1, false, needed);
    assert_int_equal(quern_json_reader_go_on(&trial.reader, SIZE_MAX), 1);
    finish(&trial);
    begin(&trial, json, sizeof json - 1, false, needed - 1);
    assert_int_equal(quern_json_reader_go_on(&trial.reader, SIZE_MAX), -1);
    assert_int_equal(trial.reader.fault, QUERN_JSON_MEMORY);
    finish(&trial);
}

/* A slice moves on by no more than its size and the rest of one escape or word. */
static void test_slices_are_bounded(void **state)
{
    (void)state;
    enum { SIZE = 1 << 16, SLICE = 1000, REST = 12 };
    static const char *const parts[] = {"        ", "[1,2],  ", "12345678", "\"a\": 1,  ",
                                        "\\ud83d\\ude00", "true,   "};
    static const char *const starts[] = {"{", "[[", "[", "{", "[\"", "["};
    char *json = malloc(SIZE + 16);
    for (size_t i = 0; i < QUERN_COUNT(parts); i++) {
        struct trial trial;
        size_t length = strlen(starts[i]), before = 0;
        memcpy(json, starts[i], length);
        for (; length < SIZE; length += strlen(parts[i]))
            memcpy(json + length, parts[i], strlen(parts[i]));
        begin(&trial, json, length, false, SIZE_MAX);
        int turns = 0;
        while (quern_json_reader_go_on(&trial.reader, SLICE) == 0) {
            assert_in_range(trial.reader.at - before, SLICE, SLICE + REST);
            before = trial.reader.at;
            turns++;
        }
        assert_in_range(turns, SIZE / (SLICE + REST) - 1, SIZE / SLICE + 1);
        finish(&trial);
    }
    free(json);
}

/* The same for a text with bytes that are replaced: it is read twice, and takes the memory that it needs. */
static void test_replacing_is_bounded(void **state)
{
    (void)state;
    enum { SIZE = 1 << 16, SLICE = 1000, REST = 4 };
    char *json = malloc(SIZE);
    for (int every = 1; every <= SIZE; every *= 16) {
        struct trial trial;
        size_t at = 0, written = 0, bad = 0;
        int turns = 1;
        memset(json, 'a', SIZE);
        for (int i = 1; i < SIZE - 1; i += every, bad++)
            json[i] = '\xff';
        json[0] = json[SIZE - 1] = '"';
        begin(&trial, json, SIZE, true, SIZE + 2 * bad + (1 << 19));
        while (quern_json_reader_go_on(&trial.reader, SLICE) == 0) {
            if (trial.reader.at > at)
                assert_in_range(trial.reader.at - at, 1, SLICE + REST);
            if (trial.reader.text_length > written)
                assert_in_range(trial.reader.text_length - written, 1, 3 * (SLICE + REST));
            at = trial.reader.at;
            written = trial.reader.text_length;
            turns++;
        }
        assert_in_range(turns, 2 * SIZE / (SLICE + REST), 2 * SIZE / SLICE + 2);
        assert_int_equal(quern_value_text(trial.reader.root).length, SIZE - 2 + 2 * bad);
        finish(&trial);
    }
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_bytes_that_are_not_utf8_are_replaced_if_asked_for),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_depth_and_values_have_limits),
        cmocka_unit_test(test_values_are_compared),
        cmocka_unit_test(test_memory_is_counted),
        cmocka_unit_test(test_slices_are_bounded),
        cmocka_unit_test(test_replacing_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
