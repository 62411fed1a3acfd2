/* fts(3): goes through folders. A folder is given once, before what is in it (no FTS_DP). */
#ifndef QUERN_WINDOWS_FTS_H
#define QUERN_WINDOWS_FTS_H

#define FTS_PHYSICAL 1
#define FTS_NOCHDIR 2
#define FTS_ROOTLEVEL 0
#define FTS_SKIP 1
enum { FTS_D, FTS_DP, FTS_DNR, FTS_ERR, FTS_F, FTS_NS, FTS_SL, FTS_DEFAULT };

typedef struct quern_windows_walk FTS;
typedef struct quern_windows_place {
    struct quern_windows_place *next;
    char *fts_path, *fts_name; /* the name is the end of the path */
    int fts_level, fts_info, fts_errno;
    int is_skipped;
    struct stat fts_status, *fts_statp;
} FTSENT;

#define fts_open quern_windows_walk_open
#define fts_read quern_windows_walk_read
#define fts_set quern_windows_walk_set
#define fts_close quern_windows_walk_close
FTS *quern_windows_walk_open(char *const *roots, int options, int (*compare)(const FTSENT **a, const FTSENT **b));
FTSENT *quern_windows_walk_read(FTS *walk);
int quern_windows_walk_set(FTS *walk, FTSENT *entry, int what); /* FTS_SKIP */
int quern_windows_walk_close(FTS *walk);

#endif
