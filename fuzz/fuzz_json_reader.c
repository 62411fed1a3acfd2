/* Any bytes as JSON. The result must be the same in slices of any size. What another parser accepts must be accepted,
 * with the same values, unless it goes beyond a limit.
 *
 * Input: one byte: the slice; with bit 7, bytes that are not UTF-8 are replaced. Then the JSON. */
#include "fuzz.h"
#include "json_reader.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"a", "b", "input", "model", NULL};

/* Reads data[size], which is changed, until the end. */
static int read_all(struct quern_json_reader *reader, char *data, size_t size, bool replaces, size_t slice)
{
    const struct quern_json_options options = {.names = names, .replaces = replaces};
    int code;
    quern_json_reader_begin(reader, &options, data, size);
    while ((code = quern_json_reader_go_on(reader, slice)) == 0)
        continue;
    return code;
}

static char *copy_of(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    expect(copy != NULL, "there is memory");
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

static bool are_equal(const struct quern_value *one, const struct quern_value *other)
{
    if (one == NULL || other == NULL)
        return one == other;
    if (one->kind != other->kind || one->count != other->count)
        return false;
    if (one->kind == QUERN_VALUE_TEXT)
        return memcmp(one->is.text, other->is.text, one->count + 1) == 0;
    if (one->kind != QUERN_VALUE_ARRAY && one->kind != QUERN_VALUE_OBJECT)
        return quern_value_is_true(one) == quern_value_is_true(other) &&
               quern_value_integer(one) == quern_value_integer(other);
    const struct quern_value *a = one->is.first, *b = other->is.first;
    for (; a != NULL && b != NULL && are_equal(a, b); a = a->next)
        b = b->next;
    return a == NULL && b == NULL;
}

static void compare(const struct quern_value *value, const json_t *expected)
{
    const quern_text text = quern_value_text(value);
    switch (json_typeof(expected)) {
    case JSON_NULL: expect(quern_value_is(value, QUERN_VALUE_NULL), "null is null"); break;
    case JSON_TRUE:
    case JSON_FALSE: expect(quern_value_is_true(value) == json_is_true(expected), "a boolean is the same"); break;
    case JSON_REAL: /* 64.0 is the integer 64 */
        expect(isnan(quern_value_number(value)) ? quern_value_is(value, QUERN_VALUE_NUMBER)
                                                : quern_value_number(value) == json_real_value(expected),
               "a number is the same, unless it is very long");
        break;
    case JSON_INTEGER:
        expect(quern_value_is(value, QUERN_VALUE_INTEGER) &&
                   quern_value_integer(value) == json_integer_value(expected), "an integer is the same");
        break;
    case JSON_STRING:
        expect(text.data != NULL && text.length == json_string_length(expected) &&
                   memcmp(text.data, json_string_value(expected), text.length + 1) == 0, "a text is the same");
        break;
    case JSON_ARRAY:
        expect(quern_value_is(value, QUERN_VALUE_ARRAY) && quern_value_size(value) == json_array_size(expected),
               "an array has its items");
        value = quern_value_first(value);
        for (size_t i = 0; i < json_array_size(expected); i++, value = quern_value_next(value))
            compare(value, json_array_get(expected, i));
        break;
    case JSON_OBJECT:
        for (size_t i = 0; names[i] != NULL; i++) {
            const struct quern_value *member = quern_value_member(value, names[i]);
            const json_t *other = json_object_get(expected, names[i]);
            expect((member != NULL) == (other != NULL), "an object has the members that are kept");
            if (other != NULL)
                compare(member, other);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const bool replaces = data[0] & 128;
    const size_t slice = 1 + data[0] % 128;
    char *whole = copy_of(data + 1, size - 1), *cut = copy_of(data + 1, size - 1);
    json_t *expected = json_loadb((const char *)data + 1, size - 1, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    struct quern_json_reader one, other;
    const int code = read_all(&one, whole, size - 1, replaces, SIZE_MAX);
    expect(code == read_all(&other, cut, size - 1, replaces, slice), "slices end in the same way");
    expect(one.fault == other.fault && one.problem == other.problem && one.problem_at == other.problem_at,
           "slices have the same fault");
    expect(code == 1 ? one.fault == QUERN_JSON_GOOD && are_equal(one.root, other.root)
                     : one.problem != NULL && one.problem_at <= size - 1, "there are equal values, or a fault");
    const bool has_nul = memchr(data + 1, '\0', size - 1) != NULL; /* where the other parser ends */
    if (expected != NULL && one.fault != QUERN_JSON_LIMIT && !has_nul) {
        expect(code == 1, "what another parser accepts is accepted");
        compare(one.root, expected);
    }
    json_decref(expected);
    quern_json_reader_free(&one);
    quern_json_reader_free(&other);
    free(whole);
    free(cut);
    return 0;
}
