/* What a process can do in the sandbox. Each trial is its own child process, because the sandbox cannot be left. */
#include "../server/loop/sandbox.h"
#include "base/count.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/quern-sandbox-XXXXXX", other[] = "/tmp/quern-sandbox-XXXXXX";
static char inside[64], spare[64], outside[64];
static struct quern_sandbox_state state; /* of a child that entered the sandbox */

enum where { OUTSIDE, INSIDE, WITHOUT_LANDLOCK };

/* Makes this kernel behave as one without Landlock. */
static void hide_landlock(void)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 444, 0, 1), /* landlock_create_ruleset */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = QUERN_COUNT(lines), .filter = lines};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(2);
}

/* What the sandbox allows in the folder. */
enum allowed { READING, REMOVING, WRITING };

/* Runs a function in a child process, in or outside the sandbox. True: it succeeded. */
static bool works(bool (*what)(void), enum allowed allowed, enum where where)
{
    const char *folders[] = {folder};
    const struct quern_sandbox sandbox = {.readable = folders, .readable_count = 1,
                                          .removable = allowed == REMOVING ? folder : NULL, .writable = folders,
                                          .writable_count = allowed == WRITING};
    int status;
    const pid_t child = fork();
    if (child == 0) {
        if (where == WITHOUT_LANDLOCK)
            hide_landlock();
        if (where != OUTSIDE)
            quern_sandbox_enter(&sandbox);
        _exit(what() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status)); /* refused with an error, not killed */
    return WEXITSTATUS(status) == 0;
}

/* ---------------------------------------------------------------- what is tried */

static bool make_file(void)
{
    return open(inside, O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool open_for_writing(void)
{
    return open(inside, O_RDWR) >= 0;
}

static bool make_unnamed_file(void)
{
    return open(folder, O_WRONLY | O_TMPFILE, 0600) >= 0;
}

static bool cut_file(void)
{
    return truncate(inside, 1) == 0;
}

static bool make_folder(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/new", folder);
    return mkdir(path, 0700) == 0 && rmdir(path) == 0;
}

static bool rename_file(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/new", folder);
    return rename(inside, path) == 0 && rename(path, inside) == 0;
}

static bool change_mode(void)
{
    return chmod(inside, 0600) == 0;
}

static bool remove_file(void)
{
    return unlink(spare) == 0;
}

static bool remove_other_file(void)
{
    return unlink(outside) == 0;
}

static bool read_inside(void)
{
    char byte;
    return read(open(inside, O_RDONLY), &byte, 1) == 1;
}

static bool read_outside(void)
{
    char byte;
    return read(open(outside, O_RDONLY), &byte, 1) == 1;
}

static bool write_outside(void)
{
    return open(outside, O_RDWR) >= 0;
}

static bool make_file_outside(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/new", other);
    return open(path, O_WRONLY | O_CREAT, 0600) >= 0 && unlink(path) == 0;
}

static bool move_file_away(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/moved", other);
    return rename(inside, path) == 0 && rename(path, inside) == 0;
}

/* What a writer of an index does. */
static bool replace_file(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/file.part", folder);
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, "y", 1, 0) == 1 && fsync(file) == 0 &&
           rename(path, inside) == 0 && open(folder, O_RDONLY | O_DIRECTORY) >= 0 && close(file) == 0;
}

static bool run_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return false;
}

static bool run_descriptor(void)
{
    char *const none[] = {NULL};
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0) == 0;
}

static bool start_process(void)
{
    const pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child;
}

static bool open_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static int ready_socket = -1;

static bool is_allowed(int result) /* even if it fails for another reason */
{
    return result == 0 || (errno != EPERM && errno != EACCES);
}

static bool connect_socket(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return is_allowed(connect(ready_socket, (const struct sockaddr *)(const void *)&address, sizeof address));
}

static bool bind_socket(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return is_allowed(bind(ready_socket, (const struct sockaddr *)(const void *)&address, sizeof address));
}

