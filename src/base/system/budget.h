/* How many CPUs this process may use: the CPUs of its affinity mask, but at most the quota of its cgroups (v1 and v2,
 * every level from its own group up to the root), and at most $SLURM_CPUS_PER_TASK, rounded down. It is at least 1, and
 * at most QUERN_MOST_THREADS, as no pool has more threads. */
#ifndef QUERN_BASE_BUDGET_H
#define QUERN_BASE_BUDGET_H

#include <stddef.h>

/* Returns the number of CPUs, and writes a line that says why to reason: "2 CPUs by affinity; cgroup quota 1.50". */
int quern_cpu_budget(char *reason, size_t reason_size);

/* The same for another root of the file system and another number of CPUs in the affinity mask. For tests. */
int quern_cpu_budget_at(const char *root, int affinity, char *reason, size_t reason_size);

#endif
