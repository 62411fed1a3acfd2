/* The command's input and output: any bytes are cut into texts at the separators, nothing lost, nothing added; any text
 * is written as a JSON string, any number as one that reads back. */
#include "../cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    quern_cli_put_float(file, value);
    fclose(file);
    back = strtof(number, NULL);
    if (memcmp(&back, &value, sizeof value) != 0)
        abort();
}

/* Inside the quotes there is nothing that would end or break a JSON string. */
static void check_string(const quern_text *text)
{
    char *json = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&json, &length);
    if (file == NULL)
        return;
    quern_cli_put_string(file, *text);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quern_cli_options options = {.task = -1};
    struct quern_cli_reader reader;
    quern_text texts[QUERN_CLI_BATCH];
    size_t count, at = 0;
    if (size == 0)
        return 0;
    options.null = data[0] & 1;
    data++;
    size--;
    int file = memfd_create("input", 0);
    if (file < 0 || write(file, data, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) != 0 ||
        dup2(file, STDIN_FILENO) != STDIN_FILENO)
        abort();
    close(file);
    if (quern_cli_reader_open(&reader, &options) != QUERN_CLI_DONE)
        abort();
    while (quern_cli_reader_next(&reader, texts, &count) == QUERN_CLI_DONE && count > 0)
        for (size_t i = 0; i < count; i++) {
            const size_t length = texts[i].length;
            if (length > size - at || (length > 0 && memcmp(texts[i].data, data + at, length) != 0))
                abort();
            at += length;
            if (at < size && data[at++] != (options.null ? '\0' : '\n'))
                abort();
            check_float(&texts[i]);
            check_string(&texts[i]);
        }
    if (at != size)
        abort();
    quern_cli_reader_close(&reader);
    return 0;
}
