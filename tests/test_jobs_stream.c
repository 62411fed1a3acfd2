/* The source of lines: batches of a stream are its parts, and nothing waits longer than it must. */
#include "array_count.h"
#include "jobs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Makes data standard input. */
static void feed(const void *data, size_t length)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(write(fileno(file), data, length), (ssize_t)length);
    assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
    assert_int_equal(dup2(fileno(file), STDIN_FILENO), STDIN_FILENO);
    fclose(file);
}

static void open_input(struct quern_jobs_stream *stream, bool null)
{
    assert_int_equal(quern_jobs_stream_open(stream, NULL, null ? '\0' : '\n', NULL), QUERN_OK);
}

/* Asks for a batch that must come. */
static size_t next(struct quern_jobs_stream *stream, struct quern_jobs_texts *batch)
{
    assert_int_equal(stream->source.next(&stream->source, batch, NULL), QUERN_OK);
    assert_true(batch->count <= QUERN_JOBS_BATCH);
    return batch->count;
}

static void check_failure(struct quern_jobs_stream *stream, int code, const char *message)
{
    quern_error error = {.index = 7};
    struct quern_jobs_texts batch;
    assert_int_equal(stream->source.next(&stream->source, &batch, &error), code);
    assert_non_null(strstr(error.text, message));
    assert_int_equal(error.code, code);
    assert_int_equal(error.index, -1);
}

/* Reads everything and checks that it is data, split at every separator. Returns the number of texts. */
static size_t check_split(const char *data, size_t length, bool null)
{
    struct quern_jobs_stream stream;
    struct quern_jobs_texts batch;
    size_t total = 0, at = 0;
    feed(data, length);
    open_input(&stream, null);
    assert_int_equal(stream.source.total, length);
    while (next(&stream, &batch) > 0) {
        assert_int_equal(batch.first, total);
        for (size_t i = 0; i < batch.count; i++) {
            const char *end = memchr(data + at, null ? '\0' : '\n', length - at);
            const size_t expected = end != NULL ? (size_t)(end - data) - at : length - at;
            assert_int_equal(batch.texts[i].length, expected);
            assert_memory_equal(batch.texts[i].data, data + at, expected);
            at += expected + (end != NULL);
        }
        assert_int_equal(stream.source.done, at);
        total += batch.count;
    }
    assert_int_equal(at, length);
    quern_jobs_stream_close(&stream);
    return total;
}

static void test_lines(void **state)
{
    (void)state;
    assert_int_equal(check_split("", 0, false), 0);
    assert_int_equal(check_split("\n", 1, false), 1);
    assert_int_equal(check_split("a", 1, false), 1);
    assert_int_equal(check_split("a\n", 2, false), 1);
    assert_int_equal(check_split("a\n\nb", 4, false), 3);
    assert_int_equal(check_split("a\nb\0c", 5, true), 2);
    assert_int_equal(check_split("\0\0\0", 3, true), 3);
}

/* Checks that the lines of data are `lines`, NULL-terminated. */
static void check_lines(const char *data, size_t length, const char *const *lines, uint64_t invalid,
                        uint64_t first_invalid)
{
    struct quern_jobs_stream stream;
    struct quern_jobs_texts batch;
    size_t at = 0;
    feed(data, length);
    open_input(&stream, false);
    while (next(&stream, &batch) > 0)
        for (size_t i = 0; i < batch.count; i++, at++) {
            assert_non_null(lines[at]);
            assert_int_equal(batch.texts[i].length, strlen(lines[at]));
            assert_memory_equal(batch.texts[i].data, lines[at], batch.texts[i].length);
        }
    assert_null(lines[at]);
    assert_int_equal(stream.invalid, invalid);
    assert_int_equal(stream.first_invalid, first_invalid);
    quern_jobs_stream_close(&stream);
}

#define BOM "\xef\xbb\xbf"
static void test_line_ends_and_marks(void **state)
{
    (void)state;
    static const struct {
        const char *data, *lines[4];
        uint64_t invalid, first_invalid;
    } cases[] = {
        {"hello\r\n", {"hello"}, 0, 0},
        {"a\r\nb\nc\r", {"a", "b", "c"}, 0, 0},
        {"a\rb\r\r\n", {"a\rb\r"}, 0, 0}, /* a carriage return inside a line is part of the text */
        {"\r\n\r\n", {"", ""}, 0, 0},
        {BOM "a\n" BOM "b\n", {"a", "b"}, 0, 0},
        {"a\n" BOM "\n" BOM BOM "b" BOM, {"a", "", BOM "b" BOM}, 0, 0},
        {BOM, {""}, 0, 0},
        {BOM "\r\n", {""}, 0, 0},
        {"a\n\xe9t\xe9\nb\n\xff", {"a", "\xe9t\xe9", "b", "\xff"}, 2, 2},
        {"\xed\xa0\x80\n", {"\xed\xa0\x80"}, 1, 1},
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        const char *lines[5] = {NULL};
        memcpy(lines, cases[i].lines, sizeof cases[i].lines);
        check_lines(cases[i].data, strlen(cases[i].data), lines, cases[i].invalid, cases[i].first_invalid);
    }
}

