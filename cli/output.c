#include "cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- files */

static const char *volatile unfinished; /* the temporary file to remove when a signal ends us */

static void remove_unfinished(int signal_number)
{
    if (unfinished != NULL)
        unlink(unfinished);
    raise(signal_number); /* with the default action, see SA_RESETHAND */
}

static void remove_on_signals(const char *temporary)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
    struct sigaction action = {.sa_handler = remove_unfinished, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)}, before;
    unfinished = temporary;
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
        if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(ending[i], &action, NULL);
}

static int complain(const struct quern_cli_output *output)
{
    quern_cli_say("cannot write to %s: %s", output->path != NULL ? output->path : "standard output", strerror(errno));
    return QUERN_CLI_FAILED;
}

/* Opens a file beside path under a temporary name, with the rights a new file gets. */
static int open_temporary(struct quern_cli_output *output)
{
    size_t length = strlen(output->path);
    output->temporary = malloc(length + sizeof ".XXXXXX");
    if (output->temporary == NULL)
        return -1;
    memcpy(output->temporary, output->path, length);
    strcpy(output->temporary + length, ".XXXXXX");
    int descriptor = mkstemp(output->temporary);
    if (descriptor < 0) {
        free(output->temporary);
        output->temporary = NULL;
        return -1;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
    remove_on_signals(output->temporary);
    return descriptor;
}

int quern_cli_output_open(struct quern_cli_output *output, const char *path, bool rewritten)
{
    struct stat status;
    bool exists = path != NULL && stat(path, &status) == 0;
    *output = (struct quern_cli_output){.path = path};
    if (exists && S_ISDIR(status.st_mode)) {
        quern_cli_say("cannot write to %s: it is a folder", path);
        return QUERN_CLI_FAILED;
    }
    bool direct = path == NULL || (exists && !S_ISREG(status.st_mode));
    if (!direct) {
        int descriptor = open_temporary(output);
        output->file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    } else if (rewritten) { /* a pipe cannot be, and standard output may stand anywhere in its file */
        output->spooled = true;
        output->file = tmpfile();
    } else {
        output->file = path == NULL ? stdout : fopen(path, "w");
    }
    return output->file != NULL ? QUERN_CLI_DONE : complain(output);
}

int quern_cli_output_flush(struct quern_cli_output *output)
{
    return fflush(output->file) == 0 && !ferror(output->file) ? QUERN_CLI_DONE : complain(output);
}

/* Copies the spooled data to where it was to go. */
static int unspool(struct quern_cli_output *output)
{
    char buffer[65536];
    FILE *target = output->path != NULL ? fopen(output->path, "w") : stdout;
    if (target == NULL)
        return complain(output);
    rewind(output->file);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, output->file)) > 0;)
        if (fwrite(buffer, 1, got, target) != got)
            break;
    bool failed = fflush(target) != 0 || ferror(target) || ferror(output->file);
    int code = failed ? complain(output) : QUERN_CLI_DONE;
    if (target != stdout)
        fclose(target);
    return code;
}

int quern_cli_output_finish(struct quern_cli_output *output)
{
    int code = quern_cli_output_flush(output);
    if (code == QUERN_CLI_DONE && output->spooled)
        code = unspool(output);
    if (code == QUERN_CLI_DONE && output->temporary != NULL) {
        if (fsync(fileno(output->file)) != 0 || rename(output->temporary, output->path) != 0) {
            code = complain(output);
        } else {
            unfinished = NULL;
            free(output->temporary);
            output->temporary = NULL;
        }
    }
    quern_cli_output_discard(output);
    return code;
}

void quern_cli_output_discard(struct quern_cli_output *output)
{
    if (output->temporary != NULL) {
        unlink(output->temporary);
        unfinished = NULL;
        free(output->temporary);
    }
    if (output->file != NULL && output->file != stdout)
        fclose(output->file);
    *output = (struct quern_cli_output){0};
}

/* ---------------------------------------------------------------- values */

/* Writes the digits of a number of exactly nine, without trailing zeros, as 0.000ddd or ddd.ddd; exponent is that of
 * the first digit. */
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

void quern_cli_put_float(FILE *file, float value)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13};
    char text[32];
    size_t length = 0;
    double magnitude = fabs((double)value);
    if (!(magnitude >= 1e-5 && magnitude < 1e8)) {
        fprintf(file, "%.9g", (double)value);
        return;
    }
    int exponent = -5;
    while (exponent < 7 && magnitude >= (exponent < -1 ? 1 / powers[-exponent - 1] : powers[exponent + 1]))
        exponent++;
    /* Nine digits: the product is off by 1e-7 of the last one at most, far less than a float32 can tell. */
    uint32_t digits = (uint32_t)llrint(magnitude * powers[8 - exponent]);
    if (digits >= 1000000000) {
        digits /= 10;
        exponent++;
    }
    if (value < 0)
        text[length++] = '-';
    length += format_fixed(text + length, digits, exponent);
    fwrite(text, 1, length, file);
}

/* Length of the well-formed UTF-8 character at the beginning of text; 0: there is none. */
static size_t character_length(const unsigned char *text, size_t length)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (size <= 1 || text[0] > 0xf4 || size > length)
        return size == 1;
    unsigned code = text[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    return code >= least[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? size : 0;
}

void quern_cli_put_string(FILE *file, quern_text text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    putc('"', file);
    for (size_t i = 0; i < text.length;) {
        size_t size = character_length(data + i, text.length - i);
        if (size == 0)
            fputs("\xef\xbf\xbd", file);
        else if (size == 1 && (data[i] < 0x20 || data[i] == '"' || data[i] == '\\' || data[i] == 0x7f))
            fprintf(file, "\\u%04x", data[i]);
        else
            fwrite(data + i, 1, size, file);
        i += size == 0 ? 1 : size;
    }
    putc('"', file);
}

void quern_cli_put_member(FILE *file, const char *key, const char *value)
{
    const char *name = key + strspn(key, ", ");
    fprintf(file, "%.*s\"%s\": ", (int)(name - key), key, name);
    quern_cli_put_string(file, (quern_text){value, strlen(value)});
}
