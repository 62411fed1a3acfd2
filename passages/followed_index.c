#include "followed_index.h"

#include "jobs_error.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { SETTLED_NS = 50000000 }; /* the clock of files may stand still for some milliseconds */

static int64_t ns_of(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Whether the last change of a file is so old that the next one must have another time. */
static bool is_settled(const struct stat *status)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return ns_of(now) - ns_of(status->st_mtim) > SETTLED_NS;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           ns_of(a->st_mtim) == ns_of(b->st_mtim);
}

int quern_followed_index_look(struct quern_followed_index *followed, quern_error *error)
{
    struct quern_followed_index next = {.path = followed->path, .options = followed->options,
                                        .info.size = sizeof next.info};
    if (stat(followed->path, &next.seen) != 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", followed->path, strerror(errno));
    next.is_settled = is_settled(&next.seen);
    if (followed->index != NULL && is_same(&next.seen, &followed->seen) && (followed->is_settled || !next.is_settled))
        return QUERN_OK;
    int code = quern_index_open(&next.index, next.path, error);
    if (code == QUERN_OK)
        code = quern_index_describe(next.index, &next.info, error);
    if (code == QUERN_OK)
        code = quern_searcher_new(&next.searcher, next.index, &next.options, error);
    if (code != QUERN_OK) {
        quern_followed_index_close(&next);
        return code;
    }
    quern_followed_index_close(followed);
    *followed = next;
    return QUERN_OK;
}

void quern_followed_index_close(struct quern_followed_index *followed)
{
    quern_searcher_free(followed->searcher);
    quern_index_close(followed->index);
    followed->searcher = NULL;
    followed->index = NULL;
}
