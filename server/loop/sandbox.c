#include "sandbox.h"

#include "array_count.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---------------------------------------------------------------- Landlock */

/* As in the kernel's linux/landlock.h, version 6; Debian 12 has only the first two fields. */
struct ruleset {
    uint64_t files, ports, scopes; /* kinds of access that are refused unless a rule allows them */
};

struct __attribute__((packed)) path_rule {
    uint64_t allowed;
    int32_t folder;
};

enum { PATH_RULE = 1, ASK_VERSION = 1 };

#define WRITE_FILE ((uint64_t)1 << 1)
#define READ_FILE ((uint64_t)1 << 2)
#define READ_FOLDER ((uint64_t)1 << 3)
#define REMOVE_FILE ((uint64_t)1 << 5)
#define MAKE_FILE ((uint64_t)1 << 8)
#define TRUNCATE ((uint64_t)1 << 14)
#define CHANGE_FILES (WRITE_FILE | READ_FILE | READ_FOLDER | REMOVE_FILE | MAKE_FILE | TRUNCATE)

#ifndef SYS_landlock_create_ruleset /* the same number everywhere */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* All that a version of Landlock can refuse. *size: bytes of the structure that the version knows. */
static struct ruleset all_rights(int version, size_t *size)
{
    static const int rights[] = {13, 14, 15, 15, 16}; /* kinds of access to files, by version, from 1 on */
    const int files = version <= 5 ? rights[version - 1] : rights[4];
    *size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    return (struct ruleset){.files = ((uint64_t)1 << files) - 1, .ports = 3, .scopes = 3};
}

/* path: of a folder, or of a file if the right is to read it. */
static int allow(int rules, const char *path, uint64_t rights)
{
    struct path_rule rule = {.allowed = rights, .folder = open(path, O_PATH | O_CLOEXEC)};
    if (rule.folder < 0)
        return 0; /* it does not exist: nothing can be read */
    const long failed = syscall(SYS_landlock_add_rule, rules, PATH_RULE, &rule, 0);
    close(rule.folder);
    return failed == 0 ? 0 : -1;
}

/* The version in force, or -1 with errno. */
static int enter_landlock(const struct quern_sandbox *sandbox)
{
    size_t size;
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    if (version < 1)
        return -1;
    const struct ruleset rights = all_rights((int)version, &size);
    const int rules = (int)syscall(SYS_landlock_create_ruleset, &rights, size, 0);
    int code = rules < 0 ? -1 : 0;
    for (size_t i = 0; i < sandbox->readable_count && code == 0; i++)
        code = sandbox->readable[i] != NULL ? allow(rules, sandbox->readable[i], READ_FILE) : 0;
    if (code == 0 && sandbox->removable != NULL)
        code = allow(rules, sandbox->removable, REMOVE_FILE);
    for (size_t i = 0; i < sandbox->writable_count && code == 0; i++)
        code = allow(rules, sandbox->writable[i], CHANGE_FILES & rights.files);
    if (code == 0)
        code = (int)syscall(SYS_landlock_restrict_self, rules, 0);
    const int error = errno;
    if (rules >= 0)
        close(rules);
    errno = error;
    return code == 0 ? (int)version : -1;
}

/* ---------------------------------------------------------------- seccomp */

/* What may be allowed in some folders, which Landlock knows. */
enum { MAY_REMOVE = 1, MAY_WRITE = 2 };

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

#define LAST_KNOWN 449 /* futex_waitv; numbers are the same everywhere from 424 on */
#define MOST_LINES 320

static const short removing[] = {
    SYS_unlinkat,
#ifdef __x86_64__
    SYS_unlink,
#endif
};

static const short writing[] = {
    SYS_ftruncate, SYS_renameat2,
#ifdef __x86_64__
    SYS_rename,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
};

static const short refused[] = {
    /* programs, processes, sockets */
    SYS_execve, SYS_execveat, SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_ptrace, SYS_process_vm_readv,
    SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_open, SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_kill, SYS_tkill,
    SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_personality, SYS_shmat, /* which can map as executable */
    /* files; opening for reading is left to Landlock */
    SYS_truncate, SYS_mknodat, SYS_mkdirat, SYS_linkat, SYS_symlinkat, SYS_fchmod, SYS_fchmodat, SYS_fchown,
    SYS_fchownat, SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr,
    SYS_fremovexattr, SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_chroot, SYS_memfd_create,
    /* the machine */
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount,
    SYS_fspick, SYS_mount_setattr, SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_add_key, SYS_request_key, SYS_keyctl,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_quotactl, SYS_acct, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname,
    SYS_setdomainname, SYS_syslog, SYS_vhangup, SYS_fanotify_init, SYS_lookup_dcookie,
    /* newer ways to do the same */
#ifdef __x86_64__
    SYS_fork, SYS_vfork, SYS_creat, SYS_mknod, SYS_mkdir, SYS_rmdir, SYS_link, SYS_symlink, SYS_chmod, SYS_chown,
    SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat, SYS_ioperm, SYS_iopl, SYS_modify_ldt, SYS_uselib,
    SYS_kexec_file_load,
#endif
};

