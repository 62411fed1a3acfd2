/* The models that the process has open, which the main thread and worker threads share. */
#include "node_addon.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

struct quern_node_shared_model {
    struct quern_node_shared_model *next;
    struct stat file; /* of which device, inode, size and time tell whether it is the same file */
    int context_length;
    quern_model *model;
    size_t users;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows; also held while a file is opened */
static struct quern_node_shared_model *first_shared;

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct quern_node_shared_model *find_shared(const struct stat *file, int context_length)
{
    struct quern_node_shared_model *shared = first_shared;
    while (shared != NULL && (shared->context_length != context_length || !is_same_file(&shared->file, file)))
        shared = shared->next;
    return shared;
}

/* A model whose file is replaced while it is opened is given to nobody else. */
static int open_shared(struct quern_node_shared_model **shared, const char *path, const struct stat *before,
                       const quern_model_options *options, quern_error *error)
{
    struct stat after = {0};
    struct quern_node_shared_model *made = calloc(1, sizeof *made);
    if (made == NULL) {
        quern_node_set_error(error, QUERN_ENOMEM, "there is no memory");
        return QUERN_ENOMEM;
    }
    const int code = quern_model_open(&made->model, path, options, error);
    if (code != QUERN_OK) {
        free(made);
        return code;
    }
    if (stat(path, &after) == 0 && is_same_file(before, &after))
        made->file = after;
    made->context_length = options->context_length;
    made->next = first_shared;
    *shared = first_shared = made;
    return QUERN_OK;
}

int quern_node_share_model(struct quern_node_shared_model **shared, const char *path,
                           const quern_model_options *options, quern_error *error)
{
    struct stat file = {0};
    int code = QUERN_OK;
    pthread_mutex_lock(&lock);
    *shared = stat(path, &file) == 0 ? find_shared(&file, options->context_length) : NULL;
    if (*shared == NULL)
        code = open_shared(shared, path, &file, options, error);
    if (code == QUERN_OK)
        (*shared)->users++;
    pthread_mutex_unlock(&lock);
    return code;
}

quern_model *quern_node_shared_model_of(const struct quern_node_shared_model *shared)
{
    return shared->model;
}

void quern_node_unshare_model(struct quern_node_shared_model *shared)
{
    if (shared == NULL)
        return;
    pthread_mutex_lock(&lock);
    if (--shared->users == 0) {
        struct quern_node_shared_model **place = &first_shared;
        while (*place != shared)
            place = &(*place)->next;
        *place = shared->next;
        quern_model_close(shared->model);
        free(shared);
    }
    pthread_mutex_unlock(&lock);
}
