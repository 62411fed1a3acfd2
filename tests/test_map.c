#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGES 8

static size_t page;

struct file {
    int number;
    char path[64];
};

/* A file in memory whose bytes are all value. */
static struct file make_file(size_t size, int value)
{
    struct file file = {.number = memfd_create("quern-test", 0)};
    unsigned char *bytes = malloc(size + 1);
    memset(bytes, value, size);
    ssize_t written = write(file.number, bytes, size);
    free(bytes);
    if (written != (ssize_t)size)
        fail_msg("no file to test with");
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.number);
    return file;
}

static void shorten(const struct file *file, size_t size)
{
    assert_int_equal(ftruncate(file->number, (off_t)size), 0);
}

static void test_file_is_there(void **state)
{
    (void)state;
    struct file file = make_file(3 * page + 5, 'q');
    struct quern_map map;
    assert_int_equal(quern_map_open(&map, file.path, NULL), QUERN_OK);
    assert_int_equal(map.size, 3 * page + 5);
    for (size_t i = 0; i < map.size; i++)
        assert_int_equal(map.data[i], 'q');
    quern_map_forget(&map, 1, map.size - 1);
    quern_map_forget(&map, 0, map.size + 1); /* outside: nothing happens */
    assert_int_equal(map.data[2 * page], 'q');
    assert_int_equal(quern_map_check(&map, NULL), QUERN_OK);
    quern_map_close(&map);
    assert_null(map.data);
    quern_map_close(&map);
    quern_map_close(&(struct quern_map){0});
    close(file.number);
}

static void refuse(const char *path, const char *reason)
{
    struct quern_map map;
    quern_error error;
    assert_int_equal(quern_map_open(&map, path, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, path));
    if (!strstr(error.text, reason))
        fail_msg("'%s' does not say '%s'", error.text, reason);
    assert_int_equal(map.slot, -1);
    assert_null(map.data);
}

static void test_what_is_no_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/quern-map-XXXXXX", fifo[64];
    assert_non_null(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    struct file empty = make_file(0, 0);
    refuse("/tmp/quern/there is none", "No such file");
    refuse(folder, "it is a folder; name a file in it");
    refuse(fifo, "not a regular file"); /* without waiting for a writer */
    refuse("/dev/null", "not a regular file");
    refuse(empty.path, "is empty");
    close(empty.number);
    unlink(fifo);
    rmdir(folder);
}

static void test_shrunken_file_reads_as_zeros(void **state)
{
    (void)state;
    quern_error error;
    struct file file = make_file(PAGES * page, 'a'), other = make_file(PAGES * page, 'b');
    struct quern_map map, whole;
    assert_int_equal(quern_map_open(&map, file.path, NULL), QUERN_OK);
    assert_int_equal(quern_map_open(&whole, other.path, NULL), QUERN_OK);
    shorten(&file, 2 * page);
    assert_int_equal(map.data[page], 'a');
    for (size_t i = 3 * page; i < PAGES * page; i += 100)
        assert_int_equal(map.data[i], 0);
    assert_int_equal(quern_map_check(&map, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "could not be read"));
    assert_int_equal(quern_map_check(&whole, &error), QUERN_OK);
    for (size_t i = 0; i < PAGES * page; i += 100)
        assert_int_equal(whole.data[i], 'b');
    quern_map_close(&map);
    quern_map_close(&whole);

    assert_int_equal(quern_map_open(&map, file.path, NULL), QUERN_OK); /* the slot is as new */
    assert_int_equal(quern_map_check(&map, &error), QUERN_OK);
    quern_map_close(&map);
    close(file.number);
    close(other.number);
}

/* A read behind the end, but in the last page, does not fault: only the size tells. */
static void test_loss_without_a_fault(void **state)
{
    (void)state;
    quern_error error;
    struct file file = make_file(page + 100, 'a');
    struct quern_map map;
    assert_int_equal(quern_map_open(&map, file.path, NULL), QUERN_OK);
    shorten(&file, page + 50);
    assert_int_equal(quern_map_check(&map, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "was cut off"));
    quern_map_close(&map);
    close(file.number);
}

