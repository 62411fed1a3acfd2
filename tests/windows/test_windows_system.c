/* What Windows answers, and what stands for POSIX there. Wine cannot let a disk fail, so the exception is raised. */
#include "base/count.h"
#include "base/map.h"
#include "base/system/budget.h"
#include "base/system/system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* After the headers above, whose names it would change. */
#include <windows.h>

static char folder[512], path[600], other[600];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/quern-windows-XXXXXX", getenv("TMPDIR"));
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static void put(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* The first byte of a file. */
static int first_of(const char *name)
{
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    const int first = getc(file);
    fclose(file);
    return first;
}

/* ---------------------------------------------------------------- a disk that fails */

static void fail_at(const unsigned char *address)
{
    const ULONG_PTR device_error = 0xC0000185;
    const ULONG_PTR facts[] = {EXCEPTION_READ_FAULT, (ULONG_PTR)address, device_error};
    RaiseException(EXCEPTION_IN_PAGE_ERROR, 0, QUERN_COUNT(facts), facts);
}

static void *fail_in_thread(void *address)
{
    fail_at(address);
    return NULL;
}

static void test_map_whose_disk_fails(void **state)
{
    (void)state;
    enum { BYTES = 100000, THREADS = 4 };
    static char bytes[BYTES];
    struct quern_map map, whole;
    quern_error error;
    pthread_t threads[THREADS];
    memset(bytes, 'q', sizeof bytes);
    put(path, bytes, sizeof bytes);
    put(other, bytes, sizeof bytes);
    assert_int_equal(quern_map_open(&map, path, &error), QUERN_OK);
    assert_int_equal(quern_map_open(&whole, other, &error), QUERN_OK);
    assert_int_equal(map.data[BYTES - 1], 'q');
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fail_in_thread, (void *)(map.data + 5000 * i)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < BYTES; i += 100)
        assert_int_equal(map.data[i], 0);
    assert_int_equal(quern_map_check(&map, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "could not be read"));
    assert_int_equal(quern_map_check(&whole, &error), QUERN_OK);
    assert_int_equal(whole.data[BYTES - 1], 'q');
    quern_map_close(&map);
    quern_map_close(&whole);
    assert_int_equal(quern_map_open(&map, path, &error), QUERN_OK); /* the slot is as new */
    assert_int_equal(map.data[0], 'q');
    assert_int_equal(quern_map_check(&map, &error), QUERN_OK);
    quern_map_close(&map);
}

static int foreign;