static bool make_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool turn_into_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool attach_code(void)
{
    return is_allowed(shmat(-1, NULL, SHM_EXEC) == (void *)-1 ? -1 : 0);
}

static bool signal_parent(void)
{
    return kill(getppid(), 0) == 0;
}

static bool signal_parent_thread(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool limit_parent(void)
{
    struct rlimit limit;
    return prlimit(getppid(), RLIMIT_CORE, NULL, &limit) == 0;
}

static bool ask_what_is_newer(void) /* a newer call, with arguments that would fail otherwise */
{
    return syscall(451, -1, NULL, NULL, 0) != 0 && errno != ENOSYS;
}

static void *count_up(void *argument)
{
    ++*(int *)argument;
    return NULL;
}

static bool start_thread(void)
{
    pthread_t thread;
    int count = 0;
    return pthread_create(&thread, NULL, count_up, &count) == 0 && pthread_join(thread, NULL) == 0 && count == 1;
}

/* New threads are in the sandbox, too. */
static void *try_to_write(void *argument)
{
    *(bool *)argument = open_for_writing() || open_socket();
    return NULL;
}

static bool write_from_thread(void)
{
    pthread_t thread;
    bool wrote = false;
    return pthread_create(&thread, NULL, try_to_write, &wrote) == 0 && pthread_join(thread, NULL) == 0 && wrote;
}

static bool poll_and_accept(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    const int poll = epoll_create1(0);
    return epoll_ctl(poll, EPOLL_CTL_ADD, ready_socket, &event) == 0 && epoll_wait(poll, &event, 1, 0) >= 0 &&
           accept4(ready_socket, NULL, NULL, SOCK_NONBLOCK) < 0 && (errno == EAGAIN || errno == EINVAL);
}

static bool abort_is_heard(void) /* raise works, so that a crash is seen as a crash */
{
    signal(SIGUSR1, SIG_IGN);
    return raise(SIGUSR1) == 0;
}

static bool read_own_limit(void) /* as the C library does for the size of a stack */
{
    struct rlimit limit;
    return prlimit(0, RLIMIT_STACK, NULL, &limit) == 0 && prlimit(getpid(), RLIMIT_STACK, NULL, &limit) == 0;
}

/* ---------------------------------------------------------------- tests */

struct trial {
    const char *name;
    bool (*what)(void);
};

static void test_it_refuses(void **unused)
{
    (void)unused;
    static const struct trial table[] = {
        {"make a file", make_file},
        {"open a file for writing", open_for_writing},
        {"make an unnamed file", make_unnamed_file},
        {"cut a file", cut_file},
        {"make a folder", make_folder},
        {"rename a file", rename_file},
        {"change a file's mode", change_mode},
        {"run a program", run_program},
        {"run a program otherwise", run_descriptor},
        {"start a process", start_process},
        {"open a socket", open_socket},
        {"connect a socket", connect_socket},
        {"bind a socket", bind_socket},
        {"make code", make_code},
        {"turn data into code", turn_into_code},
        {"attach code", attach_code},
        {"signal another process", signal_parent},
        {"signal a thread of another process", signal_parent_thread},
        {"see the limits of another process", limit_parent},
        {"write from a thread", write_from_thread},
    };
    if (state.seccomp_error != 0)
        skip();
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        if (!works(table[i].what, READING, OUTSIDE))
            fail_msg("outside it cannot %s", table[i].name);
        if (works(table[i].what, READING, INSIDE))
            fail_msg("it can %s", table[i].name);
        for (enum allowed allowed = READING; allowed <= WRITING; allowed++)
            if (works(table[i].what, allowed, WITHOUT_LANDLOCK)) /* which alone can distinguish files */
                fail_msg("it can %s without Landlock", table[i].name);
    }
    assert_false(works(ask_what_is_newer, READING, INSIDE));
    close(open(spare, O_WRONLY | O_CREAT, 0600));
    assert_false(works(remove_file, REMOVING, WITHOUT_LANDLOCK));
    assert_false(works(remove_file, WRITING, WITHOUT_LANDLOCK));
    assert_true(works(read_inside, READING, WITHOUT_LANDLOCK));
}

