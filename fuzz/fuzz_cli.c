/* Input and output of jobs. Any bytes must be split into texts at the separators, without losing or adding a
 * byte but line ends and a mark of UTF-8; or be refused because they are not text. Any
 * text must be written as a valid JSON string, and any number so that reading it gives the same number. */
#include "fuzz.h"
#include "jobs.h"
#include "json_text.h"
#include "not_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_float(const quern_text *text)
{
    float value, back;
    char number[64] = "";
    if (text->length < sizeof value)
        return;
    memcpy(&value, text->data, sizeof value);
    FILE *file = fmemopen(number, sizeof number, "w");
    if (file == NULL || !isfinite(value)) {
        if (file != NULL)
            fclose(file);
        return;
    }
    quern_json_put_float(file, value);
    fclose(file);
    back = strtof(number, NULL);
    if (memcmp(&back, &value, sizeof value) != 0)
        abort();
}

/* Checks that nothing inside the quotes ends or breaks a JSON string. */
static void check_string(const quern_text *text)
{
    char *json = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&json, &length);
    if (file == NULL)
        return;
    quern_json_put_string(file, *text);
    fclose(file);
    if (length < 2 || json[0] != '"' || json[length - 1] != '"')
        abort();
    for (size_t i = 1; i + 1 < length; i++) {
        if ((unsigned char)json[i] < 0x20 || json[i] == '"')
            abort();
        if (json[i] == '\\' && (json[i + 1] != 'u' || i + 6 > length - 1))
            abort();
    }
    free(json);
}

/* The text that must stand at `at`: what lies before the next separator, without its mark of UTF-8 and, of a
 * line, its carriage return. *next: where the following text begins. */
static quern_text expected_text(const uint8_t *data, size_t size, char separator, size_t at, size_t *next)
{
    const uint8_t *end = memchr(data + at, separator, size - at);
    size_t length = end != NULL ? (size_t)(end - data) - at : size - at;
    *next = at + length + (end != NULL);
    if (length >= 3 && memcmp(data + at, "\xef\xbb\xbf", 3) == 0) {
        at += 3;
        length -= 3;
    }
    if (separator == '\n' && length > 0 && data[at + length - 1] == '\r')
        length--;
    return (quern_text){(const char *)data + at, length};
}

/* Compares a batch with the data from *at on, and moves *at behind it. */
static void check_batch(const struct quern_jobs_texts *batch, const uint8_t *data, size_t size, char separator,
                        size_t *at)
{
    for (size_t i = 0; i < batch->count; i++) {
        const quern_text *text = &batch->texts[i], expected = expected_text(data, size, separator, *at, at);
        if (text->length != expected.length ||
            (text->length > 0 && memcmp(text->data, expected.data, text->length) != 0))
            abort();
        check_float(text);
        check_string(text);
    }
}

/* Whether input was refused for a reason: the file is of a kind that is not text, or it has lines, and the next one has
 * a NUL byte, or all end with CR alone. */
static int is_refused_rightly(const uint8_t *data, size_t size, char separator, size_t at)
{
    size_t next;
    if (at == size)
        return 0;
    const uint8_t *end = memchr(data, separator, size);
    const quern_text text = expected_text(data, size, separator, at, &next);
    if (at == 0 && quern_jobs_recognise((const char *)data, size, end != NULL ? (size_t)(end - data) : size) != NULL)
        return 1;
    return separator == '\n' && (memchr(text.data, '\0', text.length) != NULL ||
                                 (at == 0 && quern_jobs_recognise_ends((const char *)data, size) != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quern_jobs_stream stream;
    struct quern_jobs_texts batch;
    size_t at = 0;
    int code;
    if (size == 0)
        return 0;
    const char separator = data[0] & 1 ? '\0' : '\n';
    data++;
    size--;
    const int file = memfd_create("input", 0);
    if (file < 0 || write(file, data, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) != 0 ||
        dup2(file, STDIN_FILENO) != STDIN_FILENO)
        abort();
    close(file);
    if (quern_jobs_stream_open(&stream, NULL, separator, NULL) != QUERN_OK)
        abort();
    while ((code = stream.source.next(&stream.source, &batch, NULL)) == QUERN_OK && batch.count > 0)
        check_batch(&batch, data, size, separator, &at);
    if (code == QUERN_OK ? at != size : !is_refused_rightly(data, size, separator, at))
        abort();
    quern_jobs_stream_close(&stream);
    return 0;
}