static LONG CALLBACK note_foreign(EXCEPTION_POINTERS *exception)
{
    foreign += exception->ExceptionRecord->ExceptionCode == (DWORD)EXCEPTION_IN_PAGE_ERROR;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void test_fault_of_others_is_passed_on(void **state)
{
    (void)state;
    static unsigned char elsewhere;
    struct quern_map map;
    put(path, "q", 1);
    assert_int_equal(quern_map_open(&map, path, NULL), QUERN_OK);
    void *handler = AddVectoredExceptionHandler(0, note_foreign); /* the last that is asked */
    fail_at(&elsewhere);
    assert_int_equal(foreign, 1);
    fail_at(map.data);
    assert_int_equal(foreign, 1);
    assert_int_equal(quern_map_check(&map, NULL), QUERN_EIO);
    quern_map_close(&map);
    fail_at(&elsewhere); /* ours is away */
    assert_int_equal(foreign, 2);
    RemoveVectoredExceptionHandler(handler);
}

/* ---------------------------------------------------------------- CPUs */

static void test_cpus_by_affinity(void **state)
{
    (void)state;
    DWORD_PTR own, all;
    char reason[128];
    assert_true(GetProcessAffinityMask(GetCurrentProcess(), &own, &all));
    assert_int_equal(quern_cpu_budget(reason, sizeof reason), __builtin_popcountll(own));
    assert_true(SetProcessAffinityMask(GetCurrentProcess(), own & (0 - own)));
    assert_int_equal(quern_cpu_budget(reason, sizeof reason), 1);
    assert_string_equal(reason, "1 CPU by affinity; no limit of the job");
    assert_true(SetProcessAffinityMask(GetCurrentProcess(), own));
}

/* A process cannot leave its job, so this test is the last one of CPUs. */
static void test_cpus_by_limit_of_a_job(void **state)
{
    (void)state;
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate = {
        .ControlFlags = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
        .CpuRate = 5000}, kept = {0};
    SYSTEM_INFO system;
    char reason[128], limit[64];
    HANDLE job = CreateJobObjectW(NULL, NULL);
    GetSystemInfo(&system);
    if (job == NULL || !SetInformationJobObject(job, JobObjectCpuRateControlInformation, &rate, sizeof rate) ||
        !AssignProcessToJobObject(job, GetCurrentProcess()) ||
        !QueryInformationJobObject(NULL, JobObjectCpuRateControlInformation, &kept, sizeof kept, NULL)) {
        print_message("this system has no limits of CPU for jobs\n");
        skip();
    }
    const double quota = 0.5 * system.dwNumberOfProcessors;
    snprintf(limit, sizeof limit, "limit of the job %.2f", quota);
    assert_int_equal(quern_cpu_budget(reason, sizeof reason), quota < 1 ? 1 : (int)quota);
    assert_non_null(strstr(reason, limit));
}

/* ---------------------------------------------------------------- files */

static void test_file_takes_the_place_of_another(void **state)
{
    (void)state;
    struct quern_map map;
    put(path, "1", 1);
    put(other, "2", 1);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(first_of(path), '2');

    char byte;
    put(other, "3", 1);
    const int locked = open(path, O_RDWR);
    assert_int_equal(flock(locked, LOCK_EX), 0);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(first_of(path), '3');
    assert_int_equal(pread(locked, &byte, 1, 0), 1); /* who has the old one keeps it */
    assert_int_equal(byte, '2');
    close(locked);

    put(other, "4", 1);
    assert_int_equal(quern_map_open(&map, path, NULL), QUERN_OK);
    const int mapped = open(path, O_RDWR);
    const bool is_refused = rename(other, path) != 0; /* by systems that keep what is mapped */
    if (is_refused)
        assert_int_equal(errno, EACCES);
    assert_int_equal(map.data[0], '3');
    quern_map_close(&map);
    close(mapped);
    assert_int_equal(is_refused ? rename(other, path) : 0, 0);
    assert_int_equal(first_of(path), '4');

    put(other, "5", 1);
    assert_true(SetFileAttributesA(path, FILE_ATTRIBUTE_READONLY));
    assert_int_equal(access(path, W_OK), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(rename(other, path), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(first_of(path), '4');
    assert_true(SetFileAttributesA(path, FILE_ATTRIBUTE_NORMAL));
}

/* What another process says of the lock of a file: 0: it got it; else the number of an error. */
static int lock_elsewhere(void)
{
    char program[MAX_PATH];
    assert_true(quern_system_program(program, sizeof program));
    return (int)_spawnl(_P_WAIT, program, program, "--lock", path, NULL);
}

static int lock_here(const char *name)
{
    const int file = open(name, O_RDWR);
    if (file < 0)
        return 100;
    const int reason = flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    close(file);
    return reason;
}

static void test_lock_of_two_processes(void **state)
{
    (void)state;
    put(path, "1234", 4);
    const int file = open(path, O_RDWR);
    assert_int_equal(lock_elsewhere(), 0); /* and ends */
    assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(lock_elsewhere(), EWOULDBLOCK);
    assert_int_equal(lock_here(path), EWOULDBLOCK); /* of another opening in one process too */
    assert_int_equal(first_of(path), '1');          /* a lock does not hinder readers */
    close(file);
    assert_int_equal(lock_elsewhere(), 0);
}

static void test_bytes_are_kept(void **state)
{
    (void)state;
    static const char bytes[] = "a\r\n\x1a\n\0b\r";
    char back[32];
    put(path, bytes, sizeof bytes);
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(back, 1, sizeof back, file), sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    fclose(file);
    const int number = open(path, O_RDONLY);
    assert_int_equal(read(number, back, sizeof back), sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    close(number);
}

static void test_names_of_devices(void **state)
{
    (void)state;
    static const char *const names[] = {"CON", "con", "aux.txt", "COM1", "lpt9.npy"};
    for (size_t i = 0; i < QUERN_COUNT(names); i++) {
        errno = 0;
        assert_null(fopen(names[i], "w"));
        assert_int_equal(errno, ENODEV);
    }
    static const char *const nothing[] = {"NUL", "nul", "/dev/null"};
    for (size_t i = 0; i < QUERN_COUNT(nothing); i++) {
        FILE *file = fopen(nothing[i], "w");
        assert_non_null(file);
        fclose(file);
    }
}

static void test_parts_of_paths(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"a", "a"}, {"/a", "a"}, {"b\\a", "a"}, {"C:\\b/a", "a"}, {"C:a", "a"},
                                           {"C:/", ""}, {"b\\c/", ""}, {"\\\\server\\share\\a", "a"}};
    static const char *const absolute[] = {"/a", "\\a", "C:/a", "c:\\a", "\\\\server\\share"};
    static const char *const relative[] = {"a", "C:a", "C:", "", "1:/a"};
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        assert_string_equal(quern_system_file_name(names[i][0]), names[i][1]);
    for (size_t i = 0; i < QUERN_COUNT(absolute); i++)
        assert_true(quern_system_is_absolute(absolute[i]));
    for (size_t i = 0; i < QUERN_COUNT(relative); i++)
        assert_false(quern_system_is_absolute(relative[i]));
    char *whole = quern_system_absolute_path("C:\\a\\.\\b\\..\\none");
    assert_string_equal(whole, "C:/a/none");
    free(whole);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--lock") == 0)
        return lock_here(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_whose_disk_fails),
        cmocka_unit_test(test_fault_of_others_is_passed_on),
        cmocka_unit_test(test_cpus_by_affinity),
        cmocka_unit_test(test_file_takes_the_place_of_another),
        cmocka_unit_test(test_lock_of_two_processes),
        cmocka_unit_test(test_bytes_are_kept),
        cmocka_unit_test(test_names_of_devices),
        cmocka_unit_test(test_parts_of_paths),
        cmocka_unit_test(test_cpus_by_limit_of_a_job),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
