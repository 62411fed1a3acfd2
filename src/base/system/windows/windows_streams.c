/* Streams: consoles, and streams that write to memory. */
#include "base/system/windows/windows_paths.h"

#include <windows.h>

#include "poll.h"

static bool is_console(HANDLE handle)
{
    DWORD mode;
    return GetConsoleMode(handle, &mode) != 0;
}

int quern_windows_isatty(int file)
{
    return is_console((HANDLE)_get_osfhandle(file));
}

/* ---------------------------------------------------------------- reading */

/* A console gives a line of UTF-16; what of it has no room in the buffer stays for the next call. Ctrl-Z or Ctrl-D at
 * the beginning of a line, and Enter, end the input. One thread reads from the console. */
static ssize_t read_console(HANDLE console, char *buffer, size_t bytes)
{
    static char line[3 * 1024];
    static size_t begin, end;
    if (begin == end) {
        wchar_t wide[1024];
        DWORD units = 0;
        if (!ReadConsoleW(console, wide, 1023, &units, NULL))
            return quern_windows_fail();
        if (units > 0 && wide[units - 1] >= 0xD800 && wide[units - 1] < 0xDC00) { /* one half of a character */
            DWORD more = 0;
            ReadConsoleW(console, wide + units, 1, &more, NULL);
            units += more;
        }
        if (units == 0 || wide[0] == 0x1A || wide[0] == 0x04)
            return 0;
        begin = 0;
        end = (size_t)WideCharToMultiByte(CP_UTF8, 0, wide, (int)units, line, sizeof line, NULL, NULL);
    }
    const size_t given = bytes < end - begin ? bytes : end - begin;
    memcpy(buffer, line + begin, given);
    begin += given;
    return (ssize_t)given;
}

ssize_t quern_windows_read(int file, void *buffer, size_t bytes)
{
    HANDLE handle = (HANDLE)_get_osfhandle(file);
    if (is_console(handle))
        return read_console(handle, buffer, bytes);
    return _read(file, buffer, bytes < 1u << 30 ? (unsigned)bytes : 1u << 30);
}

/* Whether reading would not wait. can_wait: the answer when the system cannot tell. */
static bool is_ready(HANDLE handle, bool can_wait)
{
    DWORD bytes = 0;
    if (GetFileType(handle) != FILE_TYPE_PIPE)
        return !is_console(handle) || WaitForSingleObject(handle, 0) == WAIT_OBJECT_0;
    if (PeekNamedPipe(handle, NULL, 0, NULL, &bytes, NULL))
        return bytes > 0;
    return GetLastError() == ERROR_BROKEN_PIPE || can_wait; /* a closed pipe has its end to read */
}

int quern_windows_poll(struct pollfd *files, unsigned count, int milliseconds)
{
    int ready = 0;
    for (int waited = 0;; waited += milliseconds > 0 ? 10 : 0) {
        for (unsigned i = 0; i < count; i++) {
            const HANDLE file = (HANDLE)_get_osfhandle(files[i].fd);
            files[i].revents = files[i].events & POLLOUT ? POLLOUT : is_ready(file, milliseconds != 0) ? POLLIN : 0;
            ready += files[i].revents != 0;
        }
        if (ready > 0 || (milliseconds >= 0 && waited >= milliseconds))
            return ready;
        Sleep(10);
    }
}

/* ---------------------------------------------------------------- memory */

#undef fclose
#undef fflush

/* The streams that write to memory. Each is a temporary file, which is read when its text is taken. */
static struct memory_stream {
    struct memory_stream *next;
    FILE *file;
    char **text;
    size_t *length;
} *memory_streams;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

FILE *quern_windows_open_memstream(char **text, size_t *length)
{
    struct memory_stream *stream = malloc(sizeof *stream);
    FILE *file = stream != NULL ? tmpfile() : NULL;
    if (file == NULL) {
        free(stream);
        return NULL;
    }
    *text = NULL;
    *length = 0;
    pthread_mutex_lock(&lock);
    *stream = (struct memory_stream){memory_streams, file, text, length};
    memory_streams = stream;
    pthread_mutex_unlock(&lock);
    return file;
}

/* Reads what was written, and goes on at its end. */
static int take_text(const struct memory_stream *stream)
{
    const off_t bytes = ftello(stream->file);
    char *text = bytes >= 0 ? realloc(*stream->text, (size_t)bytes + 1) : NULL;
    if (text == NULL)
        return EOF;
    rewind(stream->file);
    const size_t got = fread(text, 1, (size_t)bytes, stream->file);
    text[got] = '\0';
    *stream->text = text;
    *stream->length = got;
    return got == (size_t)bytes && fseeko(stream->file, bytes, SEEK_SET) == 0 ? 0 : EOF;
}

static struct memory_stream **find(FILE *file)
{
    struct memory_stream **place = &memory_streams;
    while (*place != NULL && (*place)->file != file)
        place = &(*place)->next;
    return place;
}

/* The C library of Windows takes it for a wrong argument that nobody reads from a pipe any more. */
static void name_closed_pipe(FILE *file)
{
    if (errno == EINVAL && GetFileType((HANDLE)_get_osfhandle(_fileno(file))) == FILE_TYPE_PIPE)
        errno = EPIPE;
}

int quern_windows_fflush(FILE *file)
{
    int code = fflush(file);
    if (code != 0 || (file != NULL && ferror(file)))
        name_closed_pipe(file);
    pthread_mutex_lock(&lock);
    struct memory_stream *stream = *find(file);
    if (code == 0 && stream != NULL)
        code = take_text(stream);
    pthread_mutex_unlock(&lock);
    return code;
}

int quern_windows_fclose(FILE *file)
{
    int code = 0;
    pthread_mutex_lock(&lock);
    struct memory_stream **place = find(file), *stream = *place;
    if (stream != NULL) {
        code = fflush(file) == 0 ? take_text(stream) : EOF;
        *place = stream->next;
        free(stream);
    }
    pthread_mutex_unlock(&lock);
    return fclose(file) == 0 ? code : EOF;
}
