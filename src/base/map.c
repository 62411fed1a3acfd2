#include "base/map.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS 64 /* maps open at once */

/* One open map, as the signal handler sees it. The map of a fault is not opened or closed at that time, because the
 * thread is reading it. Other maps may be. So the handler passes over a slot that is being changed, which its
 * generation shows: it cannot be the slot of the fault. */
struct slot {
    atomic_uint generation;       /* odd while begin and end are being changed */
    _Atomic uintptr_t begin, end; /* both 0: free */
    _Atomic uintptr_t lost;       /* address of a page that was lost, or 0 */
    int file;                     /* descriptor, not for the handler */
};

static struct slot table[SLOTS];
static atomic_size_t page_size;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows, and writing to the table */
static int open_maps;
static bool installed;
static struct sigaction previous; /* read by the handler; changes only while ours is not in place */

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

/* A page of zeros instead of the lost one, so that the faulting read goes on. mmap is a bare system call on Linux. */
static bool replace_page(uintptr_t address)
{
    struct slot *slot = slot_of(address);
    if (slot == NULL)
        return false;
    size_t size = atomic_load(&page_size);
    uintptr_t page = address / size * size;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (mmap((void *)page, size, PROT_READ, flags, -1, 0) == MAP_FAILED)
        return false;
    atomic_store(&slot->lost, page);
    return true;
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    bool sent = info->si_code <= 0; /* by kill and the like; else by a fault, which comes again when we return */
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else if (!sent || previous.sa_handler == SIG_DFL) { /* the kernel does not let a fault be ignored either */
        signal(number, SIG_DFL);
        if (sent)
            raise(number);
    }
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code <= 0 || !replace_page((uintptr_t)info->si_addr))
        pass_on(number, info, context);
    errno = saved;
}

/* Another library may put its own handler over ours. It must pass on other faults, so ours is installed only once. */
static void install_handler(void)
{
    if (installed)
        return;
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&action.sa_mask);
    atomic_store(&page_size, (size_t)sysconf(_SC_PAGESIZE));
    sigaction(SIGBUS, NULL, &previous);
    sigaction(SIGBUS, &action, NULL);
    installed = true;
}

/* If another handler was put over ours, both stay: the other one may call ours. */
static void remove_handler(void)
{
    struct sigaction current;
    sigaction(SIGBUS, NULL, &current);
    if (!(current.sa_flags & SA_SIGINFO) || current.sa_sigaction != on_bus_error)
        return;
    sigaction(SIGBUS, &previous, NULL);
    installed = false;
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
static int slot_take(const unsigned char *data, size_t size, int file)
{
    int number = -1;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < SLOTS && number < 0; i++)
        if (atomic_load(&table[i].end) == 0)
            number = i;
    if (number >= 0) {
        install_handler();
        slot_set(&table[number], (uintptr_t)data, (uintptr_t)data + size);
        table[number].file = file;
        open_maps++;
    }
    pthread_mutex_unlock(&lock);
    return number;
}

/* Checks what was opened, and gives its size. */
static int measure(int file, const char *path, size_t *size, quern_error *error)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return quern_fail(error, QUERN_EIO, "cannot read %s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return quern_fail(error, QUERN_EIO, "cannot read %s: it is a directory", path);
    if (!S_ISREG(status.st_mode))
        return quern_fail(error, QUERN_EIO, "cannot read %s: it is not a regular file", path);
    if (status.st_size == 0)
        return quern_fail(error, QUERN_EIO, "cannot read %s: it is empty", path);
    if ((uintmax_t)status.st_size > PTRDIFF_MAX)
        return quern_fail(error, QUERN_EIO, "cannot read %s: it is too large for this machine", path);
    *size = (size_t)status.st_size;
    return QUERN_OK;
}

int quern_map_open(struct quern_map *map, const char *path, quern_error *error)
{
    *map = (struct quern_map){.slot = -1};
    size_t size = 0;
    void *data = MAP_FAILED;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* do not wait for a FIFO's writer */
    if (file < 0)
        return quern_fail(error, QUERN_EIO, "cannot open %s: %s", path, strerror(errno));
    int code = measure(file, path, &size, error);
    if (code != QUERN_OK)
        goto out;
    data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) {
        code = quern_fail(error, errno == ENOMEM ? QUERN_ENOMEM : QUERN_EIO, "cannot map %s (%zu bytes): %s", path,
                          size, strerror(errno));
        goto out;
    }
    *map = (struct quern_map){.data = data, .size = size, .slot = slot_take(data, size, file)};
    if (map->slot < 0)
        code = quern_fail(error, QUERN_EIO, "cannot map %s: %d files are mapped already", path, SLOTS);
out:
    if (code != QUERN_OK) {
        if (data != MAP_FAILED)
            munmap(data, size);
        close(file);
        *map = (struct quern_map){.slot = -1};
    }
    return code;
}

int quern_map_check(const struct quern_map *map, quern_error *error)
{
    if (map->slot < 0)
        return QUERN_OK;
    struct slot *slot = &table[map->slot];
    uintptr_t lost = atomic_load(&slot->lost);
    if (lost != 0)
        return quern_fail(error, QUERN_EIO, "the file was cut off or its disk failed while it was in use: byte %zu "
                          "could not be read; open it again", (size_t)(lost - (uintptr_t)map->data));
    struct stat status;
    if (fstat(slot->file, &status) == 0 && (uintmax_t)status.st_size < map->size)
        return quern_fail(error, QUERN_EIO, "the file was cut off while it was in use: it had %zu bytes, now %jd; "
                          "open it again", map->size, (intmax_t)status.st_size);
    return QUERN_OK;
}

void quern_map_forget(const struct quern_map *map, size_t offset, size_t length)
{
    if (map->slot < 0 || offset > map->size || length > map->size - offset)
        return;
    size_t page = atomic_load(&page_size);
    size_t begin = (offset + page - 1) / page * page, end = (offset + length) / page * page;
    if (begin < end)
        madvise((unsigned char *)map->data + begin, end - begin, MADV_DONTNEED);
}

void quern_map_close(struct quern_map *map)
{
    if (map->data == NULL || map->slot < 0)
        return;
    pthread_mutex_lock(&lock);
    int file = table[map->slot].file;
    slot_set(&table[map->slot], 0, 0);
    if (--open_maps == 0)
        remove_handler();
    pthread_mutex_unlock(&lock);
    munmap((void *)map->data, map->size);
    close(file);
    *map = (struct quern_map){.slot = -1};
}
