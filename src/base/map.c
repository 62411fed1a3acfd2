#include "base/map.h"

#include "base/error.h"
#include "base/system/system.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS 64 /* maps open at once */

/* One open map, as the handler of faults sees it. The map of a fault is not opened or closed at that time, because the
 * thread is reading it. Other maps may be. So the handler passes over a slot that is being changed, which its
 * generation shows: it cannot be the slot of the fault. */
struct slot {
    atomic_uint generation;       /* odd while begin and end are being changed */
    _Atomic uintptr_t begin, end; /* both 0: free */
    _Atomic uintptr_t lost;       /* address of a page that was lost, or 0 */
};

static struct slot table[SLOTS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows, and writing to the table */
static int open_maps;

static struct slot *slot_of(uintptr_t address)
{
    for (struct slot *slot = table; slot < table + SLOTS; slot++) {
        unsigned generation = atomic_load(&slot->generation);
        uintptr_t begin = atomic_load(&slot->begin), end = atomic_load(&slot->end);
        if (generation % 2 == 0 && atomic_load(&slot->generation) == generation && begin <= address && address < end)
            return slot;
    }
    return NULL;
}

/* Zeros instead of a page that cannot be read, so that the read goes on. */
static bool replace_page(uintptr_t address)
{
    struct slot *slot = slot_of(address);
    uintptr_t from;
    if (slot == NULL || !quern_system_blank(address, atomic_load(&slot->begin), atomic_load(&slot->end), &from))
        return false;
    atomic_store(&slot->lost, from);
    return true;
}

static void slot_set(struct slot *slot, uintptr_t begin, uintptr_t end)
{
    atomic_fetch_add(&slot->generation, 1);
    atomic_store(&slot->begin, begin);
    atomic_store(&slot->end, end);
    atomic_store(&slot->lost, 0);
    atomic_fetch_add(&slot->generation, 1);
}

/* Returns the slot's number, or -1 when all are taken. */
static int slot_take(const unsigned char *data, size_t size)
{
    int number = -1;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < SLOTS && number < 0; i++)
        if (atomic_load(&table[i].end) == 0)
            number = i;
    if (number >= 0) {
        quern_system_catch_faults(replace_page);
        slot_set(&table[number], (uintptr_t)data, (uintptr_t)data + size);
        open_maps++;
    }
    pthread_mutex_unlock(&lock);
    return number;
}

/* Checks what was opened, and notes its size and time. */
static int measure(struct quern_map *map, int file, const char *path, quern_error *error)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return quern_fail(error, QUERN_EIO, "cannot read %s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return quern_fail(error, QUERN_EIO, "cannot read %s: it is a folder; name a file in it", path);
    if (!S_ISREG(status.st_mode))
        return quern_fail(error, QUERN_EIO, "cannot read %s: it is not a regular file", path);
    if (status.st_size == 0)
        return quern_fail(error, QUERN_EIO, "cannot read %s: it is empty", path);
    if ((uintmax_t)status.st_size > PTRDIFF_MAX)
        return quern_fail(error, QUERN_EIO, "cannot read %s: it is too large for this machine", path);
    map->size = map->kept = (size_t)status.st_size;
    map->modified = status.st_mtim;
    return QUERN_OK;
}

int quern_map_open(struct quern_map *map, const char *path, quern_error *error)
{
    struct quern_map opened = {.slot = -1};
    void *data = NULL;
    *map = opened;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* do not wait for a FIFO's writer */
    if (file < 0)
        return quern_fail(error, QUERN_EIO, "cannot open %s: %s", path, strerror(errno));
    int code = measure(&opened, file, path, error);
    if (code != QUERN_OK)
        goto out;
    opened.file = file;
    opened.path = malloc(strlen(path) + 1);
    if (opened.path == NULL) {
        code = quern_fail(error, QUERN_ENOMEM, "no memory to open %s", path);
        goto out;
    }
    strcpy(opened.path, path);
    data = quern_system_map(file, opened.size);
    if (data == NULL) {
        code = quern_fail(error, errno == ENOMEM ? QUERN_ENOMEM : QUERN_EIO, "cannot map %s (%zu bytes): %s", path,
                          opened.size, strerror(errno));
        goto out;
    }
    opened.data = data;
    opened.slot = slot_take(data, opened.size);
    if (opened.slot < 0)
        code = quern_fail(error, QUERN_EIO, "cannot map %s: %d files are mapped already", path, SLOTS);
out:
    if (code == QUERN_OK) {
        *map = opened;
        return QUERN_OK;
    }
    if (data != NULL)
        quern_system_unmap(data, opened.size);
    free(opened.path);
    close(file);
    return code;
}

