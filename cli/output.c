#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- signals that end the process */

static const char *volatile leftovers[8]; /* what is removed then, the last one first */
static _Atomic uint64_t written_count;  /* vectors that were written */
static char interrupt_words[2][512];    /* what is said before and behind the number of vectors; "" : nothing is said */

/* Writes to standard error. Only what a handler of signals may call. */
static void put_words(const char *words, size_t length)
{
    const ssize_t put = write(STDERR_FILENO, words, length);
    (void)put; /* the process ends anyway */
}

static void say_interrupted(void)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t count = written_count;
    do
        digits[--at] = (char)('0' + count % 10);
    while ((count /= 10) > 0);
    put_words(interrupt_words[0], strlen(interrupt_words[0]));
    put_words(digits + at, sizeof digits - at);
    put_words(interrupt_words[1], strlen(interrupt_words[1]));
    put_words("\n", 1);
}

static void end_by_signal(int signal_number)
{
    for (size_t i = QUERN_COUNT(leftovers); i-- > 0;)
        if (leftovers[i] != NULL && unlink(leftovers[i]) != 0)
            rmdir(leftovers[i]);
    if (interrupt_words[0][0] != '\0' && signal_number != SIGPIPE)
        say_interrupted();
    raise(signal_number); /* with the default action, see SA_RESETHAND */
}

static void catch_ending_signals(void)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
    struct sigaction action = {.sa_handler = end_by_signal, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)}, before;
    for (size_t i = 0; i < QUERN_COUNT(ending); i++)
        if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(ending[i], &action, NULL);
}

void quern_cli_remove_on_signal(const char *path)
{
    size_t i = 0;
    while (i < QUERN_COUNT(leftovers) && leftovers[i] != NULL)
        i++;
    if (i < QUERN_COUNT(leftovers))
        leftovers[i] = path;
    catch_ending_signals();
}

void quern_cli_keep_on_signal(const char *path)
{
    for (size_t i = 0; i < QUERN_COUNT(leftovers); i++)
        if (leftovers[i] == path)
            leftovers[i] = NULL;
}

void quern_cli_interrupt_says(const struct quern_cli_output *output)
{
    const bool held_back = output->temporary != NULL || output->spooled;
    snprintf(interrupt_words[0], sizeof interrupt_words[0], "\nquern: interrupted after ");
    if (held_back)
        snprintf(interrupt_words[1], sizeof interrupt_words[1],
                 " texts; nothing was written to %s, which gets its data when all of it is there",
                 quern_cli_output_name(output));
    else
        snprintf(interrupt_words[1], sizeof interrupt_words[1], " texts, whose vectors were written to %s",
                 quern_cli_output_name(output));
    quern_cli_clean(interrupt_words[1]);
    catch_ending_signals();
}

void quern_cli_interrupt_count(uint64_t written)
{
    written_count = written;
}

/* ---------------------------------------------------------------- files that are read */

static struct read_file {
    struct stat status;
    const char *what;
} read_files[8]; /* no verb that writes a file reads more */
static size_t read_count;