struct filter {
    struct sock_filter lines[MOST_LINES];
    unsigned short count;
};

static void add(struct filter *filter, unsigned code, unsigned char yes, unsigned char no, uint32_t value)
{
    if (filter->count < MOST_LINES)
        filter->lines[filter->count++] = (struct sock_filter){(unsigned short)code, yes, no, value};
}

static void load(struct filter *filter, size_t offset)
{
    add(filter, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void refuse(struct filter *filter, int number, int error)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)number);
    add(filter, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)error);
}

/* Refuses a call if one of the bits is set in an argument or, with wanted, if none of them is. */
static void refuse_bits(struct filter *filter, int number, int argument, uint32_t bits, bool wanted)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (uint32_t)number);
    load(filter, offsetof(struct seccomp_data, args) + 8 * (size_t)argument); /* its lower half */
    add(filter, BPF_JMP | BPF_JSET | BPF_K, wanted, !wanted, bits);
    add(filter, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
    load(filter, offsetof(struct seccomp_data, nr));
}

/* Refuses a call whose first argument is another process than this one (0: this one, too). */
static void refuse_others(struct filter *filter, int number)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, (uint32_t)number);
    load(filter, offsetof(struct seccomp_data, args)); /* its lower half: such numbers have 32 bits */
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, (uint32_t)getpid());
    add(filter, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
    load(filter, offsetof(struct seccomp_data, nr));
}

static void refuse_all(struct filter *filter, const short *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        refuse(filter, numbers[i], EPERM);
}

/* Refuses to open files for writing, and to make them. */
static void refuse_writing(struct filter *filter)
{
    const uint32_t flags = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    refuse_all(filter, writing, QUERN_COUNT(writing));
    refuse_bits(filter, SYS_openat, 2, flags, false);
#ifdef __x86_64__
    refuse_bits(filter, SYS_open, 1, flags, false);
#endif
}

/* allowed: MAY_REMOVE, MAY_WRITE, both or none. */
static void write_filter(struct filter *filter, unsigned allowed)
{
    load(filter, offsetof(struct seccomp_data, arch));
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
    add(filter, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
    load(filter, offsetof(struct seccomp_data, nr));
    add(filter, BPF_JMP | BPF_JGT | BPF_K, 0, 1, LAST_KNOWN);
    add(filter, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
    refuse_all(filter, refused, QUERN_COUNT(refused));
    if ((allowed & (MAY_REMOVE | MAY_WRITE)) == 0)
        refuse_all(filter, removing, QUERN_COUNT(removing));
    if ((allowed & MAY_WRITE) == 0)
        refuse_writing(filter);
    refuse(filter, SYS_clone3, ENOSYS); /* a filter cannot read its flags, in memory; callers try the older call next */
    refuse(filter, SYS_openat2, ENOSYS);
    refuse_others(filter, SYS_tgkill); /* which raise and abort need */
    refuse_others(filter, SYS_prlimit64);
    refuse_bits(filter, SYS_clone, 0, CLONE_THREAD, true);
    refuse_bits(filter, SYS_mmap, 2, PROT_EXEC, false);
    refuse_bits(filter, SYS_mprotect, 2, PROT_EXEC, false);
    refuse_bits(filter, SYS_pkey_mprotect, 2, PROT_EXEC, false);
    add(filter, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

static int enter_seccomp(unsigned allowed)
{
    struct filter filter = {.count = 0};
    write_filter(&filter, allowed);
    const struct sock_fprog program = {.len = filter.count, .filter = filter.lines};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

#else

static int enter_seccomp(unsigned allowed)
{
    (void)allowed;
    errno = ENOSYS;
    return -1;
}

#endif

struct quern_sandbox_state quern_sandbox_enter(const struct quern_sandbox *sandbox)
{
    struct quern_sandbox_state state = {0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        state.landlock_error = state.seccomp_error = errno;
        return state;
    }
    state.landlock = enter_landlock(sandbox);
    if (state.landlock < 0) {
        state.landlock_error = errno;
        state.landlock = 0;
    }
    /* Without Landlock, files could be removed and written anywhere. */
    const unsigned allowed = state.landlock <= 0 ? 0
                             : (sandbox->removable != NULL ? MAY_REMOVE : 0u) |
                                   (sandbox->writable_count > 0 ? MAY_WRITE : 0u);
    if (enter_seccomp(allowed) != 0)
        state.seccomp_error = errno;
    return state;
}

void quern_sandbox_describe(const struct quern_sandbox_state *state, char text[static QUERN_SANDBOX_TEXT])
{
    char landlock[96] = "in force", seccomp[96] = "in force";
    if (state->landlock == 0)
        snprintf(landlock, sizeof landlock, "not available: %s", strerror(state->landlock_error));
    if (state->seccomp_error != 0)
        snprintf(seccomp, sizeof seccomp, "not available: %s", strerror(state->seccomp_error));
    snprintf(text, QUERN_SANDBOX_TEXT, "Landlock %s, seccomp %s", landlock, seccomp);
}