/* Whether a page could not be read, without the path. */
static int look_at_pages(const struct quern_map *map, quern_error *error)
{
    const uintptr_t lost = atomic_load(&table[map->slot].lost);
    if (lost == 0)
        return QUERN_OK;
    return quern_fail(error, QUERN_EIO, "the file was cut off or its disk failed while it was in use: byte %zu could "
                      "not be read; open it again", (size_t)(lost - (uintptr_t)map->data));
}

/* What an open file is now. */
struct file_state {
    uint64_t bytes;
    struct timespec modified;
};

/* What was lost since the file was opened, without its path. Writes what it is now to *now. */
static int look_kept(const struct quern_map *map, struct file_state *now, quern_error *error)
{
    QUERN_TRY(look_at_pages(map, error));
    if (quern_system_look_at_file(map->file, &now->bytes, &now->modified) != 0)
        return quern_fail(error, QUERN_EIO, "the file cannot be examined any more: %s", strerror(errno));
    if (now->bytes < map->kept)
        return quern_fail(error, QUERN_EIO, "the file was cut off while it was in use: it had %zu bytes, now %ju; "
                          "open it again", map->size, (uintmax_t)now->bytes);
    return QUERN_OK;
}

/* What has happened to the file since it was opened, without its path. */
static int look(const struct quern_map *map, quern_error *error)
{
    struct file_state now;
    QUERN_TRY(look_kept(map, &now, error));
    if (now.bytes != map->size || now.modified.tv_sec != map->modified.tv_sec ||
        now.modified.tv_nsec != map->modified.tv_nsec)
        return quern_fail(error, QUERN_EIO, "the file was written to while it was in use; open it again, and replace a "
                          "file in use by moving the new one over it");
    return QUERN_OK;
}

int quern_map_check(const struct quern_map *map, quern_error *error)
{
    if (map->slot < 0)
        return QUERN_OK;
    const int code = look(map, error);
    return code == QUERN_OK ? QUERN_OK : quern_fail_in(error, code, map->path);
}

int quern_map_check_kept(const struct quern_map *map, quern_error *error)
{
    struct file_state now;
    if (map->slot < 0)
        return QUERN_OK;
    const int code = look_kept(map, &now, error);
    return code == QUERN_OK ? QUERN_OK : quern_fail_in(error, code, map->path);
}

int quern_map_check_pages(const struct quern_map *map, quern_error *error)
{
    if (map->slot < 0)
        return QUERN_OK;
    const int code = look_at_pages(map, error);
    return code == QUERN_OK ? QUERN_OK : quern_fail_in(error, code, map->path);
}

void quern_map_forget(const struct quern_map *map, size_t offset, size_t length)
{
    if (map->slot < 0 || offset > map->size || length > map->size - offset)
        return;
    size_t page = quern_system_page_size();
    size_t begin = (offset + page - 1) / page * page, end = (offset + length) / page * page;
    if (begin < end)
        quern_system_forget((unsigned char *)map->data + begin, end - begin);
}

void quern_map_close(struct quern_map *map)
{
    if (map->data == NULL || map->slot < 0)
        return;
    pthread_mutex_lock(&lock);
    slot_set(&table[map->slot], 0, 0);
    if (--open_maps == 0)
        quern_system_leave_faults();
    pthread_mutex_unlock(&lock);
    quern_system_unmap((void *)map->data, map->size);
    free(map->path);
    close(map->file);
    *map = (struct quern_map){.slot = -1};
}