static void check_refused(const char *data, size_t length, bool null, const char *message)
{
    struct quern_jobs_stream stream;
    feed(data, length);
    open_input(&stream, null);
    check_failure(&stream, QUERN_EINVAL, message);
    quern_jobs_stream_close(&stream);
}

static void test_what_is_not_text(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t length;
        const char *message;
    } cases[] = {
#define CASE(data, message) {data, sizeof(data) - 1, message}
        CASE("\x1f\x8b\x08\0\0\n", "zcat"), CASE("\x28\xb5\x2f\xfd\x24\n", "zstdcat"),
        CASE("\xfd\x37zXZ\0\n", "xzcat"), CASE("BZh91AY&SY\xd8\x72\n", "bzcat"), CASE("PK\x03\x04\n", "unzip -p"),
        CASE("%PDF-1.7\n", "pdftotext"), CASE("\xff\xfeh\0i\0\n\0", "iconv -f UTF-16"),
        CASE("\xfe\xff\0h\0\n", "iconv -f UTF-16"), CASE("\xff\xfe\0\0h\0\0\0\n\0\0\0", "iconv -f UTF-32"),
        CASE("h\0i\0\n\0", "standard input:1: there is a NUL byte"), CASE("PAR1\x15\n", "Parquet"),
        CASE("SQLite format 3\0\n", "sqlite3"), CASE("\x7f" "ELF\x02\n", "a program"),
        CASE("GGUF\x03\0\0\0\n", "-m"), CASE("\x89PNG\r\n\x1a\n", "a picture"),
#undef CASE
    };
    for (size_t i = 0; i < QUERN_COUNT(cases); i++)
        check_refused(cases[i].data, cases[i].length, false, cases[i].message);
}

/* Texts between NUL bytes are checked, too; the mark of UTF-8 is not one of theirs. */
static void test_what_is_not_text_with_nul_ends(void **state)
{
    (void)state;
    struct quern_jobs_stream stream;
    struct quern_jobs_texts batch;
    check_refused("\x1f\x8b\x08\0\0a", 6, true, "is not texts with NUL bytes at their ends, but compressed by gzip");
    check_refused("\xff\xfeh\0i\0", 6, true, "iconv -f UTF-16");
    check_refused("\xff\xfe\0\0h\0\0\0", 8, true, "iconv -f UTF-32");
    check_refused("GGUF\x03\0\0\0", 8, true, "-m");
    feed(BOM "a\r\n\0" BOM "b", 11);
    open_input(&stream, true);
    assert_int_equal(next(&stream, &batch), 2);
    assert_int_equal(batch.texts[0].length, 3);
    assert_memory_equal(batch.texts[0].data, "a\r\n", 3);
    assert_int_equal(batch.texts[1].length, 1);
    quern_jobs_stream_close(&stream);
}

/* Words with which files begin, in texts about such files. */
static void test_texts_that_begin_as_files(void **state)
{
    (void)state;
    static const char *const texts[] = {"GGUF is a format", "ID3 tags", "RIFF", "GIF89a", "PAR1", "ARROW1: \xc3\xa9",
                                        "OggS pages", "BZh is \xe2\x80\x9cthe mark\xe2\x80\x9d of bzip2",
                                        "SQLite format 3 files"};
    for (size_t i = 0; i < QUERN_COUNT(texts); i++)
        for (int null = 0; null < 2; null++) {
            struct quern_jobs_stream stream;
            struct quern_jobs_texts batch;
            char data[64];
            const size_t length = (size_t)snprintf(data, sizeof data, "%s%cb", texts[i], null ? '\0' : '\n');
            feed(data, length);
            open_input(&stream, null);
            assert_int_equal(next(&stream, &batch), 2);
            assert_int_equal(batch.texts[0].length, strlen(texts[i]));
            quern_jobs_stream_close(&stream);
        }
}

/* The lines before a line that is refused are given. */
static void test_nul_in_a_line(void **state)
{
    (void)state;
    struct quern_jobs_stream stream;
    struct quern_jobs_texts batch;
    feed("a\nb\nc\0d\ne\n", 10);
    open_input(&stream, false);
    assert_int_equal(next(&stream, &batch), 2);
    assert_int_equal(stream.source.done, 4);
    check_failure(&stream, QUERN_EINVAL, "standard input:3: there is a NUL byte");
    quern_jobs_stream_close(&stream);
}