/* Writing into the file is noticed, though no page is lost; a file that takes its name is another one. */
static void test_a_file_that_is_written_to(void **state)
{
    (void)state;
    static const char *const ways[] = {"in place", "at its end", "moved over"};
    char path[] = "/tmp/quern-map-XXXXXX", fresh[64];
    const int ours = mkstemp(path);
    quern_error error;
    struct quern_map map;
    snprintf(fresh, sizeof fresh, "%s.new", path);
    assert_int_equal(write(ours, "aaaa", 4), 4);
    for (int way = 0; way < 3; way++) {
        const bool moves = way == 2;
        usleep(20000); /* the clock of file systems has ticks */
        assert_int_equal(quern_map_open(&map, path, NULL), QUERN_OK);
        const int other = moves ? creat(fresh, 0600) : -1;
        usleep(20000);
        if (moves)
            assert_true(write(other, "bbbb", 4) == 4 && rename(fresh, path) == 0 && close(other) == 0);
        else
            assert_int_equal(pwrite(ours, "b", 1, way == 0 ? 1 : lseek(ours, 0, SEEK_END)), 1);
        const int code = quern_map_check(&map, &error);
        if (code != (moves ? QUERN_OK : QUERN_EIO))
            fail_msg("%s: %d", ways[way], code);
        if (!moves)
            assert_true(strstr(error.text, path) != NULL && strstr(error.text, "was written to while it was in use"));
        quern_map_close(&map);
    }
    close(ours);
    unlink(path);
}

static void test_table_is_full(void **state)
{
    (void)state;
    struct quern_map maps[64];
    quern_error error;
    struct file file = make_file(10, 'a');
    for (int i = 0; i < 64; i++)
        assert_int_equal(quern_map_open(&maps[i], file.path, &error), QUERN_OK);
    refuse(file.path, "64 files are mapped already");
    quern_map_close(&maps[17]);
    assert_int_equal(quern_map_open(&maps[17], file.path, &error), QUERN_OK);
    for (int i = 0; i < 64; i++)
        quern_map_close(&maps[i]);
    close(file.number);
}

/* ---------------------------------------------------------------- faults that are not ours */

