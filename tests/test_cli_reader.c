#include "../cli/cli.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct quern_cli_options no_options = {.task = -1};

/* Makes data standard input. */
static void feed(const void *data, size_t length)
{
    int file = memfd_create("input", 0);
    assert_true(file >= 0);
    assert_int_equal(write(file, data, length), (ssize_t)length);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    close(file);
}

/* Reads everything and checks that it is data, cut at every separator. Returns the number of texts. */
static size_t check_split(const char *data, size_t length, bool null)
{
    struct quern_cli_options options = {.task = -1, .null = null};
    struct quern_cli_reader reader;
    quern_text texts[QUERN_CLI_BATCH];
    size_t count, total = 0, at = 0;
    feed(data, length);
    assert_int_equal(quern_cli_reader_open(&reader, &options), QUERN_CLI_DONE);
    for (;;) {
        assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_DONE);
        if (count == 0)
            break;
        assert_true(count <= QUERN_CLI_BATCH);
        for (size_t i = 0; i < count; i++) {
            const char *end = memchr(data + at, null ? '\0' : '\n', length - at);
            size_t expected = end != NULL ? (size_t)(end - data) - at : length - at;
            assert_int_equal(texts[i].length, expected);
            assert_memory_equal(texts[i].data, data + at, expected);
            at += expected + (end != NULL);
        }
        assert_int_equal(reader.given, at);
        total += count;
    }
    assert_int_equal(at, length);
    quern_cli_reader_close(&reader);
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
    assert_int_equal(check_split("a\0b\nc\r\n", 7, false), 2);
    assert_int_equal(check_split("a\nb\0c", 5, true), 2);
    assert_int_equal(check_split("\0\0\0", 3, true), 3);
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
            data[i] = rand() % rarity == 0 ? (rand() % 2 == 0 ? '\n' : '\0') : 'x';
        check_split(data, length, round % 3 == 0);
    }
    free(data);
}

static void test_long_texts(void **state)
{
    (void)state;
    size_t length = (size_t)QUERN_CLI_LONGEST + 1000000;
    char *data = malloc(length);
    assert_non_null(data);
    memset(data, 'x', length);
    data[10000000] = '\n';
    assert_int_equal(check_split(data, 20000000, false), 2);

    struct quern_cli_reader reader;
    quern_text texts[QUERN_CLI_BATCH];
    size_t count;
    data[10000000] = 'x';
    feed(data, length);
    free(data);
    assert_int_equal(quern_cli_reader_open(&reader, &no_options), QUERN_CLI_DONE);
    assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_FAILED);
    quern_cli_reader_close(&reader);
}

/* What has come is given out while the writer thinks; nothing waits for a full batch. */
static void test_idle_input_is_given_out(void **state)
{
    (void)state;
    struct quern_cli_reader reader;
    quern_text texts[QUERN_CLI_BATCH];
    size_t count;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(quern_cli_reader_open(&reader, &no_options), QUERN_CLI_DONE);

    assert_int_equal(write(ends[1], "one\ntwo\nthr", 11), 11);
    assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_DONE);
    assert_int_equal(count, 2);
    assert_int_equal(write(ends[1], "ee\n", 3), 3);
    assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_DONE);
    assert_int_equal(count, 1);
    assert_int_equal(texts[0].length, 5);
    assert_memory_equal(texts[0].data, "three", 5);
    close(ends[1]);
    assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_DONE);
    assert_int_equal(count, 0);
    quern_cli_reader_close(&reader);
}

/* A program that shares the pipe made reading it fail where it would wait. */
static void test_input_that_does_not_wait(void **state)
{
    (void)state;
    struct quern_cli_reader reader;
    quern_text texts[QUERN_CLI_BATCH];
    size_t count;
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    const pid_t writer = fork();
    if (writer == 0) {
        usleep(50000);
        _exit(write(ends[1], "late\n", 5) != 5);
    }
    close(ends[1]);
    assert_int_equal(quern_cli_reader_open(&reader, &no_options), QUERN_CLI_DONE);
    assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_DONE);
    assert_int_equal(count, 1);
    assert_memory_equal(texts[0].data, "late", 4);
    assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_DONE);
    assert_int_equal(count, 0);
    quern_cli_reader_close(&reader);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
}

static void test_arguments(void **state)
{
    (void)state;
    char *arguments[600];
    char text[] = "text";
    quern_text texts[QUERN_CLI_BATCH];
    size_t count, total = 0;
    struct quern_cli_reader reader;
    for (int i = 0; i < 600; i++)
        arguments[i] = i % 2 == 0 ? text : text + 4;
    struct quern_cli_options options = {.task = -1, .texts = arguments, .text_count = 600};
    assert_int_equal(quern_cli_reader_open(&reader, &options), QUERN_CLI_DONE);
    do {
        assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_DONE);
        for (size_t i = 0; i < count; i++, total++)
            assert_int_equal(texts[i].length, total % 2 == 0 ? 4 : 0);
    } while (count > 0);
    assert_int_equal(total, 600);
    quern_cli_reader_close(&reader);
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct quern_cli_options missing = {.task = -1, .input = "/nonexistent/file"};
    struct quern_cli_options folder = {.task = -1, .input = "/tmp"};
    struct quern_cli_reader reader;
    quern_text texts[QUERN_CLI_BATCH];
    size_t count;
    assert_int_equal(quern_cli_reader_open(&reader, &missing), QUERN_CLI_FAILED);
    assert_int_equal(quern_cli_reader_open(&reader, &folder), QUERN_CLI_DONE);
    assert_int_equal(quern_cli_reader_next(&reader, texts, &count), QUERN_CLI_FAILED);
    quern_cli_reader_close(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),      cmocka_unit_test(test_random_data),
        cmocka_unit_test(test_long_texts), cmocka_unit_test(test_idle_input_is_given_out),
        cmocka_unit_test(test_input_that_does_not_wait),
        cmocka_unit_test(test_arguments),  cmocka_unit_test(test_files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
