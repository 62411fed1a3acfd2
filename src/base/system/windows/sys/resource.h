/* Windows has no limit of open sockets. */
#ifndef QUERN_WINDOWS_RESOURCE_H
#define QUERN_WINDOWS_RESOURCE_H

#define RLIMIT_NOFILE 7

typedef unsigned long long rlim_t;
struct rlimit {
    rlim_t rlim_cur, rlim_max;
};

static inline int getrlimit(int what, struct rlimit *limit)
{
    (void)what;
    *limit = (struct rlimit){UINT64_MAX, UINT64_MAX};
    return 0;
}

static inline int setrlimit(int what, const struct rlimit *limit)
{
    (void)what;
    (void)limit;
    return 0;
}

#endif