/* Whether both are one regular file. Its number tells, as it may have several names. */
static bool is_same(const struct stat *a, const struct stat *b)
{
    return S_ISREG(a->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

void quern_cli_reads(const char *path, const char *what)
{
    struct stat status;
    const bool exists = (path != NULL ? stat(path, &status) : fstat(STDIN_FILENO, &status)) == 0;
    if (exists && read_count < QUERN_COUNT(read_files))
        read_files[read_count++] = (struct read_file){status, what};
}

const char *quern_cli_read_from(const char *path)
{
    struct stat status;
    const bool exists = (path != NULL ? stat(path, &status) : fstat(STDOUT_FILENO, &status)) == 0;
    for (size_t i = 0; exists && i < read_count; i++)
        if (is_same(&status, &read_files[i].status))
            return read_files[i].what;
    return NULL;
}

int quern_cli_check_unread(const char *path)
{
    const char *what = quern_cli_read_from(path);
    if (what == NULL)
        return QUERN_CLI_DONE;
    quern_cli_say("cannot write to %s: %s read from %s; write to another file", path != NULL ? path : "standard output",
                  what, path != NULL ? "it" : "its file");
    return QUERN_CLI_USAGE;
}

/* ---------------------------------------------------------------- outputs */

static bool told; /* the user knows that standard output cannot be written to */

const char *quern_cli_output_name(const struct quern_cli_output *output)
{
    return output->path != NULL ? output->path : "standard output";
}

static int complain(const struct quern_cli_output *output)
{
    const char *reason = strerror(errno);
    const bool is_link = output->target != NULL && strcmp(output->target, output->path) != 0;
    quern_cli_say("cannot write to %s%s%s: %s", quern_cli_output_name(output), is_link ? ", which leads to " : "",
                  is_link ? output->target : "", reason);
    told |= output->path == NULL;
    return QUERN_CLI_FAILED;
}

int quern_cli_output_end(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    return told ? QUERN_CLI_FAILED : complain(&(struct quern_cli_output){0});
}

/* Forgets the names of a file that is no longer written. */
static void forget_names(struct quern_cli_output *output)
{
    quern_cli_keep_on_signal(output->temporary);
    interrupt_words[0][0] = '\0';
    free(output->target);
    free(output->temporary);
    output->target = output->temporary = NULL;
}

/* Where a link leads that stands at path; NULL with errno. A relative link begins in the folder of its path. */
static char *read_link(const char *path)
{
    char link[PATH_MAX], *next;
    const ssize_t length = readlink(path, link, sizeof link);
    const char *slash = strrchr(path, '/');
    const int folder = length > 0 && link[0] != '/' && slash != NULL ? (int)(slash + 1 - path) : 0;
    if (length <= 0 || length == sizeof link) {
        errno = length < 0 ? errno : ENAMETOOLONG;
        return NULL;
    }
    return asprintf(&next, "%.*s%.*s", folder, path, (int)length, link) < 0 ? NULL : next;
}

char *quern_cli_output_target(const char *path)
{
    enum { MOST_LINKS = 40 }; /* as the kernel follows */
    struct stat status;
    char *target = strdup(path);
    for (int links = 0; target != NULL && lstat(target, &status) == 0 && S_ISLNK(status.st_mode); links++) {
        char *next = links < MOST_LINKS ? read_link(target) : NULL;
        if (links == MOST_LINKS)
            errno = ELOOP;
        free(target);
        target = next;
    }
    return target;
}

/* Opens a file under a temporary name, in the folder and with the rights of the final file. NULL with errno. */
static FILE *open_temporary(struct quern_cli_output *output, const struct stat *there)
{
    const mode_t mask = umask(0);
    umask(mask);
    output->target = quern_cli_output_target(output->path);
    if (output->target == NULL || asprintf(&output->temporary, "%s.XXXXXX", output->target) < 0) {
        output->temporary = NULL;
        return NULL;
    }
    const int descriptor = mkstemp(output->temporary);
    if (descriptor < 0)
        return NULL;
    fchmod(descriptor, there != NULL ? there->st_mode & 0777 : 0666 & ~mask);
    quern_cli_remove_on_signal(output->temporary);
    return fdopen(descriptor, "w");
}

/* Whether the file of a path is written to standard output. */
static bool is_standard_output(const char *path)
{
    struct stat one, other;
    return stat(path, &one) == 0 && fstat(STDOUT_FILENO, &other) == 0 && is_same(&one, &other);
}

bool quern_cli_output_is_terminal(const char *path)
{
    struct stat status;
    if (path == NULL || strcmp(path, "-") == 0)
        return isatty(STDOUT_FILENO);
    if (stat(path, &status) != 0 || !S_ISCHR(status.st_mode))
        return false;
    const int descriptor = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    const bool is_terminal = descriptor >= 0 && isatty(descriptor);
    if (descriptor >= 0)
        close(descriptor);
    return is_terminal;
}

int quern_cli_output_open(struct quern_cli_output *output, const char *path, bool rewinds)
{
    struct stat status;
    if (path != NULL && (strcmp(path, "-") == 0 || is_standard_output(path)))
        path = NULL;
    *output = (struct quern_cli_output){0};
    const int code = quern_cli_check_unread(path);
    if (code != QUERN_CLI_DONE)
        return code;
    const bool exists = path != NULL && stat(path, &status) == 0;
    *output = (struct quern_cli_output){.path = path};
    if (exists && S_ISDIR(status.st_mode)) {
        quern_cli_say("cannot write to %s: it is a folder; name a file in it", path);
        return QUERN_CLI_FAILED;
    }
    if (exists && access(path, W_OK) != 0)
        return complain(output);
    if (path != NULL && (!exists || S_ISREG(status.st_mode))) {
        output->file = open_temporary(output, exists ? &status : NULL);
    } else if (rewinds) { /* a pipe cannot, and standard output may begin in the middle of a file */
        output->spooled = true;
        output->file = tmpfile();
    } else {
        output->file = path == NULL ? stdout : fopen(path, "w");
    }
    if (output->file != NULL)
        return QUERN_CLI_DONE;
    if (output->spooled)
        quern_cli_say("cannot make a temporary file: %s; write to one with -o", strerror(errno));
    else
        complain(output);
    forget_names(output);
    return QUERN_CLI_FAILED;
}

int quern_cli_output_flush(struct quern_cli_output *output)
{
    return fflush(output->file) == 0 && !ferror(output->file) ? QUERN_CLI_DONE : complain(output);
}

/* Copies the spooled data to its place. */
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
        if (fsync(fileno(output->file)) != 0 || rename(output->temporary, output->target) != 0)
            code = complain(output);
        else
            forget_names(output);
    }
    quern_cli_output_discard(output);
    return code;
}

void quern_cli_output_discard(struct quern_cli_output *output)
{
    told |= output->file == stdout && ferror(stdout);
    if (output->temporary != NULL)
        unlink(output->temporary);
    forget_names(output);
    if (output->file != NULL && output->file != stdout)
        fclose(output->file);
    *output = (struct quern_cli_output){0};
}