static void test_random_data(void **state)
{
    (void)state;
    enum { MOST = 300000 };
    char *data = malloc(MOST);
    assert_non_null(data);
    srand(7);
    for (int round = 0; round < 60; round++) {
        size_t length = (size_t)rand() % MOST;
        int rarity = 1 + rand() % (round % 2 == 0 ? 5 : 100000); /* many short texts, or few that span several reads */
        for (size_t i = 0; i < length; i++)
            data[i] = rand() % rarity == 0 ? (rand() % 2 == 0 ? '\n' : round % 3 == 0 ? '\0' : 'y') : 'x';
        check_split(data, length, round % 3 == 0);
    }
    free(data);
}

static void test_long_texts(void **state)
{
    (void)state;
    size_t length = (size_t)QUERN_JOBS_LONGEST + 1000000;
    char *data = malloc(length);
    assert_non_null(data);
    memset(data, 'x', length);
    data[10000000] = '\n';
    assert_int_equal(check_split(data, 20000000, false), 2);

    struct quern_jobs_stream stream;
    data[10000000] = 'x';
    feed(data, length);
    open_input(&stream, false);
    check_failure(&stream, QUERN_ETOOLONG, "standard input:1: the text is longer than 64 MiB: split it");
    quern_jobs_stream_close(&stream);

    /* The longest text, and one byte more, whose end is there; the texts before it are given. */
    struct quern_jobs_texts batch;
    data[1] = data[3] = '\n';
    for (size_t more = 0; more < 2; more++) {
        data[4 + QUERN_JOBS_LONGEST + more] = '\n';
        feed(data, length);
        open_input(&stream, false);
        assert_int_equal(next(&stream, &batch), more == 0 ? 3 : 2);
        if (more > 0)
            check_failure(&stream, QUERN_ETOOLONG, "standard input:3: the text is longer than 64 MiB");
        quern_jobs_stream_close(&stream);
        data[4 + QUERN_JOBS_LONGEST] = 'x';
    }
    free(data);
}

/* What has arrived is given while the writer of the input is idle; nothing waits for a full batch. */
static void test_idle_input_is_given(void **state)
{
    (void)state;
    struct quern_jobs_stream stream;
    struct quern_jobs_texts batch;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    open_input(&stream, false);
    assert_int_equal(stream.source.total, 0); /* unknown */

    assert_int_equal(write(ends[1], "one\ntwo\nthr", 11), 11);
    assert_int_equal(next(&stream, &batch), 2);
    assert_int_equal(write(ends[1], "ee\n", 3), 3);
    assert_int_equal(next(&stream, &batch), 1);
    assert_int_equal(batch.first, 2);
    assert_int_equal(batch.texts[0].length, 5);
    assert_memory_equal(batch.texts[0].data, "three", 5);
    close(ends[1]);
    assert_int_equal(next(&stream, &batch), 0);
    quern_jobs_stream_close(&stream);
}

/* A program that shares the pipe made it non-blocking. */
static void test_input_that_does_not_wait(void **state)
{
    (void)state;
    struct quern_jobs_stream stream;
    struct quern_jobs_texts batch;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    const pid_t writer = fork();
    if (writer == 0) {
        usleep(50000);
        _exit(write(ends[1], "late\n", 5) != 5);
    }
    close(ends[1]);
    open_input(&stream, false);
    assert_int_equal(next(&stream, &batch), 1);
    assert_memory_equal(batch.texts[0].data, "late", 4);
    assert_int_equal(next(&stream, &batch), 0);
    quern_jobs_stream_close(&stream);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct quern_jobs_stream stream;
    quern_error error;
    assert_int_equal(quern_jobs_stream_open(&stream, "/nonexistent/file", '\n', &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "cannot open /nonexistent/file"));
    assert_int_equal(error.index, -1);
    assert_int_equal(quern_jobs_stream_open(&stream, "/tmp", '\n', &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "cannot read /tmp: it is a folder; name a file in it"));
    assert_int_equal(error.index, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_line_ends_and_marks), cmocka_unit_test(test_what_is_not_text),
        cmocka_unit_test(test_what_is_not_text_with_nul_ends), cmocka_unit_test(test_texts_that_begin_as_files),
        cmocka_unit_test(test_nul_in_a_line), cmocka_unit_test(test_random_data),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_idle_input_is_given),
        cmocka_unit_test(test_input_that_does_not_wait),
        cmocka_unit_test(test_files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
