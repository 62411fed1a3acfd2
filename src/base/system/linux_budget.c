#include "base/system/budget.h"

#include "quern.h"

#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096 /* a longer path or line is ignored */

/* A mounted cgroup hierarchy that may limit the CPU. */
struct hierarchy {
    bool v2;
    char root[PATH_SIZE];  /* the group that is mounted */
    char point[PATH_SIZE]; /* the place where it is mounted */
};

static FILE *open_below(const char *root, const char *directory, const char *name)
{
    char path[2 * PATH_SIZE];
    int length = snprintf(path, sizeof path, "%s%s/%s", root, directory, name);
    return length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
}

/* Whether item is one of the comma-separated names in list, which ends at a colon, a newline or the end. */
static bool list_has(const char *list, const char *item)
{
    size_t length = strlen(item);
    for (;;) {
        size_t span = strcspn(list, ",:\n");
        if (span == length && memcmp(list, item, length) == 0)
            return true;
        if (list[span] != ',')
            return false;
        list += span + 1;
    }
}

/* Reads a whole decimal number; false for anything else. */
static bool parse_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

/* Reads the first words of a file. Returns how many there are, at most two. */
static int read_words(const char *root, const char *group, const char *name, char words[2][32])
{
    FILE *file = open_below(root, group, name);
    if (file == NULL)
        return 0;
    int count = fscanf(file, "%31s %31s", words[0], words[1]);
    fclose(file);
    return count < 0 ? 0 : count;
}

/* CPUs that one group allows; infinite when it sets no limit. */
static double group_quota(const char *root, const char *group, bool v2)
{
    char words[2][32];
    double quota, period;
    if (v2) { /* "150000 100000" or "max 100000" */
        if (read_words(root, group, "cpu.max", words) != 2 || !parse_number(words[0], &quota) ||
            !parse_number(words[1], &period))
            return INFINITY;
    } else { /* -1: no limit */
        if (read_words(root, group, "cpu.cfs_quota_us", words) != 1 || !parse_number(words[0], &quota) ||
            read_words(root, group, "cpu.cfs_period_us", words) != 1 || !parse_number(words[0], &period))
            return INFINITY;
    }
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* Finds the path of our own group in a hierarchy: "4:cpu,cpuacct:/path" (v1) or "0::/path" (v2). */
static bool own_group(const char *root, bool v2, char path[PATH_SIZE])
{
    FILE *file = open_below(root, "/proc/self", "cgroup");
    bool found = false;
    char line[PATH_SIZE];
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        char *controllers = strchr(line, ':');
        char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (group == NULL)
            continue;
        controllers++;
        group++;
        group[strcspn(group, "\n")] = '\0';
        found = v2 ? *controllers == ':' : list_has(controllers, "cpu");
        if (found)
            memcpy(path, group, strlen(group) + 1);
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* The smallest quota of all groups from our own one up to the group that is mounted. */
static double hierarchy_quota(const char *root, const struct hierarchy *mount)
{
    char own[PATH_SIZE], group[2 * PATH_SIZE];
    if (!own_group(root, mount->v2, own))
        return INFINITY;
    size_t skip = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
    bool below = strncmp(own, mount->root, skip) == 0 && (own[skip] == '/' || own[skip] == '\0');
    /* In another namespace our path leads nowhere. Then the group that is mounted is the best guess. */
    const char *rest = below && strstr(own, "/..") == NULL ? own + skip : "";
    snprintf(group, sizeof group, "%s%s", mount->point, strcmp(rest, "/") == 0 ? "" : rest);

    double quota = INFINITY;
    for (;;) {
        quota = fmin(quota, group_quota(root, group, mount->v2));
        char *slash = strrchr(group, '/');
        if (strlen(group) <= strlen(mount->point) || slash == NULL)
            return quota;
        *slash = '\0';
    }
}

/* Reads a line of mountinfo: "id parent device root point options [tags] - type source super-options". */
static bool parse_mount(const char *line, struct hierarchy *mount)
{
    char type[16], options[PATH_SIZE];
    const char *tail = strstr(line, " - ");
    if (tail == NULL || sscanf(tail, " - %15s %*s %4095s", type, options) != 2 ||
        sscanf(line, "%*s %*s %*s %4095s %4095s", mount->root, mount->point) != 2)
        return false;
    mount->v2 = strcmp(type, "cgroup2") == 0;
    return mount->v2 || (strcmp(type, "cgroup") == 0 && list_has(options, "cpu"));
}

static double cgroup_quota(const char *root)
{
    double quota = INFINITY;
    char line[PATH_SIZE];
    struct hierarchy mount;
    FILE *file = open_below(root, "/proc/self", "mountinfo");
    if (file == NULL)
        return quota;
    while (fgets(line, sizeof line, file) != NULL)
        if (parse_mount(line, &mount))
            quota = fmin(quota, hierarchy_quota(root, &mount));
    fclose(file);
    return quota;
}

/* CPUs that Slurm gave to each task; infinite when it does not say. Without its plugins for affinity or cgroups it
 * binds no task to them. */
static double slurm_share(void)
{
    double share;
    const char *text = getenv("SLURM_CPUS_PER_TASK");
    return text != NULL && parse_number(text, &share) && share >= 1 ? share : INFINITY;
}

int quern_cpu_budget_at(const char *root, int affinity, char *reason, size_t reason_size)
{
    const double quota = cgroup_quota(root), share = slurm_share();
    char by_quota[48] = "no cgroup quota", by_slurm[48] = "", by_most[32] = "";
    if (isfinite(quota))
        snprintf(by_quota, sizeof by_quota, "cgroup quota %.2f", quota);
    if (isfinite(share))
        snprintf(by_slurm, sizeof by_slurm, "; $SLURM_CPUS_PER_TASK %.0f", share);
    const double allowed = floor(fmin(fmin((double)affinity, quota), share));
    const int budget = allowed < 1 ? 1 : allowed > QUERN_MOST_THREADS ? QUERN_MOST_THREADS : (int)allowed;
    if (budget < allowed)
        snprintf(by_most, sizeof by_most, "; at most %d threads", QUERN_MOST_THREADS);
    snprintf(reason, reason_size, "%d CPU%s by affinity; %s%s%s", affinity, affinity == 1 ? "" : "s", by_quota,
             by_slurm, by_most);
    return budget;
}

int quern_cpu_budget(char *reason, size_t reason_size)
{
    cpu_set_t set;
    int affinity = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    if (affinity < 1) /* there are more CPUs than the set has room for */
        affinity = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return quern_cpu_budget_at("", affinity < 1 ? 1 : affinity, reason, reason_size);
}
