#include "base/system/budget.h"
#include "base/count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define V2 "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1                                                                                                             \
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"                                                                            \
    "31 23 0:27 / /sys/fs/cgroup/cpuset rw shared:5 - cgroup cgroup rw,cpuset\n"                                       \
    "33 23 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:6 - cgroup cgroup rw,cpu,cpuacct\n"

static char root[64];

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/quern-budget-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

/* Writes a file below the fake root, with its folders. */
static void put(const char *path, const char *text)
{
    char full[1024];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(full, 0777);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void check(int affinity, int expected, const char *expected_reason)
{
    char reason[128];
    assert_int_equal(quern_cpu_budget_at(root, affinity, reason, sizeof reason), expected);
    assert_string_equal(reason, expected_reason);
}

static void test_nothing_is_there(void **state)
{
    (void)state;
    check(3, 3, "3 CPUs by affinity; no cgroup quota");
    check(1, 1, "1 CPU by affinity; no cgroup quota");
    put("/proc/self/mountinfo", V2);
    check(3, 3, "3 CPUs by affinity; no cgroup quota");
    put("/proc/self/cgroup", "0::/\n");
    check(3, 3, "3 CPUs by affinity; no cgroup quota");
}

static void test_v2_quota(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", V2);
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/cpu.max", "250000 100000\n");
    check(8, 2, "8 CPUs by affinity; cgroup quota 2.50");
    check(1, 1, "1 CPU by affinity; cgroup quota 2.50");
    put("/sys/fs/cgroup/cpu.max", "50000 100000\n"); /* half a CPU is still one thread */
    check(8, 1, "8 CPUs by affinity; cgroup quota 0.50");
    put("/sys/fs/cgroup/cpu.max", "max 100000\n");
    check(8, 8, "8 CPUs by affinity; no cgroup quota");
}

static void test_v2_smallest_of_all_levels(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", V2);
    put("/proc/self/cgroup", "0::/a.slice/b.scope\n");
    put("/sys/fs/cgroup/a.slice/b.scope/cpu.max", "500000 100000\n");
    check(8, 5, "8 CPUs by affinity; cgroup quota 5.00");
    put("/sys/fs/cgroup/a.slice/cpu.max", "300000 100000\n");
    check(8, 3, "8 CPUs by affinity; cgroup quota 3.00");
    put("/sys/fs/cgroup/a.slice/b.scope/cpu.max", "max 100000\n");
    check(8, 3, "8 CPUs by affinity; cgroup quota 3.00");
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    check(8, 2, "8 CPUs by affinity; cgroup quota 2.00");
    put("/sys/fs/cgroup/other/cpu.max", "100000 100000\n"); /* not ours */
    check(8, 2, "8 CPUs by affinity; cgroup quota 2.00");
}

static void test_v1_quota(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", V1);
    put("/proc/self/cgroup", "5:cpuset:/elsewhere\n4:cpuacct,cpu:/docker/12\n0::/\n");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/12/cpu.cfs_quota_us", "350000\n");
    check(8, 8, "8 CPUs by affinity; no cgroup quota");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/12/cpu.cfs_period_us", "100000\n");
    check(8, 3, "8 CPUs by affinity; cgroup quota 3.50");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "50000\n");
    check(8, 2, "8 CPUs by affinity; cgroup quota 2.00");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "-1\n");
    check(8, 3, "8 CPUs by affinity; cgroup quota 3.50");
}

/* In a container whose own group is mounted, the path in /proc/self/cgroup begins above the mount. */
static void test_mount_of_a_subtree(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", "33 23 0:29 /docker/12 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
    put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/12\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    check(8, 4, "8 CPUs by affinity; cgroup quota 4.00");
    put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/12/inner\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
    check(8, 2, "8 CPUs by affinity; cgroup quota 2.00");
    put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/1234\n"); /* not below the mount, though the text begins alike */
    check(8, 4, "8 CPUs by affinity; cgroup quota 4.00");
    put("/proc/self/cgroup", "4:cpu,cpuacct:/../../x\n");
    check(8, 4, "8 CPUs by affinity; cgroup quota 4.00");
}

static void test_garbage_is_no_limit(void **state)
{
    (void)state;
    static const char *const garbage[] = {"",        "\n",          "100000",     "100000\n",         "x 100000",
                                          "1e5x 10", "0 100000",    "100000 0",   "-5 100000",        "nan 100000",
                                          "inf 1",   "100000 max",  "100000 -1",  "\xff\xfe \x01\n"};
    put("/proc/self/mountinfo", "x\n - \n1 2 3 - cgroup2\n" V2);
    put("/proc/self/cgroup", "x\n::\n0:\n0::/\n");
    for (size_t i = 0; i < QUERN_COUNT(garbage); i++) {
        put("/sys/fs/cgroup/cpu.max", garbage[i]);
        check(4, 4, "4 CPUs by affinity; no cgroup quota");
    }
    put("/sys/fs/cgroup/cpu.max", "200000 100000"); /* the same files, with a sound value */
    check(4, 2, "4 CPUs by affinity; cgroup quota 2.00");
}

static void test_slurm_share(void **state)
{
    (void)state;
    setenv("SLURM_CPUS_PER_TASK", "2", 1);
    check(4, 2, "4 CPUs by affinity; no cgroup quota; $SLURM_CPUS_PER_TASK 2");
    check(1, 1, "1 CPU by affinity; no cgroup quota; $SLURM_CPUS_PER_TASK 2");
    static const char *const garbage[] = {"", "0", "-1", "2x", "nan", "inf"};
    for (size_t i = 0; i < QUERN_COUNT(garbage); i++) {
        setenv("SLURM_CPUS_PER_TASK", garbage[i], 1);
        check(4, 4, "4 CPUs by affinity; no cgroup quota");
    }
    unsetenv("SLURM_CPUS_PER_TASK");
}

/* A machine may have more CPUs than a pool has threads. */
static void test_more_cpus_than_threads(void **state)
{
    (void)state;
    check(256, 256, "256 CPUs by affinity; no cgroup quota");
    check(257, 256, "257 CPUs by affinity; no cgroup quota; at most 256 threads");
    check(768, 256, "768 CPUs by affinity; no cgroup quota; at most 256 threads");
    setenv("SLURM_CPUS_PER_TASK", "192", 1);
    check(768, 192, "768 CPUs by affinity; no cgroup quota; $SLURM_CPUS_PER_TASK 192");
    unsetenv("SLURM_CPUS_PER_TASK");
}

static void test_this_machine(void **state)
{
    (void)state;
    char reason[128] = "";
    int budget = quern_cpu_budget(reason, sizeof reason);
    assert_true(budget >= 1 && budget <= sysconf(_SC_NPROCESSORS_CONF));
    assert_non_null(strstr(reason, " by affinity; "));
}

int main(void)
{
#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
    unsetenv("SLURM_CPUS_PER_TASK"); /* the tests may run under Slurm */
    const struct CMUnitTest tests[] = {
        IN_ROOT(test_nothing_is_there),   IN_ROOT(test_v2_quota),
        IN_ROOT(test_v2_smallest_of_all_levels), IN_ROOT(test_v1_quota),
        IN_ROOT(test_mount_of_a_subtree), IN_ROOT(test_garbage_is_no_limit),
        IN_ROOT(test_slurm_share),        IN_ROOT(test_more_cpus_than_threads),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
