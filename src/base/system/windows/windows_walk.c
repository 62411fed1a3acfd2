#include "fts.h"

#include "base/system/windows/windows_paths.h"

#include <windows.h>

struct quern_windows_walk {
    FTSENT *pending; /* what is to be given, in order */
    FTSENT *given;   /* the last; NULL: none yet */
    int (*compare)(const FTSENT **a, const FTSENT **b);
};

static void free_place(FTSENT *place)
{
    if (place != NULL)
        free(place->fts_path);
    free(place);
}

/* Junctions and symbolic links stand for another name: they are not followed. Other reparse points are files that the
 * system keeps in a way of its own, such as without what other files have too. */
static bool is_link(const char *path)
{
    WIN32_FIND_DATAW found;
    wchar_t *wide = quern_windows_path(path);
    HANDLE search = wide != NULL ? FindFirstFileW(wide, &found) : INVALID_HANDLE_VALUE;
    free(wide);
    if (search == INVALID_HANDLE_VALUE)
        return false;
    FindClose(search);
    return (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 && IsReparseTagNameSurrogate(found.dwReserved0);
}

/* Whether Windows looks for another name, as it takes dots and spaces from the end. Other systems make such files. */
static bool is_unreachable(const char *name)
{
    const char last = name[0] != '\0' ? name[strlen(name) - 1] : 'x';
    return last == '.' || last == ' ';
}

static void examine(FTSENT *place)
{
    place->fts_statp = &place->fts_status;
    if (place->fts_level > FTS_ROOTLEVEL && is_link(place->fts_path)) {
        place->fts_info = FTS_SL;
    } else if (stat(place->fts_path, &place->fts_status) != 0) {
        place->fts_info = FTS_NS;
        place->fts_errno = is_unreachable(place->fts_name) ? EINVAL : errno; /* it is not one that was removed */
    } else {
        const unsigned mode = place->fts_status.st_mode;
        place->fts_info = S_ISDIR(mode) ? FTS_D : S_ISREG(mode) ? FTS_F : FTS_DEFAULT;
    }
}

/* Makes the place of a name in a folder; folder NULL: of a root. */
static FTSENT *make_place(const FTSENT *folder, const char *name)
{
    const size_t before = folder != NULL ? strlen(folder->fts_path) : 0;
    FTSENT *place = calloc(1, sizeof *place);
    char *path = malloc(before + strlen(name) + 2);
    if (place == NULL || path == NULL) {
        free(place);
        free(path);
        return NULL;
    }
    const bool has_slash = before > 0 && (folder->fts_path[before - 1] == '/' || folder->fts_path[before - 1] == '\\');
    sprintf(path, "%s%s%s", folder != NULL ? folder->fts_path : "", folder == NULL || has_slash ? "" : "/", name);
    place->fts_path = path;
    place->fts_name = folder != NULL ? path + strlen(path) - strlen(name) : path;
    place->fts_level = folder != NULL ? folder->fts_level + 1 : FTS_ROOTLEVEL;
    return place;
}

/* The places of a folder, or of the roots. */
struct places {
    FTSENT **list;
    size_t count;
};

static bool add_place(struct places *places, FTSENT *place)
{
    FTSENT **longer = place != NULL ? reallocarray(places->list, places->count + 1, sizeof *longer) : NULL;
    if (longer == NULL) {
        free_place(place);
        return false;
    }
    places->list = longer;
    longer[places->count++] = place;
    return true;
}

/* Puts places in order before what is pending. */
static void put_before(FTS *walk, struct places *places)
{
    if (walk->compare != NULL && places->count > 1)
        qsort(places->list, places->count, sizeof *places->list,
              (int (*)(const void *, const void *))(void (*)(void))walk->compare);
    for (size_t i = places->count; i > 0; i--) {
        places->list[i - 1]->next = walk->pending;
        walk->pending = places->list[i - 1];
    }
    free(places->list);
}

/* Puts what is in a folder before what is pending. false: no memory. */
static bool expand(FTS *walk, FTSENT *folder)
{
    struct places places = {NULL, 0};
    DIR *open = opendir(folder->fts_path);
    if (open == NULL) {
        folder->fts_info = FTS_DNR;
        folder->fts_errno = errno;
        return true;
    }
    bool is_full = true;
    for (const struct dirent *entry; is_full && (entry = readdir(open)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            is_full = add_place(&places, make_place(folder, entry->d_name));
    closedir(open);
    put_before(walk, &places);
    return is_full;
}

FTS *quern_windows_walk_open(char *const *roots, int options, int (*compare)(const FTSENT **a, const FTSENT **b))
{
    (void)options;
    struct places places = {NULL, 0};
    FTS *walk = calloc(1, sizeof *walk);
    if (walk == NULL)
        return NULL;
    walk->compare = compare;
    bool is_full = true;
    for (; is_full && *roots != NULL; roots++)
        is_full = add_place(&places, make_place(NULL, *roots));
    put_before(walk, &places);
    if (is_full)
        return walk;
    fts_close(walk);
    return NULL;
}

FTSENT *quern_windows_walk_read(FTS *walk)
{
    FTSENT *folder = walk->given;
    if (folder != NULL && folder->fts_info == FTS_D && !folder->is_skipped) {
        if (!expand(walk, folder)) {
            errno = ENOMEM;
            return NULL;
        }
        if (folder->fts_info == FTS_DNR) /* it is given again, and says so */
            return folder;
    }
    free_place(folder);
    walk->given = walk->pending;
    if (walk->given == NULL) {
        errno = 0;
        return NULL;
    }
    walk->pending = walk->given->next;
    examine(walk->given);
    return walk->given;
}

int quern_windows_walk_set(FTS *walk, FTSENT *entry, int what)
{
    (void)walk;
    entry->is_skipped = what == FTS_SKIP;
    return 0;
}

int quern_windows_walk_close(FTS *walk)
{
    free_place(walk->given);
    for (FTSENT *place = walk->pending, *next; place != NULL; place = next) {
        next = place->next;
        free_place(place);
    }
    free(walk);
    return 0;
}