static void test_it_allows(void **unused)
{
    (void)unused;
    assert_true(works(read_inside, READING, INSIDE));
    assert_true(works(start_thread, READING, INSIDE));
    assert_true(works(poll_and_accept, READING, INSIDE));
    assert_true(works(abort_is_heard, READING, INSIDE));
    assert_true(works(read_own_limit, READING, INSIDE));
}

static void test_folders(void **unused)
{
    (void)unused;
    if (state.landlock == 0)
        skip();
    assert_true(works(read_outside, READING, OUTSIDE));
    assert_false(works(read_outside, READING, INSIDE));
    close(open(spare, O_WRONLY | O_CREAT, 0600));
    assert_false(works(remove_file, READING, INSIDE));
    assert_false(works(remove_other_file, REMOVING, INSIDE));
    assert_true(works(remove_file, REMOVING, INSIDE));
    assert_false(works(rename_file, REMOVING, INSIDE));
}

static void test_writable_folder(void **unused)
{
    (void)unused;
    static const struct trial may[] = {
        {"read a file", read_inside},   {"make a file", make_file},     {"open a file for writing", open_for_writing},
        {"rename a file", rename_file}, {"replace a file", replace_file},
    };
    static const struct trial may_not[] = {
        {"read another file", read_outside},       {"write another file", write_outside},
        {"make another file", make_file_outside},  {"remove another file", remove_other_file},
        {"move a file away", move_file_away},      {"make a folder", make_folder},
        {"change a file's mode", change_mode},     {"run a program", run_program},
        {"open a socket", open_socket},            {"start a process", start_process},
    };
    if (state.landlock == 0)
        skip();
    for (size_t i = 0; i < QUERN_COUNT(may); i++)
        if (!works(may[i].what, WRITING, INSIDE))
            fail_msg("it cannot %s in a folder that is writable", may[i].name);
    for (size_t i = 0; i < QUERN_COUNT(may_not); i++)
        if (works(may_not[i].what, WRITING, INSIDE))
            fail_msg("it can %s", may_not[i].name);
    for (size_t i = 0; i < QUERN_COUNT(may); i++)
        if (i > 0 && works(may[i].what, REMOVING, INSIDE))
            fail_msg("it can %s in a folder where files may be removed", may[i].name);
}

/* A kernel or a container may lack either; the tests above are skipped then. */
static int setup(void **unused)
{
    (void)unused;
    int pipes[2];
    if (mkdtemp(folder) == NULL || mkdtemp(other) == NULL || pipe(pipes) != 0)
        return -1;
    snprintf(inside, sizeof inside, "%s/file", folder);
    snprintf(spare, sizeof spare, "%s/spare", folder);
    snprintf(outside, sizeof outside, "%s/file", other);
    for (int i = 0; i < 2; i++) {
        const int file = open(i == 0 ? inside : outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (write(file, "x", 1) != 1)
            return -1;
        close(file);
    }
    ready_socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fork() == 0) {
        const struct quern_sandbox nothing = {.removable = NULL};
        const struct quern_sandbox_state seen = quern_sandbox_enter(&nothing);
        _exit(write(pipes[1], &seen, sizeof seen) == sizeof seen ? 0 : 1);
    }
    const bool heard = read(pipes[0], &state, sizeof state) == sizeof state;
    wait(NULL);
    printf("# Landlock %d (%s), seccomp (%s)\n", state.landlock, strerror(state.landlock_error),
           strerror(state.seccomp_error));
    return heard ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    unlink(inside);
    unlink(outside);
    rmdir(folder);
    rmdir(other);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_refuses),
        cmocka_unit_test(test_it_allows),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_writable_folder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