/* Runs body in a child and returns how that ended, as waitpid tells. */
static int in_child(void body(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        body();
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Reads from a page that is gone, of a file that is mapped by hand. */
static void fault(void)
{
    int number = memfd_create("quern-test-other", 0);
    if (ftruncate(number, (off_t)page) != 0)
        _exit(90);
    volatile unsigned char *bytes = mmap(NULL, page, PROT_READ, MAP_SHARED, number, 0);
    if (ftruncate(number, 0) != 0)
        _exit(91);
    (void)bytes[0];
    _exit(92); /* the read did not fail */
}

static struct quern_map kept;

static void open_one(void)
{
    struct file file = make_file(PAGES * page, 'a');
    if (quern_map_open(&kept, file.path, NULL) != QUERN_OK)
        _exit(93);
    shorten(&file, page);
}

static void lose_one(void)
{
    if (kept.data[4 * page] != 0 || quern_map_check(&kept, NULL) != QUERN_EIO)
        _exit(94);
}

static void exit_42(int number)
{
    (void)number;
    _exit(42);
}

static void exit_43(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    _exit(info->si_addr ? 43 : 95);
}

static void fault_with_a_plain_handler(void)
{
    signal(SIGBUS, exit_42);
    open_one();
    lose_one();
    fault();
}

static void fault_with_an_informed_handler(void)
{
    sigaction(SIGBUS, &(struct sigaction){.sa_sigaction = exit_43, .sa_flags = SA_SIGINFO}, NULL);
    open_one();
    lose_one();
    fault();
}

static void fault_without_a_handler(void)
{
    signal(SIGBUS, SIG_DFL);
    open_one();
    lose_one();
    fault();
}

static void fault_while_ignoring(void)
{
    signal(SIGBUS, SIG_IGN);
    open_one();
    fault();
}

static void sent_without_a_handler(void)
{
    signal(SIGBUS, SIG_DFL);
    open_one();
    raise(SIGBUS);
}

static void sent_while_ignoring(void)
{
    signal(SIGBUS, SIG_IGN);
    open_one();
    raise(SIGBUS);
    lose_one();
    _exit(44);
}

static void fault_after_close(void)
{
    signal(SIGBUS, exit_42);
    open_one();
    quern_map_close(&kept);
    fault();
}

static void test_other_faults_are_passed_on(void **state)
{
    (void)state;
    int status = in_child(fault_with_a_plain_handler);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    status = in_child(fault_with_an_informed_handler);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 43);
    status = in_child(fault_after_close);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    status = in_child(fault_without_a_handler);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    status = in_child(fault_while_ignoring);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void test_signals_that_were_sent(void **state)
{
    (void)state;
    int status = in_child(sent_without_a_handler);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    status = in_child(sent_while_ignoring);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 44);
}

/* ---------------------------------------------------------------- handlers over ours */

static struct sigaction below;

static void chain(int number, siginfo_t *info, void *context)
{
    if (below.sa_flags & SA_SIGINFO)
        below.sa_sigaction(number, info, context);
    else
        _exit(45);
}

static void handler_over_ours(void)
{
    struct sigaction over = {.sa_sigaction = chain, .sa_flags = SA_SIGINFO}, now;
    signal(SIGBUS, exit_42);
    open_one();
    sigaction(SIGBUS, &over, &below);
    lose_one();
    quern_map_close(&kept); /* must not take the other handler away */
    sigaction(SIGBUS, NULL, &now);
    if (now.sa_sigaction != chain)
        _exit(96);
    open_one(); /* the handlers must not call each other in a circle: ours, the other, ours */
    lose_one();
    fault();
}

static void test_handler_over_ours(void **state)
{
    (void)state;
    int status = in_child(handler_over_ours);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

static void test_handler_is_put_back(void **state)
{
    (void)state;
    struct sigaction before, during, after;
    struct quern_map maps[2];
    struct file file = make_file(10, 'a');
    sigaction(SIGBUS, NULL, &before);
    assert_int_equal(quern_map_open(&maps[0], file.path, NULL), QUERN_OK);
    assert_int_equal(quern_map_open(&maps[1], file.path, NULL), QUERN_OK);
    quern_map_close(&maps[0]);
    sigaction(SIGBUS, NULL, &during);
    assert_true(during.sa_sigaction != before.sa_sigaction);
    quern_map_close(&maps[1]);
    sigaction(SIGBUS, NULL, &after);
    assert_true(after.sa_sigaction == before.sa_sigaction);
    close(file.number);
}

/* ---------------------------------------------------------------- threads */

#define THREADS 6
#define ROUNDS 100

/* Opens, loses and closes its own maps while others do the same; returns the number of things that went wrong. */
static void *come_and_go(void *argument)
{
    intptr_t wrong = 0;
    int value = (int)(intptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        struct file file = make_file(PAGES * page, value);
        struct quern_map map;
        if (quern_map_open(&map, file.path, NULL) != QUERN_OK)
            return (void *)(intptr_t)ROUNDS;
        wrong += map.data[5 * page] != value;
        wrong += quern_map_check(&map, NULL) != QUERN_OK;
        wrong += ftruncate(file.number, (off_t)(2 * page)) != 0;
        wrong += map.data[3 * page + 7] != 0 || map.data[page] != value;
        wrong += quern_map_check(&map, NULL) != QUERN_EIO;
        quern_map_close(&map);
        close(file.number);
    }
    return (void *)wrong;
}

static void test_threads_come_and_go(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct file file = make_file(PAGES * page, 'x');
    struct quern_map map;
    assert_int_equal(quern_map_open(&map, file.path, NULL), QUERN_OK);
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    assert_int_equal(map.data[7 * page], 'x');
    assert_int_equal(quern_map_check(&map, NULL), QUERN_OK);
    quern_map_close(&map);
    close(file.number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_is_there),
        cmocka_unit_test(test_what_is_no_file),
        cmocka_unit_test(test_shrunken_file_reads_as_zeros),
        cmocka_unit_test(test_loss_without_a_fault),
        cmocka_unit_test(test_a_file_that_is_written_to),
        cmocka_unit_test(test_table_is_full),
        cmocka_unit_test(test_other_faults_are_passed_on),
        cmocka_unit_test(test_signals_that_were_sent),
        cmocka_unit_test(test_handler_over_ours),
        cmocka_unit_test(test_handler_is_put_back),
        cmocka_unit_test(test_threads_come_and_go),
    };
    page = (size_t)sysconf(_SC_PAGESIZE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
