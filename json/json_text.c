#include "json_text.h"

#include "base/utf8.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* powers[i] is 10 to the power of i - 5. */
static const double powers[] = {1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8,
                                1e9,  1e10, 1e11, 1e12, 1e13};
#define POWER(exponent) powers[(exponent) + 5]

/* Writes a number of exactly nine digits as 0.000ddd or ddd.ddd, without trailing zeros. exponent is the decimal
 * exponent of the first digit. */
static size_t format_fixed(char *out, uint32_t digits, int exponent)
{
    char text[9];
    size_t length = 0;
    int count = 9;
    for (int i = 8; i >= 0; i--, digits /= 10)
        text[i] = (char)('0' + digits % 10);
    while (count > 1 && text[count - 1] == '0')
        count--;
    if (exponent < 0) {
        out[length++] = '0';
        out[length++] = '.';
        for (int i = -1; i > exponent; i--)
            out[length++] = '0';
    }
    for (int i = 0; i < count || i <= exponent; i++) {
        if (i == exponent + 1 && exponent >= 0)
            out[length++] = '.';
        out[length++] = i < count ? text[i] : '0';
    }
    return length;
}

size_t quern_json_float(char out[QUERN_JSON_FLOAT], float value)
{
    const double magnitude = fabs((double)value);
    size_t length = 0;
    if (!isfinite(value)) {
        memcpy(out, "null", 4);
        return 4;
    }
    if (!(magnitude >= 1e-5 && magnitude < 1e8))
        return (size_t)snprintf(out, QUERN_JSON_FLOAT, "%.9g", (double)value);
    int exponent = magnitude >= 1 ? 0 : -2; /* most numbers of a vector are hundredths */
    while (magnitude < POWER(exponent))
        exponent--;
    while (magnitude >= POWER(exponent + 1))
        exponent++;
    /* Nine digits. The product is wrong by at most 1e-7 of the last digit, far less than two float32 differ. It is not
     * rounded up to ten digits: the float32 that is nearest below a power of ten gives 999999978. */
    const uint32_t digits = (uint32_t)llrint(magnitude * POWER(8 - exponent));
    if (value < 0)
        out[length++] = '-';
    return length + format_fixed(out + length, digits, exponent);
}

size_t quern_json_character(const char *data, size_t length)
{
    return quern_utf8_length((const unsigned char *)data, length);
}

bool quern_json_is_utf8(quern_text text)
{
    size_t size;
    for (size_t i = 0; i < text.length; i += size)
        if ((size = quern_json_character(text.data + i, text.length - i)) == 0)
            return false;
    return true;
}

size_t quern_json_string(char *out, size_t capacity, quern_text text, size_t *used)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t length = 0, i = 0;
    while (i < text.length && capacity - length >= 7) { /* six for an escape, and snprintf's terminator */
        size_t size = quern_json_character(text.data + i, text.length - i);
        if (size == 0) {
            memcpy(out + length, "\xef\xbf\xbd", 3);
            length += 3;
        } else if (size == 1 && (data[i] < 0x20 || data[i] == '"' || data[i] == '\\' || data[i] == 0x7f)) {
            length += (size_t)snprintf(out + length, 7, "\\u%04x", data[i]);
        } else {
            memcpy(out + length, data + i, size);
            length += size;
        }
        i += size == 0 ? 1 : size;
    }
    *used = i;
    return length;
}

void quern_json_put_float(FILE *file, float value)
{
    char text[QUERN_JSON_FLOAT];
    fwrite(text, 1, quern_json_float(text, value), file);
}

void quern_json_put_string(FILE *file, quern_text text)
{
    char part[4096];
    putc('"', file);
    for (size_t used; text.length > 0; text.data += used, text.length -= used)
        fwrite(part, 1, quern_json_string(part, sizeof part, text, &used), file);
    putc('"', file);
}

void quern_json_put_member(FILE *file, const char *key, const char *value)
{
    const char *name = key + strspn(key, ", ");
    fprintf(file, "%.*s\"%s\": ", (int)(name - key), key, name);
    quern_json_put_string(file, (quern_text){value, strlen(value)});
}

size_t quern_json_base64(char *out, const void *data, size_t length)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = data;
    char *at = out;
    for (; length >= 3; length -= 3, in += 3) {
        const uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *at++ = letters[bits >> 18];
        *at++ = letters[bits >> 12 & 63];
        *at++ = letters[bits >> 6 & 63];
        *at++ = letters[bits & 63];
    }
    if (length > 0) {
        const uint32_t bits = (uint32_t)in[0] << 16 | (length == 2 ? (uint32_t)in[1] << 8 : 0);
        *at++ = letters[bits >> 18];
        *at++ = letters[bits >> 12 & 63];
        *at++ = length == 2 ? letters[bits >> 6 & 63] : '=';
        *at++ = '=';
    }
    return (size_t)(at - out);
}
